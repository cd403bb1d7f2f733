//! A campaign that is killed goes on where it stopped and ends with the bytes of an undisturbed one. No clock: the
//! moments of death are numbers of journal lines, drawn from a seed.

use std::fs;
use std::process::{Child, Command, Stdio};

use crate::common::{Scratch, attreg, lines};
use attention_regression::instance::sample;

/// Two cheap claims, one true and one false: about 150 cases, witness, edges and real data among them.
const CAMPAIGN: [&str; 6] = [
    "verify",
    "dls23/gradient-corrected",
    "dls23/gradient-printed",
    "--seed",
    "11",
    "--json",
];

fn start(journal: &str, resume: bool) -> Child {
    Command::new(env!("CARGO_BIN_EXE_attreg"))
        .args(CAMPAIGN)
        .args(["--journal", journal])
        .args(resume.then_some("--resume"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn a_killed_campaign_resumes_to_the_same_bytes() {
    const SEED: u64 = 20_240;
    const KILLS: usize = 24;
    println!("seed {SEED}");
    let undisturbed = attreg(CAMPAIGN);
    assert_eq!(undisturbed.status, 0);
    let scratch = Scratch::new();
    let mut rng = sample::stream(SEED, "kills", 0);
    let mut kills = 0;
    for round in 0.. {
        let journal = scratch.path(&format!("journal-{round}"));
        let text = journal.as_str();
        let mut resume = false;
        // Up to four deaths in one campaign, each after a few more lines.
        for _ in 0..4 {
            let wanted = lines(&journal) + sample::integer(&mut rng, 1, 30) as usize;
            let mut child = start(text, resume);
            while lines(&journal) < wanted && child.try_wait().unwrap().is_none() {
                std::thread::yield_now();
            }
            if child.try_wait().unwrap().is_none() {
                kills += 1;
            }
            // SIGKILL on Unix; an error means that it has ended by itself.
            let _ = child.kill();
            child.wait().unwrap();
            resume = true;
        }
        let resumed = attreg(
            CAMPAIGN
                .iter()
                .copied()
                .chain(["--journal", text, "--resume"]),
        );
        assert_eq!(resumed.status, 0, "{}", resumed.err);
        assert_eq!(resumed.out, undisturbed.out, "round {round}");
        if kills >= KILLS {
            return;
        }
        assert!(round < 100, "only {kills} kills hit a running campaign");
    }
}

/// Starts the campaign, sends SIGINT once the journal has `wanted` lines, and gives the output. The signal comes twice, as
/// from `timeout`, and is one request.
#[cfg(unix)]
fn interrupted(arguments: &[&str], journal: &str, wanted: usize) -> std::process::Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_attreg"))
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    while lines(journal) < wanted && child.try_wait().unwrap().is_none() {
        std::thread::yield_now();
    }
    // An error means that it has ended by itself.
    let kill = format!("kill -INT {0}; kill -INT {0}", child.id());
    Command::new("sh")
        .args(["-c", &kill])
        .stderr(Stdio::null())
        .status()
        .unwrap();
    child.wait_with_output().unwrap()
}

#[cfg(unix)]
#[test]
fn an_interrupted_campaign_reports_what_is_finished_and_goes_on_to_the_same_bytes() {
    const SEED: u64 = 20_241;
    const INTERRUPTS: usize = 6;
    println!("seed {SEED}");
    let undisturbed = attreg(CAMPAIGN);
    let sum = |report: &serde_json::Value, key: &str| -> u64 {
        let claims = report["claims"].as_array().unwrap();
        claims.iter().filter_map(|claim| claim[key].as_u64()).sum()
    };
    let whole = undisturbed.json();
    assert_eq!(whole.get("interrupted"), None);
    let all = sum(&whole, "cases");
    let scratch = Scratch::new();
    let mut rng = sample::stream(SEED, "interrupts", 0);
    let mut hits = 0;
    for round in 0.. {
        let journal = scratch.path(&format!("journal-{round}"));
        let with_journal = CAMPAIGN.iter().copied().chain(["--journal", &journal]);
        let arguments: Vec<&str> = with_journal.clone().collect();
        // From the second line on the campaign is under way, and with it the handler.
        let wanted = sample::integer(&mut rng, 2, 40) as usize;
        let output = interrupted(&arguments, &journal, wanted);
        if output.status.code() == Some(130) {
            hits += 1;
            let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
            assert_eq!(report["interrupted"], true);
            // Every case is in the journal, in the report, or said to be missing.
            assert_eq!(sum(&report, "cases"), lines(&journal) as u64 - 1);
            assert_eq!(sum(&report, "cases") + sum(&report, "unfinished"), all);
        } else {
            assert_eq!(output.status.code(), Some(0));
        }
        let resumed = attreg(with_journal.chain(["--resume"]));
        assert_eq!(resumed.status, 0, "{}", resumed.err);
        assert_eq!(resumed.out, undisturbed.out, "round {round}");
        if hits >= INTERRUPTS {
            return;
        }
        assert!(round < 60, "only {hits} interrupts hit a running campaign");
    }
}

#[cfg(unix)]
#[test]
fn the_table_of_an_interrupted_campaign_says_so() {
    let scratch = Scratch::new();
    for round in 0..60 {
        let journal = scratch.path(&format!("journal-{round}"));
        let mut arguments: Vec<&str> = CAMPAIGN.to_vec();
        arguments.retain(|argument| *argument != "--json");
        arguments.extend(["--journal", &journal]);
        let output = interrupted(&arguments, &journal, 3);
        if output.status.code() != Some(130) {
            continue;
        }
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains("INTERRUPTED: "), "{text}");
        assert!(
            text.lines()
                .any(|line| line.starts_with("~ dls23/gradient-")),
            "{text}"
        );
        assert!(text.contains("0 differ from the record"), "{text}");
        return;
    }
    panic!("no interrupt hit a running campaign");
}

/// A limit on the size of files takes the place of a full disk: the write that passes it is cut short, the next one fails.
#[cfg(unix)]
#[test]
fn a_full_disk_loses_no_finished_case() {
    let undisturbed = attreg(CAMPAIGN);
    let scratch = Scratch::new();
    for blocks in [1, 7, 30] {
        let journal = scratch.path(&format!("journal-{blocks}"));
        let limited = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
        let output = Command::new("sh")
            .args(["-c", &limited, env!("CARGO_BIN_EXE_attreg")])
            .args(CAMPAIGN)
            .args(["--journal", &journal])
            .output()
            .unwrap();
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{message}");
        assert!(
            message.contains("journal") && message.contains("File too large"),
            "{message}"
        );
        assert_eq!(message.matches('\n').count(), 1, "{message}");
        let full = fs::read(&journal).unwrap();
        let finished = full
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        let resumed = attreg(
            CAMPAIGN
                .iter()
                .copied()
                .chain(["--journal", &journal, "--resume"]),
        );
        if finished == 0 {
            // Not even the head of the journal went in: nothing was finished.
            resumed.assert_refused("line 1 is not the head of a journal");
            continue;
        }
        assert_eq!(resumed.out, undisturbed.out, "{blocks}: {}", resumed.err);
        assert!(fs::read(&journal).unwrap().starts_with(&full[..finished]));
    }
}

#[test]
fn a_torn_last_line_is_done_again() {
    let undisturbed = attreg(CAMPAIGN);
    let scratch = Scratch::new();
    let journal = scratch.path("journal");
    let text = journal.as_str();
    let whole = attreg(CAMPAIGN.iter().copied().chain(["--journal", text]));
    assert_eq!(whole.out, undisturbed.out);
    let bytes = fs::read(&journal).unwrap();
    for cut in [bytes.len() - 1, bytes.len() / 2, bytes.len() / 3] {
        fs::write(&journal, &bytes[..cut]).unwrap();
        let resumed = attreg(
            CAMPAIGN
                .iter()
                .copied()
                .chain(["--journal", text, "--resume"]),
        );
        assert_eq!(resumed.out, undisturbed.out, "cut at byte {cut}");
        // Not a line was lost or written twice.
        assert_eq!(
            lines(&journal),
            bytes.iter().filter(|byte| **byte == b'\n').count()
        );
    }
}

#[test]
fn a_journal_is_not_overwritten_mixed_up_or_believed_when_damaged() {
    let scratch = Scratch::new();
    let journal = scratch.path("journal");
    let text = journal.as_str();
    let with = |extra: &[&str]| {
        let journal = ["--journal", text];
        attreg(CAMPAIGN.iter().chain(&journal).chain(extra).copied())
    };
    assert_eq!(with(&[]).status, 0);
    with(&[]).assert_refused("journal");
    with(&["--resume", "--cases", "3"]).assert_refused("another campaign");
    let good = fs::read_to_string(&journal).unwrap();
    let damaged = good.replacen("\"unit\":5", "\"unit\":x", 1);
    assert_ne!(good, damaged);
    fs::write(&journal, damaged).unwrap();
    with(&["--resume"]).assert_refused("line ");
    fs::write(&journal, "").unwrap();
    with(&["--resume"]).assert_refused("line 1");
    let endless = ["--journal", "/dev/zero", "--resume"];
    if cfg!(unix) {
        attreg(CAMPAIGN.iter().chain(&endless).copied()).assert_refused("must be a regular file");
    }
    attreg(CAMPAIGN.iter().copied().chain(["--resume"])).assert_usage("--journal");
    let nowhere = scratch.path("missing/journal");
    attreg(
        CAMPAIGN
            .iter()
            .copied()
            .chain(["--journal", nowhere.as_str()]),
    )
    .assert_refused("missing");
}
