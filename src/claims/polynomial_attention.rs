//! "The Expressibility of Polynomial based Attention Scheme" (arXiv 2310.20051). Only the abstract was at hand: what is only recalled
//! says so, everything else is derived here.

use crate::claims::Claim;

mod cases;
mod share;
mod weights;

/// The claims: what the weights are, and how large the share of one large key is.
pub fn claims() -> Vec<Claim> {
    [weights::claims(), share::claims()]
        .into_iter()
        .flatten()
        .collect()
}
