//! Active learning on the command line: answers, counted labels and their endings, what is refused.

use serde_json::json;

use crate::common::{Scratch, attreg};

const PLAIN: &str = r#"{ "system": "active-learning", "pool": [[1, 2], [0.5, -1], [3, 0.25], [1, 1], [0, 4]],
    "labels": [1, -2, 0.5, 3, 0], "budget": 3, "measure": [1, 0.5, 2, 0, 1], "start": [0.5, 0.25] }"#;

#[test]
fn labels_are_counted_and_a_whole_budget_gives_the_minimiser() {
    for method in ["auto", "leverage-draws"] {
        let scratch = Scratch::new();
        let file = scratch.file("p.json", PLAIN);
        let run = attreg(["solve", &file, "--json", "--method", method, "--seed", "3"]);
        assert_eq!(run.status, 0, "{}{}", run.out, run.err);
        let report = run.json();
        assert_eq!(report["status"], "budget-spent");
        assert_eq!(report["seed"], 3);
        assert!((2..=3).contains(&report["labels_read"].as_u64().unwrap()));
        assert!(report["error_bound"].is_null());
        assert_eq!(
            report["error_bound_basis"],
            "none: the labels that were not read may be anything"
        );
        let table = attreg(["solve", &file, "--method", method]).out;
        assert!(table.contains("labels read"), "{table}");
        // Four points count, the fourth of five being of measure 0.
        let whole = scratch.file(
            "whole.json",
            PLAIN.replace("\"budget\": 3", "\"budget\": 4"),
        );
        let x = scratch.path("x.npy");
        let run = attreg([
            "solve", &whole, "--json", "--output", &x, "--method", method,
        ]);
        let report = run.json();
        assert_eq!((run.status, &report["labels_read"]), (0, &json!(4)));
        assert_eq!(attreg(["check", &whole, &x]).status, 0);
        let answer = json!({"minimiser": report["x"], "x": report["x"], "loss": report["loss"]});
        let good = scratch.file("good.json", answer.to_string());
        assert_eq!(attreg(["check", &whole, &good]).status, 0);
    }
}

/// What a budget leaves out decides nothing: the label of a point that is not read may be anything.
#[test]
fn check_tells_the_fit_to_some_labels_from_the_minimiser() {
    let scratch = Scratch::new();
    let file = scratch.file("p.json", PLAIN);
    let x = scratch.path("x.npy");
    assert_eq!(attreg(["solve", &file, "--output", &x]).status, 0);
    let run = attreg(["check", &file, &x]);
    assert_eq!(run.status, 1, "{}", run.out);
    let approximation = scratch.file("a.json", r#"{"approximation": {"x": [0, 0]}}"#);
    let run = attreg(["check", &file, &approximation]);
    assert_eq!(run.status, 2);
    assert!(
        run.err
            .contains("approximation: system \"active-learning\" names no accuracy"),
        "{}",
        run.err
    );
}

/// One line each, with the file, the name and the value.
#[test]
fn bad_input_is_one_line() {
    for (from, to, line) in [
        (
            "\"budget\": 3",
            "\"budget\": 1",
            "budget is 1: at least 2 labels are needed, the rank of the pool",
        ),
        (
            "\"budget\": 3",
            "\"budget\": 0",
            "budget is 0: a whole number, at least 1, is needed",
        ),
        (
            "\"budget\": 3",
            "\"budget\": 2.5",
            "budget is 2.5: a whole number, at least 1, is needed",
        ),
        ("\"budget\": 3, ", "", "needs budget"),
        (
            "[1, 0.5, 2, 0, 1]",
            "[1, 0.5, -2, 0, 1]",
            "measure[2] is -2: no entry may be negative",
        ),
        (
            "[1, 0.5, 2, 0, 1]",
            "[1, 0.5, 2, 0]",
            "measure is 4 (n): n = 4, but pool has n = 5",
        ),
        (
            "[1, -2, 0.5, 3, 0]",
            "[1, -2, 0.5, 3]",
            "labels is 4 (n): n = 4, but pool has n = 5",
        ),
        (
            "[1, -2, 0.5, 3, 0]",
            "[1, null, 0.5, 3, 0]",
            "labels[1] is null, expected a number",
        ),
        ("[3, 0.25]", "[3, 1e999]", "pool"),
        ("[3, 0.25]", "[3]", "pool"),
        ("\"labels\"", "\"target\"", "has no array target"),
    ] {
        assert!(PLAIN.contains(from), "{from}");
        let scratch = Scratch::new();
        let file = scratch.file("p.json", PLAIN.replace(from, to));
        let run = attreg(["solve", &file]);
        assert_eq!(run.status, 2, "{to}: {}{}", run.out, run.err);
        assert!(
            run.err.contains("p.json") && run.err.contains(line),
            "{to}: {}",
            run.err
        );
        assert_eq!(run.err.trim_end().lines().count(), 1, "{}", run.err);
    }
}

/// Weights of 1e-300, duplicates, a function that is 0, more functions than points.
#[test]
fn edges_have_answers_that_say_what_they_are() {
    let ended = |manifest: &str| {
        let scratch = Scratch::new();
        let file = scratch.file("p.json", manifest);
        let run = attreg(["solve", &file, "--json"]);
        assert!(run.status <= 1, "{}", run.err);
        let report = run.json();
        (
            report["status"].as_str().unwrap().to_owned(),
            report["labels_read"].as_u64().unwrap(),
            report["x"]["x"].clone(),
        )
    };
    for (manifest, status, read, x) in [
        // By hand: the mean of 1 and 3, each measured by 1e-300.
        (
            r#"{ "system": "active-learning", "pool": [[1], [1]], "labels": [1, 3], "budget": 2, "measure": 1e-300 }"#,
            "converged",
            2,
            json!([2.0]),
        ),
        // One of two equal points.
        (
            r#"{ "system": "active-learning", "pool": [[1], [1]], "labels": [1, 3], "budget": 1 }"#,
            "budget-spent",
            1,
            json!([1.0]),
        ),
        // A function that is 0 has a coefficient of 0.
        (
            r#"{ "system": "active-learning", "pool": [[1, 0], [2, 0], [4, 0]], "labels": [1, 2, 3], "budget": 1 }"#,
            "singular",
            1,
            json!([0.75, 0.0]),
        ),
        // Nothing is measured: nothing is read.
        (
            r#"{ "system": "active-learning", "pool": [[1], [2]], "labels": [1, 2], "budget": 1, "measure": 0 }"#,
            "singular",
            0,
            json!([0.0]),
        ),
        (
            r#"{ "system": "active-learning", "pool": [[2, 0, 0]], "labels": [3], "budget": 1 }"#,
            "singular",
            1,
            json!([1.5, 0.0, 0.0]),
        ),
    ] {
        let (ending, labels, found) = ended(manifest);
        assert_eq!((ending.as_str(), labels), (status, read), "{manifest}");
        for (found, expected) in found.as_array().unwrap().iter().zip(x.as_array().unwrap()) {
            let off = found.as_f64().unwrap() - expected.as_f64().unwrap();
            assert!(off.abs() < 1e-15, "{manifest}: {found}");
        }
    }
}
