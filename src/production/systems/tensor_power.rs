//! Components of a symmetric tensor (arXiv 2306.00406).
//!
//! | file | what lives there |
//! |---|---|
//! | `packed` | the tensor, one entry for every non-decreasing index, and its prefixes |
//! | `contract` | `T(v, .., v, .)` for many v at once, and `T(v, .., v, ., .)` |
//! | `pairs` | values and vectors, their equations, order and signs |
//! | `settle` | power steps for all vectors at once, Newton's where these are slow |
//! | `start` | all starts from one random contraction |
//! | `random_contraction`, `deflation` | the two methods |
//! | `proof`, `answer` | a proven bound for each pair, and how a run ends |

mod answer;
mod contract;
mod deflation;
mod packed;
mod pairs;
mod proof;
mod random_contraction;
mod settle;
mod start;
#[cfg(test)]
mod tests;

pub(crate) use deflation::Deflation;
pub(crate) use random_contraction::RandomContraction;

/// The key of the system.
const KEY: &str = "tensor-power";
