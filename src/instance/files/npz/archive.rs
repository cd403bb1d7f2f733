//! A zip archive of npy files, as `np.savez` writes it.
//!
//! Its directory may lie about sizes; an entry is believed to be as large as its compressed bytes can make it, and no
//! larger.

use std::io::{Read, Seek};
use std::path::{Path, PathBuf};

use zip::ZipArchive;
use zip::result::ZipError;

use crate::instance::InstanceError;

/// Deflate turns one byte into no more than 1032.
const BEST_COMPRESSION: u64 = 1032;
/// What `np.savez` adds to the name of an array.
const SUFFIX: &str = ".npy";

/// An archive whose directory was read.
pub(crate) struct Archive<'a, R> {
    zip: ZipArchive<R>,
    length: u64,
    name: &'a Path,
}

impl<'a, R: Read + Seek> Archive<'a, R> {
    /// An archive of `length` bytes; `name` is the file that messages mention.
    pub(crate) fn open(source: R, length: u64, name: &'a Path) -> Result<Self, InstanceError> {
        let zip = ZipArchive::new(source).map_err(|error| explain(error, name))?;
        Ok(Self { zip, length, name })
    }

    /// The names of the arrays, sorted.
    pub(crate) fn names(&self) -> Result<Vec<String>, InstanceError> {
        let mut names = Vec::new();
        for file in self.zip.file_names() {
            let file = file.map_err(|error| explain(error, self.name))?;
            names.push(file.strip_suffix(SUFFIX).unwrap_or(&file).to_owned());
        }
        names.sort();
        Ok(names)
    }

    /// Whether there is an array of this name.
    pub(crate) fn has(&self, array: &str) -> bool {
        self.zip.index_for_name(&file_of(array)).is_some()
    }

    /// How messages name an array: as if the archive were a directory.
    pub(crate) fn place(&self, array: &str) -> PathBuf {
        self.name.join(file_of(array))
    }

    /// Reads one array with a parser of npy bytes.
    pub(crate) fn read<T>(
        &mut self,
        array: &str,
        parse: impl FnOnce(&mut dyn Read, u64, &Path) -> Result<T, InstanceError>,
    ) -> Result<T, InstanceError> {
        let place = self.place(array);
        let mut entry = match self.zip.by_name(&file_of(array)) {
            Ok(entry) => entry,
            Err(ZipError::FileNotFound) => {
                return Err(InstanceError::format(
                    self.name,
                    format!("no array \"{array}\" in this archive"),
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

fn file_of(array: &str) -> String {
    format!("{array}{SUFFIX}")
}

/// What is wrong with the archive, or with the disk.
fn explain(error: ZipError, name: &Path) -> InstanceError {
    match error {
        ZipError::Io(error) => InstanceError::io(name, error),
        other => InstanceError::format(name, format!("not a readable npz archive: {other}")),
    }
}
