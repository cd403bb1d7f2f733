//! The design matrix `A` (n x d): dense or compressed sparse rows, always with finite entries and at least 1 x 1.

use nalgebra::{DMatrix, DVector};
use nalgebra_sparse::{CooMatrix, CsrMatrix};

use crate::instance::InstanceError;
use crate::instance::row_major::{RowMajor, SharedEntries};

/// The design matrix of a regression: `n` rows (one logit each), `d` columns (one unknown each).
#[derive(Clone, Debug)]
pub enum DesignMatrix {
    /// All entries stored, row after row.
    Dense(RowMajor),
    /// Compressed sparse rows; entries that are not stored are zero.
    Sparse(CsrMatrix<f64>),
}

impl DesignMatrix {
    /// A dense matrix. Refuses an empty shape and names the first entry that is not finite.
    pub fn dense(matrix: impl Into<RowMajor>) -> Result<Self, InstanceError> {
        let matrix = matrix.into();
        refuse_empty(matrix.rows(), matrix.columns())?;
        // With the padding, which is finite.
        if !all_finite(matrix.block(0, matrix.rows())) {
            for (i, row) in matrix.iter().enumerate() {
                for (j, value) in row.iter().enumerate() {
                    refuse_not_finite(*value, i, j)?;
                }
            }
        }
        Ok(Self::Dense(matrix))
    }

    /// A dense matrix in the caller's own array of `rows * columns` entries, row after row: see [`RowMajor::from_entries`].
    /// Refuses another length, an empty shape, and entries that are not finite.
    pub fn from_row_major(
        rows: usize,
        columns: usize,
        entries: Vec<f64>,
    ) -> Result<Self, InstanceError> {
        let found = entries.len();
        let matrix = RowMajor::from_entries(rows, columns, entries);
        Self::dense(matrix.ok_or_else(|| wrong_length(found, rows, columns))?)
    }

    /// A dense matrix in memory of somebody else, row after row, which is not copied: see [`RowMajor::shared`]. Refuses
    /// what [`from_row_major`](Self::from_row_major) refuses.
    pub fn from_shared_row_major(
        rows: usize,
        columns: usize,
        entries: SharedEntries,
    ) -> Result<Self, InstanceError> {
        let found = entries.as_ref().as_ref().len();
        let matrix = RowMajor::shared(rows, columns, entries);
        Self::dense(matrix.ok_or_else(|| wrong_length(found, rows, columns))?)
    }

    /// A sparse matrix. Refuses an empty shape and names the first stored entry that is not finite.
    pub fn sparse(matrix: CsrMatrix<f64>) -> Result<Self, InstanceError> {
        refuse_empty(matrix.nrows(), matrix.ncols())?;
        refuse_not_finite_from(0, &matrix)?;
        Ok(Self::Sparse(matrix))
    }

    /// A dense matrix from its rows. Refuses rows of different lengths.
    pub fn from_rows(rows: &[Vec<f64>]) -> Result<Self, InstanceError> {
        let columns = rows.first().map_or(0, Vec::len);
        for (i, row) in rows.iter().enumerate() {
            if row.len() != columns {
                return Err(InstanceError::Shape {
                    part: "matrix",
                    found: format!("{} entries in row {i}", row.len()),
                    expected: format!("{columns} as in row 0"),
                });
            }
        }
        Self::from_row_major(rows.len(), columns, rows.concat())
    }

    /// Number of rows `n`.
    pub fn rows(&self) -> usize {
        match self {
            Self::Dense(a) => a.rows(),
            Self::Sparse(a) => a.nrows(),
        }
    }

    /// Number of columns `d`.
    pub fn columns(&self) -> usize {
        match self {
            Self::Dense(a) => a.columns(),
            Self::Sparse(a) => a.ncols(),
        }
    }

    /// Stored entries: `n d` for a dense matrix.
    pub fn stored(&self) -> usize {
        match self {
            Self::Dense(a) => a.rows() * a.columns(),
            Self::Sparse(a) => a.nnz(),
        }
    }

    /// Row `i` as `(column, value)` pairs, zeros of a dense row left out. Panics if `i >= n`, as indexing does.
    pub fn row_entries(&self, i: usize) -> Vec<(usize, f64)> {
        match self {
            Self::Dense(a) => {
                let row = a.row(i).iter().copied().enumerate();
                row.filter(|(_, value)| *value != 0.0).collect()
            }
            Self::Sparse(a) => {
                let row = a.row(i);
                row.col_indices()
                    .iter()
                    .copied()
                    .zip(row.values().iter().copied())
                    .collect()
            }
        }
    }

    /// `A x` (n). Panics if `x` has not `d` entries, as nalgebra does.
    pub fn multiply(&self, x: &DVector<f64>) -> DVector<f64> {
        match self {
            Self::Dense(a) => {
                assert_eq!(
                    x.len(),
                    a.columns(),
                    "x has another length than A has columns"
                );
                let products = |row: &[f64]| row.iter().zip(x).map(|(a, x)| a * x).sum::<f64>();
                DVector::from_iterator(a.rows(), a.iter().map(products))
            }
            Self::Sparse(a) => a * x,
        }
    }

    /// `A' v` (d). Panics if `v` has not `n` entries, as nalgebra does.
    pub fn transpose_multiply(&self, v: &DVector<f64>) -> DVector<f64> {
        match self {
            Self::Dense(a) => a.view().tr_mul(v),
            Self::Sparse(a) => {
                assert_eq!(v.len(), a.nrows(), "v has another length than A has rows");
                let mut product = DVector::zeros(a.ncols());
                for (row, factor) in a.row_iter().zip(v.iter()) {
                    for (j, value) in row.col_indices().iter().zip(row.values()) {
                        product[*j] += value * factor;
                    }
                }
                product
            }
        }
    }

    /// All entries, `n x d`: for small instances only.
    pub fn to_dense(&self) -> DMatrix<f64> {
        match self {
            Self::Dense(a) => a.to_matrix(),
            Self::Sparse(a) => {
                let mut dense = DMatrix::zeros(a.nrows(), a.ncols());
                for (i, j, value) in a.triplet_iter() {
                    dense[(i, j)] += value;
                }
                dense
            }
        }
    }

    /// The matrix with only the given rows, in that order, stored as this one is. Panics on an index `>= n`.
    pub fn select_rows(&self, rows: &[usize]) -> Self {
        match self {
            Self::Dense(a) => Self::Dense(a.select_rows(rows)),
            Self::Sparse(a) => {
                let mut chosen = CooMatrix::new(rows.len(), a.ncols());
                for (place, i) in rows.iter().enumerate() {
                    let row = a.row(*i);
                    for (j, value) in row.col_indices().iter().zip(row.values()) {
                        chosen.push(place, *j, *value);
                    }
                }
                Self::Sparse(CsrMatrix::from(&chosen))
            }
        }
    }
}

fn wrong_length(found: usize, rows: usize, columns: usize) -> InstanceError {
    InstanceError::Shape {
        part: "matrix",
        found: format!("{found} entries"),
        expected: format!("{rows} x {columns}"),
    }
}

fn refuse_empty(rows: usize, columns: usize) -> Result<(), InstanceError> {
    if rows == 0 || columns == 0 {
        return Err(InstanceError::Empty { rows, columns });
    }
    Ok(())
}

/// Names the first stored entry that is not finite; so many rows are before the first.
pub(super) fn refuse_not_finite_from(
    first_row: usize,
    matrix: &CsrMatrix<f64>,
) -> Result<(), InstanceError> {
    if !all_finite(matrix.values()) {
        for (i, j, value) in matrix.triplet_iter() {
            refuse_not_finite(*value, first_row + i, j)?;
        }
    }
    Ok(())
}

/// Without naming the place, and so at the speed of memory.
fn all_finite(values: &[f64]) -> bool {
    values.chunks(1 << 12).all(|chunk| {
        chunk
            .iter()
            .fold(true, |fine, value| fine & value.is_finite())
    })
}

fn refuse_not_finite(value: f64, i: usize, j: usize) -> Result<(), InstanceError> {
    if !value.is_finite() {
        return Err(InstanceError::NotFinite {
            part: "matrix",
            place: format!("{i}, {j}"),
            value,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same matrix, dense and sparse; one row has no entries.
    fn both() -> [DesignMatrix; 2] {
        let rows = [vec![4.0, 0.0], vec![0.0, 0.0], vec![-2.0, 5.0]];
        let offsets = vec![0, 1, 1, 3];
        let sparse =
            CsrMatrix::try_from_csr_data(3, 2, offsets, vec![0, 0, 1], vec![4.0, -2.0, 5.0]);
        [
            DesignMatrix::from_rows(&rows).unwrap(),
            DesignMatrix::sparse(sparse.unwrap()).unwrap(),
        ]
    }

    #[test]
    fn dense_and_sparse_give_the_products_worked_out_by_hand() {
        for a in both() {
            assert_eq!((a.rows(), a.columns()), (3, 2));
            let x = DVector::from_row_slice(&[3.0, 7.0]);
            assert_eq!(a.multiply(&x).as_slice(), [12.0, 0.0, 29.0]);
            let v = DVector::from_row_slice(&[3.0, 11.0, 7.0]);
            assert_eq!(a.transpose_multiply(&v).as_slice(), [-2.0, 35.0]);
            let expected = DMatrix::from_row_slice(3, 2, &[4.0, 0.0, 0.0, 0.0, -2.0, 5.0]);
            assert_eq!(a.to_dense(), expected);
            assert_eq!(a.row_entries(0), [(0, 4.0)]);
            assert_eq!(a.row_entries(1), []);
            assert_eq!(a.row_entries(2), [(0, -2.0), (1, 5.0)]);
            let chosen = a.select_rows(&[2, 0, 2]);
            let expected = DMatrix::from_row_slice(3, 2, &[-2.0, 5.0, 4.0, 0.0, -2.0, 5.0]);
            assert_eq!(chosen.to_dense(), expected);
            let stored_alike = matches!(
                (&a, &chosen),
                (DesignMatrix::Dense(_), DesignMatrix::Dense(_))
                    | (DesignMatrix::Sparse(_), DesignMatrix::Sparse(_))
            );
            assert!(stored_alike);
        }
        assert_eq!(both().map(|a| a.stored()), [6, 3]);
    }

    /// The check that runs at the speed of memory must find a bad entry at any place of any length, odd or even, in the
    /// first block and in the last.
    #[test]
    fn one_entry_that_is_not_finite_is_found_at_any_place() {
        for (rows, columns) in [(1, 1), (2, 1), (3, 1), (3, 5), (4099, 1), (2, 4099)] {
            let good = DMatrix::from_element(rows, columns, 0.5);
            assert!(DesignMatrix::dense(good.clone()).is_ok());
            for (i, j) in [
                (0, 0),
                (rows - 1, 0),
                (0, columns - 1),
                (rows - 1, columns - 1),
            ] {
                for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
                    let mut bad = good.clone();
                    bad[(i, j)] = value;
                    let expected =
                        format!("matrix[{i}, {j}] is {value}: every entry must be finite");
                    let sparse = CsrMatrix::from(&bad);
                    let error = DesignMatrix::sparse(sparse).unwrap_err();
                    assert_eq!(error.to_string(), expected);
                    let error = DesignMatrix::dense(bad).unwrap_err();
                    assert_eq!(error.to_string(), expected);
                }
            }
        }
    }

    #[test]
    fn shapes_without_entries_and_ragged_rows_are_refused() {
        for (rows, columns) in [(0, 2), (2, 0)] {
            let expected =
                format!("matrix is {rows} x {columns}: at least one row and one column are needed");
            let dense = DesignMatrix::dense(DMatrix::zeros(rows, columns));
            assert_eq!(dense.unwrap_err().to_string(), expected);
            let sparse = DesignMatrix::sparse(CsrMatrix::zeros(rows, columns));
            assert_eq!(sparse.unwrap_err().to_string(), expected);
        }
        let ragged = DesignMatrix::from_rows(&[vec![1.0, 2.0], vec![3.0, 4.0], vec![5.0]]);
        assert_eq!(
            ragged.unwrap_err().to_string(),
            "matrix has 1 entries in row 2, expected 2 as in row 0"
        );
    }

    #[test]
    #[should_panic(expected = "v has another length than A has rows")]
    fn a_vector_of_another_length_is_a_mistake_of_the_caller() {
        let [_, sparse] = both();
        sparse.transpose_multiply(&DVector::zeros(2));
    }
}
