//! "Efficient Alternating Minimization with Applications to Weighted Low Rank Approximation" (arXiv 2306.04169):
//! `|| W o (M - X Y') ||_F`. Only the abstracts and public reviews were at hand: what is only recalled says so, everything else
//! is derived here.

use crate::claims::Claim;

mod alternating;
mod bounds;
mod cases;
mod closeness;
mod derivatives;
mod model;
mod rows;

/// The claims of this paper: derivatives and the problem of one row, least values, what is assumed of weights,
/// alternating least squares, what it may spare.
pub fn claims() -> Vec<Claim> {
    [
        derivatives::claims(),
        bounds::claims(),
        closeness::claims(),
        alternating::claims(),
        rows::claims(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
