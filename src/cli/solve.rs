//! `attreg solve`: minimises the loss of an instance in f64.

mod arguments;
mod follow;
mod logit;
mod named;
mod outputs;
mod report;
mod targets;
mod together;

use crate::cli::interrupt::{FINISHING, stop_flag};
use crate::cli::ranks::Together;
use crate::cli::{CliError, Exit};
use crate::instance::files::shown;
use crate::production::{
    Method, Settings, TraceEntry, has_error_bounds, ignores_seed, solve_interruptible,
};
use crate::system::{Asks, Posed};
pub use arguments::SolveArgs;
use arguments::settings;
use follow::Follower;
use logit::{Prepared, finish, posed, prepare};
use report::Run;

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
        Posed::Other(given)
            if arguments.no_bound && !has_error_bounds(&given, &arguments.method) =>
        {
            let reason =
                "--no-bound has no effect: this method gives no error bound for this system";
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
