//! Chains of blocks and races on the command line: made, killed, resumed, followed, made again, broken.

use std::fs;

use crate::common::{Scratch, attreg};

const TWO: &str = r#"{ "system": "federated-softmax", "local_steps": 2, "step": 0.0625, "start": [0.5, -0.5], "participants": 2, "stragglers": 1,
    "clients": [{ "matrix": [[1, 0.5], [0, 2]], "target": [0.5, 0.25], "weights": 1 },
                { "matrix": [[0.25, -1], [1, 1], [2, 0]], "target": [0, 1, 0], "weights": [1, 2, 1] }] }"#;

/// A chain of so many rounds, and its file.
fn chain(scratch: &Scratch, rounds: &str) -> (String, String) {
    let file = scratch.file("p.json", TWO);
    let journal = scratch.path("chain.jsonl");
    let run = attreg([
        "chain",
        &file,
        "--journal",
        &journal,
        "--rounds",
        rounds,
        "--json",
    ]);
    assert_eq!(run.status, 0, "{}{}", run.out, run.err);
    let report = run.json();
    assert_eq!(report["status"], "made");
    assert_eq!(
        report["blocks"].as_u64().unwrap(),
        rounds.parse::<u64>().unwrap() + 1
    );
    (file, journal)
}

#[test]
fn a_chain_follows_and_is_made_again_bit_for_bit() {
    let scratch = Scratch::new();
    let (file, journal) = chain(&scratch, "40");
    for arguments in [vec!["--check"], vec!["--check", &file]] {
        let run = attreg([&["chain", "--json", "--journal", &journal][..], &arguments].concat());
        assert_eq!(run.status, 0, "{}{}", run.out, run.err);
        assert_eq!(run.json()["status"], "follows");
        assert_eq!(run.json()["blocks"], 41);
    }
    // The rounds are those of solve.
    let solved = attreg([
        "solve",
        &file,
        "--method",
        "fedavg",
        "--max-iterations",
        "40",
        "--tolerance",
        "1e-300",
        "--json",
    ]);
    let text = fs::read_to_string(&journal).unwrap();
    let last: serde_json::Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!(last["x"], solved.json()["x"]["x"]);
    // Another seed or method is another chain, and one thread makes the same.
    let again = |more: &[&str]| {
        let base = ["chain", "--check", &file, "--journal", &journal, "--json"];
        attreg([&base[..], more].concat())
    };
    assert_eq!(again(&["--threads", "1"]).status, 0);
    for more in [["--seed", "1"], ["--method", "drift-corrected"]] {
        let run = again(&more);
        assert_eq!(run.status, 1, "{}{}", run.out, run.err);
        assert_eq!(run.json()["line"], 1);
        let reason = run.json()["reason"].to_string();
        assert!(
            reason.contains("does not follow the block before it"),
            "{reason}"
        );
    }
}

/// A file that ends within a line, as after a kill, goes on to the same bytes.
#[test]
fn a_chain_that_was_killed_goes_on_to_the_same_bytes() {
    let scratch = Scratch::new();
    let (file, journal) = chain(&scratch, "30");
    let whole = fs::read(&journal).unwrap();
    for length in [0, 10, whole.len() / 2, whole.len() - 1, whole.len()] {
        fs::write(&journal, &whole[..length]).unwrap();
        if length != whole.len() && length != 0 {
            let run = attreg(["chain", "--check", "--journal", &journal, "--json"]);
            assert_eq!(run.status, 1, "{length}");
            assert!(
                run.json()["reason"]
                    .to_string()
                    .contains("the end of the line is missing"),
                "{}",
                run.out
            );
        }
        let run = attreg([
            "chain",
            &file,
            "--journal",
            &journal,
            "--rounds",
            "30",
            "--resume",
        ]);
        assert_eq!(run.status, 0, "{}{}", run.out, run.err);
        assert_eq!(fs::read(&journal).unwrap(), whole, "{length}");
    }
}

/// Each from a good chain by one change.
#[test]
fn a_chain_that_was_changed_is_told_with_its_line() {
    let scratch = Scratch::new();
    let (file, journal) = chain(&scratch, "5");
    let text = fs::read_to_string(&journal).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let joined =
        |order: &[usize]| -> String { order.iter().map(|k| format!("{}\n", lines[*k])).collect() };
    let number = lines[3].replace("\"number\":3", "\"number\":4");
    for (changed, line, reason) in [
        (
            joined(&[0, 1, 3, 2, 4, 5]),
            3,
            "block 3 where block 2 is next",
        ),
        (joined(&[0, 1, 1, 2]), 3, "block 1 where block 2 is next"),
        (
            text.replace(lines[3], &number),
            4,
            "digest does not belong to the block",
        ),
        (text.replace(lines[2], "{}"), 3, "is no whole block"),
    ] {
        fs::write(&journal, changed).unwrap();
        let run = attreg(["chain", "--check", "--journal", &journal, "--json"]);
        assert_eq!(run.status, 1, "{}", run.out);
        assert_eq!(run.json()["line"], line, "{reason}");
        assert!(
            run.json()["reason"].to_string().contains(reason),
            "{}",
            run.out
        );
        let resumed = attreg(["chain", &file, "--journal", &journal, "--resume"]);
        resumed.assert_refused(&format!("line {line}: "));
    }
}

#[test]
fn what_makes_no_chain_is_refused() {
    let scratch = Scratch::new();
    let (file, journal) = chain(&scratch, "2");
    attreg(["chain", &file, "--journal", &journal]).assert_refused("chain.jsonl");
    attreg(["chain", "--journal", &journal])
        .assert_refused("an instance is needed to make a chain");
    let other = scratch.path("other.jsonl");
    attreg(["chain", &file, "--journal", &other, "--method", "federated-newton"])
        .assert_refused("method federated-newton makes no rounds: fedavg, drift-corrected, fedavg-median, fedavg-trimmed-mean do");
    let late = scratch.file(
        "late.json",
        TWO.replace("\"stragglers\": 1", "\"stragglers\": 2"),
    );
    attreg(["chain", &late, "--journal", &other]).assert_refused("stragglers is 2");
    let long = scratch.file("long.json", TWO.replace("0.0625", "1e300"));
    attreg(["chain", &long, "--journal", &other]).assert_refused("cannot be made: ");
    let softmax = r#"{ "loss": "softmax", "matrix": [[1]], "target": [1], "weights": 1 }"#;
    let softmax = scratch.file("softmax.json", softmax);
    attreg(["chain", &softmax, "--journal", &scratch.path("third.jsonl")])
        .assert_refused("system \"softmax\" has no rounds");
}

/// By mpmath at 60 digits for q = 0.1 as the f64 nearest to it.
#[test]
fn a_race_is_counted_to_thirty_digits() {
    let run = attreg([
        "catch-up", "--share", "0.1", "--blocks", "6", "--risk", "0.001", "--json",
    ]);
    assert_eq!(run.status, 0, "{}", run.err);
    let report = run.json();
    assert_eq!(report["probability"], "5.91412160000000181725554604384e-4");
    assert_eq!(report["poisson_form"], "2.42802745362886245670534393364e-4");
    assert_eq!(report["blocks_enough"], 6);
    assert_eq!(report["blocks_by_poisson_form"], 5);
    for (arguments, line) in [
        (
            ["--share", "1.5", "--blocks", "6"],
            "share is 1.5: must be from 0 to 1",
        ),
        (
            ["--share", "0.1", "--risk", "0"],
            "risk is 0: must be above 0 and below 1",
        ),
        (
            ["--share", "0.5", "--risk", "0.1"],
            "no number of blocks up to 100000 has a risk below 0.1",
        ),
        (
            ["--share", "0.1", "--blocks", "100001"],
            "blocks is 100001: at most 100000 are counted",
        ),
    ] {
        attreg([&["catch-up"][..], &arguments].concat()).assert_refused(line);
    }
    for (share, blocks, probability) in [("0", "3", "0"), ("0.6", "3", "1"), ("0.2", "0", "1")] {
        let run = attreg(["catch-up", "--share", share, "--blocks", blocks, "--json"]);
        let found: f64 = run.json()["probability"].as_str().unwrap().parse().unwrap();
        assert_eq!(found.to_string(), probability, "{share} {blocks}");
    }
}
