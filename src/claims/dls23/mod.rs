//! DLS23, "Attention Scheme Inspired Softmax Regression", and the thesis that restates it.

use crate::claims::Claim;

mod algorithm;
mod diagonal_surrogate;
mod gradient;
mod newton;
mod schedule;

/// The claims of this paper, in the order in which it states them.
pub fn claims() -> Vec<Claim> {
    [
        gradient::claims(),
        newton::claims(),
        diagonal_surrogate::claims(),
        schedule::claims(),
        algorithm::claims(),
    ]
        .into_iter().flatten().collect()
}
