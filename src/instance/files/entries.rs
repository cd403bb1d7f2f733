//! Entries in any order on their way to compressed rows.
//!
//! Until the end an entry costs 12 bytes if the file lists row after row, as SciPy writes, and 16 otherwise; at most 24
//! while the arrays of the result (16 an entry) are filled one after the other.

use crate::instance::CompressedRows;
use crate::memory;

/// The entries read so far.
pub(super) struct Entries {
    shape: [usize; 2],
    /// Entries of row `i` at place `i + 1`, as far as rows have been seen: a size line alone costs nothing.
    counts: Vec<usize>,
    /// The row of each entry, once one has come out of order; sides are below 2^32.
    rows: Option<Vec<u32>>,
    columns: Vec<u32>,
    values: Vec<f64>,
    last_row: usize,
}

impl Entries {
    /// No entries of a matrix whose sides are below 2^32. Room is made for `expected`.
    pub(super) fn new(shape: [usize; 2], expected: usize) -> Self {
        Self {
            shape,
            counts: vec![0],
            rows: None,
            columns: memory::with_capacity(expected),
            values: memory::with_capacity(expected),
            last_row: 0,
        }
    }

    /// One more entry, inside the shape.
    pub(super) fn push(&mut self, row: usize, column: usize, value: f64) {
        if row < self.last_row && self.rows.is_none() {
            self.rows = Some(self.rows_so_far());
        }
        if let Some(rows) = &mut self.rows {
            rows.push(row as u32);
        }
        self.last_row = row;
        if self.counts.len() <= row + 1 {
            self.counts.resize(row + 2, 0);
        }
        self.counts[row + 1] += 1;
        self.columns.push(column as u32);
        self.values.push(value);
    }

    /// The row of each entry, as long as they came in order.
    fn rows_so_far(&self) -> Vec<u32> {
        let mut rows = Vec::with_capacity(self.values.capacity());
        for (row, count) in self.counts[1..].iter().enumerate() {
            rows.resize(rows.len() + count, row as u32);
        }
        rows
    }

    /// All entries as compressed rows, those of one row in the order in which they came.
    pub(super) fn into_rows(self) -> CompressedRows {
        let mut indptr = self.counts;
        indptr.resize(self.shape[0] + 1, 0);
        indptr.shrink_to_fit();
        let mut sum = 0;
        for start in &mut indptr {
            sum += *start;
            *start = sum;
        }
        let (indices, data) = match self.rows {
            None => {
                let mut indices = memory::with_capacity(self.columns.len());
                indices.extend(self.columns.iter().map(|column| *column as usize));
                (indices, shrunk(self.values))
            }
            Some(rows) => {
                // One array after the other, so that each is given back before the next is made.
                let data = sorted(&rows, &indptr, self.values, 0.0, |value| value);
                let indices = sorted(&rows, &indptr, self.columns, 0, |column| column as usize);
                (indices, data)
            }
        };
        CompressedRows {
            shape: self.shape,
            indptr,
            indices,
            data,
        }
    }
}

/// Without the room that was made for more.
fn shrunk(mut values: Vec<f64>) -> Vec<f64> {
    values.shrink_to_fit();
    values
}

/// A counting sort by row: stable.
fn sorted<S: Copy, T: Copy>(
    rows: &[u32],
    indptr: &[usize],
    source: Vec<S>,
    blank: T,
    convert: impl Fn(S) -> T,
) -> Vec<T> {
    let mut next = indptr.to_vec();
    let mut target = memory::filled(blank, source.len());
    for (row, item) in rows.iter().zip(source) {
        let place = &mut next[*row as usize];
        target[*place] = convert(item);
        *place += 1;
    }
    target
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pushed(places: &[(usize, usize)]) -> Entries {
        let mut entries = Entries::new([4, 9], 0);
        for (k, (row, column)) in places.iter().enumerate() {
            entries.push(*row, *column, (k + 1) as f64);
        }
        entries
    }

    /// The row of an entry costs 4 bytes, and is kept only from the first entry on that comes out of order.
    #[test]
    fn rows_are_kept_only_where_entries_are_out_of_order() {
        let in_order = pushed(&[(0, 5), (0, 2), (1, 0), (3, 8), (3, 1)]);
        assert!(in_order.rows.is_none());
        assert_eq!(in_order.counts, [0, 2, 1, 0, 2]);
        let rows = in_order.into_rows();
        assert_eq!(rows.indptr, [0, 2, 3, 3, 5]);
        assert_eq!(rows.indices, [5, 2, 0, 8, 1]);
        assert_eq!(rows.data, [1.0, 2.0, 3.0, 4.0, 5.0]);

        let out_of_order = pushed(&[(0, 5), (2, 2), (2, 0), (1, 8), (3, 1), (0, 3)]);
        assert_eq!(out_of_order.rows, Some(vec![0, 2, 2, 1, 3, 0]));
        let rows = out_of_order.into_rows();
        assert_eq!(rows.indptr, [0, 2, 3, 5, 6]);
        assert_eq!(rows.indices, [5, 3, 8, 2, 0, 1]);
        assert_eq!(rows.data, [1.0, 6.0, 4.0, 2.0, 3.0, 5.0]);
    }

    /// A size line alone costs nothing: rows are counted as far as they have been seen.
    #[test]
    fn rows_are_counted_as_far_as_they_have_been_seen() {
        assert_eq!(pushed(&[]).counts, [0]);
        assert_eq!(pushed(&[(2, 0)]).counts, [0, 0, 0, 1]);
        assert_eq!(pushed(&[]).into_rows().indptr, [0; 5]);
    }
}
