//! The matrix of a manifest: rows, a file, or the arrays of compressed sparse rows.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::super::suffix::{has_suffix, is_matrix_market, is_svmlight};
use super::super::{csv, matrix_market, npy, npz, safetensors, svmlight};
use super::entry::Entry;
use crate::instance::{CompressedRows, DesignMatrix, InstanceError};
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
        rows.into_matrix().map_err(|error| {
            let blamed = files.iter().find(|(part, _)| Some(*part) == error.part());
            match blamed {
                Some((_, Some(file))) => error.in_file(file),
                _ => error,
            }
        })
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
