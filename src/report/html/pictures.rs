//! Pictures of what the claims say, beside the claims that they belong to: computed when the page is made.

use maud::{Markup, html};

use crate::claims::CheckError;
use crate::claims::curves::{bad_samples, contraction, degrees, head_entropy, local_limits};
use crate::report::html::chart::{Axis, Chart, Entry, Shape};
use crate::report::html::told::Told;

/// A picture with what one sees and how it was computed.
pub(super) struct Picture {
    pub chart: Chart,
    pub caption: Markup,
}

/// A picture that a page may have.
pub(super) struct Subject {
    /// An address of its own.
    pub id: &'static str,
    pub title: &'static str,
    /// The claims that it is about: a page about none of them is without it.
    pub claims: &'static [&'static str],
    pub picture: fn() -> Result<Picture, CheckError>,
}

/// In the order of the page.
pub(super) const SUBJECTS: [Subject; 5] = [
    Subject {
        id: "picture-contraction",
        title: "A Newton step in two norms",
        claims: &[
            "dls23/contraction-04",
            "dls23/contraction-hessian-norm",
            "dls23/shrinking-euclidean",
        ],
        picture: steps,
    },
    Subject {
        id: "picture-samples",
        title: "How many rows a sample needs",
        claims: &[
            "sampling/spectral-guarantee",
            "sampling/leverage-draws-without-epsilon",
            "leverage-regression/rank-probability",
        ],
        picture: samples,
    },
    Subject {
        id: "picture-limits",
        title: "Where federated averaging ends",
        claims: &[
            "federated-softmax/limit-is-the-minimiser",
            "federated-softmax/limit-distance",
            "federated-softmax/limit-of-single-steps",
        ],
        picture: limits,
    },
    Subject {
        id: "picture-entropy",
        title: "Real attention at two scales",
        claims: &[
            "exact-attention/entropy-of-scale",
            "exact-attention/entropy-floor",
        ],
        picture: entropy,
    },
    Subject {
        id: "picture-degrees",
        title: "The window of degrees",
        claims: &[
            "polynomial-attention/degree-window",
            "polynomial-attention/high-degree-separates",
        ],
        picture: window,
    },
];

/// The figure, with the verdicts of its claims.
pub(super) fn figure(subject: &Subject, picture: &Picture, claims: &[Told<'_>]) -> Markup {
    let about = claims
        .iter()
        .filter(|told| subject.claims.contains(&told.claim.id));
    html! {
        figure id=(subject.id) {
            h3 { (subject.title) }
            (picture.chart.picture())
            (picture.chart.legend())
            figcaption {
                (picture.caption)
                @for told in about {
                    " " span.verdict.(told.verdict()) { (told.verdict()) } ": " a href={ "#" (told.claim.id) } { (told.claim.id) } "."
                }
            }
        }
    }
}

fn curve(name: impl Into<String>, points: Vec<(f64, f64)>) -> Entry {
    Entry {
        name: name.into(),
        shape: Shape::Curve(points),
    }
}

fn steps() -> Result<Picture, CheckError> {
    let found = contraction()?;
    Ok(Picture {
        chart: Chart {
            described: "Share of the error that one step leaves, over the condition number of the Hessian, both logarithmic: \
                        constant for an approximate Newton step in the norm of the Hessian, growing past 0.4 and 1 in the Euclidean norm"
                .to_owned(),
            across: Axis::decades("condition number of the Hessian", (0, 6), 1),
            upright: Axis::decades("error after / error before", (-2, 2), 1),
            entries: vec![
                curve("approximate Newton step, Euclidean norm", found.newton_euclidean),
                curve("the same step, norm of the Hessian", found.newton_hessian),
                curve("step of gradient descent, either norm", found.gradient),
                Entry {
                    name: "0.4, as printed".to_owned(),
                    shape: Shape::Levels(vec![0.4]),
                },
            ],
        },
        caption: html! {
            "One step with the worst Hessian within 5 % of the true one, from the edge of the theorem's premise along the stiffest direction. In the norm "
            "of the Hessian it leaves the same share of the error at every condition number; in the Euclidean norm the share grows like its "
            "square root. A step of gradient descent has the best length, 2 / (\u{3bb}" sub { "min" } " + \u{3bb}" sub { "max" } "). "
            "At 40 digits, from the oracle, for A = [[1, s], [1, -s]] / 16, b = (1, 1) / 2, w = 16, s from 1 to 2" sup { "-9" } "."
        },
    })
}

fn samples() -> Result<Picture, CheckError> {
    let found = bad_samples();
    let mut entries = vec![curve("full rank is missed", found.rank)];
    let mut rings = Vec::new();
    for accuracy in found.accuracies {
        let name = format!("\u{3b5} = 1/{} is missed", accuracy.inverse);
        entries.push(curve(name, accuracy.curve));
        rings.push(accuracy.enough);
    }
    entries.push(Entry {
        name: format!(
            "10 d ln(d/\u{3b4}), without \u{3b5}: {} draws",
            found.without_accuracy
        ),
        shape: Shape::Upright(found.without_accuracy),
    });
    entries.push(Entry {
        name: "3 \u{3b5}\u{207b}\u{b2} d ln(2d/\u{3b4}), proven enough".to_owned(),
        shape: Shape::Rings(rings),
    });
    let quarters = [0.0, 0.25, 0.5, 0.75, 1.0];
    Ok(Picture {
        chart: Chart {
            described: "Probability of a bad sample over the number of rows drawn, on a logarithmic axis: each halving of epsilon moves the \
                        curve to four times as many rows, while the count without epsilon stays where it is"
                .to_owned(),
            across: Axis::decades("rows drawn", (0, 4), 1),
            upright: Axis::linear("probability of a bad sample", (0.0, 1.0), &quarters),
            entries,
        },
        caption: html! {
            "A is the identity with d = " (found.columns) ", so that every row has leverage 1 and A'D\u{303}A counts how often each was drawn. "
            "Half the \u{3b5} takes four times the rows: a count without \u{3b5} is enough for one accuracy and not for the next. \u{3b4} = 1/"
            (found.delta.recip()) ". Exact probabilities, by counting: a multinomial distribution, nothing is drawn; jumps come from counts being whole."
        },
    })
}

fn limits() -> Result<Picture, CheckError> {
    let found = local_limits()?;
    let mut entries: Vec<Entry> = Vec::new();
    for one in found.steps {
        entries.push(curve(
            format!("\u{3b7} = 1/{}", one.inverse_step),
            one.curve,
        ));
    }
    entries.push(Entry {
        name: "mean of the clients' own minimisers".to_owned(),
        shape: Shape::Levels(vec![found.own_minimisers]),
    });
    let top = (100.0 * found.own_minimisers).ceil() / 100.0;
    let ticks: Vec<f64> = (0..=4).map(|k| top * f64::from(k) / 4.0).collect();
    let steps = [1.0, 8.0, 16.0, 24.0, 32.0, 40.0, 48.0];
    Ok(Picture {
        chart: Chart {
            described: "Distance between the point where rounds of K local steps come to rest and the minimiser, over K: zero for one step, and \
                        growing towards the mean of the clients' own minimisers"
                .to_owned(),
            across: Axis::linear("local steps K", (1.0, 48.0), &steps),
            upright: Axis::linear("distance of the limit from the minimiser", (0.0, top), &ticks),
            entries,
        },
        caption: html! {
            "Federated averaging converges, and with one local step to the minimiser x* of the mean loss; with more it ends at a point of its "
            "own, which no number of rounds leaves. Two clients, d = 1: the recorded witness of the claim. Both points by Newton's method at 40 digits, "
            "so that no run was waited for."
        },
    })
}

fn entropy() -> Result<Picture, CheckError> {
    let found = head_entropy()?;
    let most = (found.keys as f64).ln();
    let [even, peaked] = found.means;
    Ok(Picture {
        chart: Chart {
            described: format!(
                "Entropy of the weights of every query of a real attention head, sorted: near its largest value {most:.2} with the scale d, \
                 spread below it with the scale sqrt(d)"
            ),
            across: Axis::linear(
                "share of the queries",
                (0.0, 1.0),
                &[0.0, 0.25, 0.5, 0.75, 1.0],
            ),
            upright: Axis::linear(
                "entropy of the weights, nats",
                (0.0, 7.0),
                &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0],
            ),
            entries: vec![
                curve(
                    format!("scale d = {}, the thesis's", found.width),
                    found.scale_d,
                ),
                curve("scale \u{221a}d, the models'", found.scale_root_d),
                Entry {
                    name: format!("ln {}: all weights equal", found.keys),
                    shape: Shape::Levels(vec![most]),
                },
            ],
        },
        caption: html! {
            "Divided by d instead of \u{221a}d, the logits of a trained head hardly tell its keys apart: " (format!("{even:.2}")) " nats in the mean against "
            (format!("{peaked:.2}")) ", of at most " (format!("{most:.2}")) ". Queries sorted by the entropy of their weights. Layer 0, head 5 of the language model whose heads ship with the "
            "program, " (found.keys) " tokens, in f64."
        },
    })
}

fn window() -> Result<Picture, CheckError> {
    let found = degrees()?;
    let ((small, silent), (large, loud)) = (found.small, found.large);
    let mut entries = vec![
        curve(format!("excess {large}, to fire"), loud),
        curve(format!("excess {small}, to stay silent"), silent),
    ];
    if let Some((first, last)) = found.window {
        entries.push(Entry {
            name: format!(
                "degrees {first} to {last}: both right but for {}",
                found.failure
            ),
            shape: Shape::Band(first as f64, last as f64),
        });
    }
    let sizes = found.sizes;
    Ok(Picture {
        chart: Chart {
            described: "Probability that a network of polynomial attention fires, over its degree on a logarithmic axis: the large excess fires from a \
                        first degree on, the small one stays silent up to a last degree"
                .to_owned(),
            across: Axis::decades("degree of the polynomial", (0, 3), 1),
            upright: Axis::linear("probability that it fires", (0.0, 1.0), &[0.0, 0.25, 0.5, 0.75, 1.0]),
            entries,
        },
        caption: html! {
            "A network of polynomial attention that is to tell two data sets apart by the excess of one token. Too low a degree misses the large excess, too high a "
            "degree fires at the small one as well: a high degree alone does not separate. d = " (sizes.width) ", " (sizes.copies) " tokens of each class, b = " (sizes.class_weight)
            ", \u{3ba} = " (sizes.margin) ", " (sizes.signs) " sign vectors. Exact sums of binomial tails at 40 digits."
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_picture_is_about_claims_of_the_catalogue() {
        let catalogue = crate::claims::all();
        for subject in &SUBJECTS {
            assert!(!subject.claims.is_empty());
            for id in subject.claims {
                assert!(catalogue.iter().any(|claim| claim.id == *id), "{id}");
            }
        }
    }

    /// Every number that a picture shows lies on its axes, but for those at the ends of logarithms; the drawings are read when they change.
    #[test]
    fn pictures_show_what_was_computed() {
        let mut drawings = String::new();
        for subject in &SUBJECTS {
            let Picture { chart, caption } = (subject.picture)().unwrap();
            let drawing = chart.picture().into_string() + &chart.legend().into_string();
            drawings.push_str(&format!("{}\n{drawing}\n", subject.title));
            assert!(!caption.into_string().is_empty() && !chart.described.is_empty());
            for entry in &chart.entries {
                let seen = match &entry.shape {
                    Shape::Curve(points) => {
                        let seen = points.iter().filter(|point| chart.place(**point).is_some());
                        seen.count() + 1 >= points.len()
                    }
                    Shape::Rings(points) => {
                        points.iter().all(|point| chart.place(*point).is_some())
                    }
                    Shape::Levels(_) | Shape::Upright(_) => true,
                    Shape::Band(from, to) => from < to,
                };
                assert!(seen, "{}: {}", subject.id, entry.name);
            }
        }
        insta::assert_snapshot!("drawings", drawings.replace("><", ">\n<"));
    }
}
