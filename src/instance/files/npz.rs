//! Sparse matrices as SciPy's `save_npz` stores them: a zip archive of npy files, compressed or not.
//!
//! The archive is read from its regular place on disk or from the collected bytes of a pipe. Its directory may lie about
//! sizes; an entry is believed to be as large as its compressed bytes can make it, and no larger.

use std::fs::File;
use std::io::{BufReader, Cursor, Read, Seek};
use std::path::{Path, PathBuf};

use zip::ZipArchive;
use zip::result::ZipError;

use super::npy;
use crate::instance::{CompressedRows, DesignMatrix, InstanceError};

/// Deflate turns one byte into no more than 1032.
const BEST_COMPRESSION: u64 = 1032;

/// Reads a matrix in compressed sparse rows (`scipy.sparse.save_npz` of a csr matrix or csr array).
pub fn read_matrix(path: &Path) -> Result<DesignMatrix, InstanceError> {
    let fail = |error| InstanceError::io(path, error);
    let mut file = File::open(path).map_err(fail)?;
    let found = file.metadata().map_err(fail)?;
    if found.is_file() {
        return parse_matrix(BufReader::new(file), found.len(), path);
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(fail)?;
    let length = bytes.len() as u64;
    parse_matrix(Cursor::new(bytes), length, path)
}

/// [`read_matrix`] from `length` bytes of any source; `name` is the file that messages mention.
pub fn parse_matrix(
    source: impl Read + Seek,
    length: u64,
    name: &Path,
) -> Result<DesignMatrix, InstanceError> {
    let mut archive = Archive::open(source, length, name)?;
    let format = archive.read("format", |bytes, length, place| {
        npy::parse_text(bytes, length, place)
    })?;
    if format != "csr" {
        return Err(InstanceError::format(
            name,
            format!(
                "the matrix is stored as \"{}\", expected \"csr\" (compressed sparse rows: save_npz(file, A.tocsr()))",
                format.escape_debug()
            ),
        ));
    }
    let shape = archive.read("shape", |bytes, length, place| {
        npy::parse_indices(bytes, length, place)
    })?;
    let shape: [usize; 2] = shape.try_into().map_err(|shape: Vec<usize>| {
        InstanceError::format(
            &archive.place("shape"),
            format!("{} sides, expected 2", shape.len()),
        )
    })?;
    let rows = CompressedRows {
        shape,
        indptr: archive.read("indptr", |bytes, length, place| {
            npy::parse_indices(bytes, length, place)
        })?,
        indices: archive.read("indices", |bytes, length, place| {
            npy::parse_indices(bytes, length, place)
        })?,
        data: archive.read("data", |bytes, length, place| {
            npy::parse_numbers(bytes, length, place)
        })?,
    };
    rows.into_matrix().map_err(|error| match error.part() {
        Some(part @ ("indptr" | "indices" | "data")) => error.in_file(&archive.place(part)),
        _ => error.in_file(name),
    })
}

/// An archive of npy files.
struct Archive<'a, R> {
    zip: ZipArchive<R>,
    length: u64,
    name: &'a Path,
}

impl<'a, R: Read + Seek> Archive<'a, R> {
    fn open(source: R, length: u64, name: &'a Path) -> Result<Self, InstanceError> {
        let zip = ZipArchive::new(source).map_err(|error| explain(error, name))?;
        Ok(Self { zip, length, name })
    }

    /// How messages name an array: as if the archive were a directory.
    fn place(&self, array: &str) -> PathBuf {
        self.name.join(format!("{array}.npy"))
    }

    /// Reads one array with a parser of npy bytes.
    fn read<T>(
        &mut self,
        array: &str,
        parse: impl FnOnce(&mut dyn Read, u64, &Path) -> Result<T, InstanceError>,
    ) -> Result<T, InstanceError> {
        let place = self.place(array);
        let mut entry = match self.zip.by_name(&format!("{array}.npy")) {
            Ok(entry) => entry,
            Err(ZipError::FileNotFound) => {
                return Err(InstanceError::format(
                    self.name,
                    format!("no array \"{array}\": not a sparse matrix of scipy.sparse.save_npz"),
                ));
            }
            Err(error) => return Err(explain(error, &place)),
        };
        let (packed, size) = (entry.compressed_size(), entry.size());
        if packed > self.length || size > packed.saturating_mul(BEST_COMPRESSION) {
            return Err(InstanceError::format(
                &place,
                format!(
                    "claims to hold {size} bytes, packed into {packed} of an archive of {}",
                    self.length
                ),
            ));
        }
        // The parser reads to the end of the entry, where the archive's check sum is compared.
        parse(&mut entry, size, &place)
    }
}

/// What is wrong with the archive, or with the disk.
fn explain(error: ZipError, name: &Path) -> InstanceError {
    match error {
        ZipError::Io(error) => InstanceError::io(name, error),
        other => InstanceError::format(name, format!("not a readable npz archive: {other}")),
    }
}

#[cfg(test)]
mod tests;
