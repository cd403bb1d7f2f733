//! Attention kernel regression on the command line: answers, their bounds and endings, and what is refused.

use crate::common::{Scratch, attreg, ended};

const EVEN: &str = r#"{ "system": "attention-kernel-regression", "matrix": [[1, 2], [0.5, -1], [3, 0.25]], "kind": "even",
    "power": 2, "target": [1, -2] }"#;
const ODD: &str = r#"{ "system": "attention-kernel-regression", "matrix": [[1, 2], [0.5, -1], [3, 0.25]], "kind": "odd",
    "target": [1, -2, 0.5] }"#;
const KERNEL: &str = r#"{ "system": "attention-kernel-regression", "matrix": [[1, 2], [0.5, -1], [3, 0.25]], "kind": "kernel",
    "ridge": 0.25, "target": [1, -2, 0.5] }"#;

#[test]
fn answers_come_with_a_bound_and_check_accepts_them() {
    for (manifest, method, entries) in [
        (EVEN, "triangular-factor", 2),
        (ODD, "triangular-factor", 2),
        (KERNEL, "cholesky", 3),
    ] {
        let scratch = Scratch::new();
        let file = scratch.file("p.json", manifest);
        let x = scratch.path("x.npy");
        let run = attreg(["solve", &file, "--json", "--output", &x]);
        assert_eq!(run.status, 0, "{}{}", run.out, run.err);
        let report = run.json();
        assert_eq!(report["method"], method);
        assert_eq!(report["x"]["x"].as_array().unwrap().len(), entries);
        let bound = report["error_bound"].as_f64().unwrap();
        assert!((0.0..1e-12).contains(&bound), "{bound:e}");
        assert_eq!(attreg(["check", &file, &x]).status, 0);
        // As a start, whose value plays no part, and as an answer by name.
        let again = attreg(["solve", &file, "--json", "--start", &x]);
        assert_eq!(again.json()["x"], report["x"]);
        let answer =
            serde_json::json!({"minimiser": report["x"], "x": report["x"], "loss": report["loss"]});
        let good = scratch.file("good.json", answer.to_string());
        assert_eq!(attreg(["check", &file, &good]).status, 0);
        let mut spoilt = answer;
        let entry = spoilt["minimiser"]["x"][0].as_f64().unwrap();
        spoilt["minimiser"]["x"][0] = (entry * (1.0 + 1e-6)).into();
        let bad = scratch.file("bad.json", spoilt.to_string());
        assert_eq!(attreg(["check", &file, &bad]).status, 1);
    }
}

#[test]
fn endings_say_what_is_known() {
    let (status, warnings, _) = ended(&EVEN.replace("[0.5, -1], [3, 0.25]", "[2, 4], [-1, -2]"));
    assert_eq!(status, "singular", "{warnings}");
    assert!(
        warnings.contains("A has 2 columns and rank 1: x is the minimiser of least norm"),
        "{warnings}"
    );
    let unridged = KERNEL.replace("0.25, \"target\"", "0, \"target\"");
    let (status, warnings, _) = ended(&unridged.replace("[0.5, -1]", "[1, 2]"));
    assert_eq!(status, "singular", "{warnings}");
    assert!(
        warnings.contains("A has 2 distinct rows of 3"),
        "{warnings}"
    );
    // Rows at a distance of 2^-30: the least eigenvalue is 2^-61.
    let (status, warnings, report) =
        ended(&unridged.replace("[0.5, -1]", "[1.000000000931322574615478515625, 2]"));
    assert_eq!(status, "singular", "{warnings}");
    assert!(
        warnings.contains("rows 0 and 1 of A are nearly equal"),
        "{warnings}"
    );
    assert!(report["error_bound"].is_null());
    // exp(900) is beyond f64, and x[2] is below it: by hand near exp(-900) (exp(30) x[0] + exp(15) |x[1]|), x[0] near 0.0076.
    let (status, warnings, report) = ended(&unridged.replace("[3, 0.25]", "[30, 0]"));
    assert_eq!(status, "out-of-range", "{warnings}");
    assert!(warnings.contains("x[2] is about 2^-1263"), "{warnings}");
    assert!(report["error_bound"].as_f64().unwrap() < 1e-12);
}

/// One line each, with the file, the name and the value.
#[test]
fn bad_input_is_one_line() {
    for (manifest, from, to, line) in [
        (
            EVEN,
            "\"even\"",
            "\"third\"",
            "kind is \"third\": must be \"even\", \"odd\" or \"kernel\"",
        ),
        (
            EVEN,
            "\"power\": 2",
            "\"power\": -1",
            "power is -1: a whole number, at least 0, is needed",
        ),
        (
            EVEN,
            "\"power\": 2",
            "\"power\": 1.5",
            "power is 1.5: a whole number, at least 0, is needed",
        ),
        (
            EVEN,
            "\"power\": 2",
            "\"power\": 2, \"ridge\": 1",
            "ridge is 1: must be 0 where kind is \"even\"",
        ),
        (
            EVEN,
            "[1, -2] }",
            "[1, -2, 3] }",
            "target is 3 (d): d = 3, but matrix has d = 2",
        ),
        (
            ODD,
            "[1, -2, 0.5] }",
            "[1, -2] }",
            "target is 2 (n): n = 2, but matrix has n = 3",
        ),
        (
            KERNEL,
            "\"ridge\": 0.25",
            "\"ridge\": -0.25",
            "ridge is -0.25: no entry may be negative",
        ),
        (
            KERNEL,
            "\"ridge\": 0.25",
            "\"power\": 2",
            "power is 2: must be 1 where kind is \"kernel\"",
        ),
        (KERNEL, "[1, -2, 0.5] }", "[1, -2, 1e999] }", "target"),
        (
            KERNEL,
            "[[1, 2]",
            "[[null, 2]",
            "matrix[0][0] is null, expected a number",
        ),
        (
            EVEN,
            "\"power\": 2",
            "\"power\": 70000",
            "power is 70000: at most 65536 is solved",
        ),
        (
            EVEN,
            "[[1, 2], [0.5, -1], [3, 0.25]]",
            "[[1e-300, 0], [0, 1e-300]]",
            "the largest entry of x is about 2^",
        ),
        (
            KERNEL,
            "[[1, 2]",
            "[[1e10, 2]",
            "the square of row 0 of A is 1e20: at most 2^41 is solved",
        ),
    ] {
        assert!(manifest.contains(from), "{from}");
        let scratch = Scratch::new();
        let file = scratch.file("p.json", manifest.replace(from, to));
        let run = attreg(["solve", &file]);
        run.assert_refused(line);
        assert!(run.err.contains("p.json"), "{to}: {}", run.err);
    }
    let scratch = Scratch::new();
    let file = scratch.file("p.json", EVEN);
    for (method, line) in [
        ("cholesky", "kind is \"even\": it solves the kernel only"),
        (
            "exact",
            "is solved by triangular-factor, cholesky, conjugate-gradients",
        ),
    ] {
        let run = attreg(["solve", &file, "--method", method]);
        assert_eq!(run.status, 2);
        assert!(run.err.contains(line), "{}", run.err);
    }
    let out = scratch.path("drawn");
    let run = attreg(["generate", "even-power", "--outputs", "2", "--out", &out]);
    assert_eq!(run.status, 2);
    assert!(
        run.err.contains("--outputs") && run.err.contains("instances of kind even-power have none"),
        "{}",
        run.err
    );
}
