//! `attreg chain`: rounds of a federated problem as a chain of blocks in a file, made, followed and made again.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::interrupt::{FINISHING, stop_flag};
use crate::cli::{CliError, Exit, output};
use crate::production::{ChainReport, ChainStatus, ChainedRounds, check_chain, make_chain};
use crate::system::{Posed, read};

/// Arguments of `attreg chain`.
#[derive(Debug, Args)]
#[command(
    after_help = "A block is a line of JSON: its number, the digest of the block before it, x, who contributed, the digest of what they sent, and
its own digest (SHA-256 of the bits). The first follows the digest of method, seed and manifest.

Without --check a chain of --rounds rounds is made; with --resume one that is there goes on, after it was followed. With --check a chain
is followed: every digest is computed again. With an instance as well, every round is made again and compared, bit for bit.

Exit status: 0, 1 if a chain does not follow, 2 for bad input, 130 after Ctrl-C; what was made stays, and --resume goes on from there.

Examples:
  attreg chain federated.json --journal chain.jsonl --rounds 10000
  attreg chain --check --journal chain.jsonl"
)]
pub struct ChainArgs {
    /// Manifest of a federated-softmax problem; with --check not needed to follow digests
    instance: Option<PathBuf>,
    /// The file of the chain
    #[arg(long, value_name = "FILE")]
    journal: PathBuf,
    /// Follow the chain that is there in place of making one
    #[arg(long, conflicts_with_all = ["rounds", "resume"])]
    check: bool,
    /// How many rounds the chain is to have
    #[arg(long, value_name = "T", default_value_t = 100)]
    rounds: u64,
    /// Go on with a chain that is there
    #[arg(long)]
    resume: bool,
    /// fedavg, drift-corrected, fedavg-median or fedavg-trimmed-mean
    #[arg(long, value_name = "METHOD", default_value = "fedavg")]
    method: String,
    /// Seed of who takes part
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    seed: u64,
    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
}

/// Makes or follows a chain.
pub fn run(arguments: &ChainArgs) -> Result<Exit, CliError> {
    let path = &arguments.journal;
    let rounds = match &arguments.instance {
        Some(path) => Some(rounds_of(path, arguments)?),
        None => None,
    };
    let report = match (&rounds, arguments.check) {
        (_, true) => check_chain(path, rounds.as_ref())?,
        (Some(rounds), false) => {
            let stop = stop_flag(FINISHING);
            make_chain(path, rounds, arguments.rounds, arguments.resume, &stop)?
        }
        (None, false) => {
            return Err(CliError::Usage(
                "an instance is needed to make a chain; --check follows one without".to_owned(),
            ));
        }
    };
    output::print_report(arguments.json, &report, || output::table(&table(&report)))?;
    Ok(match report.status {
        ChainStatus::Interrupted => Exit::Interrupted,
        ChainStatus::Made | ChainStatus::Follows => Exit::Success,
        ChainStatus::Broken => Exit::of(false),
    })
}

fn rounds_of(path: &Path, arguments: &ChainArgs) -> Result<ChainedRounds, CliError> {
    match read(path)? {
        Posed::Other(given) => ChainedRounds::new(&given, &arguments.method, arguments.seed)
            .map_err(|error| CliError::refused(path, error)),
        Posed::Logit(instance) => Err(CliError::refused(
            path,
            format!(
                "system \"{}\" has no rounds: a federated-softmax problem is needed",
                instance.loss().name()
            ),
        )),
    }
}

fn table(report: &ChainReport) -> Vec<(String, String)> {
    let mut rows = vec![
        ("status".to_owned(), report.status.as_str().to_owned()),
        ("blocks".to_owned(), report.blocks.to_string()),
    ];
    let more = [
        ("last digest", report.digest.clone()),
        ("loss", report.loss.map(|loss| loss.to_string())),
        ("line", report.line.map(|line| line.to_string())),
        ("reason", report.reason.clone()),
    ];
    for (name, value) in more {
        rows.extend(value.map(|value| (name.to_owned(), value)));
    }
    rows
}
