//! `attreg solve`: minimises the loss of an instance in f64.

mod follow;
mod named;
mod outputs;
mod report;
mod targets;
mod together;

use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::PossibleValuesParser;
use nalgebra::DVector;

use crate::cli::interrupt::{FINISHING, stop_flag};
use crate::cli::ranks::Together;
use crate::cli::{CliError, Exit, output};
use crate::instance::Instance;
use crate::instance::files::{
    has_suffix, npy, read_point, refuse_overlap, refuse_two_readers, shown, write_whole,
};
use crate::production::{
    Method, Problem, Settings, Solution, TraceEntry, has_error_bounds, ignores_seed, method_names,
    solve_interruptible,
};
use crate::system::{Asks, Posed, read_with_files};
use follow::Follower;
use report::Run;

/// Arguments of `attreg solve`.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit status: 0 converged (also to rounding) or all outputs evaluated, 1 any other outcome, 2 bad input, 130 ended by Ctrl-C
(the best point so far is printed and written all the same; of outputs none).

Example:
  attreg solve instance.json --tolerance 1e-12 --output x.npy --json"
)]
pub struct SolveArgs {
    /// Manifest of the instance (`-`: standard input), or one .npz of named arrays
    instance: PathBuf,
    /// How the Hessian is made
    #[arg(long, default_value = Method::Auto.as_str(), value_parser = PossibleValuesParser::new(methods()))]
    method: String,
    /// Converged when ||g(x)|| <= T ||g(start)||
    #[arg(long, value_name = "T", allow_hyphen_values = true, default_value_t = Settings::default().tolerance)]
    tolerance: f64,
    /// Newton steps at most
    #[arg(long, value_name = "N", default_value_t = Settings::default().max_iterations)]
    max_iterations: usize,
    #[arg(long, value_name = "S", help = format!("Seed of the samples (default: {})", Settings::default().seed))]
    seed: Option<u64>,
    /// Point to start from: a JSON array, or a file (.json, .npy, .mtx) (default: the instance's start, or the origin)
    #[arg(long, value_name = "X")]
    start: Option<PathBuf>,
    /// Targets in place of the instance's, a column each (.npy, .safetensors): an answer for every one
    #[arg(long, value_name = "FILE", conflicts_with = "trace")]
    targets: Option<PathBuf>,
    /// File for the answer, .npy or .json
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// File for one line of JSON per iteration
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    /// Give no error bound, which can take longer than the answer
    #[arg(long)]
    no_bound: bool,
    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
}

/// Solves, writes the files that were asked for, prints; together with the other ranks where a launcher of MPI has started several.
pub fn run(arguments: &SolveArgs) -> Result<Exit, CliError> {
    if let Some(together) = Together::join()? {
        return together::run(arguments, &together);
    }
    let settings = settings(arguments)?;
    let path = shown(&arguments.instance);
    let instance = match posed(arguments)? {
        Posed::Logit(instance) => instance,
        Posed::Other(given) if arguments.targets.is_some() => {
            let reason = format!(
                "--targets has no effect: {} has no target that could be another",
                given.system().key
            );
            return Err(CliError::refused(path, reason));
        }
        Posed::Other(given) if matches!(given.system().asks, Asks::Outputs(_)) => {
            refuse_what_iterates(arguments)?;
            let file = arguments.output.as_deref();
            return outputs::run(path, &given, file, arguments.json);
        }
        Posed::Other(given) if arguments.no_bound && !has_error_bounds(&given) => {
            let reason = "--no-bound has no effect: no error bound is known for this system";
            return Err(CliError::refused(path, reason));
        }
        Posed::Other(given) => {
            let has_start = arguments.start.is_some() || !given.points().is_empty();
            if arguments.seed.is_some()
                && let Some(why) = ignores_seed(&given, &arguments.method, has_start)
            {
                return Err(CliError::without_effect("--seed", why));
            }
            let asked = named::Asked {
                path,
                method: &arguments.method,
                start: arguments.start.as_deref(),
                output: arguments.output.as_deref(),
                trace: arguments.trace.as_deref(),
                json: arguments.json,
            };
            return named::run(&asked, &given, &settings);
        }
    };
    let prepared = prepare(arguments, instance)?;
    if let Some(file) = &arguments.targets {
        return targets::run(arguments, file, &settings, &prepared);
    }
    let stop = stop_flag(FINISHING);
    let mut follower = Follower::of(&stop, Some("passes over A"));
    let mut observer = |entry: &TraceEntry| follower.sees(entry);
    let Prepared { problem, start, .. } = &prepared;
    let solution = solve_interruptible(problem, start, &settings, &mut observer, &stop)
        .map_err(|error| CliError::refused(path, error))?;
    let (seconds, trace) = follower.end();
    let run = Run {
        method: settings.method.as_str(),
        seed: settings.seed,
        seconds,
    };
    finish(arguments, prepared.save, &solution, &trace, &run)
}

/// What is solved, read from its files.
fn posed(arguments: &SolveArgs) -> Result<Posed, CliError> {
    if let Some(start) = &arguments.start {
        refuse_two_readers(&[("INSTANCE", &arguments.instance), ("--start", start)])?;
    }
    let (posed, mut inputs) = read_with_files(&arguments.instance)?;
    inputs.extend(arguments.start.clone());
    inputs.extend(arguments.targets.clone());
    refuse_overlap(&inputs, &files(arguments))?;
    Ok(posed)
}

/// A loss of logits, ready to be minimised.
struct Prepared {
    problem: Problem,
    start: DVector<f64>,
    /// How the answer is written, where it is.
    save: Option<Saver>,
}

fn prepare(arguments: &SolveArgs, instance: Instance) -> Result<Prepared, CliError> {
    let path = shown(&arguments.instance);
    if Method::parse(&arguments.method).is_none() {
        let reason = format!(
            "method {} is for other systems: a loss of logits is solved by {}",
            arguments.method,
            Method::NAMES.join(", ")
        );
        return Err(CliError::refused(path, reason));
    }
    let save = arguments.output.as_deref().map(saver).transpose()?;
    let start = match &arguments.start {
        Some(file) => read_point(file, instance.columns())?,
        None => instance.start(),
    };
    let problem =
        Problem::from_instance(&instance).map_err(|error| CliError::refused(path, error))?;
    Ok(Prepared {
        problem,
        start,
        save,
    })
}

/// Writes and prints the answer to a loss of logits.
fn finish(
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

/// Outputs without unknowns are evaluated once, always with their bound.
fn refuse_what_iterates(arguments: &SolveArgs) -> Result<(), CliError> {
    let default = Settings::default();
    let given = [
        ("--method", arguments.method != Method::Auto.as_str()),
        ("--tolerance", arguments.tolerance != default.tolerance),
        (
            "--max-iterations",
            arguments.max_iterations != default.max_iterations,
        ),
        ("--seed", arguments.seed.is_some()),
        ("--start", arguments.start.is_some()),
        ("--trace", arguments.trace.is_some()),
        ("--no-bound", arguments.no_bound),
    ];
    match given.iter().find(|(_, given)| *given) {
        Some((option, _)) => Err(CliError::without_effect(
            option,
            "the system has no unknowns, and its outputs are evaluated once with their bound",
        )),
        None => Ok(()),
    }
}

/// The files that will be written, with their options.
fn files(arguments: &SolveArgs) -> Vec<(&'static str, &Path)> {
    [
        ("--output", &arguments.output),
        ("--trace", &arguments.trace),
    ]
    .into_iter()
    .filter_map(|(option, file)| Some((option, file.as_deref()?)))
    .collect()
}

/// The names of all methods: those for losses of logits first.
fn methods() -> Vec<&'static str> {
    Method::NAMES.into_iter().chain(method_names()).collect()
}

fn settings(arguments: &SolveArgs) -> Result<Settings, CliError> {
    let method = Method::parse(&arguments.method);
    if arguments.seed.is_some() && method.is_some_and(|method| !method.draws()) {
        return Err(CliError::without_effect(
            "--seed",
            &format!("the {} method draws no sample", arguments.method),
        ));
    }
    let settings = Settings {
        // A method of another system is looked up by its name.
        method: method.unwrap_or(Method::Auto),
        tolerance: arguments.tolerance,
        max_iterations: arguments.max_iterations,
        seed: arguments.seed.unwrap_or(Settings::default().seed),
        certify: !arguments.no_bound,
        ..Settings::default()
    };
    settings
        .validate()
        .map_err(|error| CliError::Usage(error.to_string()))?;
    Ok(settings)
}

type Saver = fn(&Path, &DVector<f64>) -> Result<(), CliError>;

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
