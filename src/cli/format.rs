//! How a report is printed.

use clap::{Args, ValueEnum};

/// For people, for programs, for continuous integration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A table
    #[value(alias = "table")]
    Text,
    /// One JSON object
    Json,
    /// JUnit XML
    Junit,
}

/// The options that choose a format.
#[derive(Debug, Args)]
pub struct FormatArgs {
    /// How to print the report
    #[arg(long, value_enum, value_name = "FORMAT", conflicts_with = "json")]
    format: Option<Format>,
    /// Print one JSON object: --format json
    #[arg(long)]
    json: bool,
}

impl FormatArgs {
    /// The format that was asked for: text where none was.
    pub(super) fn chosen(&self) -> Format {
        if self.json {
            Format::Json
        } else {
            self.format.unwrap_or(Format::Text)
        }
    }
}
