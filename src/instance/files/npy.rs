//! Numpy arrays. Values may have any type that float64 holds exactly: float16, float32, float64, bool, and integers of any
//! width whose values are float64s; in either byte order, in C or Fortran order. Index arrays may be integers of any width. A vector may be
//! stored as a column or a row. Elements are converted a block at a time into the memory where they stay.

use std::io::Read;
use std::ops::Range;
use std::path::Path;

use nalgebra::{DMatrix, DVector};

use super::source::with_bytes;
use super::whole::write_whole;
use crate::instance::{Choice, InstanceError, Outline, RowBlock, RowMajor};

mod array;
mod element;
mod header;
mod skip;

use array::{Array, Layout, Selection};
use element::Wanted;
pub(super) use skip::{Seekable, Skip, Streamed};

/// Reads a matrix: two dimensions, every entry finite.
pub fn read_matrix(path: &Path) -> Result<RowMajor, InstanceError> {
    with_bytes(path, |bytes, length| parse_matrix(bytes, length, path))
}

/// Reads a vector: shape `(n,)`, `(n, 1)`, `(1, n)`, or one value without dimensions; every entry finite.
pub fn read_vector(path: &Path) -> Result<DVector<f64>, InstanceError> {
    with_bytes(path, |bytes, length| parse_vector(bytes, length, path))
}

/// Reads a vector of indices: integers of any width, shaped like a vector, no entry negative.
pub fn read_indices(path: &Path) -> Result<Vec<usize>, InstanceError> {
    with_bytes(path, |bytes, length| parse_indices(bytes, length, path))
}

/// Writes a vector as float64, little endian.
pub fn write_vector(path: &Path, vector: &DVector<f64>) -> Result<(), InstanceError> {
    write_whole(path, &encoded(&[vector.len()], vector.as_slice()))
}

/// Writes an array, row by row, as float64, little endian.
pub fn write_shaped(path: &Path, shape: &[usize], values: &[f64]) -> Result<(), InstanceError> {
    write_whole(path, &encoded(shape, values))
}

/// The bytes of a file with these numbers, row by row, as float64, little endian.
pub(super) fn encoded(shape: &[usize], values: &[f64]) -> Vec<u8> {
    let elements: Vec<u8> = values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    with_header("<f8", shape, &elements)
}

/// The bytes of a file with these elements, row by row, of the type that `descr` names.
pub(super) fn with_header(descr: &str, shape: &[usize], elements: &[u8]) -> Vec<u8> {
    /// Where the elements begin: everybody aligns them so.
    const ALIGNMENT: usize = 64;
    let sides: String = shape.iter().map(|side| format!("{side}, ")).collect();
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({sides}), }}");
    // Ten bytes go before the header, and a line break ends it.
    let padded = (10 + header.len() + 1).next_multiple_of(ALIGNMENT) - 10;
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((padded as u16).to_le_bytes());
    bytes.extend(format!("{header:width$}\n", width = padded - 1).bytes());
    bytes.extend(elements);
    bytes
}

/// The shape and the numbers, row by row, of an array of any shape, finite or not.
pub fn read_shaped(path: &Path) -> Result<(Vec<usize>, Vec<f64>), InstanceError> {
    with_bytes(path, |bytes, length| parse_shaped(bytes, length, path))
}

/// [`read_shaped`] from `length` bytes of any source; `name` is the file that messages mention.
pub(super) fn parse_shaped(
    bytes: impl Read,
    length: u64,
    name: &Path,
) -> Result<(Vec<usize>, Vec<f64>), InstanceError> {
    Array::open(Streamed(bytes), length, name, Wanted::Numbers)?.shaped()
}

/// [`read_matrix`] from `length` bytes of any source; `name` is the file that messages mention.
pub fn parse_matrix(bytes: impl Read, length: u64, name: &Path) -> Result<RowMajor, InstanceError> {
    let array = Array::open(Streamed(bytes), length, name, Wanted::Numbers)?;
    let [n, _] = array.rows_and_columns()?;
    matrix_rows(array, 0..n, name)
}

/// Reads some rows of a matrix. What is in the other rows is not looked at.
pub(super) fn read_rows(path: &Path, choose: Choice) -> Result<RowBlock, InstanceError> {
    with_bytes(path, |bytes, length| {
        parse_rows(Seekable(bytes), length, path, choose)
    })
}

/// [`read_rows`] from `length` bytes of any source.
pub(super) fn parse_rows(
    bytes: impl Skip,
    length: u64,
    name: &Path,
    choose: Choice,
) -> Result<RowBlock, InstanceError> {
    let array = Array::open(bytes, length, name, Wanted::Numbers)?;
    let [n, d] = array.rows_and_columns()?;
    let outline = Outline::dense(n, d);
    outline
        .refuse_empty()
        .map_err(|error| error.in_file(name))?;
    let rows = outline.chosen(choose);
    let matrix = matrix_rows(array, rows.clone(), name)?;
    Ok(RowBlock::dense(matrix, rows, outline))
}

/// Some rows, every entry of which is finite.
fn matrix_rows(
    array: Array<'_, impl Skip>,
    rows: Range<usize>,
    name: &Path,
) -> Result<RowMajor, InstanceError> {
    let shape = array.rows_and_columns()?;
    let layout = array.layout().clone();
    let chosen = Selection::of_rows(rows.clone(), shape, layout.fortran);
    let (count, columns) = (rows.len(), shape[1]);
    if layout.fortran {
        let values = array.floats_at(chosen)?;
        refuse_not_finite(&values, |k| chosen.place(k), name, &layout)?;
        return Ok(DMatrix::from_vec(count, columns, values).into());
    }
    let mut matrix = RowMajor::zeros(count, columns);
    let mut filled = 0;
    array.float_blocks(
        chosen,
        rows_at_a_time(columns) * columns,
        |first, numbers| {
            refuse_not_finite(numbers, |k| first + k, name, &layout)?;
            for row in numbers.chunks_exact(columns) {
                matrix.row_mut(filled).copy_from_slice(row);
                filled += 1;
            }
            Ok(())
        },
    )?;
    Ok(matrix)
}

/// Rows of a C-ordered matrix that are converted together: few enough for the block to stay in the second-level cache.
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
    match parse_values(bytes, length, name)? {
        Values::One(value) => Ok(DVector::from_element(1, value)),
        Values::Many(vector) => Ok(vector),
    }
}

/// A vector, or one value for all of its entries.
pub(super) enum Values {
    /// An array without dimensions: `np.save("w.npy", 10.0)`.
    One(f64),
    /// A vector.
    Many(DVector<f64>),
}

/// [`parse_vector`], telling one value without dimensions from a vector of one entry.
pub(super) fn parse_values(
    bytes: impl Read,
    length: u64,
    name: &Path,
) -> Result<Values, InstanceError> {
    let array = Array::open(Streamed(bytes), length, name, Wanted::Numbers)?;
    array.expect_vector()?;
    let (layout, is_one) = (array.layout().clone(), array.is_scalar());
    let values = array.floats()?;
    refuse_not_finite(&values, |k| k, name, &layout)?;
    Ok(match values[..] {
        [value] if is_one => Values::One(value),
        _ => Values::Many(DVector::from_vec(values)),
    })
}

/// [`parse_values`] of a file.
pub(super) fn read_values(path: &Path) -> Result<Values, InstanceError> {
    with_bytes(path, |bytes, length| parse_values(bytes, length, path))
}

/// [`read_indices`] from `length` bytes of any source; `name` is the file that messages mention.
pub fn parse_indices(
    bytes: impl Read,
    length: u64,
    name: &Path,
) -> Result<Vec<usize>, InstanceError> {
    let array = Array::open(Streamed(bytes), length, name, Wanted::Indices)?;
    array.expect_vector()?;
    let all = 0..array.count();
    array.indices_at(all)
}

/// A vector of numbers as it stands, finite or not, from `length` bytes of any source.
pub(super) fn parse_numbers(
    bytes: impl Read,
    length: u64,
    name: &Path,
) -> Result<Vec<f64>, InstanceError> {
    let array = Array::open(Streamed(bytes), length, name, Wanted::Numbers)?;
    array.expect_vector()?;
    array.floats()
}

/// [`parse_numbers`] of a file.
pub(super) fn read_numbers(path: &Path) -> Result<Vec<f64>, InstanceError> {
    with_bytes(path, |bytes, length| parse_numbers(bytes, length, path))
}

/// How many entries a vector of indices has.
pub(super) fn parse_index_count(
    bytes: impl Skip,
    length: u64,
    name: &Path,
) -> Result<usize, InstanceError> {
    let array = Array::open(bytes, length, name, Wanted::Indices)?;
    array.expect_vector()?;
    Ok(array.count())
}

/// How many entries a vector of numbers has.
pub(super) fn parse_value_count(
    bytes: impl Skip,
    length: u64,
    name: &Path,
) -> Result<usize, InstanceError> {
    let array = Array::open(bytes, length, name, Wanted::Numbers)?;
    array.expect_vector()?;
    Ok(array.count())
}

/// Some entries of a vector of indices. Panics where there are fewer.
pub(super) fn parse_indices_at(
    bytes: impl Skip,
    length: u64,
    name: &Path,
    places: Range<usize>,
) -> Result<Vec<usize>, InstanceError> {
    let array = Array::open(bytes, length, name, Wanted::Indices)?;
    array.expect_vector()?;
    array.indices_at(places)
}

/// Some entries of a vector of numbers as they stand, finite or not. Panics where there are fewer.
pub(super) fn parse_numbers_at(
    bytes: impl Skip,
    length: u64,
    name: &Path,
    places: Range<usize>,
) -> Result<Vec<f64>, InstanceError> {
    let array = Array::open(bytes, length, name, Wanted::Numbers)?;
    array.expect_vector()?;
    array.floats_at(Selection::run(places))
}

/// One short text (numpy's `S` or `U`) from `length` bytes of any source.
pub(super) fn parse_text(
    mut bytes: impl Read,
    length: u64,
    name: &Path,
) -> Result<String, InstanceError> {
    array::read_text(&mut bytes, length).map_err(|message| InstanceError::format(name, message))
}

/// Names the first value that is not finite; `place` says where in the file a value is.
fn refuse_not_finite(
    values: &[f64],
    place: impl Fn(usize) -> usize,
    name: &Path,
    layout: &Layout,
) -> Result<(), InstanceError> {
    match values.iter().position(|value| !value.is_finite()) {
        None => Ok(()),
        Some(k) => Err(InstanceError::NotFinite {
            part: "array",
            place: layout.index(place(k)),
            value: values[k],
        }
        .in_file(name)),
    }
}

#[cfg(test)]
mod tests;
