//! Derivatives of the reduced loss against differences of the loss itself.

use nalgebra::{DMatrix, DVector};

use super::coordinates::Coordinates;
use super::point::Point;
use super::product::Differential;
use crate::instance::sample;
use crate::production::systems::curvature::Curvature;
use crate::system::{Given, Sizes, generator};

fn given(kind: &str) -> Given {
    let sizes = Sizes {
        rows: 7,
        width: 2,
        columns: Some(3),
    };
    generator(kind).unwrap().draw(&sizes, 5, 0).unwrap()
}

fn w_of(u: &DVector<f64>) -> DMatrix<f64> {
    DMatrix::from_row_slice(2, 2, u.as_slice())
}

/// Central differences with step 1e-5: truncation 1e-10, rounding 1e-11 over the step.
#[test]
fn gradient_and_hessian_are_differences_of_the_eliminated_loss() {
    for kind in ["attention", "attention-ridge"] {
        let of = Coordinates::new(&given(kind)).unwrap();
        let u = sample::dyadic_vector(&mut sample::stream(1, "point", 0), 4, 2);
        let point = Point::new(&of, &w_of(&u)).unwrap();
        let hessian = point.curvature(&of, Curvature::Exact);
        for j in 0..4 {
            let step = 1e-5;
            let at = |t: f64| {
                let mut moved = u.clone();
                moved[j] += t;
                Point::new(&of, &w_of(&moved)).unwrap()
            };
            let (up, down) = (at(step), at(-step));
            let slope = (up.loss - down.loss) / (2.0 * step);
            assert!((slope - point.gradient[j]).abs() <= 1e-8, "{kind}");
            let bent = (up.gradient - down.gradient) / (2.0 * step);
            assert!((bent - hessian.column(j)).amax() <= 1e-7, "{kind}");
        }
    }
}

/// W and X say the same logits, up to a constant in each row where no weight looks at them, and lead back.
#[test]
fn whitened_unknowns_lead_back() {
    for kind in ["attention", "attention-ridge"] {
        let given = given(kind);
        let of = Coordinates::new(&given).unwrap();
        let x = DMatrix::from_row_slice(2, 2, &[0.5, -1.0, 0.25, 2.0]);
        let w = of.whitened(&x);
        assert!((of.x(&w) - &x).amax() <= 1e-13);
        let (a1, a2) = (given.matrix("A1", "n", "d1"), given.matrix("A2", "n", "d2"));
        let logits = a1 * &x * a2.transpose();
        let mut apart = &of.first.range * &w * of.second.range.transpose() - logits;
        if kind == "attention" {
            for mut row in apart.row_iter_mut() {
                let first = row[0];
                row.add_scalar_mut(-first);
            }
        }
        assert!(apart.amax() <= 1e-13);
    }
}

#[test]
fn gauss_newton_is_semidefinite_and_the_hessian_is_another() {
    let of = Coordinates::new(&given("attention")).unwrap();
    let u = sample::dyadic_vector(&mut sample::stream(1, "point", 0), 4, 2);
    let point = Point::new(&of, &w_of(&u)).unwrap();
    let gauss_newton = point.curvature(&of, Curvature::GaussNewton);
    let exact = point.curvature(&of, Curvature::Exact);
    assert!((&exact - &gauss_newton).amax() > 1e-3);
    assert!(gauss_newton.symmetric_eigenvalues().min() >= -1e-14);
}

/// Each column of the matrix, whose own test takes differences.
#[test]
fn products_are_those_of_the_matrix() {
    for kind in ["attention", "attention-ridge"] {
        let of = Coordinates::new(&given(kind)).unwrap();
        let u = sample::dyadic_vector(&mut sample::stream(1, "point", 0), 4, 2);
        let point = Point::new(&of, &w_of(&u)).unwrap();
        for which in [Curvature::GaussNewton, Curvature::Exact] {
            let matrix = point.curvature(&of, which);
            let products = Differential::new(&of, &point, which);
            for j in 0..4 {
                let mut axis = DVector::zeros(4);
                axis[j] = 1.0;
                let off = (products.times(&axis) - matrix.column(j)).amax();
                assert!(
                    off <= 1e-12 * matrix.amax(),
                    "{kind} {which:?} {j}: {off:e}"
                );
            }
        }
    }
}
