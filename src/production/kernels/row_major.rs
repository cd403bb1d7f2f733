//! A dense matrix by rows: the order in which every kernel reads it.

use nalgebra::DMatrix;

use crate::memory;

/// Entries of a line: rows start on multiples of it, so that the widest vectors never straddle a cache line.
pub(crate) const LINE: usize = 8;

/// An n x d matrix by rows, each padded with zeros to a multiple of [`LINE`] entries and aligned to a cache line.
#[derive(Debug)]
pub(crate) struct RowMajor {
    storage: Vec<f64>,
    /// Entries before the first row.
    offset: usize,
    rows: usize,
    columns: usize,
    stride: usize,
}

impl RowMajor {
    /// All zeros.
    pub fn zeros(rows: usize, columns: usize) -> Self {
        let stride = columns.next_multiple_of(LINE);
        let storage = memory::filled(0.0, rows * stride + LINE);
        let offset = storage.as_ptr().align_offset(LINE * size_of::<f64>());
        // `align_offset` may refuse in theory; then rows are merely not aligned.
        let offset = if offset < LINE { offset } else { 0 };
        Self {
            storage,
            offset,
            rows,
            columns,
            stride,
        }
    }

    /// The same entries as a column-major matrix.
    pub fn from_matrix(matrix: &DMatrix<f64>) -> Self {
        /// Rows and columns that are transposed at once: both sides stay in the first-level cache.
        const TILE: usize = 16;
        let (n, d) = matrix.shape();
        let mut result = Self::zeros(n, d);
        let stride = result.stride;
        let entries = matrix.as_slice();
        let target = result.entries_mut();
        for first_row in (0..n).step_by(TILE) {
            let last_row = (first_row + TILE).min(n);
            for first_column in (0..d).step_by(TILE) {
                for j in first_column..(first_column + TILE).min(d) {
                    let column = &entries[j * n..(j + 1) * n];
                    for i in first_row..last_row {
                        target[i * stride + j] = column[i];
                    }
                }
            }
        }
        result
    }

    /// The number of rows n.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The number of columns d, padding not counted.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Entries from one row to the next.
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// Rows `first..last` with their padding.
    pub fn block(&self, first: usize, last: usize) -> &[f64] {
        &self.storage[self.offset + first * self.stride..self.offset + last * self.stride]
    }

    fn entries_mut(&mut self) -> &mut [f64] {
        let end = self.offset + self.rows * self.stride;
        &mut self.storage[self.offset..end]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_copied_padded_and_aligned() {
        for (n, d) in [(1, 1), (3, 8), (17, 20), (40, 33)] {
            let matrix = DMatrix::from_fn(n, d, |i, j| (100 * i + j) as f64);
            let rows = RowMajor::from_matrix(&matrix);
            let found = DMatrix::from_fn(n, d, |i, j| rows.block(i, i + 1)[j]);
            assert_eq!(found, matrix);
            assert_eq!(rows.stride() % LINE, 0);
            assert!(
                rows.block(0, n)
                    .chunks(rows.stride())
                    .all(|row| row[d..].iter().all(|x| *x == 0.0))
            );
            assert_eq!(
                rows.block(0, 1).as_ptr() as usize % (LINE * size_of::<f64>()),
                0
            );
        }
    }
}
