//! Floor 5: what a campaign found, for people (table, failure blocks) and for programs (JSON, JUnit).

mod catalogue;
mod counts;
mod failure;
#[cfg(feature = "html")]
pub mod html;
mod json;
mod junit;
mod look;
mod reference;
mod reference_outputs;
mod table;
mod test_cases;

#[cfg(feature = "html")]
use catalogue::witness_path;
pub use catalogue::{explain, list, markdown};
pub use counts::{Counts, Tallied, figures};
pub use failure::{decided, failure_block, strata, summary};
pub use json::{CampaignReport, ClaimReport, PointReport, WitnessReport, catalogue_json};
pub use junit::{Ending, TestCase, junit};
pub use look::Look;
pub use reference::{Found, ReferenceNames, ReferenceReport};
pub use reference_outputs::{NONE, OutputsReport, ReferenceOutputs, rows_without_outputs};
pub use table::{number, table};
pub use test_cases::test_cases;
