//! Floor 4: runs claims over cases. Work is addressed by seed, claim and index, so neither the number of threads nor
//! their order can change a byte of the result.

mod journal;
mod plan;
mod record;
mod run;

pub use journal::Journal;
pub use plan::Plan;
pub use record::{ClaimRecord, DecidedCase, Failure, Tally};
pub use run::{Progress, run, run_until};
