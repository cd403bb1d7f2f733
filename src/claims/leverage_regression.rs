//! Linear regression by leverage scores (arXiv 2311.14823). Its abstract and public reviews were at hand, the proofs were not: what is
//! only recalled says so, the laws of the excess are derived here.

use crate::claims::Claim;

mod cases;
mod columns;
mod excess;
mod expectation;
pub(super) mod full_rank;
mod grover;
pub(super) mod model;
mod one_row;
mod rounding;
mod sampling;

/// The claims: derivatives and the excess, its expectation, how many rows are enough, right sides, f64, queries.
pub fn claims() -> Vec<Claim> {
    [
        excess::claims(),
        expectation::claims(),
        sampling::claims(),
        one_row::claims(),
        full_rank::claims(),
        columns::claims(),
        rounding::claims(),
        grover::claims(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
