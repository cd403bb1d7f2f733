//! A loss of logits minimised by several ranks.

use std::sync::atomic::AtomicBool;

use crate::cli::ranks::Together;
use crate::cli::solve::arguments::{SolveArgs, settings};
use crate::cli::solve::follow::Follower;
use crate::cli::solve::logit::{Prepared, finish, posed, prepare};
use crate::cli::solve::report::Run;
use crate::cli::{CliError, Exit};
use crate::instance::files::is_standard_input;
use crate::production::{TraceEntry, solve_observed};
use crate::system::Posed;

/// `attreg solve` on every rank: each reads the instance, keeps its rows, and has the answer; the first writes and prints it.
pub(super) fn run(arguments: &SolveArgs, together: &Together) -> Result<Exit, CliError> {
    let settings = together.agree(settings(arguments))?;
    let prepared = together.agree(prepared(arguments))?;
    let refused = |error: &dyn std::fmt::Display| CliError::refused(&arguments.instance, error);
    let shared = prepared.problem.shared_among(together.ranks());
    let problem = together.agree(shared.map_err(|error| refused(&error)))?;
    let Prepared { start, save, .. } = prepared;
    // Ctrl-C reaches the launcher, which ends all ranks.
    let never = AtomicBool::new(false);
    let mut follower = Follower::of(&never, Some("passes over A"));
    let mut observer = |entry: &TraceEntry| follower.sees(entry);
    let solved = solve_observed(&problem, &start, &settings, &mut observer);
    let solution = together.agree(solved.map_err(|error| refused(&error)))?;
    let (seconds, trace) = follower.end();
    let run = Run {
        method: settings.method.as_str(),
        seed: settings.seed,
        seconds,
    };
    let exit = if together.speaks() {
        finish(arguments, save, &solution, &trace, &run)
    } else {
        Ok(Exit::of(solution.outcome.is_success()))
    };
    together.agree(exit)
}

fn prepared(arguments: &SolveArgs) -> Result<Prepared, CliError> {
    let inputs = [Some(&arguments.instance), arguments.start.as_ref()];
    if inputs
        .into_iter()
        .flatten()
        .any(|input| is_standard_input(input))
    {
        return Err(CliError::Usage(
            "standard input reaches one process only: several ranks read files".to_owned(),
        ));
    }
    if arguments.targets.is_some() {
        return Err(CliError::Usage(
            "--targets does not run on several ranks: start one process, or one for each target"
                .to_owned(),
        ));
    }
    match posed(arguments)? {
        Posed::Logit(instance) => prepare(arguments, instance),
        Posed::Other(_) => Err(CliError::refused(
            &arguments.instance,
            "a system that is no loss of logits does not run on several ranks",
        )),
    }
}
