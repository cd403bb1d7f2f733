//! Floor 0: numbers. [`High`] is the oracle's scalar, [`rounding`] what its operations lose.

mod certified;
mod high;
pub mod rounding;

pub use certified::{certified, certified_to};
pub use high::{High, ScalarError};
