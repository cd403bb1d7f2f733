//! What is said of a verdict that differs from the record: where, both values, the allowance, and how to re-run it.

use std::fmt::Write as _;

use crate::campaign::{ClaimRecord, Tally};
use crate::report::number;

/// The block for one record that differs, with the command that runs the claim again.
pub fn failure_block(record: &ClaimRecord, seed: u64, cases: Option<usize>) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(
        text,
        "DIFFERS {}: recorded {}, verdict {}",
        record.id,
        record.expected.as_str(),
        record.verdict().as_str()
    );
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
            "  case      {} (n = {}, d = {}), {} of {} cases fail",
            failure.origin,
            failure.instance.rows(),
            failure.instance.columns(),
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
    let cases = cases.map_or_else(String::new, |cases| format!(" --cases {cases}"));
    let _ = writeln!(
        text,
        "  re-run    attreg verify {} --seed {seed}{cases}",
        record.id
    );
    text
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

/// One line: how many claims, how many hold and fail as recorded, how many differ, and the seed; before it, where the
/// campaign was stopped, how much was left undone.
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
    format!(
        "{interrupted}{} claims, {cases} cases: {} proven, {} hold, {} fail as recorded, {silent}{differ} differ from the record (seed {seed})",
        records.len(),
        count(Tally::Proven),
        count(Tally::Holds),
        count(Tally::Fails),
    )
}
