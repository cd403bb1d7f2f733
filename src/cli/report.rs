//! `attreg report`: the page about a finished run, from its report.json.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::claims::{self, Claim};
use crate::cli::{CliError, Exit};
use crate::instance::files::{FORMAT_VERSION, write_whole};
use crate::report::{CampaignReport, html};

/// The file of a report directory that programs read.
pub(super) const JSON_REPORT: &str = "report.json";
/// The one that people open.
pub(super) const PAGE: &str = "report.html";

/// Write the page about a finished run: report.html beside its report.json
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  attreg verify --report run\n  attreg report run\n\nExit status: 0, or 2 where there is no report of this version."
)]
pub struct ReportArgs {
    /// Directory that `attreg verify --report DIR` has written
    directory: PathBuf,
}

/// Runs the command.
pub fn run(args: &ReportArgs) -> Result<Exit, CliError> {
    let path = args.directory.join(JSON_REPORT);
    let text = std::fs::read(&path).map_err(|source| CliError::io(&path, source))?;
    let run = parse(&path, &text)?;
    write_page(&args.directory, &path, &run, &claims::all())?;
    Ok(Exit::Success)
}

/// The page of this run in this directory; `source` is what a refusal names.
pub(super) fn write_page(
    directory: &Path,
    source: &Path,
    run: &CampaignReport,
    catalogue: &[Claim],
) -> Result<(), CliError> {
    let page = html::page(run, catalogue).map_err(|error| CliError::refused(source, error))?;
    Ok(write_whole(&directory.join(PAGE), page.as_bytes())?)
}

fn parse(path: &Path, text: &[u8]) -> Result<CampaignReport, CliError> {
    #[derive(Deserialize)]
    struct Version {
        format_version: Option<u32>,
    }
    let refused = |error: serde_json::Error| CliError::refused(path, error);
    let version: Version = serde_json::from_slice(text).map_err(refused)?;
    match version.format_version {
        Some(FORMAT_VERSION) => serde_json::from_slice(text).map_err(refused),
        Some(other) => Err(CliError::refused(
            path,
            format!("format_version is {other}, this program reads {FORMAT_VERSION}"),
        )),
        None => Err(CliError::refused(
            path,
            "format_version is missing: no report of `attreg verify --report`",
        )),
    }
}
