//! `attreg merge`: the report of a campaign that ran in shards, from their journals.

use std::path::{Path, PathBuf};

use crate::campaign;
use crate::claims;
use crate::cli::format::FormatArgs;
use crate::cli::{CliError, Exit, published};
use crate::instance::files::refuse_overlap;

/// Report on a campaign that ran in shards: the bytes of one undisturbed run.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  attreg verify --shard 1/2 --journal 1.journal\n  attreg verify --shard 2/2 --journal 2.journal\n  attreg merge 1.journal 2.journal --report run\n\nExit status: 0 every verdict is as recorded, 1 one differs, 2 a shard is missing, unfinished, there twice or of another campaign."
)]
pub struct MergeArgs {
    /// The journals of all shards, in any order
    #[arg(required = true)]
    journals: Vec<PathBuf>,
    /// Write report.html (the page to open), report.txt, report.json and one manifest per failing claim into this directory
    #[arg(long)]
    report: Option<PathBuf>,
    #[command(flatten)]
    format: FormatArgs,
}

/// Runs the command.
pub fn run(args: &MergeArgs) -> Result<Exit, CliError> {
    let catalogue = claims::all();
    let directory = args.report.as_deref();
    let merged = campaign::merge(&args.journals, &catalogue)?;
    let files = directory.map(|directory| published::files(directory, &merged.plan));
    let outputs: Vec<(&str, &Path)> = files
        .iter()
        .flatten()
        .map(|file| ("--report", file.as_path()))
        .collect();
    refuse_overlap(&args.journals, &outputs)?;
    published::prepare(directory)?;
    published::publish(
        &merged.plan,
        &merged.records,
        args.format.chosen(),
        directory,
        &catalogue,
    )
}
