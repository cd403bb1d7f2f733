//! Arrays of numpy as the library takes them.

use std::sync::Arc;

use attention_regression::instance::{CompressedRows, DesignMatrix, InstanceError};
use nalgebra::DVector;
use numpy::{PyArray2, PyReadonlyArray1, PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::errors;

/// The entries of a numpy array, which lives as long as this does.
struct Lent {
    /// Keeps the memory.
    _array: Py<PyArray2<f64>>,
    first: *const f64,
    length: usize,
}

// SAFETY: the pointer is read only, and the array that owns the memory is held. Nobody may write to the array meanwhile: that is
// what the documentation of `Problem` asks of its users, as numpy does of everybody who shares an array between threads.
unsafe impl Send for Lent {}
// SAFETY: as above.
unsafe impl Sync for Lent {}

impl AsRef<[f64]> for Lent {
    fn as_ref(&self) -> &[f64] {
        // SAFETY: so many entries follow the first in a contiguous array, which numpy neither moves nor frees while it is held;
        // numpy refuses to resize an array that others refer to.
        unsafe { std::slice::from_raw_parts(self.first, self.length) }
    }
}

/// A as it lies in numpy's memory. The caller has made it contiguous by rows, aligned, f64.
pub(crate) fn lent(matrix: &PyReadonlyArray2<'_, f64>) -> PyResult<DesignMatrix> {
    let entries = matrix
        .as_slice()
        .map_err(|error| PyValueError::new_err(format!("A: {error}")))?;
    let [rows, columns] = [matrix.shape()[0], matrix.shape()[1]];
    let (first, length) = (entries.as_ptr(), entries.len());
    let array: &Bound<'_, PyArray2<f64>> = matrix;
    let entries = Arc::new(Lent {
        _array: array.clone().unbind(),
        first,
        length,
    });
    DesignMatrix::from_shared_row_major(rows, columns, entries).map_err(errors::instance)
}

/// Sparse rows, copied.
pub(crate) fn compressed(
    shape: [usize; 2],
    indptr: &PyReadonlyArray1<'_, i64>,
    indices: &PyReadonlyArray1<'_, i64>,
    data: &PyReadonlyArray1<'_, f64>,
) -> PyResult<DesignMatrix> {
    let rows = CompressedRows {
        shape,
        indptr: counts("indptr", indptr)?,
        indices: counts("indices", indices)?,
        data: data.as_array().to_vec(),
    };
    rows.into_matrix().map_err(errors::instance)
}

fn counts(part: &'static str, array: &PyReadonlyArray1<'_, i64>) -> PyResult<Vec<usize>> {
    let entries = array.as_array();
    let mut found = Vec::with_capacity(entries.len());
    for (k, entry) in entries.iter().enumerate() {
        let count = usize::try_from(*entry);
        found.push(count.map_err(|_| {
            PyValueError::new_err(format!("{part}[{k}] is {entry}: no index is negative"))
        })?);
    }
    Ok(found)
}

/// A vector, copied.
pub(crate) fn vector(array: &PyReadonlyArray1<'_, f64>) -> DVector<f64> {
    let entries = array.as_array();
    DVector::from_iterator(entries.len(), entries.iter().copied())
}

/// Refuses a vector of another length, in the words of the library.
pub(crate) fn with_length(
    part: &'static str,
    vector: DVector<f64>,
    length: usize,
) -> PyResult<DVector<f64>> {
    if vector.len() == length {
        return Ok(vector);
    }
    Err(errors::instance(InstanceError::Shape {
        part,
        found: format!("{} entries", vector.len()),
        expected: length.to_string(),
    }))
}
