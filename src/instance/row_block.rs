//! Some rows of a matrix, for who shares the others with other processes.

use std::ops::Range;

use nalgebra_sparse::CsrMatrix;

use crate::instance::{CompressedRows, DesignMatrix, InstanceError, RowMajor};

/// What is known of a matrix before its entries are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outline {
    /// n.
    pub rows: usize,
    /// d.
    pub columns: usize,
    /// Whether only some entries are stored.
    pub sparse: bool,
    /// Stored entries, as the file announces them: those of one place, which are added, count one by one, and the diagonal of a
    /// symmetric file as if all of it were there.
    pub stored: usize,
}

/// Says which rows are read.
pub type Choice<'a> = &'a dyn Fn(&Outline) -> Range<usize>;

/// Rows that follow each other, of a matrix that may have more.
#[derive(Clone, Debug)]
pub struct RowBlock {
    /// The rows that are here; there may be none.
    pub matrix: DesignMatrix,
    /// Which of all these are.
    pub rows: Range<usize>,
    /// The whole matrix.
    pub outline: Outline,
}

impl Outline {
    /// Of a matrix that is there.
    pub fn of(matrix: &DesignMatrix) -> Self {
        Self {
            rows: matrix.rows(),
            columns: matrix.columns(),
            sparse: matches!(matrix, DesignMatrix::Sparse(_)),
            stored: matrix.stored(),
        }
    }

    /// Of a dense matrix.
    pub(super) fn dense(rows: usize, columns: usize) -> Self {
        Self {
            rows,
            columns,
            sparse: false,
            stored: rows.saturating_mul(columns),
        }
    }

    /// The rows that somebody chooses, as far as there are so many.
    pub(super) fn chosen(&self, choose: Choice) -> Range<usize> {
        let rows = choose(self);
        let start = rows.start.min(self.rows);
        start..rows.end.clamp(start, self.rows)
    }

    /// An error where there is no row or no column.
    pub(super) fn refuse_empty(&self) -> Result<(), InstanceError> {
        if self.rows == 0 || self.columns == 0 {
            return Err(InstanceError::Empty {
                rows: self.rows,
                columns: self.columns,
            });
        }
        Ok(())
    }
}

impl RowBlock {
    /// Dense rows whose entries are known to be finite.
    pub(super) fn dense(matrix: RowMajor, rows: Range<usize>, outline: Outline) -> Self {
        Self {
            matrix: DesignMatrix::Dense(matrix),
            rows,
            outline,
        }
    }

    /// Sparse rows; `first_entry` stored ones are before them. An error names array, index in the whole array, and value.
    pub(super) fn sparse(
        arrays: CompressedRows,
        first_entry: usize,
        rows: Range<usize>,
        outline: Outline,
    ) -> Result<Self, InstanceError> {
        outline.refuse_empty()?;
        let matrix: CsrMatrix<f64> = arrays.block(rows.start, first_entry)?;
        Ok(Self {
            matrix: DesignMatrix::Sparse(matrix),
            rows,
            outline,
        })
    }

    /// Some rows of a matrix that is there as a whole.
    pub(super) fn of(whole: DesignMatrix, choose: Choice) -> Self {
        let outline = Outline::of(&whole);
        let rows = outline.chosen(choose);
        let matrix = if rows.len() == outline.rows {
            whole
        } else {
            whole.select_rows(&rows.clone().collect::<Vec<usize>>())
        };
        Self {
            matrix,
            rows,
            outline,
        }
    }
}
