//! What is said of a verdict that differs from the record: where, both values, the allowance, and how to re-run it.

use std::fmt::Write as _;

use crate::campaign::{ClaimRecord, Tally};
use crate::claims::{Expected, Origin};
use crate::report::{Counts, Look, number};

/// The block for one record that differs, with the command that runs the claim again.
pub fn failure_block(record: &ClaimRecord, seed: u64, cases: Option<usize>, look: Look) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let differs = format!(
        "DIFFERS {}: recorded {}, verdict {}",
        record.id,
        record.expected.as_str(),
        record.verdict().as_str()
    );
    let _ = writeln!(text, "{}", look.alarm(&differs));
    if record.witness_fails == Some(false) {
        let _ = writeln!(
            text,
            "  witness   the recorded witness does not fail any more"
        );
    }
    if let Some(Err(refusal)) = &record.proof {
        let _ = writeln!(text, "  certificate refused: {refusal}");
    }
    if let Some(failure) = &record.failure {
        let _ = writeln!(
            text,
            "  case      {} ({}), {} of {} cases fail",
            failure.origin,
            failure.instance.sizes_in_words(),
            record.failed,
            record.cases
        );
        let _ = writeln!(
            text,
            "  {}: observed {}, allowed {}, allowed / observed = {}",
            failure.finding.quantity,
            failure.finding.observed,
            failure.finding.allowed,
            number(failure.finding.slack)
        );
        let _ = writeln!(text, "  granted   {}", failure.finding.granted);
    }
    if record.verdict() == Tally::Outside {
        let reasons: Vec<String> = record
            .outside
            .iter()
            .map(|(reason, count)| format!("{} ({count})", reason.as_str()))
            .collect();
        let _ = writeln!(text, "  outside   {}", reasons.join(", "));
    }
    if let Some(reason) = &record.undecided_reason {
        let _ = writeln!(
            text,
            "  undecided {} cases, the first: {reason}",
            record.undecided
        );
    }
    let chosen = match record.failure.as_ref().map(|failure| &failure.origin) {
        // One file is enough: no other case is drawn, and each is decided on its own.
        Some(Origin::File(name)) => format!(" --instance {}", shell_word(name)),
        _ => cases.map_or_else(String::new, |cases| format!(" --cases {cases}")),
    };
    let _ = writeln!(
        text,
        "  re-run    attreg verify {} --seed {seed}{chosen}",
        record.id
    );
    text
}

/// A file's name as one word of a POSIX shell: in single quotes unless every letter stands for itself.
fn shell_word(name: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-+=:,@%".contains(letter);
    if !name.is_empty() && name.chars().all(plain) {
        name.to_owned()
    } else {
        format!("'{}'", name.replace('\'', r"'\''"))
    }
}

/// Which strata the cases of one claim cover, one line: `condition 1e0 (12), ... n=1 (5)`.
pub fn strata(record: &ClaimRecord) -> String {
    if record.strata.is_empty() {
        return format!("{}: no case is inside the premise", record.id);
    }
    let parts: Vec<String> = record
        .strata
        .iter()
        .map(|(stratum, count)| format!("{stratum} ({count})"))
        .collect();
    format!("{}: inside the premise: {}", record.id, parts.join(", "))
}

/// The verdicts found just now, by where the wording comes from; a claim that nothing was decided about is in none.
pub fn decided(records: &[ClaimRecord]) -> Counts {
    Counts::of(records.iter().filter_map(|record| {
        let verdict = match record.verdict() {
            Tally::Proven | Tally::Holds => Expected::Holds,
            Tally::Fails => Expected::Fails,
            Tally::Outside | Tally::Undecided => return None,
        };
        Some((record.wording, verdict))
    }))
}

/// One line: how many claims, how many hold and fail as recorded, how many differ, and the seed; before it, where the
/// campaign was stopped, how much was left undone. A last line counts what was decided by where the wording comes from.
pub fn summary(records: &[ClaimRecord], seed: u64) -> String {
    let count = |tally: Tally| {
        records
            .iter()
            .filter(|record| record.as_recorded() && record.verdict() == tally)
            .count()
    };
    let differ = records
        .iter()
        .filter(|record| !record.as_recorded())
        .count();
    let cases: usize = records.iter().map(|record| record.cases).sum();
    // Only where somebody chose the instances or stopped the campaign can a claim be silent and yet not contradict the record.
    let silent = match count(Tally::Outside) + count(Tally::Undecided) {
        0 => String::new(),
        silent => format!("{silent} say nothing here, "),
    };
    let unfinished: Vec<usize> = records
        .iter()
        .map(|record| record.unfinished)
        .filter(|unfinished| *unfinished > 0)
        .collect();
    let interrupted = match unfinished.iter().sum::<usize>() {
        0 => String::new(),
        left => format!(
            "INTERRUPTED: {left} cases or certificates of {} claims were not begun (rows marked ~); what follows is what was finished\n",
            unfinished.len()
        ),
    };
    let by_wording = match decided(records).sentence() {
        sentence if sentence.is_empty() => sentence,
        sentence => format!("\n{sentence}"),
    };
    format!(
        "{interrupted}{} claims, {cases} cases: {} proven, {} hold, {} fail as recorded, {silent}{differ} differ from the record (seed {seed}){by_wording}",
        records.len(),
        count(Tally::Proven),
        count(Tally::Holds),
        count(Tally::Fails),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_blanks_or_quotes_stays_one_word() {
        assert_eq!(shell_word("a/b-1.json"), "a/b-1.json");
        assert_eq!(shell_word("my file.json"), "'my file.json'");
        assert_eq!(shell_word("it's"), r"'it'\''s'");
        assert_eq!(shell_word(""), "''");
    }
}
