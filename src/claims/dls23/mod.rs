//! DLS23, "Attention Scheme Inspired Softmax Regression", and the thesis that restates it.

use crate::claims::Claim;

mod algorithm;
mod at_scale;
mod convexity;
mod definiteness;
mod derivatives;
mod diagonal_surrogate;
mod differences;
mod facts;
mod goodness;
mod gradient;
mod hardest;
mod hessian;
mod lipschitz;
mod newton;
mod newton_attack;
mod normaliser;
mod optimum;
mod pair;
mod pair_search;
mod range;
mod regulariser;
mod scalar_steps;
mod schedule;
mod single_differences;
mod smoothness;
mod sparse;
mod spectrum;
mod surrogate;
mod symbolic;
mod target_part;

/// The claims of this paper, in the order in which it states them.
pub fn claims() -> Vec<Claim> {
    [
        facts::claims(),
        derivatives::claims(),
        convexity::claims(),
        gradient::claims(),
        regulariser::claims(),
        hessian::claims(),
        spectrum::claims(),
        target_part::claims(),
        definiteness::claims(),
        surrogate::claims(),
        sparse::claims(),
        optimum::claims(),
        smoothness::claims(),
        normaliser::claims(),
        lipschitz::claims(),
        differences::claims(),
        single_differences::claims(),
        scalar_steps::claims(),
        newton::claims(),
        goodness::claims(),
        diagonal_surrogate::claims(),
        schedule::claims(),
        algorithm::claims(),
        at_scale::claims(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
