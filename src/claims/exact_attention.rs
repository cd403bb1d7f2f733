//! Attention itself: the thesis's Definitions 1.0.1 and 1.0.2 with its scale d, and what "Fast Attention Requires Bounded
//! Entries" (arXiv 2302.13214) needs of it. Of the latter only the abstract was at hand: its lemmas are recalled, and its theorems
//! are about growth with n, which no instance decides.

use crate::claims::Claim;

mod cases;
mod cost;
mod invariance;
mod low_rank;
mod model;
mod program;
mod rows;
mod sensitivity;
mod weights;

/// The claims: what f64 makes of the definition, what leaves it as it is, how large its weights are, how far an error goes, what a row is,
/// what it costs, and what a polynomial in place of the exponential needs.
pub fn claims() -> Vec<Claim> {
    [
        program::claims(),
        invariance::claims(),
        weights::claims(),
        sensitivity::claims(),
        rows::claims(),
        cost::claims(),
        low_rank::claims(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
