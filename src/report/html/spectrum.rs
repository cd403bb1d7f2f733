//! The picture of the spectrum: the one nonzero eigenvalue of B for two coordinates against `t = p_1`, with what is printed and
//! what is proven, and a slider for t.

use maud::{Markup, html};

use crate::report::html::chart::{Axis, Chart, Entry, FRAME, SIZE, Shape};

/// The eigenvalues at bottom and top of the picture.
const VALUES: (f64, f64) = (-0.3, 0.4);
/// Points of each curve.
const STEPS: u32 = 120;

/// `u'Bu` for `u = (1, -1)/sqrt 2`, `p = (t, 1 - t)`, `b = sign e_1`: `4 t (1-t)^2 (3t - 1)`, mirrored for `-e_1`.
fn eigenvalue(t: f64, sign: f64) -> f64 {
    let t = if sign > 0.0 { t } else { 1.0 - t };
    4.0 * t * (1.0 - t).powi(2) * (3.0 * t - 1.0)
}

/// `-(55 sqrt 33 - 39)/1152` and `(55 sqrt 33 + 39)/1152`: docs/sharp-constants.md, Theorem 1.
fn proven() -> (f64, f64) {
    let root = 55.0 * 33f64.sqrt();
    ((39.0 - root) / 1152.0, (39.0 + root) / 1152.0)
}

fn curve(sign: f64) -> Shape {
    Shape::Curve(
        (0..=STEPS)
            .map(|k| f64::from(k) / f64::from(STEPS))
            .map(|t| (t, eigenvalue(t, sign)))
            .collect(),
    )
}

fn chart(values: (f64, f64), ticks: &[f64], bounds: (String, Vec<f64>)) -> Chart {
    let entries = [
        ("b = e\u{2081}".to_owned(), curve(1.0)),
        ("b = \u{2212}e\u{2081}".to_owned(), curve(-1.0)),
        (bounds.0, Shape::Levels(bounds.1)),
    ];
    Chart {
        described: "The nonzero eigenvalue of B for two coordinates against t, for b = e_1 and b = -e_1, between its bounds"
            .to_owned(),
        across: Axis::linear("t", (0.0, 1.0), &[0.0, 0.25, 0.5, 0.75, 1.0]),
        upright: Axis::linear("eigenvalue of B, p = (t, 1 \u{2212} t)", values, ticks),
        entries: entries
            .into_iter()
            .map(|(name, shape)| Entry { name, shape })
            .collect(),
    }
}

/// Between the proven bounds.
pub(super) fn sharp() -> Chart {
    let (low, high) = proven();
    let name = format!("{low:.4} and {high:.4}: proven, attained");
    chart(VALUES, &[-0.2, 0.0, 0.2], (name, vec![low, high]))
}

/// Between the printed ones.
pub(super) fn printed() -> Chart {
    let name = "\u{2212}4 and 8: printed".to_owned();
    chart((-5.0, 9.0), &[-4.0, 0.0, 4.0, 8.0], (name, vec![-4.0, 8.0]))
}

/// The picture with its slider; the script of the page moves the two marks.
pub(super) fn spectrum() -> Markup {
    let chart = sharp();
    let marks = [("b0", "mark-first", 1.0), ("b1", "mark-second", -1.0)];
    html! {
        figure #spectrum {
            h3 { "The spectrum of one Hessian" }
            svg.chart viewBox={ "0 0 " (SIZE.0) " " (SIZE.1) } role="img" aria-label=(chart.described)
                data-left=(FRAME.left) data-right=(FRAME.right) data-top=(FRAME.top) data-bottom=(FRAME.bottom) data-low=(VALUES.0) data-high=(VALUES.1) {
                (chart.drawing())
                @for (look, id, sign) in marks {
                    @if let Some((x, y)) = chart.place((0.5, eigenvalue(0.5, sign))) {
                        circle.(look) id=(id) cx=(x) cy=(format!("{y:.1}")) r="5" {}
                    }
                }
            }
            (chart.legend())
            figcaption {
                "Two rows, p = (t, 1 - t): the one nonzero eigenvalue of B for b = e" sub { "1" } " and b = -e" sub { "1" }
                "; every other target with ||b||" sub { "1" } " \u{2264} 1 lies between. Printed are -4 and 8, far outside this picture; "
                "proven, for any number of rows, are the two dashed lines, which two rows attain. By its closed form, in f64."
            }
            div.slider {
                label for="t" { "t" }
                input #t type="range" min="0" max="1000" value="500" aria-describedby="values";
                output #values for="t" {
                    "t = 0.500: " (format!("{:.4}", eigenvalue(0.5, 1.0))) " and " (format!("{:.4}", eigenvalue(0.5, -1.0)))
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The upper bound is attained at t = (9 + sqrt 33)/24 (docs/sharp-constants.md), the curve's own maximum.
    #[test]
    fn the_curves_touch_the_proven_bounds_and_stay_inside() {
        let (low, high) = proven();
        let at = (9.0 + 33f64.sqrt()) / 24.0;
        assert!((eigenvalue(at, 1.0) - high).abs() < 1e-15);
        let at = (9.0 - 33f64.sqrt()) / 24.0;
        assert!((eigenvalue(at, 1.0) - low).abs() < 1e-15);
        for k in 0..=1000 {
            for sign in [1.0, -1.0] {
                let value = eigenvalue(f64::from(k) / 1000.0, sign);
                assert!((low - 1e-15..=high + 1e-15).contains(&value));
            }
        }
    }
}
