//! The solver against the oracle, against itself (methods, threads, drawn values), and on what a fuzzer found.

mod active_learning;
mod against_oracle;
mod answers;
#[cfg(feature = "argmin")]
mod argmin;
mod by_gram;
#[cfg(feature = "argmin")]
#[path = "../common/mod.rs"]
mod common;
mod error_bounds;
mod fuzz_regressions;
mod kernel_regression;
mod leverage_regression;
mod losses_against_oracle;
mod settings;
mod systems;
mod threads;
mod value_stability;
