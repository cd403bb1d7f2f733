//! Why a number could not enter or leave the oracle.

use thiserror::Error;

/// The reason why a value is not a usable [`High`](super::High).
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum ScalarError {
    /// An f64 that is NaN or infinite was to be lifted.
    #[error("{0} is not finite")]
    NotFinite(f64),
    /// The text is not a decimal number.
    #[error("{0:?} is not a decimal number")]
    NotANumber(String),
    /// The decimal exponent does not fit into an `i64`.
    #[error("the exponent of {0:?} does not fit into 64 bits")]
    OutOfRange(String),
    /// An earlier operation had no answer (0/0, x/0, ln of a nonpositive number, an exponent beyond 64 bits, ...).
    #[error("the value is poisoned: an earlier operation had no answer")]
    Poisoned,
}
