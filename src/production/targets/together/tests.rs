//! Answers that are given together, against solves of their own.

use std::sync::atomic::AtomicUsize;

use nalgebra_sparse::CsrMatrix;

use super::*;
use crate::instance::{DesignMatrix, LossKind, sample};
use crate::production::{TargetsError, solve, solve_targets};

/// More than a block of targets.
const COLUMNS: usize = 19;
const N: usize = 5_000;
const D: usize = 6;

/// A of condition about 10, with two thirds of its entries where it is sparse; weights that differ; targets that are distributions, mostly
/// one of few rows, or of both signs.
fn posed(sparse: bool, least_weight: f64) -> (Problem, DMatrix<f64>) {
    let mut rng = sample::stream(11, "together", u64::from(sparse));
    let a = DMatrix::from_fn(N, D, |i, j| {
        let entry = sample::dyadic(&mut rng, 1) / (1.0 + 2.0 * j as f64);
        if sparse && (i + j) % 3 == 0 {
            0.0
        } else {
            entry
        }
    });
    let weights = DVector::from_fn(N, |_, _| {
        least_weight * (1.0 + sample::dyadic(&mut rng, 1).abs())
    });
    let targets = DMatrix::from_fn(N, COLUMNS, |i, column| match column % 3 {
        0 => (1.0 + sample::dyadic(&mut rng, 1)) / N as f64,
        1 if i % 997 == column => 0.125,
        1 => 0.25 / N as f64,
        _ => 2.0 * sample::dyadic(&mut rng, 1) / N as f64,
    });
    let matrix = if sparse {
        DesignMatrix::Sparse(CsrMatrix::from(&a))
    } else {
        DesignMatrix::Dense(a.into())
    };
    let target = DVector::zeros(N);
    let problem = Problem::new(LossKind::Softmax, matrix, target, weights).unwrap();
    (problem, targets)
}

fn solved(problem: &Problem, targets: &DMatrix<f64>, settings: &Settings) -> Vec<Solution> {
    let (start, never) = (DVector::zeros(D), AtomicBool::new(false));
    solve_targets(problem, targets, &start, settings, &never, &|| ()).unwrap()
}

fn together(
    problem: &Problem,
    targets: &DMatrix<f64>,
    start: &DVector<f64>,
    settings: &Settings,
) -> Vec<Option<Solution>> {
    let never = AtomicBool::new(false);
    solve_together(problem, targets, start, settings, &never, &|| ())
}

fn alone(problem: &Problem, target: &DVector<f64>, start: &DVector<f64>) -> Solution {
    let posed = problem.with_target(target.clone()).unwrap();
    solve(&posed, start, &Settings::default()).unwrap()
}

/// Dense and sparse, from the origin and from elsewhere.
#[test]
fn answers_agree_with_solves_of_their_own_within_both_bounds() {
    let settings = Settings::default();
    let mut steps = Vec::new();
    for (sparse, weight, start) in [
        (false, 40.0, 0.0),
        (true, 2.0, 0.0),
        (false, 2.0, 0.25),
        (true, 0.06, 0.0),
    ] {
        let (problem, targets) = posed(sparse, weight);
        let start = DVector::repeat(D, start);
        let found = together(&problem, &targets, &start, &settings);
        for (column, found) in found.iter().enumerate() {
            let found = found.as_ref().unwrap();
            let target = targets.column(column).clone_owned();
            let alone = alone(&problem, &target, &start);
            let (own, other) = (found.error_bound.unwrap(), alone.error_bound.unwrap());
            let apart = (&found.x - &alone.x).norm();
            assert!(
                apart <= own + other,
                "{column}: {apart:e} {own:e} {other:e}"
            );
            // As sharp as that of a solve of its own, which may have made one step more.
            assert!(
                own <= 2.0 * other + 1.1 * apart,
                "{column}: {own:e} {other:e}"
            );
            assert_eq!(found.outcome, Outcome::Converged);
            assert!(
                (found.loss - alone.loss).abs() <= 1e-13 * alone.loss,
                "{column}"
            );
            let starts = [found.start_gradient_norm, alone.start_gradient_norm];
            assert!((starts[0] / starts[1] - 1.0).abs() < 1e-9, "{starts:?}");
            assert!(found.gradient_norm <= settings.tolerance * starts[0]);
            let noises = [found.gradient_noise.unwrap(), alone.gradient_noise.unwrap()];
            assert!(noises[0] <= 2.0 * noises[1] && noises[1] <= 2.0 * noises[0]);
            let words = found.error_bound_basis.split(':').next();
            assert_eq!(words, alone.error_bound_basis.split(':').next());
            steps.push(found.iterations);
            // From the start on, to where the answer is.
            assert_eq!(found.trace.len(), found.iterations);
            assert!(
                found
                    .trace
                    .iter()
                    .enumerate()
                    .all(|(k, entry)| entry.iteration == k)
            );
            let first = &found.trace[0];
            assert_eq!(first.gradient_norm, found.start_gradient_norm);
            assert!((first.loss / alone.trace[0].loss - 1.0).abs() < 1e-12);
            let way = problem.logits(&(&found.x - &start)).unwrap().norm();
            let last = found.trace.last().unwrap();
            assert!(found.iterations > 1 || (last.step_norm / way - 1.0).abs() < 1e-9);
            let passes = 4.0 + 2.0 * found.iterations as f64;
            assert_eq!(
                last.passes,
                passes + if start[0] == 0.0 { 0.0 } else { 1.0 }
            );
        }
    }
    // One step is enough for some, others take more.
    assert_eq!(steps.iter().min(), Some(&1));
    assert!(steps.iter().any(|steps| *steps > 1));
}

/// The gradient at the answer, and the loss, by the sums of the problem itself, which are compensated.
#[test]
fn gradient_and_loss_are_those_of_the_problem() {
    let (problem, targets) = posed(false, 2.0);
    for (column, found) in solved(&problem, &targets, &Settings::default())
        .iter()
        .enumerate()
    {
        let posed = problem
            .with_target(targets.column(column).clone_owned())
            .unwrap();
        let gradient = posed.gradient(&found.x).unwrap().norm();
        let noise = posed.gradient_noise(&found.x).unwrap() + found.gradient_noise.unwrap();
        assert!((found.gradient_norm - gradient).abs() <= noise, "{column}");
        let loss = posed.value(&found.x).unwrap();
        assert!((found.loss / loss - 1.0).abs() < 1e-13, "{column}");
    }
}

#[test]
fn the_bits_of_an_answer_depend_neither_on_the_others_nor_on_threads() {
    let settings = Settings::default();
    for sparse in [false, true] {
        let (problem, targets) = posed(sparse, 2.0);
        let in_pool = |threads: usize, targets: &DMatrix<f64>| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
            let pool = pool.build().unwrap();
            pool.install(|| solved(&problem, targets, &settings))
        };
        let all = in_pool(1, &targets);
        for threads in [2, 8] {
            assert_eq!(in_pool(threads, &targets), all);
        }
        for column in [0, 5, COLUMNS - 1] {
            let own = targets.columns(column, 1).clone_owned();
            assert_eq!(in_pool(1, &own), all[column..=column]);
        }
        let reversed = DMatrix::from_fn(N, COLUMNS, |i, j| targets[(i, COLUMNS - 1 - j)]);
        let mut back = in_pool(1, &reversed);
        back.reverse();
        assert_eq!(back, all);
    }
}

/// All of p - b in one row that the ridge does not dominate: its Hessian is far from that of the ridge. Beside it, the others are as
/// without it.
#[test]
fn a_target_that_needs_more_is_solved_alone_and_disturbs_no_other() {
    let (problem, mut targets) = posed(false, 0.06);
    let start = DVector::zeros(D);
    let settings = Settings::default();
    for column in 0..COLUMNS {
        for i in 0..N {
            targets[(i, column)] = 1.0 / N as f64 * (1.0 + ((i * (column + 3)) as f64).sin() / 4.0);
        }
    }
    let before = together(&problem, &targets, &start, &settings);
    assert!(before.iter().all(Option::is_some));
    targets.column_mut(4).fill(0.0);
    targets[(77, 4)] = 900.0;
    let after = together(&problem, &targets, &start, &settings);
    for (column, (before, after)) in before.iter().zip(&after).enumerate() {
        if column == 4 {
            assert!(after.is_none());
        } else {
            assert_eq!(before, after);
        }
    }
    let found = solved(&problem, &targets, &settings);
    assert_eq!(
        found[4],
        alone(&problem, &targets.column(4).clone_owned(), &start)
    );
}

#[test]
fn what_is_asked_for_otherwise_is_left() {
    let (problem, targets) = posed(false, 2.0);
    let origin = DVector::zeros(D);
    let given = |settings: &Settings, start: &DVector<f64>| {
        let found = together(&problem, &targets, start, settings);
        found.iter().flatten().count()
    };
    let settings = Settings::default();
    assert_eq!(given(&settings, &origin), COLUMNS);
    assert_eq!(
        given(&settings.clone().with_method(Method::ReusedGram), &origin),
        COLUMNS
    );
    for (settings, start) in [
        (settings.clone().with_method(Method::Exact), &origin),
        (settings.clone().with_method(Method::Subsampled), &origin),
        (settings.clone().with_polish_steps(Some(1)), &origin),
        (settings.clone().with_tolerance(-1.0), &origin),
        // Below what rounding leaves.
        (settings.clone().with_tolerance(1e-30), &origin),
        (settings.clone(), &DVector::zeros(D + 1)),
        (settings.clone(), &DVector::repeat(D, f64::NAN)),
        (settings.clone(), &DVector::repeat(D, 1e200)),
    ] {
        assert_eq!(given(&settings, start), 0, "{settings:?}");
    }
    let without = problem
        .with_weights(&DVector::from_fn(N, |i, _| (i % 2) as f64))
        .unwrap();
    let found = together(&without, &targets, &origin, &settings);
    assert!(found.iter().all(Option::is_none));
}

/// No bound, and the same x.
#[test]
fn a_bound_that_nobody_asks_for_is_not_computed() {
    let (problem, targets) = posed(false, 2.0);
    let with = solved(&problem, &targets, &Settings::default());
    let without = solved(&problem, &targets, &Settings::default().with_certify(false));
    for (with, without) in with.iter().zip(&without) {
        assert_eq!((&with.x, with.loss), (&without.x, without.loss));
        assert_eq!((without.error_bound, without.gradient_noise), (None, None));
        assert_eq!(without.error_bound_basis, "no bound: none was asked for");
    }
}

/// The flag is set when the first answer is there: those of its block are given, the others are interrupted.
#[test]
fn what_has_not_begun_when_somebody_asks_for_an_end_is_interrupted() {
    let (problem, targets) = posed(false, 2.0);
    let (stop, count) = (AtomicBool::new(false), AtomicUsize::new(0));
    let done = || {
        count.fetch_add(1, SeqCst);
        stop.store(true, SeqCst);
    };
    let (start, settings) = (DVector::zeros(D), Settings::default());
    let found: Result<Vec<Solution>, TargetsError> =
        solve_targets(&problem, &targets, &start, &settings, &stop, &done);
    for (column, found) in found.unwrap().iter().enumerate() {
        let expected = if column < BLOCK {
            Outcome::Converged
        } else {
            Outcome::Interrupted
        };
        assert_eq!(found.outcome, expected, "{column}");
        assert_eq!(found.error_bound.is_some(), column < BLOCK);
    }
    assert_eq!(count.into_inner(), COLUMNS);
}

/// Where the flag is set before the first step, each target ends at the start, with its loss and gradient there.
#[test]
fn what_is_under_way_when_somebody_asks_for_an_end_ends_where_it_is() {
    let (problem, targets) = posed(false, 2.0);
    let (start, settings) = (DVector::repeat(D, 0.25), Settings::default());
    let stop = AtomicBool::new(false);
    let together = Together::of(&problem, &start, &settings, &stop).unwrap();
    stop.store(true, SeqCst);
    let mut answers = vec![None; 3];
    together.solve(&targets.as_slice()[..3 * N], &mut answers);
    for (column, found) in answers.iter().enumerate() {
        let found = found.as_ref().unwrap();
        let posed = problem
            .with_target(targets.column(column).clone_owned())
            .unwrap();
        assert_eq!((found.outcome, found.iterations), (Outcome::Interrupted, 0));
        assert_eq!((&found.x, found.error_bound), (&start, None));
        assert_eq!(
            found.error_bound_basis,
            "no bound: the run ended as interrupted"
        );
        let (loss, gradient) = (
            posed.value(&start).unwrap(),
            posed.gradient(&start).unwrap(),
        );
        assert!((found.loss / loss - 1.0).abs() < 1e-12, "{column}");
        assert!(
            (found.gradient_norm / gradient.norm() - 1.0).abs() < 1e-9,
            "{column}"
        );
    }
}

/// Arrays of three blocks of targets at most are kept, however many targets there are; beside them, those of solves of their own.
#[test]
fn the_memory_of_a_batch_is_that_of_a_block() {
    let (problem, targets) = posed(false, 2.0);
    let many = DMatrix::from_fn(N, 4 * COLUMNS, |i, j| targets[(i, j % COLUMNS)]);
    solved(&problem, &many, &Settings::default());
    let held = problem.operator().pool().held();
    let block = 3 * BLOCK * N;
    assert!((block..=block + 8 * N).contains(&held), "{held}");
}
