//! A whole run on a small crate whose verdicts are known by construction.

use clap::Parser;

use crate::fixture;
use crate::journal::{self, Entry, Verdict};
use crate::report;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    options: super::Options,
}

#[test]
fn the_planted_mutants_get_their_verdicts() {
    let scratch = tempfile::tempdir().unwrap();
    let root = fixture::copy_below(scratch.path());
    let journal = scratch.path().join("journal.jsonl");
    let target = scratch.path().join("target");
    let list = fixture::directory().join("mutants.json");
    let run = |extra: &[&str]| {
        let mut line = vec!["run", "--area", "all", "--grace", "2"];
        line.extend(["--root", root.to_str().unwrap()]);
        line.extend(["--journal", journal.to_str().unwrap()]);
        line.extend(["--target-dir", target.to_str().unwrap()]);
        line.extend(["--list", list.to_str().unwrap()]);
        line.extend(extra);
        super::run(&Line::parse_from(line).options).unwrap();
    };
    run(&[]);
    let (header, entries) = journal::read(&journal).unwrap();
    let summary = report::summary(&header, &entries);
    assert_eq!(
        summary.survivors,
        [
            "src/lib.rs:10:5: replace one -> u32 with 1",
            "src/lib.rs:15:5: replace down -> u64 with 0",
            "src/lib.rs:5:7: replace < with <= in below",
        ]
    );
    assert_eq!(
        summary.unreached_names,
        ["src/lib.rs:23:5: replace forgotten -> bool with false"]
    );
    assert_eq!(
        summary.timed_out_names,
        [
            "src/lib.rs:16:11: replace -= with += in down",
            "src/lib.rs:16:11: replace -= with /= in down",
        ]
    );
    assert_eq!((summary.unviable, summary.not_run), (1, 2));
    assert_eq!((summary.caught_by_unit_tests, summary.decided), (9, 18));

    // What cannot be switched is built by itself: 2 - 2 is noticed, 2 * 2 is 4 as well.
    run(&["--rebuild"]);
    let (_, entries) = journal::read(&journal).unwrap();
    let verdict = |name: &str| {
        let entry: &Entry = &entries[name];
        (entry.verdict, entry.by.as_deref())
    };
    assert_eq!(
        verdict("src/lib.rs:35:23: replace + with -"),
        (
            Verdict::Caught,
            Some("fixture_crate::tests::down_ends_at_nought")
        )
    );
    assert_eq!(
        verdict("src/lib.rs:35:23: replace + with *"),
        (Verdict::Survived, None)
    );
}
