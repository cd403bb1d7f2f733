//! What a page says of a claim: what a run found, or what is on record.

use crate::claims::Claim;
use crate::report::ClaimReport;

/// A claim, with the report on it where there was a run.
#[derive(Clone, Copy)]
pub(super) struct Told<'a> {
    pub claim: &'a Claim,
    pub report: Option<&'a ClaimReport>,
}

impl<'a> Told<'a> {
    /// The verdict of the run; without one that on record.
    pub fn verdict(&self) -> &'a str {
        self.report
            .map_or(self.claim.recorded(), |report| report.verdict.as_str())
    }
}
