//! A campaign that is killed goes on where it stopped and ends with the bytes of an undisturbed one. No clock: the
//! moments of death are numbers of journal lines, drawn from a seed.

mod common;

use std::fs;
use std::process::{Child, Command, Stdio};

use attention_regression::instance::sample;
use common::{Scratch, attreg};

/// Two cheap claims, one true and one false: about 150 cases, witness, edges and real data among them.
const CAMPAIGN: [&str; 6] = [
    "verify",
    "dls23/gradient-corrected",
    "dls23/gradient-printed",
    "--seed",
    "11",
    "--json",
];

fn lines(path: &str) -> usize {
    fs::read(path).map_or(0, |bytes| {
        bytes.iter().filter(|byte| **byte == b'\n').count()
    })
}

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
    attreg(CAMPAIGN.iter().copied().chain(["--resume"])).assert_refused("--journal");
    let nowhere = scratch.path("missing/journal");
    attreg(
        CAMPAIGN
            .iter()
            .copied()
            .chain(["--journal", nowhere.as_str()]),
    )
    .assert_refused("missing");
}
