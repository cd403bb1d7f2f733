//! What every system of the table must have.

mod logit;
mod named;

use std::fs;
use std::path::Path;

use attention_regression::system::{SYSTEMS, System};
use serde_json::Value;

/// What a system must have.
const DEFINITION: &str = "a definition that the oracle differentiates";
const FIXTURE: &str = "values of an independent program";
const GENERATOR: &str = "a generator";
const METHOD: &str = "a method of the solver";
const CLAIM: &str = "a claim";
const SPECIMEN: &str = "a specimen in the conformance kit";
const PAGE: &str = "a row in docs/losses.md or docs/architecture.md";

/// What a kind of system knows about itself, by the names above.
type Has = fn(&System, &str) -> bool;

fn root(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Whether one of the files under `fixtures/oracle` has a case of this system.
fn has_fixture(key: &str) -> bool {
    fs::read_dir(root("fixtures/oracle"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        })
        .any(|path| {
            let file: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
            // A table that is no list of cases is not about a system.
            file.as_array().into_iter().flatten().any(|case| {
                // The first file is older than the other losses, and names none.
                let named = case.get("loss_kind").or(case.pointer("/manifest/system"));
                named.map_or("softmax", |name| name.as_str().unwrap()) == key
            })
        })
}

fn has_row(key: &str) -> bool {
    ["docs/losses.md", "docs/architecture.md"]
        .iter()
        .any(|page| {
            let text = fs::read_to_string(root(page)).unwrap();
            text.lines().any(|line| {
                line.starts_with(&format!("| {key}")) || line.starts_with(&format!("| `{key}`"))
            })
        })
}

/// What a system lacks.
fn lacks(system: &System, has: Has) -> Vec<&'static str> {
    let mut lacks: Vec<&str> = [DEFINITION, GENERATOR, METHOD, CLAIM, SPECIMEN]
        .into_iter()
        .filter(|what| !has(system, what))
        .collect();
    if !has_fixture(system.key) {
        lacks.push(FIXTURE);
    }
    if !has_row(system.key) {
        lacks.push(PAGE);
    }
    lacks
}

#[test]
fn every_system_has_what_a_system_must_have() {
    let mut lacking = Vec::new();
    for system in SYSTEMS {
        let has = if system.logit { logit::has } else { named::has };
        lacking.extend(
            lacks(system, has)
                .into_iter()
                .map(|what| (system.key, what)),
        );
    }
    assert!(lacking.is_empty(), "{lacking:?}");
}

#[test]
fn a_system_that_nobody_knows_lacks_everything() {
    static NOBODYS: System = System {
        key: "nobodys",
        formula: "0",
        given: &[],
        unknowns: &[],
        asks: attention_regression::system::Asks::Loss,
        logit: false,
    };
    for has in [logit::has as Has, named::has] {
        assert_eq!(lacks(&NOBODYS, has).len(), 7);
    }
}
