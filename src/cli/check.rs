//! `attreg check`: how many digits of somebody else's numbers are right, and which known mistake explains the rest.

mod cases;
mod suite;

use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::PossibleValuesParser;

use crate::cli::format::{Format, FormatArgs};
use crate::cli::{CliError, Exit, output};
use crate::instance::files::{refuse_two_readers, shown};
use crate::judge::{Asked, Judgement, PosedAnswer, Precision};
use crate::report::junit;
use crate::system::read;

/// Arguments of `attreg check`.
#[derive(Debug, Args)]
#[command(
    after_help = "ANSWER is a JSON object with any of x, loss, gradient, hessian, minimiser, or approximation, a point whose loss is to be within the accuracy
that a leverage-regression names; x says where loss, gradient and
Hessian were taken (default: the instance's start). Numbers are JSON numbers, which mean the nearest f64, or decimal
strings; arrays may be the name of a .npy file beside the answer. Unknowns with names are objects of arrays, or a .npz; of a
system without unknowns ANSWER has outputs, or is a .npy of them.

Digits are counted normwise, -log10(max error / max value), and no entry may be further off than f64 excuses for that
entry. Without --digits as many are asked for as f64, or --precision, can give on this instance; --json says why. Where no isolated
minimiser can be proven, a minimiser is judged by its gradient and the sign of the curvature.

A wrong answer is held against known mistakes: errata of the papers (E1, E2, E12, E13) and common slips. A minimiser of
another local minimum is recognised and scored as such.

Exit status: 0 if everything has its digits, 1 if not or if an answer of a suite is missing or unusable, 2 bad input.

Example:
  attreg check instance.json answer.json
  attreg check --suite fixtures/conformance --answers my-answers --format junit"
)]
pub struct CheckArgs {
    /// Manifest of the instance
    #[arg(required_unless_present = "suite")]
    instance: Option<PathBuf>,
    /// The answer, `-` for standard input
    #[arg(required_unless_present = "suite")]
    answer: Option<PathBuf>,
    /// Digits to ask for, instead of what the precision can give
    #[arg(long, value_name = "D", allow_hyphen_values = true)]
    digits: Option<f64>,
    /// Precision that the answer was computed in: the data and the point are rounded to it first
    #[arg(long, value_name = "P", default_value = Precision::Float64.as_str(), value_parser = PossibleValuesParser::new(Precision::NAMES))]
    precision: String,
    /// Score a whole directory of answers against this conformance kit
    #[arg(long, value_name = "DIR", requires = "answers", conflicts_with_all = ["instance", "answer"])]
    suite: Option<PathBuf>,
    /// The directory of answers, one ID.json per instance
    #[arg(long, value_name = "DIR", requires = "suite")]
    answers: Option<PathBuf>,
    #[command(flatten)]
    format: FormatArgs,
}

impl CheckArgs {
    fn precision(&self) -> Precision {
        // Other names are refused by clap already.
        Precision::parse(&self.precision).unwrap_or_default()
    }
}

/// More digits than the oracle certifies cannot be asked for.
const MOST_DIGITS: f64 = 36.0;

/// Judges and prints.
pub fn run(arguments: &CheckArgs) -> Result<Exit, CliError> {
    if let Some(digits) = arguments.digits
        && !(digits > 0.0 && digits <= MOST_DIGITS)
    {
        return Err(CliError::Usage(format!(
            "--digits is {digits}: must be > 0 and at most {MOST_DIGITS}"
        )));
    }
    match (
        &arguments.suite,
        &arguments.answers,
        &arguments.instance,
        &arguments.answer,
    ) {
        (Some(kit), Some(answers), ..) => {
            let asked = Asked {
                digits: arguments.digits,
                precision: arguments.precision(),
            };
            suite::run(kit, answers, asked, arguments.format.chosen())
        }
        (_, _, Some(instance), Some(answer)) => one(arguments, instance, answer),
        // Refused by clap already.
        _ => Err(CliError::Usage(
            "an instance and an answer are needed, or --suite and --answers".to_owned(),
        )),
    }
}

fn one(arguments: &CheckArgs, path: &Path, answer: &Path) -> Result<Exit, CliError> {
    refuse_two_readers(&[("INSTANCE", path), ("ANSWER", answer)])?;
    let posed = read(path)?;
    let judged =
        PosedAnswer::read(answer, &posed, arguments.precision())?.judge(arguments.digits, None);
    let verdict = judged.map_err(|source| CliError::Oracle {
        path: path.to_owned(),
        source,
    })?;
    output::print(&match arguments.format.chosen() {
        Format::Text => table(&verdict),
        Format::Json => output::json_report(&verdict),
        Format::Junit => {
            let instance = shown(path).display().to_string();
            junit("attreg check", &cases::of_verdict(&instance, &verdict))
        }
    })?;
    Ok(Exit::of(verdict.passed))
}

/// A row per quantity, then the worst entries of what failed, the reasons for the digits asked for, the diagnoses.
fn table(verdict: &Judgement) -> String {
    let mut text = format!(
        "{:9}  {:>6}  {:>8}  {:7}  worst entry\n",
        "quantity", "digits", "required", "verdict"
    );
    for (name, score) in verdict.scores() {
        let digits = if score.exact {
            "exact".to_owned()
        } else {
            format!("{:.1}", score.digits)
        };
        text.push_str(&format!(
            "{name:9}  {digits:>6}  {:>8.1}  {:7}  {} answer {} oracle {}\n",
            score.required,
            if score.passed { "pass" } else { "FAIL" },
            score.worst.place(),
            score.worst.answer,
            score.worst.oracle,
        ));
    }
    if let Some(found) = &verdict.approximation {
        text.push_str(&format!(
            "approximation to {}: {}: {}\n",
            found.accuracy,
            if found.passed { "pass" } else { "FAIL" },
            found.reason
        ));
    }
    for (name, score) in verdict.scores() {
        text.push_str(&format!(
            "{name}: {:.1} digits, because {}\n",
            score.required, score.reason
        ));
    }
    for (name, score) in verdict.scores() {
        if let Some(own) = &score.entry {
            text.push_str(&format!(
                "{name}{}: {:.1} digits of its own, {:.1} are asked for ({}); the digits above are relative to the largest entry\n",
                score.worst.place(),
                own.digits,
                own.required,
                own.reason,
            ));
        }
    }
    for diagnosis in &verdict.diagnosis {
        text.push_str(&format!(
            "diagnosis {} ({}): {}\n",
            diagnosis.id,
            diagnosis.quantities.join(", "),
            diagnosis.text
        ));
    }
    text
}
