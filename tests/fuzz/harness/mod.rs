//! What each fuzz target does with its bytes: a function that panics where a promise is broken.
//!
//! The targets under `fuzz_targets` run these on nightly with libFuzzer; `tests/solver/fuzz_regressions.rs` runs the same
//! functions on stable over the committed seeds and findings. A target uses one of the modules only.

#![allow(dead_code)]

use std::path::Path;

use attention_regression::instance::{DesignMatrix, InstanceError};
use serde_json::Value;

pub mod bytes;
pub mod check;
pub mod evaluate;
pub mod federated;
pub mod labels;
pub mod linear;
pub mod manifest;
pub mod matrix_market;
pub mod npy;
pub mod npz;
pub mod regress;
pub mod solve;
pub mod solve_attention;
mod solved;

/// A refusal is one line that names the file.
fn assert_clear(error: &InstanceError, name: &Path) {
    let message = error.to_string();
    assert!(
        message.starts_with(&name.display().to_string()),
        "does not begin with the file's name: {message:?}"
    );
    assert!(
        !message.contains(char::is_control),
        "more than plain text on one line: {message:?}"
    );
}

/// The same for a JSON text that may name other files: in the directory given, or elsewhere by an absolute path.
fn assert_clear_about(error: &InstanceError, directory: &Path, text: &str) {
    let message = error.to_string();
    let elsewhere = absolute_paths(text)
        .into_iter()
        .find(|path| message.starts_with(path.as_str()));
    match elsewhere {
        Some(path) => assert_clear(error, Path::new(&path)),
        None => assert_clear(error, directory),
    }
}

/// The absolute paths among the strings of a JSON text, up to the first character that a message would escape.
fn absolute_paths(text: &str) -> Vec<String> {
    fn strings(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::String(text) if text.starts_with('/') => {
                found.extend(text.split(char::is_control).next().map(str::to_owned));
            }
            Value::Array(values) => values.iter().for_each(|value| strings(value, found)),
            Value::Object(values) => values.values().for_each(|value| strings(value, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    if let Ok(value) = serde_json::from_str(text) {
        strings(&value, &mut found);
    }
    found
}

/// What every design matrix promises: at least one row and column, finite entries, columns of a row that increase.
fn assert_sound(matrix: &DesignMatrix) {
    assert!(matrix.rows() > 0 && matrix.columns() > 0);
    for i in 0..matrix.rows() {
        let row = matrix.row_entries(i);
        for (j, value) in &row {
            assert!(*j < matrix.columns(), "column {j} of row {i}");
            assert!(value.is_finite(), "entry ({i}, {j}) is {value}");
        }
        assert!(
            row.windows(2).all(|pair| pair[0].0 < pair[1].0),
            "columns of row {i} do not increase"
        );
    }
}

/// Equal numbers, bit for bit.
fn assert_same(found: &[f64], expected: &[f64]) {
    let bits = |values: &[f64]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(found), bits(expected), "{found:?} is not {expected:?}");
}
