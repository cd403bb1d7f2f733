//! The conformance kit: its bytes are reproducible, sound clients pass it, and what they get wrong is a row of a table.

#[path = "../../examples/conformance_rust.rs"]
#[allow(dead_code)]
mod conformance_rust;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::{Scratch, attreg, fixture};
use attention_regression::instance::files::read_instance;
use attention_regression::judge::kit::{ExpectedValues, Listed, MANIFEST, Required, read_kit};
use attention_regression::production::{Problem, Settings, solve};
use attention_regression::system::{GENERATORS, Posed, as_json, read};
use nalgebra::DVector;

fn kit() -> PathBuf {
    fixture("conformance")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("text")
}

#[test]
fn the_kit_is_regenerated_bit_for_bit() {
    let scratch = Scratch::new();
    let out = scratch.path("kit");
    let run = attreg(["generate", "conformance", "--out", &out]);
    assert_eq!(run.status, 0, "{}", run.err);
    let entries = read_kit(&kit()).unwrap().instances;
    let files = entries
        .iter()
        .map(|entry| entry.instance.as_str())
        .chain([MANIFEST]);
    let mut count = 0;
    for file in files {
        let made = std::fs::read(Path::new(&out).join(file)).unwrap();
        let committed = std::fs::read(kit().join(file)).unwrap();
        assert!(made == committed, "{file} differs");
        count += 1;
    }
    assert_eq!(std::fs::read_dir(&out).unwrap().count(), count);
}

#[test]
fn the_kit_covers_every_system_and_every_kind() {
    let entries = read_kit(&kit()).unwrap().instances;
    assert!(entries.len() >= 60, "{}", entries.len());
    for loss in [
        "softmax",
        "exp",
        "cosh",
        "sinh",
        "residual-softmax",
        "two-layer",
    ] {
        for kind in ["theory", "one-row", "one-column", "square", "wide-logits"] {
            let id = format!("{loss}-{kind}");
            assert!(entries.iter().any(|entry| entry.id == id), "{id}");
        }
    }
    for kind in GENERATORS.iter().map(|generator| generator.kind) {
        for what in ["", "-one", "-far"] {
            let id = format!("{kind}{what}");
            assert!(entries.iter().any(|entry| entry.id == id), "{id}");
        }
    }
    let heads = entries.iter().filter(|entry| entry.id.contains("-head-"));
    assert_eq!(heads.count(), 4);
    for entry in &entries {
        match read(&kit().join(&entry.instance)).unwrap() {
            Posed::Logit(instance) => {
                let start = instance.start();
                let x = entry.x.as_ref().unwrap().plain();
                assert_eq!(x, Some(start.as_slice()), "{}", entry.id);
                let expected = entry.expected.loss().unwrap();
                assert!(expected.minimiser.is_some(), "{}", entry.id);
            }
            Posed::Other(given) => {
                let start = as_json(&given.layout(), &given.start());
                let has_unknowns = !given.system().unknowns.is_empty();
                let expected = has_unknowns.then_some(Listed::Named(start));
                assert_eq!(entry.x, expected, "{}", entry.id);
            }
            _ => panic!("{}: a new kind of instance", entry.id),
        }
        // An instance that asks for nothing tests nothing.
        let asked = match &entry.required {
            Required::Loss(required) => required.loss.min(required.hessian),
            Required::Outputs(required) => required.outputs,
        };
        assert!(asked > 10.0, "{}", entry.id);
        let (decimal, nearest) = match (&entry.expected, &entry.nearest) {
            (ExpectedValues::Loss(expected), ExpectedValues::Loss(nearest)) => {
                (&expected.loss, nearest.loss)
            }
            (ExpectedValues::Outputs(expected), ExpectedValues::Outputs(nearest)) => {
                (&expected.outputs[0][0], nearest.outputs[0][0])
            }
            _ => panic!("{}: a loss or outputs, not both", entry.id),
        };
        assert_eq!(decimal.parse::<f64>().unwrap(), nearest, "{}", entry.id);
    }
}

#[test]
fn the_production_solver_passes_and_no_mistake_is_named() {
    let scratch = Scratch::new();
    let answers = scratch.path("answers");
    let count = conformance_rust::answer_all(&kit(), Path::new(&answers)).unwrap();
    let run = attreg(["check", "--suite", text(&kit()), "--answers", &answers]);
    assert_eq!(run.status, 0, "{}{}", run.out, run.err);
    // A heading and the totals besides; nothing in brackets, or only that another minimum was found.
    assert_eq!(run.out.lines().count(), count + 2);
    for line in run.out.lines().filter(|line| line.contains('(')) {
        assert!(line.ends_with("pass (another-minimum)"), "{line}");
    }
}

/// Both losses are strongly convex with these weights, so that every start has to lead to the same point.
#[test]
fn starts_far_up_an_exponential_slope_lead_to_the_minimiser() {
    let entries = read_kit(&kit()).unwrap().instances;
    for id in ["exp-wide-logits", "sinh-wide-logits"] {
        let entry = entries.iter().find(|entry| entry.id == id).unwrap();
        let instance = read_instance(&kit().join(&entry.instance)).unwrap();
        let problem = Problem::from_instance(&instance).unwrap();
        let minimiser = entry.expected.loss().unwrap().minimiser.as_ref().unwrap();
        let minimiser = minimiser.plain().unwrap().iter();
        let minimiser: Vec<f64> = minimiser.map(|x| x.parse().unwrap()).collect();
        let minimiser = DVector::from_vec(minimiser);
        let direction = DVector::from_column_slice(entry.x.as_ref().unwrap().plain().unwrap());
        let reach = problem.logits(&direction).unwrap().amax();
        for logit in [-350.0, -300.0, -150.0, -20.0, 20.0, 150.0, 300.0, 350.0] {
            let start = &direction * (logit / reach);
            let solution = solve(&problem, &start, &Settings::default()).unwrap();
            let context = format!("{id} from a logit of {logit}: {}", solution.outcome);
            assert!(solution.outcome.is_success(), "{context}");
            let distance = (&solution.x - &minimiser).norm();
            assert!(distance <= 1e-12 * minimiser.norm(), "{context}");
            assert!(solution.error_bound.unwrap() >= distance, "{context}");
            assert!(solution.iterations <= 20, "{context}");
            if logit.abs() > 100.0 {
                let first = solution.trace[0].method;
                assert!(["chord", "ray"].contains(&first), "{context}: {first}");
                assert!(solution.warnings[0].contains("exponential slope"));
            }
        }
    }
}

/// `ATTREG_PYTHON` names another interpreter than `python3`.
#[test]
fn the_python_client_passes() {
    let python = std::env::var("ATTREG_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let numpy = Command::new(&python).args(["-c", "import numpy"]).output();
    if !numpy.is_ok_and(|output| output.status.success()) {
        // Not println: the test runner would swallow it.
        let line = format!(
            "SKIPPED: no {python} with numpy here, examples/conformance_client.py was not run\n"
        );
        std::io::stderr().write_all(line.as_bytes()).unwrap();
        return;
    }
    let scratch = Scratch::new();
    let answers = scratch.path("answers");
    let client = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/conformance_client.py");
    let output = Command::new(&python)
        .args([text(&client), text(&kit()), &answers])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let run = attreg(["check", "--suite", text(&kit()), "--answers", &answers]);
    assert_eq!(run.status, 0, "{}{}", run.out, run.err);
    assert!(
        run.out.contains("0 failed, 0 missing, 0 unusable"),
        "{}",
        run.out
    );
}

/// Two answers of all: one right, one wrong in a known way; a third cannot be read.
#[test]
fn a_missing_wrong_or_unusable_answer_is_a_row_and_not_a_crash() {
    let scratch = Scratch::new();
    let entries = read_kit(&kit()).unwrap().instances;
    let answer = |id: &str| entries.iter().find(|entry| entry.id == id).unwrap();
    let right = answer("softmax-theory");
    let (decimals, nearest) = (
        right.expected.loss().unwrap(),
        right.nearest.loss().unwrap(),
    );
    scratch.file(
        "softmax-theory.json",
        serde_json::json!({"loss": decimals.loss, "gradient": nearest.gradient, "minimiser": decimals.minimiser}).to_string(),
    );
    let doubled = answer("exp-theory").nearest.loss().unwrap().loss * 2.0;
    scratch.file("exp-theory.json", format!("{{\"loss\": {doubled:?}}}"));
    scratch.file("sinh-theory.json", "{\"loss\": NaN}");
    let (kit, directory) = (kit(), scratch.path(""));
    let options = ["check", "--suite", text(&kit), "--answers", &directory];
    let run = attreg(options);
    assert_eq!(run.status, 1, "{}", run.err);
    let all = entries.len();
    let totals = format!(
        "{all} instances: 1 passed, 1 failed, {} missing, 1 unusable\n",
        all - 3
    );
    assert!(run.out.ends_with(&totals), "{}", run.out);
    assert!(run.out.contains("FAIL (factor-half)"), "{}", run.out);
    assert!(run.out.contains("loss is NaN"), "{}", run.out);

    let run = attreg([&options[..], &["--format", "junit"]].concat());
    assert_eq!(run.status, 1);
    // Three quantities of the right answer, one case for each of the others.
    let counts = format!("tests=\"{}\" failures=\"{}\"", all + 2, all - 1);
    assert!(run.out.contains(&counts), "{}", run.out);
    // The word that was there first is still understood.
    let table = attreg([&options[..], &["--format", "table"]].concat());
    assert_eq!(
        table.out,
        attreg([&options[..], &["--format", "text"]].concat()).out
    );
    assert!(
        run.out
            .contains("<testcase classname=\"softmax-theory\" name=\"gradient\"/>"),
        "{}",
        run.out
    );

    let run = attreg([&options[..], &["--json"]].concat());
    assert_eq!(run.status, 1);
    let suite = run.json();
    assert_eq!(suite["passed"], false);
    assert_eq!(suite["format_version"], 1);
    assert_eq!(
        attreg([&options[..], &["--format", "json"]].concat()).out,
        run.out
    );
    assert_eq!(suite["instances"][0]["status"], "passed");
    let digits = &suite["instances"][0]["verdict"]["loss"]["digits"];
    assert!(digits.as_f64().unwrap() > 35.0, "{digits}");
    assert_eq!(suite["instances"][1]["status"], "missing");
}

#[test]
fn an_answer_to_no_instance_and_a_directory_that_is_not_there_are_refused() {
    let scratch = Scratch::new();
    let kit = kit();
    scratch.file("softmax-thoery.json", "{}");
    let directory = scratch.path("");
    attreg(["check", "--suite", text(&kit), "--answers", &directory])
        .assert_refused("softmax-thoery.json: the kit has no instance of this name");
    let nowhere = scratch.path("nowhere");
    attreg(["check", "--suite", text(&kit), "--answers", &nowhere])
        .assert_refused("nowhere: No such file");
    attreg(["check", "--suite", &directory, "--answers", &directory])
        .assert_refused("conformance.json: No such file");
    scratch.file(
        "conformance.json",
        r#"{"format_version": 2, "about": "", "instances": []}"#,
    );
    attreg(["check", "--suite", &directory, "--answers", &directory])
        .assert_refused("conformance.json: format_version is 2: this program reads 1");
}
