//! Linear regression from few labels (arXiv 2306.03356).
//!
//! | file | what lives there |
//! |---|---|
//! | `pool` | orthonormal coordinates of the pool and leverage scores, without a label |
//! | `labels` | labels behind a counter |
//! | `design` | which points are labelled, with what weights, and what equal noise makes of it |
//! | `by_leverage`, `by_barriers`, `by_determinant` | the ways to choose: draws by leverage, randomised BSS, greedy D-optimality |
//! | `methods` | the methods: choose, read, fit |
//! | `choice` | the points alone, for whoever has no labels yet |
//! | `fit` | weighted least squares, by the factor of linear regression |
//! | `continuous` | draws by leverage for Legendre and trigonometric polynomials on their whole domain |

mod by_barriers;
mod by_determinant;
mod by_leverage;
mod choice;
mod continuous;
mod design;
mod fit;
mod labels;
mod methods;
mod pool;
#[cfg(test)]
mod tests;

pub use choice::{LabelDesign, choose_points};
pub use continuous::{ContinuousBasis, ContinuousFit, fit_continuous};
pub(crate) use methods::{BY_BARRIERS, BY_DETERMINANT, BY_LEVERAGE};

/// The key of the system.
const KEY: &str = "active-learning";
