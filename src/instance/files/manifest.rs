//! Manifests: one JSON object that describes an instance, with arrays inline or in files beside it.
//!
//! ```text
//! { "loss": "softmax" | "exp" | "cosh" | "sinh" | "residual-softmax" | "two-layer", "matrix": MATRIX, "target": "b.npy" | [...],
//!   "weights": "w.npy" | [...] | 10.0, "start": optional point, "points": optional list of points }
//! MATRIX is [[...], ...], "A.mtx", "A.npy", "A.npz" (SciPy's save_npz, csr), or compressed sparse rows:
//!   { "indptr": "A_indptr.npy" | [...], "indices": "A_indices.npy" | [...], "data": "A_data.npy" | [...], "shape": [n, d] }
//! "two-layer" also needs "second_layer": "A2.npy" | "A2.mtx" | [[...], ...] (m x n) and
//!   "activation": "relu" | "softplus" | "tanh" | "identity"; its target has m entries
//! ```
//!
//! The points of the instance are `start` followed by `points`. A key that is not listed here, or that
//! the loss has no use for, is refused, so that a misspelt one is not silently ignored.

use std::fs;
use std::path::Path;

use nalgebra::DVector;
use serde::Deserialize;

use super::point::read_vector;
use super::{json, write_whole};
use crate::instance::{DesignMatrix, Instance, InstanceError};

pub(crate) mod entry;
mod loss;
mod matrix;
mod render;

use entry::{Entry, Weights};
use matrix::{MatrixEntry, read_design_matrix};
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
    start: Option<Entry<Vec<f64>>>,
    #[serde(default)]
    points: Vec<Vec<f64>>,
}

/// Reads a manifest and the files that it names (paths relative to the manifest).
pub fn read_instance(path: &Path) -> Result<Instance, InstanceError> {
    let text = fs::read_to_string(path).map_err(|error| InstanceError::io(path, error))?;
    parse_instance(&text, path)
}

/// [`read_instance`] from text; `name` is the file that messages mention and that relative paths start from.
pub fn parse_instance(text: &str, name: &Path) -> Result<Instance, InstanceError> {
    let manifest: Manifest = json::parse_object(text, name, "a manifest")?;
    build(manifest, name).map_err(|error| error.in_file(name))
}

/// Writes a manifest with all arrays inline; every number reads back with the same bits.
pub fn write_instance(instance: &Instance, path: &Path) -> Result<(), InstanceError> {
    write_whole(path, render_instance(instance).as_bytes())
}

fn build(manifest: Manifest, name: &Path) -> Result<Instance, InstanceError> {
    let directory = name.parent().unwrap_or(Path::new(""));
    let loss = loss::loss_kind(
        &manifest.loss,
        manifest.second_layer,
        manifest.activation,
        directory,
    )?;
    let matrix = match manifest.matrix {
        MatrixEntry::Rows(rows) => DesignMatrix::from_rows(&rows)?,
        MatrixEntry::File(file) => read_design_matrix(&directory.join(file))?,
        MatrixEntry::Compressed(arrays) => arrays.read(directory)?,
    };
    let vector = |entry: Entry<Vec<f64>>| match entry {
        Entry::Inline(values) => Ok(DVector::from_vec(values)),
        Entry::File(file) => read_vector(&directory.join(file)),
    };
    let target = vector(manifest.target)?;
    let weights = match manifest.weights {
        Weights::All(value) => DVector::from_element(matrix.rows(), value),
        Weights::Each(entry) => vector(entry)?,
    };
    let mut points = Vec::new();
    if let Some(start) = manifest.start {
        points.push(vector(start)?);
    }
    points.extend(manifest.points.into_iter().map(DVector::from_vec));
    Instance::new(loss, matrix, target, weights)?.with_points(points)
}

#[cfg(test)]
mod tests;
