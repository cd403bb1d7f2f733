//! `attreg catch-up`: how likely an attacker's chain catches up, and how many confirmations are enough.

use clap::Args;

use crate::cli::{CliError, Exit, output};
use crate::report::CatchUpReport;

/// Arguments of `attreg catch-up`.
#[derive(Debug, Args)]
#[command(
    after_help = "With the share q of the work an attacker catches up from z blocks with probability I_(4 q (1 - q))(z, 1/2) (Grunspan and
Perez-Marco, arXiv 1702.02867), here to 30 digits. Nakamoto's Poisson form, which is printed beside it, is another number, and too small
for few blocks of small shares. With --risk both are also asked for the least z with a smaller probability.

Exit status: 0, or 2 for bad input.

Example:
  attreg catch-up --share 0.1 --blocks 6 --risk 0.001"
)]
pub struct CatchUpArgs {
    /// q: the attacker's share of the work, from 0 to 1
    #[arg(long, value_name = "Q", allow_hyphen_values = true)]
    share: f64,
    /// z: how many blocks are to be made up
    #[arg(long, value_name = "Z", default_value_t = 6)]
    blocks: u64,
    /// The probability that is wanted
    #[arg(long, value_name = "P", allow_hyphen_values = true)]
    risk: Option<f64>,
    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
}

/// Computes and prints.
pub fn run(arguments: &CatchUpArgs) -> Result<Exit, CliError> {
    let report = CatchUpReport::new(arguments.share, arguments.blocks, arguments.risk)
        .map_err(|error| CliError::Usage(error.to_string()))?;
    output::print_report(arguments.json, &report, || output::table(&report.table()))?;
    Ok(Exit::of(true))
}
