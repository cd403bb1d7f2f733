//! A loss of logits minimised by several ranks.

use std::fmt::Display;
use std::sync::atomic::AtomicBool;

use crate::cli::ranks::Together;
use crate::cli::solve::arguments::{SolveArgs, settings};
use crate::cli::solve::follow::Follower;
use crate::cli::solve::logit::{finish, posed_by, start_and_saver};
use crate::cli::solve::report::Run;
use crate::cli::{CliError, Exit};
use crate::instance::files::is_standard_input;
use crate::instance::{Choice, InstanceRows, Outline};
use crate::production::ranks::{all_have_own_rows, own_rows, stored_by_all};
use crate::production::{Problem, TraceEntry, solve_observed};
use crate::system::{Posed, read_rows_with_files};

/// `attreg solve` on every rank: each reads its rows of the instance, and has the answer; the first writes and prints it.
pub(super) fn run(arguments: &SolveArgs, together: &Together) -> Result<Exit, CliError> {
    let settings = together.agree(settings(arguments))?;
    together.agree(refuse_what_is_for_one(arguments))?;
    let (rows, stored) = own_part(arguments, together)?;
    let (columns, default) = (rows.block().outline.columns, || rows.start());
    let (start, save) = together.agree(start_and_saver(arguments, columns, default))?;
    let problem = Problem::from_own_rows(rows, stored, together.ranks());
    let problem = together.agree(problem.map_err(|error| refused(arguments, error)))?;
    // Ctrl-C reaches the launcher, which ends all ranks.
    let never = AtomicBool::new(false);
    let mut follower = Follower::of(&never, Some("passes over A"));
    let mut observer = |entry: &TraceEntry| follower.sees(entry);
    let solved = solve_observed(&problem, &start, &settings, &mut observer);
    let solution = together.agree(solved.map_err(|error| refused(arguments, error)))?;
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

/// The rows of this rank, and how many entries all ranks have stored.
///
/// Which rows these are is decided by that number, which a file does not always announce: where it turns out to be another, and the
/// rows with it, they are read again.
fn own_part(arguments: &SolveArgs, together: &Together) -> Result<(InstanceRows, usize), CliError> {
    let ranks = together.ranks();
    let mut found = None;
    for _ in 0..2 {
        let choose = |announced: &Outline| {
            let stored = found.unwrap_or(announced.stored);
            own_rows(
                &Outline {
                    stored,
                    ..*announced
                },
                ranks,
            )
        };
        let rows = together.agree(rows_of(arguments, &choose))?;
        let block = rows.block();
        let stored = stored_by_all(block, ranks);
        let stored = together.agree(stored.map_err(|error| refused(arguments, error)))?;
        if all_have_own_rows(block, stored, ranks) {
            return Ok((rows, stored));
        }
        found = Some(stored);
    }
    let changed = "the matrix has changed while it was read";
    together.agree(Err(refused(arguments, changed)))
}

fn rows_of(arguments: &SolveArgs, choose: Choice) -> Result<InstanceRows, CliError> {
    match posed_by(arguments, |path| read_rows_with_files(path, choose))? {
        Posed::Logit(rows) => Ok(rows),
        Posed::Other(_) => Err(refused(
            arguments,
            "a system that is no loss of logits does not run on several ranks",
        )),
    }
}

fn refused(arguments: &SolveArgs, error: impl Display) -> CliError {
    CliError::refused(&arguments.instance, error)
}

fn refuse_what_is_for_one(arguments: &SolveArgs) -> Result<(), CliError> {
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
    Ok(())
}
