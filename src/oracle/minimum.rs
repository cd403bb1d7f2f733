//! A minimiser that comes with a proof of its own error.

use nalgebra::DVector;

use crate::scalar::High;

/// A point that is proven to lie within `error_bound` of a strict local minimiser of the loss.
///
/// *The proof*, with nothing assumed but the stated rounding bounds of [`High`]. Let `G` bound `||grad L(x)||`, rounding
/// included, and let `mu > 0` bound the smallest eigenvalue of the Hessian at *every* point within `r` of `x`, where
/// `r > 2 G / mu`. Both come from [`Reference::enclose`](crate::oracle::Reference::enclose): `mu` is the smallest eigenvalue at `x` (with a certificate), less
/// the Frobenius norm of the radii of the Hessian over the box of half-width `r`. At distance `2 G / mu < s <= r` from `x`,
/// `L(y) >= L(x) - G s + mu s^2 / 2 > L(x)`, so the minimum over the ball lies inside and is a stationary point `x*`, the
/// only one there; and `mu ||x - x*||^2 <= <grad L(x), x - x*> <= G ||x - x*||`, so `||x - x*|| <= G / mu`.
///
/// Whether the minimiser is the global one is not shown; it is where the loss is convex.
#[derive(Clone, Debug)]
pub struct Minimiser {
    /// The point, d entries.
    pub x: DVector<High>,
    /// `||grad L(x)||` as computed, without its rounding error; a bound of it where the unknowns were equilibrated.
    pub gradient_norm: High,
    /// `mu`: a proven lower bound of the smallest eigenvalue of the Hessian within `2 error_bound` of `x`, and somewhat
    /// beyond.
    pub curvature: High,
    /// A proven bound of the Euclidean distance to the minimiser, `G / mu`.
    pub error_bound: High,
    /// Proven bounds of the distance in each entry: the same, or less where the unknowns were equilibrated.
    pub entry_bounds: DVector<High>,
    /// Newton steps taken.
    pub iterations: usize,
}
