//! A campaign that ran in parts: `verify --shard I/K --journal FILE` and `merge` give the bytes of one run. No clock: the
//! moments of death are numbers of journal lines, drawn from a seed.

use std::fs;
use std::process::{Command, Stdio};

use crate::common::{Run, Scratch, attreg, fixture, lines};
use attention_regression::instance::sample;

/// A false claim, a true one and one with a certificate.
const CAMPAIGN: [&str; 8] = [
    "verify",
    "dls23/gradient-corrected",
    "dls23/gradient-printed",
    "dls23/spectrum-sharp",
    "--seed",
    "11",
    "--cases",
    "12",
];

/// Runs one shard of the campaign.
fn shard(part: &str, journal: &str, extra: &[&str]) -> Run {
    let own = ["--shard", part, "--journal", journal];
    attreg(CAMPAIGN.iter().chain(&own).chain(extra).copied())
}

/// Runs all shards, and gives their journals.
fn shards(count: usize, scratch: &Scratch) -> Vec<String> {
    (1..=count)
        .map(|index| {
            let journal = scratch.path(&format!("{index}-of-{count}"));
            let run = shard(&format!("{index}/{count}"), &journal, &[]);
            assert_eq!(run.status, 0, "{}", run.err);
            assert!(run.out.contains("cases are in the journal"), "{}", run.out);
            journal
        })
        .collect()
}

fn merge(journals: &[String], extra: &[&str]) -> Run {
    let journals = journals.iter().map(String::as_str);
    attreg(
        std::iter::once("merge")
            .chain(journals)
            .chain(extra.iter().copied()),
    )
}

#[test]
fn merged_reports_are_byte_for_byte_those_of_one_run() {
    let scratch = Scratch::new();
    let formats: [&[&str]; 3] = [&[], &["--json"], &["--format", "junit"]];
    let single = scratch.path("single");
    let once: Vec<Run> = formats
        .iter()
        .map(|format| attreg(CAMPAIGN.iter().chain(*format).copied()))
        .collect();
    let whole = attreg(CAMPAIGN.iter().copied().chain(["--report", &single]));
    assert_eq!(whole.status, 0, "{}", whole.err);
    assert!(whole.out.contains("proven"), "{}", whole.out);
    for count in [1, 2, 5] {
        let mut journals = shards(count, &scratch);
        // The order in which they are named means nothing.
        journals.reverse();
        for (format, once) in formats.iter().zip(&once) {
            let merged = merge(&journals, format);
            assert_eq!((merged.status, &merged.out), (once.status, &once.out));
        }
        let report = scratch.path(&format!("report-{count}"));
        assert_eq!(merge(&journals, &["--report", &report]).status, 0);
        let names = |directory: &str| {
            let mut names: Vec<_> = fs::read_dir(directory)
                .unwrap()
                .map(|entry| entry.unwrap().file_name())
                .collect();
            names.sort();
            names
        };
        assert_eq!(names(&report), names(&single));
        for name in names(&single) {
            let read = |directory: &str| fs::read(format!("{directory}/{}", name.display()));
            assert_eq!(read(&report).unwrap(), read(&single).unwrap(), "{name:?}");
        }
    }
    // A campaign that ran as a whole is its only shard.
    let journal = scratch.path("whole");
    let run = attreg(CAMPAIGN.iter().copied().chain(["--journal", &journal]));
    assert_eq!(merge(&[journal], &[]).out, run.out);
}

#[test]
fn instances_of_ones_own_travel_with_the_journals() {
    let scratch = Scratch::new();
    let instance = fixture("instances/tiny.json");
    let instance = instance.to_str().unwrap();
    let campaign = [
        "verify",
        "dls23/gradient-printed",
        "dls23/gradient-corrected",
        "--instance",
        instance,
        "--json",
    ];
    let journals: Vec<String> = (1..=2)
        .map(|index| {
            let (journal, part) = (scratch.path(&format!("own-{index}")), format!("{index}/2"));
            let own = ["--shard", part.as_str(), "--journal", journal.as_str()];
            let run = attreg(campaign[..5].iter().chain(&own).copied());
            assert_eq!(run.status, 0, "{}", run.err);
            journal
        })
        .collect();
    assert_eq!(merge(&journals, &["--json"]).out, attreg(campaign).out);
}

#[test]
fn killed_shards_are_resumed_and_merge_to_the_same_bytes() {
    const SEED: u64 = 20_242;
    println!("seed {SEED}");
    let scratch = Scratch::new();
    let mut rng = sample::stream(SEED, "kills", 0);
    let mut kills = 0;
    let journals: Vec<String> = (1..=3)
        .map(|index| {
            let (journal, part) = (scratch.path(&format!("{index}")), format!("{index}/3"));
            for round in 0..3 {
                let wanted = lines(&journal) + sample::integer(&mut rng, 1, 6) as usize;
                let mut child = Command::new(env!("CARGO_BIN_EXE_attreg"))
                    .args(CAMPAIGN)
                    .args(["--shard", &part, "--journal", &journal])
                    .args((round > 0).then_some("--resume"))
                    .stdout(Stdio::null())
                    .stderr(Stdio::null())
                    .spawn()
                    .unwrap();
                while lines(&journal) < wanted && child.try_wait().unwrap().is_none() {
                    std::thread::yield_now();
                }
                kills += usize::from(child.try_wait().unwrap().is_none());
                // SIGKILL on Unix; an error means that it has ended by itself.
                let _ = child.kill();
                child.wait().unwrap();
            }
            let run = shard(&part, &journal, &["--resume"]);
            assert_eq!(run.status, 0, "{}", run.err);
            journal
        })
        .collect();
    assert!(kills > 0, "no kill hit a running shard");
    assert_eq!(merge(&journals, &[]).out, attreg(CAMPAIGN).out);
}

#[test]
fn overlapping_missing_foreign_and_unfinished_shards_are_named() {
    let scratch = Scratch::new();
    let journals = shards(3, &scratch);
    let [first, second, third] = &journals[..] else {
        unreachable!("three were made")
    };
    let some = |journals: &[&String]| {
        let owned: Vec<String> = journals.iter().map(|journal| (*journal).clone()).collect();
        merge(&owned, &[])
    };
    some(&[first, third])
        .assert_refused("1-of-3: not all shards of this campaign are there, missing: 2/3");
    some(&[first, second, third, second])
        .assert_refused("2-of-3: the journal is of shard 2/3, which");
    let halves = shards(2, &scratch);
    some(&[first, &halves[1], third]).assert_refused("2-of-2: the journal is of shard 2/2, ");
    let other = scratch.path("other-seed");
    let seeded = CAMPAIGN.map(|word| if word == "11" { "12" } else { word });
    let own = ["--shard", "2/3", "--journal", &other];
    assert_eq!(attreg(seeded.iter().chain(&own).copied()).status, 0);
    some(&[first, &other, third]).assert_refused("other-seed: the journal belongs to another");
    some(&[first, &other, third]).assert_refused("(the seed differs)");

    // One line less, and one line of somebody else.
    let text = fs::read_to_string(second).unwrap();
    let (kept, last) = text.trim_end().rsplit_once('\n').unwrap();
    let short = scratch.file("short", format!("{kept}\n"));
    some(&[first, &short, third]).assert_refused("short: shard 2/3 is not finished, 1 of ");
    let doubled = scratch.file("doubled", format!("{text}{last}\n"));
    some(&[first, &doubled, third]).assert_refused("for the second time");
    let third_text = fs::read_to_string(third).unwrap();
    let foreign = third_text.trim_end().rsplit_once('\n').unwrap().1;
    let mixed = scratch.file("mixed", format!("{kept}\n{foreign}\n"));
    some(&[first, &mixed, third]).assert_refused("is not of shard 2/3");
    // Another machine's vector instructions change last bits of answers in f64.
    let elsewhere = text.replacen("\"vectors\":\"", "\"vectors\":\"other-", 1);
    let elsewhere = scratch.file("elsewhere", elsewhere);
    some(&[first, &elsewhere, third]).assert_refused("vector instructions of the machine differs");
    // Another version: nothing of what it says is sure to be what this one would say.
    let older = first.clone() + "-older";
    let version = format!("\"version\":\"{}\"", env!("CARGO_PKG_VERSION"));
    let text = fs::read_to_string(first).unwrap();
    fs::write(&older, text.replacen(&version, "\"version\":\"0.0.1\"", 1)).unwrap();
    some(&[&older, second, third]).assert_refused("(the version of the program differs)");
    some(&[&scratch.file("empty", "")]).assert_refused("line 1 is not the head of a journal");
    some(&[&scratch.path("nowhere")]).assert_refused("nowhere: No such file");
    attreg(["merge"]).assert_usage("JOURNALS");
}

#[test]
fn a_shard_needs_a_journal_of_its_own() {
    let scratch = Scratch::new();
    let journal = scratch.path("journal");
    attreg(CAMPAIGN.iter().copied().chain(["--shard", "1/2"])).assert_usage("--journal");
    for bad in ["0/2", "3/2", "2", "x/2"] {
        shard(bad, &journal, &[]).assert_usage("1 <= I <= K");
    }
    shard("1/2", &journal, &["--json"]).assert_usage("--json");
    assert_eq!(shard("1/2", &journal, &[]).status, 0);
    shard("2/2", &journal, &["--resume"]).assert_refused("the journal is of shard 1/2, not of 2/2");
}
