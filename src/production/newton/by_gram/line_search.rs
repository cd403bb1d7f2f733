//! The best step length along a direction, found in the logits: no pass over A.

/// Trials at most, the first and the longer ones included.
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
/// bracket is tried next. After the first trial at most `max_halvings` others are shorter than the one before.
pub(crate) fn line_search(
    phi: impl Fn(f64) -> Option<(f64, f64)>,
    start: (f64, f64),
    sufficient_decrease: f64,
    max_halvings: usize,
) -> Option<(f64, f64)> {
    let (value_0, slope_0) = start;
    let mut low = (0.0, value_0, slope_0);
    let mut high: Option<(f64, f64, f64)> = None;
    let mut best: Option<(f64, f64)> = None;
    let mut t = 1.0;
    let (mut before, mut shortened) = (t, 0);
    for _ in 0..TRIALS {
        shortened += usize::from(t < before);
        if shortened > max_halvings {
            break;
        }
        before = t;
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
            let (t, value) = line_search(phi, start, 1e-4, 40).unwrap();
            assert!((t - minimum).abs() <= SLOPE * minimum, "{minimum}: {t}");
            assert!(value < start.0);
        }
    }

    #[test]
    fn a_pole_is_not_crossed_and_a_line_that_only_rises_has_no_step() {
        // -ln(1 - t) + ... defined below 1/2 only: the minimum of (t - 0.4)^2 is inside.
        let phi = |t: f64| (t < 0.5).then_some(((t - 0.4) * (t - 0.4), 2.0 * (t - 0.4)));
        let (t, _) = line_search(phi, (0.16, -0.8), 1e-4, 40).unwrap();
        assert!(t > 0.0 && t < 0.5);
        assert!(line_search(|t| Some((t, 1.0)), (0.0, -1.0), 1e-4, 40).is_none());
    }

    /// A line that falls for ever: where it leaves the domain, the search comes back to a tenth of the way beyond the last
    /// good point.
    #[test]
    fn a_step_out_of_the_domain_comes_back_towards_the_last_good_point() {
        let tried = std::cell::RefCell::new(Vec::new());
        let phi = |t: f64| {
            tried.borrow_mut().push(t);
            (t < 3.0).then_some((-t, -1.0))
        };
        let (t, value) = line_search(phi, (0.0, -1.0), 1e-4, 40).unwrap();
        let tried = tried.into_inner();
        assert_eq!(tried.len(), TRIALS);
        for (found, expected) in tried.iter().zip([1.0, 4.0, 1.3, 5.2, 1.69, 6.76, 2.197]) {
            assert!((found - expected).abs() < 1e-12, "{tried:?}");
        }
        assert!(t < 3.0 && value == -t && t >= 2.197 - 1e-12);
    }

    /// Armijo's bound at 1 is 10 - 0.25 * 4 = 9, and the slope may be -2 or 2.
    #[test]
    fn a_trial_is_taken_at_the_bounds_and_not_beyond_them() {
        for (value, slope, trials) in [
            (9.0, 0.0, 1),
            (9.0, 2.0, 1),
            (9.0, -2.0, 1),
            (9.01, 0.0, 2),
            (9.0, 2.01, 2),
            (9.0, -2.01, 2),
        ] {
            let tried = std::cell::Cell::new(0);
            let phi = |t: f64| {
                tried.set(tried.get() + 1);
                // The second trial, wherever it is, is good.
                Some(if t == 1.0 { (value, slope) } else { (0.0, 0.0) })
            };
            let (t, least) = line_search(phi, (10.0, -4.0), 0.25, 40).unwrap();
            assert_eq!(tried.get(), trials, "{value} {slope}");
            assert_eq!(t == 1.0, trials == 1);
            assert_eq!(least, if trials == 1 { value } else { 0.0 });
        }
        // A constant is not lower.
        assert!(line_search(|_| Some((10.0, -4.0)), (10.0, -4.0), 0.25, 40).is_none());
    }

    /// The next trial while the loss falls: the zero of the secant of the slopes, within 1.5 and 4 times the last one.
    #[test]
    fn a_step_that_is_too_short_is_lengthened_by_the_secant_of_the_slopes() {
        for (slope, expected) in [(-6.0, 2.5), (-8.5, 4.0), (-10.0, 4.0), (-12.0, 4.0)] {
            let tried = std::cell::RefCell::new(Vec::new());
            let phi = |t: f64| {
                tried.borrow_mut().push(t);
                Some(if t == 1.0 {
                    (-5.0, slope)
                } else {
                    (-100.0, 0.0)
                })
            };
            line_search(phi, (0.0, -10.0), 1e-4, 40).unwrap();
            assert_eq!(tried.into_inner(), [1.0, expected]);
        }
    }

    #[test]
    fn the_cubic_between_two_points_has_its_minimum_where_it_has_it() {
        // t^3 - 3 t has its minimum at 1.
        assert_eq!(inside((0.0, 0.0, -3.0), (2.0, 2.0, 9.0)), 1.0);
        assert_eq!(inside((0.5, -1.375, -2.25), (2.0, 2.0, 9.0)), 1.0);
        // 50 t^2 - t and 50 t^2 - 99 t: 0.01 and 0.99 are too near the ends.
        assert!((inside((0.0, 0.0, -1.0), (1.0, 49.0, 99.0)) - 0.1).abs() < 1e-15);
        assert!((inside((0.0, 0.0, -99.0), (1.0, -49.0, 1.0)) - 0.9).abs() < 1e-15);
        // (t - 2)^2 over an interval of length 2: the ends are a fifth away.
        assert!((inside((1.9, 0.01, -0.2), (3.9, 3.61, 3.8)) - 2.1).abs() < 1e-14);
        // Slopes of the same sign and a mean slope of 2/3 of them: no extremum, so the middle.
        assert_eq!(inside((2.0, 0.0, -1.0), (4.0, -4.0 / 3.0, -1.0)), 3.0);
    }
}
