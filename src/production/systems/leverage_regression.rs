//! Linear regression (arXiv 2311.14823).
//!
//! | file | what lives there |
//! |---|---|
//! | `problem` | A, b and lambda, each divided by a power of two; normal equations, values at a point |
//! | `excess` | how far the loss at anybody's x is proven to be above the least |
//! | `by_factor` | one triangular factor, refined in twice the precision, with a proven bound |
//! | `by_gram` | the same in two passes over A where a Gram matrix can bear the condition number |
//! | `deficient` | the same where columns are dependent |
//! | `by_conjugate_gradients` | conjugate gradients, preconditioned by a sketch |
//! | `by_sample` | a sample of rows by leverage scores, accepted once its excess is proven |
//! | `rows` | how many rows such a sample needs |

mod by_conjugate_gradients;
mod by_factor;
mod by_gram;
#[cfg(test)]
mod by_gram_tests;
mod by_sample;
mod deficient;
mod excess;
mod problem;
mod rows;
#[cfg(test)]
mod tests;

pub(crate) use by_conjugate_gradients::ByConjugateGradients;
pub(crate) use by_factor::ByFactor;
pub(crate) use by_sample::BySample;
pub use excess::{Excess, bound_excess};
pub use rows::{rows_for_mean, rows_for_probability};

/// The key of the system.
const KEY: &str = "leverage-regression";
