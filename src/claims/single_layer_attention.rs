//! "A Fast Optimization View: Reformulating Single Layer Attention in LLM Based on Tensor and SVM Trick" (arXiv 2309.07418):
//! `|| softmax(A1 X A2') A3 Y - B ||`. Only the abstract was at hand: formulas and constants are derived here, or quoted from
//! a later paper on the same objects.

use crate::claims::Claim;

mod cases;
mod derivatives;
mod elimination;
mod heads;
mod identifiable;
mod least_value;
mod model;
mod output;
mod thresholds;

/// The claims of this paper: what its objects are, derivatives, what the data see, least values, definiteness.
pub fn claims() -> Vec<Claim> {
    [
        derivatives::claims(),
        output::claims(),
        identifiable::claims(),
        heads::claims(),
        elimination::claims(),
        least_value::claims(),
        thresholds::claims(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
