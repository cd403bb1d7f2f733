//! The enclosures against values by hand, and the bound's parts against the solver's own formulas and differences.

use nalgebra::{DMatrix, DVector};

use super::enclosed::{Enclosed, spectral_norm};
use super::hessian::Around;
use super::*;
use crate::instance::sample;
use crate::production::systems::attention::point::Point;
use crate::production::systems::curvature::Curvature;
use crate::system::{Sizes, by_rows, generator};

fn given(kind: &str) -> Given {
    let sizes = Sizes {
        rows: 7,
        width: 2,
        columns: Some(3),
    };
    generator(kind).unwrap().draw(&sizes, 5, 0).unwrap()
}

/// A point with Y eliminated, and everything around it.
fn around(kind: &str) -> (Coordinates, Point, Around) {
    let given = given(kind);
    let of = Coordinates::new(&given).unwrap();
    let u = sample::dyadic_vector(&mut sample::stream(1, "point", 0), 4, 2);
    let w = DMatrix::from_row_slice(2, 2, u.as_slice());
    let point = Point::new(&of, &w).unwrap();
    let unknowns = [by_rows(&of.x(&w)), by_rows(&of.y(&point.values))].concat();
    let back = [&of.first, &of.second, &of.third].map(|factor| factor.unwhitening());
    let around = Around::new(&given, &of, &back, &unknowns);
    (of, point, around)
}

/// The solver's matrix is the Schur complement of the enclosed one.
#[test]
fn the_enclosed_hessian_leaves_the_solvers_after_elimination() {
    for kind in ["attention", "attention-ridge"] {
        let (of, point, around) = around(kind);
        let hessian = around.hessian();
        let order = hessian.mid.nrows();
        let split = 4;
        let rest = order - split;
        let corner = hessian.mid.view((0, 0), (split, split)).into_owned();
        let mixed = hessian.mid.view((0, split), (split, rest)).into_owned();
        let own = hessian.mid.view((split, split), (rest, rest)).into_owned();
        let solved = own.lu().solve(&mixed.transpose()).unwrap();
        let eliminated = corner - mixed * solved;
        let exact = point.curvature(&of, Curvature::Exact);
        assert!(
            (eliminated - &exact).amax() <= 1e-11 * exact.amax(),
            "{kind}"
        );
        assert!(hessian.rad.amax() <= 1e-12 * hessian.mid.amax());
        let gradient = around.gradient();
        for (k, entry) in point.gradient.iter().enumerate() {
            // The solver's vector goes row by row, that of the enclosure column by column.
            let found = gradient.ball((k % 2) * 2 + k / 2, 0);
            assert!((found.midpoint() - entry).abs() <= found.radius() + 1e-11);
        }
    }
}

/// Differences of the Hessian over a step of 2^-10 stay below the Lipschitz constant, and come within a factor of 200 of it.
#[test]
fn the_lipschitz_constant_covers_differences_of_the_hessian() {
    for kind in ["attention", "attention-ridge"] {
        let given = given(kind);
        let of = Coordinates::new(&given).unwrap();
        let back = [&of.first, &of.second, &of.third].map(|factor| factor.unwhitening());
        let mut stream = sample::stream(3, "directions", 0);
        let mut largest = 0.0_f64;
        for _ in 0..40 {
            let mut draw = |rows, columns, most| {
                DMatrix::from_fn(rows, columns, |_, _| sample::dyadic(&mut stream, most))
            };
            let (w, v) = (draw(2, 2, 2), draw(of.third.rank(), of.target.ncols(), 2));
            let (d, e) = (draw(2, 2, 1), draw(v.nrows(), v.ncols(), 1));
            let length = d.norm().hypot(e.norm());
            let at = |t: f64| {
                let (w, v) = (&w + &d * (t / length), &v + &e * (t / length));
                let unknowns = [by_rows(&of.x(&w)), by_rows(&of.y(&v))].concat();
                Around::new(&given, &of, &back, &unknowns)
            };
            let step = 2f64.powi(-10);
            let here = at(0.0);
            let change = (at(step).hessian().mid - here.hessian().mid) / step;
            let bound = here.lipschitz(step);
            let share = change.symmetric_eigenvalues().amax() / bound;
            assert!(share <= 1.0, "{kind}: {share}");
            largest = largest.max(share);
        }
        assert!(largest > 1.0 / 200.0, "{kind}: {largest}");
    }
}

/// (1 +- 1/8)(2 +- 1/4) lies within 1/4 + 1/4 + 1/32 of 2.
#[test]
fn radii_of_products_are_those_of_hand_arithmetic() {
    let one = |mid: f64, rad: f64| Enclosed {
        mid: DMatrix::from_element(1, 1, mid),
        rad: DMatrix::from_element(1, 1, rad),
    };
    let product = one(1.0, 0.125).times(&one(2.0, 0.25));
    assert_eq!(product.mid[(0, 0)], 2.0);
    let excess = product.rad[(0, 0)] - 0.53125;
    assert!((0.0..1e-9).contains(&excess), "{excess:e}");
    let diagonal = DMatrix::from_diagonal(&DVector::from_vec(vec![3.0, 4.0]));
    let norm = spectral_norm(&Enclosed::exact(diagonal));
    assert!((4.0..4.000_001).contains(&norm));
}

#[test]
fn a_hessian_that_is_not_definite_is_not_bounded_from_below() {
    let matrix = |entries: &[f64]| {
        Enclosed::exact(DMatrix::from_diagonal(&DVector::from_column_slice(entries)))
    };
    assert!(least_curvature(&matrix(&[1.0, -1e-3])).is_none());
    let mu = least_curvature(&matrix(&[1.0, 0.25])).unwrap();
    assert!((0.2..0.25).contains(&mu));
    // A radius of a half may hide the eigenvalue.
    let mut loose = matrix(&[1.0, 0.25]);
    loose.rad.fill(0.5);
    assert!(least_curvature(&loose).is_none());
}
