//! DLS23, "Attention Scheme Inspired Softmax Regression", and the thesis that restates it.

use crate::claims::Claim;

mod derivatives;
mod facts;
mod gradient;
mod hessian;
mod identity;
mod regulariser;
mod symbolic;

/// The claims of this paper, in the order in which it states them.
pub fn claims() -> Vec<Claim> {
    [
        facts::claims(),
        derivatives::claims(),
        gradient::claims(),
        regulariser::claims(),
        hessian::claims(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
