//! Attention kernel regression, with powers of `A'A` and with `exp(A A')` entry by entry
//! (arXiv 2308.14304). Only its two abstracts were at hand, and the documentation of a later program for the same
//! kernel (arXiv 2604.25138): what is recalled says so, everything else is derived here.

use crate::claims::Claim;

mod cases;
mod condition;
mod derivatives;
mod factors;
mod features;
mod kernel;
mod model;
mod powers;
mod rounding;
mod sketches;

/// The claims: derivatives, powers, what rounding makes of them, sketches and factors, the kernel, its condition and its features.
pub fn claims() -> Vec<Claim> {
    [
        derivatives::claims(),
        powers::claims(),
        rounding::claims(),
        factors::claims(),
        sketches::claims(),
        kernel::claims(),
        condition::claims(),
        features::claims(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
