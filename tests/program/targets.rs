//! Many targets on the command line: an answer for each column, in small problems with the bits of a run of its own; what is refused.

use attention_regression::instance::files::npy;

use crate::common::{Scratch, attreg};

const MATRIX: &str = "[[1.5, -0.25], [0.5, 2.0], [-1.0, 0.75], [0.0, -1.0]]";
const COLUMNS: [[f64; 4]; 3] = [
    [0.4, 0.3, 0.2, 0.1],
    [0.25, 0.25, 0.25, 0.25],
    [0.0, 0.0, 0.5, 0.5],
];

fn manifest(loss: &str, target: &[f64]) -> String {
    format!(
        r#"{{ "loss": "{loss}", "matrix": {MATRIX}, "target": {target:?}, "weights": 0.5, "start": [0.1, -0.2] }}"#
    )
}

#[test]
fn each_column_gets_the_answer_of_a_run_of_its_own() {
    let scratch = Scratch::new();
    let targets = scratch.path("B.npy");
    let rows: Vec<f64> = (0..4)
        .flat_map(|i| COLUMNS.map(|column| column[i]))
        .collect();
    npy::write_shaped(targets.as_ref(), &[4, 3], &rows).unwrap();
    for loss in ["softmax", "exp", "cosh", "sinh", "residual-softmax"] {
        let file = scratch.file("all.json", manifest(loss, &[9.0; 4]));
        let x = scratch.path("X.npy");
        let run = attreg([
            "solve",
            &file,
            "--targets",
            &targets,
            "--json",
            "--output",
            &x,
        ]);
        let report = run.json();
        let answers = report["answers"].as_array().unwrap();
        assert_eq!(answers.len(), 3, "{loss}");
        let (shape, written) = npy::read_shaped(x.as_ref()).unwrap();
        assert_eq!(shape, [2, 3]);
        let mut success = true;
        for (j, (column, found)) in COLUMNS.iter().zip(answers).enumerate() {
            let one = scratch.file("one.json", manifest(loss, column));
            let alone = attreg(["solve", &one, "--json"]);
            success &= alone.status == 0;
            let alone = alone.json();
            for (field, value) in found.as_object().unwrap() {
                assert_eq!(*value, alone[field], "{loss}, column {j}, {field}");
            }
            for k in 0..2 {
                assert_eq!(found["x"][k].as_f64().unwrap(), written[3 * k + j]);
            }
        }
        assert_eq!(run.status, i32::from(!success), "{loss}");
    }
    let file = scratch.file("all.json", manifest("softmax", &[9.0; 4]));
    let run = attreg(["solve", &file, "--targets", &targets]);
    assert_eq!(run.status, 0);
    assert_eq!(run.out.lines().count(), 4, "{}", run.out);
    assert!(
        run.out
            .lines()
            .skip(1)
            .all(|line| line.contains("converged"))
    );
    let lists = scratch.path("X.json");
    attreg(["solve", &file, "--targets", &targets, "--output", &lists]);
    let lists: Vec<Vec<f64>> =
        serde_json::from_str(&std::fs::read_to_string(lists).unwrap()).unwrap();
    assert_eq!((lists.len(), lists[0].len()), (3, 2));
}

/// A solve waits for its bound, which the pool computes: with one thread, nothing may stand in its way.
#[test]
fn the_number_of_threads_changes_no_answer() {
    let scratch = Scratch::new();
    let (n, d, t) = (20_000, 8, 3);
    let entries = |count: usize, step: usize| -> Vec<f64> {
        (0..count)
            .map(|k| ((k * step) % 64) as f64 / 64.0)
            .collect()
    };
    for (name, shape, values) in [
        ("A.npy", [n, d], entries(n * d, 7)),
        ("B.npy", [n, t], entries(n * t, 5)),
    ] {
        npy::write_shaped(scratch.path(name).as_ref(), &shape, &values).unwrap();
    }
    let target = vec![0.0; n];
    let text = format!(
        r#"{{ "loss": "softmax", "matrix": "A.npy", "target": {target:?}, "weights": 10.5 }}"#
    );
    let (file, targets) = (scratch.file("p.json", text), scratch.path("B.npy"));
    let on = |threads: &str| {
        let run = attreg([
            "--threads",
            threads,
            "solve",
            &file,
            "--targets",
            &targets,
            "--json",
        ]);
        assert_eq!(run.status, 0, "{}{}", run.out, run.err);
        run.json()["answers"].clone()
    };
    let alone = on("1");
    assert_eq!(alone.as_array().unwrap().len(), t);
    assert!(alone[0]["error_bound"].is_f64());
    assert_eq!(on("2"), alone);
}

#[test]
fn what_is_no_matrix_of_targets_is_refused_in_one_line() {
    let scratch = Scratch::new();
    let file = scratch.file("p.json", manifest("softmax", &COLUMNS[0]));
    let targets = scratch.path("B.npy");
    for (shape, values, line) in [
        (
            &[3, 1][..],
            vec![0.0; 3],
            "B.npy: target 0: target has 3 entries, expected 4",
        ),
        (
            &[4, 2],
            vec![0.0, 1.0, 0.0, f64::NAN, 0.0, 1.0, 0.0, 1.0],
            "B.npy: target 1: target[1] is NaN: every entry must be finite",
        ),
        (
            &[4],
            vec![0.0; 4],
            "B.npy: the targets are 4, expected a matrix with a column for each",
        ),
        (
            &[4, 0],
            vec![],
            "B.npy: the targets are 4 x 0, expected a matrix with a column for each",
        ),
    ] {
        npy::write_shaped(targets.as_ref(), shape, &values).unwrap();
        attreg(["solve", &file, "--targets", &targets]).assert_refused(line);
    }
    attreg(["solve", &file, "--targets", &file])
        .assert_refused("p.json: a file of targets must end in .npy or .safetensors");
    let absent = scratch.path("absent.npy");
    attreg(["solve", &file, "--targets", &absent]).assert_refused("absent.npy: No such file");
    attreg(["solve", &file, "--targets", &targets, "--output", &targets]).assert_refused("B.npy");
    let other = r#"{ "system": "tensor-power", "T": [[[1, 0], [0, 0]], [[0, 0], [0, 1]]], "components": 1 }"#;
    let other = scratch.file("t.json", other);
    attreg(["solve", &other, "--targets", &targets]).assert_refused(
        "--targets has no effect: tensor-power has no target that could be another",
    );
}
