//! An instance as JSON text, one line a row.

use nalgebra::DVector;

use crate::instance::Instance;

/// The manifest of an instance, all arrays inline, numbers in the shortest decimals that read back with the same bits.
/// The same instance gives the same bytes.
pub fn render_instance(instance: &Instance) -> String {
    let matrix = instance.matrix().to_dense();
    let rows: Vec<String> = matrix
        .row_iter()
        .map(|row| format!("  {}", numbers(row.iter())))
        .collect();
    let mut text = format!(
        "{{\n \"loss\": \"{}\",\n \"matrix\": [\n{}\n ],\n \"target\": {},\n \"weights\": {}",
        instance.loss().name(),
        rows.join(",\n"),
        vector(instance.target()),
        vector(instance.weights()),
    );
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

fn vector(values: &DVector<f64>) -> String {
    numbers(values.iter())
}

/// `{:?}` of an f64 is its shortest round-trip decimal, and JSON for every finite value.
fn numbers<'a>(values: impl Iterator<Item = &'a f64>) -> String {
    let numbers: Vec<String> = values.map(|value| format!("{value:?}")).collect();
    format!("[{}]", numbers.join(", "))
}
