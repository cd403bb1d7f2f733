//! A proven bound on the error of x for the kernel.
//!
//! ```text
//! || x - x* ||  <=  max T  || f - M z ||  / lambda_min(M)  +  the rounding of T z
//! ```
//!
//! M as computed is off by E, of which each entry is below `u (0.74 (d + 3) sqrt(M) + 32 M)`: an exponent `t = ||a_i - a_k||^2 / 2`
//! carries `d + 3` roundings, `t e^-t <= (2 / e) e^(-t/2)`, the exponential and the two factors S carry at most 32 more. The norm
//! of E is at most its largest row sum. `lambda_min(M)` is at least 1 less the largest sum of a row off the diagonal (Gershgorin);
//! where that says nothing, a Cholesky factorisation of a shifted M proves it.

use super::equilibrated::Equilibrated;
use crate::production::error_bound::SLACK;
use crate::production::factor::Factor;
use crate::production::factor::cholesky::Cholesky;
use crate::production::summation::norm;
use crate::production::systems::linear::triangular::{lowest_estimate, proven};
use crate::scalar::rounding::UNIT;

/// Roundings of an entry of M beyond those of its exponent: the exponential 4, S twice 12, their products 4.
const ENTRY: f64 = 32.0;
/// Roundings of an entry of f, and of x for z: T, which carries those of S and of an exponential, square roots and products.
const OUTER: f64 = 24.0;
/// The largest kernel that is factored: 512 MiB, and as much for the factor.
pub(super) const LARGEST_ORDER: usize = 8192;

/// The bound, and what it rests on, or why there is none. `factor` is one of M, if there is one.
pub(super) fn bound(
    problem: &Equilibrated,
    z: &[f64],
    x: &[f64],
    factor: Option<&Cholesky>,
) -> (Option<f64>, String) {
    let width = problem.scaling.rows.columns() as f64;
    let (roots, entries) = problem.row_sums();
    let slack = 1.0 + problem.product_roundings() * UNIT;
    let of_matrix = UNIT * (0.74 * (width + 3.0) * roots + ENTRY * entries) * slack * SLACK;
    let gershgorin = 2.0 - entries * slack - of_matrix;
    let made;
    let (lowest, how) = if gershgorin > 0.25 {
        (gershgorin, "row sums of the scaled kernel")
    } else {
        let factor = match factor {
            Some(factor) => Some(factor),
            None if problem.order() <= LARGEST_ORDER => {
                made = Cholesky::new(&problem.matrix);
                made.as_ref()
            }
            None => None,
        };
        let lowest = factor.map_or(0.0, |factor| {
            let near = lowest_estimate(factor as &dyn Factor, problem.order());
            proven(problem.matrix.clone(), of_matrix, near)
        });
        (lowest, "a Cholesky factorisation of the scaled kernel")
    };
    if lowest.is_nan() || lowest <= 0.0 {
        let why =
            "none: no lower bound of the lowest eigenvalue of the scaled kernel could be proven";
        return (None, why.to_owned());
    }
    let residual = norm(&problem.residual(z));
    let rounding = (problem.product_roundings() + 2.0) * UNIT * norm(&problem.sizes(z));
    let means = OUTER + 4.0;
    let of_right =
        means * UNIT * (norm(&problem.right) + problem.scaling.largest_outer() * scatter(problem));
    let total = residual + rounding + of_right + of_matrix * norm(z);
    let distance = problem.scaling.largest_outer() * total / lowest * SLACK;
    // The two terms of x, and what underflows.
    let size = norm(x) + 2.0 * spread(problem);
    let underflow = f64::MIN_POSITIVE * (x.len() as f64).sqrt();
    let bound = (distance + (OUTER + 4.0) * UNIT * size) * SLACK + underflow;
    let bound = bound.is_finite().then_some(bound);
    let basis = format!("the residual, over a lower bound of the lowest eigenvalue by {how}");
    (bound, basis)
}

/// What the rounding of means is relative to: the norm of b where rows are repeated.
fn scatter(problem: &Equilibrated) -> f64 {
    if problem.scaling.groups.repeated() {
        norm(&problem.scaling.target)
    } else {
        0.0
    }
}

/// `|| b - s || / lambda` where rows are repeated, as a bound.
fn spread(problem: &Equilibrated) -> f64 {
    let scatter = scatter(problem);
    if problem.scaling.ridge > 0.0 && scatter > 0.0 {
        2.0 * scatter / problem.scaling.ridge
    } else {
        0.0
    }
}
