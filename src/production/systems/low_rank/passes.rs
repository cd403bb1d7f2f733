//! Passes over W and M for all rows at once: products of blocks that stay in the cache.
//!
//! Matrices as large as M are read column after column, as they lie (q entries each); factors are padded to whole vectors, by rows or
//! transposed. What a pass adds up over columns is added chunk by chunk, and chunks depend on the shape alone.

use nalgebra::DMatrix;
use rayon::prelude::*;

use crate::instance::row_major::LINE;
use crate::production::kernels::Level;
use crate::production::kernels::product::{Rows, multiply_add};

/// Columns of M that are worked on at once.
const BLOCK: usize = 32;
/// Chunks of columns at most.
const CHUNKS: usize = 32;

/// A matrix by rows, each padded with zeros to whole vectors.
pub(super) struct Padded {
    pub(super) entries: Vec<f64>,
    pub(super) width: usize,
}

impl Padded {
    /// Of so many rows and columns.
    pub(super) fn from_fn(
        rows: usize,
        columns: usize,
        entry: impl Fn(usize, usize) -> f64,
    ) -> Self {
        let width = columns.next_multiple_of(LINE).max(LINE);
        let mut entries = vec![0.0; rows * width];
        for (i, row) in entries.chunks_exact_mut(width).enumerate() {
            for (j, place) in row[..columns].iter_mut().enumerate() {
                *place = entry(i, j);
            }
        }
        Self { entries, width }
    }

    pub(super) fn of(matrix: &DMatrix<f64>) -> Self {
        Self::from_fn(matrix.nrows(), matrix.ncols(), |i, j| matrix[(i, j)])
    }

    pub(super) fn transposed(matrix: &DMatrix<f64>) -> Self {
        Self::from_fn(matrix.ncols(), matrix.nrows(), |i, j| matrix[(j, i)])
    }

    /// Row i, padded.
    pub(super) fn row(&self, i: usize) -> &[f64] {
        &self.entries[i * self.width..(i + 1) * self.width]
    }
}

/// `B F` for B by rows of `inner` entries and F padded: padded rows.
pub(super) fn rows_times(b: &[f64], inner: usize, factor: &Padded) -> Padded {
    let width = factor.width;
    let count = b.len().checked_div(inner).unwrap_or(0);
    let mut entries = vec![0.0; count * width];
    entries
        .par_chunks_mut(BLOCK * width)
        .zip(b.par_chunks(BLOCK * inner.max(1)))
        .for_each(|(image, b)| add_product(b, inner, inner, factor, image));
    Padded { entries, width }
}

/// `C += B F` for rows of B that lie `stride` entries apart.
pub(super) fn add_product(b: &[f64], stride: usize, inner: usize, factor: &Padded, c: &mut [f64]) {
    let rows = Rows {
        entries: b,
        stride,
        inner,
    };
    multiply_add(Level::best(), rows, &factor.entries, factor.width, c);
}

/// Room for a block of columns of M, each padded.
pub(super) struct Block {
    /// The first column.
    pub(super) first: usize,
    /// How many.
    pub(super) count: usize,
}

impl Block {
    /// Entries of these columns of a matrix with q rows.
    pub(super) fn of<'a>(&self, matrix: &'a DMatrix<f64>) -> &'a [f64] {
        let q = matrix.nrows();
        &matrix.as_slice()[self.first * q..(self.first + self.count) * q]
    }

    /// `F_j G'` for these rows j of F, each padded: F by rows of k entries, `G'` padded.
    pub(super) fn outer(&self, f: &[f64], k: usize, turned: &Padded, room: &mut Vec<f64>) {
        room.clear();
        room.resize(self.count * turned.width, 0.0);
        let rows = &f[self.first * k..(self.first + self.count) * k];
        add_product(rows, k, k, turned, room);
    }

    /// `sums += F' C` for these rows of F, which is transposed and padded, and the columns C of width `width`: a row for each column of F.
    pub(super) fn add_transposed(
        &self,
        f: &DMatrix<f64>,
        c: &[f64],
        width: usize,
        sums: &mut [f64],
    ) {
        let rows: Vec<f64> = (0..f.ncols())
            .flat_map(|a| (0..self.count).map(move |j| f[(self.first + j, a)]))
            .collect();
        let rows = Rows {
            entries: &rows,
            stride: self.count,
            inner: self.count,
        };
        multiply_add(Level::best(), rows, c, width, sums);
    }
}

/// Works on every column of M block by block, with something of its own for each chunk: those, in order, with the places of an array of
/// `each` entries a column.
pub(super) fn over_columns<T: Send>(
    columns: usize,
    places: &mut [f64],
    each: usize,
    empty: impl Fn() -> T + Sync,
    work: impl Fn(&Block, &mut [f64], &mut T) + Sync,
) -> Vec<T> {
    let chunk = columns.div_ceil(CHUNKS).next_multiple_of(BLOCK).max(BLOCK);
    let mut cut: Vec<&mut [f64]> = places.chunks_mut(chunk * each.max(1)).collect();
    // Without a place for each column there are none to hand out.
    cut.resize_with(columns.div_ceil(chunk), Default::default);
    cut.into_par_iter()
        .enumerate()
        .map(|(k, places)| {
            let mut sums = empty();
            let last = ((k + 1) * chunk).min(columns);
            for first in (k * chunk..last).step_by(BLOCK) {
                let count = BLOCK.min(last - first);
                let start = (first - k * chunk) * each;
                let block = Block { first, count };
                work(&block, &mut places[start..start + count * each], &mut sums);
            }
            sums
        })
        .collect()
}

/// Adds what chunks have added up, in their order.
pub(super) fn total(parts: Vec<Vec<f64>>, length: usize) -> Vec<f64> {
    let mut total = vec![0.0; length];
    for part in parts {
        for (sum, term) in total.iter_mut().zip(part) {
            *sum += term;
        }
    }
    total
}
