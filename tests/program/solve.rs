//! `attreg solve`: what it prints, what it writes, how it exits.

use std::path::Path;

use crate::common::{BASELINE, Scratch, attreg, attreg_line};

fn numbers(value: &serde_json::Value) -> Vec<f64> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|x| x.as_f64().unwrap())
        .collect()
}

#[test]
fn the_answer_is_printed_and_written_with_the_same_bits() {
    let scratch = Scratch::new();
    let good = scratch.file("good.json", BASELINE);
    let (x, text, trace) = (
        scratch.path("x.npy"),
        scratch.path("x.json"),
        scratch.path("trace.jsonl"),
    );
    let run = attreg(["solve", &good, "--json", "--output", &x, "--trace", &trace]);
    assert_eq!(run.status, 0, "{}", run.err);
    let report = run.json();
    for key in [
        "status",
        "x",
        "loss",
        "gradient_norm",
        "iterations",
        "error_bound",
        "error_bound_basis",
        "warnings",
        "method",
        "seed",
        "seconds",
    ] {
        assert!(report.get(key).is_some(), "{key} is missing: {}", run.out);
    }
    assert!(report["status"].as_str().unwrap().starts_with("converged"));
    let written = attention_regression::instance::files::read_point(x.as_ref(), 2).unwrap();
    assert_eq!(written.as_slice(), numbers(&report["x"]));
    let lines = std::fs::read_to_string(&trace).unwrap();
    assert!(!lines.is_empty());
    for line in lines.lines() {
        let entry: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(entry["gradient_norm"].is_f64(), "{line}");
    }
    assert_eq!(attreg(["solve", &good, "--output", &text]).status, 0);
    let again = std::fs::read_to_string(&text).unwrap();
    assert_eq!(
        serde_json::from_str::<Vec<f64>>(&again).unwrap(),
        numbers(&report["x"])
    );
    assert_eq!(
        scratch.names(),
        ["good.json", "trace.jsonl", "x.json", "x.npy"]
    );
}

#[test]
fn an_instance_from_matrix_market_and_npy_gives_the_answer_of_the_inline_one() {
    let scratch = Scratch::new();
    let inline = scratch.file("inline.json", BASELINE);
    scratch.file(
        "A.mtx",
        "%%MatrixMarket matrix coordinate real general\n4 2 7\n1 1 1\n1 2 0.5\n2 1 -2\n2 2 3\n3 2 1\n4 1 1\n4 2 1\n",
    );
    let files = scratch.changed("[[1, 0.5], [-2, 3], [0, 1], [1, 1]]", "\"A.mtx\"");
    let (inline, files) = (
        attreg(["solve", &inline, "--json"]).json(),
        attreg(["solve", &files, "--json"]).json(),
    );
    let bound = inline["error_bound"].as_f64().unwrap() + files["error_bound"].as_f64().unwrap();
    for (a, b) in numbers(&inline["x"]).iter().zip(numbers(&files["x"])) {
        assert!((a - b).abs() <= bound, "{a} {b} {bound}");
    }
}

#[test]
fn a_matrix_without_full_column_rank_is_said_so() {
    let scratch = Scratch::new();
    let path = scratch.changed(
        "[[1, 0.5], [-2, 3], [0, 1], [1, 1]]",
        "[[1, 2], [-2, -4], [0, 0], [1, 2]]",
    );
    let run = attreg(["solve", &path, "--json"]);
    assert_eq!(run.status, 1, "{}", run.err);
    assert_eq!(run.json()["status"], "singular");
    let table = attreg(["solve", &path]);
    assert_eq!(table.status, 1);
    assert!(
        table.out.starts_with("status         singular"),
        "{}",
        table.out
    );
}

#[test]
fn an_iteration_limit_exits_1_and_prints_json_all_the_same() {
    let scratch = Scratch::new();
    let path = scratch.changed("[0.5, -1]", "[30, -30]");
    let run = attreg([
        "solve",
        &path,
        "--json",
        "--max-iterations",
        "1",
        "--tolerance",
        "1e-14",
    ]);
    assert_eq!(run.status, 1, "{}{}", run.out, run.err);
    assert_eq!(run.json()["status"], "iteration-limit");
}

#[test]
fn subsampling_with_one_seed_gives_one_answer() {
    let scratch = Scratch::new();
    let path = scratch.changed("[1, 1, 1, 1]", "[11, 11, 11, 11]");
    let run = |seed: &str| {
        let run = attreg([
            "solve",
            &path,
            "--json",
            "--method",
            "subsampled",
            "--seed",
            seed,
            "--threads",
            "1",
        ]);
        assert_eq!(run.status, 0, "{}", run.err);
        run.json()
    };
    let (first, again) = (run("5"), run("5"));
    assert_eq!(first["x"], again["x"]);
    assert_eq!(first["seed"], 5);
    assert_eq!(first["method"], "subsampled");
}

#[test]
fn help_has_an_example_and_the_version_is_the_crates_with_its_commit() {
    let version = attreg_line("--version");
    assert_eq!(version.status, 0);
    let number = concat!("attreg ", env!("CARGO_PKG_VERSION"));
    let rest = version.out.trim_end().strip_prefix(number);
    // The commit is known where the sources are a checkout, as in a report.
    let report = attreg_line("verify dls23/fact-squared-norm --cases 1 --json").json();
    let expected = match report["commit"].as_str() {
        Some(commit) => format!(" ({commit})"),
        None => String::new(),
    };
    assert_eq!(rest, Some(expected.as_str()), "{}", version.out);
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).join(".git").exists();
    assert_eq!(report["commit"].is_string(), checkout);
    for command in ["", "solve", "reference", "generate"] {
        let help = attreg_line(&format!("{command} --help"));
        assert_eq!(help.status, 0);
        assert!(help.out.contains("Example:\n  attreg "), "{}", help.out);
    }
}
