//! A loss of logits, from its files to what is written of its answer.

use std::path::{Path, PathBuf};

use nalgebra::DVector;

use crate::cli::solve::arguments::{SolveArgs, files};
use crate::cli::solve::report::{self, Run};
use crate::cli::{CliError, Exit, output};
use crate::instance::files::{
    has_suffix, npy, read_point, refuse_overlap, refuse_two_readers, shown, write_whole,
};
use crate::instance::{Instance, InstanceError};
use crate::production::{Method, Problem, Solution};
use crate::system::{Posed, read_with_files};

/// What is solved, read from its files.
pub(super) fn posed(arguments: &SolveArgs) -> Result<Posed, CliError> {
    posed_by(arguments, read_with_files)
}

/// What is solved, with a reader of its files.
pub(super) fn posed_by<L>(
    arguments: &SolveArgs,
    read: impl FnOnce(&Path) -> Result<(Posed<L>, Vec<PathBuf>), InstanceError>,
) -> Result<Posed<L>, CliError> {
    if let Some(start) = &arguments.start {
        refuse_two_readers(&[("INSTANCE", &arguments.instance), ("--start", start)])?;
    }
    let (posed, mut inputs) = read(&arguments.instance)?;
    inputs.extend(arguments.start.clone());
    inputs.extend(arguments.targets.clone());
    refuse_overlap(&inputs, &files(arguments))?;
    Ok(posed)
}

/// A loss of logits, ready to be minimised.
pub(super) struct Prepared {
    pub problem: Problem,
    pub start: DVector<f64>,
    /// How the answer is written, where it is.
    pub save: Option<Saver>,
}

/// Refuses what does not fit together.
pub(super) fn prepare(arguments: &SolveArgs, instance: Instance) -> Result<Prepared, CliError> {
    let (start, save) = start_and_saver(arguments, instance.columns(), || instance.start())?;
    let problem = Problem::from_instance(&instance)
        .map_err(|error| CliError::refused(shown(&arguments.instance), error))?;
    Ok(Prepared {
        problem,
        start,
        save,
    })
}

/// Where to start, `default` if nobody says, and how the answer is written; the method is one for losses of logits.
pub(super) fn start_and_saver(
    arguments: &SolveArgs,
    columns: usize,
    default: impl FnOnce() -> DVector<f64>,
) -> Result<(DVector<f64>, Option<Saver>), CliError> {
    if Method::parse(&arguments.method).is_none() {
        let reason = format!(
            "method {} is for other systems: a loss of logits is solved by {}",
            arguments.method,
            Method::NAMES.join(", ")
        );
        return Err(CliError::refused(shown(&arguments.instance), reason));
    }
    let save = arguments.output.as_deref().map(saver).transpose()?;
    let start = match &arguments.start {
        Some(file) => read_point(file, columns)?,
        None => default(),
    };
    Ok((start, save))
}

/// Writes and prints the answer to a loss of logits.
pub(super) fn finish(
    arguments: &SolveArgs,
    save: Option<Saver>,
    solution: &Solution,
    trace: &str,
    run: &Run,
) -> Result<Exit, CliError> {
    if let (Some(save), Some(file)) = (save, &arguments.output) {
        save(file, &solution.x)?;
    }
    if let Some(file) = &arguments.trace {
        write_whole(file, trace.as_bytes())?;
    }
    let name = |j: usize| format!("x[{j}]");
    report::print(
        solution,
        run,
        arguments.json,
        || solution.x.as_slice(),
        name,
    )
}

pub(super) type Saver = fn(&Path, &DVector<f64>) -> Result<(), CliError>;

/// How to write the answer, decided before the work begins.
fn saver(path: &Path) -> Result<Saver, CliError> {
    if has_suffix(path, "npy") {
        Ok(|path, x| Ok(npy::write_vector(path, x)?))
    } else if has_suffix(path, "json") {
        Ok(|path, x| {
            let line = output::json_line(&x.as_slice());
            Ok(write_whole(path, line.as_bytes())?)
        })
    } else {
        Err(CliError::refused(
            path,
            "the answer's file must end in .npy or .json",
        ))
    }
}
