//! A dense matrix by rows: the order in which files, callers and kernels have it.

use std::fmt;
use std::sync::Arc;

use nalgebra::{DMatrix, DMatrixView, Dyn};

use crate::memory;

/// Entries of a line: rows start on multiples of it, so that the widest vectors never straddle a cache line.
pub(crate) const LINE: usize = 8;
/// Rows and columns that are transposed at once: both sides stay in the first-level cache.
const TILE: usize = 16;

/// An n x d matrix by rows. In an array of its own each row is padded with zeros to a multiple of 8 entries and aligned to a
/// cache line; in memory that it shares ([`shared`](Self::shared)) the rows lie as they lie.
#[derive(Debug)]
pub struct RowMajor {
    storage: Storage,
    /// Entries before the first row.
    offset: usize,
    rows: usize,
    columns: usize,
    /// Entries from one row to the next where they lie.
    pitch: usize,
}

/// Memory of somebody else that holds f64, and goes on holding the same ones as long as anybody has it.
pub type SharedEntries = Arc<dyn AsRef<[f64]> + Send + Sync>;

/// Where the entries lie.
enum Storage {
    Own(Vec<f64>),
    /// Read, never written.
    Shared(SharedEntries),
}

impl Storage {
    fn entries(&self) -> &[f64] {
        match self {
            Self::Own(entries) => entries,
            Self::Shared(entries) => entries.as_ref().as_ref(),
        }
    }
}

impl fmt::Debug for Storage {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self {
            Self::Own(_) => "Own",
            Self::Shared(_) => "Shared",
        };
        write!(out, "{kind}({} entries)", self.entries().len())
    }
}

impl RowMajor {
    /// All zeros. Panics, as `Vec` does, where so many entries are beyond the address space.
    pub fn zeros(rows: usize, columns: usize) -> Self {
        let stride = columns.next_multiple_of(LINE);
        let storage = memory::filled(0.0, rows.saturating_mul(stride).saturating_add(LINE));
        let offset = lines_before(&storage);
        Self {
            storage: Storage::Own(storage),
            offset,
            rows,
            columns,
            pitch: stride,
        }
    }

    /// A matrix in memory of somebody else, `rows * columns` entries, row after row, which is neither copied nor changed;
    /// `None` if it has another length. Where rows are no whole cache lines, blocks of them are padded when they are used.
    pub fn shared(rows: usize, columns: usize, entries: SharedEntries) -> Option<Self> {
        let length = entries.as_ref().as_ref().len();
        (rows.checked_mul(columns) == Some(length)).then_some(Self {
            storage: Storage::Shared(entries),
            offset: 0,
            rows,
            columns,
            pitch: columns,
        })
    }

    /// A matrix in the caller's own array of `rows * columns` entries, row after row; `None` if it has another length. Where
    /// rows must be padded or moved to a cache line, they are spread out in the array, grown by that much.
    pub fn from_entries(rows: usize, columns: usize, entries: Vec<f64>) -> Option<Self> {
        if rows.checked_mul(columns) != Some(entries.len()) {
            return None;
        }
        let stride = columns.next_multiple_of(LINE);
        let (mut storage, mut offset) = (entries, 0);
        let aligned = lines_before(&storage) == 0;
        if stride != columns || !aligned {
            let length = rows.checked_mul(stride)?.checked_add(LINE)?;
            storage.reserve_exact(length - storage.len());
            storage.resize(length, 0.0);
            offset = lines_before(&storage);
            // From the last row on: what a row moves to lies behind all rows before it.
            for i in (0..rows).rev() {
                let start = offset + i * stride;
                storage.copy_within(i * columns..(i + 1) * columns, start);
                storage[start + columns..start + stride].fill(0.0);
            }
        }
        Some(Self {
            storage: Storage::Own(storage),
            offset,
            rows,
            columns,
            pitch: stride,
        })
    }

    /// The number of rows n.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The number of columns d, padding not counted.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Entries of a padded row.
    pub(crate) fn stride(&self) -> usize {
        self.columns.next_multiple_of(LINE)
    }

    /// Entries from one row to the next where they lie.
    pub(crate) fn pitch(&self) -> usize {
        self.pitch
    }

    /// Whether the rows are padded where they lie.
    pub(crate) fn is_padded(&self) -> bool {
        self.pitch == self.stride()
    }

    /// The d entries of row i. Panics if `i >= n`, as indexing does.
    pub fn row(&self, i: usize) -> &[f64] {
        &self.block(i, i + 1)[..self.columns]
    }

    /// The d entries of row i, to be changed: of a copy from then on, where the memory is shared. Panics if `i >= n`, as indexing does.
    pub fn row_mut(&mut self, i: usize) -> &mut [f64] {
        let columns = self.columns;
        let (entries, pitch) = self.entries_mut();
        &mut entries[i * pitch..(i + 1) * pitch][..columns]
    }

    /// All rows, each of d entries.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[f64]> {
        (0..self.rows).map(|i| self.row(i))
    }

    /// The matrix for nalgebra, where it lies.
    pub fn view(&self) -> DMatrixView<'_, f64, Dyn, Dyn> {
        let entries = self.block(0, self.rows);
        DMatrixView::from_slice_with_strides(entries, self.rows, self.columns, self.pitch, 1)
    }

    /// A copy by columns.
    pub fn to_matrix(&self) -> DMatrix<f64> {
        self.columns_of(0, self.rows)
    }

    /// Rows `first..last` as they lie.
    pub(crate) fn block(&self, first: usize, last: usize) -> &[f64] {
        let place = self.offset + first * self.pitch..self.offset + last * self.pitch;
        &self.storage.entries()[place]
    }

    /// Rows `first..last`, each padded to [`stride`](Self::stride): where they lie, or copied into `room`.
    pub(crate) fn padded<'a>(
        &'a self,
        first: usize,
        last: usize,
        room: &'a mut Vec<f64>,
    ) -> &'a [f64] {
        let block = self.block(first, last);
        if self.is_padded() {
            return block;
        }
        // All of it: the room may hold other rows.
        room.resize((last - first) * self.stride(), 0.0);
        let rows = block.chunks_exact(self.columns);
        for (padded, row) in room.chunks_exact_mut(self.stride()).zip(rows) {
            let (entries, padding) = padded.split_at_mut(self.columns);
            entries.copy_from_slice(row);
            padding.fill(0.0);
        }
        room
    }

    /// A copy by columns of `count` rows from `first` on.
    pub(crate) fn columns_of(&self, first: usize, count: usize) -> DMatrix<f64> {
        let mut copy = DMatrix::zeros(count, self.columns);
        let entries = copy.as_mut_slice();
        let block = self.block(first, first + count);
        for first_row in (0..count).step_by(TILE) {
            for first_column in (0..self.columns).step_by(TILE) {
                let last_column = (first_column + TILE).min(self.columns);
                for i in first_row..(first_row + TILE).min(count) {
                    let row = &block[i * self.pitch..(i + 1) * self.pitch];
                    for j in first_column..last_column {
                        entries[j * count + i] = row[j];
                    }
                }
            }
        }
        copy
    }

    /// Calls `visit(j, column)` for a copy of each column in order, n entries, made together with those that share its cache lines.
    pub(crate) fn for_each_column(&self, mut visit: impl FnMut(usize, &mut [f64])) {
        let mut group = vec![0.0; LINE * self.rows];
        for first in (0..self.columns).step_by(LINE) {
            let last = (first + LINE).min(self.columns);
            for (i, row) in self.iter().enumerate() {
                for (k, entry) in row[first..last].iter().enumerate() {
                    group[k * self.rows + i] = *entry;
                }
            }
            let columns = group
                .chunks_exact_mut(self.rows.max(1))
                .zip(first..self.columns);
            columns.for_each(|(column, j)| visit(j, column));
        }
    }

    /// The given rows in that order. Panics on an index `>= n`.
    pub fn select_rows(&self, rows: &[usize]) -> Self {
        let mut chosen = Self::zeros(rows.len(), self.columns);
        for (place, i) in rows.iter().enumerate() {
            chosen.row_mut(place).copy_from_slice(self.row(*i));
        }
        chosen
    }

    /// The entries of an own array, and how far its rows lie apart.
    pub(crate) fn entries_mut(&mut self) -> (&mut [f64], usize) {
        if let Storage::Shared(_) = self.storage {
            *self = self.to_own();
        }
        let end = self.offset + self.rows * self.pitch;
        match &mut self.storage {
            Storage::Own(entries) => (&mut entries[self.offset..end], self.pitch),
            Storage::Shared(_) => unreachable!("made its own above"),
        }
    }

    /// A copy in an array of its own.
    fn to_own(&self) -> Self {
        let mut copy = Self::zeros(self.rows, self.columns);
        for i in 0..self.rows {
            copy.row_mut(i).copy_from_slice(self.row(i));
        }
        copy
    }
}

/// Entries before the first whole cache line of an array. `align_offset` may refuse in theory; then rows are merely not aligned.
fn lines_before(storage: &[f64]) -> usize {
    let offset = storage.as_ptr().align_offset(LINE * size_of::<f64>());
    if offset < LINE { offset } else { 0 }
}

/// Aligned as the original is; shared memory is shared once more.
impl Clone for RowMajor {
    fn clone(&self) -> Self {
        match &self.storage {
            Storage::Own(_) => self.to_own(),
            Storage::Shared(entries) => Self {
                storage: Storage::Shared(Arc::clone(entries)),
                ..*self
            },
        }
    }
}

/// The same shape and entries.
impl PartialEq for RowMajor {
    fn eq(&self, other: &Self) -> bool {
        (self.rows, self.columns) == (other.rows, other.columns) && self.iter().eq(other.iter())
    }
}

/// A copy by rows.
impl From<&DMatrix<f64>> for RowMajor {
    fn from(matrix: &DMatrix<f64>) -> Self {
        let (n, d) = matrix.shape();
        let mut result = Self::zeros(n, d);
        let entries = matrix.as_slice();
        let (target, stride) = result.entries_mut();
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
}

/// A copy by rows.
impl From<DMatrix<f64>> for RowMajor {
    fn from(matrix: DMatrix<f64>) -> Self {
        Self::from(&matrix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(found: &RowMajor, expected: &DMatrix<f64>) {
        let (n, d) = expected.shape();
        assert_eq!((found.rows(), found.columns()), (n, d));
        assert_eq!(DMatrix::from_fn(n, d, |i, j| found.row(i)[j]), *expected);
        assert!(found.iter().map(<[f64]>::len).eq(vec![d; n]));
        assert_eq!(found.stride() % LINE, 0);
        let mut room = vec![f64::NAN; 1];
        let padded = found.padded(0, n, &mut room);
        for (i, row) in padded.chunks(found.stride()).enumerate() {
            assert_eq!(row[..d], *found.row(i));
            assert!(row[d..].iter().all(|x| *x == 0.0));
        }
        assert_eq!(found.view(), *expected);
        assert_eq!(found.to_matrix(), *expected);
        let count = n / 2;
        let lower = expected.rows(n - count, count).clone_owned();
        assert_eq!(found.columns_of(n - count, count), lower);
        let mut columns = Vec::new();
        found.for_each_column(|j, column| {
            assert_eq!(j * n, columns.len());
            columns.extend_from_slice(column);
        });
        assert_eq!(columns, expected.as_slice());
    }

    /// From columns, from an array of the caller that is aligned or not, and as a copy.
    #[test]
    fn rows_are_copied_padded_and_aligned() {
        for (n, d) in [(1, 1), (3, 8), (17, 20), (40, 33), (5, 64)] {
            let matrix = DMatrix::from_fn(n, d, |i, j| (100 * i + j + 1) as f64);
            let rows = RowMajor::from(&matrix);
            for rows in [&rows, &rows.clone()] {
                holds(rows, &matrix);
                assert!(rows.is_padded());
                let address = rows.block(0, 1).as_ptr() as usize;
                assert_eq!(address % (LINE * size_of::<f64>()), 0);
            }
            for _ in 0..8 {
                // Arrays of another length each may begin anywhere.
                let entries = matrix.transpose().as_slice().to_vec();
                holds(&RowMajor::from_entries(n, d, entries).unwrap(), &matrix);
            }
            let chosen = rows.select_rows(&[n - 1, 0, n - 1]);
            holds(&chosen, &matrix.select_rows(&[n - 1, 0, n - 1]));
            assert_eq!(rows, RowMajor::from(matrix));
            assert!(n == 1 || rows != rows.select_rows(&vec![0; n]));
        }
    }

    /// Neither the matrix nor its clone moves an entry; what is changed is a copy.
    #[test]
    fn shared_memory_is_read_where_it_lies_and_never_written() {
        for (n, d) in [(3, 8), (17, 20), (5, 64), (1, 1)] {
            let matrix = DMatrix::from_fn(n, d, |i, j| (100 * i + j + 1) as f64);
            let entries: Arc<Vec<f64>> = Arc::new(matrix.transpose().as_slice().to_vec());
            let rows = RowMajor::shared(n, d, entries.clone()).unwrap();
            holds(&rows, &matrix);
            let mut copy = rows.clone();
            holds(&copy, &matrix);
            for rows in [&rows, &copy] {
                assert_eq!(rows.row(0).as_ptr(), entries.as_ptr());
                assert_eq!(rows.is_padded(), d % 8 == 0);
            }
            assert_eq!(rows, RowMajor::from(&matrix));
            copy.row_mut(n - 1)[d - 1] = -1.0;
            assert_eq!(copy.row(n - 1)[d - 1], -1.0);
            assert_eq!(rows.row(n - 1)[d - 1], entries[n * d - 1]);
            assert!(RowMajor::shared(n, d + 1, entries).is_none());
        }
    }

    /// With room for the padding the array is not even moved.
    #[test]
    fn the_array_of_the_caller_becomes_the_matrix() {
        for (n, d) in [(64_usize, 64_usize), (9, 5)] {
            let mut entries = Vec::with_capacity(n * d.next_multiple_of(LINE) + LINE);
            entries.extend((0..n * d).map(|k| k as f64));
            let address = entries.as_ptr();
            let rows = RowMajor::from_entries(n, d, entries).unwrap();
            assert_eq!(rows.storage.entries().as_ptr(), address);
            assert_eq!(rows.row(n - 1)[d - 1], (n * d - 1) as f64);
        }
        assert!(RowMajor::from_entries(3, 5, vec![0.0; 16]).is_none());
        assert!(RowMajor::from_entries(usize::MAX, 2, vec![0.0; 2]).is_none());
    }
}
