//! Floor 3: the claims of the papers as data. A claim states what is printed and where, its premise, how it is checked,
//! which verdict is recorded, what replaces it if it is false, and which planted fault its checker must catch.

pub mod attack;
mod case;
mod catalog;
mod claim;
mod dls23;
mod exact;
mod family;
pub mod forms;
mod loewner;
pub(crate) mod lsz23;
mod newton_steps;
mod newton_support;
mod proof;
pub(crate) mod residual_softmax;
mod sampling;
pub mod statistics;
mod tall;
#[cfg(test)]
mod tests;
pub(crate) mod two_layer;
mod verdict;

pub use case::{Case, Origin, Stratum};
pub use catalog::{all, find, select};
pub use claim::{Check, Claim, Control, Expected, Paper, Wording};
pub use exact::Exact;
pub use family::{Drawn, Family, TALL, Targets, Weights};
pub use proof::{Proof, proof_of};
pub use verdict::{CheckError, Finding, Outside, Verdict};
