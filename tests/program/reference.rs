//! `attreg reference`: certified decimals, the minimiser, and what it refuses.

use crate::common::{BASELINE, Scratch, attreg};

/// One row: the softmax of one logit is 1, so `L(x) = 0.5 (1 - b)^2 + 0.5 (w a x)^2` can be worked out by hand.
#[test]
fn values_that_can_be_worked_out_by_hand_come_out() {
    let scratch = Scratch::new();
    let path = scratch.file(
        "one.json",
        r#"{"loss": "softmax", "matrix": [[2]], "target": [0.5], "weights": 3, "start": [0.25]}"#,
    );
    let run = attreg(["reference", &path, "--json", "--minimiser"]);
    assert_eq!(run.status, 0, "{}", run.err);
    let report = run.json();
    let near = |text: &serde_json::Value, expected: f64| {
        let value: f64 = text.as_str().unwrap().parse().unwrap();
        assert_eq!(value, expected, "{text}");
    };
    near(&report["loss"], 1.25);
    near(&report["gradient"][0], 9.0);
    near(&report["hessian"][0][0], 36.0);
    let minimiser: f64 = report["minimiser"][0].as_str().unwrap().parse().unwrap();
    assert!(minimiser.abs() < 1e-36);
}

#[test]
fn numbers_carry_at_least_36_digits_on_a_plain_instance_and_never_more_than_40() {
    let scratch = Scratch::new();
    let good = scratch.file("good.json", BASELINE);
    let report = attreg(["reference", &good, "--json"]).json();
    assert!(report.get("minimiser").is_none());
    let rows = report["hessian"].as_array().unwrap().iter();
    let entries = rows.flat_map(|row| row.as_array().unwrap());
    for text in report["gradient"]
        .as_array()
        .unwrap()
        .iter()
        .chain(entries)
        .chain([&report["loss"]])
    {
        let mantissa = text.as_str().unwrap().split('e').next().unwrap();
        let digits = mantissa.bytes().filter(u8::is_ascii_digit).count();
        assert!((36..=40).contains(&digits), "{text}");
    }
}

#[test]
fn the_solver_ends_within_its_bound_of_the_reference_minimiser() {
    let scratch = Scratch::new();
    let good = scratch.file("good.json", BASELINE);
    let solved = attreg(["solve", &good, "--json"]).json();
    let run = attreg(["reference", &good, "--json", "--minimiser"]);
    assert_eq!(run.status, 0);
    let bound = solved["error_bound"].as_f64().unwrap();
    let exact = run.json();
    for j in 0..2 {
        let exact: f64 = exact["minimiser"][j].as_str().unwrap().parse().unwrap();
        let off = (solved["x"][j].as_f64().unwrap() - exact).abs();
        // Rounding the decimal to f64 is not the solver's error.
        assert!(
            off <= bound + f64::EPSILON * exact.abs(),
            "{off:e} > {bound:e}"
        );
    }
}

#[test]
fn a_minimiser_that_is_not_isolated_exits_1_and_the_rest_is_printed() {
    let scratch = Scratch::new();
    let path = scratch.changed(
        "[[1, 0.5], [-2, 3], [0, 1], [1, 1]]",
        "[[1, 2], [-2, -4], [0, 0], [1, 2]]",
    );
    let run = attreg(["reference", &path, "--json", "--minimiser"]);
    assert_eq!(run.status, 1, "{}", run.err);
    let report = run.json();
    assert!(report["loss"].is_string());
    assert!(report["minimiser"].is_null() && report.get("minimiser").is_some());
    assert!(
        report["minimiser_missing"]
            .as_str()
            .unwrap()
            .contains("singular")
    );
}

#[test]
fn an_instance_whose_graph_would_not_fit_is_refused_with_the_estimate() {
    let scratch = Scratch::new();
    let head = "%%MatrixMarket matrix coordinate real general";
    scratch.file("A.mtx", format!("{head}\n100000 300 1\n1 1 1\n"));
    let path = scratch.file(
        "large.json",
        format!(
            r#"{{"loss": "softmax", "matrix": "A.mtx", "target": [{}0], "weights": 0}}"#,
            "0, ".repeat(99_999)
        ),
    );
    attreg(["reference", &path]).assert_refused("n = 100000, d = 300 would need about");
}

/// `0.5 w^2 (m - x y)^2` with w^2 = 1/4, m = 2, x = 3/2, y = -3/4: the residual is 25/8, everything else by hand.
#[test]
fn unknowns_with_names_keep_them() {
    let scratch = Scratch::new();
    let path = scratch.file(
        "rank-one.json",
        r#"{"system": "weighted-low-rank", "M": [[2]], "W": [[0.5]], "rank": 1, "start": {"X": [[1.5]], "Y": [[-0.75]]}}"#,
    );
    let run = attreg(["reference", &path, "--json", "--minimiser"]);
    // X Y' alone is determined: along x y = 2 the loss does not change.
    assert_eq!(run.status, 1, "{}", run.err);
    let report = run.json();
    let near = |text: &serde_json::Value, expected: f64| {
        let value: f64 = text.as_str().unwrap().parse().unwrap();
        assert_eq!(value, expected, "{text}");
    };
    near(&report["loss"], 1.220703125);
    near(&report["gradient"]["X"][0][0], 0.5859375);
    near(&report["gradient"]["Y"][0][0], -1.171875);
    near(&report["hessian"][0][0], 0.140625);
    near(&report["hessian"][1][0], -1.0625);
    near(&report["hessian"][1][1], 0.5625);
    assert!(report["minimiser"].is_null());
    assert!(report["minimiser_missing"].is_string());
    let table = attreg(["reference", &path]).out;
    assert!(table.contains("gradient Y[0, 0]"), "{table}");
    assert!(table.contains("hessian Y[0, 0], X[0, 0]"), "{table}");
    let point = scratch.file("at.json", r#"{"X": [[2]], "Y": [[1]]}"#);
    let at = attreg(["reference", &path, "--at", &point, "--json"]).json();
    near(&at["gradient"]["X"][0][0], 0.0);
}

#[test]
fn a_system_that_does_not_fit_is_one_line_and_status_2() {
    let scratch = Scratch::new();
    let good = r#"{"system": "single-layer-attention", "A1": [[1], [2]], "A2": [[1], [0]], "A3": [[1], [3]], "B": [[1], [2]]}"#;
    assert_eq!(
        attreg(["reference", &scratch.file("good.json", good)]).status,
        0
    );
    for (from, to, line) in [
        (
            "single-layer-attention",
            "single-layer",
            "unknown system \"single-layer\"",
        ),
        ("\"A3\"", "\"A4\"", "has no array A4"),
        (
            "\"B\": [[1], [2]]",
            "\"B\": [[1], [2], [3]]",
            "B is 3 x 1 (n x m): n = 3, but A1 has n = 2",
        ),
        ("\"B\": [[1], [2]]", "\"B\": \"missing.npy\"", "missing.npy"),
    ] {
        let bad = scratch.file("bad.json", good.replace(from, to));
        let run = attreg(["reference", &bad]);
        assert_eq!(run.status, 2, "{}", run.err);
        assert!(run.err.contains(line), "{}", run.err);
        assert_eq!(run.err.trim_end().lines().count(), 1, "{}", run.err);
    }
}
