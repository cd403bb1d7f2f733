//! `attreg check --suite`: a table with totals, JSON, or JUnit for continuous integration.

use std::path::Path;

use crate::cli::check::cases;
use crate::cli::format::Format;
use crate::cli::{CliError, Exit, output};
use crate::judge::Asked;
use crate::judge::kit::{Row, Status, Suite, score_directory};
use crate::report::junit;

/// Scores a directory and prints.
pub(super) fn run(
    kit: &Path,
    answers: &Path,
    asked: Asked,
    format: Format,
) -> Result<Exit, CliError> {
    let suite = score_directory(kit, answers, asked)?;
    output::print(&match format {
        Format::Text => table(&suite),
        Format::Json => output::json_report(&suite),
        Format::Junit => junit("attreg conformance", &cases::of_suite(&suite)),
    })?;
    Ok(Exit::of(suite.passed))
}

/// Digits of every quantity, `!` where they are too few, `-` where nothing was given.
fn table(suite: &Suite) -> String {
    let width = suite
        .instances
        .iter()
        .map(|row| row.id.len())
        .max()
        .unwrap_or(0);
    let names = ["loss", "gradient", "hessian", "minimiser"];
    let mut text = format!(
        "{:width$}  {:>8}  {:>8}  {:>8}  {:>9}  verdict\n",
        "instance", names[0], names[1], names[2], names[3]
    );
    for row in &suite.instances {
        let cells = names.map(|name| cell(row, name));
        text.push_str(&format!(
            "{:width$}  {:>8}  {:>8}  {:>8}  {:>9}  {}\n",
            row.id,
            cells[0],
            cells[1],
            cells[2],
            cells[3],
            remark(row)
        ));
    }
    let count = |status| {
        suite
            .instances
            .iter()
            .filter(|row| row.status == status)
            .count()
    };
    text.push_str(&format!(
        "{} instances: {} passed, {} failed, {} missing, {} unusable\n",
        suite.instances.len(),
        count(Status::Passed),
        count(Status::Failed),
        count(Status::Missing),
        count(Status::Unusable),
    ));
    text
}

fn cell(row: &Row, name: &str) -> String {
    let score = row
        .verdict
        .iter()
        .flat_map(|verdict| verdict.scores())
        .find(|(found, _)| *found == name);
    match score {
        None => "-".to_owned(),
        Some((_, score)) => {
            let mark = if score.passed { "" } else { "!" };
            if score.exact {
                format!("{mark}exact")
            } else {
                format!("{mark}{:.1}", score.digits)
            }
        }
    }
}

/// The verdict, with its explanation if there is one.
pub(super) fn remark(row: &Row) -> String {
    let word = row.status.word();
    let diagnoses: Vec<&str> = row
        .verdict
        .iter()
        .flat_map(|verdict| &verdict.diagnosis)
        .map(|diagnosis| diagnosis.id)
        .collect();
    match (&row.message, diagnoses.is_empty()) {
        (Some(message), _) if row.status == Status::Unusable => format!("{word}: {message}"),
        (_, false) => format!("{word} ({})", diagnoses.join(", ")),
        _ => word.to_owned(),
    }
}
