//! "The Expressibility of Polynomial based Attention Scheme" (arXiv 2310.20051). Only the abstract was at hand: what is only recalled
//! says so, everything else is derived here.

use crate::claims::Claim;

mod cases;
mod network;
mod regression;
mod separation;
mod share;
mod sister;
mod weights;

/// The claims: what the weights are, how large the share of one large key is, when the paper's network separates its data sets, what
/// softmax does with them, and what the weights are as a loss of their logits.
pub fn claims() -> Vec<Claim> {
    [
        weights::claims(),
        share::claims(),
        separation::claims(),
        sister::claims(),
        regression::claims(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
