//! What is printed of a solve, whatever the system.

use serde::Serialize;

use crate::cli::{CliError, Exit, output};
use crate::production::{Outcome, Solution};

/// What `--json` prints of one answer.
#[derive(Serialize)]
pub(super) struct Answer<'a, X> {
    status: &'static str,
    /// The unknowns as the system has them.
    x: X,
    loss: f64,
    gradient_norm: f64,
    iterations: usize,
    error_bound: Option<f64>,
    error_bound_basis: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    labels_read: Option<usize>,
    warnings: &'a [String],
}

impl<'a, X> Answer<'a, X> {
    /// Of a solution, with its unknowns as the system has them.
    pub(super) fn of(solution: &'a Solution, x: X) -> Self {
        Self {
            status: solution.outcome.as_str(),
            x,
            loss: solution.loss,
            gradient_norm: solution.gradient_norm,
            iterations: solution.iterations,
            error_bound: solution.error_bound,
            error_bound_basis: &solution.error_bound_basis,
            labels_read: solution.labels_read,
            warnings: &solution.warnings,
        }
    }
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'a, X> {
    #[serde(flatten)]
    answer: Answer<'a, X>,
    method: &'static str,
    seed: u64,
    seconds: f64,
}

/// How the answer came about.
pub(super) struct Run {
    /// The method that was asked for, or that ran in its place.
    pub(super) method: &'static str,
    pub(super) seed: u64,
    pub(super) seconds: f64,
}

/// Prints a report: as JSON, with the unknowns as `x`, or as a table of entries named by `name`. The status that it ends with.
pub(super) fn print<X: Serialize>(
    solution: &Solution,
    run: &Run,
    json: bool,
    x: impl FnOnce() -> X,
    name: impl Fn(usize) -> String,
) -> Result<Exit, CliError> {
    output::print(&if json {
        output::json_report(&Report {
            answer: Answer::of(solution, x()),
            method: run.method,
            seed: run.seed,
            seconds: run.seconds,
        })
    } else {
        table(solution, run, name)
    })?;
    Ok(match solution.outcome {
        outcome if outcome.is_success() => Exit::Success,
        Outcome::Interrupted => Exit::Interrupted,
        _ => Exit::Differs,
    })
}

fn table(solution: &Solution, run: &Run, name: impl Fn(usize) -> String) -> String {
    let mut rows: Vec<(String, String)> = Vec::new();
    let mut row = |name: &str, value: String| rows.push((name.to_owned(), value));
    row("status", solution.outcome.as_str().to_owned());
    row("loss", format!("{:e}", solution.loss));
    row("gradient norm", format!("{:.3e}", solution.gradient_norm));
    row("iterations", solution.iterations.to_string());
    row(
        "error bound",
        solution
            .error_bound
            .map_or("none".to_owned(), |bound| format!("{bound:.3e}")),
    );
    row("", solution.error_bound_basis.clone());
    if let Some(count) = solution.labels_read {
        row("labels read", count.to_string());
    }
    row("method", run.method.to_owned());
    row("seed", run.seed.to_string());
    row("seconds", format!("{:.3}", run.seconds));
    for warning in &solution.warnings {
        row("warning", warning.clone());
    }
    for (j, value) in solution.x.iter().enumerate() {
        row(&name(j), format!("{value:e}"));
    }
    output::table(&rows)
}
