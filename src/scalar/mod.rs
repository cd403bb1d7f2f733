//! Floor 0: numbers. [`High`] is the oracle's scalar, [`Tolerance`] is a value with a reason.

mod high;
mod tolerance;

pub use high::{High, ScalarError};
pub use tolerance::Tolerance;
