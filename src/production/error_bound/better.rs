//! The better of two proofs: strong convexity, and Newton and Kantorovich.

use crate::production::Problem;
use crate::production::error_bound::bound::ErrorBound;
use crate::production::error_bound::kantorovich::Proven;
use crate::production::summation::extremes;

/// What is said where a Hessian is not positive definite beyond its error.
pub(super) const INDEFINITE: &str = "the Hessian at x is not positive definite beyond its rounding";

/// A proven lower bound of the modulus of `l + 0.5 || diag(w) z ||^2` in the logits, where one is known: `min w^2` and the
/// curvature floor of the loss, rounded down. May be negative.
pub(super) fn modulus(problem: &Problem) -> Option<f64> {
    problem.loss().curvature_floor().map(|floor| {
        // min w^2 was rounded once.
        let [least, _] = extremes(problem.squared_weights().as_slice());
        let weight = least * (1.0 - 2.0 * f64::EPSILON);
        (weight + floor).next_down()
    })
}

/// A bound by strong convexity, which also shows that there is one minimiser only.
pub(super) struct Convex {
    /// `||x - x*|| <= bound`.
    pub bound: f64,
    /// The [`modulus`], `> 0`.
    pub modulus: f64,
    /// What is known of the singular values of A, in words.
    pub matrix: String,
}

/// The smaller of the bounds that are proven, and what it rests on; or why there is none.
pub(super) fn better(convex: Option<Convex>, near: Result<Proven, String>) -> ErrorBound {
    match (convex, near) {
        (Some(convex), Ok(near)) if near.bound < convex.bound => ErrorBound {
            bound: Some(near.bound),
            basis: format!(
                "{}; L is strongly convex, so this is the only minimiser",
                near.basis
            ),
        },
        (Some(convex), _) => ErrorBound {
            bound: Some(convex.bound),
            basis: format!(
                "strong convexity: min w^2 + curvature floor of the loss >= {:.3e}, {}; this is the only minimiser",
                convex.modulus, convex.matrix
            ),
        },
        (None, Ok(near)) => ErrorBound {
            bound: Some(near.bound),
            basis: format!("{}; a strict local minimiser, others may exist", near.basis),
        },
        (None, Err(reason)) => ErrorBound::none(format!(
            "L is not known to be strongly convex (min w^2 does not outweigh the curvature of the loss), and {reason}"
        )),
    }
}
