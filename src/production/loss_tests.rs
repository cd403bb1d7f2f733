//! The sister losses in the solver: curvature constants, poles, kinks, overflow, the symmetric start.

use nalgebra::{DMatrix, DVector};
use quickcheck::quickcheck;

use crate::instance::{Activation, DesignMatrix, Instance, LossKind, sample};
use crate::production::{
    EvaluationError, LogitLoss, Outcome, Problem, Settings, Solution, SolveError, bound_error,
    solve,
};

fn plain_kinds() -> [LossKind; 4] {
    [
        LossKind::Exp,
        LossKind::Cosh,
        LossKind::Sinh,
        LossKind::ResidualSoftmax,
    ]
}

/// One of the eight losses, for n logits.
fn kind(turn: usize, n: usize, seed: u64) -> LossKind {
    let plain = plain_kinds();
    let turn = turn % (plain.len() + Activation::ALL.len());
    match plain.get(turn) {
        Some(kind) => kind.clone(),
        None => {
            let mut rng = sample::stream(seed, "loss-tests/second-layer", n as u64);
            LossKind::TwoLayer {
                second_layer: DMatrix::from_fn(3, n, |_, _| sample::dyadic(&mut rng, 2)),
                activation: Activation::ALL[turn - plain.len()],
            }
        }
    }
}

fn problem(kind: LossKind, a: &[Vec<f64>], b: &[f64], w: f64) -> Problem {
    let matrix = DesignMatrix::from_rows(a).unwrap();
    let weights = DVector::from_element(matrix.rows(), w);
    let target = DVector::from_column_slice(b);
    Problem::from_instance(&Instance::new(kind, matrix, target, weights).unwrap()).unwrap()
}

fn random(turn: usize, seed: u64, n: usize, d: usize, weight: f64) -> Problem {
    let mut rng = sample::stream(seed, "loss-tests", turn as u64);
    let kind = kind(turn, n, seed);
    let a = DMatrix::from_fn(n, d, |_, _| sample::dyadic(&mut rng, 1));
    let b = sample::dyadic_vector(&mut rng, kind.target_length(n), 2);
    let w = DVector::from_element(n, weight);
    let matrix = DesignMatrix::dense(a).unwrap();
    Problem::from_instance(&Instance::new(kind, matrix, b, w).unwrap()).unwrap()
}

fn solved(problem: &Problem, start: f64) -> Solution {
    let start = DVector::from_element(problem.columns(), start);
    solve(problem, &start, &Settings::default()).unwrap()
}

#[test]
fn every_loss_is_solved_with_weak_and_with_strong_weights() {
    for turn in 0..8 {
        for seed in 0..4 {
            for weight in [0.25, 3.0, 16.0] {
                let problem = random(turn, seed, 12, 3, weight);
                let solution = solved(&problem, 0.5);
                let name = format!(
                    "{} ({turn}), seed {seed}, w {weight}",
                    problem.loss().name()
                );
                assert!(solution.outcome.is_success(), "{name}: {solution:?}");
                if weight > 10.0 {
                    let bound = solution.error_bound;
                    assert!(
                        bound.is_some_and(|bound| bound < 1e-9) || turn == 4,
                        "{name}: {}",
                        solution.error_bound_basis
                    );
                }
            }
        }
    }
}

#[test]
fn a_point_off_the_minimiser_gets_a_bound_that_covers_the_distance() {
    let mut bounded = 0;
    for turn in 0..8 {
        for weight in [1.0, 16.0] {
            let problem = random(turn, 9, 12, 3, weight);
            let end = solved(&problem, 0.5);
            let Some(own) = end.error_bound else { continue };
            for distance in [1e-10, 1e-6, 1e-3] {
                let mut x = end.x.clone();
                x[0] += distance;
                let Some(bound) = bound_error(&problem, &x).bound else {
                    continue;
                };
                bounded += 1;
                assert!(bound >= distance * (1.0 - 1e-9) - own, "{turn}: {bound:e}");
            }
        }
    }
    assert!(bounded >= 30, "{bounded}");
}

/// The smallest and largest `D(z)` of one logit on a grid.
fn curvatures(kind: LossKind, b: f64) -> Vec<f64> {
    let one = problem(kind, &[vec![1.0]], &[b], 0.0);
    (-4096..=1024)
        .map(|k| {
            let z = DVector::from_element(1, f64::from(k) / 256.0);
            one.loss().hessian(&z).unwrap().diagonal[0]
        })
        .collect()
}

#[test]
fn the_curvature_floor_of_the_entrywise_losses_is_a_floor_and_is_reached() {
    for kind in [LossKind::Exp, LossKind::Cosh, LossKind::Sinh] {
        for b in [-3.0, -0.5, 0.0, 0.5, 2.0, 3.9375, 4.0, 4.0625, 7.0, 20.0] {
            let one = problem(kind.clone(), &[vec![1.0]], &[b], 0.0);
            let floor = one.loss().curvature_floor().unwrap();
            let least = curvatures(kind.clone(), b)
                .into_iter()
                .fold(f64::INFINITY, f64::min);
            assert!(floor <= least, "{kind:?}, b {b}: {floor} > {least}");
            // A grid of 1/256 misses the minimum by D'' / 2^19; exp reaches 0 only at minus infinity.
            let reached = least - floor <= 1e-3 * (1.0 + b * b);
            assert!(reached, "{kind:?}, b {b}: {floor} << {least}");
        }
    }
}

#[test]
fn a_weight_above_the_floor_is_certified_by_convexity_and_one_below_has_negative_curvature() {
    // exp: min D = -b^2 / 8 at exp(z) = b / 4.
    let b = 4.0f64;
    for (square, convex) in [(2.01f64, true), (1.99, false)] {
        let one = problem(LossKind::Exp, &[vec![1.0]], &[b], square.sqrt());
        let curvature = one.hessian(&DVector::zeros(1)).unwrap()[(0, 0)];
        assert_eq!(curvature > 0.0, convex);
        let solution = solved(&one, 0.0);
        assert!(solution.outcome.is_success());
        let only = solution.error_bound_basis.contains("only minimiser");
        assert_eq!(only, convex, "{}", solution.error_bound_basis);
    }
}

/// Curvature and Lipschitz constants against random directions and points.
#[test]
fn the_constants_of_the_two_layer_loss_hold() {
    for activation in [Activation::Softplus, Activation::Tanh, Activation::Identity] {
        for seed in 0..20 {
            let mut rng = sample::stream(seed, "two-layer-constants", 0);
            let n = 2 + seed as usize % 4;
            let layer = DMatrix::from_fn(2, n, |_, _| sample::dyadic(&mut rng, 2));
            let b = sample::dyadic_vector(&mut rng, 2, 2);
            let loss = super::TwoLayer::new(layer, activation, b);
            let floor = loss.curvature_floor().unwrap();
            let ceiling = loss.curvature_ceiling().unwrap();
            let lipschitz = loss.hessian_lipschitz().unwrap();
            for _ in 0..20 {
                let z = sample::dyadic_vector(&mut rng, n, 2);
                let other = &z + sample::dyadic_vector(&mut rng, n, 1) / 64.0;
                let here = loss.hessian(&z).unwrap().to_dense();
                let eigen = here.clone().symmetric_eigenvalues();
                assert!(eigen.min() >= floor && eigen.amax() <= ceiling);
                let moved = loss.hessian(&other).unwrap().to_dense() - here;
                let norm = moved.symmetric_eigenvalues().amax();
                let distance = (other - z).norm();
                assert!(norm <= lipschitz * distance * (1.0 + 1e-9) + 1e-14);
            }
        }
    }
}

#[test]
fn the_local_third_derivative_bounds_hold() {
    // M = lambda I: |D^3 l [u, u, u]| <= omega lambda^1.5 for unit u, here by differences of the Hessian along u.
    for turn in 0..8 {
        for seed in 0..20 {
            let n = 3;
            let problem = random(turn, seed, n, 3, 0.0);
            let loss = problem.loss();
            let mut rng = sample::stream(seed, "third-derivative", turn as u64);
            let z = sample::dyadic_vector(&mut rng, n, 1).add_scalar(1.5);
            let radius = 0.0625;
            let none = DVector::zeros(n);
            let Some(bound) = loss.third_derivative_bound(&z, &none, radius, 1.0) else {
                assert!(turn == 4, "{turn}: no bound");
                continue;
            };
            for _ in 0..20 {
                let mut u = sample::dyadic_vector(&mut rng, n, 1);
                u /= u.norm();
                let at = |t: f64| loss.hessian(&(&z + &u * t)).unwrap().multiply(&u).dot(&u);
                let change = (at(radius) - at(-radius)).abs() / (2.0 * radius);
                assert!(change <= bound * (1.0 + 1e-6), "{turn}: {change} > {bound}");
            }
        }
    }
}

#[test]
fn logits_of_four_hundred_give_a_typed_error_or_the_right_answer_and_never_infinity() {
    let steep = [vec![400.0], vec![-400.0], vec![1.0]];
    let at = DVector::from_element(1, 1.0);
    for kind in [LossKind::Exp, LossKind::Cosh, LossKind::Sinh] {
        let problem = problem(kind, &steep, &[0.5, 0.25, 0.25], 0.1);
        for error in [
            problem.value(&at).unwrap_err(),
            problem.gradient(&at).unwrap_err(),
            problem.hessian(&at).unwrap_err(),
        ] {
            assert!(matches!(error, EvaluationError::Overflow { .. }), "{error}");
        }
        let refused = solve(&problem, &at, &Settings::default()).unwrap_err();
        assert!(matches!(refused, SolveError::Start(_)), "{refused}");
        assert!(refused.to_string().starts_with("start: "));
    }
    // Divided out: f is one-hot, so that l = 0.5 (0.5^2 + 0.25^2 + 0.25^2) = 0.1875.
    for scale in [1.0, 2.0, 1e6] {
        let far = problem(LossKind::ResidualSoftmax, &steep, &[0.5, 0.25, 0.25], 0.0);
        let value = far.value(&(&at * scale)).unwrap();
        assert!((value - 0.1875).abs() < 1e-15, "{value}");
        assert!(far.gradient(&(&at * scale)).unwrap().amax() < 1e-12);
    }
}

#[test]
fn a_start_high_on_an_exponential_slope_comes_down() {
    for kind in [LossKind::Exp, LossKind::Cosh, LossKind::Sinh] {
        // Logits of 100 and 170: the loss is about 1e147. Newton on exp(2z) descends by about 1/2 per step.
        let one = problem(kind.clone(), &[vec![1.0], vec![0.5]], &[3.0, 2.0], 0.5);
        for start in [100.0, 170.0, -40.0] {
            let solution = solved(&one, start);
            assert!(
                solution.outcome.is_success(),
                "{kind:?}, {start}: {solution:?}"
            );
            assert!(solution.loss < 10.0);
        }
    }
}

#[test]
fn cosh_does_not_start_at_its_point_of_symmetry_and_says_so() {
    let a = [vec![1.0, 0.5], vec![-2.0, 1.0], vec![0.5, 0.5]];
    let problem = problem(LossKind::Cosh, &a, &[5.0, 2.0, 7.0], 0.25);
    let origin = DVector::zeros(2);
    assert_eq!(problem.gradient(&origin).unwrap(), origin);
    let solution = solved(&problem, 0.0);
    assert!(solution.outcome.is_success(), "{solution:?}");
    assert!(solution.warnings[0].contains("started elsewhere"));
    assert!(solution.x.amax() > 0.1 && solution.start_gradient_norm > 0.0);
    assert!(solution.loss < problem.value(&origin).unwrap());
    // The mirror image is as good.
    assert_eq!(problem.value(&-&solution.x).unwrap(), solution.loss);
    let elsewhere = solved(&problem, 0.5);
    assert!(elsewhere.warnings.is_empty(), "{:?}", elsewhere.warnings);
    // The same bits again.
    assert_eq!(solution, solved(&problem, 0.0));
}

#[test]
fn a_cosh_problem_with_its_minimiser_at_the_origin_still_finds_it() {
    let problem = problem(LossKind::Cosh, &[vec![1.0], vec![2.0]], &[0.5, -1.0], 0.5);
    let solution = solved(&problem, 0.0);
    assert!(solution.outcome.is_success(), "{solution:?}");
    assert!(solution.x.amax() < 1e-9);
    assert!(solution.error_bound_basis.contains("only minimiser"));
}

#[test]
fn the_pole_of_the_residual_softmax_is_a_typed_error() {
    let rows = [vec![1.0], vec![1.0]];
    let two = problem(LossKind::ResidualSoftmax, &rows, &[0.5, 0.25], 0.0);
    // -W(1) to the nearest f64.
    let root = DVector::from_element(1, -0.567_143_290_409_783_8);
    for error in [
        two.value(&root).unwrap_err(),
        two.gradient(&root).unwrap_err(),
        two.hessian(&root).unwrap_err(),
    ] {
        assert!(matches!(error, EvaluationError::Pole { .. }), "{error}");
    }
    let off = DVector::from_element(1, -0.567_143_29);
    // Equal logits: f = 1/2.
    assert!((two.value(&off).unwrap() - 0.03125).abs() < 1e-7);
}

#[test]
fn the_pole_of_a_residual_softmax_of_one_logit_is_removed() {
    // f = u / u = 1: l = 0.5 (1 - b)^2, also where u = 0, and the ridge alone has derivatives.
    let one = problem(LossKind::ResidualSoftmax, &[vec![2.0]], &[0.5], 0.25);
    let root = DVector::from_element(1, -0.567_143_290_409_783_8 / 2.0);
    let z = one.logits(&root).unwrap()[0];
    assert_eq!(one.value(&root).unwrap(), 0.125 + 0.03125 * z * z);
    assert_eq!(one.gradient(&root).unwrap()[0], 0.125 * z);
    assert_eq!(one.hessian(&root).unwrap()[(0, 0)], 0.25);
    // From the far side of where the pole was: the minimiser is 0, and the only one.
    let solution = solved(&one, -3.0);
    assert_eq!(solution.outcome, Outcome::Converged);
    assert_eq!(solution.x[0], 0.0);
    assert!(solution.error_bound.is_some_and(|bound| bound < 1e-12));
    assert!(solution.error_bound_basis.contains("only minimiser"));
    // Without a ridge no x is better than another.
    let flat = problem(LossKind::ResidualSoftmax, &[vec![2.0]], &[0.5], 0.0);
    let solution = solved(&flat, -3.0);
    assert_eq!((solution.outcome, solution.x[0]), (Outcome::Singular, 0.0));
}

#[test]
fn the_solver_stays_on_its_side_of_the_pole() {
    let a = [vec![1.0, 0.25], vec![0.5, -1.0], vec![-0.25, 0.75]];
    let b = [0.75, 0.5, -0.25];
    let mut sides = [0, 0];
    for weight in [0.0625, 0.5, 2.0] {
        let problem = problem(LossKind::ResidualSoftmax, &a, &b, weight);
        let alpha = |x: &DVector<f64>| -> f64 {
            let z = problem.logits(x).unwrap();
            z.iter().map(|z| z.exp() + z).sum()
        };
        for start in [[0.5, 0.5], [-4.0, -1.5], [-8.0, -1.0], [2.0, -2.0]] {
            let start = DVector::from_column_slice(&start);
            let solution = solve(&problem, &start, &Settings::default()).unwrap();
            let (before, after) = (alpha(&start), alpha(&solution.x));
            assert!(before * after > 0.0, "{before} -> {after}");
            assert!(solution.loss <= problem.value(&start).unwrap());
            sides[usize::from(before > 0.0)] += 1;
        }
    }
    assert!(sides.iter().all(|count| *count > 0), "{sides:?}");
}

#[test]
fn a_segment_that_dips_through_the_pole_and_back_is_noticed() {
    // z = t (1, -1) + s: alpha = 2 e^s cosh t + 2 s, at s = -1: positive for large |t|, negative at t = 0.
    let loss = super::ResidualSoftmax::new(DVector::zeros(2));
    let at = |t: f64| DVector::from_column_slice(&[t - 1.0, -t - 1.0]);
    assert!(loss.has_pole_between(&at(-3.0), &at(3.0)));
    assert!(loss.has_pole_between(&at(0.0), &at(3.0)));
    assert!(!loss.has_pole_between(&at(2.0), &at(3.0)));
    assert!(!loss.has_pole_between(&at(-0.25), &at(0.25)));
}

#[test]
fn relu_takes_the_side_where_it_is_off_at_a_kink_and_remarks_on_it() {
    // y = p_1 - p_2 = tanh(x / 2) for logits (x, 0).
    let kind = LossKind::TwoLayer {
        second_layer: DMatrix::from_row_slice(1, 2, &[1.0, -1.0]),
        activation: Activation::Relu,
    };
    let problem = problem(kind, &[vec![1.0], vec![0.0]], &[-1.0], 0.5);
    let origin = DVector::zeros(1);
    assert_eq!(problem.value(&origin).unwrap(), 0.5);
    assert_eq!(problem.gradient(&origin).unwrap()[0], 0.0);
    assert_eq!(problem.hessian(&origin).unwrap()[(0, 0)], 0.25);
    assert!(problem.loss().remarks(&DVector::zeros(2))[0].contains("kink of relu"));
    assert!(
        problem
            .loss()
            .remarks(&DVector::from_column_slice(&[1.0, 0.0]))
            .is_empty()
    );
    // x = 0 is the minimiser, at the kink: b = -1 bends the loss upwards there.
    let solution = solved(&problem, 3.0);
    assert!(solution.x[0].abs() < 1e-6, "{solution:?}");
    assert!(solution.warnings.iter().any(|w| w.contains("kink of relu")));
}

#[test]
fn a_relu_that_bends_downwards_has_no_convexity_certificate_however_strong_the_weights() {
    let layer = DMatrix::from_row_slice(1, 2, &[1.0, -1.0]);
    let with =
        |b: f64| super::TwoLayer::new(layer.clone(), Activation::Relu, DVector::from_element(1, b));
    assert!(with(-0.5).curvature_floor().is_some());
    assert!(with(0.0).curvature_floor().is_some());
    assert_eq!(with(0.5).curvature_floor(), None);
    assert_eq!(with(0.5).hessian_lipschitz(), None);
}

#[test]
fn subsampling_works_for_every_loss_with_a_positive_diagonal() {
    for turn in 0..8 {
        let problem = random(turn, 3, 200, 3, 8.0);
        let settings = Settings {
            method: super::Method::Subsampled,
            epsilon: 0.5,
            ..Settings::default()
        };
        let start = DVector::from_element(3, 0.25);
        let solution = solve(&problem, &start, &settings).unwrap();
        assert!(solution.outcome.is_success(), "{turn}: {solution:?}");
    }
}

#[test]
fn an_unbounded_descent_is_not_called_converged() {
    // exp with b = -1 and no ridge: the loss falls for ever as z goes to minus infinity.
    let runaway = problem(LossKind::Exp, &[vec![1.0]], &[-1.0], 0.0);
    let solution = solved(&runaway, 0.0);
    assert!(!solution.outcome.is_success(), "{solution:?}");
    assert_ne!(solution.outcome, Outcome::NotConvex);
}

/// Entries of any bit pattern, so that NaN, infinities, subnormals and huge values all occur.
fn wild(bits: &[u64], index: usize) -> f64 {
    let word = bits.get(index % bits.len().max(1)).copied().unwrap_or(0);
    f64::from_bits(word.rotate_left((index / bits.len().max(1)) as u32))
}

quickcheck! {
    fn any_bits_give_a_typed_error_or_finite_numbers_for_every_loss(bits: Vec<u64>, shape: (u8, u8, u8), turn: u8) -> bool {
        let (n, d, m) = (usize::from(shape.0 % 5) + 1, usize::from(shape.1 % 4) + 1, usize::from(shape.2 % 3) + 1);
        let kind = match kind(usize::from(turn), n, 0) {
            LossKind::TwoLayer { activation, .. } => LossKind::TwoLayer {
                second_layer: DMatrix::from_fn(m, n, |k, i| wild(&bits, 7 * (k * n + i) + 3)),
                activation,
            },
            plain => plain,
        };
        let a = DMatrix::from_fn(n, d, |i, j| wild(&bits, i * d + j));
        let b = DVector::from_fn(kind.target_length(n), |i, _| wild(&bits, n * d + i));
        let w = DVector::from_fn(n, |i, _| wild(&bits, n * d + n + i));
        let x = DVector::from_fn(d, |j, _| wild(&bits, n * d + 2 * n + j));
        let Ok(matrix) = DesignMatrix::dense(a) else { return true };
        let Ok(instance) = Instance::new(kind, matrix, b, w) else { return true };
        let Ok(problem) = Problem::from_instance(&instance) else { return true };
        total(&problem, &[x, DVector::zeros(d)]);
        true
    }

    fn dyadic_instances_of_every_loss_end_in_an_outcome(seed: u64, shape: (u8, u8), turn: u8, scale: u8) -> bool {
        let (n, d) = (usize::from(shape.0 % 9) + 1, usize::from(shape.1 % 5) + 1);
        let mut rng = sample::stream(seed, "totality", 0);
        let size = 2f64.powi(i32::from(scale % 24) - 12);
        let kind = kind(usize::from(turn), n, seed);
        let a = DMatrix::from_fn(n, d, |_, _| sample::dyadic(&mut rng, 2) * size);
        let b = sample::dyadic_vector(&mut rng, kind.target_length(n), 8);
        let w = sample::dyadic_vector(&mut rng, n, 1) * 0.125;
        let matrix = DesignMatrix::dense(a).unwrap();
        let problem = Problem::from_instance(&Instance::new(kind, matrix, b, w).unwrap()).unwrap();
        let start = sample::dyadic_vector(&mut rng, d, 2);
        total(&problem, &[start, DVector::zeros(d)]);
        true
    }
}

/// Whatever the problem, every answer is a typed error or finite.
fn total(problem: &Problem, points: &[DVector<f64>]) {
    let settings = Settings {
        max_iterations: 20,
        ..Settings::default()
    };
    for x in points {
        if let Ok(value) = problem.value(x) {
            assert!(value.is_finite());
        }
        if let Ok(gradient) = problem.gradient(x) {
            assert!(gradient.iter().all(|g| g.is_finite()));
        }
        if let Ok(hessian) = problem.hessian(x) {
            assert!(hessian.iter().all(|h| h.is_finite()));
        }
        if let Ok(solution) = solve(problem, x, &settings) {
            assert!(solution.x.iter().all(|x| x.is_finite()));
            assert!(solution.loss.is_finite() && solution.gradient_norm.is_finite());
            assert!(solution.error_bound.is_none_or(|bound| bound.is_finite()));
        }
    }
}
