//! Numpy arrays. Values are float64 in either byte order, matrices in C or Fortran order; index arrays may be int32
//! or int64.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use nalgebra::{DMatrix, DVector};
use npyz::{DType, NpyFile, Order, WriterBuilder};

use super::whole::write_whole;
use crate::instance::InstanceError;

mod guard;

/// Reads a matrix: float64, two dimensions, every entry finite.
pub fn read_matrix(path: &Path) -> Result<DMatrix<f64>, InstanceError> {
    with_bytes(path, |bytes, length| parse_matrix(bytes, length, path))
}

/// Reads a vector: float64, one dimension, every entry finite.
pub fn read_vector(path: &Path) -> Result<DVector<f64>, InstanceError> {
    with_bytes(path, |bytes, length| parse_vector(bytes, length, path))
}

/// Reads a vector of indices: int32 or int64, one dimension, no entry negative.
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
    let file = open(bytes, length, name, &[FLOAT])?;
    let [rows, columns] = shape(&file, name)?;
    let order = file.order();
    let mut values = values::<f64>(file, name)?;
    let mut matrix = DMatrix::zeros(rows, columns);
    let (outer, inner) = match order {
        Order::C => (rows, columns),
        Order::Fortran => (columns, rows),
    };
    for a in 0..outer {
        for b in 0..inner {
            let (i, j) = match order {
                Order::C => (a, b),
                Order::Fortran => (b, a),
            };
            let value = next(&mut values, name)?;
            if !value.is_finite() {
                return Err(not_finite(format!("{i}, {j}"), value, name));
            }
            matrix[(i, j)] = value;
        }
    }
    Ok(matrix)
}

/// [`read_vector`] from `length` bytes of any source; `name` is the file that messages mention.
pub fn parse_vector(
    bytes: impl Read,
    length: u64,
    name: &Path,
) -> Result<DVector<f64>, InstanceError> {
    let file = open(bytes, length, name, &[FLOAT])?;
    let [entries] = shape(&file, name)?;
    let mut values = values::<f64>(file, name)?;
    let mut vector = DVector::zeros(entries);
    for i in 0..entries {
        let value = next(&mut values, name)?;
        if !value.is_finite() {
            return Err(not_finite(i.to_string(), value, name));
        }
        vector[i] = value;
    }
    Ok(vector)
}

/// [`read_indices`] from `length` bytes of any source; `name` is the file that messages mention.
pub fn parse_indices(
    bytes: impl Read,
    length: u64,
    name: &Path,
) -> Result<Vec<usize>, InstanceError> {
    let file = open(bytes, length, name, &[INT32, INT64])?;
    let [_] = shape(&file, name)?;
    let indices: Vec<i64> = if item_type(&file.dtype()).is_some_and(|found| found == INT32.code) {
        values::<i32>(file, name)?
            .map(|value| value.map(i64::from))
            .collect::<Result<_, _>>()
    } else {
        values::<i64>(file, name)?.collect::<Result<_, _>>()
    }
    .map_err(|error| InstanceError::format(name, error.to_string()))?;
    let check = |(i, value): (usize, i64)| {
        usize::try_from(value)
            .map_err(|_| InstanceError::format(name, format!("index [{i}] is {value}: negative")))
    };
    indices.into_iter().enumerate().map(check).collect()
}

/// An element type that a reader accepts: numpy's code without byte order, and its name for messages.
struct ItemType {
    code: &'static str,
    name: &'static str,
}

const FLOAT: ItemType = ItemType {
    code: "f8",
    name: "float64",
};
const INT32: ItemType = ItemType {
    code: "i4",
    name: "int32",
};
const INT64: ItemType = ItemType {
    code: "i8",
    name: "int64",
};

/// A stream over a regular file, or over the collected bytes of a pipe, together with its length.
fn with_bytes<T>(
    path: &Path,
    read: impl FnOnce(Box<dyn Read>, u64) -> Result<T, InstanceError>,
) -> Result<T, InstanceError> {
    let fail = |error| InstanceError::io(path, error);
    let mut file = File::open(path).map_err(fail)?;
    let found = file.metadata().map_err(fail)?;
    if found.is_file() {
        return read(Box::new(BufReader::new(file)), found.len());
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(fail)?;
    let length = bytes.len() as u64;
    read(Box::new(std::io::Cursor::new(bytes)), length)
}

/// Reads the header and makes sure that the rest of the file is what the header announces.
fn open<R: Read>(
    mut bytes: R,
    length: u64,
    name: &Path,
    accepted: &[ItemType],
) -> Result<NpyFile<impl Read + use<R>>, InstanceError> {
    let prefix = guard::read_header(&mut bytes, length)
        .map_err(|message| InstanceError::format(name, message))?;
    let header_length = prefix.len() as u64;
    let file = NpyFile::new(std::io::Cursor::new(prefix).chain(bytes)).map_err(|error| {
        InstanceError::format(name, format!("not a readable npy header: {error}"))
    })?;
    let dtype = file.dtype();
    let code = item_type(&dtype);
    if !accepted
        .iter()
        .any(|accepted| Some(accepted.code) == code.as_deref())
    {
        let names: Vec<&str> = accepted.iter().map(|accepted| accepted.name).collect();
        return Err(InstanceError::format(
            name,
            format!(
                "elements are {}, expected {}",
                dtype.descr(),
                names.join(" or ")
            ),
        ));
    }
    // The guard made sure that this product fits.
    let expected = file.len() * dtype.num_bytes().unwrap_or(0) as u64;
    let found = length.saturating_sub(header_length);
    if found != expected {
        let verdict = if found < expected {
            "truncated"
        } else {
            "too long"
        };
        return Err(InstanceError::format(
            name,
            format!(
                "{verdict}: shape {:?} needs {expected} bytes of data, the file has {found}",
                file.shape()
            ),
        ));
    }
    Ok(file)
}

/// `f8` for `<f8` and `>f8`; none for records and the like.
fn item_type(dtype: &DType) -> Option<String> {
    match dtype {
        DType::Plain(plain) => Some(
            plain
                .to_string()
                .trim_start_matches(['<', '>', '|', '='])
                .to_owned(),
        ),
        _ => None,
    }
}

/// The shape, if it has `N` dimensions.
fn shape<const N: usize, R: Read>(
    file: &NpyFile<R>,
    name: &Path,
) -> Result<[usize; N], InstanceError> {
    let sides: Option<Vec<usize>> = file
        .shape()
        .iter()
        .map(|side| usize::try_from(*side).ok())
        .collect();
    sides
        .and_then(|sides| sides.try_into().ok())
        .ok_or_else(|| {
            InstanceError::format(
                name,
                format!(
                    "shape {:?} has {} dimensions, expected {N}",
                    file.shape(),
                    file.shape().len()
                ),
            )
        })
}

/// The elements in stored order.
fn values<T: npyz::Deserialize>(
    file: NpyFile<impl Read>,
    name: &Path,
) -> Result<impl Iterator<Item = std::io::Result<T>>, InstanceError> {
    file.data::<T>()
        .map_err(|error| InstanceError::format(name, error.to_string()))
}

/// One element of a file whose length was checked: what can still go wrong is the disk.
fn next<T>(
    values: &mut impl Iterator<Item = std::io::Result<T>>,
    name: &Path,
) -> Result<T, InstanceError> {
    match values.next() {
        Some(value) => value.map_err(|error| InstanceError::io(name, error)),
        None => Err(InstanceError::format(name, "truncated")),
    }
}

fn not_finite(place: String, value: f64, name: &Path) -> InstanceError {
    InstanceError::NotFinite {
        part: "array",
        place,
        value,
    }
    .in_file(name)
}

#[cfg(test)]
mod tests;
