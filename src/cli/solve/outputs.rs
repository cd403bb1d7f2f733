//! Evaluating a system without unknowns.

use std::path::Path;
use std::time::Instant;

use serde::Serialize;
use serde_json::Value;

use crate::cli::{CliError, Exit, output};
use crate::instance::files::{has_suffix, npy, write_whole};
use crate::production::{Outputs, evaluate};
use crate::system::{Given, Layout, as_json};

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'a> {
    status: &'static str,
    /// The outputs under their name, as the system's table has it.
    #[serde(flatten)]
    outputs: Value,
    /// The largest error bound.
    error_bound: f64,
    /// One for each output.
    error_bounds: Value,
    error_bound_basis: &'a str,
    method: &'static str,
    seconds: f64,
}

/// Evaluates, writes the file that was asked for, prints.
pub(super) fn run(
    path: &Path,
    given: &Given,
    file: Option<&Path>,
    json: bool,
) -> Result<Exit, CliError> {
    let save = file.map(saver).transpose()?;
    let clock = Instant::now();
    let outputs = evaluate(given).map_err(|error| CliError::refused(path, error))?;
    let seconds = clock.elapsed().as_secs_f64();
    let layout = given.outputs_layout();
    if let (Some(save), Some(file)) = (save, file) {
        save(file, &layout, &outputs)?;
    }
    let bounds = outputs.error_bounds.values();
    let error_bound = bounds.iter().copied().fold(0.0, f64::max);
    output::print(&if json {
        output::json_report(&Report {
            status: "evaluated",
            outputs: as_json(&layout, outputs.values.values()),
            error_bound,
            error_bounds: outputs.error_bounds.to_json(),
            error_bound_basis: outputs.error_bound_basis,
            method: outputs.method,
            seconds,
        })
    } else {
        output::table(&table(&outputs, &layout, error_bound, seconds))
    })?;
    Ok(Exit::Success)
}

fn table(
    outputs: &Outputs,
    layout: &Layout,
    error_bound: f64,
    seconds: f64,
) -> Vec<(String, String)> {
    let mut rows = vec![
        ("status".to_owned(), "evaluated".to_owned()),
        ("error bound".to_owned(), format!("{error_bound:.3e}")),
        (String::new(), outputs.error_bound_basis.to_owned()),
        ("method".to_owned(), outputs.method.to_owned()),
        ("seconds".to_owned(), format!("{seconds:.3}")),
    ];
    let entries = outputs.values.values().iter();
    for (k, (value, bound)) in entries.zip(outputs.error_bounds.values()).enumerate() {
        let name = layout.entry(k).unwrap_or_default();
        rows.push((name, format!("{value:e} +- {bound:.1e}")));
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
