//! `attreg row-queries`: how many rows a regression by leverage scores has to read, with a quantum computer and without.

use clap::Args;

use crate::cli::{CliError, Exit, output};
use crate::report::RowQueriesReport;

/// Arguments of `attreg row-queries`.
#[derive(Debug, Args)]
#[command(
    after_help = "Grover's search finds m marked rows of n in sum floor(pi / (4 asin sqrt(t / n))) iterations, t = 1 .. m, one query of a row each. The
printed count of arXiv 2311.14823, sqrt(n) d^1.5 / eps, reads m = d / eps^2 rows of d entries; max(2 chi2 / eps, d ln(d / delta)) are
enough, chi2 the quantile of 1 - delta of d degrees of freedom. Without a quantum computer n rows are read, for an exact answer.

Exit status: 0, or 2 for bad input.

Example:
  attreg row-queries --rows 1000000000000 --columns 100 --accuracy 0.01 --slowdown 1000"
)]
pub struct RowQueriesArgs {
    /// n: rows, at most 2^53
    #[arg(long, value_name = "N")]
    rows: u64,
    /// d: columns
    #[arg(long, value_name = "D")]
    columns: u64,
    /// eps: the loss is to be within (1 + eps) of the least
    #[arg(
        long,
        value_name = "EPS",
        allow_hyphen_values = true,
        default_value_t = 0.1
    )]
    accuracy: f64,
    /// delta: the probability with which it may not be
    #[arg(
        long,
        value_name = "DELTA",
        allow_hyphen_values = true,
        default_value_t = 0.01
    )]
    delta: f64,
    /// How many times as long a query takes as reading a row
    #[arg(
        long,
        value_name = "S",
        allow_hyphen_values = true,
        default_value_t = 1.0
    )]
    slowdown: f64,
    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
}

/// Counts and prints.
pub fn run(arguments: &RowQueriesArgs) -> Result<Exit, CliError> {
    let RowQueriesArgs {
        rows,
        columns,
        accuracy,
        delta,
        slowdown,
        json,
    } = *arguments;
    let report = RowQueriesReport::new(rows, columns, accuracy, delta, slowdown)
        .map_err(|error| CliError::Usage(error.to_string()))?;
    output::print_report(json, &report, || output::table(&report.table()))?;
    Ok(Exit::of(true))
}
