//! Numpy arrays. Values are float64 in either byte order, matrices in C or Fortran order; index arrays may be
//! int32, int64, uint32 or uint64. Elements are converted a block at a time into the memory where they stay.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use nalgebra::{DMatrix, DVector};
use npyz::{Order, WriterBuilder};

use super::whole::write_whole;
use crate::instance::InstanceError;

mod array;
mod guard;

use array::{Array, Element, INTEGERS};

/// Reads a matrix: float64, two dimensions, every entry finite.
pub fn read_matrix(path: &Path) -> Result<DMatrix<f64>, InstanceError> {
    with_bytes(path, |bytes, length| parse_matrix(bytes, length, path))
}

/// Reads a vector: float64, one dimension, every entry finite.
pub fn read_vector(path: &Path) -> Result<DVector<f64>, InstanceError> {
    with_bytes(path, |bytes, length| parse_vector(bytes, length, path))
}

/// Reads a vector of indices: int32, int64, uint32 or uint64, one dimension, no entry negative.
pub fn read_indices(path: &Path) -> Result<Vec<usize>, InstanceError> {
    with_bytes(path, |bytes, length| parse_indices(bytes, length, path))
}

/// Writes a vector as float64, little endian.
pub fn write_vector(path: &Path, vector: &DVector<f64>) -> Result<(), InstanceError> {
    let mut bytes = Vec::new();
    let write = |bytes: &mut Vec<u8>| -> std::io::Result<()> {
        let mut writer = npyz::WriteOptions::new()
            .default_dtype()
            .shape(&[vector.len() as u64])
            .writer(bytes)
            .begin_nd()?;
        writer.extend(vector.iter().copied())?;
        writer.finish()
    };
    write(&mut bytes).map_err(|error| InstanceError::io(path, error))?;
    write_whole(path, &bytes)
}

/// [`read_matrix`] from `length` bytes of any source; `name` is the file that messages mention.
pub fn parse_matrix(
    bytes: impl Read,
    length: u64,
    name: &Path,
) -> Result<DMatrix<f64>, InstanceError> {
    let array = Array::open(bytes, length, name, &[Element::Float64])?;
    let [rows, columns] = array.shape()?;
    if array.order() == Order::Fortran {
        let values = array.floats()?;
        refuse_not_finite(&values, 0, name, |k| format!("{}, {}", k % rows, k / rows))?;
        return Ok(DMatrix::from_vec(rows, columns, values));
    }
    let mut matrix = DMatrix::zeros(rows, columns);
    let entries = matrix.as_mut_slice();
    let block = rows_at_a_time(columns);
    let mut first = 0;
    array.float_blocks(block * columns, |numbers| {
        refuse_not_finite(numbers, first * columns, name, |k| {
            format!("{}, {}", k / columns, k % columns)
        })?;
        let count = numbers.len() / columns;
        // The matrix is stored by columns: of each column, a run of as many entries as the block has rows.
        for (j, column) in entries.chunks_exact_mut(rows).enumerate() {
            let run = &mut column[first..first + count];
            for (entry, row) in run.iter_mut().zip(numbers.chunks_exact(columns)) {
                *entry = row[j];
            }
        }
        first += count;
        Ok(())
    })?;
    Ok(matrix)
}

/// Rows of a C-ordered matrix that are transposed together: enough to fill the cache lines of a column, few enough for
/// the block to stay in the second-level cache.
fn rows_at_a_time(columns: usize) -> usize {
    const ENTRIES: usize = 1 << 15;
    const MOST: usize = 64;
    (ENTRIES / columns.max(1)).clamp(1, MOST)
}

/// [`read_vector`] from `length` bytes of any source; `name` is the file that messages mention.
pub fn parse_vector(
    bytes: impl Read,
    length: u64,
    name: &Path,
) -> Result<DVector<f64>, InstanceError> {
    let array = Array::open(bytes, length, name, &[Element::Float64])?;
    let [_] = array.shape()?;
    let values = array.floats()?;
    refuse_not_finite(&values, 0, name, |k| k.to_string())?;
    Ok(DVector::from_vec(values))
}

/// [`read_indices`] from `length` bytes of any source; `name` is the file that messages mention.
pub fn parse_indices(
    bytes: impl Read,
    length: u64,
    name: &Path,
) -> Result<Vec<usize>, InstanceError> {
    let array = Array::open(bytes, length, name, INTEGERS)?;
    let [_] = array.shape()?;
    array.indices()
}

/// A vector of float64 as it stands, finite or not, from `length` bytes of any source.
pub(super) fn parse_numbers(
    bytes: impl Read,
    length: u64,
    name: &Path,
) -> Result<Vec<f64>, InstanceError> {
    let array = Array::open(bytes, length, name, &[Element::Float64])?;
    let [_] = array.shape()?;
    array.floats()
}

/// [`parse_numbers`] of a file.
pub(super) fn read_numbers(path: &Path) -> Result<Vec<f64>, InstanceError> {
    with_bytes(path, |bytes, length| parse_numbers(bytes, length, path))
}

/// One short text (numpy's `S` or `U`) from `length` bytes of any source.
pub(super) fn parse_text(
    mut bytes: impl Read,
    length: u64,
    name: &Path,
) -> Result<String, InstanceError> {
    array::read_text(&mut bytes, length).map_err(|message| InstanceError::format(name, message))
}

/// Names the first value that is not finite; `first` is the place of `values[0]` in the array.
fn refuse_not_finite(
    values: &[f64],
    first: usize,
    name: &Path,
    place: impl Fn(usize) -> String,
) -> Result<(), InstanceError> {
    match values.iter().position(|value| !value.is_finite()) {
        None => Ok(()),
        Some(k) => Err(InstanceError::NotFinite {
            part: "array",
            place: place(first + k),
            value: values[k],
        }
        .in_file(name)),
    }
}

/// A stream over a regular file, or over the collected bytes of a pipe, together with its length.
fn with_bytes<T>(
    path: &Path,
    read: impl FnOnce(Box<dyn Read>, u64) -> Result<T, InstanceError>,
) -> Result<T, InstanceError> {
    let fail = |error| InstanceError::io(path, error);
    let mut file = File::open(path).map_err(fail)?;
    let found = file.metadata().map_err(fail)?;
    if found.is_file() {
        // Elements are read in large blocks, so a buffer in between would only copy them once more.
        return read(Box::new(file), found.len());
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(fail)?;
    let length = bytes.len() as u64;
    read(Box::new(std::io::Cursor::new(bytes)), length)
}

#[cfg(test)]
mod tests;
