//! Archives of numpy arrays: sparse matrices as SciPy's `save_npz` stores them, by rows (csr), by columns (csc) or entry by
//! entry (coo), and single arrays of `np.savez`; compressed or not.
//!
//! An archive is read from its regular place on disk or from the collected bytes of a pipe.

use std::io::{Read, Seek};
use std::ops::Range;
use std::path::Path;

use nalgebra::DVector;

use super::compressed_block::{self, CompressedArrays};
use super::entries::Entries;
use super::names::first_names;
use super::npy::{self, Streamed, Values};
use super::source;
use crate::instance::{Choice, CompressedRows, DesignMatrix, InstanceError, RowBlock};

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
    sparse(&mut archive, &format, name)
}

/// The sparse matrix of an archive, which says that it is stored in this format.
fn sparse<R: Read + Seek>(
    archive: &mut Archive<'_, R>,
    format: &str,
    name: &Path,
) -> Result<DesignMatrix, InstanceError> {
    match format {
        "csr" => {
            let arrays = compressed(archive)?;
            blame(arrays.into_matrix(), archive, name)
        }
        "csc" => {
            let arrays = compressed(archive)?;
            blame(arrays.columns_into_matrix(), archive, name)
        }
        "coo" => {
            let matrix = listed(archive);
            blame(matrix, archive, name)
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

/// Reads some rows of a matrix. Of one by rows (csr), and of a dense one, only these are kept: the archive is read all the same, for
/// its check sums. Others are read as a whole.
pub(super) fn read_rows(path: &Path, choose: Choice) -> Result<RowBlock, InstanceError> {
    source::with_seekable(path, |bytes, length| {
        let mut archive = Archive::open(bytes, length, path)?;
        if !archive.has("format") {
            let array = only_array(&archive, path, "a matrix")?;
            return array_rows(&mut archive, &array, choose);
        }
        let format = archive.read("format", |bytes, length, place| {
            npy::parse_text(bytes, length, place)
        })?;
        if format == "csr" {
            let shape = shape(&mut archive)?;
            let rows = compressed_block::read(&mut archive, shape, choose);
            return blame(rows, &archive, path);
        }
        Ok(RowBlock::of(sparse(&mut archive, &format, path)?, choose))
    })
}

/// Some rows of an array of two dimensions.
pub(super) fn array_rows<R: Read + Seek>(
    archive: &mut Archive<'_, R>,
    array: &str,
    choose: Choice,
) -> Result<RowBlock, InstanceError> {
    archive.read(array, |bytes, length, place| {
        npy::parse_rows(Streamed(bytes), length, place, choose)
    })
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
fn blame<R: Read + Seek, T>(
    matrix: Result<T, InstanceError>,
    archive: &Archive<'_, R>,
    name: &Path,
) -> Result<T, InstanceError> {
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

impl<R: Read + Seek> CompressedArrays for Archive<'_, R> {
    fn index_count(&mut self, array: &'static str) -> Result<usize, InstanceError> {
        self.read(array, |bytes, length, place| {
            npy::parse_index_count(Streamed(bytes), length, place)
        })
    }

    fn value_count(&mut self) -> Result<usize, InstanceError> {
        self.read("data", |bytes, length, place| {
            npy::parse_value_count(Streamed(bytes), length, place)
        })
    }

    fn indices(
        &mut self,
        array: &'static str,
        places: Range<usize>,
    ) -> Result<Vec<usize>, InstanceError> {
        self.read(array, |bytes, length, place| {
            npy::parse_indices_at(Streamed(bytes), length, place, places)
        })
    }

    fn values(&mut self, places: Range<usize>) -> Result<Vec<f64>, InstanceError> {
        self.read("data", |bytes, length, place| {
            npy::parse_numbers_at(Streamed(bytes), length, place, places)
        })
    }
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
pub(super) mod tests;
