//! Floor 3: the claims of the papers as data. A claim states what is printed and where, its premise, how it is checked,
//! which verdict is recorded, what replaces it if it is false, and which planted fault its checker must catch.

mod active_learning;
mod case;
mod cases;
mod catalog;
mod claim;
pub mod curves;
mod dls23;
mod exact_attention;
mod family;
mod federated_softmax;
mod kernel_regression;
mod leverage_regression;
pub(crate) mod lsz23;
mod polynomial_attention;
mod proof;
mod real;
pub(crate) mod residual_softmax;
mod sampling;
mod single_layer_attention;
mod tensor_power;
#[cfg(test)]
mod tests;
mod tools;
pub(crate) mod two_layer;
mod verdict;
mod weighted_low_rank;

pub use case::{AnyCase, Case, Origin, Stratum};
pub use cases::{Cases, OtherCases};
pub use catalog::{all, find, select};
pub use claim::{Attack, Check, Claim, Expected, Paper, Subject, Trial, Wording};
pub use family::{Drawn, Family, TALL, Targets, Weights};
pub use proof::Proof;
pub use real::real_cases;
pub use tools::exact::Exact;
pub use tools::{attack, forms, statistics};
pub use verdict::{CheckError, Finding, Outside, Verdict};
