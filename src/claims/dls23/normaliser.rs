//! The normaliser `alpha(x) = <exp(Ax), 1>`: its lower bound (Lemma 2.1.20, E7), and how far `exp(Ax)`, `alpha` and its
//! inverse are Lipschitz (DLS23 Lemma 7.2 parts 1 to 3).

use crate::claims::dls23::pair::{Bound, Number, Pair, Target, decide};
use crate::claims::dls23::pair_search::{search, search_both};
use crate::claims::{
    Case, CheckError, Claim, Control, Expected, Family, Paper, Stratum, Verdict, Weights, Wording,
};
use crate::scalar::High;

/// Bounds R that random cases keep to, one after the other.
const RADII: &[f64] = &[0.015625, 0.125, 1.0, 4.0];

const FAMILY: Family = Family {
    rows: (1, 6),
    columns: (1, 3),
    radii: RADII,
    weights: Weights::Zero,
    points: 2,
    cases: 56,
    ..Family::GENERAL
};

/// One row makes both sides equal where a sum is compared with a norm.
const SEVERAL_ROWS: Family = Family {
    rows: (2, 6),
    ..FAMILY
};

const STRATA: &[Stratum] = &[
    Stratum::Condition(0),
    Stratum::Condition(1),
    Stratum::Condition(2),
    Stratum::Condition(3),
    Stratum::Condition(4),
    Stratum::Condition(5),
    Stratum::Condition(6),
    Stratum::Gap(0),
    Stratum::Gap(1),
    Stratum::OneRow,
    Stratum::OneColumn,
    Stratum::Square,
];

const STRATA_OF_SEVERAL_ROWS: &[Stratum] = &[
    Stratum::Condition(0),
    Stratum::Condition(3),
    Stratum::Condition(6),
    Stratum::Gap(0),
    Stratum::Gap(1),
    Stratum::OneColumn,
    Stratum::Square,
];

/// `low <= alpha(x)`.
fn normaliser_above<T: Number>(pair: &Pair<T>, low: T) -> Result<Bound<T>, CheckError> {
    Ok(Bound {
        quantity: "lower bound of alpha(x)",
        observed: low,
        allowed: pair.at_x.alpha,
        terms: low,
    })
}

/// `exp(k R^2)` with `||A||, ||x|| <= R`.
fn exponential_at_x<T: Number>(pair: &Pair<T>, k: i64) -> T {
    let radius = pair.radius_at_x();
    (T::int(k) * radius * radius).exp()
}

/// `n exp(-R^2 / sqrt n)`.
fn jensen<T: Number>(pair: &Pair<T>) -> T {
    let (n, radius) = (pair.rows(), pair.radius_at_x());
    n * (-(radius * radius) / n.sqrt()).exp()
}

/// `exp(-R^2) <= beta`, for a `beta` that bounds `alpha(x)` from below.
fn beta_above<T: Number>(pair: &Pair<T>, beta: T) -> Result<Bound<T>, CheckError> {
    let low = exponential_at_x(pair, -1);
    Ok(Bound {
        quantity: "exp(-R^2) against a lower bound beta of alpha(x)",
        observed: low,
        allowed: beta,
        terms: low,
    })
}

/// The lemma for its quantifier "a lower bound": the largest one, and one that is positive and half as large as
/// `exp(-R^2)` or less. A statement about every lower bound must hold for both.
fn every_lower_bound(case: &Case) -> Result<Verdict, CheckError> {
    Ok(
        largest_lower_bound(case)?.and(decide(case, Target::Any, &|pair| {
            let beta = pair.at_x.alpha.min(exponential_at_x(pair, -1)) / High::int(2);
            beta_above(pair, beta)
        })?),
    )
}

fn largest_lower_bound(case: &Case) -> Result<Verdict, CheckError> {
    decide(case, Target::Any, &|pair| beta_above(pair, pair.at_x.alpha))
}

/// `|| u(x) ||_inf <= factor exp(R^2)`.
fn largest_exponential<T: Number>(pair: &Pair<T>, factor: T) -> Result<Bound<T>, CheckError> {
    let observed = pair.at_x.u.max();
    Ok(Bound {
        quantity: "||u(x)||_inf",
        observed,
        allowed: factor * exponential_at_x(pair, 1),
        terms: observed,
    })
}

/// `|| u(x) - u(y) ||_2 <= factor R exp(R^2) || x - y ||_2`.
fn exponential_change<T: Number>(pair: &Pair<T>, factor: T) -> Result<Bound<T>, CheckError> {
    let radius = pair.radius();
    Ok(Bound {
        quantity: "||u(x) - u(y)||",
        observed: (&pair.at_x.u - &pair.at_y.u).norm(),
        allowed: factor * radius * (radius * radius).exp() * pair.distance,
        terms: pair.at_x.alpha + pair.at_y.alpha,
    })
}

/// `| alpha(x) - alpha(y) | <= factor || u(x) - u(y) ||_2`.
fn normaliser_change<T: Number>(pair: &Pair<T>, factor: T) -> Result<Bound<T>, CheckError> {
    Ok(Bound {
        quantity: "|alpha(x) - alpha(y)|",
        observed: (pair.at_x.alpha - pair.at_y.alpha).abs(),
        allowed: factor * (&pair.at_x.u - &pair.at_y.u).norm(),
        terms: (pair.at_x.alpha + pair.at_y.alpha) * (T::one() + factor),
    })
}

/// `| 1 / alpha(x) - 1 / alpha(y) | <= beta^-2 | alpha(x) - alpha(y) |`.
fn inverse_change<T: Number>(pair: &Pair<T>, beta: T) -> Result<Bound<T>, CheckError> {
    let (left, right) = (pair.at_x.alpha, pair.at_y.alpha);
    let (inverse_left, inverse_right) = (T::one() / left, T::one() / right);
    Ok(Bound {
        quantity: "|1/alpha(x) - 1/alpha(y)|",
        observed: (inverse_left - inverse_right).abs(),
        allowed: (left - right).abs() / (beta * beta),
        terms: inverse_left + inverse_right + (left + right) / (beta * beta),
    })
}

/// The claims about the normaliser.
pub fn claims() -> Vec<Claim> {
    vec![
        Claim {
            id: "dls23/normaliser-every-lower-bound",
            paper: Paper::Dls23,
            source: "thesis Lemma 2.1.20, \"a lower bound\" read as every lower bound",
            wording: Wording::Derived,
            statement: "every lower bound beta of <exp(Ax), 1_n> satisfies beta >= exp(-R^2)",
            premise: "R > 0, ||A|| <= R, ||x||_2 <= R, beta <= <exp(Ax), 1_n>",
            expected: Expected::Fails,
            correction: Some("dls23/normaliser-lower-bound"),
            note: "Erratum E7: a number below a lower bound is a lower bound too, so this reading is false for every A and x. Tried with beta = alpha(x) and with a positive one of half of exp(-R^2) or less. For the largest lower bound the lemma is true (dls23/normaliser-lower-bound).",
            family: FAMILY,
            strata: STRATA,
            attack: None,
            real_rows: 24,
            check: every_lower_bound,
            control: Control {
                fault: "only beta = alpha(x), the largest lower bound",
                check: largest_lower_bound,
            },
            witness: Some(include_str!(
                "../../../fixtures/witnesses/dls23-normaliser-every-lower-bound.json"
            )),
        },
        Claim {
            id: "dls23/normaliser-lower-bound",
            paper: Paper::Dls23,
            source: "thesis Lemma 2.1.20, beta the largest lower bound",
            wording: Wording::Printed,
            statement: "<exp(Ax), 1_n> >= exp(-R^2), so beta = exp(-R^2) may be taken",
            premise: "||A|| <= R, ||x||_2 <= R",
            expected: Expected::Holds,
            correction: None,
            note: "Sharp for n = 1 only (z = -R^2); n exp(-R^2 / sqrt n) is what holds for n rows.",
            family: FAMILY,
            strata: STRATA,
            attack: Some((
                |rng| {
                    search(rng, 1, Target::Any, &|pair| {
                        normaliser_above(pair, exponential_at_x(pair, -1))
                    })
                },
                6,
            )),
            real_rows: 24,
            check: |case| {
                decide(case, Target::Any, &|pair| {
                    normaliser_above(pair, exponential_at_x(pair, -1))
                })
            },
            control: Control {
                fault: "n in its place",
                check: |case| {
                    decide(case, Target::Any, &|pair| {
                        normaliser_above(pair, pair.rows())
                    })
                },
            },
            witness: None,
        },
        Claim {
            id: "dls23/normaliser-lower-bound-sharp",
            paper: Paper::Dls23,
            source: "sharper form of thesis Lemma 2.1.20",
            wording: Wording::Derived,
            statement: "<exp(Ax), 1_n> >= n exp(-R^2 / sqrt n)",
            premise: "||A|| <= R, ||x||_2 <= R",
            expected: Expected::Holds,
            correction: None,
            note: "Jensen: alpha >= n exp(mean z) and |mean z| <= ||z||_2 / sqrt n <= R^2 / sqrt n. Attained at \
                z = -(R^2 / sqrt n) 1_n, which the search finds.",
            family: FAMILY,
            strata: STRATA,
            attack: Some((
                |rng| {
                    search(rng, 1, Target::Any, &|pair| {
                        normaliser_above(pair, jensen(pair))
                    })
                },
                6,
            )),
            real_rows: 24,
            check: |case| {
                decide(case, Target::Any, &|pair| {
                    normaliser_above(pair, jensen(pair))
                })
            },
            control: Control {
                fault: "1.001 times as much",
                check: |case| {
                    decide(case, Target::Any, &|pair| {
                        normaliser_above(pair, jensen(pair) * High::ratio(1001, 1000))
                    })
                },
            },
            witness: None,
        },
        Claim {
            id: "dls23/exponential-bounded",
            paper: Paper::Dls23,
            source: "DLS23 Lemma 7.2, proof of part 0",
            wording: Wording::Quoted,
            statement: "||u(x)||_inf <= exp(R^2), u(x) = exp(Ax)",
            premise: "||A|| <= R, ||x||_2 <= R",
            expected: Expected::Holds,
            correction: None,
            note: "Attained by one row along x: the search finds it.",
            family: FAMILY,
            strata: STRATA,
            attack: Some((
                |rng| search(rng, 1, Target::Any, &|pair| largest_exponential(pair, 1.0)),
                6,
            )),
            real_rows: 24,
            check: |case| {
                decide(case, Target::Any, &|pair| {
                    largest_exponential(pair, High::ONE)
                })
            },
            control: Control {
                fault: "0.999 exp(R^2)",
                check: |case| {
                    decide(case, Target::Any, &|pair| {
                        largest_exponential(pair, High::ratio(999, 1000))
                    })
                },
            },
            witness: None,
        },
        Claim {
            id: "dls23/exponential-lipschitz",
            paper: Paper::Dls23,
            source: "DLS23 Lemma 7.2 part 1",
            wording: Wording::Quoted,
            statement: "||u(x) - u(y)||_2 <= 2 sqrt(n) R exp(R^2) ||x - y||_2, u(x) = exp(Ax)",
            premise: "||A||, ||x||_2, ||y||_2 <= R",
            expected: Expected::Holds,
            correction: None,
            note: "The factor 2 sqrt(n) is not needed: see dls23/exponential-lipschitz-sharper. Other premises of the lemma \
                (R >= 4, ||A(x-y)||_inf < 0.01, as remembered) are not needed either and not asked for.",
            family: FAMILY,
            strata: STRATA,
            attack: Some((
                |rng| {
                    search(rng, 1, Target::Any, &|pair| {
                        exponential_change(pair, 2.0 * pair.rows().sqrt())
                    })
                },
                6,
            )),
            real_rows: 24,
            check: |case| {
                decide(case, Target::Any, &|pair| {
                    exponential_change(pair, High::int(2) * pair.rows().sqrt())
                })
            },
            control: Control {
                fault: "0.1 sqrt(n) in place of 2 sqrt(n)",
                check: |case| {
                    decide(case, Target::Any, &|pair| {
                        exponential_change(pair, High::ratio(1, 10) * pair.rows().sqrt())
                    })
                },
            },
            witness: None,
        },
        Claim {
            id: "dls23/exponential-lipschitz-sharper",
            paper: Paper::Dls23,
            source: "sharper form of DLS23 Lemma 7.2 part 1",
            wording: Wording::Derived,
            statement: "||u(x) - u(y)||_2 <= R exp(R^2) ||x - y||_2, u(x) = exp(Ax)",
            premise: "||A||, ||x||_2, ||y||_2 <= R",
            expected: Expected::Holds,
            correction: None,
            note: "Du = diag(u) A, and every entry of u on the segment is at most exp(R^2). Attained in the limit by one row, \
                x = y at its end.",
            family: FAMILY,
            strata: STRATA,
            attack: Some((
                |rng| search(rng, 1, Target::Any, &|pair| exponential_change(pair, 1.0)),
                6,
            )),
            real_rows: 24,
            check: |case| {
                decide(case, Target::Any, &|pair| {
                    exponential_change(pair, High::ONE)
                })
            },
            control: Control {
                fault: "half as much",
                check: |case| {
                    decide(case, Target::Any, &|pair| {
                        exponential_change(pair, High::ratio(1, 2))
                    })
                },
            },
            witness: None,
        },
        Claim {
            id: "dls23/normaliser-lipschitz",
            paper: Paper::Dls23,
            source: "DLS23 Lemma 7.2 part 2",
            wording: Wording::Recalled,
            statement: "|alpha(x) - alpha(y)| <= sqrt(n) ||u(x) - u(y)||_2",
            premise: "none needed",
            expected: Expected::Holds,
            correction: None,
            note: "Cauchy-Schwarz; an equality for n = 1, where nothing is left to decide, and wherever u(x) - u(y) is constant.",
            family: SEVERAL_ROWS,
            strata: STRATA_OF_SEVERAL_ROWS,
            attack: Some((
                |rng| {
                    search_both(rng, 2, Target::Any, &|pair| {
                        normaliser_change(pair, pair.rows().sqrt())
                    })
                },
                4,
            )),
            real_rows: 24,
            check: |case| {
                decide(case, Target::Any, &|pair| {
                    normaliser_change(pair, pair.rows().sqrt())
                })
            },
            control: Control {
                fault: "without sqrt(n)",
                check: |case| {
                    decide(case, Target::Any, &|pair| {
                        normaliser_change(pair, High::ONE)
                    })
                },
            },
            witness: None,
        },
        Claim {
            id: "dls23/inverse-normaliser-lipschitz",
            paper: Paper::Dls23,
            source: "DLS23 Lemma 7.2 part 3",
            wording: Wording::Recalled,
            statement: "|1/alpha(x) - 1/alpha(y)| <= beta^-2 |alpha(x) - alpha(y)|",
            premise: "0 < beta <= alpha(x), alpha(y)",
            expected: Expected::Holds,
            correction: None,
            note: "Decided with the largest beta allowed, min(alpha(x), alpha(y)); slack is then max alpha / min alpha.",
            family: FAMILY,
            strata: STRATA,
            attack: Some((
                |rng| {
                    search_both(rng, 1, Target::Any, &|pair| {
                        inverse_change(pair, pair.beta())
                    })
                },
                4,
            )),
            real_rows: 24,
            check: |case| decide(case, Target::Any, &|pair| inverse_change(pair, pair.beta())),
            control: Control {
                fault: "the larger of both normalisers for beta",
                check: |case| {
                    decide(case, Target::Any, &|pair| {
                        inverse_change(pair, pair.at_x.alpha.max(pair.at_y.alpha))
                    })
                },
            },
            witness: None,
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claims::Origin;
    use crate::instance::sample;

    #[test]
    fn the_search_reaches_the_sharp_lower_bound_of_the_normaliser() {
        let mut rng = sample::stream(1, "test", 0);
        let case = search(&mut rng, 1, Target::Any, &|pair| {
            normaliser_above(pair, jensen(pair))
        })
        .unwrap();
        assert_eq!(case.origin, Origin::Attack(0));
        let pair = Pair::<High>::of(&case).unwrap();
        let ratio = (jensen(&pair) / pair.at_x.alpha).to_f64();
        assert!(ratio > 0.999_999, "{ratio}");
    }

    #[test]
    fn the_inverse_normaliser_changes_as_by_hand() {
        // alpha = exp(x): 1 at x = 0 and 2 at y = ln 2.
        let pair = Pair::<f64>::of(&Case::of_text(
            r#"{"loss": "softmax", "matrix": [[1]], "target": [0], "weights": 0,
                "points": [[0], [0.6931471805599453]]}"#,
            0,
        ))
        .unwrap();
        let bound = inverse_change(&pair, 0.5).unwrap();
        // 1 - 1/2, 4 * 1, and 1 + 1/2 + 4 * 3.
        for (found, expected) in [
            (bound.observed, 0.5),
            (bound.allowed, 4.0),
            (bound.terms, 13.5),
        ] {
            assert!((found - expected).abs() < 1e-14, "{found}, not {expected}");
        }
    }
}
