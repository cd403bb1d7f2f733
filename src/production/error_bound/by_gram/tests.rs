//! Bounds through Gram matrices against hand arithmetic and minimisers that are known.

use std::sync::Arc;

use nalgebra::DMatrix;

use super::*;
use crate::instance::{LossKind, sample};
use crate::production::test_support::{Given, covers};
use crate::production::{Settings, solve};

/// A = diag(3, 4), w^2 = (4, 1), a curvature of rank 2, and errors planted in every part.
fn planted() -> Problem {
    let power = |exponent| 2f64.powi(exponent);
    let mut loss = Given::new(2, 2);
    loss.gradient.copy_from_slice(&[2.0, -1.0]);
    loss.hessian.diagonal.copy_from_slice(&[0.5, 1.0]);
    loss.hessian.basis = DMatrix::from_row_slice(2, 2, &[1.0, 0.5, -2.0, 1.0]);
    loss.hessian.core = DMatrix::from_row_slice(2, 2, &[0.75, -0.5, -0.5, 0.25]);
    loss.bounds
        .gradient
        .copy_from_slice(&[power(-7), power(-6)]);
    let off = &mut loss.bounds.hessian;
    off.diagonal.copy_from_slice(&[power(-10), power(-9)]);
    off.basis = DMatrix::from_row_slice(2, 2, &[power(-12), power(-13), power(-14), power(-12)]);
    off.core = DMatrix::from_row_slice(2, 2, &[power(-11), power(-12), power(-12), power(-13)]);
    loss.omega = Some(1.0);
    let a = DMatrix::from_row_slice(2, 2, &[3.0, 0.0, 0.0, 4.0]);
    let weights = DVector::from_column_slice(&[2.0, 1.0]);
    Problem::with_loss(Arc::new(loss), DesignMatrix::Dense(a.into()), &weights).unwrap()
}

#[test]
fn the_facts_at_a_point_are_those_of_the_formulas() {
    // mpmath: H = A' (diag(4.5, 2) + U K U') A = [[43.3125, -16.5], [-16.5, 116]], v = (14, 3), g = (42, 12); the error
    // of H is sum e_i ||a_i||^2 + sum_kl |K_kl| (off_k V_l + off_l V_k) + e_K V_k V_l = 0.126784.
    let local = Local::at(&planted(), &DVector::repeat(2, 1.0)).unwrap();
    covers(local.gram, 0.99 * 9.0, 1e-12);
    covers(local.gradient_error, 0.066_750_029_260_293_2, 1e-9);
    covers(local.gradient, 43.747_409_364_943_4, 1e-9);
    let facts = local.hessian.unwrap();
    covers(facts.lowest, 39.344_941_991_548_9, 1e-12);
    covers(facts.in_logits, 4.151_928_256_233_974, 1e-12);
    covers(facts.decrement, 6.940_892_085_310_884, 1e-9);
    covers(facts.step, 1.102_249_245_077_184, 1e-9);
}

#[test]
fn an_eigenvalue_that_is_estimated_but_not_proven_counts_for_nothing() {
    // A'A = diag(1, 2^-52): positive, but its rounding may be larger.
    let a = DMatrix::from_row_slice(2, 2, &[1.0, 0.0, 0.0, 2f64.powi(-26)]);
    let (loss, weights) = (Arc::new(Given::new(2, 0)), DVector::repeat(2, 1.0));
    let problem = Problem::with_loss(loss, DesignMatrix::Dense(a.into()), &weights).unwrap();
    assert!(Local::at(&problem, &DVector::repeat(2, 1.0)).is_err());
}

fn facts() -> Local {
    Local {
        gradient: 0.3,
        gradient_error: 0.0625,
        gram: 0.5,
        hessian: Some(HessianFacts {
            in_logits: 2.56,
            lowest: 16.0,
            decrement: 0.1,
            step: 0.02,
        }),
        logits: DVector::zeros(2),
        logit_error: DVector::zeros(2),
    }
}

fn judged(local: &Local, floor: Option<f64>, omega: Option<f64>) -> ErrorBound {
    let mut loss = Given::new(2, 0);
    (loss.floor, loss.omega) = (floor, omega);
    let a = DesignMatrix::Dense(DMatrix::identity(2, 2).into());
    let weights = DVector::from_column_slice(&[2.0, 1.0]);
    local.better(&Problem::with_loss(Arc::new(loss), a, &weights).unwrap())
}

#[test]
fn the_newton_kantorovich_bound_is_that_of_hand_arithmetic() {
    // ball = 0.2 / 1.6, omega = 5 * 2.56 / 8 = 1.6, product 0.16; root = 0.68^0.5; r = 0.2 / (1 + root), in x / 4; or the
    // step and (r - e) / 4: 0.0224029 < 0.0274029 (mpmath).
    let short = judged(&facts(), None, Some(5.0));
    covers(short.bound.unwrap(), 0.022_402_949_199_448_11, 1e-9);
    assert_eq!(
        short.basis,
        "Newton-Kantorovich: Hessian >= 2.560e0 A'A at x, third derivative <= 1.600e0 in the metric of the Hessian; \
         a strict local minimiser, others may exist"
    );
    let mut long = facts();
    long.hessian.as_mut().unwrap().step = 0.2;
    covers(
        judged(&long, None, Some(5.0)).bound.unwrap(),
        0.027_402_949_199_448_108,
        1e-9,
    );
    // With a modulus of 1 - 1/4: 0.3 / (0.75 * 0.5) = 0.8 is larger, and the minimiser the only one.
    let only = judged(&facts(), Some(-0.25), Some(5.0));
    assert_eq!(only.bound, short.bound);
    assert!(
        only.basis
            .ends_with("Hessian; L is strongly convex, so this is the only minimiser")
    );
}

#[test]
fn strong_convexity_is_used_where_nothing_better_is_proven() {
    let convex = judged(&facts(), Some(-0.25), None);
    covers(convex.bound.unwrap(), 0.8, 1e-9);
    assert_eq!(
        convex.basis,
        "strong convexity: min w^2 + curvature floor of the loss >= 7.500e-1, sigma_min(A)^2 >= 5.000e-1; this is the only minimiser"
    );
    // The modulus must be positive.
    for floor in [None, Some(-1.0), Some(-2.0)] {
        let none = judged(&facts(), floor, None);
        assert_eq!(none.bound, None);
        assert_eq!(
            none.basis,
            "no bound: L is not known to be strongly convex (min w^2 does not outweigh the curvature of the loss), and \
             no bound on its third derivative is known (gradient off by at most 6.2e-2)"
        );
    }
}

#[test]
fn an_indefinite_hessian_proves_nothing() {
    let unknown = Local {
        hessian: None,
        ..facts()
    };
    assert!(
        judged(&unknown, None, Some(5.0))
            .basis
            .contains("not positive definite beyond its rounding")
    );
}

#[test]
fn the_bound_covers_the_distance_to_the_minimiser_dense_and_sparse() {
    let mut rng = sample::stream(6, "certificate-by-gram", 0);
    let a = sample::conditioned_matrix(&mut rng, 30, 3, 3.0, 10.0);
    let b = sample::signed_unit_target(&mut rng, 30);
    let sparse = DesignMatrix::Sparse(nalgebra_sparse::CsrMatrix::from(&a));
    for matrix in [DesignMatrix::Dense(a.into()), sparse] {
        let weights = DVector::repeat(30, 2.0);
        let problem = Problem::new(LossKind::Softmax, matrix, b.clone(), weights).unwrap();
        let end = solve(&problem, &DVector::zeros(3), &Settings::default()).unwrap();
        let own = end.error_bound.unwrap();
        for distance in [1e-9, 1e-6, 1e-3] {
            let mut x = end.x.clone();
            x[1] -= distance;
            let bound = bound(&problem, &x).bound.unwrap();
            assert!(
                bound >= distance - own && bound <= 4.0 * distance,
                "{distance}: {bound}"
            );
        }
    }
}

#[test]
fn a_matrix_without_full_rank_proves_nothing() {
    let a = DesignMatrix::Dense(DMatrix::from_element(3, 2, 1.0).into());
    let problem = Problem::new(
        LossKind::Softmax,
        a,
        DVector::zeros(3),
        DVector::repeat(3, 1.0),
    )
    .unwrap();
    let none = bound(&problem, &DVector::zeros(2));
    assert_eq!(none.bound, None);
    assert_eq!(
        none.basis,
        "no bound: the matrix or the Hessian is too close to singular for Gram matrices in f64"
    );
}

/// A 2^k has the minimiser x 2^-k, exactly, and the bound with it; where squares come near the ends of f64 there is none.
#[test]
fn a_bound_scales_with_the_columns_or_there_is_none() {
    let base = DMatrix::from_row_slice(4, 2, &[1.5, -0.25, 0.5, 2.0, -1.0, 0.75, 0.0, -1.0]);
    let at = |k: i32| {
        let matrix = DesignMatrix::dense(&base * 2f64.powi(k)).unwrap();
        let target = DVector::from_column_slice(&[0.4, 0.3, 0.2, 0.1]);
        Problem::new(LossKind::Softmax, matrix, target, DVector::repeat(4, 0.5)).unwrap()
    };
    let x = at(0).solve(&Settings::default()).unwrap().x;
    let bound = |k: i32| bound(&at(k), &(&x * 2f64.powi(-k)));
    let unscaled = bound(0).bound.unwrap();
    for k in [-200, -100, 100, 200] {
        let scaled = bound(k).bound.unwrap() * 2f64.powi(k);
        assert!(
            (scaled / unscaled - 1.0).abs() < 1e-9,
            "{k}: {scaled:e} {unscaled:e}"
        );
    }
    for k in [-500, -300, 300, 500, 540, 900] {
        let none = bound(k);
        assert_eq!(none.bound, None, "{k}");
        assert!(
            k == 900 || none.basis.contains("the ends of the range"),
            "{k}: {}",
            none.basis
        );
    }
}

#[test]
fn squared_row_norms_are_those_of_the_rows_dense_and_sparse() {
    let a = DMatrix::from_row_slice(3, 2, &[1.0, -2.0, 0.0, 3.0, 0.5, 0.0]);
    let sparse = DesignMatrix::Sparse(nalgebra_sparse::CsrMatrix::from(&a));
    for matrix in [DesignMatrix::Dense(a.into()), sparse] {
        assert_eq!(squared_row_norms(&matrix), [5.0, 9.0, 0.25]);
    }
}

/// Convexity proves 0.3 / (2 * 0.5) with a modulus of 2, and the gradient at hand; a step of 0.4 is no better.
#[test]
fn convexity_decides_where_newton_and_kantorovich_know_less() {
    let mut local = facts();
    let facts = local.hessian.as_mut().unwrap();
    (facts.step, facts.lowest) = (0.4, 0.01);
    let found = judged(&local, Some(1.0), Some(5.0));
    covers(found.bound.unwrap(), 0.3, 1e-9);
    assert!(found.basis.starts_with("strong convexity: "), "{found:?}");
}

/// A = diag(1, s, 1), w^2 = 4, a curvature of 1/2 along the first axis (of rank 3, two of them zero): H = diag(4.5, 4 s^2, 4). In
/// units u: G + 2 for the Gram matrix and its weights (trace 8 + 4 s^2), 2 for w^2; U (twice, times 1/2) and 8/2 for the
/// curvature, where a product meets U roundings; 3^2 + 1 additions, each 2 of the size 8.5 + 4 s^2. The gradient (0, s, 0)
/// makes the step 1 / 4s long, and computing H s rounds by (d + 2) u (root 2 ||H|| / 4s + s).
#[test]
fn every_rounding_on_the_way_to_a_hessian_is_counted() {
    let s = 2f64.powi(-15);
    let mut loss = Given::new(3, 3);
    loss.gradient[1] = 1.0;
    loss.hessian.basis[(0, 0)] = 1.0;
    loss.hessian.core[(0, 0)] = 0.5;
    let a = DMatrix::from_diagonal(&DVector::from_column_slice(&[1.0, s, 1.0]));
    let weights = DVector::repeat(3, 2.0);
    let problem =
        Problem::with_loss(Arc::new(loss), DesignMatrix::Dense(a.into()), &weights).unwrap();
    let local = Local::at(&problem, &DVector::zeros(3)).unwrap();
    let operator = problem.operator();
    let gram = operator.gram_additions() as f64;
    let product = dot_units(3).max(operator.product_additions() as f64);
    let (square, step) = (s * s, 0.25 / s);
    let error =
        UNIT * ((gram + 4.0) * 4.0 * (2.0 + square) + product + 4.0 + 20.0 * (8.5 + 4.0 * square));
    let facts = local.hessian.unwrap();
    covers(facts.lowest, 0.99 * 4.0 * square, 1e-12);
    let size = (2.0 * (4.5f64.powi(2) + 16.0 + 16.0 * square * square)).sqrt();
    let left = 5.0 * UNIT * (size * step + s);
    let off = (local.gradient_error + left + error * step) / facts.lowest;
    covers(facts.step, step + off, 1e-9);
    // 1 u of the error is more than what is left open.
    assert!(UNIT / facts.lowest > 2e-8);
}
