//! DLS23, "Attention Scheme Inspired Softmax Regression", and the thesis that restates it.

use crate::claims::Claim;

mod differences;
mod gradient;
mod lipschitz;
mod normaliser;
mod pair;

/// The claims of this paper, in the order in which it states them.
pub fn claims() -> Vec<Claim> {
    [
        gradient::claims(),
        normaliser::claims(),
        lipschitz::claims(),
        differences::claims(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
