//! An instance as JSON text, one line a row.

use nalgebra::{DMatrix, DVector};

use crate::instance::{DesignMatrix, Instance, LossKind};

/// The manifest of an instance, all arrays inline, numbers in the shortest decimals that read back with the same bits.
/// The same instance gives the same bytes.
pub fn render_instance(instance: &Instance) -> String {
    let mut text = format!(
        "{{\n \"loss\": \"{}\",\n \"matrix\": {},\n \"target\": {},\n \"weights\": {}",
        instance.loss().name(),
        design(instance.matrix()),
        vector(instance.target()),
        vector(instance.weights()),
    );
    if let LossKind::TwoLayer {
        second_layer,
        activation,
    } = instance.loss()
    {
        text.push_str(&format!(
            ",\n \"second_layer\": {},\n \"activation\": \"{}\"",
            matrix(second_layer),
            activation.name()
        ));
    }
    if !instance.points().is_empty() {
        let points: Vec<String> = instance
            .points()
            .iter()
            .map(|point| format!("  {}", vector(point)))
            .collect();
        text.push_str(&format!(",\n \"points\": [\n{}\n ]", points.join(",\n")));
    }
    text.push_str("\n}\n");
    text
}

/// A sparse matrix stays sparse: it reads back as the matrix that it is, and is no longer than its entries.
fn design(matrix: &DesignMatrix) -> String {
    match matrix {
        DesignMatrix::Dense(dense) => rows(dense.iter().map(|row| numbers(row.iter()))),
        DesignMatrix::Sparse(sparse) => format!(
            "{{\n  \"indptr\": {:?},\n  \"indices\": {:?},\n  \"data\": {},\n  \"shape\": [{}, {}]\n }}",
            sparse.row_offsets(),
            sparse.col_indices(),
            numbers(sparse.values().iter()),
            sparse.nrows(),
            sparse.ncols()
        ),
    }
}

fn matrix(values: &DMatrix<f64>) -> String {
    rows(values.row_iter().map(|row| numbers(row.iter())))
}

fn rows(rows: impl Iterator<Item = String>) -> String {
    let rows: Vec<String> = rows.map(|row| format!("  {row}")).collect();
    format!("[\n{}\n ]", rows.join(",\n"))
}

fn vector(values: &DVector<f64>) -> String {
    numbers(values.iter())
}

/// `{:?}` of an f64 is its shortest round-trip decimal, and JSON for every finite value.
fn numbers<'a>(values: impl Iterator<Item = &'a f64>) -> String {
    let numbers: Vec<String> = values.map(|value| format!("{value:?}")).collect();
    format!("[{}]", numbers.join(", "))
}
