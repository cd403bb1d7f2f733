//! A design matrix as the solver uses it: whole products, cut into chunks and run on all threads; `doubled` has those in doubled
//! precision, `gram` Gram matrices, `regression` normal equations with their right sides, `several` products with several vectors at once.
//!
//! Where several processes share the rows ([`Share`]), arrays with an entry for each row have those of the rows that are here, and
//! sums, products with `A'` and Gram matrices are those of all rows.

mod doubled;
mod gram;
mod regression;
pub(crate) mod several;
#[cfg(test)]
pub(crate) mod test_support;

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::instance::row_major::LINE;
use crate::instance::{DesignMatrix, Outline};
use crate::production::kernels::partition::Partition;
use crate::production::kernels::pool::Pool;
use crate::production::kernels::softmax::{
    Coefficients, Line, LineSums, Sums, coefficients, line_sums, shifted_exponentials,
};
use crate::production::kernels::sparse::{Lanes, SparseRows};
use crate::production::kernels::{Level, dense};
use crate::production::ranks::{Numbers, Share};

pub(crate) use gram::{Gram, SingleGram};
pub(crate) use regression::{NormalEquations, Residual, Targets};

/// Chunks of a pass over the rows at most.
const PASS_CHUNKS: usize = 64;
/// A matrix with n rows and d columns, ready for the kernels.
#[derive(Clone)]
pub(crate) struct Operator {
    /// The rows that are here.
    matrix: Arc<DesignMatrix>,
    share: Share,
    level: Level,
    stride: usize,
    /// Of the rows that are here.
    pass: Partition,
    /// Of all rows, for passes and for Gram matrices.
    all: Partition,
    gram: Partition,
    /// Stored entries of all rows, padding not counted.
    stored: usize,
    /// Rows of A that have been read by this operator and its clones.
    rows_read: Arc<AtomicU64>,
    /// Workspace of former solves.
    pool: Arc<Pool>,
}

/// What one pass over A gives for softmax, with `p = exp(A x - shift)`.
pub(crate) struct SoftmaxPass {
    /// Sums over the rows.
    pub sums: Sums,
    /// `A' (p o (p - b))`, `A' (p o p)`, `A' p`: d entries each.
    pub projections: [Vec<f64>; 3],
    /// `A' (w^2 o z)`, where that was asked for.
    pub ridge: Option<Vec<f64>>,
}

impl Operator {
    /// The matrix, which is shared, at a level.
    pub fn new(matrix: &Arc<DesignMatrix>, level: Level) -> Self {
        let share = Share::whole(matrix.rows());
        Self::of_part(matrix, matrix.stored(), share, level)
    }

    /// The rows of a matrix that are here; all rows together have so many stored entries.
    pub fn of_part(matrix: &Arc<DesignMatrix>, stored: usize, share: Share, level: Level) -> Self {
        let outline = Outline {
            rows: share.all(),
            stored,
            ..Outline::of(matrix)
        };
        let entries = entries(&outline);
        let all = Partition::new(share.all(), entries, PASS_CHUNKS);
        Self {
            matrix: Arc::clone(matrix),
            pass: all.part(share.own().len()),
            gram: Partition::of_gram(share.all(), entries, matrix.columns()),
            share,
            level,
            stride: matrix.columns().next_multiple_of(LINE),
            all,
            stored,
            rows_read: Arc::default(),
            pool: Arc::default(),
        }
    }

    /// The cut of a matrix into the chunks that ranks have.
    pub fn cut(outline: &Outline) -> Partition {
        Partition::new(outline.rows, entries(outline), PASS_CHUNKS)
    }

    /// The same matrix with a counter of its own.
    pub fn counted_anew(&self) -> Self {
        Self {
            rows_read: Arc::default(),
            ..self.clone()
        }
    }

    /// How often A has been read so far: a product or a fused sweep counts 1, a Gram matrix of some rows their fraction, one that
    /// another solve has left as if it were made anew.
    pub fn passes(&self) -> f64 {
        self.rows_read.load(Ordering::Relaxed) as f64 / self.all_rows() as f64
    }

    /// Counts the rows that another operator, made of some rows of this one, has read.
    pub fn count_with(&self, part: &Self) {
        let rows = part.rows_read.load(Ordering::Relaxed);
        self.rows_read.fetch_add(rows, Ordering::Relaxed);
    }

    /// The instructions in use.
    pub fn level(&self) -> Level {
        self.level
    }

    /// About how many passes over A a Gram matrix of all rows costs: as measured for dense rows of 64 and 500 entries (4 and 28)
    /// and for sparse rows of 10 (2). By the shape alone, so that decisions do not depend on the machine.
    pub fn gram_passes(&self) -> f64 {
        match self.matrix.as_ref() {
            DesignMatrix::Dense(matrix) => matrix.columns() as f64 / 16.0,
            DesignMatrix::Sparse(_) => self.stored as f64 / self.all_rows() as f64 / 5.0,
        }
    }

    /// Counts a pass that somebody else has made for this one.
    pub fn count_pass(&self) {
        self.count(self.all_rows());
    }

    fn count(&self, rows: usize) {
        self.rows_read.fetch_add(rows as u64, Ordering::Relaxed);
    }

    /// Stored entries, padding not counted.
    pub fn stored(&self) -> usize {
        self.stored
    }

    fn multiply_block(&self, rows: Range<usize>, x: &[f64], z: &mut [f64]) {
        match self.matrix.as_ref() {
            DesignMatrix::Dense(matrix) => {
                let mut room = Vec::new();
                let block = matrix.padded(rows.start, rows.end, &mut room);
                dense::multiply(self.level, block, x, z);
            }
            DesignMatrix::Sparse(sparse) => SparseRows::of(sparse).multiply(self.level, rows, x, z),
        }
    }

    /// x with zeros up to the stride.
    fn padded(&self, x: &[f64]) -> Vec<f64> {
        let mut padded = x.to_vec();
        padded.resize(self.stride, 0.0);
        padded
    }

    /// `z = A x`; x has d entries, z has n.
    pub fn multiply(&self, x: &[f64], z: &mut [f64]) {
        self.count(self.all_rows());
        let x = self.padded(x);
        let chunks: Vec<&mut [f64]> = z.chunks_mut(self.pass.chunk_rows()).collect();
        self.pass.for_each(chunks, |rows, z| {
            for block in self.pass.blocks(rows.clone()) {
                let local = block.start - rows.start..block.end - rows.start;
                self.multiply_block(block, &x, &mut z[local]);
            }
        });
    }

    /// `A' u`, d entries; u has n.
    pub fn transpose_multiply(&self, u: &[f64]) -> Vec<f64> {
        self.count(self.all_rows());
        let mut partial = vec![0.0; self.pass.chunks() * self.stride];
        let chunks: Vec<&mut [f64]> = partial.chunks_mut(self.stride).collect();
        self.pass.for_each(chunks, |rows, sums| {
            let mut room = Vec::new();
            for block in self.pass.blocks(rows) {
                let u = &u[block.clone()];
                match self.matrix.as_ref() {
                    DesignMatrix::Dense(matrix) => {
                        let rows = matrix.padded(block.start, block.end, &mut room);
                        dense::accumulate(self.level, rows, self.stride, [u], sums);
                    }
                    DesignMatrix::Sparse(sparse) => {
                        SparseRows::of(sparse).accumulate_one(self.level, block, u, sums);
                    }
                }
            }
        });
        self.total(partial.chunks(self.stride))
    }

    /// Adds rows of partial sums in order and cuts off the padding.
    fn total<'a>(&self, parts: impl Iterator<Item = &'a [f64]>) -> Vec<f64> {
        self.share.in_turn(vec![0.0; self.columns()], |total| {
            for part in parts {
                for (sum, entry) in total.iter_mut().zip(part) {
                    *sum += entry;
                }
            }
        })
    }

    /// How many rows are here: the entries of an array with one for each row.
    pub fn rows(&self) -> usize {
        self.share.own().len()
    }

    /// The number of rows n.
    pub fn all_rows(&self) -> usize {
        self.share.all()
    }

    /// Which rows are here.
    pub fn share(&self) -> &Share {
        &self.share
    }

    /// The number of columns d.
    pub fn columns(&self) -> usize {
        self.matrix.columns()
    }

    /// One sweep over A: logits, the sums over `p = exp(z - shift)`, and three products with `A'`. Without x, `z` holds the
    /// logits already and only the products are made.
    pub fn softmax_pass(
        &self,
        x: Option<&[f64]>,
        shift: f64,
        b: &[f64],
        z: &mut [f64],
    ) -> SoftmaxPass {
        self.fused_pass(x, (shift, b), None, z)
    }

    /// [`softmax_pass`](Self::softmax_pass) over a dense A with the gradient of a ridge, from the squares of its weights.
    pub fn softmax_ridge_pass(
        &self,
        x: Option<&[f64]>,
        shift: f64,
        b: &[f64],
        squared_weights: &[f64],
        z: &mut [f64],
    ) -> SoftmaxPass {
        self.fused_pass(x, (shift, b), Some(squared_weights), z)
    }

    fn fused_pass(
        &self,
        x: Option<&[f64]>,
        (shift, b): (f64, &[f64]),
        squared_weights: Option<&[f64]>,
        z: &mut [f64],
    ) -> SoftmaxPass {
        self.count(self.all_rows());
        let products = 3 + usize::from(squared_weights.is_some());
        let x = x.map(|x| self.padded(x));
        let rows_per_chunk = self.pass.chunk_rows();
        struct Part<'a> {
            z: &'a mut [f64],
            sums: Sums,
            projections: Projections,
        }
        let mut parts: Vec<Part<'_>> = z
            .chunks_mut(rows_per_chunk)
            .map(|z| Part {
                z,
                sums: Sums::default(),
                projections: self.no_projections(products),
            })
            .collect();
        let block_rows = self.pass.block_rows();
        let work: Vec<&mut Part<'_>> = parts.iter_mut().collect();
        self.pass.for_each(work, |rows, part| {
            let mut buffers = vec![0.0; products * block_rows];
            let (p, rest) = buffers.split_at_mut(block_rows);
            let (residual, rest) = rest.split_at_mut(block_rows);
            let (squares, weighted) = rest.split_at_mut(block_rows);
            for block in self.pass.blocks(rows.clone()) {
                let count = block.len();
                let z = &mut part.z[block.start - rows.start..block.end - rows.start];
                if let Some(x) = &x {
                    self.multiply_block(block.clone(), x, z);
                }
                let (p, residual, squares) = (
                    &mut p[..count],
                    &mut residual[..count],
                    &mut squares[..count],
                );
                let filled = Coefficients {
                    p,
                    residual,
                    squares,
                };
                let sums = coefficients(self.level, z, &b[block.clone()], shift, filled);
                part.sums.add(&sums);
                if let Some(weights) = squared_weights {
                    let weighted = &mut weighted[..count];
                    for ((place, w2), z) in weighted.iter_mut().zip(&weights[block.clone()]).zip(z)
                    {
                        *place = w2 * *z;
                    }
                    let all: [&[f64]; 4] = [residual, squares, p, weighted];
                    self.project_dense(block, all, &mut part.projections);
                } else {
                    self.project(block, [residual, squares, p], &mut part.projections);
                }
            }
        });
        let mut sums = Sums::default();
        for part in self
            .share
            .of_all(parts.iter().map(|part| part.sums).collect())
        {
            sums.add(&part);
        }
        let d = self.columns();
        let total = self.share.in_turn(vec![0.0; products * d], |total| {
            for (k, total) in total.chunks_exact_mut(d).enumerate() {
                for part in &parts {
                    part.projections.add_to(k, self.stride, total);
                }
            }
        });
        let product = |k: usize| total[k * d..(k + 1) * d].to_vec();
        SoftmaxPass {
            sums,
            projections: std::array::from_fn(product),
            ridge: squared_weights.map(|_| product(3)),
        }
    }

    /// Works on blocks of rows and returns what each chunk gave, in order, those of other ranks as well. `work` gets the block and
    /// two buffers of the same length.
    pub fn sweep_rows<T: Send + Default + Numbers>(
        &self,
        work: impl Fn(Range<usize>, &mut [f64], &mut [f64], &mut T) + Sync + Send,
    ) -> Vec<T> {
        self.share.of_all(self.sweep_own_rows(work))
    }

    /// [`sweep_rows`](Self::sweep_rows) that returns what the chunks gave that are here.
    pub fn sweep_own_rows<T: Send + Default>(
        &self,
        work: impl Fn(Range<usize>, &mut [f64], &mut [f64], &mut T) + Sync + Send,
    ) -> Vec<T> {
        let mut results: Vec<T> = (0..self.pass.chunks()).map(|_| T::default()).collect();
        let items: Vec<&mut T> = results.iter_mut().collect();
        self.pass.for_each(items, |rows, result| {
            let mut buffers = vec![0.0; 2 * self.pass.block_rows()];
            let (first, second) = buffers.split_at_mut(self.pass.block_rows());
            for block in self.pass.blocks(rows) {
                let count = block.len();
                work(block, &mut first[..count], &mut second[..count], result);
            }
        });
        results
    }

    /// The sum of an array with one entry for each row.
    pub fn sum(&self, values: &[f64]) -> f64 {
        self.sweep_rows(|rows, _, _, sum: &mut f64| *sum += values[rows].iter().sum::<f64>())
            .iter()
            .sum()
    }

    /// The largest magnitude in an array with one entry for each row.
    pub fn largest(&self, values: &[f64]) -> f64 {
        self.sweep_rows(|rows, _, _, size: &mut f64| {
            *size = values[rows]
                .iter()
                .fold(*size, |size, entry| size.max(entry.abs()));
        })
        .into_iter()
        .fold(0.0, f64::max)
    }

    /// The largest of an array with one entry for each row; `None` where that is not a finite number, or there is no row.
    pub fn top(&self, values: &[f64]) -> Option<f64> {
        let parts = self.sweep_rows(|rows, _, _, top: &mut Option<f64>| {
            // A NaN is kept, as nothing is below it.
            let largest = |top: f64, entry: &f64| if *entry <= top { top } else { *entry };
            let first = top.unwrap_or(f64::NEG_INFINITY);
            *top = Some(values[rows].iter().fold(first, largest));
        });
        let top = parts
            .into_iter()
            .flatten()
            .reduce(|top, entry| if entry <= top { top } else { entry });
        top.filter(|top| top.is_finite())
    }

    /// Fills an array with one entry for each row, block by block; `work` gets the first row, the place and a buffer of
    /// the same length.
    pub fn fill_rows(
        &self,
        values: &mut [f64],
        work: impl Fn(Range<usize>, &mut [f64], &mut [f64]) + Sync + Send,
    ) {
        self.fill_and_sum_own(values, |rows, place, buffer, ()| work(rows, place, buffer));
    }

    /// [`fill_rows`](Self::fill_rows) by work that also sums something up: what each chunk gave, in order, those of other ranks as well.
    pub fn fill_and_sum<T: Send + Default + Numbers>(
        &self,
        values: &mut [f64],
        work: impl Fn(Range<usize>, &mut [f64], &mut [f64], &mut T) + Sync + Send,
    ) -> Vec<T> {
        self.share.of_all(self.fill_and_sum_own(values, work))
    }

    fn fill_and_sum_own<T: Send + Default>(
        &self,
        values: &mut [f64],
        work: impl Fn(Range<usize>, &mut [f64], &mut [f64], &mut T) + Sync + Send,
    ) -> Vec<T> {
        let mut results: Vec<T> = (0..self.pass.chunks()).map(|_| T::default()).collect();
        let chunks = values.chunks_mut(self.pass.chunk_rows());
        let items: Vec<(&mut [f64], &mut T)> = chunks.zip(&mut results).collect();
        self.pass.for_each(items, |rows, (values, result)| {
            let mut buffer = vec![0.0; self.pass.block_rows()];
            for block in self.pass.blocks(rows.clone()) {
                let place = &mut values[block.start - rows.start..block.end - rows.start];
                let count = block.len();
                work(block, place, &mut buffer[..count], result);
            }
        });
        results
    }

    /// Sums over `p = exp(z + t dz - shift)`.
    pub fn line_sums(&self, line: Line<'_>, b: &[f64], shift: f64) -> LineSums {
        let parts = self.sweep_rows(|block, work, scratch, total: &mut LineSums| {
            let local = Line {
                z: &line.z[block.clone()],
                dz: &line.dz[block.clone()],
                t: line.t,
            };
            total.add(&line_sums(
                self.level, local, &b[block], shift, work, scratch,
            ));
        });
        let mut total = LineSums::default();
        for part in &parts {
            total.add(part);
        }
        total
    }

    /// `ln sum exp(z + t dz)`: the largest logit first, then the sum.
    pub fn log_sum(&self, line: Line<'_>) -> f64 {
        let Line { z, dz, t } = line;
        let largest = self
            .sweep_rows(|block, _, _, largest: &mut Option<f64>| {
                let block_largest = z[block.clone()]
                    .iter()
                    .zip(&dz[block])
                    .map(|(z, dz)| z + t * dz)
                    .fold(f64::NEG_INFINITY, f64::max);
                *largest = Some(largest.map_or(block_largest, |known| known.max(block_largest)));
            })
            .into_iter()
            .flatten()
            .fold(f64::NEG_INFINITY, f64::max);
        let parts = self.sweep_rows(|block, p, scratch, total: &mut f64| {
            for (p, (z, dz)) in p.iter_mut().zip(z[block.clone()].iter().zip(&dz[block])) {
                *p = z + t * dz - largest;
            }
            super::exponential::exponentials(self.level, p, scratch);
            *total += p.iter().sum::<f64>();
        });
        largest + parts.iter().sum::<f64>().ln()
    }

    /// `p = exp(z - shift)`, n entries.
    pub fn probabilities(&self, z: &[f64], shift: f64, p: &mut [f64]) {
        self.fill_rows(p, |block, p, scratch| {
            shifted_exponentials(self.level, &z[block], shift, p, scratch);
        });
    }

    fn no_projections(&self, products: usize) -> Projections {
        match self.matrix.as_ref() {
            DesignMatrix::Dense(_) => Projections::Rows(vec![0.0; products * self.stride]),
            DesignMatrix::Sparse(_) => Projections::Lanes(vec![[0.0; 4]; self.stride]),
        }
    }

    fn project(&self, block: Range<usize>, u: [&[f64]; 3], projections: &mut Projections) {
        match (self.matrix.as_ref(), projections) {
            (DesignMatrix::Dense(_), projections) => self.project_dense(block, u, projections),
            (DesignMatrix::Sparse(sparse), Projections::Lanes(sums)) => {
                SparseRows::of(sparse).accumulate(self.level, block, u, sums);
            }
            _ => unreachable!("`no_projections` chooses by the storage"),
        }
    }

    fn project_dense<const K: usize>(
        &self,
        block: Range<usize>,
        u: [&[f64]; K],
        projections: &mut Projections,
    ) {
        match (self.matrix.as_ref(), projections) {
            (DesignMatrix::Dense(matrix), Projections::Rows(sums)) => {
                let mut room = Vec::new();
                let rows = matrix.padded(block.start, block.end, &mut room);
                dense::accumulate(self.level, rows, self.stride, u, sums);
            }
            _ => unreachable!("`no_projections` chooses by the storage"),
        }
    }

    /// Additions that a term of a product with `A'` meets at most, its own rounding included.
    pub fn product_additions(&self) -> usize {
        let block = self.all.block_rows();
        self.all.chunk_rows() + self.all.chunk_rows().div_ceil(block) + self.all.chunks() + 2
    }

    /// Arrays for a run.
    pub fn pool(&self) -> &Pool {
        &self.pool
    }
}

/// Partial sums of three products with `A'`, in the layout of the kernel that makes them.
enum Projections {
    Rows(Vec<f64>),
    Lanes(Vec<Lanes>),
}

impl Projections {
    fn add_to(&self, k: usize, stride: usize, total: &mut [f64]) {
        match self {
            Self::Rows(rows) => {
                for (sum, entry) in total.iter_mut().zip(&rows[k * stride..]) {
                    *sum += entry;
                }
            }
            Self::Lanes(lanes) => {
                for (sum, entry) in total.iter_mut().zip(lanes) {
                    *sum += entry[k];
                }
            }
        }
    }
}

/// What decides about the cuts: stored entries, with the padding of dense rows.
fn entries(outline: &Outline) -> usize {
    if outline.sparse {
        outline.stored
    } else {
        outline.rows * outline.columns.next_multiple_of(LINE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::production::kernels::partition::Rows;
    use nalgebra::{DMatrix, DVector};
    use nalgebra_sparse::CsrMatrix;

    fn integers(n: usize, d: usize) -> DMatrix<f64> {
        DMatrix::from_fn(n, d, |i, j| {
            if (i * 7 + j * 5).is_multiple_of(3) {
                ((i * 3 + 2 * j) % 9) as f64 - 4.0
            } else {
                0.0
            }
        })
    }

    fn both(matrix: &DMatrix<f64>, level: Level) -> [Operator; 2] {
        let dense = Arc::new(DesignMatrix::Dense(matrix.clone().into()));
        let sparse = Arc::new(DesignMatrix::Sparse(CsrMatrix::from(matrix)));
        [Operator::new(&dense, level), Operator::new(&sparse, level)]
    }

    /// Rows that lie unpadded in somebody else's memory: to the bit what padded ones give, also for sums that round.
    #[test]
    fn shared_memory_gives_the_same_bits() {
        for (n, d) in [(50, 3), (5003, 64), (20_011, 20)] {
            let matrix = integers(n, d) / 7.0;
            let entries: Arc<Vec<f64>> = Arc::new(matrix.transpose().as_slice().to_vec());
            let shared = DesignMatrix::from_shared_row_major(n, d, entries).unwrap();
            let own = DesignMatrix::Dense(matrix.into());
            let x: Vec<f64> = (0..d).map(|j| (j % 5) as f64 / 16.0).collect();
            let b: Vec<f64> = (0..n).map(|i| (i % 3) as f64 / n as f64).collect();
            let [first, second] = [own, shared].map(|matrix| {
                let operator = Operator::new(&Arc::new(matrix), Level::best());
                let mut z = vec![0.0; n];
                let pass = operator.softmax_pass(Some(&x), 2.0, &b, &mut z);
                let gram = operator.gram(&b);
                let gram: Vec<f64> = (0..d * d).map(|k| gram.entry(k / d, k % d)).collect();
                (z, operator.transpose_multiply(&b), pass.projections, gram)
            });
            assert_eq!(first, second, "{n} x {d}");
        }
    }

    /// Integers: every sum is exact, so that a lost, doubled or shifted block would show.
    #[test]
    fn whole_products_are_exact_for_integers_dense_and_sparse() {
        for (n, d) in [(1, 1), (100, 3), (5000, 40), (20_011, 20)] {
            let matrix = integers(n, d);
            let x = DVector::from_fn(d, |j, _| (j % 5) as f64 - 2.0);
            let u = DVector::from_fn(n, |i, _| (i % 7) as f64 - 3.0);
            let mut weighted = matrix.clone();
            for (i, mut row) in weighted.row_iter_mut().enumerate() {
                row *= u[i];
            }
            let expected_gram = matrix.tr_mul(&weighted);
            for operator in both(&matrix, Level::best()) {
                let mut z = vec![f64::NAN; n];
                operator.multiply(x.as_slice(), &mut z);
                assert_eq!(z, (&matrix * &x).as_slice());
                assert_eq!(
                    operator.transpose_multiply(u.as_slice()),
                    matrix.tr_mul(&u).as_slice()
                );
                let gram = operator.gram(u.as_slice());
                for i in 0..d {
                    for j in 0..d {
                        assert_eq!(gram.entry(i, j), expected_gram[(i, j)], "{n} x {d}");
                    }
                }
                let product = gram.multiply(x.as_slice());
                assert_eq!(product, (&expected_gram * &x).as_slice());
            }
        }
    }

    #[test]
    fn a_softmax_pass_gives_the_products_of_its_coefficients() {
        for (n, d) in [(50, 3), (20_011, 20)] {
            let matrix = integers(n, d) / 8.0;
            let x = DVector::from_fn(d, |j, _| (j % 5) as f64 / 16.0);
            let b = DVector::from_fn(n, |i, _| (i % 3) as f64 / n as f64);
            for operator in both(&matrix, Level::best()) {
                let mut z = vec![0.0; n];
                let pass = operator.softmax_pass(Some(x.as_slice()), 2.0, b.as_slice(), &mut z);
                assert_eq!(z, (&matrix * &x).as_slice());
                let again = operator.softmax_pass(None, 2.0, b.as_slice(), &mut z);
                assert_eq!(
                    (again.sums, &again.projections),
                    (pass.sums, &pass.projections)
                );
                let mut p = vec![0.0; n];
                operator.probabilities(&z, 2.0, &mut p);
                let p = DVector::from_vec(p);
                let coefficients = [p.component_mul(&(&p - &b)), p.component_mul(&p), p.clone()];
                let magnitude = matrix.abs();
                for (found, u) in pass.projections.iter().zip(&coefficients) {
                    let error = (DVector::from_column_slice(found) - matrix.tr_mul(u)).abs();
                    let allowed = magnitude.tr_mul(&u.abs()) * (n as f64 * f64::EPSILON);
                    assert!((0..d).all(|j| error[j] <= allowed[j]));
                }
                let close = |a: f64, b: f64| (a - b).abs() <= 1e-12 * b.abs();
                assert!(close(pass.sums.total, p.sum()));
                assert!(close(pass.sums.squares, p.norm_squared()));
                assert!(close(pass.sums.distance, (&p - &b).norm_squared()));
                assert!(close(pass.sums.residual, p.dot(&(&p - &b))));
            }
        }
    }

    #[test]
    fn results_are_the_same_bits_for_any_number_of_threads() {
        let matrix = DMatrix::from_fn(30_000, 17, |i, j| ((i * 31 + j * 17) as f64).sin());
        let x = DVector::from_fn(17, |j, _| (j as f64).cos());
        let weights: Vec<f64> = (0..30_000).map(|i| 1.0 + (i as f64).sin()).collect();
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            pool.install(|| {
                both(&matrix, Level::best()).map(|operator| {
                    let mut z = vec![0.0; 30_000];
                    let pass = operator.softmax_pass(Some(x.as_slice()), 1.0, &weights, &mut z);
                    let gram = operator.gram(&weights);
                    let back = operator.transpose_multiply(&z);
                    (pass.projections, pass.sums, gram.entries, back)
                })
            })
        };
        let one = run(1);
        assert!(run(2) == one && run(5) == one);
    }

    /// Logits up to 1000 and down to -2000 at t = 1/2: only the difference to the largest may be exponentiated.
    #[test]
    fn the_logarithm_of_a_sum_neither_overflows_nor_loses_the_largest_term() {
        let matrix = integers(6, 1);
        let z = [0.0, 10.0, -900.0, 0.0, 3.0, 1.0];
        let dz = [2000.0, 1978.0, -2200.0, 1996.0, -6.0, 0.0];
        // 1000, 999, -2000, 998, 0, 1.
        let expected = 1000.0 + (1.0 + (-1f64).exp() + (-2f64).exp()).ln();
        for operator in both(&matrix, Level::best()) {
            let line = Line {
                z: &z,
                dz: &dz,
                t: 0.5,
            };
            assert!((operator.log_sum(line) - expected).abs() < 1e-12);
            let low = z.map(|z| z - 5000.0);
            let line = Line {
                z: &low,
                dz: &dz,
                t: 0.5,
            };
            assert!((operator.log_sum(line) - expected + 5000.0).abs() < 1e-11);
        }
    }

    #[test]
    fn what_has_been_read_is_counted_in_matrices() {
        let matrix = integers(40, 3);
        for operator in both(&matrix, Level::best()) {
            let part = operator.counted_anew();
            let mut z = vec![0.0; 40];
            operator.multiply(&[1.0; 3], &mut z);
            operator.transpose_multiply(&z);
            assert_eq!((operator.passes(), part.passes()), (2.0, 0.0));
            let mut gram = operator.gram(&z);
            operator.add_gram(Rows::List(&[1, 5, 7, 39]), &[1.0; 4], &mut gram);
            assert_eq!(operator.passes(), 3.1);
            part.gram(&z);
            operator.count_with(&part);
            assert_eq!((operator.passes(), operator.clone().passes()), (4.1, 4.1));
            let stored = [120, matrix.iter().filter(|entry| **entry != 0.0).count()];
            assert!(stored.contains(&operator.stored()));
        }
    }

    /// 100 rows of 3 columns are one chunk of one block: of 512 rows, padded to 8 entries, or of 1024 sparse ones. A Gram matrix takes
    /// 384 dense rows at a time.
    #[test]
    fn a_term_meets_as_many_additions_as_the_cut_says() {
        let [dense, sparse] = both(&integers(100, 3), Level::best());
        // In a block, over the blocks, over the chunks, and what is left of the products.
        assert_eq!(dense.product_additions(), 512 + 1 + 1 + 2);
        assert_eq!(sparse.product_additions(), 1024 + 1 + 1 + 2);
        assert_eq!(dense.gram_additions(), 384 + 2 + 1 + 4);
        assert_eq!(sparse.gram_additions(), 1024 + 1 + 4);
    }

    /// 40 columns a row count 40/16; of 60 sparse rows the stored entries count 1/(60 x 5) each.
    #[test]
    fn the_price_of_a_gram_matrix_goes_with_the_entries_of_a_row() {
        let matrix = integers(60, 40);
        let stored = matrix.iter().filter(|entry| **entry != 0.0).count();
        let [dense, sparse] = both(&matrix, Level::best());
        assert_eq!(dense.gram_passes(), 2.5);
        assert_eq!(sparse.gram_passes(), stored as f64 / 300.0);
    }
}
