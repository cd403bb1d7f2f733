//! Floor 5: what a campaign found, for people (table, failure blocks) and for programs (JSON).

mod catalogue;
mod counts;
mod failure;
mod json;
mod table;

pub use catalogue::{explain, list, markdown};
pub use counts::{Counts, Tallied, figures};
pub use failure::{decided, failure_block, strata, summary};
pub use json::{CampaignReport, catalogue_json};
pub use table::{number, table};
