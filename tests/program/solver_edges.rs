//! The solver at the ends of the range of f64, and what it says about itself on either side of the size where it changes its
//! coordinates.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::common::{BASELINE, Scratch, attreg, fixture};
use attention_regression::instance::{Activation, DesignMatrix, Instance, LossKind};
use attention_regression::oracle::{Reference, lift_vector, minimise};
use attention_regression::production::{
    DiagonalPlusLowRank, EvaluationError, LogitErrorBounds, LogitLoss, Method, Outcome, Problem,
    Settings, Softmax, TraceEntry, bound_error, solve_interruptible,
};
use nalgebra::{DMatrix, DVector};

fn solved(name: &str) -> serde_json::Value {
    attreg([
        "solve".as_ref(),
        fixture(name).as_os_str(),
        "--json".as_ref(),
    ])
    .json()
}

/// The answer is (7.2691275898336348e-202, 2.6189124509919023e-202), by Newton's method in mpmath with 60 digits.
#[test]
fn the_bound_of_huge_columns_is_no_less_than_the_error() {
    let report = solved("edges/huge-matrix.json");
    assert_eq!(report["status"], "converged");
    let x: Vec<f64> = serde_json::from_value(report["x"].clone()).unwrap();
    for (found, right) in x
        .iter()
        .zip([7.269_127_589_833_635e-202, 2.618_912_450_991_902e-202])
    {
        assert!((found / right - 1.0).abs() < 1e-14, "{found:e}");
    }
    let bound = report["error_bound"].as_f64().unwrap();
    assert!((1.3e-217..1e-213).contains(&bound), "{bound:e}");
}

/// The minimiser is 1e319 times that of the matrix 1e319 times as large: about (7e317, 3e317).
#[test]
fn a_minimiser_beyond_the_range_is_not_reported_as_reached() {
    let status = solved("edges/denormal-matrix.json")["status"].clone();
    assert!(
        !status.as_str().unwrap().starts_with("converged"),
        "{status}"
    );
}

/// From the dead side the run comes to the kink at 0, where the loss falls to the right. Minimiser and loss of
/// `(tanh x - 1/2)^2 / 2 + x^2 / 100` by mpmath with 60 digits.
#[test]
fn a_run_does_not_end_on_the_dead_side_of_a_relu() {
    let report = solved("edges/relu-dead-side.json");
    assert_eq!(report["status"], "converged", "{report}");
    let x = report["x"][0].as_f64().unwrap();
    assert!((x - 0.530_935_543_562_630_8).abs() < 1e-14, "{x:e}");
    let loss = report["loss"].as_f64().unwrap();
    assert!((loss - 0.002_915_587_510_272_059).abs() < 1e-17, "{loss:e}");
    let bound = report["error_bound"].as_f64().unwrap();
    assert!(bound < 1e-13, "{bound:e}");
    let warnings = report["warnings"].to_string();
    assert!(
        warnings.contains("ended at a kink of the loss, beyond which the loss falls"),
        "{warnings}"
    );
    assert!(!warnings.contains("singular"), "{warnings}");
    for method in ["exact", "reused-gram"] {
        let file = fixture("edges/relu-dead-side.json");
        let arguments = ["solve".as_ref(), file.as_os_str(), "--json".as_ref()];
        let run = attreg(
            arguments
                .into_iter()
                .chain(["--method".as_ref(), method.as_ref()]),
        );
        let x = run.json()["x"][0].as_f64().unwrap();
        assert_eq!(run.status, 0, "{method}: {}", run.out);
        assert!(
            (x - 0.530_935_543_562_630_8).abs() < 1e-8,
            "{method}: {x:e}"
        );
    }
}

/// With the target -1/2 the loss of the living side rises from the kink, and `x^2 / 100` falls to it: 0 is the minimiser, and no
/// derivative says so.
#[test]
fn a_minimiser_on_a_kink_is_named_as_one() {
    let kind = LossKind::TwoLayer {
        second_layer: DMatrix::from_row_slice(1, 2, &[1.0, -1.0]),
        activation: Activation::Relu,
    };
    let matrix = DesignMatrix::dense(DMatrix::from_column_slice(2, 1, &[1.0, -1.0])).unwrap();
    let target = DVector::from_element(1, -0.5);
    let problem = Problem::new(kind, matrix, target, DVector::repeat(2, 0.1)).unwrap();
    for start in [-0.5, 0.5] {
        let start = DVector::from_element(1, start);
        let solution = problem.solve_from(&start, &Settings::default()).unwrap();
        assert_eq!(
            solution.outcome,
            Outcome::AtKink,
            "{start}: {:?}",
            solution.warnings
        );
        assert!(solution.x[0].abs() < 1e-7, "{start}: {}", solution.x[0]);
        assert!(
            solution
                .warnings
                .iter()
                .all(|warning| !warning.contains("singular"))
        );
    }
}

/// The constant 0.5 b'b = 1.5e33 hides every change of the loss. Minimiser by Newton's method in mpmath with 60 digits.
#[test]
fn a_target_of_1e17_does_not_hide_the_changes_of_the_loss() {
    let file = fixture("edges/huge-target-1e17.json");
    // Relative to a gradient of 8.7e15 at the start; the answer is 1.6e-8 off at a gradient of 1e-6.
    for (tolerance, accuracy) in [("1e-10", 1e-7), ("1e-24", 1e-14)] {
        let run = attreg([
            "solve".as_ref(),
            file.as_os_str(),
            "--json".as_ref(),
            "--tolerance".as_ref(),
            tolerance.as_ref(),
        ]);
        assert_eq!(run.status, 0, "{}", run.out);
        let report = run.json();
        let x: Vec<f64> = serde_json::from_value(report["x"].clone()).unwrap();
        for (found, right) in x
            .iter()
            .zip([25.755_940_495_292_686, -4.094_447_436_392_532])
        {
            assert!((found / right - 1.0).abs() < accuracy, "{tolerance}: {x:?}");
        }
        let warnings = report["warnings"].to_string();
        assert!(warnings.contains("searched without it"), "{warnings}");
        // The loss itself is that of the definition: 0.5 ((1 - 4e16)^2 + 14e32), and a ridge of some hundreds.
        let loss = report["loss"].as_f64().unwrap();
        assert!((loss / 1.5e33 - 1.0).abs() < 1e-15, "{loss:e}");
    }
}

fn losses() -> Vec<LossKind> {
    let second_layer = DMatrix::from_row_slice(2, 4, &[1.0, -0.5, 0.25, 0.5, -1.0, 0.75, 0.5, 0.0]);
    let mut losses = vec![
        LossKind::Softmax,
        LossKind::Exp,
        LossKind::Cosh,
        LossKind::Sinh,
        LossKind::ResidualSoftmax,
    ];
    for activation in [
        Activation::Relu,
        Activation::Softplus,
        Activation::Tanh,
        Activation::Identity,
    ] {
        losses.push(LossKind::TwoLayer {
            second_layer: second_layer.clone(),
            activation,
        });
    }
    losses
}

fn half_ulps(x: &DVector<f64>) -> f64 {
    let halves = x.map(|entry| 0.5 * (entry.abs().next_up() - entry.abs()));
    let largest = halves.amax();
    if largest == 0.0 {
        0.0
    } else {
        largest * (halves / largest).norm()
    }
}

/// A matrix 2^k times as large has a minimiser 2^-k times as large, exactly; the oracle knows that for k = 0.
#[test]
fn bounds_hold_whatever_the_size_of_the_columns() {
    let base = DMatrix::from_row_slice(4, 2, &[1.5, -0.25, 0.5, 2.0, -1.0, 0.75, 0.25, -1.0]);
    let mut judged = 0;
    for kind in losses() {
        let outputs = if matches!(kind, LossKind::TwoLayer { .. }) {
            2
        } else {
            4
        };
        let target = DVector::from_column_slice(&[0.4, 0.3, 0.2, 0.1][..outputs]);
        for weight in [0.5, 2.0] {
            let weights = DVector::repeat(4, weight);
            let instance = |k: i32| {
                let matrix = DesignMatrix::dense(&base * 2f64.powi(k)).unwrap();
                Instance::new(kind.clone(), matrix, target.clone(), weights.clone()).unwrap()
            };
            let reference = Reference::new(&instance(0)).unwrap();
            for k in [
                -990, -700, -540, -332, -100, 0, 100, 332, 500, 538, 600, 700, 900, 990,
            ] {
                let problem = Problem::from_instance(&instance(k)).unwrap();
                let Ok(solution) = problem.solve(&Settings::default()) else {
                    continue;
                };
                let Some(bound) = solution.error_bound else {
                    continue;
                };
                let what = format!("{kind:?}, weight {weight}, 2^{k}");
                assert!(
                    bound > 0.0 && bound >= half_ulps(&solution.x),
                    "{what}: {bound:e}"
                );
                let scaled = solution.x.map(|entry| entry * 2f64.powi(k));
                let Ok(minimiser) = minimise(&reference, &lift_vector(&scaled)) else {
                    continue;
                };
                let distance = (lift_vector(&scaled) - &minimiser.x).norm();
                let distance = (distance - minimiser.error_bound).to_f64();
                let bound = bound * 2f64.powi(k);
                assert!(distance <= bound, "{what}: {distance:e} > {bound:e}");
                // Nor is it of no use where numbers are large or small.
                assert!(bound < 1e-10, "{what}: {bound:e}");
                judged += 1;
            }
        }
    }
    assert!(judged >= 150, "only {judged} bounds were judged");
}

/// Columns of very unlike size: the bound is that of the small one.
#[test]
fn a_bound_measures_the_column_of_the_smallest_entries() {
    let matrix = DMatrix::from_row_slice(3, 2, &[1e200, 0.0, 1e200, 1e-200, 0.0, 2e-200]);
    let problem = Problem::new(
        LossKind::Softmax,
        DesignMatrix::dense(matrix).unwrap(),
        DVector::from_column_slice(&[0.5, 0.25, 0.25]),
        DVector::repeat(3, 1.0),
    )
    .unwrap();
    let solution = problem.solve(&Settings::default()).unwrap();
    let bound = solution.error_bound.unwrap();
    assert!(bound >= half_ulps(&solution.x));
    assert!(bound <= 1e-10 * solution.x.amax(), "{bound:e}");
    assert_eq!(bound_error(&problem, &solution.x).bound, Some(bound));
}

#[test]
fn no_bound_is_given_where_none_is_asked_for() {
    let scratch = Scratch::new();
    let good = scratch.file("good.json", BASELINE);
    let with = attreg(["solve", &good, "--json"]).json();
    let without = attreg(["solve", &good, "--json", "--no-bound"]);
    assert_eq!(without.status, 0);
    let without = without.json();
    assert!(with["error_bound"].is_f64() && without["error_bound"].is_null());
    assert_eq!(without["error_bound_basis"], "no bound: none was asked for");
    assert_eq!(
        (&with["x"], &with["status"]),
        (&without["x"], &without["status"])
    );
}

/// Softmax, but the error bound of an answer waits for a gate to be opened, as it would for a large factorisation.
struct Slow {
    softmax: Softmax,
    /// Told that somebody waits.
    waiting: Sender<()>,
    /// Closed to open the gate.
    gate: Mutex<Receiver<()>>,
}

impl LogitLoss for Slow {
    fn name(&self) -> &'static str {
        "slow"
    }
    fn logits(&self) -> usize {
        self.softmax.logits()
    }
    fn value(&self, z: &DVector<f64>) -> Result<f64, EvaluationError> {
        self.softmax.value(z)
    }
    fn gradient(&self, z: &DVector<f64>) -> Result<DVector<f64>, EvaluationError> {
        self.softmax.gradient(z)
    }
    fn hessian(&self, z: &DVector<f64>) -> Result<DiagonalPlusLowRank, EvaluationError> {
        self.softmax.hessian(z)
    }
    fn error_bounds(
        &self,
        z: &DVector<f64>,
        logit_error: &DVector<f64>,
    ) -> Result<LogitErrorBounds, EvaluationError> {
        self.softmax.error_bounds(z, logit_error)
    }
    /// Nothing but the error bound asks for it.
    fn curvature_floor(&self) -> Option<f64> {
        /// Only a solver that is at fault is not there to open the gate.
        const AT_FAULT: Duration = Duration::from_secs(60);
        // Nobody listens any more after the test.
        let _ = self.waiting.send(());
        let gate = self.gate.lock().expect("no thread panics with it");
        let _ = gate.recv_timeout(AT_FAULT);
        self.softmax.curvature_floor()
    }
}

/// On both sides of the size limit. A solver that waits for the bound ends as converged, a minute later.
#[test]
fn an_error_bound_that_is_interrupted_leaves_the_best_point() {
    for rows in [4, 20_001] {
        let target = DVector::from_fn(rows, |i, _| 2.0 * (i % 2) as f64 / rows as f64);
        let matrix = DMatrix::from_fn(rows, 1, |i, _| 1.5 - (i % 4) as f64);
        let (waiting, seen) = channel();
        let (open, gate) = channel();
        let slow = Slow {
            softmax: Softmax::new(target),
            waiting,
            gate: Mutex::new(gate),
        };
        let matrix = DesignMatrix::dense(matrix).unwrap();
        let problem =
            Problem::with_loss(Arc::new(slow), matrix, &DVector::repeat(rows, 0.5)).unwrap();
        let stop = AtomicBool::new(false);
        let solution = std::thread::scope(|scope| {
            let stop = &stop;
            scope.spawn(move || {
                seen.recv().expect("the bound begins");
                stop.store(true, SeqCst);
            });
            let mut observer = |_: &TraceEntry| ControlFlow::Continue(());
            let start = DVector::zeros(1);
            solve_interruptible(&problem, &start, &Settings::default(), &mut observer, stop)
        });
        let solution = solution.unwrap();
        drop::<Sender<()>>(open);
        assert_eq!(solution.outcome, Outcome::Interrupted, "{rows}");
        assert!(
            solution.gradient_norm < 1e-10,
            "{rows}: {:e}",
            solution.gradient_norm
        );
        assert_eq!(solution.error_bound, None);
        assert_eq!(
            solution.error_bound_basis,
            "no bound: interrupted while it was computed"
        );
    }
}

/// Logits of 2.35e6 whose exponentials vanish: f is homogeneous there, so that multiples of x are as good as x. On both sides
/// of 20,000 entries the loss is brought down, and no run says that logits have grown which have not.
#[test]
fn large_logits_are_judged_alike_on_both_sides_of_the_size_limit() {
    for n in [9_999, 10_001] {
        let matrix = DMatrix::from_fn(n, 2, |i, j| {
            let u = (i as f64 * 0.618_033_988_749_895).fract();
            let v = (i as f64 * 0.754_877_666_246_693).fract();
            if j == 0 { 1.0 + 0.1 * u } else { v - 0.5 }
        });
        let f = {
            let z = &matrix * DVector::from_column_slice(&[-2e6, 1e5]);
            let sum = z.sum();
            z / sum
        };
        let problem = Problem::new(
            LossKind::ResidualSoftmax,
            DesignMatrix::dense(matrix).unwrap(),
            f,
            DVector::zeros(n),
        )
        .unwrap();
        let start = DVector::from_column_slice(&[-2e6, 3e5]);
        let settings = Settings::default().with_method(Method::Exact);
        let solution = problem.solve_from(&start, &settings).unwrap();
        let first = problem.value(&start).unwrap();
        assert!(solution.loss < 1e-12 * first, "{n}: {:e}", solution.loss);
        // Every multiple of the minimiser is one: the Hessian is singular there, and the run says so.
        assert_eq!(solution.outcome, Outcome::Singular, "{n}");
    }
}
