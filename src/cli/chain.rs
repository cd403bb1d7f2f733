//! `attreg chain`: rounds of a federated problem as a chain of blocks in a file, made, followed and made again.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering::SeqCst;

use clap::Args;
use serde::Serialize;

use crate::cli::interrupt::{FINISHING, stop_flag};
use crate::cli::{CliError, Exit, output};
use crate::production::ChainedRounds;
use crate::production::chain::{Chain, ChainError, LineError, hexadecimal};
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

/// What `--json` prints.
#[derive(Serialize)]
struct Report {
    status: &'static str,
    blocks: u64,
    digest: Option<String>,
    loss: Option<f64>,
    /// The line that does not follow, from 1 on, and why.
    line: Option<u64>,
    reason: Option<String>,
}

/// Makes or follows a chain.
pub fn run(arguments: &ChainArgs) -> Result<Exit, CliError> {
    let rounds = match &arguments.instance {
        Some(path) => Some(rounds_of(path, arguments)?),
        None => None,
    };
    let (report, exit) = match (&rounds, arguments.check) {
        (_, true) => check(arguments, rounds.as_ref())?,
        (Some(rounds), false) => make(arguments, rounds)?,
        (None, false) => {
            return Err(CliError::Usage(
                "an instance is needed to make a chain; --check follows one without".to_owned(),
            ));
        }
    };
    output::print_report(arguments.json, &report, || output::table(&table(&report)))?;
    Ok(exit)
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

/// How following a file ended.
enum Followed {
    /// Every line is the next block; the byte after the last of them.
    Whole(u64),
    /// Only the last line is cut off; the byte where it begins.
    CutOff(u64, ChainError),
    /// A line is not the next block.
    Broken(ChainError),
}

/// Follows the lines of a file; where there are rounds, makes each block again.
fn follow(
    path: &Path,
    chain: &mut Chain,
    rounds: Option<&ChainedRounds>,
) -> Result<Followed, CliError> {
    let failed = |error| CliError::io(path, error);
    let mut lines = BufReader::new(File::open(path).map_err(failed)?);
    let (mut line, mut place) = (String::new(), 0);
    loop {
        line.clear();
        let length = lines.read_line(&mut line).map_err(failed)? as u64;
        if length == 0 {
            return Ok(Followed::Whole(place));
        }
        let expected = match (rounds, chain.last()) {
            (None, _) => None,
            (Some(rounds), None) => Some(rounds.first()),
            (Some(rounds), Some((block, digest))) => Some(
                rounds
                    .after(block, *digest)
                    .map_err(|error| CliError::refused(path, error))?,
            ),
        };
        let Some(text) = line.strip_suffix('\n') else {
            let missing = LineError::Broken("the end of the line is missing".to_owned());
            return Ok(Followed::CutOff(place, missing.into()));
        };
        match (chain.follow_line(text), expected) {
            (Ok(block), Some(expected)) if *block != expected => {
                return Ok(Followed::Broken(ChainError::Remade(block.number)));
            }
            (Ok(_), _) => {}
            (Err(error), _) => return Ok(Followed::Broken(error)),
        }
        place += length;
    }
}

fn check(
    arguments: &ChainArgs,
    rounds: Option<&ChainedRounds>,
) -> Result<(Report, Exit), CliError> {
    let mut chain = Chain::new(rounds.map(ChainedRounds::terms));
    let followed = follow(&arguments.journal, &mut chain, rounds)?;
    let error = match followed {
        Followed::Whole(_) => None,
        Followed::CutOff(_, error) | Followed::Broken(error) => Some(error),
    };
    let status = if error.is_none() { "follows" } else { "broken" };
    // What was made again and is another block stands in the chain as it is.
    let line = match &error {
        None => None,
        Some(ChainError::Remade(number)) => Some(number + 1),
        Some(_) => Some(chain.blocks() + 1),
    };
    let exit = Exit::of(error.is_none());
    let report = Report {
        line,
        reason: error.map(|error| error.to_string()),
        ..report(status, &chain, rounds)
    };
    Ok((report, exit))
}

fn make(arguments: &ChainArgs, rounds: &ChainedRounds) -> Result<(Report, Exit), CliError> {
    let path = &arguments.journal;
    let failed = |error| CliError::io(path, error);
    let mut chain = Chain::new(Some(rounds.terms()));
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(!arguments.resume)
        .open(path)
        .map_err(failed)?;
    if file.try_lock().is_err() {
        return Err(CliError::refused(path, "another process writes this chain"));
    }
    if arguments.resume {
        let end = match follow(path, &mut chain, None)? {
            // A run that was killed may have left a part of a line.
            Followed::Whole(end) | Followed::CutOff(end, _) => end,
            Followed::Broken(error) => {
                let line = chain.blocks() + 1;
                return Err(CliError::refused(path, format!("line {line}: {error}")));
            }
        };
        file.set_len(end).map_err(failed)?;
        file.seek(SeekFrom::Start(end)).map_err(failed)?;
    }
    let stop = stop_flag(FINISHING);
    let mut file = BufWriter::new(file);
    let mut interrupted = false;
    while chain.blocks() <= arguments.rounds {
        let block = match chain.last() {
            None => rounds.first(),
            Some((block, digest)) => match rounds.after(block, *digest) {
                Ok(block) => block,
                Err(error) => {
                    file.flush().map_err(failed)?;
                    return Err(CliError::refused(
                        path,
                        format!("round {} cannot be made: {error}", block.number),
                    ));
                }
            },
        };
        let line = block
            .line()
            .map_err(|error| CliError::refused(path, error))?;
        file.write_all(line.as_bytes()).map_err(failed)?;
        chain
            .follow_line(line.trim_end())
            .map_err(|error| CliError::refused(path, error))?;
        if stop.load(SeqCst) {
            interrupted = true;
            break;
        }
    }
    file.flush().map_err(failed)?;
    let (status, exit) = if interrupted {
        ("interrupted", Exit::Interrupted)
    } else {
        ("made", Exit::Success)
    };
    Ok((report(status, &chain, Some(rounds)), exit))
}

fn report(status: &'static str, chain: &Chain, rounds: Option<&ChainedRounds>) -> Report {
    let last = chain.last();
    let loss = last
        .zip(rounds)
        .and_then(|((block, _), rounds)| rounds.loss(block).ok());
    Report {
        status,
        blocks: chain.blocks(),
        digest: last.map(|(_, digest)| hexadecimal(digest)),
        loss,
        line: None,
        reason: None,
    }
}

fn table(report: &Report) -> Vec<(String, String)> {
    let mut rows = vec![
        ("status".to_owned(), report.status.to_owned()),
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
