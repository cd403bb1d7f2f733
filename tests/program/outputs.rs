//! Systems without unknowns on the command line: solve, reference, check, and what is refused.

use crate::common::{Scratch, attreg, fixture};
#[cfg(target_os = "linux")]
use attention_regression::instance::files::npy;

const ATTENTION: &str = r#"{ "system": "exact-attention", "Q": [[1, 2], [-0.5, 0.25]], "K": [[0.5, -1], [2, 0], [1, 1]],
    "V": [[1, -1, 0.5], [0, 3, 0.25], [-2, 1, 8]] }"#;

const POWERS: &str = r#"{ "system": "polynomial-attention", "Q": [[1, 2], [-0.5, 0.25]], "K": [[0.5, -1], [2, 0], [1, 1]],
    "V": [[1, -1, 0.5], [0, 3, 0.25], [-2, 1, 8]], "degree": 4, "scale": 3 }"#;

fn entries(value: &serde_json::Value) -> Vec<f64> {
    match value {
        serde_json::Value::Array(list) => list.iter().flat_map(entries).collect(),
        number => vec![number.as_f64().unwrap()],
    }
}

#[test]
fn outputs_come_with_their_bounds_and_check_accepts_them() {
    let scratch = Scratch::new();
    for (name, manifest) in [
        ("plain", ATTENTION.to_owned()),
        (
            "causal",
            ATTENTION.replace("\"V\"", "\"causal\": true, \"scale\": 0.5, \"V\""),
        ),
        ("powers", POWERS.to_owned()),
    ] {
        let file = scratch.file("p.json", &manifest);
        let (array, text) = (scratch.path("o.npy"), scratch.path("o.json"));
        let run = attreg(["solve", &file, "--json", "--output", &array]);
        assert_eq!(run.status, 0, "{name}: {}{}", run.out, run.err);
        let report = run.json();
        assert_eq!(report["status"], "evaluated");
        let bounds = entries(&report["error_bounds"]);
        assert_eq!(bounds.len(), 6);
        let most = bounds.iter().copied().fold(0.0, f64::max);
        assert_eq!(report["error_bound"].as_f64().unwrap(), most);
        // The oracle's decimals, read as the nearest f64, are as near as the bounds say.
        let exact = attreg(["reference", &file, "--json"]).json();
        let exact: Vec<f64> = exact["outputs"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|row| row.as_array().unwrap())
            .map(|text| text.as_str().unwrap().parse().unwrap())
            .collect();
        for ((found, exact), bound) in entries(&report["outputs"]).iter().zip(&exact).zip(&bounds) {
            assert!((found - exact).abs() <= bound + 2.0 * f64::EPSILON * exact.abs());
        }
        assert_eq!(attreg(["solve", &file, "--output", &text]).status, 0);
        for answer in [&array, &text] {
            assert_eq!(attreg(["check", &file, answer]).status, 0, "{name}");
        }
        // What reference prints is an answer, too; one entry changed is named.
        let printed = attreg(["reference", &file, "--json"]).out;
        let good = scratch.file("good.json", &printed);
        assert_eq!(attreg(["check", &file, &good]).status, 0, "{name}");
        let mut spoilt: serde_json::Value = serde_json::from_str(&printed).unwrap();
        spoilt["outputs"][1][2] = 0.125.into();
        let bad = scratch.file("bad.json", spoilt.to_string());
        let judged = attreg(["check", &file, &bad, "--json"]);
        assert_eq!(judged.status, 1, "{name}");
        let verdict = judged.json();
        assert_eq!(verdict["outputs"]["worst"]["entry"][0], 1);
        assert_eq!(verdict["outputs"]["worst"]["entry"][1], 2);
    }
}

/// A head of a language model against numpy's own attention (`fixtures/systems/make.py`), whose rounding is of the same kind.
#[test]
fn a_real_head_is_as_numpy_has_it() {
    let head = fixture("systems/layer0-head5-attention.json");
    let run = attreg(["solve", head.to_str().unwrap(), "--json"]);
    assert_eq!(run.status, 0, "{}", run.err);
    let report = run.json();
    let found = entries(&report["outputs"]);
    let numpy = std::fs::read(fixture("systems/layer0-head5-B.npy")).unwrap();
    let numpy: Vec<f64> = numpy[numpy.len() - 8 * found.len()..]
        .chunks_exact(8)
        .map(|bytes| f64::from_le_bytes(bytes.try_into().unwrap()))
        .collect();
    let bound = report["error_bound"].as_f64().unwrap();
    assert!(bound < 1e-11, "{bound:e}");
    for (k, (ours, theirs)) in found.iter().zip(&numpy).enumerate() {
        assert!((ours - theirs).abs() <= 2.0 * bound, "entry {k}");
    }
    assert!(numpy.iter().any(|value| value.abs() > 0.1));
}

/// The second of three queries is orthogonal to every key: nothing can be divided by the sum of its powers.
#[test]
fn a_row_without_outputs_leaves_the_others_theirs() {
    let scratch = Scratch::new();
    let queries = "[[1, 2], [-0.5, 0.25]]";
    let file = scratch.file(
        "p.json",
        POWERS.replace(queries, "[[1, 2], [0, 0], [-0.5, 0.25]]"),
    );
    let array = scratch.path("o.npy");
    let run = attreg(["solve", &file, "--json", "--output", &array]);
    assert_eq!(run.status, 1, "{}", run.err);
    let found = run.json();
    assert_eq!(found["status"], "evaluated-in-part");
    assert_eq!(found["refused_rows"], serde_json::json!([1]));
    let warning = "1 of 3 rows has no outputs, the first because of this: row 1: its powers of degree 4 add up to";
    assert!(
        found["warnings"][0].as_str().unwrap().starts_with(warning),
        "{found}"
    );
    let missing = serde_json::json!([null, null, null]);
    assert_eq!(found["outputs"][1], missing);
    assert_eq!(found["error_bounds"][1], missing);
    // The others are those of the instance without it.
    let others = scratch.file("others.json", POWERS);
    let others = attreg(["solve", &others, "--json"]).json();
    for (here, there) in [(0, 0), (2, 1)] {
        assert_eq!(found["outputs"][here], others["outputs"][there]);
        assert_eq!(found["error_bounds"][here], others["error_bounds"][there]);
    }
    assert_eq!(found["error_bound"], others["error_bound"]);
    let saved = std::fs::read(&array).unwrap();
    let saved: Vec<f64> = saved[saved.len() - 72..]
        .chunks_exact(8)
        .map(|bytes| f64::from_le_bytes(bytes.try_into().unwrap()))
        .collect();
    let missing: Vec<bool> = saved.iter().map(|value| value.is_nan()).collect();
    assert_eq!(
        missing,
        [false, false, false, true, true, true, false, false, false]
    );
    let table = attreg(["solve", &file]).out;
    assert!(table.contains("evaluated-in-part"), "{table}");
    assert!(
        table.contains(warning) && table.contains("outputs[1, 2]  none\n"),
        "{table}"
    );
    // The oracle has no value there either, and says so in the same form.
    let exact = attreg(["reference", &file, "--json"]);
    assert_eq!(exact.status, 1, "{}", exact.err);
    let exact = exact.json();
    assert_eq!(exact["outputs"][1], serde_json::json!([null, null, null]));
    assert_eq!(exact["refused_rows"], serde_json::json!([1]));
    let reason = exact["warnings"][0].as_str().unwrap();
    assert!(
        reason.contains("row 1: the sum of the powers cannot be told from zero"),
        "{reason}"
    );
    assert!(exact["outputs"][2][0].is_string());
    // Where no row has a value, an error as before.
    let none = scratch.file("none.json", POWERS.replace(queries, "[[0, 0], [0, 0]]"));
    attreg(["reference", &none]).assert_refused("row 0: the sum of the powers");
}

/// The signal is sent when the process catches it: an evaluation of ten thousand million weights, which takes seconds at least.
#[cfg(target_os = "linux")]
#[test]
fn ctrl_c_ends_an_evaluation_with_one_line() {
    use std::process::{Command, Stdio};
    let scratch = Scratch::new();
    let side = 100_000;
    for name in ["Q", "K", "V"] {
        let path = scratch.path(&format!("{name}.npy"));
        npy::write_shaped(path.as_ref(), &[side, 1], &vec![1.0; side]).unwrap();
    }
    let file = scratch.file(
        "p.json",
        r#"{ "system": "exact-attention", "Q": "Q.npy", "K": "K.npy", "V": "V.npy" }"#,
    );
    let output = scratch.path("o.npy");
    let mut child = Command::new(env!("CARGO_BIN_EXE_attreg"))
        .args(["solve", &file, "--output", &output])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    /// The bit of SIGINT in the mask of the signals that a process catches.
    const SIGINT: u64 = 1 << 1;
    let catches = || {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
        let mask = status
            .lines()
            .find_map(|line| line.strip_prefix("SigCgt:"))
            .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
        mask.is_some_and(|mask| mask & SIGINT != 0)
    };
    while !catches() {
        std::thread::yield_now();
    }
    let kill = format!("kill -INT {}", child.id());
    let sent = Command::new("sh").args(["-c", &kill]).status().unwrap();
    assert!(sent.success());
    assert!(child.wait().unwrap().code() == Some(130));
    let ended = child.wait_with_output().unwrap();
    assert_eq!(
        String::from_utf8(ended.stderr).unwrap(),
        "attreg: interrupted: outputs that are not finished are left out (Ctrl-C again ends at once)\n"
    );
    assert!(ended.stdout.is_empty());
    assert!(!std::path::Path::new(&output).exists());
}

#[test]
fn what_does_not_fit_is_one_line() {
    let scratch = Scratch::new();
    for (from, to, line) in [
        (
            "[2, 0], ",
            "",
            "V is 3 x 3 (nk x m): nk = 3, but K has nk = 2",
        ),
        (
            "[[1, 2], [-0.5, 0.25]]",
            "[[1], [2]]",
            "K is 3 x 2 (nk x d): d = 2, but Q has d = 1",
        ),
        ("[[1, 2], [-0.5, 0.25]]", "[]", "Q is 0, expected nq x d"),
        (
            "\"V\"",
            "\"scale\": 0, \"V\"",
            "scale is 0: must be above 0",
        ),
        (
            "\"V\"",
            "\"scale\": -2, \"V\"",
            "scale is -2: must be above 0",
        ),
        (
            "\"V\"",
            "\"causal\": 1, \"V\"",
            "causal is 1: must be true or false",
        ),
        (
            "0.25], [-2",
            "null], [-2",
            "V[1][2] is null, expected a number",
        ),
        (
            "\"V\"",
            "\"start\": {}, \"V\"",
            "system \"exact-attention\" has no unknowns, so no start and no points",
        ),
        (
            "\"V\"",
            "\"W\": 1, \"V\"",
            "system \"exact-attention\" has no array W: it has Q, K, V, scale, causal",
        ),
        (
            "[[1, 2], [-0.5, 0.25]]",
            "[[1, 1e300]]",
            "p.json: logits of query 0 may be as large as",
        ),
    ] {
        assert!(ATTENTION.contains(from), "{from}");
        let large = to.contains("1e300");
        let text = ATTENTION.replacen(from, to, 1);
        let text = if large {
            text.replace("[2, 0]", "[2, 1e20]")
        } else {
            text
        };
        let bad = scratch.file("p.json", text);
        attreg(["solve", &bad]).assert_refused(line);
    }
    for (from, to, line) in [
        (
            "\"degree\": 4",
            "\"degree\": 2.5",
            "degree is 2.5: a whole number, at least 0, is needed",
        ),
        (
            "\"degree\": 4",
            "\"degree\": -1",
            "degree is -1: a whole number, at least 0, is needed",
        ),
        (
            "\"degree\": 4, ",
            "",
            "system \"polynomial-attention\" needs degree",
        ),
        (
            "[[1, 2], [-0.5, 0.25]]",
            "[[0, 0]]",
            "p.json: row 0: its powers of degree 4 add up to what f64 cannot tell from 0",
        ),
        (
            "[[1, 2], [-0.5, 0.25]]",
            "[[0, 0], [0, 0], [0, 0]]",
            "p.json: none of the 3 rows has outputs: row 0: its powers of degree 4",
        ),
    ] {
        assert!(POWERS.contains(from), "{from}");
        let bad = scratch.file("p.json", POWERS.replacen(from, to, 1));
        attreg(["solve", &bad]).assert_refused(line);
    }
    let file = scratch.file("p.json", ATTENTION);
    for option in [
        &["--method", "exact"][..],
        &["--tolerance", "1e-3"],
        &["--max-iterations", "3"],
        &["--seed", "1"],
        &["--start", "x.json"],
        &["--trace", "t.jsonl"],
        &["--no-bound"],
    ] {
        let line = format!(
            "{} has no effect here: the system has no unknowns",
            option[0]
        );
        attreg([&["solve", &file], option].concat()).assert_refused(&line);
    }
    attreg(["solve", &file, "--output", &scratch.path("x.npz")])
        .assert_refused("the outputs' file must end in .npy or .json");
    attreg(["reference", &file, "--minimiser"])
        .assert_refused("--minimiser has no effect here: the system has no unknowns");
    attreg(["reference", &file, "--at", "x.json"])
        .assert_refused("--at has no effect here: the system has no unknowns");
    for (answer, line) in [
        (
            r#"{"outputs": [[1, 2, 3]]}"#,
            "outputs has 1 entries, expected 2",
        ),
        (
            r#"{"outputs": [[1, 2, 3], [4, 5]]}"#,
            "outputs[1] has 2 entries, expected 3",
        ),
        (
            r#"{"outputs": [[1, 2, 3], [4, 5, NaN]]}"#,
            "outputs[1][2] is NaN: every entry must be a finite number",
        ),
        (
            r#"{"loss": 1}"#,
            "unknown field `loss`, expected one of outputs",
        ),
        ("{}", "nothing to check: outputs is needed"),
    ] {
        let answer = scratch.file("answer.json", answer);
        attreg(["check", &file, &answer]).assert_refused(line);
    }
}
