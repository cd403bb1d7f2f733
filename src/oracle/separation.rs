//! When a network of polynomial attention tells two data sets apart: exact probabilities, and the degrees for which it does.
//!
//! | file | what lives there |
//! |---|---|
//! | `sign_sums` | the distribution of a sum of random signs: binomial tails |
//! | `network` | the paper's data sets and network; the probability that it fires |
//! | `window` | the degrees for which it separates; how many sign vectors and how wide it takes |
//! | `error` | what is refused |
//!
//! Nothing is simulated: all classes of tokens but one have the same mass, so that `<c, y>` is a sum of three independent signed
//! numbers and of one number times a sum of signs.

mod error;
mod network;
mod sign_sums;
mod window;

pub use error::SeparationError;
pub use network::{FiringDegree, NetworkSizes, SignNetwork};
pub use sign_sums::SignSums;
pub use window::{DegreeWindow, WindowEnd};

#[cfg(test)]
mod tests;
