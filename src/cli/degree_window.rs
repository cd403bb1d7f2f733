//! `attreg degree-window`: for which degrees a network of polynomial attention separates the data sets of arXiv 2310.20051.

use clap::Args;
use serde::Serialize;

use crate::cli::{CliError, Exit, output};
use crate::oracle::separation::{
    FiringDegree, NetworkSizes, SeparationError, SignNetwork, WindowEnd,
};
use crate::scalar::{Ball, certified_to};

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

/// Digits of probabilities; the enclosures have some more.
const DIGITS: usize = 30;

/// What `--json` prints.
#[derive(Serialize)]
struct Report {
    status: &'static str,
    tokens: u64,
    /// Above which degrees the parts without random signs pass the threshold: `always`, `never` or a number.
    small_passes_above: String,
    large_passes_above: String,
    /// The first and the last degree that separate; null where there is none, or no last one.
    first: Option<End>,
    last: Option<End>,
    /// Whether every degree between was looked at.
    every_degree: bool,
    /// The least number of sign vectors with which the large excess fires often enough at the first degree.
    signs_enough: Option<u64>,
    /// A width that is enough for silence at the first degree, by Hoeffding's inequality.
    width_enough: Option<u64>,
}

/// One end of the window.
#[derive(Serialize)]
struct End {
    degree: u64,
    small_fires: String,
    large_fires: String,
}

impl End {
    fn of(end: WindowEnd) -> Self {
        Self {
            degree: end.degree,
            small_fires: shown(end.silent_fires),
            large_fires: shown(end.loud_fires),
        }
    }
}

fn shown(probability: Ball) -> String {
    certified_to(DIGITS, probability.midpoint(), probability.radius())
}

/// Computes and prints.
pub fn run(arguments: &DegreeWindowArgs) -> Result<Exit, CliError> {
    let report = report(arguments).map_err(|error| CliError::Usage(error.to_string()))?;
    output::print_report(arguments.json, &report, || output::table(&table(&report)))?;
    Ok(Exit::of(report.first.is_some()))
}

fn report(arguments: &DegreeWindowArgs) -> Result<Report, SeparationError> {
    let network = SignNetwork::new(&NetworkSizes {
        width: arguments.width,
        copies: arguments.copies,
        class_weight: arguments.class_weight,
        margin: arguments.margin,
        signs: arguments.signs,
    })?;
    let window = network.window(arguments.small, arguments.large, arguments.failure)?;
    let passes = |excess| -> Result<String, SeparationError> {
        Ok(match network.firing_degree(excess)? {
            FiringDegree::Always => "always".to_owned(),
            FiringDegree::Never => "never".to_owned(),
            FiringDegree::Above(degree) => format!("{:.6}", degree.to_f64()),
        })
    };
    let first = window.map(|window| window.first.degree);
    let at_first = |excess, enough: Enough| match first {
        Some(degree) => enough(&network, excess, degree, arguments.failure),
        None => Ok(None),
    };
    Ok(Report {
        status: match window {
            Some(_) => "separates",
            None => "no-window-found",
        },
        tokens: network.tokens(),
        small_passes_above: passes(arguments.small)?,
        large_passes_above: passes(arguments.large)?,
        signs_enough: at_first(arguments.large, SignNetwork::least_signs)?,
        width_enough: at_first(arguments.small, SignNetwork::silent_width)?,
        every_degree: window.is_some_and(|window| window.every_degree),
        first: window.map(|window| End::of(window.first)),
        last: window.and_then(|window| window.last).map(End::of),
    })
}

/// How much of something is enough for an excess, a degree and a probability of failure.
type Enough = fn(&SignNetwork, f64, u64, f64) -> Result<Option<u64>, SeparationError>;

fn table(report: &Report) -> Vec<(String, String)> {
    let mut rows: Vec<(String, String)> = Vec::new();
    let mut row = |name: &str, value: String| rows.push((name.to_owned(), value));
    let number = |value: Option<u64>| value.map_or("none".to_owned(), |value| value.to_string());
    row("status", report.status.to_owned());
    row("tokens", report.tokens.to_string());
    row(
        "large excess passes above degree",
        report.large_passes_above.clone(),
    );
    row(
        "small excess passes above degree",
        report.small_passes_above.clone(),
    );
    for (name, end) in [
        ("first degree", &report.first),
        ("last degree", &report.last),
    ] {
        row(name, number(end.as_ref().map(|end| end.degree)));
        if let Some(end) = end {
            row("  P[small excess fires]", end.small_fires.clone());
            row("  P[large excess fires]", end.large_fires.clone());
        }
    }
    if report.first.is_some() {
        let between = if report.every_degree {
            "looked at, every one"
        } else {
            "not looked at one by one"
        };
        row("degrees between", between.to_owned());
        row(
            "sign vectors enough at the first degree",
            number(report.signs_enough),
        );
        row(
            "width enough at the first degree",
            number(report.width_enough),
        );
    }
    rows
}
