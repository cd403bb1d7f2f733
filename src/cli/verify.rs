//! `attreg verify`: decides the claims and holds the verdicts against the record.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressStyle};

use crate::campaign::{self, ClaimRecord, Journal, Plan};
use crate::claims;
use crate::cli::{CliError, Exit, interrupt, output};
use crate::instance::files::{read_instance, render_instance, write_whole};
use crate::report;

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
    /// Write report.txt, report.json and one manifest per failing claim into this directory.
    #[arg(long)]
    report: Option<PathBuf>,
    /// Write every finished case into this file at once, so that the campaign can be resumed.
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,
    /// Go on with the campaign in the journal.
    #[arg(long, requires = "journal")]
    resume: bool,
    /// Print JSON instead of the table.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: &VerifyArgs) -> Result<Exit, CliError> {
    let catalogue = claims::all();
    let selected = claims::select(&catalogue, &args.names).map_err(|name| {
        CliError::Usage(format!(
            "no claim or paper is called \"{name}\"; `attreg claims` lists them"
        ))
    })?;
    let plan = Plan {
        claims: selected,
        seed: args.seed,
        cases: args.cases.map(|cases| cases as usize),
        only: only(&args.instance)?,
    };
    if let Some(directory) = &args.report {
        std::fs::create_dir_all(directory).map_err(|source| CliError::io(directory, source))?;
        // Better now than after hours of work.
        tempfile::tempfile_in(directory).map_err(|source| CliError::io(directory, source))?;
    }
    let journal = match &args.journal {
        Some(path) if args.resume => Some(Journal::resume(path, &plan)?),
        Some(path) => Some(Journal::create(path, &plan)?),
        None => None,
    };
    let bar = progress_bar(plan.total());
    let progress = || bar.inc(1);
    let stop = interrupt::stop_flag();
    let records = campaign::run_until(&plan, &progress, &stop, journal.as_ref());
    bar.finish_and_clear();
    let records = records?;
    let text = text_report(&plan, &records, args);
    let json = output::json_line(&report::CampaignReport::new(
        plan.seed,
        &plan.claims,
        &records,
    ));
    // The answer first: a disk that is full by now must not swallow it.
    output::print(if args.json { &json } else { &text })?;
    if let Some(directory) = &args.report {
        save(directory, &text, &json, &records)?;
    }
    Ok(if records.iter().any(|record| record.unfinished > 0) {
        Exit::Interrupted
    } else if records.iter().all(ClaimRecord::as_recorded) {
        Exit::Success
    } else {
        Exit::Differs
    })
}

fn only(paths: &[PathBuf]) -> Result<Option<Vec<(String, crate::instance::Instance)>>, CliError> {
    if paths.is_empty() {
        return Ok(None);
    }
    let instances: Result<Vec<_>, CliError> = paths
        .iter()
        .map(|path| Ok((path.display().to_string(), read_instance(path)?)))
        .collect();
    Ok(Some(instances?))
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
            "{}: {} observed {}, allowed {} ({}, n = {}, d = {})\n",
            record.id,
            failure.finding.quantity,
            failure.finding.observed,
            failure.finding.allowed,
            failure.origin,
            failure.instance.rows(),
            failure.instance.columns(),
        ));
    }
    text.push('\n');
    text
}

fn save(directory: &Path, text: &str, json: &str, records: &[ClaimRecord]) -> Result<(), CliError> {
    write_whole(&directory.join("report.txt"), text.as_bytes())?;
    write_whole(&directory.join("report.json"), json.as_bytes())?;
    for record in records {
        if let Some(failure) = &record.failure {
            let manifest = render_instance(&failure.instance);
            let name = format!("{}.json", record.id.replace('/', "-"));
            write_whole(&directory.join(name), manifest.as_bytes())?;
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
