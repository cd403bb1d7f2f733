//! The matrix of a manifest: rows, a file, or the arrays of compressed sparse rows.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::super::compressed_block::{self, CompressedArrays};
use super::super::npy::Seekable;
use super::super::source::with_bytes;
use super::super::suffix::{has_suffix, is_matrix_market, is_svmlight};
use super::super::{csv, matrix_market, npy, npz, safetensors, svmlight};
use super::entry::Entry;
use crate::instance::{Choice, CompressedRows, DesignMatrix, InstanceError, RowBlock};
use crate::memory::reading::Reading;

/// A matrix as the manifest gives it.
pub(super) enum MatrixEntry {
    /// All entries, row by row.
    Rows(Vec<Vec<f64>>),
    /// Path relative to the manifest.
    File(PathBuf),
    /// Sparse, array by array.
    Compressed(CompressedEntry),
}

/// [`CompressedRows`] whose arrays are inline or in files.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CompressedEntry {
    indptr: Entry<Vec<usize>>,
    indices: Entry<Vec<usize>>,
    data: Entry<Vec<f64>>,
    shape: [usize; 2],
}

impl MatrixEntry {
    /// The files, for a manifest in `directory`.
    pub(super) fn files(&self, directory: &Path) -> Vec<PathBuf> {
        match self {
            Self::Rows(_) => Vec::new(),
            Self::File(file) => vec![directory.join(file)],
            Self::Compressed(arrays) => {
                let files = arrays.files(directory).into_iter();
                files.filter_map(|(_, file)| file).collect()
            }
        }
    }
}

impl CompressedEntry {
    /// The file of each array that has one.
    fn files(&self, directory: &Path) -> [(&'static str, Option<PathBuf>); 3] {
        [
            ("indptr", self.indptr.file(directory)),
            ("indices", self.indices.file(directory)),
            ("data", self.data.file(directory)),
        ]
    }

    /// Reads the arrays. An error of an array that is in a file names that file.
    pub(super) fn read(self, directory: &Path) -> Result<DesignMatrix, InstanceError> {
        let files = self.files(directory);
        let indices = |entry: Entry<Vec<usize>>| match entry {
            Entry::Inline(values) => Ok(values),
            Entry::File(file) => npy::read_indices(&directory.join(file)),
        };
        let rows = CompressedRows {
            shape: self.shape,
            indptr: indices(self.indptr)?,
            indices: indices(self.indices)?,
            data: match self.data {
                Entry::Inline(values) => values,
                Entry::File(file) => npy::read_numbers(&directory.join(file))?,
            },
        };
        blame(rows.into_matrix(), &files)
    }

    /// Some rows of the matrix; of arrays in files only their entries are read.
    pub(super) fn read_rows(
        self,
        directory: &Path,
        choose: Choice,
    ) -> Result<RowBlock, InstanceError> {
        let (files, shape) = (self.files(directory), self.shape);
        let mut arrays = InFiles {
            entries: self,
            directory,
        };
        blame(compressed_block::read(&mut arrays, shape, choose), &files)
    }
}

/// Names the file of the array that is to blame.
fn blame<T>(
    matrix: Result<T, InstanceError>,
    files: &[(&'static str, Option<PathBuf>); 3],
) -> Result<T, InstanceError> {
    matrix.map_err(|error| {
        let blamed = files.iter().find(|(part, _)| Some(*part) == error.part());
        match blamed {
            Some((_, Some(file))) => error.in_file(file),
            _ => error,
        }
    })
}

/// The arrays of a manifest in `directory`.
struct InFiles<'a> {
    entries: CompressedEntry,
    directory: &'a Path,
}

impl InFiles<'_> {
    fn index_array(&self, array: &'static str) -> &Entry<Vec<usize>> {
        match array {
            "indptr" => &self.entries.indptr,
            _ => &self.entries.indices,
        }
    }
}

impl CompressedArrays for InFiles<'_> {
    fn index_count(&mut self, array: &'static str) -> Result<usize, InstanceError> {
        match self.index_array(array) {
            Entry::Inline(values) => Ok(values.len()),
            Entry::File(file) => {
                let path = self.directory.join(file);
                with_bytes(&path, |bytes, length| {
                    npy::parse_index_count(Seekable(bytes), length, &path)
                })
            }
        }
    }

    fn value_count(&mut self) -> Result<usize, InstanceError> {
        match &self.entries.data {
            Entry::Inline(values) => Ok(values.len()),
            Entry::File(file) => {
                let path = self.directory.join(file);
                with_bytes(&path, |bytes, length| {
                    npy::parse_value_count(Seekable(bytes), length, &path)
                })
            }
        }
    }

    fn indices(
        &mut self,
        array: &'static str,
        places: Range<usize>,
    ) -> Result<Vec<usize>, InstanceError> {
        match self.index_array(array) {
            Entry::Inline(values) => Ok(values[places].to_vec()),
            Entry::File(file) => {
                let path = self.directory.join(file);
                with_bytes(&path, |bytes, length| {
                    npy::parse_indices_at(Seekable(bytes), length, &path, places)
                })
            }
        }
    }

    fn values(&mut self, places: Range<usize>) -> Result<Vec<f64>, InstanceError> {
        match &self.entries.data {
            Entry::Inline(values) => Ok(values[places].to_vec()),
            Entry::File(file) => {
                let path = self.directory.join(file);
                with_bytes(&path, |bytes, length| {
                    npy::parse_numbers_at(Seekable(bytes), length, &path, places)
                })
            }
        }
    }
}

/// Reads a matrix file; its name says which kind.
pub(super) fn read_design_matrix(path: &Path) -> Result<DesignMatrix, InstanceError> {
    let _reading = Reading::begin(path);
    if is_matrix_market(path) {
        matrix_market::read_matrix(path)
    } else if has_suffix(path, "npz") {
        npz::read_matrix(path)
    } else if has_suffix(path, "npy") {
        DesignMatrix::dense(npy::read_matrix(path)?).map_err(|error| error.in_file(path))
    } else if has_suffix(path, "csv") {
        csv::read_matrix(path)
    } else if has_suffix(path, "safetensors") {
        safetensors::read_matrix(path)
    } else if is_svmlight(path) {
        svmlight::read_matrix(path)
    } else {
        Err(InstanceError::format(
            path,
            "a matrix file must end in .mtx, .mtx.gz, .npy, .npz, .safetensors, .csv or .svm",
        ))
    }
}

/// Reads some rows of a matrix file; of formats that are not read in parts they are cut out of the whole.
pub(super) fn read_design_rows(path: &Path, choose: Choice) -> Result<RowBlock, InstanceError> {
    let _reading = Reading::begin(path);
    if is_matrix_market(path) {
        matrix_market::read_rows(path, choose)
    } else if has_suffix(path, "npz") {
        npz::read_rows(path, choose)
    } else if has_suffix(path, "npy") {
        npy::read_rows(path, choose)
    } else {
        Ok(RowBlock::of(read_design_matrix(path)?, choose))
    }
}

impl<'de> Deserialize<'de> for MatrixEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MatrixVisitor)
    }
}

struct MatrixVisitor;

impl<'de> Visitor<'de> for MatrixVisitor {
    type Value = MatrixEntry;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(
            "a file name, an array of rows, or {\"indptr\", \"indices\", \"data\", \"shape\"}",
        )
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(MatrixEntry::File(PathBuf::from(name)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, sequence: A) -> Result<Self::Value, A::Error> {
        Deserialize::deserialize(SeqAccessDeserializer::new(sequence)).map(MatrixEntry::Rows)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        Deserialize::deserialize(MapAccessDeserializer::new(map)).map(MatrixEntry::Compressed)
    }
}
