//! An answer for each column of a matrix of targets.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Instant;

use nalgebra::{DMatrix, DVector};
use serde::Serialize;

use crate::cli::interrupt::{FINISHING, stop_flag};
use crate::cli::solve::arguments::SolveArgs;
use crate::cli::solve::logit::Prepared;
use crate::cli::solve::report::Answer;
use crate::cli::{CliError, Exit, output};
use crate::instance::files::{has_suffix, holds_one_array, npy, read_shaped, shown, write_whole};
use crate::production::{Outcome, Settings, Solution, solve_targets};

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'a> {
    answers: Vec<Answer<'a, &'a [f64]>>,
    method: &'static str,
    seed: u64,
    seconds: f64,
}

/// Solves for the columns of the file, writes the file that was asked for, prints.
pub(super) fn run(
    arguments: &SolveArgs,
    file: &Path,
    settings: &Settings,
    prepared: &Prepared,
) -> Result<Exit, CliError> {
    let Prepared { problem, start, .. } = prepared;
    let targets = read(file)?;
    let stop = stop_flag(FINISHING);
    let count = AtomicUsize::new(0);
    let progress = output::progress_line();
    let done = || {
        let answers = count.fetch_add(1, SeqCst) + 1;
        progress.set_message(format!("{answers} of {} targets", targets.ncols()));
    };
    let clock = Instant::now();
    let answers = solve_targets(problem, &targets, start, settings, &stop, &done);
    progress.finish_and_clear();
    let answers = answers.map_err(|error| CliError::refused(file, error))?;
    let seconds = clock.elapsed().as_secs_f64();
    if let Some(file) = &arguments.output {
        write(file, &answers, problem.columns())?;
    }
    let report = Report {
        answers: answers
            .iter()
            .map(|found| Answer::of(found, found.x.as_slice()))
            .collect(),
        method: settings.method.as_str(),
        seed: settings.seed,
        seconds,
    };
    output::print_report(arguments.json, &report, || table(&answers))?;
    let outcomes: Vec<Outcome> = answers.iter().map(|found| found.outcome).collect();
    Ok(exit(&outcomes))
}

/// Success where every target has its answer; interrupted where one was.
fn exit(outcomes: &[Outcome]) -> Exit {
    let all = |asked: fn(Outcome) -> bool| outcomes.iter().all(|outcome| asked(*outcome));
    if all(Outcome::is_success) {
        Exit::Success
    } else if all(|outcome| outcome != Outcome::Interrupted) {
        Exit::Differs
    } else {
        Exit::Interrupted
    }
}

/// The targets, one in each column.
fn read(file: &Path) -> Result<DMatrix<f64>, CliError> {
    if !holds_one_array(file) {
        let reason = "a file of targets must end in .npy or .safetensors";
        return Err(CliError::refused(file, reason));
    }
    let (shape, values) = read_shaped(file)?;
    match shape[..] {
        [rows, columns] if columns > 0 => Ok(DMatrix::from_row_slice(rows, columns, &values)),
        _ => {
            let sides: Vec<String> = shape.iter().map(usize::to_string).collect();
            Err(CliError::refused(
                shown(file),
                format!(
                    "the targets are {}, expected a matrix with a column for each",
                    sides.join(" x ")
                ),
            ))
        }
    }
}

/// Writes the answers: a column for each in `.npy`, a list for each in `.json`.
fn write(file: &Path, answers: &[Solution], d: usize) -> Result<(), CliError> {
    if has_suffix(file, "npy") {
        let columns: Vec<DVector<f64>> = answers.iter().map(|found| found.x.clone()).collect();
        // Column by column the transposed matrix is what the file has row by row.
        let by_rows = DMatrix::from_columns(&columns).transpose();
        Ok(npy::write_shaped(
            file,
            &[d, answers.len()],
            by_rows.as_slice(),
        )?)
    } else {
        let lists: Vec<&[f64]> = answers.iter().map(|found| found.x.as_slice()).collect();
        Ok(write_whole(file, output::json_line(&lists).as_bytes())?)
    }
}

fn table(answers: &[Solution]) -> String {
    let mut text = format!(
        "{:>6}  {:<22}{:>10}  {:>22}  {:>13}  {:>11}\n",
        "target", "status", "iterations", "loss", "gradient norm", "error bound"
    );
    for (column, found) in answers.iter().enumerate() {
        let bound = found
            .error_bound
            .map_or("none".to_owned(), |bound| format!("{bound:.3e}"));
        text.push_str(&format!(
            "{column:>6}  {:<22}{:>10}  {:>22e}  {:>13.3e}  {bound:>11}\n",
            found.outcome.as_str(),
            found.iterations,
            found.loss,
            found.gradient_norm,
        ));
        for warning in &found.warnings {
            text.push_str(&format!("        warning: {warning}\n"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_over_many_targets_is_a_success_where_each_is() {
        use Outcome::{Converged, ConvergedToRounding, Interrupted, IterationLimit};
        for (outcomes, expected) in [
            (&[Converged, ConvergedToRounding][..], Exit::Success),
            (&[Converged, IterationLimit, Converged], Exit::Differs),
            (&[Converged, Interrupted], Exit::Interrupted),
            (&[IterationLimit, Interrupted], Exit::Interrupted),
        ] {
            assert_eq!(exit(outcomes), expected, "{outcomes:?}");
        }
    }
}
