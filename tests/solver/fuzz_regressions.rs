//! The stable half of fuzzing: every committed seed and every finding runs through the harness of its target.

use std::fs;
use std::path::Path;

#[path = "../fuzz/harness/mod.rs"]
mod harness;

/// Runs all files of `tests/fuzz/seeds/TARGET` and `tests/fuzz/regressions/TARGET`; at least `least` must be there. The
/// test's captured output ends with the file at fault.
fn replay(target: &str, least: usize, run: fn(&[u8])) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz");
    let mut files = Vec::new();
    for kind in ["seeds", "regressions"] {
        let directory = root.join(kind).join(target);
        // Not every target has had a finding.
        if kind == "regressions" && !directory.is_dir() {
            continue;
        }
        for entry in fs::read_dir(&directory).unwrap() {
            files.push(entry.unwrap().path());
        }
    }
    files.sort();
    assert!(files.len() >= least, "only {} files", files.len());
    for file in files {
        println!("{}", file.display());
        run(&fs::read(&file).unwrap());
    }
}

#[test]
fn manifests() {
    replay("manifest", 13, harness::manifest::run);
}

#[test]
fn matrix_market_files() {
    replay("matrix_market", 12, harness::matrix_market::run);
}

#[test]
fn npy_files() {
    replay("npy", 12, harness::npy::run);
}

#[test]
fn npz_archives() {
    replay("npz", 12, harness::npz::run);
}

#[test]
fn solves() {
    replay("solve", 12, harness::solve::run);
}

#[test]
fn evaluations() {
    replay("evaluate", 14, harness::evaluate::run);
}

#[test]
fn solves_of_attention() {
    replay("solve_attention", 6, harness::solve_attention::run);
}

#[test]
fn regressions() {
    replay("regress", 14, harness::regress::run);
}

#[test]
fn federated_regressions() {
    replay("federated", 27, harness::federated::run);
}

#[test]
fn linear_regressions() {
    replay("linear", 16, harness::linear::run);
}

#[test]
fn labels_that_are_dear() {
    replay("labels", 21, harness::labels::run);
}

#[test]
fn answers() {
    replay("check", 9, harness::check::run);
}
