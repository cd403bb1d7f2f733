//! Floor 5: what was found, a campaign above all, for people (table, failure blocks) and for programs (JSON, JUnit).

mod catalogue;
mod catch_up;
mod counts;
mod degree_window;
mod failure;
#[cfg(feature = "html")]
pub mod html;
mod json;
mod junit;
mod look;
mod reference;
mod reference_outputs;
mod row_queries;
mod table;
mod test_cases;

#[cfg(feature = "html")]
use catalogue::witness_path;
pub use catalogue::{explain, list, markdown};
pub use catch_up::CatchUpReport;
pub use counts::{Counts, Tallied, figures};
pub use degree_window::{DegreeEnd, DegreeWindowReport};
pub use failure::{decided, failure_block, strata, summary};
pub use json::{CampaignReport, ClaimReport, PointReport, WitnessReport, catalogue_json};
pub use junit::{Ending, TestCase, junit};
pub use look::Look;
pub use reference::{Found, ReferenceNames, ReferenceReport};
pub use reference_outputs::{NONE, OutputsReport, ReferenceOutputs, rows_without_outputs};
pub use row_queries::RowQueriesReport;
pub use table::{number, table};
pub use test_cases::test_cases;
