//! `attreg check`: status 0 for right answers, 1 for wrong ones, 2 and one clear line for what is no answer.

use crate::common::{BASELINE, Scratch, attreg};
use attention_regression::instance::files::npy;
use nalgebra::{DMatrix, DVector};

/// The truth about the baseline, as text and as numbers.
fn truth(scratch: &Scratch) -> serde_json::Value {
    let path = scratch.file("good.json", BASELINE);
    attreg(["reference", &path, "--minimiser", "--json"]).json()
}

fn numbers(values: &serde_json::Value) -> Vec<f64> {
    let number = |value: &serde_json::Value| value.as_str().unwrap().parse().unwrap();
    values.as_array().unwrap().iter().map(number).collect()
}

fn rows(values: &serde_json::Value) -> Vec<Vec<f64>> {
    values.as_array().unwrap().iter().map(numbers).collect()
}

#[test]
fn right_answers_pass_as_decimals_as_numbers_and_as_arrays_in_files() {
    let scratch = Scratch::new();
    let truth = truth(&scratch);
    let good = scratch.path("good.json");
    let decimals = serde_json::json!({
        "loss": truth["loss"], "gradient": truth["gradient"], "hessian": truth["hessian"], "minimiser": truth["minimiser"],
    });
    let file = scratch.file("a.json", decimals.to_string());
    let run = attreg(["check", &good, &file, "--json", "--digits", "35"]);
    assert_eq!(run.status, 0, "{}{}", run.out, run.err);
    let verdict = run.json();
    for name in ["loss", "gradient", "hessian", "minimiser"] {
        assert_eq!(verdict[name]["passed"], true, "{name}: {verdict}");
        assert_eq!(verdict[name]["required"], 35.0);
        assert!(verdict[name]["digits"].as_f64().unwrap() >= 35.0);
    }
    assert_eq!(verdict["passed"], true);
    assert_eq!(verdict["diagnosis"], serde_json::json!([]));

    let (gradient, hessian) = (numbers(&truth["gradient"]), rows(&truth["hessian"]));
    npy::write_vector(
        scratch.path("g.npy").as_ref(),
        &DVector::from_vec(gradient.clone()),
    )
    .unwrap();
    let in_files = serde_json::json!({
        "x": [0.5, -1], "gradient": "g.npy", "hessian": hessian, "minimiser": numbers(&truth["minimiser"]),
    });
    let file = scratch.file("b.json", in_files.to_string());
    let run = attreg(["check", &good, &file, "--json"]);
    assert_eq!(run.status, 0, "{}{}", run.out, run.err);
    let verdict = run.json();
    assert!(verdict.get("loss").is_none());
    let digits = verdict["gradient"]["digits"].as_f64().unwrap();
    // The nearest f64s: half a unit of 2^-52 at the largest entry.
    assert!((15.6..18.0).contains(&digits), "{digits}");
    let required = verdict["gradient"]["required"].as_f64().unwrap();
    assert!((13.0..15.6).contains(&required), "{required}");
    assert!(
        verdict["gradient"]["reason"]
            .as_str()
            .unwrap()
            .contains("rounding grows")
    );
}

#[test]
fn a_wrong_answer_shows_its_worst_entry_with_both_values() {
    let scratch = Scratch::new();
    let truth = truth(&scratch);
    let good = scratch.path("good.json");
    let mut hessian = rows(&truth["hessian"]);
    hessian[1][0] += 1e-6 * hessian[1][1];
    let largest = DMatrix::from_fn(2, 2, |i, j| hessian[i][j]).amax();
    let file = scratch.file(
        "a.json",
        serde_json::json!({"loss": truth["loss"], "hessian": hessian}).to_string(),
    );
    let run = attreg(["check", &good, &file, "--json"]);
    assert_eq!(run.status, 1, "{}{}", run.out, run.err);
    let verdict = run.json();
    assert_eq!(verdict["passed"], false);
    assert_eq!(verdict["loss"]["passed"], true);
    let score = &verdict["hessian"];
    let expected = -(1e-6 * hessian[1][1] / largest).log10();
    assert!((score["digits"].as_f64().unwrap() - expected).abs() < 0.02);
    assert_eq!(score["worst"]["entry"], serde_json::json!([1, 0]));
    let shown: f64 = score["worst"]["answer"].as_str().unwrap().parse().unwrap();
    assert_eq!(shown, hessian[1][0]);
    assert_eq!(verdict["diagnosis"], serde_json::json!([]));
    // With fewer digits asked for it passes.
    let run = attreg(["check", &good, &file, "--digits", "5"]);
    assert_eq!(run.status, 0, "{}", run.out);
    assert!(run.out.contains("pass"), "{}", run.out);
}

#[test]
fn what_is_no_answer_is_refused_and_named() {
    let scratch = Scratch::new();
    let good = scratch.file("good.json", BASELINE);
    npy::write_vector(
        scratch.path("bad.npy").as_ref(),
        &DVector::from_vec(vec![1.0, f64::NAN]),
    )
    .unwrap();
    for (text, expected) in [
        ("", "a.json: EOF"),
        ("[1, 2]", "a.json: an answer is a JSON object, not a list"),
        ("1", "a.json: invalid type"),
        ("{}", "a.json: nothing to check"),
        ("{\"x\": [0, 0]}", "a.json: nothing to check"),
        ("{\"lossy\": 1}", "a.json: lossy: unknown field `lossy`"),
        (
            "{\"loss\": NaN}",
            "a.json: loss is NaN: every number must be finite",
        ),
        ("{\"loss\": null}", "a.json: loss is null"),
        ("{\"loss\": \"NaN\"}", "a.json: loss is NaN"),
        ("{\"loss\": 1e999}", "a.json: loss is 1e999"),
        ("{\"loss\": \"exp\"}", "a.json: loss: "),
        ("{\"loss\": [1]}", "a.json: loss: invalid type: sequence"),
        (
            "{\"gradient\": [1, -Infinity]}",
            "a.json: gradient[1] is -Infinity",
        ),
        (
            "{\"gradient\": [1, 2, 3]}",
            "a.json: gradient has 3 entries, expected 2",
        ),
        (
            "{\"hessian\": [[1, 2], [3]]}",
            "a.json: hessian has 1 entries in row 1, expected 2 x 2",
        ),
        (
            "{\"hessian\": [[1, 2]]}",
            "a.json: hessian has 1 rows, expected 2 x 2",
        ),
        (
            "{\"hessian\": [[1, 2], [3, Infinity]]}",
            "a.json: hessian[1][1] is Infinity",
        ),
        (
            "{\"minimiser\": \"missing.npy\"}",
            "missing.npy: No such file",
        ),
        (
            "{\"minimiser\": \"x.txt\"}",
            "a.json: minimiser is \"x.txt\": an array, or a file that ends in .npy, is needed",
        ),
        (
            "{\"minimiser\": \"bad.npy\"}",
            "bad.npy: array[1] is NaN: every entry must be finite",
        ),
        (
            "{\"x\": [1], \"loss\": 1}",
            "a.json: x has 1 entries, expected 2",
        ),
    ] {
        let file = scratch.file("a.json", text);
        attreg(["check", &good, &file]).assert_refused(expected);
    }
    let fine = scratch.file("a.json", "{\"loss\": 1}");
    attreg(["check", &good, &scratch.path("none.json")]).assert_refused("none.json: No such file");
    attreg(["check", &scratch.path("none.json"), &fine]).assert_refused("none.json: No such file");
    let other = scratch.changed("\"softmax\"", "\"softmin\"");
    attreg(["check", &other, &fine]).assert_refused("instance.json: unknown loss \"softmin\"");
    for digits in ["0", "-1", "NaN", "inf", "37"] {
        attreg(["check", &good, &fine, "--digits", digits]).assert_refused("--digits is");
    }
    attreg(["check", &good]).assert_usage("\n  <ANSWER>\n");
    attreg(["check", "--suite", "kit"]).assert_usage("--answers");
}

#[test]
fn a_nan_where_exp_overflows_raises_a_suspicion() {
    let scratch = Scratch::new();
    let wide = scratch.changed("[0.5, -1]", "[800, 10]");
    let file = scratch.file("a.json", "{\"gradient\": [NaN, 1]}");
    attreg(["check", &wide, &file]).assert_refused("is the softmax shifted");
    // At the answer's own x nothing overflows.
    let file = scratch.file("a.json", "{\"x\": [1, 1], \"gradient\": [NaN, 1]}");
    let run = attreg(["check", &wide, &file]);
    assert_eq!(run.status, 2);
    assert!(!run.err.contains("shifted"), "{}", run.err);
}

/// Without a ridge and with a target on the corner the minimum is at infinity: no point passes for it, and what else is in
/// the answer is judged all the same.
#[test]
fn a_minimiser_where_there_is_none_is_judged_by_its_gradient() {
    let scratch = Scratch::new();
    let text = BASELINE
        .replace("[1, 1, 1, 1]", "0")
        .replace("[0.25, 0.5, 0.25, 0]", "[1, 0, 0, 0]");
    let path = scratch.file("none.json", text);
    let file = scratch.file("a.json", "{\"minimiser\": [1, 2]}");
    let run = attreg(["check", &path, &file]);
    assert_eq!(run.status, 1, "{}{}", run.out, run.err);
    assert!(run.out.contains("judged by its gradient"), "{}", run.out);
}

/// Columns of order 1 and `10^(15)`. By eight-point differences at 50 digits, in mpmath, the gradient is this.
const UNLIKE: &str = r#"{"loss": "softmax", "matrix": [[1.5, -2500000000000000.0], [0.5, 2e16], [-1.0, 7500000000000000.0], [0.0, -1e16]],
 "target": [0.4, 0.3, 0.2, 0.1], "weights": 0.5, "start": [0.7, -3e-17]}"#;

#[test]
fn a_small_entry_is_held_to_the_digits_that_f64_has_for_it() {
    let scratch = Scratch::new();
    let instance = scratch.file("unlike.json", UNLIKE);
    let verdict = |first: &str| {
        let text = format!("{{\"gradient\": [{first}, -5458164124547498.0]}}");
        let file = scratch.file("a.json", text);
        attreg(["check", &instance, &file, "--json"])
    };
    let right = verdict("0.67348488489724170");
    assert_eq!(right.status, 0, "{}{}", right.out, right.err);
    assert!(right.json()["gradient"].get("entry").is_none());
    // The wrong sign, a missing entry, the ninth digit: each is invisible beside the other entry.
    for wrong in ["-0.67348488489724170", "0.0", "0.673484886"] {
        let run = verdict(wrong);
        assert_eq!(run.status, 1, "{wrong}: {}{}", run.out, run.err);
        let score = &run.json()["gradient"];
        assert!(score["digits"].as_f64().unwrap() > 15.0, "{score}");
        assert_eq!(score["worst"]["entry"], serde_json::json!([0]));
        let own = score["entry"]["digits"].as_f64().unwrap();
        assert!(own < 9.0, "{score}");
    }
    // Asked for fewer digits, the entry is forgiven as many.
    let file = scratch.file(
        "b.json",
        r#"{"gradient": [0.673484886, -5458164124547498.0]}"#,
    );
    assert_eq!(
        attreg(["check", &instance, &file, "--digits", "6"]).status,
        0
    );
    let file = scratch.file("b.json", r#"{"gradient": [-0.673, -5458164124547498.0]}"#);
    assert_eq!(
        attreg(["check", &instance, &file, "--digits", "6"]).status,
        1
    );
}

/// The minimiser of the same problem with a column `10^12` times as large, by Newton's method in mpmath at 60 digits on the
/// problem before it is scaled.
#[test]
fn a_minimiser_of_columns_of_unlike_scale_is_found_and_checked() {
    let scratch = Scratch::new();
    let text = r#"{"loss": "softmax", "matrix": [[1.5, -250000000000.0], [0.5, 2000000000000.0], [-1.0, 750000000000.0], [0.0, -1000000000000.0]],
 "target": [0.4, 0.3, 0.2, 0.1], "weights": 0.5, "start": [0.7, -3e-13]}"#;
    let instance = scratch.file("scaled.json", text);
    let run = attreg(["reference", &instance, "--minimiser", "--json"]);
    assert_eq!(run.status, 0, "{}{}", run.out, run.err);
    let found = numbers(&run.json()["minimiser"]);
    for (found, expected) in found
        .iter()
        .zip([0.072_691_275_898_336_35, 2.6189124509919022e-14])
    {
        assert!((found / expected - 1.0).abs() < 1e-15, "{found} {expected}");
    }
    let check = |text: &str| {
        let file = scratch.file("a.json", text);
        attreg(["check", &instance, &file])
    };
    let right = check(r#"{"minimiser": [0.072691275898336346, 2.6189124509919022e-14]}"#);
    assert_eq!(right.status, 0, "{}{}", right.out, right.err);
    let wrong = check(r#"{"minimiser": [0.072691275898336346, 2.6189e-14]}"#);
    assert_eq!(wrong.status, 1, "{}{}", wrong.out, wrong.err);
}

/// A constant column is invisible to softmax: a line of minimisers. The point is Newton's, at 60 digits in mpmath.
#[test]
fn where_the_minimiser_is_not_unique_everything_is_judged() {
    let scratch = Scratch::new();
    let text = r#"{"loss": "softmax", "matrix": [[1.5, -0.25, 1.0], [0.5, 2.0, 1.0], [-1.0, 0.75, 1.0], [0.0, -1.0, 1.0]],
 "target": [0.4, 0.3, 0.2, 0.1], "weights": 0.0, "start": [0.2, 0.1, 0.3]}"#;
    let instance = scratch.file("line.json", text);
    let check = |last: &str| {
        let text = format!(
            r#"{{"loss": 0.02, "gradient": [0.1, 0.2, 0.0], "minimiser": [0.4821095493747349, {last}, 7.0]}}"#
        );
        let run = attreg(["check", &instance, &scratch.file("a.json", text), "--json"]);
        assert_eq!(run.status, 1, "{}{}", run.out, run.err);
        run.json()
    };
    let right = check("0.14621623295413383");
    assert_eq!(right["loss"]["passed"], false);
    assert_eq!(right["gradient"]["passed"], false);
    assert_eq!(right["minimiser"]["passed"], true, "{right}");
    let wrong = check("0.146216233");
    assert_eq!(wrong["minimiser"]["passed"], false, "{wrong}");
}

/// The printed sign of the gradient, planted in the answer; the manual shows what comes out.
#[test]
fn the_example_in_the_manual_is_what_is_printed() {
    let scratch = Scratch::new();
    let file = scratch.file(
        "a.json",
        "{\"loss\": 1.9866701458945215, \"gradient\": [6.366063570543354, -3.358156824116827]}",
    );
    let instance = crate::common::fixture("instances/tiny.json");
    let run = attreg(["check", instance.to_str().unwrap(), &file]);
    assert_eq!(run.status, 1, "{}", run.err);
    let manual = include_str!("../../docs/conformance.md");
    assert!(manual.contains(&run.out), "{}", run.out);
}

/// The oracle's own report is an answer; one of a format to come is not.
#[test]
fn what_reference_prints_is_an_answer() {
    let system = r#"{ "system": "weighted-low-rank", "M": [[1, 2], [4, 5]], "W": [[1, 0.5], [1, 2]], "rank": 1,
        "start": { "X": [[1], [2]], "Y": [[1], [3]] } }"#;
    for manifest in [BASELINE, system] {
        let scratch = Scratch::new();
        let good = scratch.file("good.json", manifest);
        let report = attreg(["reference", &good, "--json"]).out;
        let answer = scratch.file("a.json", &report);
        let run = attreg(["check", &good, &answer]);
        assert_eq!(run.status, 0, "{}{}", run.out, run.err);
        let later = report.replacen("\"format_version\":1", "\"format_version\":2", 1);
        let later = scratch.file("later.json", later);
        attreg(["check", &good, &later])
            .assert_refused("later.json: format_version is 2: this program reads 1");
    }
}
