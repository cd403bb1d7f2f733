//! Patches of a small crate whose verdicts are known by construction.

use clap::Parser;

use super::*;
use crate::fixture;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    options: Options,
}

/// A patch of one line of the fixture.
fn patch(mistake: &str, before: &str, from: &str, to: &str) -> String {
    format!(
        "{mistake}\n\n--- a/src/lib.rs\n+++ b/src/lib.rs\n@@ -4,3 +4,3 @@\n {before}\n-{from}\n+{to}\n }}\n"
    )
}

#[test]
fn patches_get_their_verdicts_and_an_old_one_is_named() {
    let scratch = tempfile::tempdir().unwrap();
    let root = fixture::copy_below(scratch.path());
    let directory = scratch.path().join("patches");
    fs::create_dir(&directory).unwrap();
    let one = "pub fn one(x: u32) -> u32 {";
    let below = "pub fn below(x: i32, limit: i32) -> bool {";
    let comparison = "    x < limit";
    for (name, text) in [
        (
            "001-a-caught",
            patch("a product", one, "    x / x", "    x * x"),
        ),
        (
            "002-b-passed",
            patch("the limit", below, comparison, "    x <= limit"),
        ),
        (
            "003-c-stale",
            patch("older", below, "    x < bound", "    x > bound"),
        ),
        (
            "004-d-unviable",
            patch("no number", one, "    x / x", "    \"x\""),
        ),
    ] {
        fs::write(directory.join(name).with_extension("patch"), text).unwrap();
    }
    let results = scratch.path().join("results.jsonl");
    let paths = [&root, &directory, &results, &scratch.path().join("scratch")];
    let [root, patches, results_path, scratch_path] = paths.map(|path| path.to_str().unwrap());
    let run = |extra: &[&str]| {
        let mut line = vec!["planted", "--root", root, "--patches", patches];
        line.extend(["--results", results_path, "--scratch", scratch_path]);
        line.extend(extra);
        super::run(&Line::parse_from(line).options)
    };
    // One alone, then the others; the error names the old one.
    run(&["--only", "001"]).unwrap();
    assert_eq!(read(&results).unwrap().len(), 1);
    let error = run(&[]).unwrap_err().to_string();
    assert!(error.ends_with(": 003-c-stale"), "{error}");
    let found = read(&results).unwrap();
    let verdict = |name: &str| found[name].verdict;
    assert_eq!(verdict("001-a-caught"), Verdict::Caught);
    assert_eq!(
        found["001-a-caught"].by.as_deref(),
        Some("tests::the_quotient_is_one")
    );
    assert_eq!(verdict("002-b-passed"), Verdict::Passed);
    assert_eq!(verdict("003-c-stale"), Verdict::Stale);
    assert_eq!(verdict("004-d-unviable"), Verdict::Unviable);
    let table = table(&results).unwrap();
    assert!(
        table.contains("| 001 | a | a product | `tests::the_quotient_is_one` |"),
        "{table}"
    );
    assert!(
        table.contains("| 002 | b | the limit | **none** |"),
        "{table}"
    );
    assert!(
        table.contains("| 003 | c | older | *does not apply: "),
        "{table}"
    );
    assert!(table.contains(
        "1 are caught by unit tests, 0 by integration tests only, 3 by no test that was run"
    ));
    // Results are kept: nothing is left to do.
    run(&[]).unwrap();
}
