//! Floor 0: numbers. [`High`] is the oracle's scalar, [`rounding`] what one operation loses, [`Ball`] a number with an error,
//! [`Allowance`] what a check grants for errors, and why.

mod allowance;
mod ball;
mod certified;
mod high;
mod interval;
mod rounded;
pub mod rounding;
#[cfg(test)]
pub(crate) mod test_support;

pub use allowance::Allowance;
pub use ball::Ball;
pub use certified::{certified, certified_to};
pub use high::{High, ScalarError};
pub use interval::Interval;
pub use rounded::Rounded;
pub(crate) use rounded::within;
