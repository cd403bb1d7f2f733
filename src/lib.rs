//! Executable oracle and solver for attention-inspired regression.

#![deny(missing_docs)]
#![deny(unsafe_code)]

pub mod scalar;
