//! Linear regression from few labels (arXiv 2306.03356). Its abstract was at hand, the proofs were not: what is only recalled says so, the
//! rest is derived here.

use crate::claims::Claim;

mod answers;
mod barriers;
mod cases;
mod excess;
mod frame;
mod legendre;
mod model;
mod points;
mod samplers;

/// The claims: the loss, bases that are nearly orthonormal, samplers, polynomials, the excess, barriers, points that are chosen.
pub fn claims() -> Vec<Claim> {
    [
        answers::claims(),
        frame::claims(),
        samplers::claims(),
        legendre::claims(),
        excess::claims(),
        barriers::claims(),
        points::claims(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
