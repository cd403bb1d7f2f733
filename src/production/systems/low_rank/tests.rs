//! Derivatives of the reduced loss against differences of the loss itself.

use nalgebra::{DMatrix, DVector};

use super::problem::{Problem, orthonormal};
use super::products::products;
use super::variable_projection::Projected;
use crate::instance::sample;
use crate::production::systems::curvature::Curvature;
use crate::production::systems::trust_region::Reduced;
use crate::system::{Array, Sizes, generator};

fn problem(kind: &str) -> Problem {
    let sizes = Sizes {
        rows: 9,
        width: 2,
        columns: Some(6),
    };
    let given = generator(kind).unwrap().draw(&sizes, 5, 0).unwrap();
    Problem::new(&given).unwrap()
}

fn direction(k: u64) -> DVector<f64> {
    sample::dyadic_vector(&mut sample::stream(k, "direction", 0), 12, 1)
}

/// A kept factor, and the same row by row.
fn kept_factor() -> (DMatrix<f64>, DVector<f64>) {
    let kept = orthonormal(DMatrix::from_row_slice(6, 2, direction(1).as_slice()));
    let u = DVector::from_column_slice(kept.transpose().as_slice());
    (kept, u)
}

/// Products off the gauge are those of the matrix, and both have a positive curvature along it.
#[test]
fn products_are_those_of_the_matrix() {
    for kind in ["low-rank", "masked-low-rank"] {
        let problem = problem(kind);
        let reduced = Projected(&problem);
        let (kept, u) = kept_factor();
        let point = reduced.at(&u).unwrap();
        let matrix = reduced.matrix(&point, Curvature::Exact);
        let products = products(&problem, &point);
        for k in 2..6 {
            let v = DMatrix::from_column_slice(2, 6, direction(k).as_slice()).transpose();
            let off = &v - &kept * kept.tr_mul(&v);
            let off = DVector::from_column_slice(off.transpose().as_slice());
            let error = (products.times(&off) - &matrix * &off).norm();
            assert!(
                error <= 1e-13 * matrix.norm() * off.norm(),
                "{kind} {error}"
            );
            let along = &kept * kept.tr_mul(&v);
            let along = DVector::from_column_slice(along.transpose().as_slice());
            assert!(products.times(&along).dot(&along) > 0.0, "{kind}");
        }
    }
}

/// Central differences with step 1e-5: truncation 1e-10, rounding 1e-11 over the step.
#[test]
fn gradient_and_hessian_are_differences_of_the_eliminated_loss() {
    for kind in ["low-rank", "masked-low-rank"] {
        let problem = problem(kind);
        let reduced = Projected(&problem);
        let (kept, u) = kept_factor();
        let point = reduced.at(&u).unwrap();
        let hessian = reduced.matrix(&point, Curvature::Exact);
        let project = |v: &DVector<f64>| {
            let v = DMatrix::from_column_slice(2, 6, v.as_slice()).transpose();
            let v = &v - &kept * (kept.transpose() * &v);
            DVector::from_column_slice(v.transpose().as_slice())
        };
        for k in 2..6 {
            // The eliminated loss does not care for the basis, so the straight line and the retraction have the same values.
            let v = project(&direction(k));
            let (step, loss) = (1e-5, |t: f64| reduced.at(&(&u + &v * t)).unwrap());
            let (up, down) = (loss(step), loss(-step));
            let slope = (up.loss - down.loss) / (2.0 * step);
            assert!((slope - point.gradient.dot(&v)).abs() <= 1e-8, "{kind}");
            let bent = (up.gradient - down.gradient) / (2.0 * step);
            let w = project(&direction(k + 10));
            assert!(
                (bent.dot(&w) - (&hessian * &v).dot(&w)).abs() <= 1e-7,
                "{kind}"
            );
        }
        // The directions Y R change nothing; the matrix that is factored has a curvature there all the same.
        let gauge = &kept * DMatrix::from_row_slice(2, 2, &[0.5, -1.0, 0.25, 2.0]);
        let gauge = DVector::from_column_slice(gauge.transpose().as_slice());
        assert!(point.gradient.dot(&gauge).abs() <= 1e-12);
        assert!((&hessian * &gauge).dot(&gauge) > 0.0);
    }
}

/// Gauss-Newton is positive semidefinite everywhere, and the Hessian where the residual is zero.
#[test]
fn gauss_newton_is_the_hessian_without_residuals() {
    let problem = problem("low-rank");
    let reduced = Projected(&problem);
    let point = reduced.at(&direction(1)).unwrap();
    let gauss_newton = reduced.matrix(&point, Curvature::GaussNewton);
    let exact = reduced.matrix(&point, Curvature::Exact);
    let lowest = |matrix: DMatrix<f64>| matrix.symmetric_eigenvalues().min();
    assert!((&exact - &gauss_newton).amax() > 1e-3);
    assert!(lowest(gauss_newton) >= -1e-14 * exact.amax());
}

/// Norm and rounding level of the gradient in both factors of the system itself, of any unit, where neither factor is at its best:
/// `|| (R Y, R'X) ||` with `R = W o W o (X Y' - M)`, and one unit for each of `p + k + 4` roundings with all terms taken by their size.
#[test]
fn the_gradient_in_both_factors_is_that_of_the_system_in_its_own_unit() {
    for (rows, columns) in [(9, 6), (6, 9)] {
        let sizes = Sizes {
            rows,
            width: 2,
            columns: Some(columns),
        };
        let drawn = generator("masked-low-rank")
            .unwrap()
            .draw(&sizes, 5, 0)
            .unwrap();
        for exponent in [-100, -3, 0, 40] {
            let m = drawn.array("M").unwrap();
            let scaled = m.values().iter().map(|m| m * 2f64.powi(exponent)).collect();
            let scaled = Array::new(m.shape().to_vec(), scaled).unwrap();
            let given = drawn.with_array("M", scaled).unwrap();
            let problem = Problem::new(&given).unwrap();
            let kept = orthonormal(DMatrix::from_row_slice(6, 2, direction(1).as_slice()));
            let mut point = problem.at(kept).unwrap();
            point.eliminated *= 1.25;
            point.residual = &point.eliminated * point.kept.transpose() - &problem.target;
            let weighted = problem.omega.component_mul(&point.residual);
            let slope = weighted.transpose() * &point.eliminated;
            point.gradient = DVector::from_column_slice(slope.transpose().as_slice());

            let both = problem.unknowns(&point);
            let (x, y) = both.split_at(2 * rows);
            let (x, y) = (
                DMatrix::from_row_slice(rows, 2, x),
                DMatrix::from_row_slice(columns, 2, y),
            );
            let weights = given.matrix("W", "n", "m").map(|w| w * w);
            let target = given
                .matrix("M", "n", "m")
                .zip_map(&weights, |m, w| if w == 0.0 { 0.0 } else { m });
            let residual = weights.component_mul(&(&x * y.transpose() - &target));
            let norm = (&residual * &y)
                .norm()
                .hypot((residual.transpose() * &x).norm());
            let found = problem.shown(problem.gradient_norm(&point));
            assert!(
                (found / norm - 1.0).abs() <= 1e-12,
                "{exponent}: {found:e} {norm:e}"
            );

            let (x, y) = (x.map(f64::abs), y.map(f64::abs));
            let sizes = weights.component_mul(&(&x * y.transpose() + target.map(f64::abs)));
            let units = |terms: usize| (terms + 6) as f64 * 0.5 * f64::EPSILON;
            let of_x = units(columns) * (&sizes * &y).norm();
            let noise = of_x.hypot(units(rows) * (sizes.transpose() * &x).norm());
            let found = problem.shown(problem.rounding(&point));
            assert!(
                (found / noise - 1.0).abs() <= 1e-12,
                "{exponent}: {found:e} {noise:e}"
            );
        }
    }
}
