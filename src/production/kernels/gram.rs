//! `C += M' diag(w) M` for dense rows: the part of a Newton step that does most of the arithmetic.
//!
//! The rows of a block are copied into panels so that the inner loop reads memory in order: panels of three vectors of
//! columns on the left, panels of a few columns multiplied by the weights on the right. A tile of the result stays in
//! registers while all rows of the block pass through it.

use pulp::{Simd, WithSimd};

use crate::instance::row_major::{LINE, RowMajor};
use crate::production::kernels::Level;
use crate::production::kernels::partition::Rows;
use crate::production::kernels::pool::Pool;
use crate::production::kernels::prefetch::prefetch;

/// Vectors of columns in a left panel.
const LEFT: usize = 3;
/// Columns of a right panel where there are 32 vector registers, and where there are 16.
const RIGHT_WIDE: usize = 8;
const RIGHT_NARROW: usize = 4;
/// Entries that one panel buffer holds: with the other one it fits the second-level cache.
const PANEL_ENTRIES: usize = 65_536;
/// Rows of a block at least and at most.
const BLOCK_ROWS: (usize, usize) = (64, 384);

/// Buffers for the panels of one thread.
pub(crate) struct Panels {
    left: Vec<f64>,
    right: Vec<f64>,
    rows: usize,
}

impl Panels {
    /// Rows of a block at most, for rows of `stride` entries, padding included.
    pub fn block_rows(stride: usize) -> usize {
        (PANEL_ENTRIES / stride).clamp(BLOCK_ROWS.0, BLOCK_ROWS.1)
    }

    /// Buffers from a pool, for rows of `stride` entries.
    pub fn take(pool: &Pool, stride: usize) -> Self {
        let rows = Self::block_rows(stride);
        Self {
            left: pool.take(rows * stride),
            right: pool.take(rows * stride),
            rows,
        }
    }

    /// Hands the buffers back.
    pub fn give(self, pool: &Pool) {
        pool.give(self.left);
        pool.give(self.right);
    }

    /// Rows of a block at most.
    pub fn rows(&self) -> usize {
        self.rows
    }
}

/// `C += M' diag(weights) M` for the given rows of a matrix, at most [`Panels::rows`] of them; weights of any sign.
///
/// There is at least one row. C is `stride x stride` by rows. Entries `C[j][i]` with `i >= j` are right afterwards; those below the diagonal are
/// touched only inside the tiles that the diagonal crosses, and mean nothing.
pub(crate) fn add_gram(
    level: Level,
    matrix: &RowMajor,
    rows: Rows<'_>,
    weights: &[f64],
    panels: &mut Panels,
    c: &mut [f64],
) {
    level.dispatch(AddGram {
        matrix,
        rows,
        weights,
        panels,
        c,
    });
}

struct AddGram<'a> {
    matrix: &'a RowMajor,
    rows: Rows<'a>,
    weights: &'a [f64],
    panels: &'a mut Panels,
    c: &'a mut [f64],
}

impl WithSimd for AddGram<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        if S::REGISTER_COUNT >= 32 {
            self.run::<S, RIGHT_WIDE>(simd);
        } else {
            self.run::<S, RIGHT_NARROW>(simd);
        }
    }
}

impl AddGram<'_> {
    #[inline(always)]
    fn run<S: Simd, const NR: usize>(self, simd: S) {
        let stride = self.matrix.stride();
        let count = self.rows.len();
        let vectors = stride / S::F64_LANES;
        let packed = &mut self.panels.left[..count * stride];
        let left = match &self.rows {
            // Narrow rows that follow each other are a panel already.
            Rows::Range(range) if vectors <= LEFT && self.matrix.is_padded() => {
                self.matrix.block(range.start, range.end)
            }
            rows => {
                pack_left::<S>(self.matrix, rows.clone(), packed);
                packed
            }
        };
        let right = &mut self.panels.right[..count * stride];
        pack_right::<S, NR>(simd, self.matrix, self.rows.clone(), self.weights, right);
        let ahead = Ahead::of(self.matrix, &self.rows);
        let mut tiles = 0;
        for (panel, right) in right.chunks_exact(count * NR).enumerate() {
            let j0 = panel * NR;
            // Vectors that end above this column lie wholly below the diagonal.
            let mut v = j0 / S::F64_LANES;
            while v < vectors {
                let first = v / LEFT * LEFT;
                let width = LEFT.min(vectors - first);
                let start = first * S::F64_LANES * count;
                let left = &left[start..start + width * S::F64_LANES * count];
                let left = LeftPanel {
                    vectors: S::as_simd_f64s(left).0,
                    width,
                    skip: v - first,
                };
                let target = &mut self.c[j0 * stride + v * S::F64_LANES..];
                let ahead = ahead.after(tiles * count);
                match first + width - v {
                    3 => tile::<S, 3, NR>(simd, left, right, target, stride, ahead),
                    2 => tile::<S, 2, NR>(simd, left, right, target, stride, ahead),
                    _ => tile::<S, 1, NR>(simd, left, right, target, stride, ahead),
                }
                tiles += 1;
                v = first + width;
            }
        }
    }
}

/// Left panels: LEFT vectors of columns (fewer in the last), row after row.
#[inline(always)]
fn pack_left<S: Simd>(matrix: &RowMajor, rows: Rows<'_>, left: &mut [f64]) {
    let count = rows.len();
    let left = S::as_mut_simd_f64s(left).0;
    let mut room = Vec::new();
    for (r, i) in rows.iter().enumerate() {
        let row = S::as_simd_f64s(matrix.padded(i, i + 1, &mut room)).0;
        for (p, vectors) in row.chunks(LEFT).enumerate() {
            let start = p * LEFT * count + r * vectors.len();
            let target = &mut left[start..start + vectors.len()];
            for (to, from) in target.iter_mut().zip(vectors) {
                *to = *from;
            }
        }
    }
}

/// Right panels: NR columns times the weight, row after row.
#[inline(always)]
fn pack_right<S: Simd, const NR: usize>(
    simd: S,
    matrix: &RowMajor,
    rows: Rows<'_>,
    weights: &[f64],
    right: &mut [f64],
) {
    let count = rows.len();
    let mut room = Vec::new();
    for (r, (i, weight)) in rows.iter().zip(weights).enumerate() {
        let row = matrix.padded(i, i + 1, &mut room);
        let factor = simd.splat_f64s(*weight);
        for (p, entries) in row.chunks_exact(NR).enumerate() {
            let start = (p * count + r) * NR;
            let target = &mut right[start..start + NR];
            if NR.is_multiple_of(S::F64_LANES) {
                let target = S::as_mut_simd_f64s(target).0;
                for (to, from) in target.iter_mut().zip(S::as_simd_f64s(entries).0) {
                    *to = simd.mul_f64s(*from, factor);
                }
            } else {
                for (to, from) in target.iter_mut().zip(entries) {
                    *to = from * weight;
                }
            }
        }
    }
}

/// The rows that follow a block, to be fetched a line at a time while its tiles are made.
#[derive(Clone, Copy)]
pub(crate) struct Ahead<'a> {
    /// From the first row of the next block on.
    entries: &'a [f64],
    /// Where the next line starts.
    next: usize,
}

impl<'a> Ahead<'a> {
    /// What follows a range of rows; nothing for a list of them.
    pub fn of(matrix: &'a RowMajor, rows: &Rows<'_>) -> Self {
        let entries = match rows {
            Rows::Range(range) => {
                let last = (range.end + range.len()).min(matrix.rows());
                matrix.block(range.end, last)
            }
            Rows::List(_) => &[],
        };
        Self { entries, next: 0 }
    }

    /// The same rows from this line on.
    pub fn after(self, lines: usize) -> Self {
        Self {
            next: lines * LINE,
            ..self
        }
    }

    /// Asks for the next line.
    #[inline(always)]
    pub fn fetch(&mut self) {
        if self.next < self.entries.len() {
            prefetch(self.entries, self.next);
            self.next += LINE;
        }
    }
}

/// A left panel and the vectors of its rows that a tile leaves out, because they lie below the diagonal.
struct LeftPanel<'a, S: Simd> {
    vectors: &'a [S::f64s],
    /// Vectors a row.
    width: usize,
    /// Of these, how many are left out at the beginning.
    skip: usize,
}

/// One tile: the NV last vectors of columns of a left panel times NR columns, over all rows of the block.
#[inline(always)]
fn tile<S: Simd, const NV: usize, const NR: usize>(
    simd: S,
    left: LeftPanel<'_, S>,
    right: &[f64],
    c: &mut [f64],
    stride: usize,
    mut ahead: Ahead<'_>,
) {
    let mut sums = [[simd.splat_f64s(0.0); NV]; NR];
    let rows = left.vectors.chunks_exact(left.width);
    for (l, r) in rows.zip(right.chunks_exact(NR)) {
        let l = &l[left.skip..left.skip + NV];
        ahead.fetch();
        for j in 0..NR {
            let factor = simd.splat_f64s(r[j]);
            for v in 0..NV {
                sums[j][v] = simd.mul_add_e_f64s(l[v], factor, sums[j][v]);
            }
        }
    }
    for (j, added) in sums.iter().enumerate() {
        let place = &mut c[j * stride..j * stride + NV * S::F64_LANES];
        for (target, sum) in S::as_mut_simd_f64s(place).0.iter_mut().zip(added) {
            *target = simd.add_f64s(*target, *sum);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::{DMatrix, DVector};
    use std::sync::Arc;

    /// Small integers: every sum is exact, so all levels and nalgebra agree to the bit.
    #[test]
    fn gram_matrices_of_integers_are_exact_on_every_level() {
        for level in Level::all() {
            for (n, d) in [
                (1, 1),
                (5, 7),
                (64, 8),
                (50, 20),
                (60, 64),
                (64, 33),
                (31, 100),
            ] {
                let matrix = DMatrix::from_fn(n, d, |i, j| ((5 * i + 3 * j) % 13) as f64 - 6.0);
                let weights = DVector::from_fn(n, |i, _| (i % 4) as f64 - 1.0);
                let expected = matrix.transpose() * DMatrix::from_diagonal(&weights) * &matrix;
                let own = RowMajor::from(&matrix);
                let entries: Arc<Vec<f64>> = Arc::new(matrix.transpose().as_slice().to_vec());
                let shared = RowMajor::shared(n, d, entries).unwrap();
                let stride = own.stride();
                for rows in [own, shared] {
                    let mut c = vec![0.0; stride * stride];
                    let mut panels = Panels::take(&Pool::default(), stride);
                    let all: Vec<usize> = (n / 2..n).collect();
                    let half = n / 2;
                    let (first, second) = weights.as_slice().split_at(half);
                    let parts = [(Rows::Range(0..half), first), (Rows::List(&all), second)];
                    for (part, weights) in parts {
                        if weights.is_empty() {
                            continue;
                        }
                        add_gram(level, &rows, part, weights, &mut panels, &mut c);
                    }
                    for j in 0..d {
                        for i in j..d {
                            let found = c[j * stride + i];
                            assert_eq!(found, expected[(j, i)], "{} {n} x {d}", level.name());
                        }
                    }
                }
            }
        }
    }
}
