//! Floor 1: proofs that the program checks.
pub mod definition;
pub mod form;
pub mod polynomial;
pub mod surd;
