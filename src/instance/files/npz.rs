//! Archives of numpy arrays: sparse matrices as SciPy's `save_npz` stores them, by rows (csr), by columns (csc) or entry by
//! entry (coo), and single arrays of `np.savez`; compressed or not.
//!
//! An archive is read from its regular place on disk or from the collected bytes of a pipe.

use std::io::{Read, Seek};
use std::path::Path;

use nalgebra::DVector;

use super::entries::Entries;
use super::names::first_names;
use super::npy::{self, Values};
use super::source;
use crate::instance::{CompressedRows, DesignMatrix, InstanceError};

#[cfg(not(feature = "npz"))]
#[path = "npz/absent.rs"]
pub(super) mod archive;
#[cfg(feature = "npz")]
pub(super) mod archive;
mod named;

use archive::Archive;
#[cfg(feature = "npz")]
pub use named::write_arrays;
pub use named::{NamedArray, read_arrays};

/// Reads a matrix: a sparse one (`scipy.sparse.save_npz` of a csr, csc or coo matrix or array), or the one array of two
/// dimensions in the archive (`np.savez(file, A)`).
pub fn read_matrix(path: &Path) -> Result<DesignMatrix, InstanceError> {
    source::with_seekable(path, |bytes, length| parse_matrix(bytes, length, path))
}

/// [`read_matrix`] from `length` bytes of any source; `name` is the file that messages mention.
pub fn parse_matrix(
    source: impl Read + Seek,
    length: u64,
    name: &Path,
) -> Result<DesignMatrix, InstanceError> {
    let mut archive = Archive::open(source, length, name)?;
    if !archive.has("format") {
        let array = only_array(&archive, name, "a matrix")?;
        let place = archive.place(&array);
        let matrix = archive.read(&array, |bytes, length, place| {
            npy::parse_matrix(bytes, length, place)
        })?;
        return DesignMatrix::dense(matrix).map_err(|error| error.in_file(&place));
    }
    let format = archive.read("format", |bytes, length, place| {
        npy::parse_text(bytes, length, place)
    })?;
    match format.as_str() {
        "csr" => {
            let arrays = compressed(&mut archive)?;
            blame(arrays.into_matrix(), &archive, name)
        }
        "csc" => {
            let arrays = compressed(&mut archive)?;
            blame(arrays.columns_into_matrix(), &archive, name)
        }
        "coo" => {
            let matrix = listed(&mut archive);
            blame(matrix, &archive, name)
        }
        other => Err(InstanceError::format(
            name,
            format!(
                "the matrix is stored as \"{}\", expected \"csr\", \"csc\" or \"coo\": save_npz(file, A.tocsr())",
                other.escape_debug()
            ),
        )),
    }
}

/// The vector, or the one value, that is alone in an archive.
pub(super) fn read_values(path: &Path) -> Result<Values, InstanceError> {
    source::with_seekable(path, |bytes, length| {
        let mut archive = Archive::open(bytes, length, path)?;
        let array = only_array(&archive, path, "a vector")?;
        archive.read(&array, |bytes, length, place| {
            npy::parse_values(bytes, length, place)
        })
    })
}

/// The name of the array that is alone in the archive.
fn only_array<R: Read + Seek>(
    archive: &Archive<'_, R>,
    name: &Path,
    what: &str,
) -> Result<String, InstanceError> {
    let mut names = archive.names()?;
    match names.len() {
        1 => Ok(names.remove(0)),
        0 => Err(InstanceError::format(name, "the archive is empty")),
        count => Err(InstanceError::format(
            name,
            format!(
                "holds the {count} arrays {}: {what} is one array alone (np.savez(file, a)), \
                 a sparse one that of scipy.sparse.save_npz",
                first_names(&names)
            ),
        )),
    }
}

/// Names the array that is to blame, or the archive.
fn blame<R: Read + Seek>(
    matrix: Result<DesignMatrix, InstanceError>,
    archive: &Archive<'_, R>,
    name: &Path,
) -> Result<DesignMatrix, InstanceError> {
    matrix.map_err(|error| match error.part() {
        Some(part) if archive.has(part) => error.in_file(&archive.place(part)),
        _ => error.in_file(name),
    })
}

fn indices<R: Read + Seek>(
    archive: &mut Archive<'_, R>,
    array: &str,
) -> Result<Vec<usize>, InstanceError> {
    archive.read(array, |bytes, length, place| {
        npy::parse_indices(bytes, length, place)
    })
}

fn numbers<R: Read + Seek>(
    archive: &mut Archive<'_, R>,
    array: &str,
) -> Result<Vec<f64>, InstanceError> {
    archive.read(array, |bytes, length, place| {
        npy::parse_numbers(bytes, length, place)
    })
}

fn shape<R: Read + Seek>(archive: &mut Archive<'_, R>) -> Result<[usize; 2], InstanceError> {
    let sides = indices(archive, "shape")?;
    sides.try_into().map_err(|sides: Vec<usize>| {
        InstanceError::format(
            &archive.place("shape"),
            format!("{} sides, expected 2", sides.len()),
        )
    })
}

/// The arrays of compressed rows or columns.
fn compressed<R: Read + Seek>(
    archive: &mut Archive<'_, R>,
) -> Result<CompressedRows, InstanceError> {
    Ok(CompressedRows {
        shape: shape(archive)?,
        indptr: indices(archive, "indptr")?,
        indices: indices(archive, "indices")?,
        data: numbers(archive, "data")?,
    })
}

/// Entries with their rows and columns; those of one place are added in the order of the file.
fn listed<R: Read + Seek>(archive: &mut Archive<'_, R>) -> Result<DesignMatrix, InstanceError> {
    let shape = shape(archive)?;
    if shape[0].max(shape[1]) > CompressedRows::LONGEST_SIDE {
        return Err(InstanceError::Shape {
            part: "matrix",
            found: format!("shape {} x {}", shape[0], shape[1]),
            expected: format!("sides of at most {}", CompressedRows::LONGEST_SIDE),
        });
    }
    let rows = indices(archive, "row")?;
    let columns = indices(archive, "col")?;
    let data = numbers(archive, "data")?;
    for (part, found) in [("row", rows.len()), ("col", columns.len())] {
        if found != data.len() {
            return Err(InstanceError::Shape {
                part,
                found: format!("{found} entries"),
                expected: format!("{}, as many as data has", data.len()),
            });
        }
    }
    for (part, places, side) in [("row", &rows, shape[0]), ("col", &columns, shape[1])] {
        if let Some(k) = places.iter().position(|place| *place >= side) {
            return Err(InstanceError::Index {
                part,
                place: k,
                value: places[k],
                expected: format!("less than {side}"),
            });
        }
    }
    if let Some(k) = data.iter().position(|value| !value.is_finite()) {
        return Err(InstanceError::NotFinite {
            part: "data",
            place: k.to_string(),
            value: data[k],
        });
    }
    let mut entries = Entries::new(shape, data.len());
    for ((row, column), value) in rows.into_iter().zip(columns).zip(data) {
        entries.push(row, column, value);
    }
    entries.into_rows().into_matrix()
}

/// A vector out of [`Values`]: one value without dimensions is a vector of one entry.
pub(super) fn as_vector(values: Values) -> DVector<f64> {
    match values {
        Values::One(value) => DVector::from_element(1, value),
        Values::Many(vector) => vector,
    }
}

#[cfg(all(test, feature = "npz"))]
mod tests;
