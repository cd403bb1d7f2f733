//! Active learning on the command line: answers, counted labels and their endings, what is refused.

use serde_json::{Value, json};

use crate::common::{Scratch, attreg, fixture};

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

fn pool_of(name: &str, labels: &str, budget: usize) -> String {
    let [pool, labels] = [name, labels].map(|file| fixture("systems").join(file));
    json!({"system": "active-learning", "pool": pool, "labels": labels, "budget": budget})
        .to_string()
}

/// The fit to all labels by mpmath at 60 digits, from the normal equations (fixtures/systems/pools_mpmath.py).
#[test]
fn labels_of_real_patients_are_fitted_as_by_mpmath_and_a_seventh_of_them_nearly_as_well() {
    let expected: Value =
        serde_json::from_str(include_str!("../../fixtures/systems/pools_mpmath.json")).unwrap();
    let number = |value: &Value| value.as_str().unwrap().parse::<f64>().unwrap();
    let best = number(&expected["diabetes"]["loss"]);
    let scratch = Scratch::new();
    let pool = |budget| pool_of("diabetes-pool.npy", "diabetes-labels.npy", budget);
    let all = scratch.file("all.json", pool(442));
    let report = attreg(["solve", &all, "--json"]).json();
    assert_eq!(report["labels_read"], 442);
    assert!((report["loss"].as_f64().unwrap() / best - 1.0).abs() <= 1e-13);
    let bound = report["error_bound"].as_f64().unwrap();
    let entries = report["x"]["x"].as_array().unwrap().iter();
    let squares = entries
        .zip(expected["diabetes"]["x"].as_array().unwrap())
        .map(|(x, expected)| {
            let expected = number(expected);
            // The expected number was rounded to f64, too.
            let off = (x.as_f64().unwrap() - expected).abs() - expected.abs() * f64::EPSILON / 2.0;
            off.max(0.0).powi(2)
        });
    let distance = squares.sum::<f64>().sqrt();
    assert!(distance <= bound && bound <= 1e-6, "{distance} {bound}");

    let few = fixture("systems/diabetes-labels.json");
    let few = few.to_str().unwrap();
    for method in ["greedy-d-optimal", "leverage-draws", "randomised-bss"] {
        let x = scratch.path("x.npy");
        let options = ["--json", "--method", method, "--output", &x];
        let report = attreg([["solve", few].as_slice(), &options].concat()).json();
        assert!(
            (11..=60).contains(&report["labels_read"].as_u64().unwrap()),
            "{method}"
        );
        let run = attreg(["reference", few, "--at", &x, "--json"]);
        let loss = number(&run.json()["loss"]);
        // Eleven unknowns from 60 labels: an excess of 11 / 60 is what to expect, and twice that still a fit.
        assert!(
            (1.0..1.0 + 22.0 / 60.0).contains(&(loss / best)),
            "{method} {}",
            loss / best
        );
    }
}

/// Three pixels are dark in every image.
#[test]
fn a_pool_of_dependent_functions_is_fitted_by_least_norm() {
    let pool = fixture("systems/digits-labels.json");
    let run = attreg(["solve", pool.to_str().unwrap(), "--json"]);
    let report = run.json();
    assert_eq!((run.status, &report["status"]), (1, &json!("singular")));
    assert_eq!(report["labels_read"], 200);
    assert_eq!(report["x"]["x"][0].as_f64(), Some(0.0));
    let warnings = report["warnings"].to_string();
    assert!(warnings.contains("64 columns and rank 61"), "{warnings}");
}

/// Barriers for few labels bound sums of squares from above only, and say so.
#[test]
fn a_window_of_barriers_that_begins_below_zero_is_not_called_one() {
    for (file, kept) in [
        ("diabetes-labels.json", true),
        ("digits-labels.json", false),
    ] {
        let pool = fixture("systems").join(file);
        let run = attreg([
            "solve",
            pool.to_str().unwrap(),
            "--method",
            "randomised-bss",
        ]);
        assert_eq!(
            run.out.contains("too few labels for a bound from below"),
            !kept,
            "{}",
            run.out
        );
        assert!(run.out.contains("times that over the pool"), "{}", run.out);
    }
}
