//! Solving a system whose unknowns have names.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Instant;

use serde_json::{Value, json};

use super::follow::{TraceLine, progress_line};
use crate::cli::interrupt::stop_flag;
use crate::cli::{CliError, Exit, output};
use crate::instance::files::{has_suffix, npz, write_whole};
use crate::production::{Outcome, Settings, Solution, TraceEntry, solve_system};
use crate::system::{Given, Layout, as_json, read_unknowns};

/// What the command line asks for.
pub(super) struct Asked<'a> {
    /// The manifest, for messages.
    pub(super) path: &'a Path,
    pub(super) method: &'a str,
    pub(super) start: Option<&'a Path>,
    pub(super) output: Option<&'a Path>,
    pub(super) trace: Option<&'a Path>,
    pub(super) json: bool,
}

/// Solves, writes the files that were asked for, prints.
pub(super) fn run(asked: &Asked<'_>, given: &Given, settings: &Settings) -> Result<Exit, CliError> {
    let save = asked.output.map(saver).transpose()?;
    let start = match asked.start {
        Some(file) => Some(read_unknowns(file, given)?),
        None => given.points().first().cloned(),
    };
    let stop = stop_flag();
    let progress = progress_line();
    let mut lines = String::new();
    let clock = Instant::now();
    let mut observer = |entry: &TraceEntry| {
        let seconds = clock.elapsed().as_secs_f64();
        lines.push_str(&output::json_report(&TraceLine::new(entry, seconds)));
        progress.set_message(format!(
            "iteration {}: loss {:.6e}, gradient {:.1e}",
            entry.iteration, entry.loss, entry.gradient_norm
        ));
        if stop.load(SeqCst) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    let (solution, method) = solve_system(
        given,
        start.as_deref(),
        asked.method,
        settings,
        &mut observer,
    )
    .map_err(|error| CliError::refused(asked.path, error))?;
    let seconds = clock.elapsed().as_secs_f64();
    progress.finish_and_clear();
    let layout = given.layout();
    if let (Some(save), Some(file)) = (save, asked.output) {
        save(file, &layout, solution.x.as_slice())?;
    }
    if let Some(file) = asked.trace {
        write_whole(file, lines.as_bytes())?;
    }
    output::print(&if asked.json {
        let x = as_json(&layout, solution.x.as_slice());
        output::json_report(&report(&solution, x, method, settings, seconds))
    } else {
        table(&solution, &layout, method, settings, seconds)
    })?;
    Ok(match solution.outcome {
        outcome if outcome.is_success() => Exit::Success,
        Outcome::Interrupted => Exit::Interrupted,
        _ => Exit::Differs,
    })
}

type Saver = fn(&Path, &Layout, &[f64]) -> Result<(), CliError>;

/// How to write the answer, decided before the work begins.
fn saver(path: &Path) -> Result<Saver, CliError> {
    if has_suffix(path, "npz") {
        Ok(|path, layout, x| {
            let arrays: Vec<npz::NamedArray> = layout
                .parts()
                .map(|(name, shape, range)| (name.to_owned(), shape.to_vec(), x[range].to_vec()))
                .collect();
            Ok(npz::write_arrays(path, &arrays)?)
        })
    } else if has_suffix(path, "json") {
        Ok(|path, layout, x| {
            let line = output::json_line(&as_json(layout, x));
            Ok(write_whole(path, line.as_bytes())?)
        })
    } else {
        Err(CliError::refused(
            path,
            "the answer's file must end in .npz or .json, the unknowns being several arrays",
        ))
    }
}

/// What `--json` prints: the fields of every solve, the unknowns by name.
fn report(solution: &Solution, x: Value, method: &str, settings: &Settings, seconds: f64) -> Value {
    json!({
        "status": solution.outcome.as_str(),
        "x": x,
        "loss": solution.loss,
        "gradient_norm": solution.gradient_norm,
        "iterations": solution.iterations,
        "error_bound": solution.error_bound,
        "error_bound_basis": solution.error_bound_basis,
        "warnings": solution.warnings,
        "method": method,
        "seed": settings.seed,
        "seconds": seconds,
    })
}

fn table(
    solution: &Solution,
    layout: &Layout,
    method: &str,
    settings: &Settings,
    seconds: f64,
) -> String {
    let mut rows: Vec<(String, String)> = Vec::new();
    let mut row = |name: &str, value: String| rows.push((name.to_owned(), value));
    row("status", solution.outcome.as_str().to_owned());
    row("loss", format!("{:e}", solution.loss));
    row("gradient norm", format!("{:.3e}", solution.gradient_norm));
    row("iterations", solution.iterations.to_string());
    row("error bound", "none".to_owned());
    row("", solution.error_bound_basis.clone());
    row("method", method.to_owned());
    row("seed", settings.seed.to_string());
    row("seconds", format!("{seconds:.3}"));
    for warning in &solution.warnings {
        row("warning", warning.clone());
    }
    for (j, value) in solution.x.iter().enumerate() {
        row(&layout.entry(j).unwrap_or_default(), format!("{value:e}"));
    }
    output::table(&rows)
}
