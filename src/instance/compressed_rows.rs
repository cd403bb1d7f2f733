//! Compressed sparse rows as somebody else stored them: checked, sorted within each row, entries of one place added.

use nalgebra_sparse::CsrMatrix;

use crate::instance::matrix::refuse_not_finite_from;
use crate::instance::{DesignMatrix, InstanceError};

/// The arrays of a sparse matrix, named as in SciPy: row `i` has the entries `indptr[i]..indptr[i + 1]` of `indices`
/// (columns) and `data` (values).
#[derive(Clone, Debug)]
pub struct CompressedRows {
    /// Rows and columns.
    pub shape: [usize; 2],
    /// Where each row begins, and the number of entries behind the last: one more than there are rows.
    pub indptr: Vec<usize>,
    /// The column of each entry.
    pub indices: Vec<usize>,
    /// The value of each entry.
    pub data: Vec<f64>,
}

impl CompressedRows {
    /// Longest side that is taken from a file: a column without entries costs memory that no byte of the file pays for.
    pub const LONGEST_SIDE: usize = 1 << 27;

    /// The matrix. Columns may stand in any order within their row, and entries of one place are added in the order in
    /// which they stand. Anything else that does not fit is an error that names array, index and value. The arrays are
    /// moved, not copied.
    pub fn into_matrix(self) -> Result<DesignMatrix, InstanceError> {
        DesignMatrix::sparse(self.checked(Self::ROWS)?)
    }

    /// [`CompressedRows::into_matrix`] of compressed sparse columns (SciPy's csc): column `j` has the entries
    /// `indptr[j]..indptr[j + 1]` of `indices`, which are rows.
    pub fn columns_into_matrix(mut self) -> Result<DesignMatrix, InstanceError> {
        self.shape.reverse();
        DesignMatrix::sparse(self.checked(Self::COLUMNS)?.transpose())
    }

    /// What `indptr` and `indices` count.
    const ROWS: [&str; 2] = ["row", "column"];
    /// The same where the matrix is stored by columns, here as the rows of its transpose.
    const COLUMNS: [&str; 2] = ["column", "row"];

    fn checked(self, counted: [&str; 2]) -> Result<CsrMatrix<f64>, InstanceError> {
        let lengths = [self.indptr.len(), self.indices.len(), self.data.len()];
        Self::check_lengths(self.shape, lengths, counted)?;
        Self::check_row_starts(&self.indptr, 0, self.shape[0], self.indices.len())?;
        self.with_checked_starts(counted, 0)
    }

    /// Some rows of a matrix: `first_row` of its rows and `first_entry` of its stored entries are before them, and the lengths and
    /// `indptr`, which counts from 0 here, are known to be right. Errors are as for [`into_matrix`](Self::into_matrix), with the
    /// indices of the whole matrix.
    pub(crate) fn block(
        self,
        first_row: usize,
        first_entry: usize,
    ) -> Result<CsrMatrix<f64>, InstanceError> {
        let block = self.with_checked_starts(Self::ROWS, first_entry)?;
        refuse_not_finite_from(first_row, &block)?;
        Ok(block)
    }

    fn with_checked_starts(
        mut self,
        counted: [&str; 2],
        first_entry: usize,
    ) -> Result<CsrMatrix<f64>, InstanceError> {
        self.check_columns(counted, first_entry)?;
        if let Some(k) = self.data.iter().position(|value| !value.is_finite()) {
            return Err(InstanceError::NotFinite {
                part: "data",
                place: (first_entry + k).to_string(),
                value: self.data[k],
            });
        }
        if !self.is_sorted() {
            self.sort_and_add();
        }
        let [rows, columns] = self.shape;
        CsrMatrix::try_from_csr_data(rows, columns, self.indptr, self.indices, self.data).map_err(
            |error| InstanceError::Shape {
                part: "matrix",
                found: error.to_string(),
                expected: "compressed rows".to_owned(),
            },
        )
    }

    /// That compressed rows of this shape may have arrays of these lengths (`indptr`, `indices`, `data`).
    pub(crate) fn check_row_lengths(
        shape: [usize; 2],
        lengths: [usize; 3],
    ) -> Result<(), InstanceError> {
        Self::check_lengths(shape, lengths, Self::ROWS)
    }

    fn check_lengths(
        shape: [usize; 2],
        [indptr, indices, data]: [usize; 3],
        counted: [&str; 2],
    ) -> Result<(), InstanceError> {
        let [rows, columns] = shape;
        if rows.max(columns) > Self::LONGEST_SIDE {
            let mut shape = shape;
            if counted == Self::COLUMNS {
                shape.reverse();
            }
            return Err(InstanceError::Shape {
                part: "matrix",
                found: format!("shape {} x {}", shape[0], shape[1]),
                expected: format!("sides of at most {}", Self::LONGEST_SIDE),
            });
        }
        for (part, found, expected) in [("indptr", indptr, rows + 1), ("data", data, indices)] {
            if found != expected {
                let reason = match part {
                    "indptr" => format!("one more than there are {}s", counted[0]),
                    _ => "as many as indices has".to_owned(),
                };
                return Err(InstanceError::Shape {
                    part,
                    found: format!("{found} entries"),
                    expected: format!("{expected}, {reason}"),
                });
            }
        }
        Ok(())
    }

    /// That entries of `indptr` from place `first` on may be those of a matrix with so many rows and stored entries.
    pub(crate) fn check_row_starts(
        starts: &[usize],
        first: usize,
        rows: usize,
        stored: usize,
    ) -> Result<(), InstanceError> {
        let wrong = |k: usize, expected: String| {
            Err(InstanceError::Index {
                part: "indptr",
                place: first + k,
                value: starts[k],
                expected,
            })
        };
        if first == 0 && starts[0] != 0 {
            return wrong(0, "0".to_owned());
        }
        if let Some(k) = starts.windows(2).position(|pair| pair[1] < pair[0]) {
            let before = first + k;
            return wrong(k + 1, format!("at least indptr[{before}] = {}", starts[k]));
        }
        let last = starts.len() - 1;
        if first + last == rows && starts[last] != stored {
            return wrong(last, format!("the {stored} entries of indices"));
        }
        if starts[last] > stored {
            return wrong(last, format!("at most the {stored} entries of indices"));
        }
        Ok(())
    }

    fn check_columns(&self, counted: [&str; 2], first_entry: usize) -> Result<(), InstanceError> {
        let columns = self.shape[1];
        match self.indices.iter().position(|column| *column >= columns) {
            None => Ok(()),
            Some(k) => Err(InstanceError::Index {
                part: "indices",
                place: first_entry + k,
                value: self.indices[k],
                expected: format!("a {} below {columns}", counted[1]),
            }),
        }
    }

    /// Whether the columns of every row increase strictly.
    fn is_sorted(&self) -> bool {
        self.indptr.windows(2).all(|row| {
            self.indices[row[0]..row[1]]
                .windows(2)
                .all(|pair| pair[0] < pair[1])
        })
    }

    /// Sorts every row in place; what adding makes superfluous is closed up.
    fn sort_and_add(&mut self) {
        let mut row: Vec<(usize, f64)> = Vec::new();
        let mut written = 0;
        let mut begin = 0;
        for end in &mut self.indptr[1..] {
            row.clear();
            let entries = begin..*end;
            row.extend(
                self.indices[entries.clone()]
                    .iter()
                    .copied()
                    .zip(self.data[entries].iter().copied()),
            );
            // Stable, so that equal columns are added in the order of the file.
            row.sort_by_key(|(column, _)| *column);
            let first = written;
            for (column, value) in &row {
                if written > first && self.indices[written - 1] == *column {
                    self.data[written - 1] += value;
                } else {
                    self.indices[written] = *column;
                    self.data[written] = *value;
                    written += 1;
                }
            }
            begin = *end;
            *end = written;
        }
        self.indices.truncate(written);
        self.data.truncate(written);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::DMatrix;

    /// The working baseline that every wrong-input test changes in one place.
    fn baseline() -> CompressedRows {
        CompressedRows {
            shape: [3, 4],
            indptr: vec![0, 2, 2, 5],
            indices: vec![0, 3, 1, 2, 3],
            data: vec![1.0, 2.0, 3.0, 4.0, 5.0],
        }
    }

    fn error(change: impl Fn(&mut CompressedRows)) -> String {
        let mut rows = baseline();
        change(&mut rows);
        rows.into_matrix().unwrap_err().to_string()
    }

    #[test]
    fn rows_become_the_matrix_they_describe() {
        let expected = DMatrix::from_row_slice(
            3,
            4,
            &[1.0, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0, 0.0, 0.0, 3.0, 4.0, 5.0],
        );
        assert_eq!(baseline().into_matrix().unwrap().to_dense(), expected);
    }

    #[test]
    fn columns_in_any_order_are_sorted_and_equal_ones_added() {
        let rows = CompressedRows {
            shape: [3, 4],
            indptr: vec![0, 3, 3, 7],
            indices: vec![3, 0, 3, 3, 1, 3, 2],
            data: vec![0.5, 1.0, 1.5, 2.0, 3.0, 3.0, 4.0],
        };
        let DesignMatrix::Sparse(found) = rows.into_matrix().unwrap() else {
            panic!("not sparse");
        };
        let expected = baseline();
        assert_eq!(found.row_offsets(), expected.indptr);
        assert_eq!(found.col_indices(), expected.indices);
        assert_eq!(found.values(), expected.data);
    }

    #[test]
    fn what_is_wrong_is_named_with_array_index_and_value() {
        for (found, expected) in [
            (
                error(|rows| rows.shape[0] = 4),
                "indptr has 4 entries, expected 5, one more than there are rows",
            ),
            (
                error(|rows| rows.shape[1] = usize::MAX),
                "matrix has shape 3 x 18446744073709551615, expected sides of at most 134217728",
            ),
            (
                error(|rows| rows.data.truncate(4)),
                "data has 4 entries, expected 5, as many as indices has",
            ),
            (
                error(|rows| rows.indptr[0] = 1),
                "indptr[0] is 1, expected 0",
            ),
            (
                error(|rows| rows.indptr[1] = 4),
                "indptr[2] is 2, expected at least indptr[1] = 4",
            ),
            (
                error(|rows| rows.indptr[2] = usize::MAX),
                "indptr[3] is 5, expected at least indptr[2] = 18446744073709551615",
            ),
            (
                error(|rows| rows.indptr[3] = 4),
                "indptr[3] is 4, expected the 5 entries of indices",
            ),
            (
                error(|rows| rows.indices[3] = 4),
                "indices[3] is 4, expected a column below 4",
            ),
            (
                error(|rows| rows.data[1] = f64::NAN),
                "data[1] is NaN: every entry must be finite",
            ),
            (
                error(|rows| {
                    rows.indices[3] = 1;
                    rows.data[2..4].fill(f64::MAX);
                }),
                "matrix[2, 1] is inf: every entry must be finite",
            ),
            (
                error(|rows| {
                    rows.shape = [3, 0];
                    rows.indptr = vec![0; 4];
                    rows.indices.clear();
                    rows.data.clear();
                }),
                "matrix is 3 x 0: at least one row and one column are needed",
            ),
        ] {
            assert_eq!(found, expected);
        }
    }

    /// The transpose of the baseline, stored by columns, and what is wrong with it in its own words.
    #[test]
    fn columns_become_the_matrix_they_describe() {
        let expected = baseline().into_matrix().unwrap().to_dense().transpose();
        let stored = || CompressedRows {
            shape: [4, 3],
            ..baseline()
        };
        let found = stored().columns_into_matrix().unwrap();
        assert_eq!(found.to_dense(), expected);
        let error = |change: fn(&mut CompressedRows)| {
            let mut columns = stored();
            change(&mut columns);
            columns.columns_into_matrix().unwrap_err().to_string()
        };
        for (found, expected) in [
            (
                error(|columns| columns.shape[1] = 4),
                "indptr has 4 entries, expected 5, one more than there are columns",
            ),
            (
                error(|columns| columns.shape[1] = 1 << 28),
                "matrix has shape 4 x 268435456, expected sides of at most 134217728",
            ),
            (
                error(|columns| columns.indices[3] = 4),
                "indices[3] is 4, expected a row below 4",
            ),
            (
                error(|columns| {
                    columns.indices[3] = 1;
                    columns.data[2..4].fill(f64::MAX);
                }),
                "matrix[1, 2] is inf: every entry must be finite",
            ),
        ] {
            assert_eq!(found, expected);
        }
    }

    quickcheck::quickcheck! {
        fn any_arrays_give_a_matrix_or_an_error(shape: (usize, usize), indptr: Vec<u8>, indices: Vec<u8>, data: Vec<f64>) -> bool {
            let wide = |narrow: Vec<u8>| narrow.into_iter().map(usize::from).collect::<Vec<_>>();
            let mut indptr = wide(indptr);
            let any = CompressedRows { shape: [shape.0, shape.1], indptr: indptr.clone(), indices: wide(indices.clone()), data: data.clone() };
            let _ = any.into_matrix();
            // Nearer to a matrix: increasing starts and fitting lengths.
            indptr.sort_unstable();
            indptr.insert(0, 0);
            let stored = *indptr.last().unwrap_or(&0);
            let values = (0..stored).map(|k| data.get(k).copied().unwrap_or(1.0)).collect();
            let columns = (0..stored).map(|k| usize::from(indices.get(k).copied().unwrap_or(0))).collect();
            let near = CompressedRows { shape: [indptr.len() - 1, 256], indptr, indices: columns, data: values };
            let _ = near.into_matrix();
            true
        }
    }

    /// A column costs nothing where no row uses it, so the longest side is allowed to the last column.
    #[test]
    fn the_longest_side_is_allowed_and_one_more_is_not() {
        let with = |columns| CompressedRows {
            shape: [1, columns],
            indptr: vec![0, 1],
            indices: vec![(1 << 27) - 1],
            data: vec![2.0],
        };
        let longest = with(1 << 27).into_matrix().unwrap();
        assert_eq!((longest.rows(), longest.columns()), (1, 134_217_728));
        assert_eq!(longest.row_entries(0), [(134_217_727, 2.0)]);
        assert_eq!(
            with((1 << 27) + 1).into_matrix().unwrap_err().to_string(),
            "matrix has shape 1 x 134217729, expected sides of at most 134217728"
        );
    }
}
