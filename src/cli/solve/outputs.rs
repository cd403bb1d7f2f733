//! Evaluating a system without unknowns.

use std::path::Path;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Instant;

use serde::Serialize;
use serde_json::Value;

use crate::cli::interrupt::stop_flag;
use crate::cli::{CliError, Exit, output};
use crate::instance::files::{has_suffix, npy, write_whole};
use crate::production::{Outputs, OutputsError, RefusedRow, evaluate_interruptible};
use crate::report::{NONE, rows_without_outputs};
use crate::system::{Given, Layout, as_json};

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'a> {
    /// `evaluated`, or `evaluated-in-part` where rows have no outputs.
    status: &'static str,
    /// The outputs under their name, as the system's table has it.
    #[serde(flatten)]
    outputs: Value,
    /// The rows that have no outputs: null there.
    refused_rows: Vec<usize>,
    /// The largest error bound of those that have.
    error_bound: f64,
    /// One for each output.
    error_bounds: Value,
    error_bound_basis: &'a str,
    warnings: Vec<String>,
    method: &'static str,
    seconds: f64,
}

/// What becomes of an evaluation that is interrupted.
const LEFT_OUT: &str = "outputs that are not finished are left out";

/// Evaluates, writes the file that was asked for, prints.
pub(super) fn run(
    path: &Path,
    given: &Given,
    file: Option<&Path>,
    json: bool,
) -> Result<Exit, CliError> {
    let save = file.map(saver).transpose()?;
    let clock = Instant::now();
    let stop = stop_flag(LEFT_OUT);
    let outputs = match evaluate_interruptible(given, &stop) {
        Err(OutputsError::Interrupted) => return Ok(Exit::Interrupted),
        // The signal came when nothing was left to interrupt.
        Ok(_) if stop.load(SeqCst) => return Ok(Exit::Interrupted),
        other => other.map_err(|error| CliError::refused(path, error))?,
    };
    let seconds = clock.elapsed().as_secs_f64();
    let layout = given.outputs_layout();
    if let (Some(save), Some(file)) = (save, file) {
        save(file, &layout, &outputs)?;
    }
    let warnings = warning(&outputs.refused, given.size("nq"));
    let report = Report {
        status: match outputs.refused[..] {
            [] => "evaluated",
            [..] => "evaluated-in-part",
        },
        outputs: as_json(&layout, outputs.values.values()),
        refused_rows: outputs.refused.iter().map(RefusedRow::row).collect(),
        // The maximum of two numbers, one of them NaN, is the other.
        error_bound: outputs
            .error_bounds
            .values()
            .iter()
            .copied()
            .fold(0.0, f64::max),
        error_bounds: outputs.error_bounds.to_json(),
        error_bound_basis: outputs.error_bound_basis,
        warnings: warnings.into_iter().collect(),
        method: outputs.method,
        seconds,
    };
    output::print_report(json, &report, || {
        output::table(&table(&report, &outputs, &layout))
    })?;
    Ok(Exit::of(outputs.refused.is_empty()))
}

/// How many of the rows have no outputs, and why the first has none.
fn warning(refused: &[RefusedRow], rows: usize) -> Option<String> {
    let first = refused.first()?;
    Some(rows_without_outputs(refused.len(), rows, first))
}

fn table(report: &Report<'_>, outputs: &Outputs, layout: &Layout) -> Vec<(String, String)> {
    let mut rows = vec![
        ("status".to_owned(), report.status.to_owned()),
        (
            "error bound".to_owned(),
            format!("{:.3e}", report.error_bound),
        ),
        (String::new(), report.error_bound_basis.to_owned()),
        ("method".to_owned(), report.method.to_owned()),
        ("seconds".to_owned(), format!("{:.3}", report.seconds)),
    ];
    let warnings = report.warnings.iter().cloned();
    rows.extend(warnings.map(|warning| ("warning".to_owned(), warning)));
    let entries = outputs.values.values().iter();
    for (k, (value, bound)) in entries.zip(outputs.error_bounds.values()).enumerate() {
        let name = layout.entry(k).unwrap_or_default();
        let shown = match value.is_nan() {
            true => NONE.to_owned(),
            false => format!("{value:e} +- {bound:.1e}"),
        };
        rows.push((name, shown));
    }
    rows
}

type Saver = fn(&Path, &Layout, &Outputs) -> Result<(), CliError>;

/// How to write the outputs, decided before the work begins.
fn saver(path: &Path) -> Result<Saver, CliError> {
    if has_suffix(path, "npy") {
        Ok(|path, _, outputs| {
            let values = &outputs.values;
            Ok(npy::write_shaped(path, values.shape(), values.values())?)
        })
    } else if has_suffix(path, "json") {
        Ok(|path, layout, outputs| {
            let line = output::json_line(&as_json(layout, outputs.values.values()));
            Ok(write_whole(path, line.as_bytes())?)
        })
    } else {
        Err(CliError::refused(
            path,
            "the outputs' file must end in .npy or .json",
        ))
    }
}
