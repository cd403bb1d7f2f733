//! Linear regression on the command line: answers, their bounds and endings, approximations and their proof, counts, what is refused.

use serde_json::json;

use crate::common::{Scratch, attreg, attreg_line, ended};

const PLAIN: &str = r#"{ "system": "leverage-regression", "matrix": [[1, 2], [0.5, -1], [3, 0.25], [1, 1]], "target": [1, -2, 0.5, 3] }"#;
const SEVERAL: &str = r#"{ "system": "leverage-regression", "matrix": [[1, 2], [0.5, -1], [3, 0.25]], "ridge": 0.25,
    "target": [[1, 0, 2], [-2, 1, 1], [0.5, 0.5, -1]], "accuracy": 0.5, "delta": 0.125 }"#;

#[test]
fn answers_come_with_a_bound_and_check_accepts_them() {
    for (manifest, entries) in [(PLAIN, 2), (SEVERAL, 2)] {
        for method in ["auto", "conjugate-gradients", "sampled-rows"] {
            let scratch = Scratch::new();
            let file = scratch.file("p.json", manifest);
            let x = scratch.path("x.npy");
            let run = attreg(["solve", &file, "--json", "--output", &x, "--method", method]);
            assert_eq!(run.status, 0, "{}{}", run.out, run.err);
            let report = run.json();
            assert_eq!(report["x"]["x"].as_array().unwrap().len(), entries);
            if method != "conjugate-gradients" {
                let bound = report["error_bound"].as_f64().unwrap();
                assert!((0.0..1e-14).contains(&bound), "{bound:e}");
            }
            assert_eq!(attreg(["check", &file, &x]).status, 0);
            // As a start, whose value plays no part, and as an answer by name.
            let again = attreg(["solve", &file, "--json", "--start", &x, "--method", method]);
            assert_eq!(again.json()["x"], report["x"]);
            let answer = json!({"minimiser": report["x"], "approximation": report["x"],
                "x": report["x"], "loss": report["loss"]});
            let good = scratch.file("good.json", answer.to_string());
            assert_eq!(attreg(["check", &file, &good]).status, 0);
        }
    }
}

/// By hand: A = (1, 1)', b = (1, -1)': x* = 0, min 2, and x has 2 x^2 more, a share of x^2.
#[test]
fn an_approximation_is_held_against_the_accuracy_by_proof() {
    const LINE: &str = r#"{ "system": "leverage-regression", "matrix": [[1], [1]], "target": [1, -1], "accuracy": 0.25 }"#;
    let scratch = Scratch::new();
    let file = scratch.file("p.json", LINE);
    for (x, status, words) in [
        (
            0.25,
            0,
            "pass: the loss is at most (1 + 6.25e-2) times the least",
        ),
        (
            0.49,
            0,
            "pass: the loss is at most (1 + 2.40e-1) times the least",
        ),
        (
            0.51,
            1,
            "FAIL: the loss is at least (1 + 2.60e-1) times the least",
        ),
    ] {
        let answer = scratch.file(
            "answer.json",
            json!({"approximation": {"x": [x]}}).to_string(),
        );
        let run = attreg(["check", &file, &answer]);
        assert_eq!(run.status, status, "{}{}", run.out, run.err);
        assert!(run.out.contains(words), "{}", run.out);
        let report = attreg(["check", &file, &answer, "--json"]).json();
        let most = report["approximation"]["excess_at_most"].as_f64().unwrap();
        assert!((most / (x * x) - 1.0).abs() < 1e-6, "{most}");
        let junit = attreg(["check", &file, &answer, "--format", "junit"]);
        assert_eq!(junit.out.contains("<failure"), status == 1, "{}", junit.out);
    }
    // b = A x for x = 1/3 to rounding: no factor of a least loss of 0 can be proven, and f64 has no better answer.
    let exact = scratch.file(
        "exact.json",
        LINE.replace("[[1], [1]], \"target\": [1, -1]", "[[3]], \"target\": [1]"),
    );
    for (x, status) in [(1.0 / 3.0, 0), (0.333, 1)] {
        let answer = scratch.file(
            "answer.json",
            json!({"approximation": {"x": [x]}}).to_string(),
        );
        let run = attreg(["check", &exact, &answer]);
        assert_eq!(run.status, status, "{}", run.out);
    }
    let other = scratch.file(
        "other.json",
        r#"{ "system": "weighted-low-rank", "M": [[1]], "W": [[1]], "rank": 1 }"#,
    );
    let answer = scratch.file(
        "answer.json",
        r#"{"approximation": {"X": [[1]], "Y": [[1]]}}"#,
    );
    let run = attreg(["check", &other, &answer]);
    assert_eq!(run.status, 2);
    assert!(
        run.err
            .contains("approximation: system \"weighted-low-rank\" names no accuracy"),
        "{}",
        run.err
    );
}

#[test]
fn endings_say_what_is_known() {
    // More unknowns than equations, equal columns, no column at all.
    for (matrix, rank) in [
        ("[[1, 2, 3]]", 1),
        ("[[1, 1], [2, 2], [3, 3]]", 1),
        ("[[0, 0], [0, 0]]", 0),
    ] {
        let rows = matrix.matches("],").count() + 1;
        let target = vec!["1"; rows].join(",");
        let (status, warnings, _) = ended(&format!(
            r#"{{ "system": "leverage-regression", "matrix": {matrix}, "target": [{target}] }}"#
        ));
        assert_eq!(status, "singular", "{warnings}");
        assert!(
            warnings.contains(&format!("rank {rank}: x is the minimiser of least norm")),
            "{warnings}"
        );
    }
    let (status, warnings, report) =
        ended(r#"{ "system": "leverage-regression", "matrix": [[3]], "target": [1] }"#);
    assert_eq!(status, "converged", "{warnings}");
    assert!(
        warnings.contains("the least loss cannot be told from 0"),
        "{warnings}"
    );
    assert!(report["error_bound"].as_f64().unwrap() < 1e-16);
    // b = 0, a duplicate row, a row of zeros.
    let (status, _, report) = ended(
        r#"{ "system": "leverage-regression", "matrix": [[1, 2], [1, 2], [0, 0], [0, 1]], "target": [0, 0, 0, 0] }"#,
    );
    assert_eq!(
        (status.as_str(), report["loss"].as_f64()),
        ("converged", Some(0.0))
    );
}

/// One line each, with the file, the name and the value.
#[test]
fn bad_input_is_one_line() {
    for (manifest, from, to, line) in [
        (
            SEVERAL,
            "\"ridge\": 0.25",
            "\"ridge\": -0.25",
            "ridge is -0.25: no entry may be negative",
        ),
        (
            SEVERAL,
            "\"accuracy\": 0.5",
            "\"accuracy\": 1",
            "accuracy is 1: must be above 0 and below 1",
        ),
        (
            SEVERAL,
            "\"accuracy\": 0.5",
            "\"accuracy\": 0",
            "accuracy is 0: must be above 0 and below 1",
        ),
        (
            SEVERAL,
            "\"delta\": 0.125",
            "\"delta\": -1e-9",
            "delta is -0.000000001: must be above 0 and below 1",
        ),
        (
            SEVERAL,
            "\"delta\": 0.125",
            "\"delta\": [0.5]",
            "delta is 1, expected a number",
        ),
        (
            PLAIN,
            "[1, -2, 0.5, 3]",
            "[1, -2, 0.5]",
            "target is 3 (n): n = 3, but matrix has n = 4",
        ),
        (
            PLAIN,
            "[1, -2, 0.5, 3]",
            "[[], [], [], []]",
            "x has no entries: N is 0",
        ),
        (PLAIN, "[1, -2, 0.5, 3]", "[1, -2, 0.5, 1e999]", "target"),
        (
            PLAIN,
            "[[1, 2]",
            "[[null, 2]",
            "matrix[0][0] is null, expected a number",
        ),
        (
            PLAIN,
            "\"target\"",
            "\"labels\"",
            "has no array labels: it has matrix, target, ridge, accuracy, delta",
        ),
        (
            PLAIN,
            "[[1, 2], [0.5, -1], [3, 0.25], [1, 1]]",
            "[[1e-300], [0], [0], [0]], \"ridge\": 0",
            "x[0]",
        ),
    ] {
        assert!(manifest.contains(from), "{from}");
        let scratch = Scratch::new();
        let manifest = manifest
            .replace(from, to)
            .replace("[1, -2, 0.5, 3] }", "[1e300, -2, 0.5, 3] }");
        let file = scratch.file("p.json", manifest);
        let run = attreg(["solve", &file]);
        if line == "x[0]" {
            // 1e300 / 1e-300 is beyond f64.
            run.assert_refused("the largest entry of x is about 2^");
        } else {
            run.assert_refused(line);
            assert!(run.err.contains("p.json"), "{to}: {}", run.err);
        }
    }
}

/// Counts against a hand calculation: one of 4 rows is found by floor(pi / (4 asin(1/2))) = 1 iteration.
#[test]
fn queries_are_counted_and_bad_sizes_refused() {
    let run = attreg_line(
        "row-queries --rows 1000000000000 --columns 100 --accuracy 0.01 --slowdown 1000 --json",
    );
    assert_eq!(run.status, 0, "{}", run.err);
    let report = run.json();
    assert_eq!(report["printed_sample"], 1_000_000);
    assert_eq!(report["needed_sample"], 27_162);
    assert!(
        report["needed_queries"].as_u64().unwrap() < report["printed_queries"].as_u64().unwrap()
    );
    let small =
        attreg_line("row-queries --rows 4 --columns 1 --accuracy 0.999 --delta 0.9 --json").json();
    assert_eq!(small["printed_sample"], 2);
    // Both of 4: 1 for the last, floor(pi / (4 asin sqrt(1/2))) = 1 for the first.
    assert_eq!(small["printed_queries"], 2);
    let table = attreg_line("row-queries --rows 1000 --columns 3").out;
    assert!(
        table.contains("rows read without queries") && table.contains("1000"),
        "{table}"
    );
    for (options, line) in [
        (
            "--rows 0 --columns 1",
            "rows is 0: from 1 to 2^53 are counted",
        ),
        (
            "--rows 9007199254740993 --columns 1",
            "rows is 9007199254740993: from 1 to 2^53 are counted",
        ),
        (
            "--rows 5 --columns 6",
            "columns is 6: must be from 1 to the 5 rows",
        ),
        (
            "--rows 5 --columns 0",
            "columns is 0: must be from 1 to the 5 rows",
        ),
        (
            "--rows 5 --columns 2 --accuracy 1",
            "accuracy is 1: must be above 0 and below 1",
        ),
        (
            "--rows 5 --columns 2 --delta NaN",
            "delta is NaN: must be above 0 and below 1",
        ),
        (
            "--rows 5 --columns 2 --slowdown -1",
            "slowdown is -1: must be positive and finite",
        ),
    ] {
        let run = attreg_line(&format!("row-queries {options}"));
        assert_eq!(run.status, 2, "{options}");
        assert!(run.err.contains(line), "{options}: {}", run.err);
    }
}
