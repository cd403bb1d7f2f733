//! Floor 0: numbers. [`High`] is the oracle's scalar, [`Tolerance`] is a value with a reason.

mod certified;
mod high;
mod tolerance;

pub use certified::{certified, certified_to};
pub use high::{High, ScalarError};
pub use tolerance::Tolerance;
