//! The sampling lemmas that the papers use as tools: leverage scores, the number of draws, the spectral guarantee.

mod counts;
pub(super) mod guarantee;
mod scale;
mod scores;
mod sparsifier;
mod tail;

use crate::claims::Claim;

/// The claims about sampling, in the order in which the papers use them.
pub fn claims() -> Vec<Claim> {
    [
        scores::claims(),
        sparsifier::claims(),
        guarantee::claims(),
        counts::claims(),
        scale::claims(),
        tail::claims(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
