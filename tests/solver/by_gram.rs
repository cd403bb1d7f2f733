//! The run through Gram matrices against the oracle's minimiser, against the other methods, and against itself on other
//! numbers of threads.

use std::ops::ControlFlow;

use attention_regression::instance::{DesignMatrix, Instance, LossKind, sample};
use attention_regression::oracle::{Reference, lift_vector, minimise};
use attention_regression::production::{
    Method, Outcome, Problem, Settings, Solution, bound_error, solve, solve_observed,
};
use nalgebra::{DMatrix, DVector};
use nalgebra_sparse::{CooMatrix, CsrMatrix};

use crate::threads;

const SEED: u64 = 20_261_122;

fn settings(method: Method) -> Settings {
    Settings::default().with_method(method)
}

/// A tall instance with a planted answer and a few outliers; `weight` is that of every row.
fn planted(n: usize, d: usize, condition: f64, spread: f64, weight: f64, index: u64) -> Instance {
    let mut rng = sample::stream(SEED, "planted", index);
    // Rows of equal standing, mixed by a small matrix of the wanted condition number.
    let rows = DMatrix::from_fn(n, d, |_, _| sample::dyadic(&mut rng, 2));
    let matrix = rows * sample::conditioned_matrix(&mut rng, d, d, 1.0, condition);
    let direction = sample::dyadic_vector(&mut rng, d, 2);
    let logits = &matrix * &direction;
    let scale = spread * (n as f64).sqrt() / logits.norm();
    let logits = logits * scale;
    let largest = logits.max();
    let exponentials = logits.map(|z| (z - largest).exp());
    let mut target = &exponentials * (0.9 / exponentials.sum());
    for _ in 0..5 {
        target[sample::integer(&mut rng, 0, n as i64 - 1) as usize] += 0.02;
    }
    let matrix = DesignMatrix::dense(matrix).unwrap();
    Instance::new(
        LossKind::Softmax,
        matrix,
        target,
        DVector::repeat(n, weight),
    )
    .unwrap()
}

fn sparse(instance: &Instance) -> Instance {
    let mut dense = instance.matrix().to_dense();
    for i in 0..dense.nrows() {
        for j in 0..dense.ncols() {
            if (i * 7 + j * 3).is_multiple_of(4) {
                dense[(i, j)] = 0.0;
            }
        }
    }
    let matrix = DesignMatrix::sparse(CsrMatrix::from(&dense)).unwrap();
    let (target, weights) = (instance.target().clone(), instance.weights().clone());
    Instance::new(instance.loss().clone(), matrix, target, weights).unwrap()
}

fn solved(instance: &Instance, method: Method) -> Solution {
    let problem = Problem::from_instance(instance).unwrap();
    problem.solve(&settings(method)).unwrap()
}

#[test]
fn small_answers_are_the_oracles_minimisers_and_the_bound_on_their_error_holds() {
    let (mut judged, mut ratios) = (0, Vec::new());
    for index in 0..120 {
        let mut rng = sample::stream(SEED, "small", index);
        let n = sample::integer(&mut rng, 6, 24) as usize;
        let d = sample::integer(&mut rng, 1, 4) as usize;
        let condition = 10f64.powi(sample::integer(&mut rng, 0, 3) as i32);
        let weight = [1e-1, 1.0, 12.0][index as usize % 3];
        let instance = planted(n, d, condition, 1.0, weight, index);
        let solution = solved(&instance, Method::ReusedGram);
        assert!(
            solution.outcome.is_success(),
            "{index}: {}",
            solution.outcome
        );
        assert!(
            solution
                .trace
                .iter()
                .all(|entry| entry.method == "reused-gram")
        );
        let reference = Reference::new(&instance).unwrap();
        let Ok(minimiser) = minimise(&reference, &lift_vector(&solution.x)) else {
            continue;
        };
        let distance = (lift_vector(&solution.x) - &minimiser.x).norm();
        let distance = (distance + minimiser.error_bound).to_f64();
        let bound = solution
            .error_bound
            .expect("a well-conditioned small problem has a bound");
        assert!(
            distance <= bound * (1.0 + 1e-9),
            "{index}: {distance:e} > {bound:e}"
        );
        judged += 1;
        ratios.push(bound / distance);
    }
    assert!(judged >= 110, "only {judged} minimisers were proven");
    ratios.sort_by(f64::total_cmp);
    let median = ratios[ratios.len() / 2];
    assert!(
        median <= 1e3,
        "the bound is {median:e} times the error in the median"
    );
}

#[test]
fn all_methods_give_the_same_answer_on_large_instances_dense_and_sparse() {
    for (index, condition, weight) in [(1, 1.0, 11.0), (2, 100.0, 1.0), (3, 30.0, 0.1)] {
        let dense = planted(3000, 12, condition, 1.0, weight, index);
        for instance in [sparse(&dense), dense] {
            let problem = Problem::from_instance(&instance).unwrap();
            let exact = problem.solve(&settings(Method::Exact)).unwrap();
            assert_eq!(exact.outcome, Outcome::Converged);
            for method in [Method::Auto, Method::ReusedGram, Method::Subsampled] {
                let solution = problem.solve(&settings(method)).unwrap();
                assert!(
                    solution.outcome.is_success(),
                    "{index} {method:?}: {}",
                    solution.outcome
                );
                let allowed = exact.error_bound.unwrap() + solution.error_bound.unwrap();
                let distance = (&exact.x - &solution.x).norm();
                assert!(
                    distance <= allowed,
                    "{index} {method:?}: {distance:e} > {allowed:e}"
                );
            }
        }
    }
}

#[test]
fn a_sample_keeps_fewer_rows_than_there_are_and_says_how_many() {
    let instance = planted(100_000, 20, 10.0, 1.0, 11.0, 7);
    let solution = solved(&instance, Method::Subsampled);
    assert!(solution.outcome.is_success(), "{}", solution.outcome);
    for entry in &solution.trace {
        assert_eq!(entry.method, "subsampled");
        let rows = entry.distinct_rows;
        assert!(rows > 20 && rows < 25_000, "{rows} of 100000 in {entry:?}");
    }
}

#[test]
fn weak_weights_converge_from_the_origin_where_the_hessian_is_indefinite() {
    for index in 0..6 {
        let (n, d) = (4000, 10);
        let instance = planted(n, d, 100.0, 2.5, 1e-2 / (n as f64).sqrt(), 40 + index);
        for instance in [sparse(&instance), instance] {
            let solution = solved(&instance, Method::Auto);
            assert!(
                solution.outcome.is_success(),
                "{index}: {}",
                solution.outcome
            );
            assert!(
                solution.iterations <= 30,
                "{index}: {}",
                solution.iterations
            );
            let problem = Problem::from_instance(&instance).unwrap();
            let hessian = problem.hessian(&solution.x).unwrap();
            assert!(hessian.symmetric_eigenvalues().min() > 0.0);
        }
    }
}

#[test]
fn a_start_from_a_sample_saves_passes_and_leads_to_a_certified_minimum() {
    let mut indefinite = 0;
    for index in 0..6 {
        let (n, d) = (20_000, 10);
        let instance = planted(n, d, 30.0, 2.5, 1e-2 / (n as f64).sqrt(), 140 + index);
        for instance in [sparse(&instance), instance] {
            let problem = Problem::from_instance(&instance).unwrap();
            let first = problem.hessian(&DVector::zeros(d)).unwrap();
            if first.symmetric_eigenvalues().min() > 0.0 {
                continue;
            }
            indefinite += 1;
            let with = problem.solve(&settings(Method::Auto)).unwrap();
            let without = Settings::default().with_sampled_start(Some(false));
            let without = problem.solve(&without).unwrap();
            assert!(with.outcome.is_success() && without.outcome.is_success());
            assert_eq!(with.trace[0].method, "sampled-start");
            assert!(with.trace[0].distinct_rows >= 20 * d - 1);
            assert!(with.trace[0].distinct_rows <= 40 * d + 2);
            assert!(
                without
                    .trace
                    .iter()
                    .all(|entry| entry.method != "sampled-start")
            );
            let passes = |solution: &Solution| solution.trace.last().unwrap().passes;
            assert!(
                passes(&with) < passes(&without),
                "{index}: {} and {} passes",
                passes(&with),
                passes(&without)
            );
            assert!(with.loss <= without.loss * (1.0 + 1e-9), "{index}");
            let eigenvalues = problem.hessian(&with.x).unwrap().symmetric_eigenvalues();
            assert!(eigenvalues.min() > 0.0);
        }
    }
    assert!(indefinite >= 4, "only {indefinite} were put to the test");
}

#[test]
fn a_target_with_a_dominant_row_and_other_methods_get_no_start_from_a_sample() {
    let instance = planted(20_000, 10, 30.0, 2.5, 1e-2 / 141.0, 140);
    let problem = Problem::from_instance(&instance).unwrap();
    let exact = problem.solve(&settings(Method::Exact)).unwrap();
    assert!(exact.trace.iter().all(|entry| entry.method == "exact"));
    let mut target = instance.target() * 0.5;
    target[77] = 0.5;
    let (matrix, weights) = (instance.matrix().clone(), instance.weights().clone());
    let dominated = Instance::new(LossKind::Softmax, matrix, target, weights).unwrap();
    let solution = solved(&dominated, Method::Auto);
    assert!(solution.outcome.is_success());
    assert!(
        solution
            .trace
            .iter()
            .all(|entry| entry.method != "sampled-start")
    );
}

/// Far larger than the limit from which on Gram matrices are tried first. Points at a known distance from the answer are
/// judged: the bound must cover it, and the oracle is too slow here.
#[test]
fn the_bound_through_gram_matrices_covers_a_known_distance() {
    for (index, weight) in [(1, 11.0), (2, 0.05)] {
        let instance = planted(30_000, 12, 10.0, 1.5, weight, 60 + index);
        for instance in [sparse(&instance), instance] {
            let problem = Problem::from_instance(&instance).unwrap();
            let answer = problem.solve(&settings(Method::Exact)).unwrap();
            let own = answer.error_bound.expect("the answer has a bound");
            let mut rng = sample::stream(SEED, "moved", index);
            for exponent in [-12, -9, -6] {
                let direction = sample::dyadic_vector(&mut rng, 12, 2);
                let step = direction.normalize() * 10f64.powi(exponent);
                let moved = &answer.x + &step;
                let found = bound_error(&problem, &moved);
                let bound = found.bound.expect("a point near the answer has a bound");
                let distance = (&moved - &answer.x).norm();
                assert!(bound >= distance - own, "{index}: {bound:e} < {distance:e}");
                assert!(
                    bound <= 1e4 * (distance + own),
                    "{index}: {bound:e} at {distance:e}"
                );
            }
        }
    }
}

#[test]
fn answers_are_the_same_bits_for_any_number_of_threads() {
    let dense = planted(20_000, 12, 100.0, 2.5, 1e-4, 80);
    for instance in [sparse(&dense), dense] {
        let on = |threads: usize| {
            // Each has a problem of its own: one that was solved before has its Gram matrix.
            let problem = Problem::from_instance(&instance).unwrap();
            threads::on(threads, || problem.solve(&settings(Method::Auto)).unwrap())
        };
        let one = on(1);
        assert_eq!(one, on(2));
        assert_eq!(one, on(5));
    }
}

#[test]
fn other_losses_go_through_gram_matrices_too() {
    let mut rng = sample::stream(SEED, "losses", 0);
    let (n, d) = (3000, 8);
    let matrix = DesignMatrix::dense(DMatrix::from_fn(n, d, |_, _| {
        sample::dyadic(&mut rng, 1) / 4.0
    }))
    .unwrap();
    let target = DVector::from_fn(n, |_, _| 1.0 + sample::dyadic(&mut rng, 1) / 2.0);
    for kind in [LossKind::Exp, LossKind::Cosh, LossKind::Sinh] {
        let weights = DVector::repeat(n, 1.0);
        let instance =
            Instance::new(kind.clone(), matrix.clone(), target.clone(), weights).unwrap();
        let problem = Problem::from_instance(&instance).unwrap();
        let exact = problem.solve(&settings(Method::Exact)).unwrap();
        let reused = problem.solve(&settings(Method::ReusedGram)).unwrap();
        for solution in [&exact, &reused] {
            assert!(
                solution.outcome.is_success(),
                "{kind:?}: {}",
                solution.outcome
            );
        }
        let allowed = exact.error_bound.unwrap() + reused.error_bound.unwrap();
        assert!((&exact.x - &reused.x).norm() <= allowed, "{kind:?}");
    }
}

#[test]
fn an_observer_sees_every_iteration_and_can_stop_the_run() {
    let instance = planted(5000, 10, 100.0, 2.5, 1e-2 / 70.0, 90);
    let problem = Problem::from_instance(&instance).unwrap();
    let start = DVector::zeros(10);
    let mut seen = Vec::new();
    let whole = solve_observed(&problem, &start, &Settings::default(), &mut |entry| {
        seen.push(entry.clone());
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(seen, whole.trace);
    assert!(whole.trace.len() >= 3);
    assert!(
        whole
            .trace
            .windows(2)
            .all(|pair| pair[1].passes >= pair[0].passes + 1.0)
    );
    let stopped = solve_observed(&problem, &start, &Settings::default(), &mut |entry| {
        if entry.iteration == 1 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    })
    .unwrap();
    assert_eq!(stopped.outcome, Outcome::Interrupted);
    assert_eq!(stopped.trace, whole.trace[..2]);
    let value = problem.value(&stopped.x).unwrap();
    assert!((stopped.loss - value).abs() <= 1e-12 * value);
    assert!(stopped.loss < whole.trace[0].loss);
}

#[test]
fn a_rank_deficient_tall_matrix_gives_the_answer_of_least_norm() {
    let instance = planted(4000, 6, 1.0, 1.0, 1.0, 91);
    let dense = instance.matrix().to_dense();
    let mut repeated = dense.clone().insert_columns(6, 1, 0.0);
    repeated.set_column(6, &dense.column(0));
    let (target, weights) = (instance.target().clone(), instance.weights().clone());
    let matrix = DesignMatrix::dense(repeated).unwrap();
    let instance = Instance::new(LossKind::Softmax, matrix, target, weights).unwrap();
    let problem = Problem::from_instance(&instance).unwrap();
    let solution = solve(&problem, &DVector::zeros(7), &Settings::default()).unwrap();
    assert_eq!(solution.outcome, Outcome::Singular);
    assert!((solution.x[0] - solution.x[6]).abs() <= 1e-10 * solution.x.norm());
    assert!(solution.gradient_norm <= 1e-9 * solution.start_gradient_norm);
    // Asked for by name, the method does not hand over: it says that it cannot.
    let named = solve(&problem, &DVector::zeros(7), &settings(Method::ReusedGram)).unwrap();
    assert!(!named.outcome.is_success() || named.error_bound.is_none());
}

#[test]
fn a_wide_matrix_is_not_asked_for_a_gram_matrix_that_no_memory_holds() {
    let (n, d) = (2, 40_000);
    let mut entries = CooMatrix::new(n, d);
    entries.push(0, 7, 2.0);
    entries.push(1, 39_999, -1.0);
    let matrix = DesignMatrix::sparse(CsrMatrix::from(&entries)).unwrap();
    let target = DVector::from_column_slice(&[0.25, 0.75]);
    let weights = DVector::repeat(n, 0.5);
    let problem = Problem::new(LossKind::Softmax, matrix, target, weights).unwrap();
    let solution = problem.solve(&Settings::default()).unwrap();
    // The answer of least norm has no other entries than the two that are seen.
    assert_eq!(solution.outcome, Outcome::Singular);
    assert!(solution.gradient_norm <= 1e-10 * solution.start_gradient_norm);
    let seen = DVector::from_column_slice(&[solution.x[7], solution.x[39_999]]);
    assert!((solution.x.norm() - seen.norm()).abs() <= 1e-12 * seen.norm());
    let error = problem.solve(&settings(Method::ReusedGram)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the matrix has 40000 columns: at most 32768 are solved through a Gram matrix"
    );
}
