//! What the losses in f64 say of their own errors, against the oracle over the whole domain: logits by decades up to where
//! exponentials overflow and beyond, both tails, targets by decades, exact logits and inexact ones.

use nalgebra::{DMatrix, DVector};

use crate::instance::{Activation, DesignMatrix, Instance, LossKind};
use crate::oracle::{Ball, Enclosure, Reference, lift_vector};
use crate::production::{
    DiagonalPlusLowRank, EvaluationError, LogitErrorBounds, LogitLoss, Problem,
};
use crate::scalar::High;

/// Logits of each case.
const N: usize = 3;
/// Sizes of the largest logit: where the shift of a softmax begins, and around the overflow of squares and of exponentials.
const SIZES: [f64; 14] = [
    1e-12, 1e-3, 1.0, 12.0, 100.0, 299.0, 301.0, 352.0, 356.0, 705.0, 760.0, 1e4, 1e12, 1e300,
];
/// Shapes of the logits, times the size.
const SHAPES: [[f64; N]; 4] = [
    [1.0, 0.984_375, 0.5],
    [-1.0, -0.75, -0.984_375],
    [1.0, -1.0, 0.25],
    [0.5, -0.968_75, 1.0],
];
/// Targets: decades with both signs.
const TARGETS: [[f64; N]; 3] = [[0.5, -0.25, 0.125], [1e6, -3e5, 0.5], [-1e-9, 1e12, 2e-5]];

fn instance(kind: LossKind, target: [f64; N]) -> Instance {
    let matrix = DesignMatrix::dense(DMatrix::identity(N, N)).unwrap();
    let target = DVector::from_column_slice(&target);
    Instance::new(kind, matrix, target, DVector::zeros(N)).unwrap()
}

/// The exact error of every quantity against its bound, as the largest quotient.
fn worst(
    loss: &dyn LogitLoss,
    z: &DVector<f64>,
    truth: &Enclosure,
    bounds: &LogitErrorBounds,
) -> (f64, String) {
    let lift = |x: f64| High::lift(x).unwrap();
    // Beyond what the oracle itself is off by.
    let quotient = |found: High, exact: Ball, bound: High| -> f64 {
        let off = (found - exact.midpoint()).abs() - exact.radius();
        if off.is_positive() {
            (off / bound).to_f64()
        } else {
            0.0
        }
    };
    let mut worst = (0.0_f64, String::new());
    let mut ask = |quotient: f64, what: String| {
        if quotient.is_nan() || quotient > worst.0 {
            worst = (quotient, what);
        }
    };
    if let Ok(value) = loss.value(z) {
        let found = quotient(lift(value), truth.loss, lift(bounds.value));
        ask(found, "value".to_owned());
    }
    if let Ok(gradient) = loss.gradient(z) {
        for i in 0..N {
            let bound = lift(bounds.gradient[i]);
            let found = quotient(lift(gradient[i]), truth.gradient[i], bound);
            ask(found, format!("gradient {i}"));
        }
    }
    if let Ok(hessian) = loss.hessian(z) {
        let allowed = entrywise(&hessian, &bounds.hessian);
        let found = lifted(&hessian);
        for i in 0..N {
            for j in 0..N {
                let exact = truth.hessian[i * N + j];
                let found = quotient(found[(i, j)], exact, allowed[(i, j)]);
                ask(found, format!("Hessian {i} {j}"));
            }
        }
    }
    worst
}

fn high(matrix: &DMatrix<f64>) -> DMatrix<High> {
    matrix.map(|x| High::lift(x).unwrap())
}

/// `diag(D) + B C B'` at 40 digits.
fn lifted(structure: &DiagonalPlusLowRank) -> DMatrix<High> {
    let basis = high(&structure.basis);
    let low_rank = &basis * high(&structure.core) * basis.transpose();
    DMatrix::from_diagonal(&lift_vector(&structure.diagonal)) + low_rank
}

/// What errors of the parts can do to an entry of the whole: `e_D + (|B| + e_B)(|C| + e_C)(|B| + e_B)' - |B| |C| |B|'`.
fn entrywise(found: &DiagonalPlusLowRank, off: &DiagonalPlusLowRank) -> DMatrix<High> {
    let (basis, core) = (high(&found.basis.abs()), high(&found.core.abs()));
    let (wide, wider) = (&basis + high(&off.basis), &core + high(&off.core));
    let low_rank = &wide * wider * wide.transpose() - &basis * core * basis.transpose();
    // Differences of numbers at 40 digits.
    let own = (&wide * wide.transpose()).map(|entry| entry.shifted(-30));
    DMatrix::from_diagonal(&lift_vector(&off.diagonal)) + low_rank + own
}

/// Every bound times `share`.
fn scaled(bounds: &LogitErrorBounds, share: f64) -> LogitErrorBounds {
    LogitErrorBounds {
        value: bounds.value * share,
        gradient: &bounds.gradient * share,
        hessian: DiagonalPlusLowRank {
            diagonal: &bounds.hessian.diagonal * share,
            basis: &bounds.hessian.basis * share,
            core: &bounds.hessian.core * share,
        },
    }
}

/// Over the domain, the largest quotient of an error by its bound and by a hundredth of its bound, and how many cases had bounds.
fn over_the_domain(kind: &LossKind) -> ([(f64, String); 2], usize) {
    let mut largest = [(0.0_f64, String::new()), (0.0, String::new())];
    let mut bounded = 0;
    for (turn, target) in TARGETS.iter().enumerate() {
        let instance = instance(kind.clone(), *target);
        let reference = Reference::new(&instance).unwrap();
        let problem = Problem::from_instance(&instance).unwrap();
        for size in SIZES {
            // A shape or two of the four for each size and target: all pairs occur.
            for (index, shape) in SHAPES.iter().enumerate() {
                if (index + turn) % 2 == 1 && size > 1.0 {
                    continue;
                }
                let z = DVector::from_column_slice(shape) * size;
                for relative in [0.0, 1e-14, 1e-3] {
                    let off = z.map(|z| (z.abs() * relative).min(0.75));
                    let found: Result<_, EvaluationError> = problem.loss().error_bounds(&z, &off);
                    let Ok(bounds) = found else { continue };
                    let shares = [1.0, 0.01].map(|share| scaled(&bounds, share));
                    bounded += 1;
                    for signs in [[1, 1, 1], [-1, 1, -1]] {
                        if relative == 0.0 && signs[0] < 0 {
                            continue;
                        }
                        let exact = DVector::from_fn(N, |i, _| {
                            High::lift(z[i]).unwrap()
                                + High::int(signs[i]) * High::lift(off[i]).unwrap()
                        });
                        // Beyond what 40 digits can hold there is nothing to compare with.
                        let Ok(truth) = reference.enclose(&exact, High::ZERO) else {
                            continue;
                        };
                        for (bounds, largest) in shares.iter().zip(&mut largest) {
                            let (quotient, what) = worst(problem.loss(), &z, &truth, bounds);
                            if quotient.is_nan() || quotient > largest.0 {
                                let place = format!("{what} at {z:?} +- {off:?}, b = {target:?}");
                                *largest = (quotient, place);
                            }
                        }
                    }
                }
            }
        }
    }
    (largest, bounded)
}

#[track_caller]
fn bounds_hold(kind: LossKind, least: usize) {
    let ([(largest, place), (of_less, _)], bounded) = over_the_domain(&kind);
    assert!(largest <= 1.0, "{largest} times the bound: {place}");
    assert!(bounded >= least, "{kind:?}: {bounded} cases have bounds");
    // They are no better than they must be: a hundredth of them is too small.
    assert!(of_less > 1.0, "{kind:?}: {of_less}");
}

fn two_layer(activation: Activation) -> LossKind {
    LossKind::TwoLayer {
        second_layer: DMatrix::from_row_slice(
            3,
            N,
            &[1.0, -0.5, 2.0, 1e3, 0.5, -1e3, 0.25, 0.25, 1e-6],
        ),
        activation,
    }
}

#[test]
fn bounds_of_softmax_hold_over_its_domain() {
    bounds_hold(LossKind::Softmax, 250);
}

#[test]
fn bounds_of_residual_softmax_hold_over_its_domain() {
    bounds_hold(LossKind::ResidualSoftmax, 200);
}

#[test]
fn bounds_of_the_exponential_hold_over_its_domain() {
    bounds_hold(LossKind::Exp, 150);
}

#[test]
fn bounds_of_the_hyperbolic_losses_hold_over_their_domain() {
    bounds_hold(LossKind::Cosh, 120);
    bounds_hold(LossKind::Sinh, 120);
}

#[test]
fn bounds_of_a_second_layer_of_tanh_hold_over_its_domain() {
    bounds_hold(two_layer(Activation::Tanh), 250);
}

#[test]
fn bounds_of_a_second_layer_of_softplus_hold_over_its_domain() {
    bounds_hold(two_layer(Activation::Softplus), 250);
}

#[test]
fn bounds_of_a_plain_second_layer_hold_over_its_domain() {
    bounds_hold(two_layer(Activation::Identity), 250);
}

#[test]
fn bounds_of_a_second_layer_of_relu_hold_over_its_domain() {
    bounds_hold(two_layer(Activation::Relu), 250);
}
