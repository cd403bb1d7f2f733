use std::fs;

use nalgebra::DMatrix;

use super::super::npy;
use super::*;
use crate::instance::{Activation, LossKind};

/// The working baseline that every wrong-input test changes in one place.
const BASELINE: &str = r#"{
 "loss": "softmax",
 "matrix": [[1, 0.5], [-2, 3], [0, 1]],
 "target": [0.25, 0.5, 0.25],
 "weights": 10,
 "start": [0.5, -1],
 "points": [[1, 2]]
}"#;

fn parse(text: &str) -> Result<Instance, String> {
    parse_instance(text, Path::new("a.json")).map_err(|error| error.to_string())
}

fn changed(from: &str, to: &str) -> String {
    assert!(parse(BASELINE).is_ok());
    assert!(BASELINE.contains(from));
    parse(&BASELINE.replacen(from, to, 1)).unwrap_err()
}

#[test]
fn a_manifest_gives_the_instance_it_describes() {
    let instance = parse(BASELINE).unwrap();
    assert_eq!((instance.rows(), instance.columns()), (3, 2));
    assert_eq!(instance.weights().as_slice(), [10.0; 3]);
    assert_eq!(instance.start().as_slice(), [0.5, -1.0]);
    assert_eq!(instance.points()[1].as_slice(), [1.0, 2.0]);
}

#[test]
fn without_a_start_the_first_of_the_points_is_the_start() {
    let instance = parse(&BASELINE.replace("\"start\": [0.5, -1],", "")).unwrap();
    assert_eq!(instance.start().as_slice(), [1.0, 2.0]);
}

#[test]
fn what_is_wrong_is_named_with_file_entry_and_value() {
    let cases = [
        (
            "\"softmax\"",
            "\"softmin\"",
            "a.json: unknown loss \"softmin\": known losses are ",
        ),
        (
            "\"weights\"",
            "\"wieghts\"",
            "a.json: wieghts: unknown field `wieghts`, expected one of",
        ),
        (" \"weights\": 10,\n", "", "a.json: missing field `weights`"),
        (
            "[-2, 3]",
            "[-2, 3, 4]",
            "a.json: matrix has 3 entries in row 1, expected 2 as in row 0",
        ),
        (
            "[-2, 3]",
            "[-2, 1e400]",
            "a.json: matrix[1][1] is 1e400: every entry must be a finite number",
        ),
        (
            "[-2, 3]",
            "[-2, NaN]",
            "a.json: matrix[1][1] is NaN: every entry must be a finite number",
        ),
        (
            "[-2, 3]",
            "[-2, \"3\"]",
            "a.json: matrix[1][1]: invalid type: string \"3\", expected f64",
        ),
        (
            "[[1, 0.5], [-2, 3], [0, 1]]",
            "[]",
            "a.json: matrix is 0 x 0:",
        ),
        (
            "[[1, 0.5], [-2, 3], [0, 1]]",
            "[[], [], []]",
            "a.json: matrix is 3 x 0:",
        ),
        (
            "[[1, 0.5], [-2, 3], [0, 1]]",
            "7",
            "a.json: matrix: invalid type: integer `7`, expected a file name, an array of rows, or {",
        ),
        (
            "[0.25, 0.5, 0.25]",
            "[0.25, 0.5]",
            "a.json: target has 2 entries, expected 3",
        ),
        (
            "[0.25, 0.5, 0.25]",
            "[0.25, -Infinity, 0]",
            "a.json: target[1] is -Infinity:",
        ),
        (
            "\"weights\": 10",
            "\"weights\": [1, 2]",
            "a.json: weights has 2 entries, expected 3",
        ),
        (
            "\"weights\": 10",
            "\"weights\": 1e999",
            "a.json: weights is 1e999:",
        ),
        (
            "\"weights\": 10",
            "\"weights\": null",
            "a.json: weights: invalid type: null, expected a number, a file name or an array",
        ),
        (
            "[0.5, -1]",
            "[0.5]",
            "a.json: point has 1 entries, expected 2",
        ),
        (
            "[[1, 2]]",
            "[[1, 2, 3]]",
            "a.json: point has 3 entries, expected 2",
        ),
        (
            "\"start\"",
            "\"target\"",
            "a.json: duplicate field `target`",
        ),
    ];
    for (from, to, expected) in cases {
        let found = changed(from, to);
        assert!(found.starts_with(expected), "{found}\n{expected}");
        assert!(!found.contains('\n'), "{found}");
    }
}

/// A two-layer baseline: three logits, two outputs.
const LAYERED: &str = r#"{
 "loss": "two-layer",
 "matrix": [[1, 0.5], [-2, 3], [0, 1]],
 "target": [0.25, 0.5],
 "weights": 10,
 "second_layer": [[1, 2, 3], [4, 5, 6]],
 "activation": "tanh"
}"#;

#[test]
fn every_loss_can_be_written_and_read() {
    for name in LossKind::NAMES {
        if name == "two-layer" {
            continue;
        }
        let instance = parse(&BASELINE.replace("softmax", name)).unwrap();
        assert_eq!(instance.loss().name(), name);
        let text = render_instance(&instance);
        assert_eq!(render_instance(&parse(&text).unwrap()), text);
        let logits = instance.in_logits();
        assert_eq!(logits.loss(), instance.loss());
    }
    for activation in Activation::ALL {
        let instance = parse(&LAYERED.replace("tanh", activation.name())).unwrap();
        let LossKind::TwoLayer {
            second_layer,
            activation: found,
        } = instance.loss()
        else {
            panic!("another loss");
        };
        assert_eq!(*found, activation);
        assert_eq!(
            second_layer.row(1).iter().copied().collect::<Vec<_>>(),
            [4.0, 5.0, 6.0]
        );
        assert_eq!(instance.target().len(), 2);
        let text = render_instance(&instance);
        let back = parse(&text).unwrap();
        assert_eq!(back.loss(), instance.loss());
        assert_eq!(render_instance(&back), text);
    }
}

#[test]
fn what_is_wrong_with_the_fields_of_a_loss_is_named() {
    let cases = [
        (
            " \"activation\": \"tanh\"",
            " \"points\": []",
            "a.json: missing field `activation`: loss \"two-layer\" needs it",
        ),
        (
            " \"second_layer\": [[1, 2, 3], [4, 5, 6]],\n",
            "",
            "a.json: missing field `second_layer`: loss \"two-layer\" needs it",
        ),
        (
            "two-layer",
            "exp",
            "a.json: superfluous field `second_layer`: loss \"exp\" has no use for it",
        ),
        (
            "tanh",
            "sigmoid",
            "a.json: activation: unknown \"sigmoid\": known activations are relu, softplus, tanh, identity",
        ),
        (
            "[4, 5, 6]",
            "[4, 5]",
            "a.json: second_layer has 2 entries in row 1, expected 3 as in row 0",
        ),
        (
            "[[1, 2, 3], [4, 5, 6]]",
            "[[1, 2], [4, 5]]",
            "a.json: second_layer has shape 2 x 2, expected m x 3 with m >= 1",
        ),
        (
            "[[1, 2, 3], [4, 5, 6]]",
            "[]",
            "a.json: second_layer has shape 0 x 0, expected m x 3 with m >= 1",
        ),
        (
            "[4, 5, 6]",
            "[4, 5, 1e999]",
            "a.json: second_layer[1][2] is 1e999: every entry must be a finite number",
        ),
        (
            "[[1, 2, 3], [4, 5, 6]]",
            "7",
            "a.json: second_layer: invalid type: integer `7`",
        ),
        (
            "[0.25, 0.5]",
            "[0.25, 0.5, 0.25]",
            "a.json: target has 3 entries, expected 2",
        ),
        (
            "\"tanh\"",
            "3",
            "a.json: activation: invalid type: integer `3`",
        ),
    ];
    assert!(parse(LAYERED).is_ok());
    for (from, to, expected) in cases {
        assert!(LAYERED.contains(from), "{from}");
        let found = parse(&LAYERED.replacen(from, to, 1)).unwrap_err();
        assert!(found.starts_with(expected), "{found}\n{expected}");
        assert!(!found.contains('\n'), "{found}");
    }
    let superfluous = BASELINE.replace("\"weights\"", "\"activation\": \"relu\", \"weights\"");
    let found = parse(&superfluous).unwrap_err();
    assert!(found.contains("superfluous field `activation`: loss \"softmax\""));
}

#[test]
fn a_second_layer_is_found_beside_the_manifest() {
    let directory = tempfile::tempdir().unwrap();
    let place = |name: &str| directory.path().join(name);
    let mtx = "%%MatrixMarket matrix array real general\n2 3\n1\n4\n2\n5\n3\n6\n";
    fs::write(place("A2.mtx"), mtx).unwrap();
    fs::write(
        place("a.json"),
        LAYERED.replace("[[1, 2, 3], [4, 5, 6]]", "\"A2.mtx\""),
    )
    .unwrap();
    let instance = read_instance(&place("a.json")).unwrap();
    assert_eq!(instance.loss(), parse(LAYERED).unwrap().loss());
    fs::write(
        place("a.json"),
        LAYERED.replace("[[1, 2, 3], [4, 5, 6]]", "\"B2.npy\""),
    )
    .unwrap();
    let message = read_instance(&place("a.json")).unwrap_err().to_string();
    assert!(message.contains("B2.npy"), "{message}");
}

#[test]
fn a_second_layer_of_more_entries_than_memory_holds_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("A2.mtx");
    let banner = "%%MatrixMarket matrix coordinate real general";
    fs::write(&file, format!("{banner}\n1000000 3000 1\n1 1 1\n")).unwrap();
    let text = LAYERED.replace("[[1, 2, 3], [4, 5, 6]]", "\"A2.mtx\"");
    let error = parse_instance(&text, &directory.path().join("a.json")).unwrap_err();
    let expected = format!(
        "{}: second_layer has shape 1000000 x 3000, expected at most 134217728 entries, stored or not",
        file.display()
    );
    assert_eq!(error.to_string(), expected);
}

#[test]
fn names_with_line_breaks_leave_the_message_on_one_line() {
    for (from, to, expected) in [
        (
            "\"softmax\"",
            r#""soft\nmax""#,
            r#"a.json: unknown loss "soft\nmax": "#,
        ),
        (
            "\"weights\"",
            r#""we\u001bights""#,
            r"a.json: we\u{1b}ights: unknown field",
        ),
        ("[0.25, 0.5, 0.25]", r#""no\nfile.npy""#, r"no\nfile.npy: "),
    ] {
        let found = changed(from, to);
        assert!(found.starts_with(expected), "{found}");
        assert!(!found.contains(char::is_control), "{found}");
    }
}

#[test]
fn a_list_is_not_taken_for_the_fields_in_their_order() {
    let list = r#" ["softmax", [[1]], [1], 1, null, null, [0], []]"#;
    let expected = "a.json: a manifest is a JSON object, not a list";
    assert_eq!(parse(list).unwrap_err(), expected);
}

#[test]
fn every_truncation_is_an_error() {
    for length in 0..BASELINE.len() {
        assert!(parse(&BASELINE[..length]).is_err(), "{length}");
    }
}

#[test]
fn files_are_found_beside_the_manifest_and_named_when_they_are_wrong() {
    let directory = tempfile::tempdir().unwrap();
    let place = |name: &str| directory.path().join(name);
    fs::write(
        place("A.mtx"),
        "%%MatrixMarket matrix array real general\n2 1\n1\n2\n",
    )
    .unwrap();
    npy::write_vector(&place("b.npy"), &DVector::from_vec(vec![0.5, 0.5])).unwrap();
    fs::write(place("w.json"), "[1, 2]").unwrap();
    let manifest =
        r#"{"loss": "softmax", "matrix": "A.mtx", "target": "b.npy", "weights": "w.json"}"#;
    fs::write(place("a.json"), manifest).unwrap();
    let instance = read_instance(&place("a.json")).unwrap();
    assert_eq!(instance.matrix().to_dense().as_slice(), [1.0, 2.0]);
    assert_eq!(instance.weights().as_slice(), [1.0, 2.0]);

    let message = |text: &str| {
        fs::write(place("a.json"), text).unwrap();
        read_instance(&place("a.json")).unwrap_err().to_string()
    };
    assert!(message(&manifest.replace("A.mtx", "C.mtx")).contains("C.mtx: "));
    assert!(message(&manifest.replace("A.mtx", "A.txt")).ends_with(
        "A.txt: a matrix file must end in .mtx, .mtx.gz, .npy, .npz, .safetensors, .csv or .svm"
    ));
    npy::write_vector(&place("b.npy"), &DVector::from_vec(vec![0.5, f64::NAN])).unwrap();
    assert!(message(manifest).ends_with("b.npy: array[1] is NaN: every entry must be finite"));
    npy::write_vector(&place("b.npy"), &DVector::from_vec(vec![0.5])).unwrap();
    assert!(message(manifest).ends_with("a.json: target has 1 entries, expected 2"));
    let whole = fs::read(place("b.npy")).unwrap();
    fs::write(place("b.npy"), &whole[..whole.len() - 3]).unwrap();
    assert!(message(manifest).contains("b.npy: truncated"));
}

/// The baseline's matrix, sparse.
const SPARSE: &str = r#"{"indptr": [0, 2, 4, 5], "indices": [0, 1, 0, 1, 1], "data": [1, 0.5, -2, 3, 1], "shape": [3, 2]}"#;

#[test]
fn a_matrix_may_be_given_as_compressed_rows() {
    let text = BASELINE.replace("[[1, 0.5], [-2, 3], [0, 1]]", SPARSE);
    let instance = parse(&text).unwrap();
    assert!(matches!(instance.matrix(), DesignMatrix::Sparse(_)));
    let dense = parse(BASELINE).unwrap();
    assert_eq!(instance.matrix().to_dense(), dense.matrix().to_dense());
    let written = render_instance(&instance);
    let back = parse(&written).unwrap();
    assert!(matches!(back.matrix(), DesignMatrix::Sparse(_)));
    assert_eq!(render_instance(&back), written);
    for (from, to, expected) in [
        (
            "[0, 2, 4, 5]",
            "[0, 2, 5]",
            "a.json: indptr has 3 entries, expected 4",
        ),
        (
            "[0, 2, 4, 5]",
            "[0, 2, 1, 5]",
            "a.json: indptr[2] is 1, expected at least indptr[1] = 2",
        ),
        (
            "[0, 2, 4, 5]",
            "[0, 2, -4, 5]",
            "a.json: matrix.indptr[2]: invalid value: integer `-4`",
        ),
        (
            "[0, 1, 0, 1, 1]",
            "[0, 1, 0, 1, 2]",
            "a.json: indices[4] is 2, expected a column below 2",
        ),
        (
            "[0, 1, 0, 1, 1]",
            "[0, 1, 0, 1.5, 1]",
            "a.json: matrix.indices[3]: invalid type",
        ),
        (
            "[1, 0.5, -2, 3, 1]",
            "[1, 0.5, -2, 3]",
            "a.json: data has 4 entries, expected 5",
        ),
        (
            "[1, 0.5, -2, 3, 1]",
            "[1, 0.5, 1e999, 3, 1]",
            "a.json: matrix.data[2] is 1e999",
        ),
        ("[3, 2]", "[3]", "a.json: matrix.shape"),
        (
            "[3, 2]",
            "[2, 2]",
            "a.json: indptr has 4 entries, expected 3",
        ),
        (
            "[3, 2]",
            "[3, 999999999999]",
            "a.json: matrix has shape 3 x 999999999999",
        ),
        (
            "\"data\"",
            "\"values\"",
            "a.json: matrix.values: unknown field `values`",
        ),
        (
            ", \"shape\": [3, 2]",
            "",
            "a.json: matrix: missing field `shape`",
        ),
    ] {
        assert!(SPARSE.contains(from), "{from}");
        let found = parse(&text.replacen(from, to, 1)).unwrap_err();
        assert!(found.starts_with(expected), "{found}\n{expected}");
        assert!(!found.contains('\n'), "{found}");
    }
}

#[test]
fn an_array_of_compressed_rows_that_is_in_a_file_is_named_by_it() {
    let directory = tempfile::tempdir().unwrap();
    let place = |name: &str| directory.path().join(name);
    let text = BASELINE.replace(
        "[[1, 0.5], [-2, 3], [0, 1]]",
        &SPARSE.replace("[1, 0.5, -2, 3, 1]", "\"A_data.npy\""),
    );
    fs::write(place("a.json"), &text).unwrap();
    let data = |values: &[f64]| {
        npy::write_vector(&place("A_data.npy"), &DVector::from_column_slice(values)).unwrap();
        read_instance(&place("a.json"))
    };
    let message = |values: &[f64]| data(values).unwrap_err().to_string();
    assert!(
        message(&[1.0])
            .ends_with("A_data.npy: data has 1 entries, expected 5, as many as indices has")
    );
    assert!(message(&[1.0, 0.5, f64::NAN, 3.0, 1.0]).contains("A_data.npy: data[2] is NaN"));
    let instance = data(&[1.0, 0.5, -2.0, 3.0, 1.0]).unwrap();
    assert_eq!(
        instance.matrix().to_dense(),
        parse(BASELINE).unwrap().matrix().to_dense()
    );
    fs::write(
        place("a.json"),
        text.replace("[0, 2, 4, 5]", "\"none.npy\""),
    )
    .unwrap();
    let message = read_instance(&place("a.json")).unwrap_err().to_string();
    assert!(message.contains("none.npy: "), "{message}");
}

#[test]
fn a_written_instance_reads_back_with_the_same_bits() {
    let values = [0.1, -0.0, 5e-324, f64::MAX, 1.0 / 3.0, -1e-300];
    let instance = Instance::new(
        LossKind::Softmax,
        DesignMatrix::from_rows(&[values[..3].to_vec(), values[3..].to_vec()]).unwrap(),
        DVector::from_vec(vec![0.3, 0.7]),
        DVector::from_vec(vec![1e22, -2.5]),
    )
    .unwrap()
    .with_points(vec![
        DVector::from_vec(vec![1.0, 0.2, 3.0]),
        DVector::zeros(3),
    ])
    .unwrap();
    let text = render_instance(&instance);
    let back = parse(&text).unwrap();
    assert_eq!(render_instance(&back), text);
    let bits = |instance: &Instance| -> Vec<u64> {
        let matrix = instance.matrix().to_dense();
        matrix.iter().map(|value| value.to_bits()).collect()
    };
    assert_eq!(bits(&back), bits(&instance));
    assert_eq!(back.points(), instance.points());
}

quickcheck::quickcheck! {
    fn any_text_gives_an_instance_or_one_line(text: String) -> bool {
        parse(&text).map_or_else(|error| !error.contains('\n'), |_| true)
    }

    fn a_manifest_with_any_bytes_changed_gives_an_instance_or_an_error(edits: Vec<(usize, u8)>) -> bool {
        let mut bytes = BASELINE.as_bytes().to_vec();
        for (place, byte) in edits {
            let place = place % bytes.len();
            bytes[place] = byte % 128;
        }
        let _ = parse(&String::from_utf8_lossy(&bytes));
        true
    }

    fn every_finite_value_survives_the_file(value: f64) -> bool {
        if !value.is_finite() {
            return true;
        }
        let text = BASELINE.replace("0.5, -1", &format!("{value:?}, -1"));
        parse(&text).is_ok_and(|instance| instance.start()[0].to_bits() == value.to_bits())
    }
}

#[test]
fn what_a_value_may_be_is_told_where_it_is_something_else() {
    for (from, to, expected) in [
        (
            "[0.25, 0.5, 0.25]",
            "7",
            "a.json: target: invalid type: integer `7`, expected a file name or an array at line",
        ),
        (
            "[0.5, -1]",
            "{}",
            "a.json: start: invalid type: map, expected a file name or an array at line",
        ),
        (
            "[[1, 0.5], [-2, 3], [0, 1]]",
            "7",
            "a.json: matrix: invalid type: integer `7`, expected a file name, an array of rows, or \
             {\"indptr\", \"indices\", \"data\", \"shape\"} at line",
        ),
    ] {
        let found = changed(from, to);
        assert!(found.starts_with(expected), "{found}\n{expected}");
    }
}

#[test]
fn one_weight_for_all_rows_may_have_any_sign_and_form() {
    for (text, value) in [("-3", -3.0), ("7", 7.0), ("-2.5", -2.5), ("1e3", 1000.0)] {
        let instance = parse(&BASELINE.replace("10,", &format!("{text},"))).unwrap();
        assert_eq!(instance.weights().as_slice(), [value; 3]);
    }
}

#[test]
fn an_instance_that_was_written_to_a_file_is_read_from_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.json");
    let instance = parse(LAYERED).unwrap();
    write_instance(&instance, &path).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(text, render_instance(&instance));
    let back = read_instance(&path).unwrap();
    assert_eq!(render_instance(&back), text);
    assert_eq!(back.target().as_slice(), [0.25, 0.5]);
}

/// The problem in logit space has the identity for A, no ridge, and no points.
#[test]
fn the_problem_in_logits_has_identity_and_no_weights() {
    let logits = parse(LAYERED).unwrap().in_logits();
    let identity = nalgebra::DMatrix::identity(3, 3);
    assert_eq!(logits.matrix().to_dense(), identity);
    assert_eq!(logits.weights().as_slice(), [0.0; 3]);
    assert_eq!(logits.target().as_slice(), [0.25, 0.5]);
    assert!(logits.points().is_empty());
    assert_eq!(logits.start().as_slice(), [0.0; 3]);
}

fn arrays(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/arrays")
        .join(name)
}

/// What `np.savez` stores of an instance (`fixtures/arrays/make.py`), and that an array may have no other name.
#[test]
fn an_instance_may_be_one_archive_of_named_arrays() {
    let matrix = DMatrix::from_row_slice(4, 2, &[1.5, -0.25, 0.5, 2.0, -1.0, 0.75, 0.0, -1.0]);
    let problem = read_instance(&arrays("problem.npz")).unwrap();
    assert_eq!(problem.loss(), &LossKind::Softmax);
    assert_eq!(problem.matrix().to_dense(), matrix);
    assert_eq!(problem.target().as_slice(), [0.4, 0.3, 0.2, 0.1]);
    assert_eq!(problem.weights().as_slice(), [0.5; 4]);
    assert!(problem.points().is_empty());
    let exp = read_instance(&arrays("exp.npz")).unwrap();
    assert_eq!(exp.loss(), &LossKind::Exp);
    assert_eq!(exp.matrix().to_dense(), matrix);
    assert_eq!(exp.weights().as_slice(), [0.5; 4]);
    let points: Vec<&[f64]> = exp.points().iter().map(|point| point.as_slice()).collect();
    assert_eq!(points, [[1.0, 2.0], [0.0, 1.0], [2.0, -1.0]]);
    let two_layer = read_instance(&arrays("two-layer.npz")).unwrap();
    let LossKind::TwoLayer {
        second_layer,
        activation,
    } = two_layer.loss()
    else {
        panic!("not two layers");
    };
    let expected = [1.0, 0.0, 2.0, 0.0, 0.0, 1.0, 0.0, 3.0];
    assert_eq!(second_layer, &DMatrix::from_row_slice(2, 4, &expected));
    assert_eq!(activation, &Activation::Tanh);
    assert_eq!(two_layer.weights().as_slice(), [1.0, 2.0, 3.0, 4.0]);
    for (name, expected) in [
        (
            "misspelt.npz",
            "unknown array \"wieghts\", expected one of loss, matrix, target, weights, ",
        ),
        ("no-weights.npz", "no array \"weights\" in this archive"),
        (
            "A-csr-f4.npz",
            "a sparse matrix, not an instance: write a manifest whose \"matrix\" is this file",
        ),
        ("A-dense.npz", "unknown array \"arr_0\""),
        ("missing.npz", "No such file"),
    ] {
        let path = arrays(name);
        let error = read_instance(&path).unwrap_err().to_string();
        let expected = format!("{}: {expected}", path.display());
        assert!(error.starts_with(&expected), "{error}");
    }
}

/// Every kind of file that holds a vector, in each of its places; a single weight is for all rows.
#[test]
fn vectors_come_from_files_of_all_kinds() {
    let directory = tempfile::tempdir().unwrap();
    let name = directory.path().join("p.json");
    fs::write(directory.path().join("x.json"), "[\"0.1\", 2]").unwrap();
    for file in ["b.mtx", "b-row.mtx", "A.mtx.gz"] {
        fs::copy(
            arrays(file),
            directory.path().join(file.replace("b.mtx", "b.MTX")),
        )
        .unwrap();
    }
    let one = npy_bytes("<i2", "()", &[7, 0]);
    fs::write(directory.path().join("w.npy"), one).unwrap();
    let text = r#"{"loss": "softmax", "matrix": "A.mtx.gz", "target": "b.MTX", "weights": "w.npy", "start": "x.json", "points": [["0.3", 4]]}"#;
    let instance = parse_instance(text, &name).unwrap();
    assert_eq!(instance.target().as_slice(), [0.4, 0.3, 0.2, 0.1]);
    assert_eq!(instance.weights().as_slice(), [7.0; 4]);
    assert_eq!(instance.points()[0].as_slice(), [0.1, 2.0]);
    assert_eq!(instance.points()[1].as_slice(), [0.3, 4.0]);
    let row = text.replace("b.MTX", "b-row.mtx");
    assert_eq!(
        parse_instance(&row, &name).unwrap().target(),
        instance.target()
    );
    // Numbers of an instance are f64: only points may be given exactly.
    fs::write(directory.path().join("b.json"), "[\"0.4\", 0.3, 0.2, 0.1]").unwrap();
    let error = parse_instance(&text.replace("b.MTX", "b.json"), &name).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("b.json: [0]: invalid type: string"),
        "{error}"
    );
}

/// An npy file in numpy's format.
fn npy_bytes(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.bytes());
    bytes.extend(data);
    bytes
}

#[test]
fn a_byte_order_mark_before_a_manifest_is_skipped() {
    let instance = parse(&format!("\u{feff}{BASELINE}")).unwrap();
    assert_eq!(instance.target().as_slice(), [0.25, 0.5, 0.25]);
    assert!(parse("\u{feff}[1]").unwrap_err().contains("not a list"));
}

/// What a command must not replace: the manifest and every file that it names.
#[test]
fn the_files_of_an_instance_are_known() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    for file in ["b.mtx", "A.mtx.gz"] {
        fs::copy(arrays(file), at(file)).unwrap();
    }
    fs::write(at("x.json"), "[1, 2]").unwrap();
    let text = r#"{"loss": "softmax", "matrix": "A.mtx.gz", "target": "b.mtx", "weights": "b.mtx", "start": "x.json"}"#;
    fs::write(at("p.json"), text).unwrap();
    let (_, files) = read_instance_and_files(&at("p.json")).unwrap();
    assert_eq!(
        files,
        ["p.json", "A.mtx.gz", "b.mtx", "b.mtx", "x.json"].map(at)
    );
    let sparse = r#"{"indptr": "i.npy", "indices": [0], "data": "d.npy", "shape": [1, 1]}"#;
    let text = format!(
        "{{\"loss\": \"two-layer\", \"activation\": \"tanh\", \"second_layer\": \"s.npy\", \"matrix\": {sparse}, \"target\": [1], \"weights\": 1}}"
    );
    let manifest: Manifest = json::parse(&text, Path::new("q.json")).unwrap();
    let files = manifest.files(Path::new("d"));
    assert_eq!(files, ["d/i.npy", "d/d.npy", "d/s.npy"].map(PathBuf::from));
}
