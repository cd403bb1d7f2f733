//! `B = diag(s) A diag(c)`, never formed: rows scaled as the caller asks, columns to unit length.

use rayon::prelude::*;

use super::LeverageError;
use crate::instance::DesignMatrix;

/// Rows that are worked on at once. Fixed, so that sums do not depend on the number of threads.
pub(super) const BLOCK: usize = 2048;
/// Rows that are copied by columns, and whose images are held, at once: 64 stay in the cache.
const ROWS: usize = 64;

/// `B = diag(s) A diag(c)` (n x d) with columns of unit length: scaling the columns changes no leverage score.
pub(super) struct ScaledRows<'a> {
    matrix: &'a DesignMatrix,
    row_scales: &'a [f64],
    column_scales: Vec<f64>,
}

impl<'a> ScaledRows<'a> {
    /// Refuses scales that do not fit or are negative or not finite, entries that are not finite, and columns that are
    /// zero (or so small that the inverse of their length overflows).
    pub(super) fn new(
        matrix: &'a DesignMatrix,
        row_scales: &'a [f64],
    ) -> Result<Self, LeverageError> {
        let (n, d) = (matrix.rows(), matrix.columns());
        if row_scales.len() != n {
            return Err(LeverageError::Shape {
                part: "length of the row scales",
                found: row_scales.len(),
                expected: n.to_string(),
            });
        }
        if let Some(index) = row_scales
            .iter()
            .position(|s| !(s.is_finite() && *s >= 0.0))
        {
            return Err(LeverageError::Scale {
                index,
                value: row_scales[index],
            });
        }
        let mut rows = Self {
            matrix,
            row_scales,
            column_scales: vec![1.0; d],
        };
        let largest = rows.reduce_blocks(f64::max, |j, entry, out| {
            // A NaN must not be lost in a maximum.
            let size = if entry.is_nan() {
                f64::INFINITY
            } else {
                entry.abs()
            };
            out[j] = size.max(out[j]);
        });
        if largest.iter().any(|size| size.is_infinite()) {
            return Err(rows.first_not_finite());
        }
        rows.column_scales = largest.iter().map(|size| size.recip()).collect();
        let squares = rows.reduce_blocks(|a, b| a + b, |j, entry, out| out[j] += entry * entry);
        for (scale, square) in rows.column_scales.iter_mut().zip(squares) {
            *scale /= square.sqrt();
            if !scale.is_finite() {
                return Err(rows.deficient(0.0));
            }
        }
        Ok(rows)
    }

    pub(super) fn deficient(&self, ratio: f64) -> LeverageError {
        LeverageError::RankDeficient {
            rows: self.rows(),
            columns: self.columns(),
            ratio,
        }
    }

    fn first_not_finite(&self) -> LeverageError {
        for row in 0..self.rows() {
            for (column, value) in self.matrix.row_entries(row) {
                let value = self.row_scales[row] * value;
                if !value.is_finite() {
                    return LeverageError::NotFinite { row, column, value };
                }
            }
        }
        // Only reached if a finite column has an infinite maximum, which it has not.
        self.deficient(0.0)
    }

    pub(super) fn rows(&self) -> usize {
        self.matrix.rows()
    }

    pub(super) fn columns(&self) -> usize {
        self.matrix.columns()
    }

    /// Stored entries of A.
    pub(super) fn stored(&self) -> u64 {
        self.matrix.stored() as u64
    }

    /// Calls `visit(i, j, b_ij)` for each stored entry of the rows `first..last`: a dense matrix by columns of a few rows, so that
    /// sums of different rows run side by side, a sparse one row by row.
    pub(super) fn for_each(
        &self,
        first: usize,
        last: usize,
        mut visit: impl FnMut(usize, usize, f64),
    ) {
        match self.matrix {
            DesignMatrix::Dense(a) => {
                for first in (first..last).step_by(ROWS) {
                    let count = ROWS.min(last - first);
                    let block = a.columns_of(first, count);
                    let columns = block.as_slice().chunks_exact(count);
                    for (j, (column, scale)) in columns.zip(&self.column_scales).enumerate() {
                        let scales = &self.row_scales[first..first + count];
                        for (k, (entry, s)) in column.iter().zip(scales).enumerate() {
                            visit(first + k, j, (entry * s) * scale);
                        }
                    }
                }
            }
            DesignMatrix::Sparse(a) => {
                for i in first..last {
                    let row = a.row(i);
                    let s = self.row_scales[i];
                    for (j, entry) in row.col_indices().iter().zip(row.values()) {
                        visit(i, *j, (entry * s) * self.column_scales[*j]);
                    }
                }
            }
        }
    }

    /// A d-vector from each block of rows by `visit(j, b_ij, vector)`, combined in the order of the blocks.
    fn reduce_blocks(
        &self,
        combine: impl Fn(f64, f64) -> f64,
        visit: impl Fn(usize, f64, &mut [f64]) + Sync,
    ) -> Vec<f64> {
        let parts: Vec<Vec<f64>> = self
            .blocks()
            .map(|(first, last)| {
                let mut out = vec![0.0; self.columns()];
                self.for_each(first, last, |_, j, entry| visit(j, entry, &mut out));
                out
            })
            .collect();
        merge(parts, self.columns(), combine)
    }

    fn blocks(&self) -> impl IndexedParallelIterator<Item = (usize, usize)> + use<> {
        let n = self.rows();
        (0..n.div_ceil(BLOCK))
            .into_par_iter()
            .map(move |block| (block * BLOCK, ((block + 1) * BLOCK).min(n)))
    }

    /// `B'(B v)`, d entries, in one pass: `2 nnz` multiply-adds.
    pub(super) fn gram_product(&self, v: &[f64]) -> Vec<f64> {
        let parts: Vec<Vec<f64>> = self
            .blocks()
            .map(|(first, last)| {
                let mut image = vec![0.0; last - first];
                self.for_each(first, last, |i, j, entry| image[i - first] += entry * v[j]);
                let mut out = vec![0.0; v.len()];
                self.for_each(first, last, |i, j, entry| {
                    out[j] += entry * image[i - first]
                });
                out
            })
            .collect();
        merge(parts, v.len(), |a, b| a + b)
    }

    /// `|| b_i T ||^2` for each row, T d x q in row-major order: `nnz q` multiply-adds and `n q` more.
    pub(super) fn squared_images(&self, t: &[f64], q: usize) -> Vec<f64> {
        let n = self.rows();
        let mut squares = vec![0.0; n];
        squares
            .par_chunks_mut(ROWS)
            .enumerate()
            .for_each(|(block, squares)| {
                let first = block * ROWS;
                let mut images = vec![0.0; squares.len() * q];
                self.for_each(first, first + squares.len(), |i, j, entry| {
                    let image = &mut images[(i - first) * q..(i - first + 1) * q];
                    for (sum, factor) in image.iter_mut().zip(&t[j * q..(j + 1) * q]) {
                        *sum += entry * factor;
                    }
                });
                for (square, image) in squares.iter_mut().zip(images.chunks_exact(q)) {
                    *square = image.iter().map(|entry| entry * entry).sum();
                }
            });
        squares
    }
}

fn merge(parts: Vec<Vec<f64>>, d: usize, combine: impl Fn(f64, f64) -> f64) -> Vec<f64> {
    let mut total = vec![0.0; d];
    for part in parts {
        for (sum, entry) in total.iter_mut().zip(part) {
            *sum = combine(*sum, entry);
        }
    }
    total
}
