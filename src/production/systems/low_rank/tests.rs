//! Derivatives of the reduced loss against differences of the loss itself.

use nalgebra::{DMatrix, DVector};

use super::problem::{Problem, orthonormal};
use super::variable_projection::Projected;
use crate::instance::sample;
use crate::production::systems::curvature::Curvature;
use crate::production::systems::trust_region::Reduced;
use crate::system::{Sizes, generator};

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

/// Central differences with step 1e-5: truncation 1e-10, rounding 1e-11 over the step.
#[test]
fn gradient_and_hessian_are_differences_of_the_eliminated_loss() {
    for kind in ["low-rank", "masked-low-rank"] {
        let problem = problem(kind);
        let reduced = Projected(&problem);
        let kept = orthonormal(DMatrix::from_row_slice(6, 2, direction(1).as_slice()));
        let u = DVector::from_column_slice(kept.transpose().as_slice());
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
