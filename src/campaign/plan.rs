//! What a campaign is asked to do, and what becomes of each case.

use crate::claims::{AnyCase, Claim, Verdict};
use crate::system::Posed;

/// What to run.
pub struct Plan<'a> {
    /// The claims.
    pub claims: Vec<&'a Claim>,
    /// Seed of every random choice.
    pub seed: u64,
    /// Random cases for each claim; `None` for each claim's own number.
    pub cases: Option<usize>,
    /// Check these instances and nothing else, each with its name.
    pub only: Option<Vec<(String, Posed)>>,
}

/// A decided case, or why it could not be made.
pub(super) type Decided = Result<(AnyCase, Verdict), String>;

/// What a claim's certificate proves, or why it was refused.
pub(super) type Proven = Result<String, String>;
