//! An instance in one `.npz`: the arrays of a manifest under their names.
//!
//! ```text
//! np.savez("problem.npz", matrix=A, target=b, weights=w)                    # softmax
//! np.savez("problem.npz", loss="exp", matrix=A, target=b, weights=10.0, start=x0, points=[x1, x2])
//! np.savez("problem.npz", loss="two-layer", activation="tanh", second_layer=A2, matrix=A, target=b, weights=w)
//! ```
//!
//! `matrix` has two dimensions; a sparse one is an archive of its own, which a manifest names. `weights` may be one value.
//! An array of another name is refused, so that a misspelt one is not silently ignored.

use std::io::{Read, Seek};
use std::path::Path;

use nalgebra::{DMatrix, DVector};

use super::super::npz::archive::Archive;
use super::super::{npy, npz, source};
use super::entry::each_weight;
use super::loss;
use super::parts::Parts;
use crate::instance::{Choice, DesignMatrix, Instance, InstanceError, InstanceRows, LossKind};

/// The names that arrays may have.
const NAMES: [&str; 8] = [
    "loss",
    "matrix",
    "target",
    "weights",
    "second_layer",
    "activation",
    "start",
    "points",
];

/// Reads an instance of named arrays.
pub(super) fn read_instance(path: &Path) -> Result<Instance, InstanceError> {
    source::with_seekable(path, |bytes, length| {
        let mut archive = open(bytes, length, path)?;
        build(&mut archive).map_err(|error| error.in_file(path))
    })
}

/// Reads an instance of named arrays of which only some rows of the matrix are kept.
pub(super) fn read_instance_rows(
    path: &Path,
    choose: Choice,
) -> Result<InstanceRows, InstanceError> {
    source::with_seekable(path, |bytes, length| {
        let mut archive = open(bytes, length, path)?;
        build_rows(&mut archive, choose).map_err(|error| error.in_file(path))
    })
}

/// An archive with the arrays of an instance.
fn open<R: Read + Seek>(
    source: R,
    length: u64,
    name: &Path,
) -> Result<Archive<'_, R>, InstanceError> {
    let archive = Archive::open(source, length, name)?;
    if archive.has("format") && !archive.has("matrix") {
        let message =
            "a sparse matrix, not an instance: write a manifest whose \"matrix\" is this file";
        return Err(InstanceError::format(name, message));
    }
    if let Some(unknown) = archive
        .names()?
        .iter()
        .find(|array| !NAMES.contains(&array.as_str()))
    {
        let known = NAMES.join(", ");
        let message = format!("unknown array \"{unknown}\", expected one of {known}");
        return Err(InstanceError::format(name, message));
    }
    Ok(archive)
}

fn build<R: Read + Seek>(archive: &mut Archive<'_, R>) -> Result<Instance, InstanceError> {
    let design = |archive: &mut Archive<'_, R>| DesignMatrix::dense(matrix(archive, "matrix")?);
    let parts = parts(archive, design, DesignMatrix::rows)?;
    Instance::new(parts.loss, parts.matrix, parts.target, parts.weights)?.with_points(parts.points)
}

fn build_rows<R: Read + Seek>(
    archive: &mut Archive<'_, R>,
    choose: Choice,
) -> Result<InstanceRows, InstanceError> {
    let design = |archive: &mut Archive<'_, R>| npz::array_rows(archive, "matrix", choose);
    let parts = parts(archive, design, |block| block.outline.rows)?;
    let (target, weights) = (parts.target, parts.weights);
    InstanceRows::new(parts.loss, parts.matrix, target, weights, parts.points)
}

fn parts<R: Read + Seek, M>(
    archive: &mut Archive<'_, R>,
    design: impl FnOnce(&mut Archive<'_, R>) -> Result<M, InstanceError>,
    rows: impl FnOnce(&M) -> usize,
) -> Result<Parts<M>, InstanceError> {
    let loss = optional(archive, "loss", text)?;
    let loss = loss.as_deref().unwrap_or(LossKind::Softmax.name());
    let activation = optional(archive, "activation", text)?;
    let second_layer = archive
        .has("second_layer")
        .then_some(|| matrix(archive, "second_layer"));
    let loss = loss::loss_kind(loss, second_layer, activation)?;
    let here = design(archive)?;
    let rows = rows(&here);
    let target = vector(archive, "target")?;
    let weights = archive.read("weights", |bytes, length, place| {
        npy::parse_values(bytes, length, place)
    })?;
    let mut points = Vec::new();
    points.extend(optional(archive, "start", vector)?);
    if let Some(more) = optional(archive, "points", matrix)? {
        points.extend(more.row_iter().map(|row| row.transpose()));
    }
    Ok(Parts {
        loss,
        matrix: here,
        target,
        weights: each_weight(weights, rows),
        points,
    })
}

/// Reads an array if it is there.
fn optional<R: Read + Seek, T>(
    archive: &mut Archive<'_, R>,
    array: &str,
    read: fn(&mut Archive<'_, R>, &str) -> Result<T, InstanceError>,
) -> Result<Option<T>, InstanceError> {
    if archive.has(array) {
        read(archive, array).map(Some)
    } else {
        Ok(None)
    }
}

fn text<R: Read + Seek>(
    archive: &mut Archive<'_, R>,
    array: &str,
) -> Result<String, InstanceError> {
    archive.read(array, |bytes, length, place| {
        npy::parse_text(bytes, length, place)
    })
}

fn vector<R: Read + Seek>(
    archive: &mut Archive<'_, R>,
    array: &str,
) -> Result<DVector<f64>, InstanceError> {
    let values = archive.read(array, |bytes, length, place| {
        npy::parse_values(bytes, length, place)
    })?;
    Ok(npz::as_vector(values))
}

fn matrix<R: Read + Seek>(
    archive: &mut Archive<'_, R>,
    array: &str,
) -> Result<DMatrix<f64>, InstanceError> {
    archive.read(array, |bytes, length, place| {
        npy::parse_matrix(bytes, length, place).map(|matrix| matrix.to_matrix())
    })
}
