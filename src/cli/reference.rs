//! `attreg reference`: the oracle's loss, gradient, Hessian and minimiser as decimal text.

mod named;

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use crate::cli::{CliError, Exit, output};
use crate::instance::files::{refuse_two_readers, shown};
use crate::judge::read_exact_point;
use crate::oracle::{Enclosure, Minimiser, OracleError, Reference, lift_vector, minimise};
use crate::scalar::{High, certified};
use crate::system::{Posed, read};

/// Arguments of `attreg reference`.
#[derive(Debug, Args)]
#[command(
    after_help = "Every number is within one unit of its last digit, proven by enclosing all rounding errors.
A value that cannot be told from zero is printed as 0e-37: its size is below 10^-37.

Exit status: 0, or 1 if --minimiser finds no minimiser that can be proven, or 2 for bad input.

Example:
  attreg reference instance.json --at x.json --minimiser --json"
)]
pub struct ReferenceArgs {
    /// Manifest of the instance (`-`: standard input), or one .npz of named arrays
    instance: PathBuf,
    /// Where to evaluate: a JSON array, or a file (.json, .npy, .mtx); for unknowns with names a JSON object of arrays
    /// (default: the instance's start, or the origin)
    #[arg(long, value_name = "X")]
    at: Option<PathBuf>,
    /// Also the minimiser that Newton's method finds from there
    #[arg(long)]
    minimiser: bool,
    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
}

/// Evaluates and prints.
pub fn run(arguments: &ReferenceArgs) -> Result<Exit, CliError> {
    if let Some(at) = &arguments.at {
        refuse_two_readers(&[("INSTANCE", &arguments.instance), ("--at", at)])?;
    }
    let path = shown(&arguments.instance);
    let instance = match read(&arguments.instance)? {
        Posed::Logit(instance) => instance,
        Posed::Other(given) => {
            let at = arguments.at.as_deref();
            return named::run(path, &given, at, arguments.minimiser, arguments.json);
        }
    };
    let x = match &arguments.at {
        Some(file) => read_exact_point(file, instance.columns())?,
        None => lift_vector(&instance.start()),
    };
    let fail = |source| CliError::Oracle {
        path: path.to_owned(),
        source,
    };
    let reference = Reference::new(&instance).map_err(fail)?;
    let values = reference.enclose(&x, High::ZERO).map_err(fail)?;
    let minimiser = match arguments.minimiser.then(|| minimise(&reference, &x)) {
        None => None,
        Some(Ok(found)) => Some(Ok(found)),
        Some(Err(error @ OracleError::NoMinimiser { .. })) => Some(Err(error)),
        Some(Err(error)) => return Err(fail(error)),
    };
    let report = Report::new(&values, &minimiser);
    output::print(&if arguments.json {
        output::json_report(&report)
    } else {
        report.table()
    })?;
    Ok(match minimiser {
        Some(Err(_)) => Exit::Differs,
        _ => Exit::Success,
    })
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report {
    loss: String,
    gradient: Vec<String>,
    hessian: Vec<Vec<String>>,
    /// Absent if not asked for, null if none was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    minimiser: Option<Option<Vec<String>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    minimiser_error_bound: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    minimiser_missing: Option<String>,
}

impl Report {
    fn new(values: &Enclosure, minimiser: &Option<Result<Minimiser, OracleError>>) -> Self {
        let d = values.gradient.len();
        let text = |ball: &crate::oracle::Ball| certified(ball.midpoint(), ball.radius());
        let entries = |found: &Minimiser| {
            let bounds = found.entry_bounds.iter();
            found
                .x
                .iter()
                .zip(bounds)
                .map(|(x, bound)| certified(*x, *bound))
                .collect()
        };
        let found = minimiser.as_ref().and_then(|found| found.as_ref().ok());
        Self {
            loss: text(&values.loss),
            gradient: values.gradient.iter().map(text).collect(),
            hessian: values
                .hessian
                .chunks(d.max(1))
                .map(|row| row.iter().map(text).collect())
                .collect(),
            minimiser: minimiser
                .as_ref()
                .map(|found| found.as_ref().ok().map(entries)),
            minimiser_error_bound: found.map(|found| found.error_bound.scientific(3)),
            minimiser_missing: minimiser
                .as_ref()
                .and_then(|found| found.as_ref().err().map(ToString::to_string)),
        }
    }

    fn table(&self) -> String {
        let mut rows = vec![("loss".to_owned(), self.loss.clone())];
        let mut row = |name: String, value: &String| rows.push((name, value.clone()));
        for (j, value) in self.gradient.iter().enumerate() {
            row(format!("gradient[{j}]"), value);
        }
        // Symmetric: the lower triangle says it all.
        for (i, line) in self.hessian.iter().enumerate() {
            for (j, value) in line.iter().enumerate().take(i + 1) {
                row(format!("hessian[{i}, {j}]"), value);
            }
        }
        for (j, value) in self.minimiser.iter().flatten().flatten().enumerate() {
            row(format!("minimiser[{j}]"), value);
        }
        if let Some(bound) = &self.minimiser_error_bound {
            row("minimiser error bound".to_owned(), bound);
        }
        if let Some(reason) = &self.minimiser_missing {
            row("minimiser".to_owned(), reason);
        }
        output::table(&rows)
    }
}
