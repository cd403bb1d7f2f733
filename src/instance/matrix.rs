//! The design matrix `A` (n x d): dense or compressed sparse rows, always with finite entries and at least 1 x 1.

use nalgebra::{DMatrix, DVector};
use nalgebra_sparse::{CooMatrix, CsrMatrix};

use crate::instance::InstanceError;

/// The design matrix of a regression: `n` rows (one logit each), `d` columns (one unknown each).
#[derive(Clone, Debug)]
pub enum DesignMatrix {
    /// All entries stored.
    Dense(DMatrix<f64>),
    /// Compressed sparse rows; entries that are not stored are zero.
    Sparse(CsrMatrix<f64>),
}

impl DesignMatrix {
    /// A dense matrix. Refuses an empty shape and names the first entry that is not finite.
    pub fn dense(matrix: DMatrix<f64>) -> Result<Self, InstanceError> {
        refuse_empty(matrix.nrows(), matrix.ncols())?;
        if !all_finite(matrix.as_slice()) {
            for i in 0..matrix.nrows() {
                for j in 0..matrix.ncols() {
                    refuse_not_finite(matrix[(i, j)], i, j)?;
                }
            }
        }
        Ok(Self::Dense(matrix))
    }

    /// A sparse matrix. Refuses an empty shape and names the first stored entry that is not finite.
    pub fn sparse(matrix: CsrMatrix<f64>) -> Result<Self, InstanceError> {
        refuse_empty(matrix.nrows(), matrix.ncols())?;
        if !all_finite(matrix.values()) {
            for (i, j, value) in matrix.triplet_iter() {
                refuse_not_finite(*value, i, j)?;
            }
        }
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
        Self::dense(DMatrix::from_fn(rows.len(), columns, |i, j| rows[i][j]))
    }

    /// Number of rows `n`.
    pub fn rows(&self) -> usize {
        match self {
            Self::Dense(a) => a.nrows(),
            Self::Sparse(a) => a.nrows(),
        }
    }

    /// Number of columns `d`.
    pub fn columns(&self) -> usize {
        match self {
            Self::Dense(a) => a.ncols(),
            Self::Sparse(a) => a.ncols(),
        }
    }

    /// Stored entries: `n d` for a dense matrix.
    pub fn stored(&self) -> usize {
        match self {
            Self::Dense(a) => a.len(),
            Self::Sparse(a) => a.nnz(),
        }
    }

    /// Row `i` as `(column, value)` pairs, zeros of a dense row left out. Panics if `i >= n`, as indexing does.
    pub fn row_entries(&self, i: usize) -> Vec<(usize, f64)> {
        match self {
            Self::Dense(a) => (0..a.ncols())
                .map(|j| (j, a[(i, j)]))
                .filter(|(_, value)| *value != 0.0)
                .collect(),
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
            Self::Dense(a) => a * x,
            Self::Sparse(a) => a * x,
        }
    }

    /// `A' v` (d). Panics if `v` has not `n` entries, as nalgebra does.
    pub fn transpose_multiply(&self, v: &DVector<f64>) -> DVector<f64> {
        match self {
            Self::Dense(a) => a.tr_mul(v),
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
            Self::Dense(a) => a.clone(),
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

fn refuse_empty(rows: usize, columns: usize) -> Result<(), InstanceError> {
    if rows == 0 || columns == 0 {
        return Err(InstanceError::Empty { rows, columns });
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
