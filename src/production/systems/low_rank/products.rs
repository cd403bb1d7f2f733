//! Second derivatives of the reduced loss times a vector, without a matrix of them.
//!
//! ```text
//! Hess f V = blocks V - (omega o (G Y'))' X - (omega o R)' G        g_i = G_i^+ (A_i + B_i)
//! A = (omega o (X V')) Y        B = (omega o R) V
//! ```
//!
//! Four products of matrices as large as M with factors, where the matrix takes as many as the smaller factor has entries.

use nalgebra::{Cholesky, DMatrix, DVector};

use super::passes::{Block, Padded, add_product, over_columns, total};
use crate::production::systems::curvature::{Product, Scaling};
use crate::production::systems::low_rank::problem::{Point, Problem};
use crate::system::by_rows;

/// Curvature within a block below this part of the mean is not divided by.
const CLEAR: f64 = 1e-8;

/// All terms; the directions `Y R` carry the mean curvature of the blocks, which are those of the point.
pub(super) fn products<'a>(
    problem: &'a Problem,
    point: &'a Point,
    blocks: &'a [DMatrix<f64>],
) -> Product<'a> {
    let (p, k) = point.kept.shape();
    let diagonal: f64 = blocks.iter().map(DMatrix::trace).sum();
    let mean = diagonal / (p * k) as f64;
    Box::new(move |v| {
        let v = DMatrix::from_row_slice(p, k, v.as_slice());
        let within = &point.kept * point.kept.tr_mul(&v);
        let v = v - &within;
        let image = times(problem, point, blocks, &v);
        let image = &image - &point.kept * point.kept.tr_mul(&image) + within * mean;
        DVector::from_vec(by_rows(&image))
    })
}

/// `Hess f V` for a V orthogonal to the kept factor (p x k).
fn times(
    problem: &Problem,
    point: &Point,
    blocks: &[DMatrix<f64>],
    v: &DMatrix<f64>,
) -> DMatrix<f64> {
    let (p, k) = v.shape();
    let q = point.eliminated.nrows();
    let turned = Padded::transposed(&point.eliminated);
    let width = turned.width;
    let by_rows_of_v = by_rows(v);
    let empty = || vec![0.0; k * width];
    let sums = over_columns(p, &mut [], 0, empty, |block, _, sums| {
        let mut room = Vec::new();
        block.outer(&by_rows_of_v, k, &turned, &mut room);
        weigh(&mut room, width, block.of(&problem.omega), q);
        block.add_transposed(&point.kept, &room, width, sums);
        residuals(problem, point, block, &mut room, width);
        block.add_transposed(v, &room, width, sums);
    });
    let sums = total(sums, k * width);
    let mut solved = DMatrix::zeros(q, k);
    let mut row = vec![0.0; k];
    for (i, root) in point.roots.iter().enumerate() {
        for (a, entry) in row.iter_mut().enumerate() {
            *entry = sums[a * width + i];
        }
        for (place, entry) in solved.row_mut(i).iter_mut().zip(root.solve(&row)) {
            *place = entry;
        }
    }
    let turned = Padded::transposed(&solved);
    let by_rows_of_kept = by_rows(&point.kept);
    let [of_eliminated, of_solved] = [&point.eliminated, &solved].map(Padded::of);
    let each = of_solved.width;
    let mut back = vec![0.0; p * each];
    over_columns(
        p,
        &mut back,
        each,
        || (),
        |block, places, ()| {
            let mut room = Vec::new();
            block.outer(&by_rows_of_kept, k, &turned, &mut room);
            weigh(&mut room, width, block.of(&problem.omega), q);
            add_product(&room, width, q, &of_eliminated, places);
            residuals(problem, point, block, &mut room, width);
            add_product(&room, width, q, &of_solved, places);
        },
    );
    let mut image = DMatrix::from_fn(p, k, |j, a| -back[j * each + a]);
    for (j, block) in blocks.iter().enumerate() {
        let own = block * v.row(j).transpose();
        for (entry, own) in image.row_mut(j).iter_mut().zip(own.iter()) {
            *entry += own;
        }
    }
    image
}

/// Multiplies padded columns by others of q entries.
fn weigh(room: &mut [f64], width: usize, omega: &[f64], q: usize) {
    for (column, omega) in room
        .chunks_exact_mut(width)
        .zip(omega.chunks_exact(q.max(1)))
    {
        for (entry, weight) in column.iter_mut().zip(omega) {
            *entry *= weight;
        }
    }
}

/// `omega o R` for the columns of a block, padded.
fn residuals(problem: &Problem, point: &Point, block: &Block, room: &mut [f64], width: usize) {
    let q = point.residual.nrows();
    let columns = block.of(&problem.omega).chunks_exact(q.max(1));
    let columns = columns.zip(block.of(&point.residual).chunks_exact(q.max(1)));
    for (column, (omega, rest)) in room.chunks_exact_mut(width).zip(columns) {
        for ((entry, weight), rest) in column.iter_mut().zip(omega).zip(rest) {
            *entry = weight * rest;
        }
    }
}

/// `L_j'^-1` for the blocks `L_j L_j'`: near a minimiser the Hessian between them is I less what an alternating sweep leaves.
pub(super) struct BlockRoots(Vec<DMatrix<f64>>);

impl BlockRoots {
    /// Of blocks that are not definite the identity, over the root of the mean.
    pub(super) fn of(blocks: &[DMatrix<f64>]) -> Self {
        let entries: usize = blocks.iter().map(DMatrix::nrows).sum();
        let mean = blocks.iter().map(DMatrix::trace).sum::<f64>() / entries as f64;
        let root = |block: &DMatrix<f64>| {
            let order = block.nrows();
            let identity = DMatrix::identity(order, order);
            let inverse = Cholesky::new(block.clone())
                .and_then(|factor| factor.l_dirty().solve_lower_triangular(&identity))
                .filter(|inverse| inverse.norm_squared() * mean * CLEAR <= 1.0);
            inverse.map_or_else(|| identity / mean.sqrt(), |inverse| inverse.transpose())
        };
        Self(blocks.iter().map(root).collect())
    }

    fn each(
        &self,
        v: &DVector<f64>,
        work: impl Fn(&DMatrix<f64>, DVector<f64>) -> DVector<f64>,
    ) -> DVector<f64> {
        let mut image = v.clone();
        let mut first = 0;
        for root in &self.0 {
            let order = root.nrows();
            let part = work(root, v.rows(first, order).clone_owned());
            image.rows_mut(first, order).copy_from(&part);
            first += order;
        }
        image
    }
}

impl Scaling for BlockRoots {
    fn times(&self, v: &DVector<f64>) -> DVector<f64> {
        self.each(v, |root, part| root * part)
    }

    fn transposed_times(&self, v: &DVector<f64>) -> DVector<f64> {
        self.each(v, |root, part| root.tr_mul(&part))
    }
}
