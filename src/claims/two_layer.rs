//! "Local Convergence of Approximate Newton Method for Two Layer Nonlinear Regression": `phi(A2 softmax(A1 x))` against a
//! target. Only the abstract was at hand: the loss is as it describes it, formulas and constants are derived here.

use crate::claims::Claim;

mod bounds;
mod definiteness;
mod derivatives;
mod lipschitz;
pub(crate) mod model;
mod newton;
mod sampling;
mod search;

/// The claims of this paper, in the order in which it states them.
pub fn claims() -> Vec<Claim> {
    [
        derivatives::claims(),
        definiteness::claims(),
        lipschitz::claims(),
        newton::claims(),
        sampling::claims(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
