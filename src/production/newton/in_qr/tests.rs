//! Runs in orthonormal coordinates on losses of which every step is known by hand.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use nalgebra::{DMatrix, DVector};

use super::*;
use crate::instance::{DesignMatrix, LossKind};
use crate::production::exponential_slope::Rows;
use crate::production::newton::by_gram::test_loss::ByRow;
use crate::production::newton::in_qr::run::{Accepted, Model, SecondOrder, Slope};
use crate::production::solve;
use crate::production::step::Step;
use crate::production::test_support::Given;
use crate::production::{Method, Outcome, TraceEntry};

/// `exp(-z)` for one logit: each Newton step is 1 long, for ever.
fn tail(start: f64, settings: &Settings) -> Solution {
    let loss = ByRow::new(1, |_, z| [(-z).exp(), -(-z).exp(), (-z).exp()]);
    let problem = loss.over(DMatrix::from_element(1, 1, 1.0), &[0.0]);
    solve(&problem, &DVector::from_element(1, start), settings).unwrap()
}

/// Beyond the limit, and a thousand times the logits of the start.
#[test]
fn logits_that_have_grown_a_thousandfold_beyond_the_limit_end_the_run() {
    let settings = Settings {
        tolerance: 1e-300,
        logit_limit: 3.5,
        max_iterations: 8,
        ..Settings::default()
    };
    let found = tail(0.0, &settings);
    assert_eq!((found.outcome, found.iterations), (Outcome::Diverged, 4));
    assert_eq!(found.warnings.len(), 1, "{:?}", found.warnings);
    assert!(found.warnings[0].starts_with("logits have grown to "));
    let far = tail(1.0, &settings);
    assert_eq!((far.outcome, far.iterations), (Outcome::IterationLimit, 8));
    let below = Settings {
        logit_limit: 8.5,
        ..settings
    };
    assert_eq!(tail(0.0, &below).outcome, Outcome::IterationLimit);
}

/// The 21st point with a small gradient, a long step and larger logits; while the logits shrink (from -9.5 to 0.5, ten steps)
/// none counts.
#[test]
fn steps_that_stay_long_while_the_logits_grow_are_a_minimiser_at_infinity() {
    let loose = Settings {
        tolerance: 0.5,
        max_iterations: 100,
        ..Settings::default()
    };
    for (start, iterations) in [(0.0, 21), (-9.75, 31)] {
        let found = tail(start, &loose);
        assert_eq!(
            (found.outcome, found.iterations),
            (Outcome::Diverged, iterations)
        );
        assert_eq!(
            found.warnings,
            [
                "the gradient is below the tolerance, but Newton steps do not get shorter: the minimiser probably lies at infinity"
            ]
        );
    }
}

/// `0.5 (e^z - b)^2` from z = 100: a chord leads to ln b, and the tolerance is relative to the gradient there.
#[test]
fn an_exponential_slope_is_descended_by_a_chord() {
    let matrix = DesignMatrix::dense(DMatrix::identity(2, 2)).unwrap();
    let target = DVector::from_column_slice(&[2.0, 3.0]);
    let problem = Problem::new(LossKind::Exp, matrix, target, DVector::zeros(2)).unwrap();
    let start = DVector::from_column_slice(&[100.0, 1.0]);
    let found = solve(&problem, &start, &Settings::default()).unwrap();
    assert!(found.outcome.is_success(), "{}", found.outcome);
    assert_eq!(found.trace[0].method, "chord");
    assert_eq!(found.trace[0].step_length, 1.0);
    assert!((found.x[0] - 2f64.ln()).abs() < 1e-9 && (found.x[1] - 3f64.ln()).abs() < 1e-9);
    assert!(found.warnings[0].starts_with(
        "the start lies far up an exponential slope, with a largest logit of 1.0e2: the tolerance is relative to the gradient of iteration 1, "
    ));
    // Subsampling was asked for, and is refused or seen.
    let sampled = Settings {
        method: Method::Subsampled,
        max_iterations: 3,
        ..Settings::default()
    };
    let found = solve(&problem, &start, &sampled).unwrap();
    assert!(found.trace.iter().all(|entry| entry.method == "subsampled"));
}

/// 50 rows of score 1/50. The first sample has half of delta: c = ln(2 / 0.25) / (1.9 ln 1.9 - 0.9) = 6.5, so that a row is kept
/// with probability 0.13 at a constant of 1, and always at 8.
#[test]
fn the_constant_of_a_sample_multiplies_the_probabilities_of_its_rows() {
    let problem = ByRow::new(50, |_, z| [0.5 * (z - 1.0).powi(2), z - 1.0, 1.0])
        .over(DMatrix::from_element(50, 1, 1.0), &[0.0; 50]);
    let rows = |sampling_constant: f64| {
        let settings = Settings {
            method: Method::Subsampled,
            epsilon: 0.9,
            delta: 0.5,
            sampling_constant,
            ..Settings::default()
        };
        let found = solve(&problem, &DVector::zeros(1), &settings).unwrap();
        assert!(found.outcome.is_success());
        found.trace[0].distinct_rows
    };
    // Outside 1 to 16 of 50 with probability 1e-3 over seeds; this is one seed.
    assert!((1..=16).contains(&rows(1.0)), "{}", rows(1.0));
    assert_eq!(rows(8.0), 50);
}

/// A run on one logit with A = 1, and the sign of Q.
fn with_run<T>(
    loss: ByRow,
    start: f64,
    settings: &Settings,
    see: impl FnOnce(&mut Run<'_, '_>, f64) -> T,
) -> T {
    let problem = loss.over(DMatrix::from_element(1, 1, 1.0), &[0.0]);
    let Visible::All(coordinates) = visible(&problem).unwrap() else {
        panic!("a column of ones has full rank");
    };
    let start = Point::at(&problem, DVector::from_element(1, start)).unwrap();
    let mut observer = |_: &TraceEntry| ControlFlow::Continue(());
    let mut run = Run::new(&problem, &coordinates, settings, start, None, &mut observer);
    see(&mut run, coordinates.q[(0, 0)])
}

fn near(z: f64, point: f64) -> bool {
    (z - point).abs() < 1e-9
}

/// What a search has accepted: the point, the fraction of the step, its length in the logits and the shift.
fn told(accepted: Option<Accepted>) -> Option<[f64; 4]> {
    accepted.map(|found| {
        [
            found.point.x[0],
            found.step_length,
            found.step_norm,
            found.shift,
        ]
    })
}

fn close(found: Option<[f64; 4]>, expected: Option<[f64; 4]>) {
    let same = match (found, expected) {
        (Some(found), Some(expected)) => found
            .iter()
            .zip(expected)
            .all(|(found, expected)| (found - expected).abs() <= 1e-9 * expected.abs()),
        (found, expected) => found.is_none() && expected.is_none(),
    };
    assert!(same, "{found:?} instead of {expected:?}");
}

/// L = 10 with the slope 5 at z = 8; the values and slopes at 4, 6 and 7 are given, elsewhere L = 100.
fn steps_down(values: [f64; 3], slopes: [f64; 3]) -> ByRow {
    ByRow::new(1, move |_, z| {
        let place = [4.0, 6.0, 7.0].iter().position(|point| near(z, *point));
        match place {
            Some(place) => [values[place], slopes[place], 1.0],
            None if z == 8.0 => [10.0, 5.0, 1.0],
            None => [100.0, 5.0, 1.0],
        }
    })
}

/// From 8 by -4: the descent is 4 * 5 / 10 = 2 of the loss, and a quarter of it, times the length, is asked for: 5, 7.5 and 8.75
/// at 4, 6 and 7.
#[test]
fn a_step_down_a_slope_is_halved_until_the_loss_falls_enough_or_cannot_tell() {
    let shorten = |values: [f64; 3], loss_resolution: f64, max_halvings: usize| {
        let settings = Settings {
            sufficient_decrease: 0.25,
            loss_resolution,
            max_halvings,
            ..Settings::default()
        };
        with_run(steps_down(values, [5.0; 3]), 8.0, &settings, |run, sign| {
            let rows = Rows::at(run.problem, &run.point.z, &run.point.v)
                .unwrap()
                .unwrap();
            let chords = DVector::from_element(1, 1.0);
            let step = DVector::from_element(1, -4.0 * sign);
            told(run.shorten(&Slope { rows, chords }, &step))
        })
    };
    close(
        shorten([4.99, 0.0, 0.0], 1e-9, 9),
        Some([4.0, 1.0, 4.0, 0.0]),
    );
    close(
        shorten([5.01, 7.49, 0.0], 1e-9, 9),
        Some([6.0, 0.5, 2.0, 0.0]),
    );
    let quarter = Some([7.0, 0.25, 1.0, 0.0]);
    close(shorten([5.01, 7.51, 8.74], 1e-9, 9), quarter);
    close(shorten([5.01, 7.51, 8.74], 1e-9, 2), quarter);
    close(shorten([5.01, 7.51, 8.74], 1e-9, 1), None);
    close(shorten([5.01, 7.51, 8.76], 1e-9, 2), None);
    // A quarter of the step promises half of the loss.
    close(shorten([5.01, 7.51, 8.74], 0.49, 9), quarter);
    close(shorten([5.01, 7.51, 8.74], 0.5, 9), None);
}

/// The same step by its slope 20: 5, 7.5 and 8.75 are asked for, as long as 20 times the length is above the resolution of 10.
#[test]
fn a_line_search_halves_until_the_loss_falls_enough_or_else_the_gradient() {
    let search = |loss: ByRow, loss_resolution: f64, first: usize, last: usize| {
        let settings = Settings {
            sufficient_decrease: 0.25,
            loss_resolution,
            ..Settings::default()
        };
        with_run(loss, 8.0, &settings, |run, sign| {
            let step = Step {
                direction: DVector::from_element(1, -4.0 * sign),
                shift: 0.375,
                predicted_decrease: 1.0,
            };
            let gradient = run.logit_gradient(&run.point);
            told(run.line_search(&step, &gradient, first, last))
        })
    };
    let flat = [5.0; 3];
    let (whole, half, quarter) = (
        Some([4.0, 1.0, 4.0, 0.375]),
        Some([6.0, 0.5, 2.0, 0.375]),
        Some([7.0, 0.25, 1.0, 0.375]),
    );
    close(
        search(steps_down([4.99, 0.0, 0.0], flat), 1e-9, 0, 9),
        whole,
    );
    close(
        search(steps_down([4.99, 7.49, 0.0], flat), 1e-9, 1, 9),
        half,
    );
    close(
        search(steps_down([5.01, 7.49, 0.0], flat), 1e-9, 0, 9),
        half,
    );
    close(
        search(steps_down([5.01, 7.51, 8.74], flat), 1e-9, 0, 2),
        quarter,
    );
    close(
        search(steps_down([5.01, 7.51, 8.74], flat), 1e-9, 0, 1),
        None,
    );
    close(
        search(steps_down([5.01, 7.51, 8.76], flat), 1e-9, 0, 2),
        None,
    );
    // A pole on the way to 4.
    let pole = steps_down([0.0, 7.49, 0.0], flat).with_pole(5.0);
    close(search(pole, 1e-9, 0, 9), half);
    // Below the resolution (half of the step promises 10, a quarter 5) the gradient must get smaller; above it that is no use.
    let falling = [4.9; 3];
    let high = [5.01, 7.51, 8.76];
    close(search(steps_down(high, falling), 0.99, 0, 2), quarter);
    close(search(steps_down(high, falling), 1.01, 0, 2), half);
    close(search(steps_down(high, falling), 0.5, 0, 2), quarter);
    close(search(steps_down(high, falling), 0.49, 0, 2), None);
    close(search(steps_down(high, flat), 0.99, 0, 2), None);
}

/// Without curvature the cubic step with weight m has the length `(2 g / m)^0.5` and promises two thirds of g times that.
fn cubic(loss: ByRow, weight: f64, first: f64) -> (Option<[f64; 4]>, f64) {
    with_run(loss, 0.0, &Settings::default(), |run, _| {
        (run.cubic_weight, run.cubic_start) = (weight, first);
        let gradient = run.logit_gradient(&run.point);
        let found = run.cubic_search(&DMatrix::zeros(1, 1), &gradient);
        (told(found), run.cubic_weight)
    })
}

/// g = 1, weight 1: length root 2, promised 0.943, of which a tenth must be seen; weight 4: half of both.
#[test]
fn a_cubic_step_that_keeps_too_little_of_its_promise_is_tried_with_four_times_the_weight() {
    let at = |first: f64, second: f64| {
        ByRow::new(1, move |_, z| {
            let fall = if near(z, 2f64.sqrt()) {
                first
            } else if near(z, 0.5f64.sqrt()) {
                second
            } else {
                0.0
            };
            [10.0 - fall, -1.0, 0.0]
        })
    };
    let (long, short) = (2f64.sqrt(), 0.5f64.sqrt());
    // The shift is m / 2 times the length; a good step divides the weight by 4.
    let (found, weight) = cubic(at(0.095, 0.0), 1.0, 1.0);
    close(found, Some([long, 1.0, long, 0.5 * long]));
    assert_eq!(weight, 0.25);
    let (found, weight) = cubic(at(0.0935, 0.048), 1.0, 1.0);
    close(found, Some([short, 1.0, short, 2.0 * short]));
    assert_eq!(weight, 1.0);
    // Nothing falls: back to the first weight.
    let (found, weight) = cubic(at(0.0, 0.0), 1.0, 8.0);
    close(found, None);
    assert_eq!(weight, 8.0);
    // Not below 1e-24 of the first weight: 2^-78 = 3.3e-24 would be.
    let linear = ByRow::new(1, |_, z| [10.0 - z, -1.0, 0.0]);
    let (found, weight) = cubic(linear, 2f64.powi(-76), 8.0);
    assert!((found.unwrap()[0] / 2f64.powf(38.5) - 1.0).abs() < 1e-9);
    assert_eq!(weight, 8e-24);
}

/// `2^20 - 2^-20 z`: the loss resolves 2^-29, and the lengths 2^-9.5, 2^-8.5 and 2^-7.5 (weights 1, 1/4, 1/16) promise
/// 2^-30.1, 2^-29.1 and 2^-28.1.
#[test]
fn on_a_plateau_a_cubic_step_is_lengthened_until_the_loss_can_show_it() {
    let plateau = |size: i32, slope: i32| {
        ByRow::new(1, move |_, z| {
            let slope = -2f64.powi(slope);
            [slope * z, slope, 0.0]
        })
        .plus(2f64.powi(size))
    };
    let (found, weight) = cubic(plateau(20, -20), 1.0, 1.0);
    let length = 2f64.powf(-7.5);
    close(found, Some([length, 1.0, length, length / 32.0]));
    assert_eq!(weight, 1.0 / 64.0);
    // A step of 100 logits and more is not lengthened, were it seen or not; nor is one by a weight of 1e-20.
    for (size, slope) in [(70, 0), (20, -100)] {
        let (found, weight) = cubic(plateau(size, slope), 4.0, 2.0);
        close(found, None);
        assert_eq!(weight, 2.0);
    }
}

/// With curvature 4 from slope 4 by -1 to slope 2, half of it; from there by -1/2 to 1.2.
#[test]
fn polishing_goes_on_as_long_as_it_halves_the_gradient() {
    let polished = |polish_steps: usize| {
        let settings = Settings {
            polish_steps: Some(polish_steps),
            ..Settings::default()
        };
        let loss = ByRow::new(1, |_, z| {
            let slope = if near(z, 0.0) {
                4.0
            } else if near(z, -1.0) {
                2.0
            } else {
                1.2
            };
            [0.0, slope, 4.0]
        });
        with_run(loss, 0.0, &settings, |run, _| {
            run.polish().unwrap();
            (run.point.x[0], run.trace.clone())
        })
    };
    assert_eq!(polished(0).1.len(), 0);
    for steps in [1, 5] {
        let (x, trace) = polished(steps);
        assert_eq!((x, trace.len()), (-1.0, 1));
        let entry = &trace[0];
        assert_eq!((entry.iteration, entry.gradient_norm), (0, 4.0));
        assert_eq!((entry.step_norm, entry.step_length), (1.0, 1.0));
        assert_eq!(
            (entry.method, entry.distinct_rows, entry.shift),
            ("exact", 1, 0.0)
        );
    }
}

/// A gradient of 2 against a quarter of the yardstick.
#[test]
fn an_end_at_rounding_level_is_convergence_where_the_tolerance_is_met_after_all() {
    let settings = Settings {
        tolerance: 0.25,
        ..Settings::default()
    };
    let loss = || ByRow::new(1, |_, z| [2.0 * z, 2.0, 1.0]);
    for (yardstick, outcome) in [
        (8.0, Outcome::Converged),
        (7.9, Outcome::ConvergedToRounding),
    ] {
        let settled = with_run(loss(), 0.0, &settings, |run, _| {
            run.yardstick = yardstick;
            run.settled(false).outcome()
        });
        assert_eq!(settled, outcome);
    }
}

/// Nothing falls but at 2^-9 of the Newton step, which is 1: eight halvings, then cubic steps, then the others.
#[test]
fn a_newton_step_is_halved_on_where_cubic_steps_fail_too() {
    let step = |max_halvings: usize, saddle: bool, needle: f64| {
        let settings = Settings {
            max_halvings,
            ..Settings::default()
        };
        let loss = ByRow::new(1, move |_, z| {
            let fall = if near(z, needle) { 0.5 * needle } else { 0.0 };
            [10.0 - fall, -1.0, 1.0]
        });
        with_run(loss, 0.0, &settings, |run, _| {
            let model = Model {
                hessian: DMatrix::identity(1, 1),
                method: "exact",
                distinct_rows: 1,
            };
            told(run.better_point(&model, saddle))
        })
    };
    let needle = 2f64.powi(-9);
    close(step(9, false, needle), Some([needle, needle, needle, 0.0]));
    close(step(8, false, needle), None);
    // Eight halvings come before any cubic step.
    let eighth = 2f64.powi(-8);
    close(step(8, false, eighth), Some([eighth, eighth, eighth, 0.0]));
    close(step(7, false, eighth), None);
    close(step(9, true, needle), None);
    // `s + s^2 / 2 = 1` at the weight 1: the cubic step, the only one at a saddle.
    let root = 3f64.sqrt() - 1.0;
    close(step(9, true, root), Some([root, 1.0, root, 0.5 * root]));
}

/// 999 and 6 from the start: neither the largest logit allowed nor a thousandfold growth is exceeded.
#[test]
fn logits_at_the_limit_or_a_thousandfold_are_not_beyond_it() {
    let bowl = |centre: f64, start: f64, logit_limit: f64| {
        let loss = ByRow::new(1, move |_, z| [0.5 * (z - centre).powi(2), z - centre, 1.0]);
        let problem = loss.over(DMatrix::from_element(1, 1, 1.0), &[0.0]);
        let settings = Settings {
            logit_limit,
            ..Settings::default()
        };
        let start = DVector::from_element(1, start);
        solve(&problem, &start, &settings).unwrap().outcome
    };
    assert_eq!(bowl(6.0, 0.0, 6.0), Outcome::Converged);
    assert_eq!(bowl(6.0, 0.0, 5.5), Outcome::Diverged);
    assert_eq!(bowl(1000.0, 1.0, 5.5), Outcome::Converged);
    assert_eq!(bowl(1001.0, 1.0, 5.5), Outcome::Diverged);
}

/// Slope and curvature 1e-3, but a slope that may be off by 1: the gradient says nothing, and the Newton step is 1 long.
#[test]
fn a_gradient_below_its_rounding_with_a_long_newton_step_has_no_unique_answer() {
    let mut loss = Given::new(1, 0);
    loss.gradient[0] = 1e-3;
    loss.hessian.diagonal[0] = 1e-3;
    loss.bounds.gradient[0] = 1.0;
    let matrix = DesignMatrix::dense(DMatrix::from_element(1, 1, 1.0)).unwrap();
    let problem = Problem::with_loss(Arc::new(loss), matrix, &DVector::zeros(1)).unwrap();
    let found = solve(&problem, &DVector::zeros(1), &Settings::default()).unwrap();
    assert_eq!((found.outcome, found.iterations), (Outcome::Singular, 0));
    assert_eq!(
        found.warnings,
        [
            "the Hessian is singular to rounding here: the minimiser may lie at infinity or not be unique"
        ]
    );
}

/// diag(1, c) is known to the error of the congruence and 4 d eps of its size: only beyond that has c a sign.
#[test]
fn the_lowest_curvature_counts_only_beyond_its_rounding() {
    let order = |lowest: f64| {
        let loss = ByRow::new(2, move |i, z| [0.0, z, if i == 0 { 1.0 } else { lowest }]);
        let problem = loss.over(DMatrix::identity(2, 2), &[0.0; 2]);
        let Visible::All(coordinates) = visible(&problem).unwrap() else {
            panic!("the identity has full rank");
        };
        let start = Point::at(&problem, DVector::zeros(2)).unwrap();
        let settings = Settings::default();
        let mut observer = |_: &TraceEntry| ControlFlow::Continue(());
        let run = Run::new(
            &problem,
            &coordinates,
            &settings,
            start,
            None,
            &mut observer,
        );
        let (z, _, bounds) = problem.bounds(&run.point.x).unwrap();
        let congruence = problem
            .congruence_error(&run.q, &z, &bounds)
            .unwrap()
            .norm();
        let sign = match run.second_order().unwrap() {
            SecondOrder::Positive { .. } => 1,
            SecondOrder::Flat => 0,
            SecondOrder::Negative => -1,
        };
        (sign, congruence + 8.0 * f64::EPSILON)
    };
    let error = order(0.0).1;
    assert!(
        (8.0 * f64::EPSILON..100.0 * f64::EPSILON).contains(&error),
        "{error:e}"
    );
    for (part, sign) in [(1.01, 1), (0.99, 0), (-0.99, 0), (-1.01, -1)] {
        assert_eq!(order(part * error).0, sign, "{part}");
    }
}

/// Two equal columns; as soon as the step has been made, the loss overflows everywhere: its end cannot be evaluated any more.
#[test]
fn an_end_that_cannot_be_evaluated_hands_back_the_start_and_the_trace() {
    let over = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&over);
    let loss = ByRow::new(1, move |_, z| {
        let beyond = seen.load(Ordering::Relaxed);
        let value = if beyond {
            f64::INFINITY
        } else {
            0.5 * (z - 1.0).powi(2)
        };
        [value, z - 1.0, 1.0]
    });
    let problem = loss.over(DMatrix::from_element(1, 2, 1.0), &[0.0]);
    let settings = Settings::default();
    let start = DVector::from_column_slice(&[2.0, 1.0]);
    let mut observer = |_: &TraceEntry| {
        over.store(true, Ordering::Relaxed);
        ControlFlow::Continue(())
    };
    let found = solve_orthonormal(
        &problem,
        start.clone(),
        &settings,
        None,
        &mut observer,
        None,
    );
    let found = found.unwrap();
    assert_eq!(found.outcome, Outcome::OutOfRange);
    assert_eq!((found.iterations, found.trace.len()), (1, 1));
    assert_eq!((found.x, found.loss), (start, 2.0));
    assert_eq!(found.warnings.len(), 2);
    assert!(
        found.warnings[1].starts_with("the search met numbers beyond the range of f64: loss"),
        "{}",
        found.warnings[1]
    );
}

/// A parabola from 0 to 3: the start (2), a gradient in the logits, a Hessian, and the point reached (2).
#[test]
fn every_reading_of_the_matrix_is_counted() {
    let loss = ByRow::new(1, |_, z| [0.5 * (z - 3.0).powi(2), z - 3.0, 1.0]);
    let problem = loss.over(DMatrix::from_element(1, 1, 1.0), &[0.0]);
    let found = solve(&problem, &DVector::zeros(1), &Settings::default()).unwrap();
    assert_eq!(found.iterations, 1);
    assert_eq!(found.trace[0].passes, 6.0);
    // A refused step costs as much as one that is taken: from 8, 4 is refused and 6 taken.
    let settings = Settings {
        sufficient_decrease: 0.25,
        ..Settings::default()
    };
    let passes = |values: [f64; 3]| {
        with_run(steps_down(values, [5.0; 3]), 8.0, &settings, |run, sign| {
            let step = Step {
                direction: DVector::from_element(1, -4.0 * sign),
                shift: 0.0,
                predicted_decrease: 1.0,
            };
            let gradient = run.logit_gradient(&run.point);
            let before = run.passes.get();
            run.line_search(&step, &gradient, 0, 9).unwrap();
            run.passes.get() - before
        })
    };
    assert_eq!(passes([4.9, 0.0, 0.0]), 2.0);
    assert_eq!(passes([5.1, 7.4, 0.0]), 4.0);
}
