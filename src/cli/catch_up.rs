//! `attreg catch-up`: how likely an attacker's chain catches up, and how many confirmations are enough.

use clap::Args;
use serde::Serialize;

use crate::cli::{CliError, Exit, output};
use crate::production::chain::{CatchUp, CatchUpError, DIGITS};

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

/// What `--json` prints.
#[derive(Serialize)]
struct Report {
    share: f64,
    blocks: u64,
    probability: String,
    poisson_form: String,
    risk: Option<f64>,
    blocks_enough: Option<u64>,
    blocks_by_poisson_form: Option<u64>,
}

/// Computes and prints.
pub fn run(arguments: &CatchUpArgs) -> Result<Exit, CliError> {
    let report = report(arguments).map_err(|error| CliError::Usage(error.to_string()))?;
    output::print_report(arguments.json, &report, || output::table(&table(&report)))?;
    Ok(Exit::of(true))
}

fn report(arguments: &CatchUpArgs) -> Result<Report, CatchUpError> {
    let found = CatchUp::new(arguments.share, arguments.blocks)?;
    let least = match arguments.risk {
        Some(risk) => Some(CatchUp::least_blocks(arguments.share, risk)?),
        None => None,
    };
    Ok(Report {
        share: arguments.share,
        blocks: found.blocks,
        probability: found.exact.scientific(DIGITS),
        poisson_form: found.poisson.scientific(DIGITS),
        risk: arguments.risk,
        blocks_enough: least.map(|[exact, _]| exact),
        blocks_by_poisson_form: least.map(|[_, poisson]| poisson),
    })
}

fn table(report: &Report) -> Vec<(String, String)> {
    let mut rows = vec![
        ("probability".to_owned(), report.probability.clone()),
        (
            "by Nakamoto's Poisson form".to_owned(),
            report.poisson_form.clone(),
        ),
    ];
    let least = [
        ("blocks that are enough", report.blocks_enough),
        ("  by Nakamoto's form", report.blocks_by_poisson_form),
    ];
    for (name, blocks) in least {
        rows.extend(blocks.map(|blocks| (name.to_owned(), blocks.to_string())));
    }
    rows
}
