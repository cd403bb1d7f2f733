//! `attreg verify`: decides the claims and holds the verdicts against the record.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressStyle};

use crate::campaign::{self, ClaimRecord, Journal, Plan};
use crate::claims;
use crate::cli::format::{Format, FormatArgs};
use crate::cli::report::{JSON_REPORT, PAGE, write_page};
use crate::cli::{CliError, Exit, interrupt, output};
use crate::instance::files::{check_directory, refuse_overlap, refuse_two_readers, write_whole};
use crate::report;
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
    if let Some(directory) = &args.report {
        std::fs::create_dir_all(directory).map_err(|source| CliError::io(directory, source))?;
        // Better now than after hours of work.
        check_directory(directory)?;
    }
    let journal = match &args.journal {
        Some(path) if args.resume => Some(Journal::resume(path, &plan)?),
        Some(path) => Some(Journal::create(path, &plan)?),
        None => None,
    };
    let bar = progress_bar(plan.total());
    let progress = || bar.inc(1);
    let stop = interrupt::stop_flag(interrupt::FINISHING);
    let records = campaign::run_until(&plan, &progress, &stop, journal.as_ref());
    bar.finish_and_clear();
    let records = records?;
    let text = text_report(&plan, &records, args);
    let campaign = report::CampaignReport::new(plan.seed, &plan.claims, &records);
    let json = output::json_report(&campaign);
    // The answer first: a disk that is full by now must not swallow it.
    match args.format.chosen() {
        Format::Text => output::print(&text)?,
        Format::Json => output::print(&json)?,
        Format::Junit => {
            let cases = report::test_cases(&records, plan.seed, plan.cases);
            output::print(&report::junit("attreg verify", &cases))?;
        }
    }
    if let Some(directory) = &args.report {
        save(directory, &text, &json, &records)?;
        write_page(directory, directory, &campaign, &catalogue)?;
    }
    Ok(if records.iter().any(|record| record.unfinished > 0) {
        Exit::Interrupted
    } else if records.iter().all(ClaimRecord::as_recorded) {
        Exit::Success
    } else {
        Exit::Differs
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
        let manifests = plan.claims.iter().map(|claim| manifest_name(claim.id));
        let names = [TEXT_REPORT, JSON_REPORT, PAGE].map(str::to_owned);
        for name in names.into_iter().chain(manifests) {
            outputs.push(("--report", directory.join(name)));
        }
    }
    let outputs: Vec<(&str, &Path)> = outputs
        .iter()
        .map(|(option, path)| (*option, path.as_path()))
        .collect();
    Ok(refuse_overlap(inputs, &outputs)?)
}

/// The file of a report directory with the table.
const TEXT_REPORT: &str = "report.txt";

/// The file of a report directory that holds the smallest failure of a claim.
fn manifest_name(claim: &str) -> String {
    format!("{}.json", claim.replace('/', "-"))
}

fn text_report(plan: &Plan<'_>, records: &[ClaimRecord], args: &VerifyArgs) -> String {
    let mut text = report::table(&plan.claims, records);
    for record in records {
        if !record.as_recorded() {
            text.push_str(&report::failure_block(record, plan.seed, plan.cases));
            text.push('\n');
        }
        // Somebody who asks for one claim wants to know all about it.
        if args.names.len() == 1 && plan.claims.len() == 1 {
            text.push_str(&details(record));
        }
    }
    text.push_str(&report::summary(records, plan.seed));
    text.push('\n');
    text
}

fn details(record: &ClaimRecord) -> String {
    let mut text = report::strata(record) + "\n";
    for (reason, count) in &record.outside {
        text.push_str(&format!(
            "{}: outside the premise: {} ({count})\n",
            record.id,
            reason.as_str()
        ));
    }
    if let Some(Ok(proof)) = &record.proof {
        text.push_str(&format!("{}: proven: {proof}\n", record.id));
    }
    if let Some(failure) = &record.failure {
        text.push_str(&format!(
            "{}: {} observed {}, allowed {} ({}, {})\n",
            record.id,
            failure.finding.quantity,
            failure.finding.observed,
            failure.finding.allowed,
            failure.origin,
            failure.instance.sizes_in_words(),
        ));
    }
    text.push('\n');
    text
}

fn save(directory: &Path, text: &str, json: &str, records: &[ClaimRecord]) -> Result<(), CliError> {
    remove_stale(directory)?;
    write_whole(&directory.join(TEXT_REPORT), text.as_bytes())?;
    write_whole(&directory.join(JSON_REPORT), json.as_bytes())?;
    for record in records {
        if let Some(failure) = &record.failure {
            let manifest = failure.instance.render();
            let file = directory.join(manifest_name(record.id));
            write_whole(&file, manifest.as_bytes())?;
        }
    }
    Ok(())
}

/// Removes the manifests of an earlier run: the files that its report.json names and that still hold what it says of them.
/// Everything else in the directory is somebody else's.
fn remove_stale(directory: &Path) -> Result<(), CliError> {
    let report = directory.join(JSON_REPORT);
    // What is no regular file (a device, a pipe) may never end.
    if !std::fs::metadata(&report).is_ok_and(|found| found.is_file()) {
        return Ok(());
    }
    let earlier: Option<serde_json::Value> = std::fs::read(report)
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let claims = earlier
        .as_ref()
        .and_then(|report| report["claims"].as_array());
    for claim in claims.into_iter().flatten() {
        if let (Some(id), Some(manifest)) =
            (claim["id"].as_str(), claim["witness"]["instance"].as_str())
        {
            let file = directory.join(manifest_name(id));
            if std::fs::read(&file).is_ok_and(|bytes| bytes == manifest.as_bytes()) {
                std::fs::remove_file(&file).map_err(|source| CliError::io(&file, source))?;
            }
        }
    }
    Ok(())
}

/// A bar on a terminal, nothing elsewhere.
fn progress_bar(total: usize) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style =
        ProgressStyle::with_template("{bar:40} {pos}/{len} cases  {elapsed} elapsed, {eta} left")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(total as u64).with_style(style)
}
