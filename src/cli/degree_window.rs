//! `attreg degree-window`: for which degrees a network of polynomial attention separates the data sets of arXiv 2310.20051.

use clap::Args;

use crate::cli::{CliError, Exit, output};
use crate::oracle::separation::NetworkSizes;
use crate::report::DegreeWindowReport;

/// Arguments of `attreg degree-window`.
#[derive(Debug, Args)]
#[command(
    after_help = "n = (d - 2) t tokens; one of them has the excess a in its first column, all have b in the column of their class and 1 - b in
the last. M random sign vectors read the output; the network fires where one of them passes 1 - b + kappa. Probabilities are exact
sums of binomial tails, to 30 digits; the definition is recalled from arXiv 2310.11685.

Exit status: 0, 1 if no degree was found that separates, 2 for bad input.

Example:
  attreg degree-window --width 2002 --copies 100 --small 0.1 --large 0.7 --signs 80 --json"
)]
pub struct DegreeWindowArgs {
    /// d: the columns of the tokens
    #[arg(long, value_name = "D")]
    width: u64,
    /// t: how many tokens a class has
    #[arg(long, value_name = "T")]
    copies: u64,
    /// Excess a that is to stay silent
    #[arg(
        long,
        value_name = "A0",
        allow_hyphen_values = true,
        default_value_t = 0.1
    )]
    small: f64,
    /// Excess a that is to fire
    #[arg(
        long,
        value_name = "A1",
        allow_hyphen_values = true,
        default_value_t = 0.7
    )]
    large: f64,
    /// b: the weight of a token's class
    #[arg(
        long,
        value_name = "B",
        allow_hyphen_values = true,
        default_value_t = 0.5
    )]
    class_weight: f64,
    /// kappa: how far beyond the common column the threshold lies
    #[arg(
        long,
        value_name = "KAPPA",
        allow_hyphen_values = true,
        default_value_t = 0.1
    )]
    margin: f64,
    /// m: sign vectors
    #[arg(long, value_name = "M")]
    signs: u64,
    /// Probability with which either data set may be missed
    #[arg(
        long,
        value_name = "P",
        allow_hyphen_values = true,
        default_value_t = 0.01
    )]
    failure: f64,
    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
}

/// Computes and prints.
pub fn run(arguments: &DegreeWindowArgs) -> Result<Exit, CliError> {
    let sizes = NetworkSizes {
        width: arguments.width,
        copies: arguments.copies,
        class_weight: arguments.class_weight,
        margin: arguments.margin,
        signs: arguments.signs,
    };
    let report =
        DegreeWindowReport::new(&sizes, arguments.small, arguments.large, arguments.failure)
            .map_err(|error| CliError::Usage(error.to_string()))?;
    output::print_report(arguments.json, &report, || output::table(&report.table()))?;
    Ok(Exit::of(report.first.is_some()))
}
