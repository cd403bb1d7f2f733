//! Federated softmax regression on the command line: manifests, methods and their endings, what is refused.

use serde_json::json;

use crate::common::{Scratch, attreg};

const TWO: &str = r#"{ "system": "federated-softmax", "local_steps": 3, "step": 0.0625, "start": [0.5, -0.5],
    "clients": [{ "matrix": [[1, 0.5], [0, 2]], "target": [0.5, 0.25], "weights": 1 },
                { "matrix": [[0.25, -1], [1, 1], [2, 0]], "target": [0, 1, 0], "weights": [1, 2, 1] }] }"#;
const STACKED: &str = r#"{ "system": "federated-softmax", "local_steps": 3, "step": 0.0625, "start": [0.5, -0.5], "clients": [2, 3],
    "matrix": [[1, 0.5], [0, 2], [0.25, -1], [1, 1], [2, 0]], "target": [0.5, 0.25, 0, 1, 0], "weights": [1, 1, 1, 2, 1] }"#;

#[test]
fn answers_come_with_a_bound_and_check_accepts_them() {
    let scratch = Scratch::new();
    let file = scratch.file("p.json", TWO);
    let x = scratch.path("x.npy");
    let run = attreg(["solve", &file, "--json", "--output", &x]);
    assert_eq!(run.status, 0, "{}{}", run.out, run.err);
    let report = run.json();
    assert_eq!(report["method"], "federated-newton");
    let bound = report["error_bound"].as_f64().unwrap();
    assert!((0.0..1e-14).contains(&bound), "{bound:e}");
    assert_eq!(attreg(["check", &file, &x]).status, 0);
    let reference = attreg(["reference", &file, "--at", &x, "--json"]).json();
    let answer = json!({"x": report["x"], "loss": report["loss"], "minimiser": report["x"],
        "gradient": reference["gradient"], "hessian": reference["hessian"]});
    let good = scratch.file("good.json", answer.to_string());
    assert_eq!(attreg(["check", &file, &good]).status, 0);
}

/// The three ways to write clients are one problem.
#[test]
fn clients_may_be_listed_stacked_or_files() {
    let scratch = Scratch::new();
    let second = r#"{ "loss": "softmax", "matrix": [[0.25, -1], [1, 1], [2, 0]], "target": [0, 1, 0], "weights": [1, 2, 1], "start": [9, 9] }"#;
    scratch.file("second.json", second);
    let object = TWO.split_once("{ \"matrix\": [[0.25").unwrap().0;
    let by_file = format!("{object}\"second.json\"] }}");
    let solved: Vec<_> = [TWO, STACKED, &by_file]
        .iter()
        .map(|manifest| {
            let file = scratch.file("p.json", *manifest);
            attreg(["solve", &file, "--json"]).json()["x"].clone()
        })
        .collect();
    assert!(
        solved[0] == solved[1] && solved[0] == solved[2],
        "{solved:?}"
    );
    // No weights are weights of 0.
    let at = scratch.file("at.json", "[0.5, -0.5]");
    let loss = |first: &str, second: &str| {
        let manifest = TWO
            .replace(", \"weights\": 1 }", first)
            .replace(", \"weights\": [1, 2, 1]", second);
        let file = scratch.file("p.json", manifest);
        attreg(["reference", &file, "--at", &at, "--json"]).json()["loss"].clone()
    };
    let plain = loss(" }", "");
    assert!(!plain.is_null());
    assert_eq!(
        plain,
        loss(", \"weights\": 0 }", ", \"weights\": [0, 0, 0]")
    );
    assert_ne!(plain, loss(", \"weights\": 1 }", ""));
}

#[test]
fn every_method_ends_as_it_must() {
    let scratch = Scratch::new();
    let file = scratch.file("p.json", TWO);
    let minimiser = attreg(["solve", &file, "--json"]).json()["x"]["x"].clone();
    for (method, status, word) in [
        ("federated-newton", 0, "converged"),
        ("drift-corrected", 0, "converged"),
        ("fedavg", 1, "at-rest"),
        ("fedavg-median", 1, "at-rest"),
        ("fedavg-trimmed-mean", 1, "at-rest"),
    ] {
        let run = attreg([
            "solve",
            &file,
            "--json",
            "--method",
            method,
            "--max-iterations",
            "2000",
        ]);
        assert_eq!(run.status, status, "{method}: {}{}", run.out, run.err);
        let report = run.json();
        assert_eq!(report["status"], word, "{method}");
        assert_eq!(report["method"], method);
        let off: f64 = (0..2)
            .map(|j| {
                (report["x"]["x"][j].as_f64().unwrap() - minimiser[j].as_f64().unwrap()).powi(2)
            })
            .sum::<f64>()
            .sqrt();
        let bound = report["error_bound"].as_f64().unwrap();
        assert!(off <= bound + 1e-15, "{method}: {off:e} {bound:e}");
        assert_eq!(off > 1e-6, status == 1, "{method}: {off:e}");
    }
    let run = attreg([
        "solve",
        &file,
        "--json",
        "--method",
        "fedavg",
        "--max-iterations",
        "4",
    ]);
    assert_eq!(run.json()["status"], "iteration-limit");
    let long = scratch.file("long.json", TWO.replace("0.0625", "50"));
    let run = attreg(["solve", &long, "--json", "--method", "fedavg"]);
    assert_eq!(run.status, 1, "{}", run.out);
    assert!(
        run.json()["warnings"].to_string().contains("beyond 2 / L"),
        "{}",
        run.out
    );
}

/// Drawn and late clients come from the seed, which is told in the report.
#[test]
fn rounds_with_some_of_the_clients_are_seeded() {
    let scratch = Scratch::new();
    let some = TWO.replace("\"step\"", "\"participants\": 1, \"step\"");
    let file = scratch.file("p.json", some);
    let by = |seed: &str| {
        let run = attreg([
            "solve",
            &file,
            "--json",
            "--method",
            "fedavg",
            "--seed",
            seed,
            "--max-iterations",
            "30",
        ]);
        assert_eq!(run.json()["status"], "iteration-limit");
        run.json()["x"].clone()
    };
    assert_eq!(by("1"), by("1"));
    assert_ne!(by("1"), by("2"));
    let all = scratch.file("all.json", TWO);
    for (method, why) in [
        ("fedavg", "every client is heard"),
        ("auto", "nothing is drawn"),
    ] {
        attreg(["solve", &all, "--method", method, "--seed", "1"])
            .assert_refused(&format!("--seed has no effect here: {why}"));
    }
}

/// Each from a good manifest by one change.
#[test]
fn what_does_not_fit_is_one_line_with_file_client_and_place() {
    for (from, to, line) in [
        (
            "[0, 2]], \"target\": [0.5, 0.25]",
            "[0, 2]], \"target\": [0.5]",
            "clients[0]: target has 1 entries, expected 2",
        ),
        (
            "[2, 0]]",
            "[2, 0, 1]]",
            "clients[1]: matrix has 3 entries in row 2, expected 2 as in row 0",
        ),
        (
            "[[0.25, -1], [1, 1], [2, 0]]",
            "[[0.25], [1], [2]]",
            "clients[1].matrix is 3 x 1, but clients[0].matrix has d = 2",
        ),
        (
            "\"matrix\": [[1, 0.5], [0, 2]], \"target\": [0.5, 0.25]",
            "\"matrix\": [], \"target\": []",
            "clients[0]: ",
        ),
        (
            "{ \"matrix\": [[1",
            "{ \"loss\": \"exp\", \"matrix\": [[1",
            "clients[0] is \"exp\": every client must be \"softmax\"",
        ),
        (
            "{ \"matrix\": [[1",
            "{ \"start\": [1, 2], \"matrix\": [[1",
            "clients[0] has start: points belong to the whole problem",
        ),
        (
            "{ \"matrix\": [[1",
            "3, { \"matrix\": [[1",
            "clients[0] is 3: an instance, or the file of one, is needed",
        ),
        (
            "[0.25, -1]",
            "[0.25, 1e400]",
            "clients[1].matrix[0][1] is 1e400: every entry must be a finite number",
        ),
        ("[0.25, -1]", "[0.25, null]", "clients[1]"),
        (
            "\"local_steps\": 3",
            "\"local_steps\": 0",
            "local_steps is 0: a whole number, at least 1, is needed",
        ),
        (
            "\"step\": 0.0625",
            "\"step\": -1",
            "step is -1: no entry may be negative",
        ),
        (
            "\"step\"",
            "\"delays\": [1, 2, 3], \"step\"",
            "delays is 3 (N): N = 3, but clients has N = 2",
        ),
        (
            "\"step\"",
            "\"matrix\": [[1, 2]], \"step\"",
            "matrix is given twice",
        ),
        (
            "\"start\": [0.5, -0.5]",
            "\"start\": [0.5]",
            "x is 1, expected 2",
        ),
    ] {
        assert!(TWO.contains(from), "{from}");
        let scratch = Scratch::new();
        let file = scratch.file("p.json", TWO.replacen(from, to, 1));
        let run = attreg(["solve", &file]);
        assert_eq!(run.status, 2, "{to}: {}", run.out);
        assert_eq!(run.err.trim_end().lines().count(), 1, "{}", run.err);
        assert!(run.err.contains(line), "{to}: {}", run.err);
    }
    let scratch = Scratch::new();
    let empty = r#"{ "system": "federated-softmax", "clients": [] }"#;
    let file = scratch.file("p.json", empty);
    attreg(["solve", &file]).assert_refused("clients is empty: at least one is needed");
}

#[test]
fn rounds_that_cannot_be_made_are_refused_by_the_methods_that_make_them() {
    for (change, method, line) in [
        (
            "\"participants\": 3",
            "fedavg",
            "participants is 3, but there are 2 clients",
        ),
        (
            "\"participants\": 0",
            "drift-corrected",
            "participants is 0, but there are 2 clients",
        ),
        (
            "\"stragglers\": 2",
            "fedavg",
            "stragglers is 2, but 2 clients take part in a round",
        ),
        (
            "\"trimmed\": 1",
            "fedavg-trimmed-mean",
            "trimmed is 1 at both ends, but a round waits for 2 clients only",
        ),
    ] {
        let scratch = Scratch::new();
        let file = scratch.file(
            "p.json",
            TWO.replace("\"step\"", &format!("{change}, \"step\"")),
        );
        let run = attreg(["solve", &file, "--method", method]);
        assert_eq!(run.status, 2, "{change}: {}", run.out);
        assert!(run.err.contains(line), "{change}: {}", run.err);
        assert_eq!(attreg(["solve", &file]).status, 0, "{change}");
    }
}

#[test]
fn claims_are_decided_for_an_instance_of_ones_own() {
    let scratch = Scratch::new();
    let file = scratch.file("p.json", TWO);
    let run = attreg([
        "verify",
        "local-steps-contract",
        "limit-distance",
        "--instance",
        &file,
    ]);
    assert_eq!(run.status, 0, "{}{}", run.out, run.err);
}
