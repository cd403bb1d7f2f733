//! Some rows of a sparse matrix out of its compressed arrays, of which only their entries are kept.

use std::ops::Range;

use crate::instance::{Choice, CompressedRows, InstanceError, Outline, RowBlock};

/// The arrays of compressed rows, wherever they are: `indptr`, `indices`, `data`.
pub(super) trait CompressedArrays {
    /// How many entries `indptr` or `indices` has.
    fn index_count(&mut self, array: &'static str) -> Result<usize, InstanceError>;

    /// How many entries `data` has.
    fn value_count(&mut self) -> Result<usize, InstanceError>;

    /// Some entries of `indptr` or `indices`, which has so many.
    fn indices(
        &mut self,
        array: &'static str,
        places: Range<usize>,
    ) -> Result<Vec<usize>, InstanceError>;

    /// Some entries of `data`, which has so many; finite or not.
    fn values(&mut self, places: Range<usize>) -> Result<Vec<f64>, InstanceError>;
}

/// The chosen rows. What is in the other rows is not looked at.
pub(super) fn read(
    arrays: &mut impl CompressedArrays,
    shape: [usize; 2],
    choose: Choice,
) -> Result<RowBlock, InstanceError> {
    let stored = arrays.index_count("indices")?;
    let lengths = [arrays.index_count("indptr")?, stored, arrays.value_count()?];
    CompressedRows::check_row_lengths(shape, lengths)?;
    let [rows, columns] = shape;
    let outline = Outline {
        rows,
        columns,
        sparse: true,
        stored,
    };
    let own = outline.chosen(choose);
    let mut indptr = arrays.indices("indptr", own.start..own.end + 1)?;
    CompressedRows::check_row_starts(&indptr, own.start, rows, stored)?;
    let entries = indptr[0]..indptr[own.len()];
    indptr.iter_mut().for_each(|start| *start -= entries.start);
    let block = CompressedRows {
        shape: [own.len(), columns],
        indptr,
        indices: arrays.indices("indices", entries.clone())?,
        data: arrays.values(entries.clone())?,
    };
    RowBlock::sparse(block, entries.start, own, outline)
}
