//! Components of a tensor on the command line: answers, their bounds and endings, and what is refused.

use crate::common::{Scratch, attreg};

/// `2 e_1^3 + e_2^3`.
const DIAGONAL: &str =
    r#"{ "system": "tensor-power", "T": [[[2, 0], [0, 0]], [[0, 0], [0, 1]]], "components": 2 }"#;
/// `-2 e_1^4 + e_2^4`.
const EVEN: &str = r#"{ "system": "tensor-power", "components": 2,
    "T": [[[[-2, 0], [0, 0]], [[0, 0], [0, 0]]], [[[0, 0], [0, 0]], [[0, 0], [0, 1]]]] }"#;

#[test]
fn answers_come_with_a_bound_and_check_accepts_them() {
    for (manifest, values, warned) in [(DIAGONAL, [2.0, 1.0], false), (EVEN, [-2.0, 1.0], true)] {
        for method in ["auto", "random-contraction", "deflation"] {
            let scratch = Scratch::new();
            let file = scratch.file("p.json", manifest);
            let x = scratch.path("x.npz");
            let run = attreg(["solve", &file, "--json", "--output", &x, "--method", method]);
            assert_eq!(run.status, 0, "{method}: {}{}", run.out, run.err);
            let report = run.json();
            for (j, value) in values.iter().enumerate() {
                let found = report["x"]["values"][j].as_f64().unwrap();
                assert!((found - value).abs() < 1e-12, "{found}");
                // The largest entry of e_j is 1.
                let entry = report["x"]["vectors"][j][j].as_f64().unwrap();
                assert!((entry - 1.0).abs() < 1e-12, "{entry}");
            }
            let bound = report["error_bound"].as_f64().unwrap();
            assert!((0.0..1e-10).contains(&bound), "{bound:e}");
            let warnings = report["warnings"].to_string();
            assert_eq!(warnings.contains("order 4 is even"), warned, "{warnings}");
            assert_eq!(attreg(["check", &file, &x]).status, 0);
        }
    }
}

/// A vector of 0 is a stationary point and a local minimum of the loss for a large value: an answer it is not. Nor is a pair that is moved.
#[test]
fn what_is_no_zero_is_no_answer() {
    let scratch = Scratch::new();
    let file = scratch.file("p.json", DIAGONAL);
    let checked = |values: &str, vectors: &str| {
        let answer = format!(r#"{{"minimiser": {{"values": {values}, "vectors": {vectors}}}}}"#);
        let run = attreg(["check", &file, &scratch.file("a.json", answer), "--json"]);
        let verdict = run.json();
        (run.status, verdict["minimiser"]["reason"].to_string())
    };
    let (status, reason) = checked("[4, 4]", "[[0, 0], [0, 0]]");
    assert_eq!(status, 1, "{reason}");
    assert!(reason.contains("asks for a zero of its loss"), "{reason}");
    assert_eq!(checked("[2, 1]", "[[1, 0], [0, 1]]").0, 0);
    // The pair between both: lambda = (1/4 + 1)^(-1/2), v = (1/2, 1) / sqrt(5/4).
    let between = "[[0.4472135954999579, 0], [0.8944271909999159, 1]]";
    assert_eq!(checked("[0.8944271909999159, 1]", between).0, 0);
    assert_eq!(checked("[2.00001, 1]", "[[1, 0], [0, 1]]").0, 1);
    assert_eq!(checked("[2, 1]", "[[1, 0.00001], [0, 1]]").0, 1);
}

#[test]
fn endings_say_what_is_known() {
    let ended = |manifest: &str, method: &str| {
        let scratch = Scratch::new();
        let file = scratch.file("p.json", manifest);
        let run = attreg(["solve", &file, "--json", "--method", method]);
        assert!(run.status <= 1, "{}", run.err);
        let report = run.json();
        let said = report["warnings"].to_string();
        (report["status"].as_str().unwrap().to_owned(), said)
    };
    let zero = DIAGONAL
        .replace("[[2, 0]", "[[0, 0]")
        .replace("[0, 1]]]", "[0, 0]]]");
    let (status, said) = ended(&zero, "auto");
    assert_eq!(status, "singular", "{said}");
    assert!(said.contains("T is 0"), "{said}");
    let (status, said) = ended(&DIAGONAL.replace("[0, 1]]]", "[0, 0]]]"), "auto");
    assert_eq!(status, "singular", "{said}");
    assert!(said.contains("only 1 of 2 components were found"), "{said}");
    // (1, 0) and (3/5, 4/5), times 125 each: by hand 125 + 27, 36, 48, 64.
    let oblique = r#"{ "system": "tensor-power", "T": [[[152, 36], [36, 48]], [[36, 48], [48, 64]]], "components": 1 }"#;
    let (status, said) = ended(oblique, "auto");
    assert_eq!(status, "converged", "{said}");
    assert!(said.contains("of its norm"), "{said}");
    let drawn = Scratch::new();
    let out = drawn.path("drawn");
    let run = attreg([
        "generate",
        "tensor-power",
        "--n",
        "6",
        "--d",
        "3",
        "--out",
        &out,
    ]);
    assert_eq!(run.status, 0, "{}", run.err);
    let manifest = std::fs::read_to_string(format!("{out}/tensor-power-0.json")).unwrap();
    let (status, said) = ended(&manifest, "deflation");
    assert_eq!(status, "iteration-limit", "{said}");
    assert!(
        said.contains("--method random-contraction refines"),
        "{said}"
    );
    assert_eq!(ended(&manifest, "random-contraction").0, "converged");
}

/// One line each, with the file, the name and the value.
#[test]
fn bad_input_is_one_line() {
    for (from, to, line) in [
        (
            "[[2, 0], [0, 0]]",
            "[[2, 5], [0, 0]]",
            "T[0, 1, 0] is 0, but T[0, 0, 1] is 5: T must be symmetric to the last bit",
        ),
        (
            "[[[2, 0], [0, 0]], [[0, 0], [0, 1]]]",
            "[[2, 0], [0, 1]]",
            "T is 2 x 2, expected n x n x n or",
        ),
        (
            "[[[2, 0], [0, 0]], [[0, 0], [0, 1]]]",
            "[2, 1]",
            "T is 2, expected n x n x n or",
        ),
        (
            "[[[2, 0], [0, 0]], [[0, 0], [0, 1]]]",
            "[]",
            "T is 0, expected n x n x n or",
        ),
        (
            "[[[2, 0], [0, 0]], [[0, 0], [0, 1]]]",
            "[[[2], [0]], [[0], [1]]]",
            "T is 2 x 2 x 1 (n x n x n): n = 1, but T has n = 2",
        ),
        (
            "\"components\": 2",
            "\"components\": 3",
            "components is 3, but n is 2: at most n vectors are orthogonal",
        ),
        (
            "\"components\": 2",
            "\"components\": 0",
            "components is 0: a whole number, at least 1, is needed",
        ),
        (
            "\"components\": 2",
            "\"components\": 1.5",
            "components is 1.5: a whole number, at least 1, is needed",
        ),
        (
            "[[2, 0]",
            "[[null, 0]",
            "T[0][0][0] is null, expected a number",
        ),
        (
            "[[2, 0]",
            "[[1e999, 0]",
            "T[0][0][0] is 1e999: every entry must be a finite number",
        ),
        (
            "[[2, 0]",
            "[[1e300, 0]",
            "the square of the largest entry of T is about 2^",
        ),
        (
            "[[2, 0], [0, 0]], [[0, 0], [0, 1]]",
            "[[1e-200, 0], [0, 0]], [[0, 0], [0, 1e-210]]",
            "the square of the largest entry of T is about 2^-1330: beyond the range of f64",
        ),
        (
            "\"components\": 2",
            "\"components\": 2, \"start\": {\"values\": [1, 1]}",
            "point needs vectors",
        ),
        (
            "\"components\": 2",
            "\"components\": 2, \"start\": {\"values\": [1, 1], \"vectors\": [[1, 0]]}",
            "vectors is 1 x 2, expected 2 x 2",
        ),
    ] {
        assert!(DIAGONAL.contains(from), "{from}");
        let scratch = Scratch::new();
        let file = scratch.file("p.json", DIAGONAL.replace(from, to));
        let run = attreg(["solve", &file]);
        run.assert_refused(line);
        assert!(run.err.contains("p.json"), "{to}: {}", run.err);
    }
    for (kind, rows, columns, line) in [
        (
            "tensor-power",
            "3",
            "4",
            "the number of components d is 4, but n is 3",
        ),
        (
            "even-tensor-power",
            "80",
            "1",
            "a tensor of order 4 has more than 16777216 entries",
        ),
    ] {
        let scratch = Scratch::new();
        let out = scratch.path("drawn");
        let run = attreg(["generate", kind, "--n", rows, "--d", columns, "--out", &out]);
        assert_eq!(run.status, 2);
        assert!(run.err.contains(line), "{}", run.err);
    }
}

/// A start of zeros has no direction, and one between two components is left by rounding or answered as the pair it is.
#[test]
fn a_start_may_be_of_any_length() {
    let solved = |start: &str| {
        let scratch = Scratch::new();
        let with = format!("\"components\": 2, \"start\": {start}");
        let file = scratch.file("p.json", DIAGONAL.replace("\"components\": 2", &with));
        attreg(["solve", &file, "--json"]).json()
    };
    let report = solved(r#"{"values": [0, 0], "vectors": [[0, 0], [0, 1e-300]]}"#);
    assert_eq!(report["status"], "converged");
    let said = report["warnings"].to_string();
    assert!(said.contains("has no direction"), "{said}");
    // Both starts end at the same component: the other is looked for.
    let report = solved(r#"{"values": [1, 1], "vectors": [[1, 2], [0.125, 0]]}"#);
    assert_eq!(report["status"], "converged", "{report}");
    assert!((report["x"]["values"][1].as_f64().unwrap() - 1.0).abs() < 1e-12);
}
