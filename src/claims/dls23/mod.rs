//! DLS23, "Attention Scheme Inspired Softmax Regression", and the thesis that restates it.

use crate::claims::Claim;

mod definiteness;
mod gradient;
mod hardest;
mod optimum;
mod smoothness;
mod sparse;
mod spectrum;
mod surrogate;

/// The claims of this paper, in the order in which it states them.
pub fn claims() -> Vec<Claim> {
    [
        gradient::claims(),
        spectrum::claims(),
        definiteness::claims(),
        surrogate::claims(),
        sparse::claims(),
        optimum::claims(),
        smoothness::claims(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
