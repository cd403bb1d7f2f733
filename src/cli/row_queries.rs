//! `attreg row-queries`: how many rows a regression by leverage scores has to read, with a quantum computer and without.

use clap::Args;
use serde::Serialize;

use crate::cli::{CliError, Exit, output};
use crate::production::queries::{QueryError, RowQueries};

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

/// What `--json` prints.
#[derive(Serialize)]
struct Report {
    rows: u64,
    columns: u64,
    printed_sample: u64,
    printed_queries: u64,
    needed_sample: u64,
    needed_queries: u64,
    classical_rows: u64,
    /// Rows from which queries are faster than reading all rows.
    needed_break_even: f64,
    printed_break_even: f64,
}

/// Counts and prints.
pub fn run(arguments: &RowQueriesArgs) -> Result<Exit, CliError> {
    let report = report(arguments).map_err(|error| CliError::Usage(error.to_string()))?;
    output::print_report(arguments.json, &report, || output::table(&table(&report)))?;
    Ok(Exit::of(true))
}

fn report(arguments: &RowQueriesArgs) -> Result<Report, QueryError> {
    let RowQueriesArgs {
        rows,
        columns,
        accuracy,
        delta,
        slowdown,
        ..
    } = *arguments;
    let counts = RowQueries::new(rows, columns, accuracy, delta)?;
    let [needed_break_even, printed_break_even] = counts.break_even(slowdown)?;
    Ok(Report {
        rows,
        columns,
        printed_sample: counts.printed_rows,
        printed_queries: counts.printed,
        needed_sample: counts.needed_rows,
        needed_queries: counts.needed,
        classical_rows: counts.classical(),
        needed_break_even,
        printed_break_even,
    })
}

fn table(report: &Report) -> Vec<(String, String)> {
    let row = |name: &str, value: String| (name.to_owned(), value);
    vec![
        row(
            "rows of the printed sample",
            report.printed_sample.to_string(),
        ),
        row("  queries", report.printed_queries.to_string()),
        row(
            "  faster from rows",
            format!("{:.3e}", report.printed_break_even),
        ),
        row("rows that are enough", report.needed_sample.to_string()),
        row("  queries", report.needed_queries.to_string()),
        row(
            "  faster from rows",
            format!("{:.3e}", report.needed_break_even),
        ),
        row(
            "rows read without queries",
            report.classical_rows.to_string(),
        ),
    ]
}
