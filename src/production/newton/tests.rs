//! Runs in orthonormal coordinates on losses of which every step is known by hand.

use nalgebra::{DMatrix, DVector};

use crate::instance::{DesignMatrix, LossKind};
use crate::production::engine::test_loss::ByRow;
use crate::production::{Method, Outcome, Problem, Settings, Solution, solve};

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

/// The failure probability is shared among a million iterations: 0.2 / 0.81 * ln(2e6 / 0.5) = 3.75, so four draws; all of it for one
/// would be a single one.
#[test]
fn the_failure_probability_of_a_sample_is_its_share_of_the_run() {
    let problem = ByRow::new(50, |_, z| [0.5 * (z - 1.0).powi(2), z - 1.0, 1.0])
        .over(DMatrix::from_element(50, 1, 1.0), &[0.0; 50]);
    let settings = Settings {
        method: Method::Subsampled,
        epsilon: 0.9,
        delta: 0.5,
        sampling_constant: 0.2,
        max_iterations: 1_000_000,
        ..Settings::default()
    };
    let found = solve(&problem, &DVector::zeros(1), &settings).unwrap();
    assert!(found.outcome.is_success());
    assert!((2..=4).contains(&found.trace[0].distinct_rows));
}
