//! The solver on small instances of every loss, built from bytes.

mod bound;
mod build;
mod naive;
mod promises;

use std::ops::ControlFlow;

use attention_regression::production::{Outcome, Problem, SolveError, TraceEntry, solve_observed};

use build::Case;

/// Any bytes: the solver ends, with an answer that keeps its promises or with an error about its input.
pub fn run(bytes: &[u8]) {
    let Some(case) = Case::from_bytes(bytes) else {
        return;
    };
    let Ok(problem) = Problem::from_instance(&case.instance) else {
        return;
    };
    let mut seen: Vec<TraceEntry> = Vec::new();
    let mut observer = |entry: &TraceEntry| {
        seen.push(entry.clone());
        match case.stop_after {
            Some(steps) if seen.len() >= steps => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }
    };
    let solved = solve_observed(&problem, &case.start, &case.settings, &mut observer);
    if case.twice {
        let again = solve_observed(&problem, &case.start, &case.settings, &mut |_| {
            ControlFlow::Continue(())
        });
        if case.stop_after.is_none() {
            // As text, which tells apart what f64 tells apart and takes NaN for itself.
            let (one, two) = (format!("{solved:?}"), format!("{again:?}"));
            assert_eq!(one, two, "another run gave another answer");
        }
    }
    match solved {
        Ok(solution) => {
            assert_eq!(seen, solution.trace, "the observer saw another trace");
            if let Some(steps) = case.stop_after {
                assert!(solution.iterations <= steps + case.settings.polish_steps.unwrap_or(2));
            } else {
                assert_ne!(solution.outcome, Outcome::Interrupted);
            }
            promises::check(&case, &problem, &solution);
            if case.at_40_digits {
                bound::check(&case.instance, &solution);
            }
        }
        Err(SolveError::Start(error)) => promises::check_refused(&case, &problem, &error),
        Err(SolveError::Factorisation { .. }) => {}
        Err(error) => panic!("{error}"),
    }
}
