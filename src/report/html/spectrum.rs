//! The picture of the spectrum: the one nonzero eigenvalue of B for two coordinates against `t = p_1`, with what is printed and
//! what is proven, and a slider for t.

use maud::{Markup, html};

/// Size of the picture, and the frame of the curves.
const SIZE: (f64, f64) = (620.0, 300.0);
const LEFT: f64 = 64.0;
const RIGHT: f64 = 500.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 250.0;
/// The eigenvalues at bottom and top.
const VALUES: (f64, f64) = (-0.3, 0.4);
/// Points of each curve.
const STEPS: u32 = 160;

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

fn x(t: f64) -> f64 {
    LEFT + (RIGHT - LEFT) * t
}

fn y(value: f64) -> f64 {
    BOTTOM - (BOTTOM - TOP) * (value - VALUES.0) / (VALUES.1 - VALUES.0)
}

fn curve(sign: f64) -> String {
    (0..=STEPS)
        .map(|k| f64::from(k) / f64::from(STEPS))
        .map(|t| format!("{:.1},{:.2} ", x(t), y(eigenvalue(t, sign))))
        .collect()
}

/// The picture with its slider; the script of the page moves the two marks.
pub(super) fn spectrum() -> Markup {
    let (low, high) = proven();
    html! {
        figure #spectrum {
            svg.plot viewBox={ "0 0 " (SIZE.0) " " (SIZE.1) } role="img"
                data-left=(LEFT) data-right=(RIGHT) data-top=(TOP) data-bottom=(BOTTOM) data-low=(VALUES.0) data-high=(VALUES.1)
                aria-label="The nonzero eigenvalue of B for two coordinates against t, for b = e_1 and b = -e_1, between the proven bounds" {
                @for value in [-0.2, 0.0, 0.2] {
                    line.grid x1=(LEFT) x2=(RIGHT) y1=(format!("{:.1}", y(value))) y2=(format!("{:.1}", y(value))) {}
                    text x=(LEFT - 8.0) y=(format!("{:.1}", y(value) + 4.0)) text-anchor="end" { (value) }
                }
                @for (value, label) in [(low, "proven, attained"), (high, "proven, attained")] {
                    line.grid.bound x1=(LEFT) x2=(RIGHT) y1=(format!("{:.1}", y(value))) y2=(format!("{:.1}", y(value))) {}
                    text x=(RIGHT + 8.0) y=(format!("{:.1}", y(value) - 2.0)) { (format!("{value:.4}")) }
                    text.small x=(RIGHT + 8.0) y=(format!("{:.1}", y(value) + 13.0)) { (label) }
                }
                @for t in [0.0, 0.25, 0.5, 0.75, 1.0] {
                    text x=(format!("{:.1}", x(t))) y=(BOTTOM + 20.0) text-anchor="middle" { (t) }
                }
                text x=(x(0.5)) y=(BOTTOM + 42.0) text-anchor="middle" { "t" }
                polyline.first points=(curve(1.0)) {}
                polyline.second points=(curve(-1.0)) {}
                circle.first.mark #mark-first cx=(x(0.5)) cy=(format!("{:.2}", y(eigenvalue(0.5, 1.0)))) r="5" {}
                circle.second.mark #mark-second cx=(x(0.5)) cy=(format!("{:.2}", y(eigenvalue(0.5, -1.0)))) r="5" {}
            }
            figcaption {
                "Two rows, p = (t, 1 - t): the one nonzero eigenvalue of B for b = e" sub { "1" } " (solid) and b = -e" sub { "1" }
                " (dashed); every other target with ||b||" sub { "1" } " \u{2264} 1 lies between. Printed are -4 and 8, far outside this picture; "
                "proven, for any number of rows, are the two dashed lines, which two rows attain."
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
