//! What the tests of error bounds share: the comparison of a bound with its formula.

use crate::scalar::Ball;

/// The bound is at least `exact`, and at most `slack` (relative) above it.
#[track_caller]
pub(crate) fn covers(bound: f64, exact: f64, slack: f64) {
    // The literal `exact` is rounded itself.
    let least = exact * (1.0 - 4.0 * f64::EPSILON);
    assert!(bound >= least, "{bound:e} is below {exact:e}");
    assert!(
        bound <= exact * (1.0 + slack),
        "{bound:e} is far above {exact:e}"
    );
}

/// Name, function, argument, value there, what an error of 2^-4 moves it by (the table of `docs/numerics.md`), and the
/// library's error in units of eps. Numbers from mpmath at 40 digits.
pub(crate) type Tabulated = (&'static str, fn(Ball<f64>) -> Ball<f64>, f64, f64, f64, f64);

/// A function of a ball moves by what the table says.
pub(crate) fn moves_as_tabulated((name, function, x, value, moved, library): Tabulated) {
    let inexact = function(Ball::new(x, 0.0625));
    assert!((inexact.midpoint() / value - 1.0).abs() < 1e-15, "{name}");
    covers(inexact.radius(), moved, 1e-13);
    // The function at both ends of the interval.
    for end in [x - 0.0625, x + 0.0625] {
        let there = function(Ball::exact(end)).midpoint();
        assert!(
            (there - inexact.midpoint()).abs() <= inexact.radius(),
            "{name} at {end}"
        );
    }
    let exact = function(Ball::exact(x));
    covers(exact.radius(), value.abs() * library * f64::EPSILON, 1e-13);
}
