//! What the tests of error bounds share: the comparison of a bound with its formula.

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
