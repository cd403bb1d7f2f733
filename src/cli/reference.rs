//! `attreg reference`: the oracle's loss, gradient, Hessian and minimiser as decimal text.

use std::path::PathBuf;

use clap::Args;
use nalgebra::DVector;

use crate::cli::{CliError, Exit, output};
use crate::instance::files::{refuse_two_readers, shown};
use crate::judge::read_exact_point;
use crate::oracle::{OracleError, OutputsReference, Reference, lift_vector, minimise};
use crate::report::{ReferenceNames, ReferenceOutputs, ReferenceReport};
use crate::scalar::High;
use crate::system::{Asks, Posed, read, read_unknowns};

/// Arguments of `attreg reference`.
#[derive(Debug, Args)]
#[command(
    after_help = "Every number is within one unit of its last digit, proven by enclosing all rounding errors.
A value that cannot be told from zero is printed as 0e-37: its size is below 10^-37.

Exit status: 0, or 1 if --minimiser finds no minimiser that can be proven or rows of outputs have no value, or 2 for bad input.

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
    let fail = |source| CliError::Oracle {
        path: path.to_owned(),
        source,
    };
    match read(&arguments.instance)? {
        Posed::Logit(instance) => {
            let x = match &arguments.at {
                Some(file) => read_exact_point(file, instance.columns())?,
                None => lift_vector(&instance.start()),
            };
            let reference = Reference::new(&instance).map_err(fail)?;
            evaluate(arguments, &reference, &x, ReferenceNames::Numbers)
        }
        Posed::Other(given) if matches!(given.system().asks, Asks::Outputs(_)) => {
            let given_too = [
                ("--at", arguments.at.is_some()),
                ("--minimiser", arguments.minimiser),
            ];
            if let Some((option, _)) = given_too.iter().find(|(_, given)| *given) {
                return Err(CliError::without_effect(
                    option,
                    "the system has no unknowns",
                ));
            }
            let reference = OutputsReference::of(&given).map_err(fail)?;
            let found = ReferenceOutputs::of(&reference).map_err(fail)?;
            let report = found.report(&given.outputs_layout());
            output::print_report(arguments.json, &report, || output::table(&report.table()))?;
            Ok(Exit::of(report.is_whole()))
        }
        Posed::Other(given) => {
            let x = match &arguments.at {
                Some(file) => read_unknowns(file, &given)?,
                None => given.start(),
            };
            let reference = Reference::of(&given).map_err(fail)?;
            let x = lift_vector(&DVector::from_vec(x));
            evaluate(
                arguments,
                &reference,
                &x,
                ReferenceNames::Unknowns(&given.layout()),
            )
        }
    }
}

fn evaluate(
    arguments: &ReferenceArgs,
    reference: &Reference,
    x: &DVector<High>,
    names: ReferenceNames<'_>,
) -> Result<Exit, CliError> {
    let fail = |source| CliError::Oracle {
        path: shown(&arguments.instance).to_owned(),
        source,
    };
    let values = reference.enclose(x, High::ZERO).map_err(fail)?;
    let minimiser = match arguments.minimiser.then(|| minimise(reference, x)) {
        None => None,
        Some(Ok(found)) => Some(Ok(found)),
        Some(Err(error @ OracleError::NoMinimiser { .. })) => Some(Err(error)),
        Some(Err(error)) => return Err(fail(error)),
    };
    let report = ReferenceReport::new(&values, &minimiser, names);
    output::print_report(arguments.json, &report, || output::table(&report.table()))?;
    Ok(match minimiser {
        Some(Err(_)) => Exit::Differs,
        Some(Ok(_)) | None => Exit::Success,
    })
}
