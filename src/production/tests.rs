//! Tests of the production floor as a whole. Comparisons with the oracle live in the integration tests.

use std::sync::Arc;

use nalgebra::{DMatrix, DVector};
use quickcheck::quickcheck;

use crate::instance::{DesignMatrix, Instance, LossKind, sample};
use crate::production::*;

/// A small problem that solves without trouble; the wrong-input tests change one thing of it.
fn baseline() -> (DMatrix<f64>, DVector<f64>, DVector<f64>) {
    let a = DMatrix::from_row_slice(4, 2, &[1.0, 0.5, -0.5, 1.0, 0.25, -1.0, 2.0, 0.0]);
    let b = DVector::from_column_slice(&[0.5, 0.25, 0.125, 0.125]);
    (a, b, DVector::repeat(4, 1.0))
}

fn problem(a: DMatrix<f64>, b: DVector<f64>, w: DVector<f64>) -> Problem {
    let instance = Instance::new(LossKind::Softmax, DesignMatrix::Dense(a.into()), b, w).unwrap();
    Problem::from_instance(&instance).unwrap()
}

fn random(seed: u64, n: usize, d: usize, condition: f64, weight: f64) -> Problem {
    let mut rng = sample::stream(seed, "production", (n * 1000 + d) as u64);
    let a = sample::conditioned_matrix(&mut rng, n, d, 3.0, condition);
    let b = sample::signed_unit_target(&mut rng, n);
    problem(a, b, DVector::repeat(n, weight))
}

/// `l` and its derivatives from their definition, each in the plainest possible way.
fn definition(b: &DVector<f64>, z: &DVector<f64>) -> (f64, DVector<f64>, DMatrix<f64>) {
    let u = z.map(f64::exp);
    let p = &u / u.sum();
    let c = &p - b;
    let jacobian = DMatrix::from_diagonal(&p) - &p * p.transpose();
    let q = (&p * 2.0 - b).component_mul(&p);
    let hessian = DMatrix::from_diagonal(&q) - DMatrix::from_diagonal(&p) * c.dot(&p)
        + (&p * p.transpose()) * (&p * 3.0 - b * 2.0).dot(&p)
        - &q * p.transpose()
        - &p * q.transpose();
    (0.5 * c.norm_squared(), jacobian * c, hessian)
}

#[test]
fn two_logits_have_the_closed_form_of_a_logistic_function() {
    // n = 2, z = (t, 0): p = (s, 1-s), s = 1/(1+e^-t). With b = (1, 0): c = (s-1, 1-s), l = (1-s)^2.
    // dl/dt = -2 (1-s) s(1-s) = -2 s (1-s)^2.  d2l/dt2 = s(1-s) d/ds(-2 s (1-s)^2) = -2 s (1-s)^2 (1-3s).
    let loss = Softmax::new(DVector::from_column_slice(&[1.0, 0.0]));
    for t in [-3.0_f64, -0.5, 0.0, 1.0, 4.0] {
        let z = DVector::from_column_slice(&[t, 0.0]);
        let s = 1.0 / (1.0 + (-t).exp());
        let first = -2.0 * s * (1.0 - s).powi(2);
        let second = first * (1.0 - 3.0 * s);
        assert!((loss.value(&z).unwrap() - (1.0 - s).powi(2)).abs() < 1e-15);
        let gradient = loss.gradient(&z).unwrap();
        assert!((gradient[0] - first).abs() < 1e-15 && (gradient[1] + first).abs() < 1e-15);
        let hessian = loss.hessian(&z).unwrap().to_dense();
        // Shift invariance fixes the other entries.
        let expected = DMatrix::from_row_slice(2, 2, &[second, -second, -second, second]);
        assert!((hessian - expected).amax() < 1e-15);
    }
}

#[test]
fn the_structured_derivatives_are_those_of_the_definition_and_planted_faults_are_caught() {
    let mut rng = sample::stream(2, "definition", 0);
    for n in [1, 2, 3, 7, 20] {
        let b = sample::dyadic_vector(&mut rng, n, 2);
        let z = sample::dyadic_vector(&mut rng, n, 3);
        let loss = Softmax::new(b.clone());
        let (value, gradient, hessian) = definition(&b, &z);
        assert!((loss.value(&z).unwrap() - value).abs() < 1e-13 * (1.0 + value));
        assert!((loss.gradient(&z).unwrap() - &gradient).amax() < 1e-13);
        let structured = loss.hessian(&z).unwrap();
        assert!((structured.to_dense() - &hessian).amax() < 1e-13);
        // B 1 = 0.
        assert!(structured.multiply(&DVector::repeat(n, 1.0)).amax() < 1e-14);
        if n > 1 {
            let mut wrong_core = structured.clone();
            wrong_core.core[(0, 0)] *= -1.0;
            assert!((wrong_core.to_dense() - &hessian).amax() > 1e-6);
            let mut wrong_diagonal = structured;
            wrong_diagonal.diagonal *= -1.0;
            assert!((wrong_diagonal.to_dense() - &hessian).amax() > 1e-6);
        }
    }
}

#[test]
fn derivatives_agree_with_central_differences_and_a_wrong_sign_does_not() {
    let problem = random(3, 12, 3, 10.0, 0.5);
    let x = DVector::from_column_slice(&[0.25, -0.5, 0.75]);
    let gradient = problem.gradient(&x).unwrap();
    let hessian = problem.hessian(&x).unwrap();
    let h = 1e-5;
    for j in 0..3 {
        let mut forward = x.clone();
        forward[j] += h;
        let mut backward = x.clone();
        backward[j] -= h;
        let slope =
            (problem.value(&forward).unwrap() - problem.value(&backward).unwrap()) / (2.0 * h);
        // Truncation h^2 |L'''| / 6 and rounding eps |L| / h are both below 1e-8 here.
        assert!((slope - gradient[j]).abs() < 1e-8);
        assert!((slope + gradient[j]).abs() > 1e-4);
        let column = (problem.gradient(&forward).unwrap() - problem.gradient(&backward).unwrap())
            / (2.0 * h);
        assert!((column - hessian.column(j)).amax() < 1e-8);
    }
    let v = DVector::from_column_slice(&[1.0, 2.0, -1.0]);
    let product = problem.hessian_vector(&x, &v).unwrap();
    assert!((product - hessian * v).amax() < 1e-12);
}

#[test]
fn the_curvature_of_the_logits_stays_between_floor_and_ceiling() {
    let mut rng = sample::stream(10, "curvature", 0);
    for case in 0..200 {
        let n = 2 + case % 5;
        let b = sample::dyadic_vector(&mut rng, n, 1 + (case as i64 % 3) * 50);
        let z = sample::dyadic_vector(&mut rng, n, 4);
        let loss = Softmax::new(b);
        let eigenvalues = loss.hessian(&z).unwrap().to_dense().symmetric_eigenvalues();
        assert!(eigenvalues.min() >= loss.curvature_floor().unwrap());
        assert!(eigenvalues.amax() <= loss.curvature_ceiling().unwrap());
    }
    // The sharp floor for ||b||_1 <= 1, to rounding: (55 sqrt33 - 39)/1152 = 0.2404088069093676877... (mpmath).
    let unit = Softmax::new(DVector::from_column_slice(&[0.5, -0.5]));
    let floor = unit.curvature_floor().unwrap();
    assert!(
        (-0.240_408_806_909_369..=-0.240_408_806_909_367_7).contains(&floor),
        "{floor}"
    );
    // Not vacuous: b = 100 e_1, p uniform, n = 3 has the eigenvalue -11 (u = (2,-1,-1)/sqrt6: ||Pu||^2 = 1/9,
    // E_p[(c-s)(u-m)^2] = -(100/9)); the floor is -lambda - 99 sqrt3/9 = -19.29296769016... (mpmath).
    let steep = Softmax::new(DVector::from_column_slice(&[100.0, 0.0, 0.0]));
    let lowest = steep
        .hessian(&DVector::zeros(3))
        .unwrap()
        .to_dense()
        .symmetric_eigenvalues()
        .min();
    assert!((lowest + 11.0).abs() < 1e-12);
    assert!((steep.curvature_floor().unwrap() + 19.292_967_690_167).abs() < 1e-9);
}

#[test]
fn third_derivatives_stay_below_their_bounds_and_a_bound_ten_times_smaller_is_caught() {
    let mut rng = sample::stream(11, "third", 0);
    let h = 1e-4;
    let third = |loss: &Softmax, z: &DVector<f64>, u: &DVector<f64>| {
        let along = |t: f64| {
            let hessian = loss.hessian(&(z + u * t)).unwrap();
            u.dot(&hessian.multiply(u))
        };
        // Truncation h^2 |l^(5)| / 6 is about 1e-8 times the size of b.
        ((along(h) - along(-h)) / (2.0 * h)).abs()
    };
    for case in 0..500 {
        let n = 2 + case % 4;
        let mut b = sample::signed_unit_target(&mut rng, n);
        if case % 3 == 0 {
            b *= 8.0;
        }
        let z = sample::dyadic_vector(&mut rng, n, 3);
        let u = sample::dyadic_vector(&mut rng, n, 1);
        if u.norm() == 0.0 {
            continue;
        }
        let u = &u / u.norm();
        let loss = Softmax::new(b);
        let measured = third(&loss, &z, &u);
        assert!(measured <= loss.hessian_lipschitz().unwrap());
        // M = B + W^2 with the least W^2 = w I that makes M >= lambda I.
        let lowest = loss
            .hessian(&z)
            .unwrap()
            .to_dense()
            .symmetric_eigenvalues()
            .min();
        for lambda in [1e-4, 1e-2, 1.0] {
            let size = u.dot(&loss.hessian(&z).unwrap().multiply(&u)) + (lambda - lowest).max(0.0);
            let exact = DVector::zeros(n);
            let omega = loss
                .third_derivative_bound(&z, &exact, 0.0, lambda)
                .unwrap();
            assert!(
                measured <= omega * size.powf(1.5) + 1e-6,
                "case {case}, lambda {lambda}"
            );
        }
    }
    // n = 2, b = -e_1: the largest third derivative is 0.5714 at p_1 = 0.363736 (logit ln(p/(1-p))).
    let loss = Softmax::new(DVector::from_column_slice(&[1.0, 0.0]));
    let u = DVector::from_column_slice(&[0.5f64.sqrt(), -(0.5f64.sqrt())]);
    let largest = (-400..400)
        .map(|k| {
            third(
                &loss,
                &DVector::from_column_slice(&[f64::from(k) / 100.0, 0.0]),
                &u,
            )
        })
        .fold(0.0, f64::max);
    assert!((0.3..0.58).contains(&largest), "{largest}");
    assert!(largest > loss.hessian_lipschitz().unwrap() / 10.0);
}

#[test]
fn sparse_and_dense_matrices_give_the_same_problem() {
    let (a, b, w) = baseline();
    let dense = problem(a.clone(), b.clone(), w.clone());
    let sparse = DesignMatrix::Sparse(nalgebra_sparse::CsrMatrix::from(&a));
    let sparse =
        Problem::from_instance(&Instance::new(LossKind::Softmax, sparse, b, w).unwrap()).unwrap();
    let x = DVector::from_column_slice(&[0.5, -0.25]);
    assert!((dense.value(&x).unwrap() - sparse.value(&x).unwrap()).abs() < 1e-15);
    assert!((dense.gradient(&x).unwrap() - sparse.gradient(&x).unwrap()).amax() < 1e-14);
    assert!((dense.hessian(&x).unwrap() - sparse.hessian(&x).unwrap()).amax() < 1e-14);
    let start = DVector::zeros(2);
    let left = solve(&dense, &start, &Settings::default()).unwrap();
    let right = solve(&sparse, &start, &Settings::default()).unwrap();
    assert!((left.x - right.x).norm() < 1e-13);
}

#[test]
fn a_wrong_input_is_refused_by_name() {
    let (a, b, w) = baseline();
    let good = problem(a.clone(), b.clone(), w.clone());
    let start = DVector::zeros(2);
    let settings = Settings::default();
    assert!(
        solve(&good, &start, &settings)
            .unwrap()
            .outcome
            .is_success()
    );
    for bad in [f64::NAN, f64::INFINITY] {
        let mut broken = start.clone();
        broken[1] = bad;
        assert!(matches!(
            solve(&good, &broken, &settings),
            Err(SolveError::Start(EvaluationError::NotFinite {
                part: "point",
                index: 1,
                ..
            }))
        ));
    }
    assert!(matches!(
        solve(&good, &DVector::zeros(3), &settings),
        Err(SolveError::Start(EvaluationError::Shape {
            found: 3,
            expected: 2,
            ..
        }))
    ));
    assert!(matches!(
        solve(&good, &DVector::repeat(2, 1e308), &settings),
        Err(SolveError::Start(EvaluationError::Overflow {
            quantity: "logits A x",
            ..
        }))
    ));
    let bad_tolerance = Settings {
        tolerance: f64::NAN,
        ..settings
    };
    assert!(matches!(
        solve(&good, &start, &bad_tolerance),
        Err(SolveError::Settings(SettingsError {
            setting: "tolerance",
            ..
        }))
    ));
    let mut heavy = w.clone();
    heavy[2] = 1e200;
    let instance = Instance::new(
        LossKind::Softmax,
        DesignMatrix::Dense(a.clone().into()),
        b.clone(),
        heavy,
    );
    assert!(matches!(
        Problem::from_instance(&instance.unwrap()),
        Err(ProblemError::WeightTooLarge { index: 2, .. })
    ));
    let short: Arc<dyn LogitLoss> = Arc::new(Softmax::new(DVector::zeros(3)));
    assert!(matches!(
        Problem::with_loss(short, DesignMatrix::Dense(a.into()), &w),
        Err(ProblemError::Shape { part: "loss", .. })
    ));
}

#[test]
fn every_condition_number_and_weight_converges_and_the_bound_holds_against_a_planted_answer() {
    for (k, condition) in [1.0, 1e2, 1e4, 1e6].into_iter().enumerate() {
        // A target that is softmax(A x*) for a known x*, weights 0: x* is a minimiser with loss near 0.
        let mut rng = sample::stream(4, "planted", k as u64);
        let a = sample::conditioned_matrix(&mut rng, 40, 4, 4.0, condition);
        let planted = sample::dyadic_vector(&mut rng, 4, 1);
        let z = &a * &planted;
        let b = Softmax::new(DVector::zeros(40)).probabilities(&z).unwrap();
        let problem = problem(a, b, DVector::zeros(40));
        let solution = solve(&problem, &DVector::zeros(4), &Settings::default()).unwrap();
        assert!(solution.outcome.is_success(), "{solution:?}");
        // b itself is rounded, which moves the minimiser: allow for that with 1e-15 / sigma_min scale.
        let error = (&solution.x - &planted).norm();
        assert!(
            error < 1e-12 * condition,
            "condition {condition}: {error:e}"
        );
        let bound = solution.error_bound.expect(&solution.error_bound_basis);
        assert!(bound < 1e-9 * condition, "condition {condition}: {bound:e}");
    }
}

#[test]
fn strong_weights_are_certified_by_convexity_and_two_starts_meet_within_their_bounds() {
    for seed in 0..10 {
        let problem = random(seed, 30, 4, 100.0, 2.0);
        let one = solve(&problem, &DVector::zeros(4), &Settings::default()).unwrap();
        let two = solve(&problem, &DVector::repeat(4, 0.5), &Settings::default()).unwrap();
        assert!(one.outcome.is_success() && two.outcome.is_success());
        let allowed = one.error_bound.unwrap() + two.error_bound.unwrap();
        assert!((&one.x - &two.x).norm() <= allowed);
        assert!(allowed < 1e-6);
    }
}

#[test]
fn a_point_off_the_minimiser_gets_a_bound_that_covers_the_distance() {
    let problem = random(5, 30, 4, 10.0, 2.0);
    let end = solve(&problem, &DVector::zeros(4), &Settings::default()).unwrap();
    for distance in [1e-10, 1e-6, 1e-3, 1.0] {
        let mut x = end.x.clone();
        x[0] += distance;
        let found = bound_error(&problem, &x);
        let bound = found.bound.expect(&found.basis);
        assert!(bound >= distance * (1.0 - 1e-9) - end.error_bound.unwrap());
        assert!(bound < 1e4 * distance);
    }
}

#[test]
fn a_region_of_negative_curvature_is_left() {
    // A = (1, 0)', b = (1, 0): L(t) = (1-s)^2 + 0.5 w^2 t^2 with s = 1/(1+e^-t) (t is z_1 - z_2 = x), and
    // L'(t) = -2 s (1-s)^2 + w^2 t: negative for t <= 0, positive for large t. L'' < 0 at t = -2, where s = 0.12.
    let weight = 0.07_f64;
    let slope = |t: f64| {
        let s = 1.0 / (1.0 + (-t).exp());
        -2.0 * s * (1.0 - s).powi(2) + weight * weight * t
    };
    let problem = problem(
        DMatrix::from_row_slice(2, 1, &[1.0, 0.0]),
        DVector::from_column_slice(&[1.0, 0.0]),
        DVector::repeat(2, weight),
    );
    let start = DVector::from_element(1, -2.0);
    assert!(problem.hessian(&start).unwrap()[(0, 0)] < 0.0);
    let solution = solve(&problem, &start, &Settings::default()).unwrap();
    assert_eq!(solution.outcome, Outcome::Converged, "{solution:?}");
    assert!(slope(solution.x[0]).abs() < 1e-11);
    assert!(solution.trace[0].shift > 0.0);
}

#[test]
fn an_exact_stationary_maximum_is_left_and_never_called_converged() {
    // z = x (1, -1), b = (-k, -k) + m (1, 1) changes nothing (shift of b), so symmetric targets have their extremum at
    // x = 0: l = p1^2 / 2 + p2^2 / 2 + const, a minimum. With A = (1, -1, 0, 0)' and b = (B, B, 0, 0), B large,
    // l = 0.5 ||p||^2 - B (p1 + p2) + const; p1 + p2 = 2 cosh x / (2 cosh x + 2) is smallest at x = 0, so x = 0 is a
    // stationary maximum in x for B large: d2/dx2 of 2cosh x/(2cosh x + 2) at 0 is 1/8, of 0.5||p||^2 it is at most 1/8.
    let a = DMatrix::from_column_slice(4, 1, &[1.0, -1.0, 0.0, 0.0]);
    let b = DVector::from_column_slice(&[4.0, 4.0, 0.0, 0.0]);
    let problem = problem(a, b, DVector::repeat(4, 0.125));
    let start = DVector::zeros(1);
    assert!(problem.gradient(&start).unwrap().norm() < 1e-15);
    assert!(problem.hessian(&start).unwrap()[(0, 0)] < -0.1);
    let solution = solve(&problem, &start, &Settings::default()).unwrap();
    assert!(solution.outcome.is_success(), "{solution:?}");
    assert!(solution.x[0].abs() > 1.0);
    assert!(solution.loss < problem.value(&start).unwrap());
}

#[test]
fn a_rank_deficient_matrix_gives_the_answer_of_least_norm_and_says_so() {
    let (a, b, w) = baseline();
    // A third column that repeats the first: the least-norm answer shares its coefficient equally.
    let mut wide = DMatrix::zeros(4, 3);
    wide.set_column(0, &a.column(0));
    wide.set_column(1, &a.column(1));
    wide.set_column(2, &a.column(0));
    let full = solve(
        &problem(a, b.clone(), w.clone()),
        &DVector::zeros(2),
        &Settings::default(),
    )
    .unwrap();
    let start = DVector::from_column_slice(&[1.0, 0.0, -3.0]);
    let solution = solve(&problem(wide, b, w), &start, &Settings::default()).unwrap();
    assert_eq!(solution.outcome, Outcome::Singular);
    assert!(!solution.warnings.is_empty() && solution.error_bound.is_none());
    let expected = [0.5 * full.x[0], full.x[1], 0.5 * full.x[0]];
    for (found, expected) in solution.x.iter().zip(expected) {
        assert!((found - expected).abs() < 1e-12);
    }
}

#[test]
fn a_single_logit_without_weight_has_nothing_to_decide() {
    let one = problem(
        DMatrix::from_element(1, 2, 1.0),
        DVector::from_element(1, 0.5),
        DVector::zeros(1),
    );
    let solution = solve(&one, &DVector::from_element(2, 3.0), &Settings::default()).unwrap();
    assert_eq!(solution.outcome, Outcome::Singular);
    assert_eq!(solution.x, DVector::zeros(2));
}

#[test]
fn a_minimiser_at_infinity_is_not_called_converged() {
    // b = e_1, weights 0, A = (1, 0)': the loss (1-s)^2 falls for ever.
    let runaway = problem(
        DMatrix::from_row_slice(2, 1, &[1.0, 0.0]),
        DVector::from_column_slice(&[1.0, 0.0]),
        DVector::zeros(2),
    );
    for tolerance in [1e-2, 1e-6, 1e-10, 1e-14] {
        let settings = Settings {
            tolerance,
            ..Settings::default()
        };
        let solution = solve(&runaway, &DVector::zeros(1), &settings).unwrap();
        assert!(!solution.outcome.is_success(), "{solution:?}");
        assert_eq!(solution.error_bound, None);
    }
}

#[test]
fn exact_and_subsampled_agree_and_the_sampled_run_is_reproducible() {
    let problem = random(6, 400, 3, 10.0, 2.0);
    let start = DVector::repeat(3, 0.5);
    let exact = solve(&problem, &start, &Settings::default()).unwrap();
    let sampled = Settings {
        method: Method::Subsampled,
        epsilon: 0.5,
        seed: 9,
        ..Settings::default()
    };
    let first = solve(&problem, &start, &sampled).unwrap();
    assert!(first.outcome.is_success(), "{first:?}");
    assert!(first.trace.iter().any(|entry| entry.method == "subsampled"));
    assert!(
        (&first.x - &exact.x).norm() <= first.error_bound.unwrap() + exact.error_bound.unwrap()
    );
    assert_eq!(first, solve(&problem, &start, &sampled).unwrap());
    let other = solve(
        &problem,
        &start,
        &Settings {
            seed: 10,
            ..sampled
        },
    )
    .unwrap();
    assert_ne!(first.trace, other.trace);
}

#[test]
fn subsampling_is_refused_where_the_diagonal_is_not_positive() {
    let (a, _, _) = baseline();
    // b = (3, 0, 0, 0), p uniform: delta_1 = p (p + c_1 - s) < 0 and no weight makes up for it.
    let b = DVector::from_column_slice(&[3.0, 0.0, 0.0, 0.0]);
    let problem = problem(a, b, DVector::zeros(4));
    let sampled = Settings {
        method: Method::Subsampled,
        ..Settings::default()
    };
    let solution = solve(&problem, &DVector::zeros(2), &sampled).unwrap();
    assert_eq!(solution.outcome, Outcome::DiagonalNotPositive);
    assert_eq!(solution.iterations, 0);
    assert!(solution.warnings[0].contains("entry 0"));
}

#[test]
fn the_iteration_limit_is_reported() {
    let problem = random(7, 20, 3, 10.0, 0.1);
    let one_step = Settings {
        max_iterations: 1,
        tolerance: 1e-14,
        ..Settings::default()
    };
    let solution = solve(&problem, &DVector::repeat(3, 1.0), &one_step).unwrap();
    assert_eq!(solution.outcome, Outcome::IterationLimit);
    assert_eq!(solution.trace.len(), 1);
}

/// A = (1e200, ..., 1e200)' / i: the squares in A'A overflow, the loss at the origin is that of the uniform p. With the
/// target's gradient `A' (p o (p - b) - p <p, p - b>)` of size 1e190 or so, both are finite.
#[test]
fn a_gram_matrix_that_overflows_is_no_fault_of_the_start() {
    let n = 20_001;
    let column = |scale: f64| DMatrix::from_fn(n, 1, |i, _| scale / (i as f64 + 1.0));
    let b = DVector::from_fn(n, |i, _| if i == 0 { 1.0 } else { 0.0 });
    let solved = |method: Method| {
        let weights = DVector::repeat(n, 1.0);
        let settings = Settings {
            method,
            ..Settings::default()
        };
        problem(column(1e200), b.clone(), weights)
            .solve(&settings)
            .unwrap()
    };
    let refused = solved(Method::ReusedGram);
    assert_eq!(refused.outcome, Outcome::OutOfRange);
    assert_eq!((refused.x[0], refused.iterations), (0.0, 0));
    // 0.5 ((1 - 1/n)^2 + (n - 1) / n^2) = 0.5 (1 - 1/n).
    assert!((refused.loss - 0.5 * (1.0 - 1.0 / n as f64)).abs() < 1e-15);
    assert!(refused.gradient_norm.is_finite() && refused.gradient_norm > 0.0);
    assert_eq!(refused.error_bound, None);
    assert!(
        refused.warnings[0].contains("beyond the range"),
        "{:?}",
        refused.warnings
    );
    let answered = solved(Method::Auto);
    assert!(answered.loss <= refused.loss && answered.x[0].is_finite());
    assert!(answered.trace.iter().all(|step| step.method == "exact"));
}

#[test]
fn a_custom_loss_needs_no_bound_constants() {
    /// `0.5 ||z - b||^2`: the normal equations, solved in one step.
    struct Quadratic(DVector<f64>);
    impl LogitLoss for Quadratic {
        fn name(&self) -> &'static str {
            "quadratic"
        }
        fn logits(&self) -> usize {
            self.0.len()
        }
        fn value(&self, z: &DVector<f64>) -> Result<f64, EvaluationError> {
            Ok(0.5 * (z - &self.0).norm_squared())
        }
        fn gradient(&self, z: &DVector<f64>) -> Result<DVector<f64>, EvaluationError> {
            Ok(z - &self.0)
        }
        fn hessian(&self, z: &DVector<f64>) -> Result<DiagonalPlusLowRank, EvaluationError> {
            Ok(DiagonalPlusLowRank {
                diagonal: DVector::repeat(z.len(), 1.0),
                basis: DMatrix::zeros(z.len(), 0),
                core: DMatrix::zeros(0, 0),
            })
        }
        fn error_bounds(
            &self,
            z: &DVector<f64>,
            logit_error: &DVector<f64>,
        ) -> Result<LogitErrorBounds, EvaluationError> {
            let n = z.len();
            Ok(LogitErrorBounds {
                value: logit_error.dot(&(z - &self.0).abs()) + 1e-12,
                gradient: logit_error + (z - &self.0).abs() * f64::EPSILON,
                hessian: DiagonalPlusLowRank {
                    diagonal: DVector::zeros(n),
                    basis: DMatrix::zeros(n, 0),
                    core: DMatrix::zeros(0, 0),
                },
            })
        }
    }
    let (a, b, _) = baseline();
    let loss: Arc<dyn LogitLoss> = Arc::new(Quadratic(b.clone()));
    let problem = Problem::with_loss(
        loss,
        DesignMatrix::Dense(a.clone().into()),
        &DVector::zeros(4),
    )
    .unwrap();
    let solution = solve(&problem, &DVector::zeros(2), &Settings::default()).unwrap();
    let expected = a.tr_mul(&a).cholesky().unwrap().solve(&a.tr_mul(&b));
    assert!(solution.outcome.is_success());
    assert!((solution.x - expected).norm() < 1e-14);
    assert!(solution.error_bound.is_none() && solution.error_bound_basis.starts_with("no bound"));
}

#[test]
fn bounds_are_finite_and_small_at_logit_gaps_to_a_thousand_and_condition_numbers_to_a_million() {
    for gap in [1.0, 10.0, 100.0, 1000.0] {
        for condition in [1.0, 1e6] {
            let problem = random(8, 20, 3, condition, 1.0);
            let z = problem
                .logits(&DVector::from_column_slice(&[1.0, -1.0, 0.5]))
                .unwrap();
            let x = DVector::from_column_slice(&[1.0, -1.0, 0.5]) * (gap / (z.max() - z.min()));
            let scale = problem.logits(&x).unwrap().amax();
            assert!(problem.loss_error_bound(&x).unwrap() <= 1e-12 * (1.0 + scale * scale));
            let gradient = problem.gradient_error_bound(&x).unwrap();
            assert!(gradient.amax() <= 1e-12 * (1.0 + scale));
            assert!(gradient.iter().all(|bound| *bound > 0.0));
            assert!(problem.hessian_error_bound(&x).unwrap().amax() <= 1e-11 * (1.0 + scale));
        }
    }
}

/// Entries of any bit pattern, so that NaN, infinities, subnormals and huge values all occur.
fn wild(bits: &[u64], index: usize) -> f64 {
    let word = bits.get(index % bits.len().max(1)).copied().unwrap_or(0);
    f64::from_bits(word.rotate_left((index / bits.len().max(1)) as u32))
}

quickcheck! {
    fn any_bits_give_a_typed_error_or_finite_numbers(bits: Vec<u64>, shape: (u8, u8), zero_weights: bool) -> bool {
        let (n, d) = (usize::from(shape.0 % 5) + 1, usize::from(shape.1 % 4) + 1);
        let a = DMatrix::from_fn(n, d, |i, j| wild(&bits, i * d + j));
        let b = DVector::from_fn(n, |i, _| wild(&bits, n * d + i));
        let w = DVector::from_fn(n, |i, _| if zero_weights { 0.0 } else { wild(&bits, n * d + n + i) });
        let x = DVector::from_fn(d, |j, _| wild(&bits, n * d + 2 * n + j));
        let Ok(matrix) = DesignMatrix::dense(a) else { return true };
        let Ok(instance) = Instance::new(LossKind::Softmax, matrix, b, w) else { return true };
        let Ok(problem) = Problem::from_instance(&instance) else { return true };
        let settings = Settings { max_iterations: 20, ..Settings::default() };
        if let Ok(value) = problem.value(&x) { assert!(value.is_finite()); }
        if let Ok(gradient) = problem.gradient(&x) { assert!(gradient.iter().all(|g| g.is_finite())); }
        if let Ok(hessian) = problem.hessian(&x) { assert!(hessian.iter().all(|h| h.is_finite())); }
        for start in [x, DVector::zeros(d)] {
            if let Ok(solution) = solve(&problem, &start, &settings) {
                assert!(solution.x.iter().all(|x| x.is_finite()));
                assert!(solution.loss.is_finite() && solution.gradient_norm.is_finite());
                assert!(solution.error_bound.is_none_or(|bound| bound.is_finite()));
            }
        }
        true
    }

    fn dyadic_instances_of_any_shape_end_in_an_outcome(seed: u64, shape: (u8, u8), scale: u8) -> bool {
        let (n, d) = (usize::from(shape.0 % 9) + 1, usize::from(shape.1 % 5) + 1);
        let mut rng = sample::stream(seed, "totality", 0);
        let size = 2f64.powi(i32::from(scale % 24) - 12);
        let a = DMatrix::from_fn(n, d, |_, _| sample::dyadic(&mut rng, 2) * size);
        let b = sample::dyadic_vector(&mut rng, n, 2);
        let w = sample::dyadic_vector(&mut rng, n, 1) * 0.125;
        let problem = problem(a, b, w);
        for method in [Method::Exact, Method::Subsampled] {
            let settings = Settings { method, max_iterations: 60, epsilon: 0.5, ..Settings::default() };
            let solution = solve(&problem, &DVector::zeros(d), &settings).expect("a good start");
            assert!(solution.x.iter().all(|x| x.is_finite()));
            if solution.outcome.is_success() {
                assert!(solution.gradient_norm <= (settings.tolerance * solution.start_gradient_norm).max(solution.gradient_noise.unwrap_or(0.0)));
            }
        }
        true
    }
}

/// Where the gradient is some 1e-262, its square is 0: the bound must not be.
#[test]
fn a_bound_does_not_underflow_to_zero() {
    let matrix = DesignMatrix::dense(DMatrix::from_element(2, 1, 1.0)).unwrap();
    let ones = DVector::repeat(2, 1.0);
    // 0.5 sinh(z)^2 in each row: the minimiser is 0, and the gradient at x is 4 x.
    let problem = Problem::new(LossKind::Sinh, matrix, DVector::zeros(2), ones).unwrap();
    let found = bound_error(&problem, &DVector::from_element(1, 1e-262));
    let bound = found.bound.unwrap();
    assert!((1e-262..1e-120).contains(&bound), "{bound:e}");
}

/// p = (1/2, 1/2) at every x, so that the loss is constant plus `(w1^2 + w2^2) (5.75 x)^2 / 2`; at 0 the gradient is exactly 0,
/// while its parts in the logits are rounding: a polishing step may not leave it.
#[test]
fn an_exact_answer_is_not_polished_away() {
    let problem = problem(
        DMatrix::from_element(2, 1, -5.75),
        DVector::from_column_slice(&[0.0, -0.0625]),
        DVector::from_column_slice(&[-0.0625, -0.125]),
    );
    let solution = problem.solve(&Settings::default()).unwrap();
    assert_eq!(solution.outcome, Outcome::Converged);
    assert!(solution.gradient_norm <= 1e-10 * solution.start_gradient_norm);
}
