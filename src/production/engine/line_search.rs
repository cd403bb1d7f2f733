//! The best step length along a direction, found in the logits: no pass over A.

/// Trials at most.
const TRIALS: usize = 20;
/// A step is good enough when the slope has fallen to this fraction (the curvature condition).
pub(crate) const SLOPE: f64 = 0.5;
/// Growth of the step while the loss still falls: at least and at most.
const EXPANSION: (f64, f64) = (1.5, 4.0);
/// A trial stays this fraction of the bracket away from its ends.
const MARGIN: f64 = 0.1;

/// A step length `> 0` and the loss there, or `None` if no trial lowers the loss.
///
/// `phi(t)` gives loss and slope, or `None` where it is not defined; `start` is `(phi(0), phi'(0))` with a negative slope.
/// Accepts `t` once Armijo's condition with `sufficient_decrease` holds and the slope is down to a fraction [`SLOPE`];
/// expands beyond the first trial 1 while the loss falls; otherwise the minimiser of the cubic through both ends of the
/// bracket is tried next.
pub(crate) fn line_search(
    phi: impl Fn(f64) -> Option<(f64, f64)>,
    start: (f64, f64),
    sufficient_decrease: f64,
) -> Option<(f64, f64)> {
    let (value_0, slope_0) = start;
    let mut low = (0.0, value_0, slope_0);
    let mut high: Option<(f64, f64, f64)> = None;
    let mut best: Option<(f64, f64)> = None;
    let mut t = 1.0;
    for _ in 0..TRIALS {
        let Some((value, slope)) = phi(t) else {
            // Out of the domain: come back towards the last good point.
            high = None;
            t = low.0 + MARGIN * (t - low.0);
            continue;
        };
        if value < best.map_or(value_0, |(_, least)| least) {
            best = Some((t, value));
        }
        if value <= value_0 + sufficient_decrease * t * slope_0 && value <= low.1 {
            if slope.abs() <= SLOPE * slope_0.abs() {
                return Some((t, value));
            }
            if slope < 0.0 && high.is_none() {
                let secant = if slope > low.2 {
                    t - slope * (t - low.0) / (slope - low.2)
                } else {
                    EXPANSION.1 * t
                };
                low = (t, value, slope);
                t = secant.clamp(EXPANSION.0 * t, EXPANSION.1 * t);
                continue;
            }
            if slope < 0.0 {
                low = (t, value, slope);
            } else {
                high = Some((t, value, slope));
            }
        } else {
            high = Some((t, value, slope));
        }
        if let Some(high) = high {
            t = inside(low, high);
        }
    }
    best
}

/// The minimiser of the cubic that has these values and slopes, kept away from the ends.
fn inside(low: (f64, f64, f64), high: (f64, f64, f64)) -> f64 {
    let width = high.0 - low.0;
    let d1 = low.2 + high.2 - 3.0 * (high.1 - low.1) / width;
    let radicand = d1 * d1 - low.2 * high.2;
    let root = radicand.max(0.0).sqrt();
    let denominator = high.2 - low.2 + 2.0 * root;
    let t = high.0 - width * (high.2 + root - d1) / denominator;
    if radicand >= 0.0 && t.is_finite() {
        t.clamp(low.0 + MARGIN * width, high.0 - MARGIN * width)
    } else {
        low.0 + 0.5 * width
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quadratic_is_minimised_whether_the_minimum_is_near_or_beyond_one() {
        for minimum in [0.001, 0.3, 1.0, 7.0, 300.0] {
            let phi = |t: f64| Some((0.5 * (t - minimum) * (t - minimum), t - minimum));
            let start = phi(0.0).unwrap();
            let (t, value) = line_search(phi, start, 1e-4).unwrap();
            assert!((t - minimum).abs() <= SLOPE * minimum, "{minimum}: {t}");
            assert!(value < start.0);
        }
    }

    #[test]
    fn a_pole_is_not_crossed_and_a_line_that_only_rises_has_no_step() {
        // -ln(1 - t) + ... defined below 1/2 only: the minimum of (t - 0.4)^2 is inside.
        let phi = |t: f64| (t < 0.5).then_some(((t - 0.4) * (t - 0.4), 2.0 * (t - 0.4)));
        let (t, _) = line_search(phi, (0.16, -0.8), 1e-4).unwrap();
        assert!(t > 0.0 && t < 0.5);
        assert!(line_search(|t| Some((t, 1.0)), (0.0, -1.0), 1e-4).is_none());
    }
}
