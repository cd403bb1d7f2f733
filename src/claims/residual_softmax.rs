//! "A Unified Scheme of ResNet and Softmax": regression on `(exp(z) + z) / <exp(z) + z, 1>`. Only the abstract was at hand:
//! formulas and constants are derived here.

use crate::claims::Claim;

mod definiteness;
mod derivatives;
mod growth;
mod lipschitz;
pub(crate) mod model;
mod newton;
mod normaliser;
mod sampling;

/// The claims of this paper, in the order in which it states them.
pub fn claims() -> Vec<Claim> {
    [
        derivatives::claims(),
        normaliser::claims(),
        definiteness::claims(),
        growth::claims(),
        lipschitz::claims(),
        newton::claims(),
        sampling::claims(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
