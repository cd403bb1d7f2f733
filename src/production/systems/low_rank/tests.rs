//! Derivatives of the reduced loss against differences of the loss itself.

use nalgebra::{DMatrix, DVector};

use super::problem::{Problem, blocks, orthonormal};
use super::products::{BlockRoots, products};
use super::variable_projection::Projected;
use crate::instance::sample;
use crate::production::systems::curvature::{Curvature, Scaling};
use crate::production::systems::trust_region::Reduced;
use crate::system::{Array, Given, Sizes, WEIGHTED_LOW_RANK, generator};

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
        let blocks = blocks(&problem, &point);
        let products = products(&problem, &point, &blocks);
        for k in 2..6 {
            let v = DMatrix::from_column_slice(2, 6, direction(k).as_slice()).transpose();
            let off = &v - &kept * kept.tr_mul(&v);
            let off = DVector::from_column_slice(off.transpose().as_slice());
            let error = (products(&off) - &matrix * &off).norm();
            assert!(
                error <= 1e-13 * matrix.norm() * off.norm(),
                "{kind} {error}"
            );
            let along = &kept * kept.tr_mul(&v);
            let along = DVector::from_column_slice(along.transpose().as_slice());
            assert!(products(&along).dot(&along) > 0.0, "{kind}");
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
            let point = problem.at(kept).unwrap();
            let eliminated = &point.eliminated * 1.25;
            let point = problem.point(point.kept, eliminated, point.roots).unwrap();

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

/// 70 x 37 of rank 3, a third of the entries hidden, a row with two of them and one with none: several blocks, none of them whole.
fn several_blocks() -> Problem {
    let mut stream = sample::stream(3, "several-blocks", 0);
    let mut draw = |rows: usize, columns: usize| {
        DMatrix::from_fn(rows, columns, |_, _| sample::dyadic(&mut stream, 1))
    };
    let (x, y, noise, mask) = (draw(70, 3), draw(37, 3), draw(70, 37), draw(70, 37));
    let target = &x * y.transpose() + noise * 0.125;
    let weights = DMatrix::from_fn(70, 37, |i, j| {
        let seen = match i {
            4 => j < 2,
            5 => false,
            _ => mask[(i, j)] > -0.33,
        };
        if seen { 1.0 + mask[(i, j)].abs() } else { 0.0 }
    });
    let arrays = [
        ("M", Array::matrix(&target)),
        ("W", Array::matrix(&weights)),
        ("rank", Array::scalar(3.0)),
    ];
    let arrays = arrays.map(|(name, array)| (name.to_owned(), array));
    Problem::new(&Given::new(&WEIGHTED_LOW_RANK, arrays.into()).unwrap()).unwrap()
}

/// Against the definitions, by plain products of whole matrices and normal equations row by row.
#[test]
fn passes_by_blocks_are_the_definitions() {
    let problem = several_blocks();
    let point = problem.at(problem.start(None, 1)).unwrap();
    let (omega, target) = (&problem.omega, &problem.target);
    for i in (0..70).filter(|i| !(4..=5).contains(i)) {
        let weights = DMatrix::from_diagonal(&omega.row(i).transpose());
        let gram = point.kept.transpose() * &weights * &point.kept;
        let right = point.kept.transpose() * &weights * target.row(i).transpose();
        let row = gram.clone().lu().solve(&right).unwrap();
        assert!(
            (row.transpose() - point.eliminated.row(i)).norm() <= 1e-12 * row.norm(),
            "{i}"
        );
        let root = point.roots[i].matrix(3);
        assert!((gram * &root * root.transpose() - DMatrix::identity(3, 3)).norm() <= 1e-12);
    }
    // Two entries determine two directions of three, and the row of least norm is met by both; none determine none.
    assert_eq!((point.roots[4].rank(3), point.roots[5].rank(3)), (2, 0));
    assert!(
        point.residual[(4, 0)]
            .abs()
            .max(point.residual[(4, 1)].abs())
            <= 1e-12
    );
    assert_eq!(point.eliminated.row(5).norm(), 0.0);
    let residual = &point.eliminated * point.kept.transpose() - target;
    let weighted = omega.component_mul(&residual);
    assert!((&residual - &point.residual).amax() <= 1e-14);
    let loss = 0.5 * weighted.dot(&residual);
    assert!((point.loss / loss - 1.0).abs() <= 1e-14);
    let gradient = weighted.transpose() * &point.eliminated;
    let gradient = DVector::from_column_slice(gradient.transpose().as_slice());
    assert!((&gradient - &point.gradient).norm() <= 1e-14 * weighted.norm());
    let kept = problem.best_kept(&point.eliminated);
    let other = weighted_least_squares(omega, target, &point.eliminated);
    assert!((kept - &other).norm() <= 1e-12 * other.norm());
}

/// The other factor, column by column.
fn weighted_least_squares(
    omega: &DMatrix<f64>,
    target: &DMatrix<f64>,
    factor: &DMatrix<f64>,
) -> DMatrix<f64> {
    let mut other = DMatrix::zeros(omega.ncols(), factor.ncols());
    for j in 0..omega.ncols() {
        let weights = DMatrix::from_diagonal(&omega.column(j).clone_owned());
        let gram = factor.transpose() * &weights * factor;
        let right = factor.transpose() * &weights * target.column(j);
        other
            .row_mut(j)
            .tr_copy_from(&gram.lu().solve(&right).unwrap());
    }
    other
}

#[test]
fn products_over_several_blocks_are_those_of_the_matrix() {
    let problem = several_blocks();
    let point = problem.at(problem.start(None, 1)).unwrap();
    let matrix = Projected(&problem).matrix(&point, Curvature::Exact);
    let blocks = blocks(&problem, &point);
    let products = products(&problem, &point, &blocks);
    let v = sample::dyadic_vector(&mut sample::stream(9, "direction", 0), 111, 1);
    let v = DMatrix::from_row_slice(37, 3, v.as_slice());
    let off = &v - &point.kept * point.kept.tr_mul(&v);
    let off = DVector::from_column_slice(off.transpose().as_slice());
    let error = (products(&off) - &matrix * &off).norm();
    assert!(error <= 1e-12 * matrix.norm() * off.norm(), "{error:e}");
}

#[test]
fn passes_are_the_same_bits_for_any_number_of_threads() {
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        pool.build().unwrap().install(|| {
            let problem = several_blocks();
            let point = problem.at(problem.start(None, 1)).unwrap();
            let blocks = blocks(&problem, &point);
            let image = products(&problem, &point, &blocks)(&point.gradient);
            (point.eliminated, point.gradient, point.loss, image)
        })
    };
    assert_eq!(run(1), run(3));
}

/// The cheap answer and the full one are the same.
#[test]
fn a_gradient_is_rounding_up_to_its_level() {
    let problem = several_blocks();
    let point = problem.at(problem.start(None, 1)).unwrap();
    let level = problem.rounding(&point);
    assert!(problem.is_rounding(&point, level));
    for factor in [1.0 + 1e-9, 1e3, 1e9] {
        assert!(!problem.is_rounding(&point, level * factor));
    }
}

/// The blocks' roots turn the blocks into the identity; a column that nobody sees is left alone.
#[test]
fn block_roots_are_those_of_the_blocks() {
    let blocks = [
        DMatrix::from_row_slice(2, 2, &[4.0, 2.0, 2.0, 5.0]),
        DMatrix::zeros(2, 2),
    ];
    let roots = BlockRoots::of(&blocks);
    let v = DVector::from_vec(vec![1.0, -2.0, 3.0, 4.0]);
    let image = roots.times(&v);
    let first = &blocks[0] * image.rows(0, 2);
    let back = roots.transposed_times(&DVector::from_vec(vec![first[0], first[1], 0.0, 0.0]));
    assert!((back - DVector::from_vec(vec![1.0, -2.0, 0.0, 0.0])).norm() <= 1e-14);
    // The mean of the diagonals is 9 / 4.
    assert!((image[2] - 2.0).abs() + (image[3] - 8.0 / 3.0).abs() <= 1e-14);
}
