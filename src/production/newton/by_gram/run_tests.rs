//! Whole runs on losses of which every step is known by hand.

use std::ops::ControlFlow;

use nalgebra::{DMatrix, DVector};

use crate::instance::{DesignMatrix, LossKind};
use crate::production::newton::by_gram::test_loss::ByRow;
use crate::production::newton::by_gram::{End, Orders, minimise};
use crate::production::{Method, Outcome, Problem, Settings};

fn settings() -> Settings {
    Settings::default()
}

fn end(problem: &Problem, start: &[f64], settings: &Settings, method: Method) -> End {
    let orders = Orders {
        settings,
        method,
        coarse: None,
        observer: &mut |_| ControlFlow::Continue(()),
    };
    minimise(problem, start.to_vec(), orders).unwrap()
}

fn exact(problem: &Problem, start: &[f64], settings: &Settings) -> End {
    end(problem, start, settings, Method::Exact)
}

/// One row, one column, no weight: L = f.
fn alone(loss: ByRow) -> Problem {
    loss.over(DMatrix::from_element(1, 1, 1.0), &[0.0])
}

fn square(z: f64, centre: f64) -> [f64; 3] {
    [0.5 * (z - centre) * (z - centre), z - centre, 1.0]
}

/// `(z^2 - 1)^2 / 4`: a maximum at 0, minima at 1 and -1.
fn well(z: f64) -> [f64; 3] {
    [
        0.25 * (z * z - 1.0).powi(2),
        z * z * z - z,
        3.0 * z * z - 1.0,
    ]
}

#[test]
fn a_quadratic_takes_one_full_step_and_the_trace_says_what_it_cost() {
    let centres = [1.0, 2.0, 3.0, 6.0];
    // A = 1: H = 4 (1 + w^2), g = -12 at the origin; L = 25 there.
    for (weight, x, loss) in [(0.0, 3.0, 7.0), (1.0, 1.5, 16.0)] {
        let problem = ByRow::new(4, move |i, z| square(z, centres[i]))
            .over(DMatrix::from_element(4, 1, 1.0), &[weight; 4]);
        for (method, name) in [
            (Method::Exact, "exact"),
            (Method::ReusedGram, "reused-gram"),
        ] {
            let end = end(&problem, &[0.0], &settings(), method);
            assert_eq!(end.outcome, Outcome::Converged);
            assert!((end.x[0] - x).abs() < 1e-15 && (end.loss - loss).abs() < 1e-14);
            assert!(end.gradient_norm < 1e-14);
            assert_eq!(end.start_gradient_norm, 12.0);
            assert!(end.warnings.is_empty());
            let [entry] = &end.trace[..] else {
                panic!("{} steps", end.trace.len());
            };
            assert_eq!(
                (entry.iteration, entry.loss, entry.gradient_norm),
                (0, 25.0, 12.0)
            );
            // || A s || = sqrt(4) x.
            assert!((entry.step_norm - 2.0 * x).abs() < 1e-14 && entry.step_length == 1.0);
            assert_eq!(
                (entry.method, entry.distinct_rows, entry.shift),
                (name, 4, 0.0)
            );
            // Two products for each of two points, a Gram matrix, and another one to be reused.
            let passes = if method == Method::Exact { 5.0 } else { 6.0 };
            assert_eq!(entry.passes, passes);
        }
    }
}

#[test]
fn softmax_reads_the_matrix_once_for_a_point_and_once_for_a_hessian() {
    let matrix = DMatrix::from_fn(13, 2, |i, j| ((3 * i + 5 * j) % 7) as f64 - 3.0);
    let target = DVector::from_fn(13, |i, _| (1 + i % 3) as f64 / 26.0);
    let matrix = DesignMatrix::dense(matrix).unwrap();
    let weights = DVector::repeat(13, 1.0);
    let problem = Problem::new(LossKind::Softmax, matrix, target, weights).unwrap();
    let end = exact(&problem, &[0.0, 0.0], &settings());
    assert_eq!(end.outcome, Outcome::Converged);
    // The Gram matrix of the ridge, the start, a Hessian, the next point.
    assert_eq!(end.trace[0].passes, 4.0);
    assert_eq!(end.trace[1].passes, 6.0);
    let x = DVector::from_vec(end.x);
    assert!((problem.value(&x).unwrap() - end.loss).abs() <= 1e-14 * end.loss);
    assert!(problem.gradient(&x).unwrap().norm() <= 1e-10 * end.start_gradient_norm);
}

#[test]
fn the_observer_the_limits_and_a_coarse_order_end_a_run() {
    let tail = || alone(ByRow::new(1, |_, z| [(-z).exp(), -(-z).exp(), (-z).exp()]));
    // Each Newton step is 1 long; the tolerance is never reached.
    let endless = |limit| Settings {
        tolerance: 1e-300,
        max_iterations: limit,
        ..settings()
    };
    for limit in [1, 2, 7] {
        let end = exact(&tail(), &[0.0], &endless(limit));
        assert_eq!(
            (end.outcome, end.trace.len()),
            (Outcome::IterationLimit, limit)
        );
        assert!((end.x[0] - limit as f64).abs() < 1e-14);
    }
    let mut seen = 0;
    let orders = Orders {
        settings: &endless(9),
        method: Method::Exact,
        coarse: None,
        observer: &mut |entry| {
            assert_eq!(entry.iteration, seen);
            seen += 1;
            if seen == 3 {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        },
    };
    let stopped = minimise(&tail(), vec![0.0], orders).unwrap();
    assert_eq!(
        (stopped.outcome, stopped.trace.len()),
        (Outcome::Interrupted, 3)
    );
    // The step from 0 to 6 promises 36; the loss is 18 more than the constant.
    for (constant, outcome) in [(60.0, Outcome::Interrupted), (50.0, Outcome::Converged)] {
        let problem = alone(ByRow::new(1, |_, z| square(z, 6.0)).plus(constant));
        let orders = Orders {
            settings: &settings(),
            method: Method::Exact,
            coarse: Some(0.5),
            observer: &mut |_| ControlFlow::Continue(()),
        };
        let end = minimise(&problem, vec![0.0], orders).unwrap();
        assert_eq!((end.outcome, end.trace.len()), (outcome, 1));
    }
}

/// Slope -1 and curvature 1, so a Newton step of 1, but the loss is 10 everywhere. The gradient of the start is below twice itself.
#[test]
fn a_long_newton_step_that_lowers_nothing_ends_a_run_whose_gradient_is_small() {
    let loose = Settings {
        tolerance: 2.0,
        ..settings()
    };
    let end = exact(
        &alone(ByRow::new(1, |_, _| [10.0, -1.0, 1.0])),
        &[0.0],
        &loose,
    );
    assert_eq!(end.outcome, Outcome::Diverged);
    assert_eq!(
        end.warnings,
        [
            "the gradient is below the tolerance, but the Newton step is long and nothing along it lowers the loss: the minimiser probably lies at infinity"
        ]
    );
}

#[test]
fn logits_beyond_the_limit_end_the_run() {
    let problem = alone(ByRow::new(1, |_, z| square(z, -6.0)));
    for (logit_limit, outcome) in [(6.0, Outcome::Converged), (5.9, Outcome::Diverged)] {
        let end = exact(
            &problem,
            &[0.0],
            &Settings {
                logit_limit,
                ..settings()
            },
        );
        assert_eq!(end.outcome, outcome);
        let warned = outcome == Outcome::Diverged;
        let expected = ["logits have grown to 6e0 without a stationary point"];
        assert_eq!(end.warnings, expected[..usize::from(warned)]);
    }
}

/// A small gradient is believed only where the Newton step is short: not on a tail, and 0.1 is the limit.
#[test]
fn a_small_gradient_with_a_long_newton_step_is_no_answer() {
    let tail = alone(ByRow::new(1, |_, z| [(-z).exp(), -(-z).exp(), (-z).exp()]));
    let loose = Settings {
        tolerance: 0.5,
        max_iterations: 5,
        ..settings()
    };
    let end = exact(&tail, &[0.0], &loose);
    assert_eq!((end.outcome, end.trace.len()), (Outcome::IterationLimit, 5));
    let bowl = alone(ByRow::new(1, |_, z| square(z, 0.0)));
    let at_once = Settings {
        tolerance: 1.0,
        ..settings()
    };
    for (start, steps) in [(0.1, 0), (-0.1, 0), (0.11, 1)] {
        let end = exact(&bowl, &[start], &at_once);
        assert_eq!(
            (end.outcome, end.trace.len()),
            (Outcome::Converged, steps),
            "{start}"
        );
    }
}

/// `f(0) = 100`, `f'(0) = -6`, `f''(0) = 1`: the Newton step leads to 6, where the loss has any value and slope that is wanted;
/// elsewhere it is a parabola with its minimum at 3.
fn judged(value: f64, slope: f64) -> ByRow {
    ByRow::new(1, move |_, z| {
        if z == 0.0 {
            [100.0, -6.0, 1.0]
        } else if (z - 6.0).abs() < 1e-9 {
            [value, slope, 1.0]
        } else {
            [80.0 + (z - 3.0).powi(2), 2.0 * (z - 3.0), 2.0]
        }
    })
}

/// Armijo asks for 100 - 0.25 * 36 = 91, and the slope must fall from 6 to 3. A refused step costs a sweep that is thrown away.
#[test]
fn a_full_step_must_lower_the_loss_and_the_slope_and_cross_no_pole() {
    let once = Settings {
        sufficient_decrease: 0.25,
        max_iterations: 1,
        ..settings()
    };
    for (loss, accepted) in [
        (judged(91.0, 3.0), true),
        (judged(91.0, -3.0), true),
        (judged(91.1, 3.0), false),
        (judged(91.0, 3.1), false),
        (judged(91.0, 0.0).with_pole(4.0), false),
        (judged(91.0, 0.0).with_pole(7.0), true),
    ] {
        let end = exact(&alone(loss), &[0.0], &once);
        let entry = &end.trace[0];
        assert_eq!(entry.step_length == 1.0, accepted, "{entry:?}");
        // Two products at the start, a Gram matrix, two for the trial; one more for the gradient at another point.
        assert_eq!(entry.passes, if accepted { 5.0 } else { 6.0 });
        assert!((entry.step_norm - 6.0 * entry.step_length).abs() < 1e-12);
        assert!((end.x[0] - 6.0 * entry.step_length).abs() < 1e-12);
    }
}

/// Two rows with weight 1 whose curvature is claimed to be -1/2 instead of 1: the step is four times too long, and the cubic
/// through both ends of a line that is a parabola finds the minimum, ridge included.
#[test]
fn a_step_of_the_wrong_length_is_searched_along_its_line() {
    let problem = ByRow::new(2, |i, z| {
        let [value, slope, _] = square(z, [3.0, 9.0][i]);
        [value, slope, -0.5]
    })
    .over(DMatrix::from_element(2, 1, 1.0), &[1.0, 1.0]);
    let end = exact(
        &problem,
        &[1.0],
        &Settings {
            max_iterations: 1,
            ..settings()
        },
    );
    // L = ((x - 3)^2 + (x - 9)^2 + 2 x^2) / 2: minimum 3, L(1) = 35, L(3) = 27.
    let entry = &end.trace[0];
    assert_eq!(entry.loss, 35.0);
    assert!((entry.step_length - 0.25).abs() < 1e-12, "{entry:?}");
    assert!((end.x[0] - 3.0).abs() < 1e-12 && (end.loss - 27.0).abs() < 1e-12);
}

/// The search's logits `z + t A s` end near 1e-16 with a rounding of some 1e-17, which a curvature of 1e17 makes a gradient of order
/// 0.1, where that at the start is 3e15. What is reported belongs to `A x`, and so does what is called converged.
#[test]
fn the_gradient_at_the_end_is_that_of_the_point_and_not_of_the_line_that_led_there() {
    // A curvature four times too large: the full step is a quarter of the way, and the search goes on to its end.
    let loss = ByRow::new(1, |_, z| {
        let [value, slope, curvature] = square(z, 1e-16).map(|part| 1e17 * part);
        [value, slope, 4.0 * curvature]
    });
    let problem = loss.over(DMatrix::from_element(1, 1, 0.1), &[0.0]);
    for (max_iterations, tolerance, outcome) in [
        (1, 1e-300, Outcome::IterationLimit),
        (9, 1e-10, Outcome::Converged),
        (99, 1e-18, Outcome::Converged),
    ] {
        let limited = Settings {
            max_iterations,
            tolerance,
            ..settings()
        };
        let end = exact(&problem, &[3.0], &limited);
        assert_eq!(
            (end.outcome, end.trace[0].step_length > 2.0),
            (outcome, true)
        );
        let x = DVector::from_vec(end.x);
        let by_definition = problem.gradient(&x).unwrap().norm();
        assert!(
            (end.gradient_norm / by_definition - 1.0).abs() < 1e-12,
            "{}",
            end.gradient_norm
        );
        assert!(
            outcome != Outcome::Converged || by_definition <= tolerance * end.start_gradient_norm
        );
        assert!((end.loss / problem.value(&x).unwrap() - 1.0).abs() < 1e-12);
    }
}

/// The loss rises by 500 in 1e12, as rounding may: what judges the step is the promised 36 against the resolution.
#[test]
fn below_the_resolution_of_the_loss_the_gradient_alone_judges_a_step() {
    let rising = || {
        alone(ByRow::new(1, |_, z| [if z == 0.0 { 0.0 } else { 500.0 }, z - 6.0, 1.0]).plus(1e12))
    };
    for (loss_resolution, outcome, steps) in [
        (1e-10, Outcome::Converged, 1),
        (1e-11, Outcome::LineSearchStalled, 0),
    ] {
        let end = exact(
            &rising(),
            &[0.0],
            &Settings {
                loss_resolution,
                ..settings()
            },
        );
        assert_eq!((end.outcome, end.trace.len()), (outcome, steps));
    }
    // The gradient must get smaller: from -6 to 6 or to overflow is no progress, to 5 is.
    for (there, outcome, steps) in [
        (6.0, Outcome::LineSearchStalled, 0),
        (f64::INFINITY, Outcome::LineSearchStalled, 0),
        (5.0, Outcome::IterationLimit, 1),
    ] {
        let loss = ByRow::new(1, move |_, z| {
            [0.0, if z == 0.0 { -6.0 } else { there }, 1.0]
        });
        let once = Settings {
            max_iterations: 1,
            ..settings()
        };
        let end = exact(&alone(loss.plus(1e12)), &[0.0], &once);
        assert_eq!((end.outcome, end.trace.len()), (outcome, steps), "{there}");
    }
}

#[test]
fn a_saddle_is_left_along_its_negative_curvature() {
    let identity = DMatrix::identity(2, 2);
    for weight in [0.0, 0.5] {
        let problem = ByRow::new(2, |i, z| if i == 0 { square(z, 1.0) } else { well(z) })
            .over(identity.clone(), &[weight, weight]);
        // The gradient is 0 along the second axis: the stand-in leads to the saddle.
        let limited = |max_iterations| Settings {
            max_iterations,
            ..settings()
        };
        let end = exact(&problem, &[0.0, 0.0], &limited(1));
        assert_eq!((end.outcome, end.trace.len()), (Outcome::IterationLimit, 1));
        let stiffness = 1.0 + weight * weight;
        assert!((end.x[0] - 1.0 / stiffness).abs() < 1e-15 && end.x[1] == 0.0);
        let end = exact(&problem, &[0.0, 0.0], &settings());
        assert_eq!(end.outcome, Outcome::Converged);
        let escape = &end.trace[1];
        // The lowest eigenvalue is w^2 - 1, and of all lengths that are tried 1 has the least loss.
        assert!((escape.shift - (1.0 - weight * weight)).abs() < 1e-14);
        assert_eq!((escape.step_length, escape.step_norm), (1.0, 1.0));
        assert_eq!((escape.method, escape.distinct_rows), ("exact", 2));
        // x^3 = (1 - w^2) x.
        let expected = (1.0 - weight * weight).sqrt();
        assert!((end.x[1].abs() - expected).abs() < 1e-9);
        assert!((end.loss - problem.value(&DVector::from_vec(end.x)).unwrap()).abs() < 1e-14);
    }
}

/// What is negative beyond rounding is a saddle, the rest is flat: the limit is `8 d eps` times the largest curvature, here
/// 3.6e-9.
#[test]
fn a_flat_direction_is_told_from_a_saddle() {
    let at = |depth: f64, constant: f64| {
        let loss = ByRow::new(2, move |i, z| {
            if i == 0 {
                square(z, 0.0).map(|part| 1e6 * part)
            } else {
                well(z).map(|part| depth * part)
            }
        });
        let problem = loss
            .plus(constant)
            .over(DMatrix::identity(2, 2), &[0.0, 0.0]);
        exact(&problem, &[0.0, 0.0], &settings())
    };
    let left = at(1e-8, 0.0);
    assert_eq!((left.outcome, left.trace.len()), (Outcome::Converged, 1));
    assert_eq!(left.trace[0].step_norm, 1.0);
    let flat = at(1e-9, 0.0);
    assert_eq!((flat.outcome, flat.trace.len()), (Outcome::Singular, 0));
    assert_eq!(
        flat.warnings,
        [
            "the Hessian is singular to rounding here: the minimiser may lie at infinity or not be unique"
        ]
    );
    // A maximum that the loss cannot show: the well is 1/4 or 2.5e-9 deep, and the loss resolves 1.8e5 or 1.8e-5.
    for hidden in [at(1.0, 1e20), at(1e-8, 1e10)] {
        assert_eq!(
            (hidden.outcome, hidden.trace.len()),
            (Outcome::NotConvex, 0)
        );
        assert_eq!(
            hidden.warnings,
            [
                "a direction of negative curvature is left that does not lower the loss beyond rounding"
            ]
        );
    }
}

/// Rows (1, 1) of curvature -3e12 and (1, -1) of curvature 0: the stand-in is 3e12 (1, 1)'(1, 1), and what is added along
/// (1, -1), 4 times the shift, must exceed 8 d eps 3e12 = 1.07e-2: 4e-3 does not, 4e-2 does.
#[test]
fn a_singular_stand_in_gets_as_much_of_the_metric_as_it_needs() {
    let problem = ByRow::new(2, |i, z| {
        if i == 0 {
            [0.0, 0.0, -3e12]
        } else {
            [0.5 * (z - 1.0).powi(2), z - 1.0, 0.0]
        }
    })
    .over(
        DMatrix::from_row_slice(2, 2, &[1.0, 1.0, 1.0, -1.0]),
        &[0.0, 0.0],
    );
    let once = Settings {
        max_iterations: 1,
        ..settings()
    };
    let end = exact(&problem, &[0.0, 0.0], &once);
    let entry = &end.trace[0];
    assert!((entry.shift - 1e-2).abs() < 1e-15, "{entry:?}");
    assert_eq!(entry.distinct_rows, 2);
    assert!(end.loss < 0.4);
    // Equal columns: no multiple makes it definite.
    let problem =
        ByRow::new(3, |_, z| square(z, 1.0)).over(DMatrix::from_element(3, 2, 1.0), &[1.0; 3]);
    let end = exact(&problem, &[0.0, 0.0], &settings());
    assert_eq!((end.outcome, end.trace.len()), (Outcome::Singular, 0));
}

/// The first step of softmax: the secant model's direction and the best of seven lengths along it, both by the definition.
#[test]
fn a_flat_start_of_softmax_goes_along_the_secant_model() {
    let (n, d) = (12, 2);
    // Row 4 holds most of the target and stands apart: the Hessian is indefinite where p is even.
    let matrix = DMatrix::from_fn(n, d, |i, j| {
        if i == 4 {
            [3.0, -2.5][j]
        } else {
            ((i * 5 + j * 3 + i * i) % 7) as f64 / 2.0 - 1.4
        }
    });
    let target = DVector::from_fn(n, |i, _| if i == 4 { 0.6 } else { 0.03 + 0.002 * i as f64 });
    let weight = 1e-3;
    let shared = DesignMatrix::dense(matrix.clone()).unwrap();
    let weights = DVector::repeat(n, weight);
    let problem = Problem::new(LossKind::Softmax, shared, target.clone(), weights).unwrap();
    let origin = DVector::zeros(d);
    assert!(
        problem
            .hessian(&origin)
            .unwrap()
            .symmetric_eigenvalues()
            .min()
            < 0.0
    );
    // At the origin p = 1/n and the gradient of the ridge is 0.
    let p = 1.0 / n as f64;
    let log_ratio = target.map(|b| (p / b).ln());
    let theta = target.zip_map(&log_ratio, |b, ratio| (p - b) / ratio);
    let centred = DMatrix::identity(n, n) - DMatrix::from_element(n, n, p);
    let images = DMatrix::from_diagonal(&theta) * centred * &matrix;
    let model = images.tr_mul(&images) + matrix.tr_mul(&matrix) * weight.powi(2);
    let right = images.tr_mul(&theta.component_mul(&log_ratio));
    let direction = -model.cholesky().unwrap().solve(&right);
    let lengths = [1.0, 0.7, 0.5, 0.35, 0.25, 0.15, 0.08];
    let losses = lengths.map(|t| problem.value(&(&direction * t)).unwrap());
    let best = DVector::from_row_slice(&losses).imin();
    let once = Settings {
        max_iterations: 1,
        ..settings()
    };
    for method in [Method::Exact, Method::ReusedGram] {
        let end = end(&problem, &[0.0; 2], &once, method);
        let entry = &end.trace[0];
        assert_eq!((entry.step_length, entry.shift), (lengths[best], 0.0));
        let error = DVector::from_column_slice(&end.x) - &direction * lengths[best];
        assert!(error.amax() < 1e-9 * direction.amax(), "{error}");
        assert!((end.loss - losses[best]).abs() < 1e-12);
        assert!((entry.step_norm - (&matrix * &direction).norm() * lengths[best]).abs() < 1e-8);
    }
    let end = end(&problem, &[0.0; 2], &settings(), Method::ReusedGram);
    assert_eq!(end.outcome, Outcome::Converged);
    let x = DVector::from_vec(end.x);
    assert!(problem.gradient(&x).unwrap().norm() <= 1e-9 * end.start_gradient_norm);
    assert!(problem.hessian(&x).unwrap().symmetric_eigenvalues().min() > 0.0);
}

#[test]
fn subsampling_refuses_what_it_cannot_draw_from_and_else_draws() {
    let column = DMatrix::from_column_slice(4, 1, &[1.0, 2.0, -1.0, 3.0]);
    let sampled =
        |problem: &Problem, settings: &Settings| end(problem, &[0.0], settings, Method::Subsampled);
    for (curvature, text) in [(-1.0, "-7.5e-1"), (-0.25, "0e0")] {
        let problem = ByRow::new(4, move |i, z| {
            [0.0, z - 1.0, if i == 2 { curvature } else { 1.0 }]
        })
        .over(column.clone(), &[0.5; 4]);
        let end = sampled(&problem, &settings());
        assert_eq!(
            (end.outcome, end.trace.len()),
            (Outcome::DiagonalNotPositive, 0)
        );
        assert_eq!(
            end.warnings,
            [format!(
                "subsampling needs a positive diagonal, but entry 2 of Hess l + w^2 is {text}: use another method or larger weights"
            )]
        );
    }
    // So small an epsilon takes every row as it is: Newton's step. H = 15 * 1.25, g = -5 * 3.75.
    let problem = ByRow::new(4, |_, z| square(z, 3.75)).over(column, &[0.5; 4]);
    let every = Settings {
        epsilon: 1e-300,
        ..settings()
    };
    let found = sampled(&problem, &every);
    assert_eq!(found.outcome, Outcome::Converged);
    assert_eq!((found.trace.len(), found.trace[0].distinct_rows), (1, 4));
    assert_eq!(found.trace[0].method, "subsampled");
    assert!((found.x[0] - 1.0).abs() < 1e-14);
    let equal =
        ByRow::new(4, |_, z| square(z, 1.0)).over(DMatrix::from_element(4, 2, 1.0), &[0.5; 4]);
    let refused = end(&equal, &[0.0; 2], &settings(), Method::Subsampled);
    assert_eq!(refused.outcome, Outcome::SamplingFailed);
    assert_eq!(refused.warnings.len(), 1);
    assert!(refused.warnings[0].starts_with("no sample could be drawn: matrix is 4 x 2 "));
}

/// 210,000 rows, of which the first are ten times as long and more curved than the others: with a tenth of them heavy the budget of
/// 3 in 100 rows leaves two thirds of these out.
const TALL: usize = 210_000;
const HEAVY: usize = TALL / 10;

fn tall(heavy: usize, curvature: f64, constant: f64) -> Problem {
    let heavy = move |i: usize| i < heavy;
    ByRow::new(TALL, move |i, z| {
        square(z, 1.0).map(|part| if heavy(i) { curvature * part } else { part })
    })
    .plus(constant)
    .over(
        DMatrix::from_fn(TALL, 1, |i, _| if heavy(i) { 1.0 } else { 0.1 }),
        &vec![1.0; TALL],
    )
}

/// By hand, in units of n: H = 0.1 * 12 + 0.009 * 2 = 1.218. With m heavy rows known, kappa is the mean curvature of the others:
/// m = 6300: 1.7216, model 2.7216 * 0.109 + 0.03 * 9.2784 = 0.575, and the step multiplies the gradient by 1 - 1.218 / 0.575 =
/// -1.118: refined. m = 12600: 1.4255, 0.8389, by -0.452: taken, but poor. Twice as many are enough for all: exact.
#[test]
fn a_cut_model_that_steps_badly_gets_more_rows() {
    let end = self::end(
        &tall(HEAVY, 11.0, 1e20),
        &[0.0],
        &settings(),
        Method::ReusedGram,
    );
    assert_eq!(end.outcome, Outcome::Converged);
    let rows: Vec<usize> = end.trace.iter().map(|entry| entry.distinct_rows).collect();
    assert_eq!(rows, [12_600, HEAVY]);
    let contraction = end.trace[1].gradient_norm / end.trace[0].gradient_norm;
    assert!((contraction - 0.452).abs() < 1e-3, "{contraction}");
}

/// `f' = z (1 + 1e-6 z)`: Newton's step from 1 ends near 1e-6, where another one by the same model, which is off by 2e-6, ends
/// near 2e-12.
#[test]
fn a_model_that_has_proven_itself_makes_the_last_step_too() {
    let nearly = |z: f64| {
        let slope = z * (1.0 + 1e-6 * z);
        [0.5 * z * z + 1e-6 * z * z * z / 3.0, slope, 1.0 + 2e-6 * z]
    };
    for (method, passes) in [(Method::Exact, 3.0), (Method::ReusedGram, 2.0)] {
        let problem = alone(ByRow::new(1, move |_, z| nearly(z)));
        let end = end(&problem, &[1.0], &settings(), method);
        assert_eq!((end.outcome, end.trace.len()), (Outcome::Converged, 2));
        assert!(end.gradient_norm <= 1e-10);
        // Two products for the point, and a Gram matrix only where the model is made anew.
        assert_eq!(end.trace[1].passes - end.trace[0].passes, passes);
    }
}

/// From 1 the step ends at 1e-6 with a gradient of 1e-6, but there the curvature is 1,000: the old model's step of -1e-6 would
/// make the gradient a thousand times larger. With a constant of 1e6 the loss cannot tell, and the gradient decides.
#[test]
fn a_model_that_fails_at_its_second_step_is_made_anew() {
    const CORNER: f64 = 1e-6;
    const PAST: f64 = 1e-12;
    let corner = |z: f64| {
        let past = z - CORNER;
        if past > 0.0 {
            // This curvature makes the step from 1 end beyond the corner, by far more than rounding: at the corner itself it would
            // decide which of the two curvatures the next model has.
            [0.5 * z * z, z, 1.0 / (1.0 - CORNER + PAST)]
        } else {
            let loss = 0.5 * CORNER * CORNER + CORNER * past + 500.0 * past * past;
            [loss, CORNER + 1e3 * past, 1e3]
        }
    };
    for constant in [0.0, 1e6] {
        let problem = alone(ByRow::new(1, move |_, z| corner(z)).plus(constant));
        let end = end(&problem, &[1.0], &settings(), Method::ReusedGram);
        assert_eq!(end.outcome, Outcome::Converged);
        assert!(
            (end.x[0] - (CORNER - 1e-9)).abs() <= 1.01e-13,
            "{:e}",
            end.x[0]
        );
        assert!(end.trace.len() <= 5, "{:?}", end.trace);
        // Never further from the minimiser than where the failing step began.
        assert!(
            end.trace[1..]
                .iter()
                .all(|step| step.gradient_norm <= 1.1e-6)
        );
    }
}

/// 10 of 200 rows hold all of the target and stand apart: at the origin the Hessian is -0.027 (by hand from `B` with p even).
#[test]
fn a_tall_softmax_problem_starts_from_a_sample_where_that_is_allowed() {
    let (n, held) = (200, 10);
    let matrix = DMatrix::from_fn(n, 1, |i, _| match i {
        _ if i < held => 3.0,
        _ if i % 2 == 1 => 1.0,
        _ => -1.0,
    });
    let target = DVector::from_fn(n, |i, _| if i < held { 0.1 } else { 0.0 });
    let matrix = DesignMatrix::dense(matrix).unwrap();
    let weights = DVector::repeat(n, 1e-3);
    let problem = Problem::new(LossKind::Softmax, matrix, target, weights).unwrap();
    assert!(problem.hessian(&DVector::zeros(1)).unwrap()[0] < -0.02);
    for (method, sampled_start, name) in [
        (Method::ReusedGram, true, "sampled-start"),
        (Method::Auto, true, "sampled-start"),
        (Method::ReusedGram, false, "reused-gram"),
        (Method::Auto, false, "auto"),
        (Method::Exact, true, "exact"),
    ] {
        let once = Settings {
            sampled_start: Some(sampled_start),
            max_iterations: 1,
            ..settings()
        };
        let end = end(&problem, &[0.0], &once, method);
        assert_eq!(end.trace[0].method, name);
        let sampled = name == "sampled-start";
        assert_eq!(end.trace[0].distinct_rows < n, sampled);
    }
}

/// f(0) = 100 with slope -6 and curvature 1: the full step to 6 is refused. A line search ends at `found`, where the slope is -1, the
/// full step of 1 is refused again and a tenth of it taken.
fn searched(value: f64, slope: f64, found: f64) -> ByRow {
    ByRow::new(1, move |_, z| {
        let near = |point: f64| (z - point).abs() < 1e-6;
        if z == 0.0 {
            [100.0, -6.0, 1.0]
        } else if near(6.0) {
            [value, slope, 1.0]
        } else if near(found) {
            [40.0, -1.0, 1.0]
        } else if near(found + 0.1) {
            [39.0, 0.0, 1.0]
        } else {
            [200.0, 0.0, 1.0]
        }
    })
}

/// After nine tenths of a Newton step the next one is tried as a whole at once, two products more; not after 5/8 of one, where the
/// logits along it are looked at first. Each iteration takes a Gram matrix, A times the direction and A' at the point reached.
#[test]
fn a_full_step_is_tried_at_once_only_after_a_step_of_about_full_length() {
    let twice = Settings {
        max_iterations: 2,
        ..settings()
    };
    // The cubic through (0, 100, -36) and (1, 50, 24) is least at 0.92, more than 9/10 of the way; the one through (1, 92.8, 21.6)
    // is the parabola 100 - 36 t + 28.8 t^2, least at 5/8.
    for (value, slope, length, passes) in [(50.0, 4.0, 0.9, 10.0), (92.8, 3.6, 0.625, 9.0)] {
        let end = exact(&alone(searched(value, slope, 6.0 * length)), &[0.0], &twice);
        let [first, second] = &end.trace[..] else {
            panic!("{} steps", end.trace.len());
        };
        assert!((first.step_length - length).abs() < 1e-9, "{first:?}");
        assert!((second.step_length - 0.1).abs() < 1e-9, "{second:?}");
        assert_eq!((first.passes, second.passes), (6.0, passes));
    }
}

/// Half as many heavy rows, 10,500: H = 0.05 * 12 + 0.0095 * 2 = 0.619, and with 6300 of them known kappa = 1.2062 and the model
/// 2.2062 * 0.0595 + 0.03 * 9.7938 = 0.4251. Full steps multiply the gradient by -0.456: good enough to be taken, and poor. The
/// second in a row gets more rows for the third, which is exact.
#[test]
fn two_poor_full_steps_in_a_row_get_a_cut_model_more_rows() {
    let heavy = HEAVY / 2;
    let end = self::end(
        &tall(heavy, 11.0, 0.0),
        &[0.0],
        &settings(),
        Method::ReusedGram,
    );
    assert_eq!(end.outcome, Outcome::Converged);
    let rows: Vec<usize> = end.trace.iter().map(|entry| entry.distinct_rows).collect();
    assert_eq!(rows[..3], [6_300, 6_300, heavy]);
    assert!(end.trace[..3].iter().all(|entry| entry.step_length == 1.0));
    for pair in end.trace[..3].windows(2) {
        let contraction = pair[1].gradient_norm / pair[0].gradient_norm;
        assert!((contraction - 0.456).abs() < 1e-3, "{contraction}");
    }
}

/// 15,000 heavy rows of curvature 4: H = (5 * 15 + 0.02 * 195) / 210 = 0.3757, and with 6300 of them known kappa = 1.1281 and the
/// model 0.2579: full steps multiply the gradient by -0.457. Twice as many rows, 12600, are not all of them yet. Where the loss shows
/// progress two such steps are allowed, where only the gradient does (next to a constant of 1e20) one.
#[test]
fn the_budget_of_heavy_rows_is_doubled_after_poor_full_steps() {
    for (constant, expected) in [
        (0.0, [6_300, 6_300, 12_600]),
        (1e20, [6_300, 12_600, 12_600]),
    ] {
        let problem = tall(15_000, 4.0, constant);
        let end = self::end(&problem, &[0.0], &settings(), Method::ReusedGram);
        assert_eq!(end.outcome, Outcome::Converged);
        let rows: Vec<usize> = end.trace.iter().map(|entry| entry.distinct_rows).collect();
        assert_eq!(rows[..3], expected);
    }
}

/// `z^4 / 4` in each row: a Newton step multiplies z by 2/3 and the gradient by 8/27, which is poor. The corrector's trial 1 leads from
/// 2/3 by -8/81 to 46/81, where the slope is still (23/27)^3 of what it was; the secant's next trial is 1 / (1 - (23/27)^3) = 2.6188. Worth
/// it only where a Gram matrix costs three passes or more: with 64 columns, not with 40. Exact Newton stays what it is.
#[test]
fn a_poor_step_by_an_expensive_model_is_corrected_by_the_same_model() {
    let trial = 1.0 / (1.0 - (23.0f64 / 27.0).powi(3));
    let corrected = 2.0 / 3.0 - trial * 8.0 / 81.0;
    for (d, method, x, more) in [
        (64, Method::ReusedGram, corrected, 2.0),
        (40, Method::ReusedGram, 2.0 / 3.0, 0.0),
        (64, Method::Exact, 2.0 / 3.0, 0.0),
    ] {
        let quartic = |z: f64| [0.25 * z.powi(4), z.powi(3), 3.0 * z * z];
        let identity = DMatrix::identity(d, d);
        let problem = ByRow::new(d, move |_, z| quartic(z)).over(identity, &vec![0.0; d]);
        let once = Settings {
            max_iterations: 1,
            ..settings()
        };
        let mut seen = Vec::new();
        let orders = Orders {
            settings: &once,
            method,
            coarse: None,
            observer: &mut |entry| {
                seen.push(entry.clone());
                ControlFlow::Continue(())
            },
        };
        let end = minimise(&problem, vec![1.0; d], orders).unwrap();
        assert_eq!((end.outcome, end.trace.len()), (Outcome::IterationLimit, 1));
        assert!(
            end.x.iter().all(|entry| (entry - x).abs() < 1e-14),
            "{d}: {}",
            end.x[0]
        );
        // Both steps go the same way.
        let entry = &end.trace[0];
        let way = (d as f64).sqrt() * (1.0 - x);
        assert!((entry.step_norm - way).abs() < 1e-12, "{entry:?}");
        assert_eq!((entry.step_length, entry.loss), (1.0, 0.25 * d as f64));
        // Two products at the start, a Gram matrix, two at the trial; one along the line of the corrector and one at its end.
        let ridge = f64::from(method == Method::ReusedGram);
        assert_eq!(entry.passes, 5.0 + ridge + more);
        assert_eq!(seen, end.trace);
    }
}

/// Wells of different depth, all at their maximum: each is left by itself, the deepest first, and the step of length 1 ends in the
/// minimum of its well.
#[test]
fn twenty_saddles_are_left_and_not_one_more() {
    for (wells, outcome) in [(20, Outcome::Converged), (21, Outcome::NotConvex)] {
        let loss = ByRow::new(wells, |i, z| well(z).map(|part| (i + 1) as f64 * part));
        let problem = loss.over(DMatrix::identity(wells, wells), &vec![0.0; wells]);
        let end = exact(&problem, &vec![0.0; wells], &settings());
        assert_eq!(end.outcome, outcome);
        assert_eq!(end.trace.len(), 20);
        for (entry, depth) in end.trace.iter().zip((1..=wells).rev()) {
            assert!((entry.shift - depth as f64).abs() < 1e-13, "{entry:?}");
        }
    }
}

/// A saddle with a well of `(z^2 - 1)^2 / 4 + tilt z^3` for z = 4 x: of the lengths that are tried, in the largest
/// logit, 1 is the best, towards the deeper side.
#[test]
fn a_saddle_is_left_to_the_deeper_side_by_a_length_in_the_logits() {
    for tilt in [0.1, -0.1] {
        let problem = ByRow::new(2, move |i, z| {
            if i == 0 {
                return square(z, 1.0);
            }
            let [value, slope, curvature] = well(z);
            [
                value + tilt * z.powi(3),
                slope + 3.0 * tilt * z * z,
                curvature + 6.0 * tilt * z,
            ]
        })
        .over(
            DMatrix::from_row_slice(2, 2, &[1.0, 0.0, 0.0, 4.0]),
            &[0.0, 0.0],
        );
        // As few iterations as there are: none is spent on a saddle that is not left.
        let few = Settings {
            max_iterations: 8,
            ..settings()
        };
        let end = exact(&problem, &[0.0, 0.0], &few);
        assert_eq!(end.outcome, Outcome::Converged);
        // The stand-in leads to the saddle at (1, 0).
        let escape = &end.trace[1];
        assert!((escape.shift - 16.0).abs() < 1e-12, "{escape:?}");
        assert_eq!(escape.step_length.abs(), 1.0);
        assert!((escape.step_norm - 1.0).abs() < 1e-12, "{escape:?}");
        assert!(end.x[1] * tilt < 0.0);
    }
    // The well that the loss cannot show is given up at once, whatever number of iterations is left.
    let hidden = ByRow::new(1, |_, z| well(z)).plus(1e20);
    let few = Settings {
        max_iterations: 5,
        ..settings()
    };
    let end = exact(&alone(hidden), &[0.0], &few);
    assert_eq!((end.outcome, end.trace.len()), (Outcome::NotConvex, 0));
}

/// Two rows with curvatures 1 and -3: H = -2, the stand-in |1| + |-3| = 4. The first step, 4 / 4, leads to 1, where the slope is 2:
/// the stand-in's next step is 2 / 4, that of |H| is 2 / 2. The latter is taken after a step that won less than a tenth of the loss.
#[test]
fn a_stand_in_that_gets_nowhere_gives_way_to_the_size_of_the_hessian() {
    let twice = Settings {
        max_iterations: 2,
        ..settings()
    };
    for (loss, x) in [(99.0, 2.0), (90.1, 2.0), (90.0, 1.5), (80.0, 1.5)] {
        let problem = ByRow::new(2, move |i, z| {
            let near = |point: f64| (z - point).abs() < 1e-6;
            match i {
                1 => [0.0, 0.0, -3.0],
                _ if near(0.0) => [100.0, -4.0, 1.0],
                _ if near(1.0) => [loss, -2.0, 1.0],
                _ if near(x) => [loss - 1.0, 0.0, 1.0],
                _ => [200.0, 0.0, 1.0],
            }
        })
        .over(DMatrix::from_element(2, 1, 1.0), &[0.0, 0.0]);
        let end = exact(&problem, &[0.0], &twice);
        let lengths: Vec<f64> = end.trace.iter().map(|entry| entry.step_length).collect();
        assert_eq!(lengths, [1.0, 1.0], "{loss}");
        assert!((end.x[0] - x).abs() < 1e-9, "{loss}: {}", end.x[0]);
    }
}

/// On a parabola each sample multiplies the gradient by its own 1 - H / H~, below a third.
#[test]
fn every_iteration_draws_its_own_sample() {
    let n = 4_000;
    let matrix = DMatrix::from_fn(n, 1, |i, _| 1.0 + (i % 7) as f64);
    let problem = ByRow::new(n, |_, z| square(z, 1.0)).over(matrix, &vec![0.5; n]);
    let end = end(&problem, &[0.0], &settings(), Method::Subsampled);
    assert_eq!(end.outcome, Outcome::Converged);
    assert!(end.trace.len() > 3 && end.trace[0].distinct_rows < n / 2);
    let contraction = |k: usize| end.trace[k + 1].gradient_norm / end.trace[k].gradient_norm;
    assert!((contraction(0) - contraction(1)).abs() > 1e-6 * contraction(0));
}

/// A curvature of 1e-200 and a minimum at 1e180: the step there is 1e180 long, its square is beyond f64.
#[test]
fn the_length_of_a_step_does_not_overflow_before_the_step_does() {
    let (curvature, centre) = (1e-200, 1e180);
    let wide = move |z: f64| {
        let slope = curvature * (z - centre);
        [0.5 * slope * (z - centre), slope, curvature]
    };
    let problem = alone(ByRow::new(1, move |_, z| wide(z)));
    let far = Settings {
        logit_limit: 1e200,
        ..settings()
    };
    let end = exact(&problem, &[0.0], &far);
    let step_norm = end.trace[0].step_norm;
    assert!((step_norm / centre - 1.0).abs() < 1e-14, "{step_norm:e}");
}

/// The first step ends where the slope is a quarter of what it was, the corrector next to 1e-9: its logits are `z + A d` and not `A x`.
#[test]
fn the_gradient_after_a_corrector_is_that_of_the_point() {
    let d = 64;
    let bent = |z: f64| {
        if z > 0.5 {
            [0.5, 0.8, 1.0]
        } else {
            square(z, 1e-9)
        }
    };
    let mut apart = 0;
    for start in [9.3, 9.5, 9.7, 10.0, 10.3, 10.5, 10.7] {
        let problem =
            ByRow::new(d, move |_, z| bent(z)).over(0.1 * DMatrix::identity(d, d), &vec![0.0; d]);
        let once = Settings {
            max_iterations: 1,
            tolerance: 1e-300,
            ..settings()
        };
        let end = end(&problem, &vec![start; d], &once, Method::ReusedGram);
        assert_eq!((end.outcome, end.trace.len()), (Outcome::IterationLimit, 1));
        assert!(
            end.x.iter().all(|x| (x - 1e-8).abs() < 1e-14),
            "{}",
            end.x[0]
        );
        let x = DVector::from_vec(end.x);
        let by_definition = problem.gradient(&x).unwrap().norm();
        assert_eq!(end.gradient_norm, by_definition, "{start}");
        apart += usize::from(by_definition > 0.0);
    }
    assert!(apart > 3, "{apart}");
}

/// The line search ends at 5.4 with a millionth of the slope, so that another step by this model would be the last. But what is known of
/// it is a step that had to be shortened: the model is made anew. In a full step of that gain it is kept.
#[test]
fn a_model_is_kept_after_a_full_step_only() {
    for (full, length, passes) in [(200.0, 0.9, 3.0), (40.0, 1.0, 2.0)] {
        let end_of_line = 6.0 * length;
        let loss = ByRow::new(1, move |_, z| {
            if z == 0.0 {
                [100.0, -6.0, 1.0]
            } else if (z - end_of_line).abs() < 5e-7 {
                [40.0, -1e-6, 1.0]
            } else if z > 5.9 && length < 1.0 {
                [50.0, 4.0, 1.0]
            } else {
                [40.0 - 5e-13, 1e-12, 1.0]
            }
        });
        let end = end(&alone(loss), &[0.0], &settings(), Method::ReusedGram);
        assert_eq!(end.outcome, Outcome::Converged, "{full}");
        let [first, second] = &end.trace[..] else {
            panic!("{} steps", end.trace.len());
        };
        assert!((first.step_length - length).abs() < 1e-9, "{first:?}");
        assert_eq!(second.passes - first.passes, passes, "{second:?}");
    }
}
