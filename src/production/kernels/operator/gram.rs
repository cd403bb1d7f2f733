//! Gram matrices `A' diag(weights) A`, made in pieces: some rows each, added in order.

mod places;
mod shared;
mod single;

use crate::instance::DesignMatrix;
use crate::instance::row_major::{LINE, RowMajor};
use crate::production::kernels::gram::{Panels, add_gram};
use crate::production::kernels::operator::Operator;
use crate::production::kernels::partition::Rows;
use crate::production::kernels::pool::Pool;
use crate::production::kernels::sparse::SparseRows;

pub(crate) use single::SingleGram;

/// Rows of a piece of a Gram matrix at least: fewer are not worth a thread.
const LEAST_PIECE: usize = 512;

/// Some rows with a weight for each.
type Piece<'a> = (Rows<'a>, &'a [f64]);

impl Operator {
    /// Additions that a term of a Gram matrix meets at most, its own two roundings included.
    pub fn gram_additions(&self) -> usize {
        let chunk = self.gram.chunk_rows().max(LEAST_PIECE);
        let inside = match self.matrix.as_ref() {
            DesignMatrix::Dense(_) => {
                let block = Panels::block_rows(self.stride);
                block + chunk.div_ceil(block)
            }
            DesignMatrix::Sparse(_) => chunk,
        };
        inside + self.gram.chunks() + 4
    }

    /// `A' diag(weights) A` for weights of any sign.
    pub fn gram(&self, weights: &[f64]) -> Gram {
        let mut result = Gram::zeros(self.columns());
        self.add_gram(Rows::Range(0..self.rows()), weights, &mut result);
        result
    }

    /// Adds `sum_k weights[k] a a'` over the given rows a of A to a Gram matrix; rows that are here, and with them those of other ranks.
    pub fn add_gram(&self, rows: Rows<'_>, weights: &[f64], gram: &mut Gram) {
        if !self.share.is_whole() {
            return self.add_shared_gram(rows, weights, gram);
        }
        if rows.len() == 0 {
            return;
        }
        self.count(rows.len());
        let size = self.stride * self.stride;
        let chunk = self.piece_rows(rows.len());
        let pieces = pieces(rows, weights, chunk);
        if pieces.len() <= 1 {
            for (rows, weights) in pieces {
                self.add_gram_piece(rows, weights, &mut self.panels(), &mut gram.entries);
            }
            return;
        }
        let mut partial = self.pool.take_zeros(pieces.len() * size);
        self.add_gram_pieces(pieces, &mut partial);
        for part in partial.chunks(size) {
            for (sum, entry) in gram.entries.iter_mut().zip(part) {
                *sum += entry;
            }
        }
        self.pool.give(partial);
    }

    /// Rows of a piece, for so many altogether: by their number alone, so that the cut depends neither on the threads nor on the ranks.
    pub(super) fn piece_rows(&self, rows: usize) -> usize {
        rows.div_ceil(self.gram.chunks()).max(LEAST_PIECE)
    }

    /// Adds each piece to a matrix of its own.
    fn add_gram_pieces(&self, pieces: Vec<Piece<'_>>, partial: &mut [f64]) {
        let matrices = partial.chunks_mut(self.stride * self.stride);
        self.gram.for_each_with(
            pieces.into_iter().zip(matrices).collect(),
            || self.panels(),
            |panels, ((rows, weights), c)| self.add_gram_piece(rows, weights, panels, c),
        );
    }

    /// Buffers for the dense kernel; none for the sparse one.
    pub(super) fn panels(&self) -> Workspace<'_> {
        Workspace {
            panels: match self.matrix.as_ref() {
                DesignMatrix::Dense(_) => Some(Panels::take(&self.pool, self.stride)),
                DesignMatrix::Sparse(_) => None,
            },
            pool: &self.pool,
        }
    }

    fn add_gram_piece(
        &self,
        rows: Rows<'_>,
        weights: &[f64],
        workspace: &mut Workspace<'_>,
        c: &mut [f64],
    ) {
        match (self.matrix.as_ref(), &mut workspace.panels) {
            (DesignMatrix::Dense(matrix), Some(panels)) => {
                self.add_dense_rows(matrix, rows, weights, panels, c);
            }
            (DesignMatrix::Sparse(sparse), _) => {
                SparseRows::of(sparse).add_gram(self.level, rows, weights, c, self.stride);
            }
            (DesignMatrix::Dense(_), None) => {
                unreachable!("`panels` makes them for dense matrices")
            }
        }
    }

    /// Rows of any dense matrix as wide as A, block by block.
    fn add_dense_rows(
        &self,
        matrix: &RowMajor,
        rows: Rows<'_>,
        weights: &[f64],
        panels: &mut Panels,
        c: &mut [f64],
    ) {
        let block = panels.rows();
        for (rows, weights) in pieces(rows, weights, block) {
            add_gram(self.level, matrix, rows, weights, panels, c);
        }
    }
}

fn pieces<'a>(rows: Rows<'a>, weights: &'a [f64], size: usize) -> Vec<Piece<'a>> {
    rows.groups(size)
        .into_iter()
        .zip(weights.chunks(size))
        .collect()
}

/// The panels of one thread, handed back when it is done.
pub(super) struct Workspace<'a> {
    /// None for sparse rows.
    pub(super) panels: Option<Panels>,
    pool: &'a Pool,
}

impl Drop for Workspace<'_> {
    fn drop(&mut self) {
        if let Some(panels) = self.panels.take() {
            panels.give(self.pool);
        }
    }
}

/// A symmetric d x d matrix of which one triangle is kept: entry `(i, j)` with `i >= j` at `j * stride + i`.
#[derive(Clone, Debug)]
pub(crate) struct Gram {
    /// `stride` columns of `stride` entries.
    pub entries: Vec<f64>,
    /// d.
    pub order: usize,
    /// d rounded up to a multiple of 8.
    pub stride: usize,
}

impl Gram {
    /// The zero matrix of order d.
    pub fn zeros(order: usize) -> Self {
        let stride = order.next_multiple_of(LINE);
        Self {
            entries: vec![0.0; stride * stride],
            order,
            stride,
        }
    }

    /// The symmetric matrix with these entries on and below its diagonal: rows before columns.
    pub fn from_lower(order: usize, entry: impl Fn(usize, usize) -> f64) -> Self {
        let mut gram = Self::zeros(order);
        for j in 0..order {
            for (k, place) in gram.column_mut(j).iter_mut().enumerate() {
                *place = entry(j + k, j);
            }
        }
        gram
    }

    /// The entries on the diagonal.
    pub fn diagonal(&self) -> impl Iterator<Item = f64> {
        (0..self.order).map(|j| self.column(j)[0])
    }

    /// `(i, j)` of the full matrix.
    pub fn entry(&self, i: usize, j: usize) -> f64 {
        self.entries[i.min(j) * self.stride + i.max(j)]
    }

    /// Column j from the diagonal down.
    pub fn column(&self, j: usize) -> &[f64] {
        &self.entries[j * self.stride + j..j * self.stride + self.order]
    }

    /// Column j from the diagonal down.
    pub fn column_mut(&mut self, j: usize) -> &mut [f64] {
        &mut self.entries[j * self.stride + j..j * self.stride + self.order]
    }

    /// The entries on and below the diagonal, column after column.
    pub fn triangle(&self) -> impl Iterator<Item = f64> {
        (0..self.order).flat_map(|j| self.column(j)).copied()
    }

    /// Sets them to the first numbers of a list.
    pub fn set_triangle(&mut self, numbers: &[f64]) {
        let mut numbers = numbers.iter();
        for j in 0..self.order {
            for (place, number) in self.column_mut(j).iter_mut().zip(&mut numbers) {
                *place = *number;
            }
        }
    }

    /// The product with a vector of d entries.
    pub fn multiply(&self, x: &[f64]) -> Vec<f64> {
        let mut product = vec![0.0; self.order];
        for j in 0..self.order {
            let column = self.column(j);
            let mut sum = column[0] * x[j];
            for (k, entry) in column.iter().enumerate().skip(1) {
                sum += entry * x[j + k];
                product[j + k] += entry * x[j];
            }
            product[j] += sum;
        }
        product
    }

    /// Adds `factor (u v' + v u') / 2`.
    pub fn add_symmetric(&mut self, factor: f64, u: &[f64], v: &[f64]) {
        for j in 0..self.order {
            let (left, right) = (0.5 * factor * u[j], 0.5 * factor * v[j]);
            let (u, v) = (&u[j..], &v[j..]);
            for ((entry, u), v) in self.column_mut(j).iter_mut().zip(u).zip(v) {
                *entry += left * v + right * u;
            }
        }
    }

    /// Adds a multiple of another matrix of the same order.
    pub fn add_multiple(&mut self, factor: f64, other: &Self) {
        for (entry, other) in self.entries.iter_mut().zip(&other.entries) {
            *entry += factor * other;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symmetric_updates_touch_one_triangle_as_the_full_matrix() {
        let mut gram = Gram::zeros(3);
        gram.add_symmetric(2.0, &[1.0, 2.0, 3.0], &[4.0, 5.0, 6.0]);
        // u v' + v u'.
        assert_eq!(
            (gram.entry(0, 0), gram.entry(2, 0), gram.entry(1, 2)),
            (8.0, 18.0, 27.0)
        );
        let copy = gram.clone();
        gram.add_multiple(-1.0, &copy);
        assert!(gram.entries.iter().all(|entry| *entry == 0.0));
    }

    #[test]
    fn the_padding_of_a_gram_matrix_is_no_part_of_it() {
        let mut gram = Gram::zeros(9);
        assert_eq!((gram.order, gram.stride, gram.entries.len()), (9, 16, 256));
        gram.column_mut(2).fill(3.0);
        assert_eq!(gram.column(2), [3.0; 7]);
        assert_eq!(
            (gram.entry(8, 2), gram.entry(2, 8), gram.entry(2, 1)),
            (3.0, 3.0, 0.0)
        );
        let mut other = Gram::zeros(9);
        other.add_multiple(-2.0, &gram);
        assert_eq!((other.entry(5, 2), other.entry(2, 2)), (-6.0, -6.0));
    }
}
