//! The conformance kit: small instances over all systems with expected values, for solvers in any language.
//!
//! A kit is a directory with `conformance.json` and one manifest per instance. It is made by `attreg generate
//! conformance`, bit for bit the same everywhere; [`score_directory`] holds a directory of answers against it.

mod expected;
mod listed;
mod named;
mod specimen;
mod specimens;
mod suite;

pub use expected::{
    Entry, ExpectedLoss, ExpectedOutputs, ExpectedValues, Kit, Required, RequiredLoss, make,
    read_kit, render,
};
pub use listed::Listed;
pub use specimen::Specimen;
pub use specimens::specimens;
pub use suite::{Row, Status, Suite, score_directory};

/// The kit's table of contents.
pub const MANIFEST: &str = "conformance.json";

#[cfg(test)]
mod tests;
