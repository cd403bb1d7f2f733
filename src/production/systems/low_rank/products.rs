//! Second derivatives of the reduced loss times a vector, without a matrix of them.
//!
//! ```text
//! Hess f V = blocks V - (omega o (G Y'))' X - (omega o R)' G        g_i = G_i^+ (A_i + B_i)
//! A = (omega o (X V')) Y        B = (omega o R) V
//! ```
//!
//! Four products of matrices as large as M with factors, where the matrix takes as many as the smaller factor has entries.

use nalgebra::{DMatrix, DVector};

use crate::production::systems::curvature::Second;
use crate::production::systems::low_rank::problem::{Point, Problem, blocks};
use crate::system::by_rows;

/// All terms; the directions `Y R` carry the mean curvature of the blocks.
pub(super) fn products<'a>(problem: &'a Problem, point: &'a Point) -> Second<'a> {
    let (p, k) = point.kept.shape();
    let blocks = blocks(problem, point);
    let diagonal = (0..k)
        .map(|a| blocks.column(a * k + a).lp_norm(1))
        .sum::<f64>();
    let mean = diagonal / (p * k) as f64;
    let weighted = problem.omega.component_mul(&point.residual);
    Second::Products(
        p * k,
        Box::new(move |v| {
            let v = DMatrix::from_row_slice(p, k, v.as_slice());
            let within = &point.kept * point.kept.tr_mul(&v);
            let v = v - &within;
            let image = times(problem, point, &blocks, &weighted, &v);
            let image = &image - &point.kept * point.kept.tr_mul(&image) + within * mean;
            DVector::from_vec(by_rows(&image))
        }),
    )
}

/// `Hess f V` for a V orthogonal to the kept factor (p x k).
fn times(
    problem: &Problem,
    point: &Point,
    blocks: &DMatrix<f64>,
    weighted: &DMatrix<f64>,
    v: &DMatrix<f64>,
) -> DMatrix<f64> {
    let (p, k) = v.shape();
    let through = problem
        .omega
        .component_mul(&(&point.eliminated * v.transpose()))
        * &point.kept;
    let mut sums = through + weighted * v;
    for (i, root) in point.roots.iter().enumerate() {
        let row = sums.row(i) * root * root.transpose();
        sums.row_mut(i).copy_from(&row);
    }
    let back = problem
        .omega
        .component_mul(&(&sums * point.kept.transpose()));
    let own = DMatrix::from_fn(p, k, |j, a| {
        (0..k).map(|b| blocks[(j, a * k + b)] * v[(j, b)]).sum()
    });
    own - back.tr_mul(&point.eliminated) - weighted.tr_mul(&sums)
}
