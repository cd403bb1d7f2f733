//! Floor 4: runs claims over cases. Work is addressed by seed, claim and index, so neither the number of threads nor
//! their order can change a byte of the result.

mod agenda;
mod journal;
mod merge;
mod plan;
mod record;
mod run;
mod shard;

pub use journal::Journal;
pub use merge::{Merged, merge};
pub use plan::Plan;
pub use record::{ClaimRecord, DecidedCase, Failure, Tally};
pub use run::{Progress, run, run_until};
pub use shard::Shard;

#[cfg(test)]
mod tests;
