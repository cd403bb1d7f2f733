//! `attreg verify`: decides the claims and holds the verdicts against the record.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressStyle};

use crate::campaign::{self, ClaimRecord, Journal, Plan, Shard};
use crate::claims::{self, Claim};
use crate::cli::format::FormatArgs;
use crate::cli::{CliError, Exit, interrupt, output, published};
use crate::instance::files::{refuse_overlap, refuse_two_readers};
use crate::system::{Posed, read_with_files};

/// The seed of a run that names none.
const DEFAULT_SEED: u64 = 2304;

/// Decide the claims and compare the verdicts with the record.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  attreg verify\n  attreg verify dls23/hessian-printed --instance fixtures/witnesses/dls23-hessian-printed.json\n\nExit status: 0 every verdict is as recorded, 1 one differs, 2 bad usage or input, 130 interrupted.\n\nCtrl-C finishes the cases under way and reports those that are done; a journal can be resumed. A second one ends at once."
)]
pub struct VerifyArgs {
    /// Claims (`dls23/gradient-printed` or `gradient-printed`) or papers (`dls23`); none means all.
    names: Vec<String>,
    /// Random cases for each claim, instead of each claim's own number.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    cases: Option<u32>,
    /// Seed of every random choice.
    #[arg(long, default_value_t = DEFAULT_SEED)]
    seed: u64,
    /// Check this instance and nothing else (may be given more than once).
    #[arg(long)]
    instance: Vec<PathBuf>,
    /// Write report.html (the page to open), report.txt, report.json and one manifest per failing claim into this directory.
    #[arg(long)]
    report: Option<PathBuf>,
    /// Write every finished case into this file at once, so that the campaign can be resumed.
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,
    /// Go on with the campaign in the journal.
    #[arg(long, requires = "journal")]
    resume: bool,
    /// Run part I of K parts of the campaign; `attreg merge` makes one report of the K journals.
    #[arg(long, value_name = "I/K", requires = "journal", conflicts_with_all = ["report", "format", "json"])]
    shard: Option<Shard>,
    #[command(flatten)]
    format: FormatArgs,
}

/// Runs the command.
pub fn run(args: &VerifyArgs) -> Result<Exit, CliError> {
    let catalogue = claims::all();
    let selected = claims::select(&catalogue, &args.names).map_err(|name| {
        CliError::Usage(format!(
            "no claim or paper is called \"{name}\"; `attreg claims` lists them"
        ))
    })?;
    if args.cases.is_some() && !args.instance.is_empty() {
        return Err(CliError::without_effect(
            "--cases",
            "with --instance no case is drawn",
        ));
    }
    let (only, inputs) = only(&args.instance)?;
    let plan = Plan {
        claims: selected,
        seed: args.seed,
        cases: args.cases.map(|cases| cases as usize),
        only,
    };
    refuse_to_replace(&inputs, &plan, args)?;
    published::prepare(args.report.as_deref())?;
    let shard = args.shard.unwrap_or(Shard::WHOLE);
    let journal = match &args.journal {
        Some(path) if args.resume => Some(Journal::resume(path, &plan, shard)?),
        Some(path) => Some(Journal::create(path, &plan, shard)?),
        None => None,
    };
    let bar = progress_bar(plan.total(shard));
    let progress = |claim: &Claim| {
        bar.set_message(claim.id);
        bar.inc(1);
    };
    let stop = interrupt::stop_flag(interrupt::FINISHING);
    let records = campaign::run_until(&plan, &progress, &stop, journal.as_ref());
    bar.finish_and_clear();
    let records = records?;
    if args.shard.is_some() {
        return part(shard, &records);
    }
    let directory = args.report.as_deref();
    published::publish(&plan, &records, args.format.chosen(), directory, &catalogue)
}

/// What is said about a shard: a part of the cases decides no claim.
fn part(shard: Shard, records: &[ClaimRecord]) -> Result<Exit, CliError> {
    let done: usize = records.iter().map(|record| record.cases).sum();
    let left: usize = records.iter().map(|record| record.unfinished).sum();
    output::print(&if left == 0 {
        format!(
            "shard {shard}: {done} cases are in the journal; `attreg merge` reports on all shards\n"
        )
    } else {
        format!(
            "shard {shard}: INTERRUPTED: {done} cases are in the journal, {left} are not; --resume goes on\n"
        )
    })?;
    Ok(if left == 0 {
        Exit::Success
    } else {
        Exit::Interrupted
    })
}

/// Instances with their names.
type Named = Vec<(String, Posed)>;

/// The instances that were given, if any, and the files they came from.
fn only(paths: &[PathBuf]) -> Result<(Option<Named>, Vec<PathBuf>), CliError> {
    let named: Vec<(&str, &Path)> = paths
        .iter()
        .map(|path| ("--instance", path.as_path()))
        .collect();
    refuse_two_readers(&named)?;
    let (mut instances, mut inputs) = (Vec::new(), Vec::new());
    for path in paths {
        let (posed, files) = read_with_files(path)?;
        instances.push((path.display().to_string(), posed));
        inputs.extend(files);
    }
    Ok(((!paths.is_empty()).then_some(instances), inputs))
}

/// No file that may be written is one that was read.
fn refuse_to_replace(
    inputs: &[PathBuf],
    plan: &Plan<'_>,
    args: &VerifyArgs,
) -> Result<(), CliError> {
    let mut outputs: Vec<(&str, PathBuf)> = Vec::new();
    if let Some(journal) = &args.journal {
        outputs.push(("--journal", journal.clone()));
    }
    if let Some(directory) = &args.report {
        outputs.push(("--report", directory.clone()));
        let files = published::files(directory, plan);
        outputs.extend(files.into_iter().map(|file| ("--report", file)));
    }
    let outputs: Vec<(&str, &Path)> = outputs
        .iter()
        .map(|(option, path)| (*option, path.as_path()))
        .collect();
    Ok(refuse_overlap(inputs, &outputs)?)
}

/// A bar on a terminal, nothing elsewhere.
fn progress_bar(total: usize) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template(
        "{bar:20} {pos}/{len} cases, {elapsed}, about {eta} left: {wide_msg}",
    )
    .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(total as u64).with_style(style)
}
