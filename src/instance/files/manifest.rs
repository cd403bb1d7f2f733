//! Manifests: one JSON object that describes an instance, with arrays inline or in files beside it.
//!
//! ```text
//! { "loss": "softmax" | "exp" | "cosh" | "sinh" | "residual-softmax" | "two-layer", "matrix": MATRIX, "target": "b.npy" | [...],
//!   "weights": "w.npy" | [...] | 10.0, "start": optional point, "points": optional list of points }
//! MATRIX is [[...], ...], "A.mtx", "A.mtx.gz", "A.npy", "A.npz" (SciPy's save_npz of csr, csc or coo, or np.savez of one array), "A.safetensors" of one tensor, "A.csv", "A.svm" (svmlight),
//!   or compressed sparse rows:
//!   { "indptr": "A_indptr.npy" | [...], "indices": "A_indices.npy" | [...], "data": "A_data.npy" | [...], "shape": [n, d] }
//! "two-layer" also needs "second_layer": "A2.npy" | "A2.mtx" | [[...], ...] (m x n) and
//!   "activation": "relu" | "softplus" | "tanh" | "identity"; its target has m entries
//! ```
//!
//! Vectors in files are `.npy` (also of shape (n, 1) or (1, n)), `.npz` of one array, `.safetensors` of one tensor, `.mtx` or `.mtx.gz` of one column or row, or
//! JSON. Numbers of points may be decimal strings. The points of the instance are `start` followed by `points`. A key that is
//! not listed here, or that the loss has no use for, is refused, so that a misspelt one is not silently ignored.
//!
//! An instance may also be one `.npz` (`archive.rs`).

use std::path::{Path, PathBuf};

use nalgebra::DVector;
use serde::Deserialize;

use super::decimal::{self, Decimal};
use super::npy::Values;
use super::point::{read_start, read_values};
use super::source::{read_text, shown};
use super::suffix::has_suffix;
use super::{json, npz, write_whole};
use crate::instance::{Choice, DesignMatrix, Instance, InstanceError, InstanceRows, RowBlock};
use crate::memory::reading::Reading;

mod archive;
pub(crate) mod entry;
mod loss;
mod matrix;
mod parts;
mod render;

use entry::{Entry, Weights, each_weight};
use matrix::{MatrixEntry, read_design_matrix, read_design_rows};
use parts::Parts;
pub use render::render_instance;

/// The keys of a manifest.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    #[serde(alias = "system")]
    loss: String,
    matrix: MatrixEntry,
    target: Entry<Vec<f64>>,
    weights: Weights,
    second_layer: Option<Entry<Vec<Vec<f64>>>>,
    activation: Option<String>,
    start: Option<Entry<Vec<Decimal>>>,
    #[serde(default)]
    points: Vec<Vec<Decimal>>,
}

impl Manifest {
    /// The files that it names.
    fn files(&self, directory: &Path) -> Vec<PathBuf> {
        let mut files = self.matrix.files(directory);
        files.extend(self.target.file(directory));
        if let Weights::Each(entry) = &self.weights {
            files.extend(entry.file(directory));
        }
        files.extend(self.start.as_ref().and_then(|entry| entry.file(directory)));
        let second_layer = self.second_layer.as_ref();
        files.extend(second_layer.and_then(|entry| entry.file(directory)));
        files
    }
}

/// Reads an instance: a manifest and the files that it names (paths relative to the manifest), or one `.npz` of named
/// arrays. `-` is a manifest on standard input; paths in it are relative to the current directory.
pub fn read_instance(path: &Path) -> Result<Instance, InstanceError> {
    read_instance_and_files(path).map(|(instance, _)| instance)
}

/// [`read_instance`], with every file that was read for it.
pub fn read_instance_and_files(path: &Path) -> Result<(Instance, Vec<PathBuf>), InstanceError> {
    let _reading = Reading::begin(shown(path));
    let mut files = vec![path.to_owned()];
    if has_suffix(path, "npz") {
        return Ok((archive::read_instance(path)?, files));
    }
    let (instance, named) = parse_instance_and_files(&read_text(path)?, shown(path))?;
    files.extend(named);
    Ok((instance, files))
}

/// [`read_instance`] from text; `name` is the file that messages mention and that relative paths start from.
pub fn parse_instance(text: &str, name: &Path) -> Result<Instance, InstanceError> {
    parse_instance_and_files(text, name).map(|(instance, _)| instance)
}

/// [`parse_instance`], with the files that the text names.
pub fn parse_instance_and_files(
    text: &str,
    name: &Path,
) -> Result<(Instance, Vec<PathBuf>), InstanceError> {
    let manifest: Manifest = json::parse_object(text, name, "a manifest")?;
    let files = manifest.files(directory_of(name));
    let instance = build(manifest, name).map_err(|error| error.in_file(name))?;
    Ok((instance, files))
}

/// [`read_instance_and_files`] of which only some rows of the matrix are kept, in memory for these alone: `.npy` (also as arrays of
/// compressed rows), `.npz` of a dense or csr matrix, `.mtx`. Matrices of other formats are read as a whole.
///
/// Errors are those of [`read_instance`], as far as the chosen rows show them; indices are those of the whole matrix.
pub fn read_instance_rows(
    path: &Path,
    choose: Choice,
) -> Result<(InstanceRows, Vec<PathBuf>), InstanceError> {
    let _reading = Reading::begin(shown(path));
    let mut files = vec![path.to_owned()];
    if has_suffix(path, "npz") {
        return Ok((archive::read_instance_rows(path, choose)?, files));
    }
    let (rows, named) = parse_instance_rows(&read_text(path)?, shown(path), choose)?;
    files.extend(named);
    Ok((rows, files))
}

/// [`read_instance_rows`] from text; `name` is the file that messages mention and that relative paths start from.
pub fn parse_instance_rows(
    text: &str,
    name: &Path,
    choose: Choice,
) -> Result<(InstanceRows, Vec<PathBuf>), InstanceError> {
    let manifest: Manifest = json::parse_object(text, name, "a manifest")?;
    let files = manifest.files(directory_of(name));
    let rows = build_rows(manifest, name, choose).map_err(|error| error.in_file(name))?;
    Ok((rows, files))
}

/// Writes a manifest with all arrays inline; every number reads back with the same bits.
pub fn write_instance(instance: &Instance, path: &Path) -> Result<(), InstanceError> {
    write_whole(path, render_instance(instance).as_bytes())
}

/// Where relative paths in a manifest start.
fn directory_of(name: &Path) -> &Path {
    name.parent().unwrap_or(Path::new(""))
}

fn build(manifest: Manifest, name: &Path) -> Result<Instance, InstanceError> {
    let whole = |entry, directory: &Path| match entry {
        MatrixEntry::Rows(rows) => DesignMatrix::from_rows(&rows),
        MatrixEntry::File(file) => read_design_matrix(&directory.join(file)),
        MatrixEntry::Compressed(arrays) => arrays.read(directory),
    };
    let parts = read_parts(manifest, name, whole, DesignMatrix::rows)?;
    Instance::new(parts.loss, parts.matrix, parts.target, parts.weights)?.with_points(parts.points)
}

fn build_rows(
    manifest: Manifest,
    name: &Path,
    choose: Choice,
) -> Result<InstanceRows, InstanceError> {
    let some = |entry, directory: &Path| match entry {
        MatrixEntry::Rows(rows) => Ok(RowBlock::of(DesignMatrix::from_rows(&rows)?, choose)),
        MatrixEntry::File(file) => read_design_rows(&directory.join(file), choose),
        MatrixEntry::Compressed(arrays) => arrays.read_rows(directory, choose),
    };
    let parts = read_parts(manifest, name, some, |block| block.outline.rows)?;
    let (target, weights) = (parts.target, parts.weights);
    InstanceRows::new(parts.loss, parts.matrix, target, weights, parts.points)
}

/// What a manifest gives; `rows` are those of the whole matrix.
fn read_parts<M>(
    manifest: Manifest,
    name: &Path,
    matrix: impl FnOnce(MatrixEntry, &Path) -> Result<M, InstanceError>,
    rows: impl FnOnce(&M) -> usize,
) -> Result<Parts<M>, InstanceError> {
    let directory = directory_of(name);
    let second_layer = manifest
        .second_layer
        .map(|entry| || loss::second_layer(entry, directory));
    let loss = loss::loss_kind(&manifest.loss, second_layer, manifest.activation)?;
    let matrix = matrix(manifest.matrix, directory)?;
    let target = match manifest.target {
        Entry::Inline(values) => DVector::from_vec(values),
        Entry::File(file) => npz::as_vector(read_values(&directory.join(file))?),
    };
    let weights = match manifest.weights {
        Weights::All(value) => Values::One(value),
        Weights::Each(Entry::Inline(values)) => Values::Many(DVector::from_vec(values)),
        Weights::Each(Entry::File(file)) => read_values(&directory.join(file))?,
    };
    let mut points = Vec::new();
    match manifest.start {
        None => {}
        Some(Entry::Inline(values)) => points.push(DVector::from_vec(decimal::plain(values))),
        Some(Entry::File(file)) => points.push(read_start(&directory.join(file))?),
    }
    let inline = manifest.points.into_iter().map(decimal::plain);
    points.extend(inline.map(DVector::from_vec));
    let weights = each_weight(weights, rows(&matrix));
    Ok(Parts {
        loss,
        matrix,
        target,
        weights,
        points,
    })
}

#[cfg(test)]
mod tests;
