//! Many targets over one matrix and the same weights, such as the rows of an attention head: what is known of A is found once.

mod together;

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use nalgebra::{DMatrix, DVector};

use crate::production::targets::together::solve_together;
use crate::production::{
    Problem, ProblemError, Settings, Solution, SolveError, TraceEntry, solve_interruptible,
};

/// What is wrong with one of the targets.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TargetsError {
    /// A target that does not fit, is not finite, or a loss of one's own.
    #[error("target {column}: {source}")]
    Target {
        /// Its column.
        column: usize,
        /// What is wrong with it.
        source: ProblemError,
    },
    /// A setting outside its range, or a start that does not fit or where the loss overflows.
    #[error("target {column}: {source}")]
    Solve {
        /// The column for which it was found.
        column: usize,
        /// What is wrong.
        source: SolveError,
    },
}

/// Minimises the problem from `start` (d entries) for each column of `targets` (as many rows as the problem's target has entries, any
/// number of columns) in place of its own target.
///
/// Softmax regressions of more than 20,000 entries (n d) whose ridge dominates the curvature of the loss are solved several at once, at a
/// fraction of what each costs alone (`docs/performance.md`): by steps that all of them share, each with a proof of its own. Such an answer differs from that of
/// [`solve`](crate::production::solve) by no more than both bounds say, where the minimiser is the only one. Whatever needs more than these
/// steps, and every other problem, gets the same bits as [`solve`](crate::production::solve) of [`Problem::with_target`]. In any case the bits of an answer depend on its
/// own target alone: neither on the columns beside it nor on the number of threads.
///
/// `stop` ends what is under way and what has not begun as [`Outcome::Interrupted`](crate::production::Outcome::Interrupted). `done` is
/// called after each answer. All targets are looked at before the first solve: an error names the first column that is refused.
pub fn solve_targets(
    problem: &Problem,
    targets: &DMatrix<f64>,
    start: &DVector<f64>,
    settings: &Settings,
    stop: &AtomicBool,
    done: &(dyn Fn() + Sync),
) -> Result<Vec<Solution>, TargetsError> {
    let target = |column: usize| {
        let n = targets.nrows();
        &targets.as_slice()[column * n..(column + 1) * n]
    };
    for column in 0..targets.ncols() {
        if let Err(source) = problem.kind_for_target(target(column)) {
            return Err(TargetsError::Target { column, source });
        }
    }
    let alone = |column: usize| {
        let posed = problem
            .with_target(DVector::from_column_slice(target(column)))
            .map_err(|source| TargetsError::Target { column, source })?;
        let mut observer = |_: &TraceEntry| {
            if stop.load(SeqCst) {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        let found = solve_interruptible(&posed, start, settings, &mut observer, stop);
        done();
        found.map_err(|source| TargetsError::Solve { column, source })
    };
    let together = solve_together(problem, targets, start, settings, stop, done);
    // One after the other, each by all threads.
    together
        .into_iter()
        .enumerate()
        .map(|(column, answer)| answer.map_or_else(|| alone(column), Ok))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use rayon::iter::{IntoParallelIterator, ParallelIterator};

    use super::*;
    use crate::instance::{DesignMatrix, LossKind, sample};
    use crate::production::{Outcome, solve};

    /// With this weight in every row.
    fn weighted(n: usize, d: usize, weight: f64) -> (Problem, DMatrix<f64>) {
        let mut rng = sample::stream(7, "targets", 0);
        let a = sample::conditioned_matrix(&mut rng, n, d, 2.0, 10.0);
        let targets = DMatrix::from_fn(n, 4, |_, _| sample::dyadic(&mut rng, 2).abs() / n as f64);
        let weights = DVector::repeat(n, weight);
        let target = targets.column(0).clone_owned();
        let matrix = DesignMatrix::Dense(a.into());
        let problem = Problem::new(LossKind::Softmax, matrix, target, weights).unwrap();
        (problem, targets)
    }

    fn posed(n: usize, d: usize) -> (Problem, DMatrix<f64>) {
        weighted(n, d, 0.5)
    }

    /// In orthonormal coordinates, and through Gram matrices where the ridge does not dominate.
    #[test]
    fn each_answer_that_is_not_given_together_has_the_bits_of_a_solve_of_its_own() {
        for (n, d, weight) in [(60, 3, 0.5), (3000, 8, 1e-4)] {
            let (problem, targets) = weighted(n, d, weight);
            let (settings, origin) = (Settings::default(), DVector::zeros(d));
            let count = AtomicUsize::new(0);
            let done = || {
                count.fetch_add(1, SeqCst);
            };
            let never = AtomicBool::new(false);
            let found =
                solve_targets(&problem, &targets, &origin, &settings, &never, &done).unwrap();
            assert_eq!((found.len(), count.into_inner()), (4, 4));
            for (column, found) in found.iter().enumerate() {
                let target = targets.column(column).clone_owned();
                let fresh = Problem::new(
                    LossKind::Softmax,
                    problem.matrix().clone(),
                    target,
                    DVector::repeat(n, weight),
                );
                let alone = solve(&fresh.unwrap(), &origin, &settings).unwrap();
                assert!(alone.outcome.is_success() && alone.iterations > 0);
                assert_eq!(found, &alone);
            }
        }
    }

    #[test]
    fn another_target_has_the_same_gram_matrix_and_other_weights_have_not() {
        let (problem, targets) = posed(3000, 8);
        let solved = |problem: &Problem| problem.solve(&Settings::default()).unwrap();
        let first = solved(&problem);
        let made = |problem: &Problem| {
            let weights = problem.squared_weights().as_slice();
            std::ptr::from_ref(problem.ridge().get(problem.operator(), weights))
        };
        let other = problem.with_target(targets.column(1).clone_owned());
        assert_eq!(made(&other.unwrap()), made(&problem));
        // What was made before is counted like what is made: the trace is the same.
        assert_eq!(solved(&problem).trace, first.trace);
        let heavier = problem.with_weights(&DVector::repeat(3000, 0.75)).unwrap();
        assert_ne!(made(&heavier), made(&problem));
        let fresh = Problem::new(
            LossKind::Softmax,
            problem.matrix().clone(),
            targets.column(0).clone_owned(),
            DVector::repeat(3000, 0.75),
        );
        assert_eq!(solved(&heavier).x, solved(&fresh.unwrap()).x);
    }

    #[test]
    fn what_does_not_fit_is_named_with_its_column() {
        let (problem, mut targets) = posed(60, 3);
        let never = AtomicBool::new(false);
        let (settings, origin) = (Settings::default(), DVector::zeros(3));
        let refused = |targets: &DMatrix<f64>| {
            let found = solve_targets(&problem, targets, &origin, &settings, &never, &|| ());
            found.unwrap_err().to_string()
        };
        targets[(5, 2)] = f64::NAN;
        assert_eq!(
            refused(&targets),
            "target 2: target[5] is NaN: every entry must be finite"
        );
        assert_eq!(
            refused(&DMatrix::zeros(59, 2)),
            "target 0: target has 59 entries, expected 60"
        );
        let start = DVector::zeros(2);
        let found = solve_targets(
            &problem,
            &DMatrix::zeros(60, 1),
            &start,
            &settings,
            &never,
            &|| (),
        );
        assert!(matches!(found, Err(TargetsError::Solve { column: 0, .. })));
        let none = DMatrix::zeros(60, 0);
        let found = solve_targets(&problem, &none, &origin, &settings, &never, &|| ());
        assert_eq!(found, Ok(Vec::new()));
    }

    /// Large enough for the pool to compute the bounds, for which all of its threads wait.
    #[test]
    fn solves_on_every_thread_of_the_pool_do_not_stand_in_each_others_way() {
        let (problem, _) = posed(20_000, 8);
        let (settings, origin) = (Settings::default(), DVector::zeros(8));
        let expected = problem.solve(&settings).unwrap();
        assert!(expected.error_bound.is_some() && expected.iterations > 0);
        let never = AtomicBool::new(false);
        let solves = 0..2 * rayon::current_num_threads();
        solves.into_par_iter().for_each(|_| {
            let mut observer = |_: &TraceEntry| ControlFlow::Continue(());
            let found = solve_interruptible(&problem, &origin, &settings, &mut observer, &never);
            assert_eq!(found.as_ref(), Ok(&expected));
        });
    }

    #[test]
    fn what_is_stopped_is_interrupted_for_every_target() {
        let (problem, targets) = posed(3000, 8);
        let stop = AtomicBool::new(true);
        let origin = DVector::zeros(8);
        let found = solve_targets(
            &problem,
            &targets,
            &origin,
            &Settings::default(),
            &stop,
            &|| (),
        );
        for found in found.unwrap() {
            assert_eq!(found.outcome, Outcome::Interrupted);
            assert_eq!(found.error_bound, None);
        }
    }
}
