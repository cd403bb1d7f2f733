//! The reader of manifests, with the files beside them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use attention_regression::instance::files::{parse_instance, read_instance, render_instance};
use attention_regression::instance::{DesignMatrix, Instance, LossKind};
use nalgebra::DMatrix;
use serde_json::Value;

use super::{assert_clear, assert_clear_about, assert_same, assert_sound};

/// Any bytes: an instance whose parts fit together, equal to what a general reader of JSON finds in the text, and that
/// is written and read back without a change; or one clear line.
pub fn run(bytes: &[u8]) {
    let name = directory().join("input.json");
    let Ok(text) = std::str::from_utf8(bytes) else {
        let place = tempfile::tempdir().unwrap();
        let name = place.path().join("input.json");
        fs::write(&name, bytes).unwrap();
        let error = read_instance(&name).expect_err("read although it is not text");
        assert_clear(&error, &name);
        return;
    };
    match parse_instance(text, &name) {
        // A file beside the manifest may be to blame, or one that it names by an absolute path.
        Err(error) => assert_clear_about(&error, directory(), text),
        Ok(instance) => {
            check_parts(&instance);
            check_against_value(&instance, text);
            let written = render_instance(&instance);
            let back = parse_instance(&written, &name).expect("not readable as written");
            check_equal(&instance, &back);
            assert_eq!(render_instance(&back), written);
        }
    }
}

/// The directory `beside`, whose few files manifests may name.
fn directory() -> &'static Path {
    static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();
    DIRECTORY.get_or_init(|| {
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        // The package is the fuzzer's, or the crate itself.
        ["beside", "tests/fuzz/beside"]
            .iter()
            .map(|place| package.join(place))
            .find(|place| place.is_dir())
            .expect("the directory of the files beside a manifest")
    })
}

fn check_parts(instance: &Instance) {
    assert_sound(instance.matrix());
    let (n, d) = (instance.rows(), instance.columns());
    let finite = |values: &[f64]| values.iter().all(|value| value.is_finite());
    assert_eq!(instance.weights().len(), n);
    assert!(finite(instance.weights().as_slice()));
    assert!(finite(instance.target().as_slice()));
    match instance.loss() {
        LossKind::TwoLayer { second_layer, .. } => {
            assert_eq!(second_layer.ncols(), n);
            assert!(second_layer.nrows() >= 1);
            assert_eq!(instance.target().len(), second_layer.nrows());
            assert!(finite(second_layer.as_slice()));
        }
        _ => assert_eq!(instance.target().len(), n),
    }
    for point in instance.points() {
        assert_eq!(point.len(), d);
        assert!(finite(point.as_slice()));
    }
    assert_eq!(instance.start().len(), d);
}

/// The inline arrays as a general reader of JSON has them.
fn check_against_value(instance: &Instance, text: &str) {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let value: Value = serde_json::from_str(text).expect("read, but not JSON");
    let object = value.as_object().expect("read, but not an object");
    assert_eq!(object["loss"].as_str(), Some(instance.loss().name()));
    let numbers = |value: &Value| -> Option<Vec<f64>> {
        value.as_array()?.iter().map(Value::as_f64).collect()
    };
    let same_rows = |found: &DMatrix<f64>, rows: &[Value]| {
        assert_eq!(found.nrows(), rows.len());
        for (i, row) in rows.iter().enumerate() {
            let expected = numbers(row).expect("a row that is not numbers");
            assert_same(found.row(i).transpose().as_slice(), &expected);
        }
    };
    if let Some(rows) = object["matrix"].as_array() {
        let DesignMatrix::Dense(found) = instance.matrix() else {
            panic!("rows became a sparse matrix");
        };
        same_rows(&found.to_matrix(), rows);
    }
    if let Some(expected) = numbers(&object["target"]) {
        assert_same(instance.target().as_slice(), &expected);
    }
    if let Some(expected) = object["weights"].as_f64() {
        assert_same(
            instance.weights().as_slice(),
            &vec![expected; instance.rows()],
        );
    }
    if let Some(expected) = numbers(&object["weights"]) {
        assert_same(instance.weights().as_slice(), &expected);
    }
    if let LossKind::TwoLayer {
        second_layer,
        activation,
    } = instance.loss()
    {
        assert_eq!(object["activation"].as_str(), Some(activation.name()));
        if let Some(rows) = object["second_layer"].as_array() {
            same_rows(second_layer, rows);
        }
    }
    let start = object.get("start").filter(|start| !start.is_null());
    let more = object.get("points").and_then(Value::as_array);
    let expected: Vec<&Value> = start
        .into_iter()
        .chain(more.into_iter().flatten())
        .collect();
    assert_eq!(instance.points().len(), expected.len());
    for (found, expected) in instance.points().iter().zip(expected) {
        if let Some(expected) = numbers(expected) {
            assert_same(found.as_slice(), &expected);
        }
    }
}

fn check_equal(one: &Instance, other: &Instance) {
    assert_eq!(one.loss(), other.loss());
    assert_eq!(one.rows(), other.rows());
    assert_eq!(one.columns(), other.columns());
    match (one.matrix(), other.matrix()) {
        (DesignMatrix::Dense(one), DesignMatrix::Dense(other)) => {
            assert_same(one.to_matrix().as_slice(), other.to_matrix().as_slice());
        }
        (DesignMatrix::Sparse(one), DesignMatrix::Sparse(other)) => {
            assert_eq!(one.row_offsets(), other.row_offsets());
            assert_eq!(one.col_indices(), other.col_indices());
            assert_same(one.values(), other.values());
        }
        _ => panic!("a dense matrix became sparse, or the other way round"),
    }
    assert_same(one.target().as_slice(), other.target().as_slice());
    assert_same(one.weights().as_slice(), other.weights().as_slice());
    assert_eq!(one.points().len(), other.points().len());
    for (one, other) in one.points().iter().zip(other.points()) {
        assert_same(one.as_slice(), other.as_slice());
    }
}
