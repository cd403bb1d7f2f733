//! Federated softmax regression: GradientCoin (arXiv 2308.10502). Its abstract and summaries of it were at hand, the paper was not: no
//! wording was seen in print but the abstract's. What is attributed says so; constants, limits and probabilities are derived here.

use crate::claims::Claim;

mod cases;
mod chain;
mod contraction;
mod limits;
pub(super) mod model;
mod participation;
mod race;
mod robust;

/// The claims: contraction and convexity, limits of rounds, who takes part, dishonest clients, proofs of work, races.
pub fn claims() -> Vec<Claim> {
    [
        contraction::claims(),
        limits::claims(),
        participation::claims(),
        robust::claims(),
        chain::claims(),
        race::claims(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
