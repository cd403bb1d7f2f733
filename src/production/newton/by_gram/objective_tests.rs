//! The objectives against the definition of what they compute: written out with dense matrices, and central differences.

use std::sync::Arc;

use nalgebra::{DMatrix, DVector};

use crate::instance::DesignMatrix;
use crate::production::kernels::Level;
use crate::production::kernels::operator::{Gram, Operator};
use crate::production::newton::by_gram::general::General;
use crate::production::newton::by_gram::objective::{Curvature, LineContext, Objective, State};
use crate::production::newton::by_gram::softmax::{FusedSoftmax, Parts, least_target, secant};
use crate::production::newton::by_gram::test_loss::ByRow;
use crate::production::{EvaluationError, Softmax};

/// No multiple of the width of a vector.
const N: usize = 11;
const D: usize = 3;

fn matrix() -> DMatrix<f64> {
    DMatrix::from_fn(N, D, |i, j| ((i * 5 + j * 3) % 7) as f64 / 4.0 - 0.7)
}

fn squared_weights() -> DVector<f64> {
    DVector::from_fn(N, |i, _| 0.125 * (1 + i % 3) as f64)
}

/// Neither positive nor of sum 1.
fn target() -> DVector<f64> {
    DVector::from_fn(N, |i, _| {
        0.03 + 0.04 * (i % 5) as f64 - 0.2 * f64::from(u8::from(i == 7))
    })
}

fn point() -> DVector<f64> {
    DVector::from_column_slice(&[0.4, -0.9, 0.3])
}

/// `ln sum exp` is 30 and more here, far from `ln n`.
fn far_point() -> DVector<f64> {
    DVector::from_column_slice(&[24.0, 17.0, 32.0])
}

fn softmax(z: &DVector<f64>) -> DVector<f64> {
    let e = z.map(|entry| (entry - z.max()).exp());
    &e / e.sum()
}

fn log_sum(z: &DVector<f64>) -> f64 {
    z.max() + z.map(|entry| (entry - z.max()).exp()).sum().ln()
}

fn softmax_loss(x: &DVector<f64>) -> f64 {
    let z = matrix() * x;
    let ridge = squared_weights().component_mul(&z).dot(&z);
    0.5 * (softmax(&z) - target()).norm_squared() + 0.5 * ridge
}

/// `A' (J (p - b) + w^2 o z)` with `J = diag(p) - p p'`.
fn softmax_gradient(x: &DVector<f64>) -> DVector<f64> {
    let z = matrix() * x;
    let p = softmax(&z);
    let inner = jacobian(&p) * (&p - target()) + squared_weights().component_mul(&z);
    matrix().tr_mul(&inner)
}

fn jacobian(p: &DVector<f64>) -> DMatrix<f64> {
    DMatrix::from_diagonal(p) - p * p.transpose()
}

fn unit(j: usize) -> DVector<f64> {
    DVector::from_fn(D, |i, _| f64::from(u8::from(i == j)))
}

/// Central differences of a gradient: the Hessian up to 1e-9 or so.
fn differences(gradient: impl Fn(&DVector<f64>) -> DVector<f64>, x: &DVector<f64>) -> DMatrix<f64> {
    let h = 1e-5;
    let columns: Vec<_> = (0..D)
        .map(|j| (gradient(&(x + unit(j) * h)) - gradient(&(x - unit(j) * h))) / (2.0 * h))
        .collect();
    DMatrix::from_columns(&columns)
}

fn dense(gram: &Gram) -> DMatrix<f64> {
    DMatrix::from_fn(D, D, |i, j| gram.entry(i, j))
}

/// `A' diag(diagonal + extra) A` plus the terms of low rank, by nalgebra.
fn whole(curvature: &Curvature, diagonal: &DVector<f64>) -> DMatrix<f64> {
    let mut low = Gram::zeros(D);
    curvature.add_to(&mut low);
    matrix().tr_mul(&(DMatrix::from_diagonal(diagonal) * matrix())) + dense(&low)
}

fn assert_close(found: &[f64], expected: &[f64], allowed: f64) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!(
            (found - expected).abs() <= allowed,
            "{found:e} instead of {expected:e}"
        );
    }
}

fn operator() -> Operator {
    Operator::new(
        &Arc::new(DesignMatrix::Dense(matrix().into())),
        Level::best(),
    )
}

fn fused(check: impl Fn(&FusedSoftmax<'_>, &Operator)) {
    let operator = operator();
    let target = target();
    let ridge = operator.gram(squared_weights().as_slice());
    check(
        &FusedSoftmax::new(&operator, target.as_slice(), &ridge),
        &operator,
    );
}

/// The ridge of a run may be good for steps only: values and gradients do without it.
#[test]
fn values_and_gradients_are_exact_beside_a_ridge_that_is_wrong() {
    let operator = operator();
    let (target, weights) = (target(), squared_weights());
    let wrong = crate::production::kernels::operator::Gram::zeros(operator.columns());
    let objective = FusedSoftmax::new(&operator, target.as_slice(), &wrong)
        .with_rough_ridge(weights.as_slice(), Vec::new());
    for x in [DVector::zeros(D), point(), far_point()] {
        let (state, mut z) = at(&objective, &x);
        assert_state(&state, &z, &x);
        let again = objective.evaluate_logits(x.as_slice().to_vec(), &mut z);
        assert_state(&again.unwrap(), &z, &x);
    }
}

fn at(objective: &impl Objective, x: &DVector<f64>) -> (State, Vec<f64>) {
    let mut z = vec![f64::NAN; N];
    let state = objective.evaluate(x.as_slice().to_vec(), &mut z, None);
    (state.unwrap(), z)
}

fn assert_state(state: &State, z: &[f64], x: &DVector<f64>) {
    let logits = matrix() * x;
    let p = softmax(&logits);
    let residual = &p - target();
    let size = 1.0 + logits.amax();
    assert_close(z, logits.as_slice(), 1e-15 * size);
    assert_close(&[state.loss], &[softmax_loss(x)], 1e-14 * size * size);
    let gradient = softmax_gradient(x);
    assert_close(&state.gradient, gradient.as_slice(), 1e-13 * size);
    assert_close(&[state.gradient_norm], &[gradient.norm()], 1e-13 * size);
    let parts = Parts::of(state);
    assert_close(
        &[parts.log_sum, parts.agreement, parts.squares],
        &[log_sum(&logits), p.dot(&residual), p.norm_squared()],
        1e-13,
    );
    let delta = jacobian(&p) * residual + p.component_mul(&p);
    for (found, coefficients) in [
        (parts.mean, &p),
        (parts.square_mean, &p.component_mul(&p)),
        (parts.delta_mean, &delta),
    ] {
        assert_close(found, matrix().tr_mul(coefficients).as_slice(), 1e-13);
    }
}

#[test]
fn the_gradient_that_the_others_are_held_against_is_that_of_the_definition() {
    let h = 1e-5;
    for j in 0..D {
        let slope = (softmax_loss(&(point() + unit(j) * h))
            - softmax_loss(&(point() - unit(j) * h)))
            / (2.0 * h);
        assert!((softmax_gradient(&point())[j] - slope).abs() < 1e-9);
    }
}

#[test]
fn a_state_of_softmax_holds_what_its_fields_say() {
    fused(|objective, _| {
        for x in [DVector::zeros(D), point(), -point() * 2.0, far_point()] {
            let (state, z) = at(objective, &x);
            assert_state(&state, &z, &x);
            let mut z = z;
            let again = objective.evaluate_logits(state.x.clone(), &mut z).unwrap();
            assert_state(&again, &z, &x);
        }
    });
}

/// The guess is the tangent of `ln sum exp`: right for short steps where `ln n` is far off, and it saves the second sweep.
#[test]
fn a_known_neighbour_saves_a_sweep_and_changes_nothing_else() {
    fused(|objective, operator| {
        let (from, _) = at(objective, &far_point());
        let passes = operator.passes();
        assert!(Parts::of(&from).log_sum > 20.0);
        // The logits fall by a tenth: 3 and more, more than the trusted factor 20 if it were not foreseen.
        let near = far_point() * 0.85;
        let mut z = vec![0.0; N];
        let state = objective
            .evaluate(near.as_slice().to_vec(), &mut z, Some(&from))
            .unwrap();
        assert_eq!(operator.passes(), passes + 1.0);
        assert_state(&state, &z, &near);
        let (_, _) = at(objective, &near);
        assert_eq!(operator.passes(), passes + 3.0);
        // The origin has a guess of its own.
        let state = objective
            .evaluate(vec![0.0; D], &mut z, Some(&from))
            .unwrap();
        assert_eq!(operator.passes(), passes + 4.0);
        assert_state(&state, &z, &DVector::zeros(D));
    });
}

#[test]
fn numbers_beyond_the_range_are_refused_by_name() {
    fused(|objective, _| {
        let overflow = |result: Result<State, EvaluationError>| match result {
            Err(EvaluationError::Overflow {
                quantity, index, ..
            }) => (quantity, index),
            _ => panic!("no overflow"),
        };
        let mut z = vec![0.0; N];
        let huge = objective.evaluate(vec![1e200; D], &mut z, None);
        assert_eq!(overflow(huge), ("loss", 0));
        z[3] = f64::INFINITY;
        let infinite = objective.evaluate_logits(vec![0.0; D], &mut z);
        assert_eq!(overflow(infinite), ("logits A x", 0));
    });
}

#[test]
fn the_hessian_of_softmax_is_the_difference_of_gradients() {
    fused(|objective, _| {
        for x in [DVector::zeros(D), point()] {
            let (state, z) = at(objective, &x);
            let mut diagonal = vec![f64::NAN; N];
            let curvature = objective.curvature(&state, &z, &mut diagonal);
            let weights = DVector::from_vec(diagonal) + squared_weights();
            let error = whole(&curvature, &weights) - differences(softmax_gradient, &x);
            assert!(error.amax() < 1e-8, "{error}");
        }
    });
}

#[test]
fn the_stand_in_of_softmax_is_gauss_newton() {
    fused(|objective, _| {
        let (state, z) = at(objective, &point());
        let mut diagonal = vec![f64::NAN; N];
        let curvature = objective.safe_curvature(&state, &z, &mut diagonal);
        let images = jacobian(&softmax(&(matrix() * point()))) * matrix();
        let error = whole(&curvature, &DVector::from_vec(diagonal)) - images.tr_mul(&images);
        assert!(error.amax() < 1e-14, "{error}");
    });
}

fn assert_line(
    objective: &impl Objective,
    loss: impl Fn(&DVector<f64>) -> f64,
    gradient: impl Fn(&DVector<f64>) -> DVector<f64>,
    lengths: &[f64],
) {
    let (state, z) = at(objective, &point());
    let direction = DVector::from_column_slice(&[0.3, 0.5, -0.2]);
    let dz = matrix() * &direction;
    let z = DVector::from_vec(z);
    let weighted = squared_weights().component_mul(&z);
    let line = LineContext {
        z: z.as_slice(),
        dz: dz.as_slice(),
        ridge: [
            0.5 * weighted.dot(&z),
            weighted.dot(&dz),
            squared_weights().component_mul(&dz).dot(&dz),
        ],
    };
    for t in lengths {
        let (value, slope) = objective.along(&state, &line, *t).unwrap();
        let x = point() + &direction * *t;
        let size = 1.0 + t * t;
        assert_close(&[value], &[loss(&x)], 1e-14 * size);
        assert_close(&[slope], &[gradient(&x).dot(&direction)], 1e-13 * size);
    }
    let infinite = vec![f64::INFINITY; N];
    let off = LineContext {
        dz: &infinite,
        ..line
    };
    assert!(objective.along(&state, &off, 1.0).is_none());
    let endless = LineContext {
        z: z.as_slice(),
        dz: dz.as_slice(),
        ridge: [0.0, f64::INFINITY, 0.0],
    };
    assert!(objective.along(&state, &endless, 1.0).is_none());
}

/// Also so far along the line that the sums have to be made anew with another shift.
#[test]
fn softmax_along_a_line_is_that_of_its_points() {
    fused(|objective, _| {
        assert_line(
            objective,
            softmax_loss,
            softmax_gradient,
            &[0.0, 0.5, 2.0, -3.0, 40.0, -60.0],
        );
        assert!(!objective.crosses_pole(&[0.0], &[1.0]));
    });
}

/// `|| theta o (ln p - ln b) ||^2` with `d ln p = (I - 1 p') A dx`, for a target of which some rows have to be raised.
#[test]
fn the_first_model_of_softmax_is_the_secant_one() {
    fused(|objective, _| {
        let (state, z) = at(objective, &point());
        let mut diagonal = vec![f64::NAN; N];
        let (curvature, right) = objective.first_model(&state, &z, &mut diagonal).unwrap();
        let p = softmax(&(matrix() * point()));
        let least = 0.19 * 1e-12;
        let b = target().map(|b| b.max(least));
        let log_ratio = p.zip_map(&b, |p, b| (p / b).ln());
        let theta = (&p - &b).component_div(&log_ratio);
        let centred = DMatrix::identity(N, N) - DVector::repeat(N, 1.0) * p.transpose();
        let images = DMatrix::from_diagonal(&theta) * centred * matrix();
        let error = whole(&curvature, &DVector::from_vec(diagonal)) - images.tr_mul(&images);
        assert!(error.amax() < 1e-14, "{error}");
        let ridge = matrix().tr_mul(&squared_weights().component_mul(&(matrix() * point())));
        let expected = images.tr_mul(&theta.component_mul(&log_ratio)) + ridge;
        assert_close(&right, expected.as_slice(), 1e-14);
    });
}

#[test]
fn a_target_of_zeros_has_no_first_model() {
    assert_eq!(least_target(2.0), Some(2e-12));
    assert_eq!(least_target(0.0), None);
    let operator = operator();
    let ridge = operator.gram(squared_weights().as_slice());
    let zeros = [0.0; N];
    let objective = FusedSoftmax::new(&operator, &zeros, &ridge);
    let (state, z) = at(&objective, &point());
    let mut diagonal = vec![0.0; N];
    assert!(objective.first_model(&state, &z, &mut diagonal).is_none());
}

#[test]
fn the_secant_of_equal_numbers_is_the_tangent() {
    assert_eq!(secant(0.25, 0.25, 1e-9), (0.25, 0.0));
    // ln(1 / 0.99995) = 5.0e-5 is below the limit, ln(1 / 0.9998) = 2.0e-4 above: (p - b) / ln(p / b) there.
    assert_eq!(secant(1.0, 0.99995, 1e-9).0, 1.0);
    assert!((secant(1.0, 0.9998, 1e-9).0 - 0.9999).abs() < 1e-8);
    assert!((secant(0.9998, 1.0, 1e-9).0 - 0.9999).abs() < 1e-8);
    let (theta, product) = secant(0.5, 0.125, 1e-9);
    assert_close(
        &[theta, product],
        &[0.375 / 4f64.ln(), 0.140_625 / 4f64.ln()],
        1e-15,
    );
    // Raised to a quarter; and p = 0 taken as 2^-1022.
    assert_close(&[secant(0.5, -1.0, 0.25).0], &[0.25 / 2f64.ln()], 1e-15);
    let expected = 0.5 / (1021.0 * 2f64.ln());
    assert_close(&[secant(0.0, 0.5, 0.25).0], &[expected], 1e-15);
}

fn with_general(check: impl Fn(&General<'_>)) {
    let operator = operator();
    let loss = Softmax::new(target());
    let weights = squared_weights();
    check(&General::new(&operator, &loss, weights.as_slice()));
}

#[test]
fn a_general_state_and_its_hessian_are_those_of_the_definition() {
    with_general(|objective| {
        for x in [DVector::zeros(D), point()] {
            let (state, z) = at(objective, &x);
            assert_close(&z, (matrix() * &x).as_slice(), 1e-15);
            assert_close(&[state.loss], &[softmax_loss(&x)], 1e-14);
            let gradient = softmax_gradient(&x);
            assert_close(&state.gradient, gradient.as_slice(), 1e-14);
            assert_close(&[state.gradient_norm], &[gradient.norm()], 1e-14);
            let mut diagonal = vec![f64::NAN; N];
            let curvature = objective.curvature(&state, &z, &mut diagonal);
            let weights = DVector::from_vec(diagonal) + squared_weights();
            let error = whole(&curvature, &weights) - differences(softmax_gradient, &x);
            assert!(error.amax() < 1e-8, "{error}");
            assert!(objective.first_model(&state, &z, &mut [0.0; N]).is_none());
        }
        assert_line(
            objective,
            softmax_loss,
            softmax_gradient,
            &[0.0, 0.5, 2.0, -3.0],
        );
    });
}

/// Rows of curvature 2, -2 and 0 beside weights of 1/2: the signs go after the ridge has been added.
#[test]
fn the_general_stand_in_drops_the_signs_of_the_diagonal() {
    let operator = operator();
    let loss = ByRow::new(N, |i, _| [0.0, 0.0, [2.0, -2.0, 0.0][i % 3]]);
    let weights = [0.5; N];
    let objective = General::new(&operator, &loss, &weights);
    let (state, z) = at(&objective, &point());
    let mut diagonal = vec![f64::NAN; N];
    let curvature = objective.safe_curvature(&state, &z, &mut diagonal);
    assert!(curvature.terms.is_empty());
    let expected: Vec<f64> = (0..N).map(|i| [2.0, 1.0, 0.0][i % 3]).collect();
    assert_eq!(diagonal, expected);
}

#[test]
fn a_general_line_ends_at_a_pole() {
    let operator = operator();
    let loss = ByRow::new(N, |_, z| [z, 1.0, 0.0]).with_pole(1.0);
    let weights = [0.0; N];
    let objective = General::new(&operator, &loss, &weights);
    let (state, z) = at(&objective, &DVector::zeros(D));
    let line = LineContext {
        z: &z,
        dz: &[1.0; N],
        ridge: [0.0; 3],
    };
    assert_eq!(objective.along(&state, &line, 0.5), Some((5.5, 11.0)));
    assert_eq!(objective.along(&state, &line, 1.5), None);
    assert!(objective.crosses_pole(&[0.0; N], &[1.5; N]));
    assert!(!objective.crosses_pole(&[0.0; N], &[0.5; N]));
}
