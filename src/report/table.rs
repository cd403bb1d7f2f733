//! The aligned table of verdicts, grouped by paper.

use std::fmt::Write as _;

use crate::campaign::ClaimRecord;
use crate::claims::{Claim, Paper};

/// A number for people: three significant digits, `-` where nothing was compared.
pub fn number(value: f64) -> String {
    if !value.is_finite() {
        "-".to_owned()
    } else if (0.001..10_000.0).contains(&value) {
        format!("{value:.3}")
    } else {
        format!("{value:.2e}")
    }
}

/// One row per claim: recorded verdict, verdict, cases, how many of them outside the premise and undecided, how many of the
/// real attention heads are inside the premise, slack (allowed / observed in the tightest case) and where the tightest case came from. A row that differs from the record
/// is marked with `!`, one that was not finished with `~`.
pub fn table(claims: &[&Claim], records: &[ClaimRecord]) -> String {
    let width = claims
        .iter()
        .map(|claim| claim.id.len())
        .max()
        .unwrap_or(5)
        .max(5);
    let mut text = String::new();
    for paper in Paper::ALL {
        let rows: Vec<(&&Claim, &ClaimRecord)> = claims
            .iter()
            .zip(records)
            .filter(|(claim, _)| claim.paper == paper)
            .collect();
        if rows.is_empty() {
            continue;
        }
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{}", paper.title());
        let _ = writeln!(
            text,
            "  {:<width$}  {:<8}  {:<9}  {:>5}  {:>7}  {:>9}  {:>5}  {:>9}  tightest",
            "claim", "recorded", "verdict", "cases", "outside", "undecided", "real", "slack"
        );
        for (claim, record) in rows {
            let mark = match (record.as_recorded(), record.unfinished) {
                (false, _) => '!',
                (true, 0) => ' ',
                (true, _) => '~',
            };
            let real = match record.real {
                (_, 0) => "-".to_owned(),
                (inside, all) => format!("{inside}/{all}"),
            };
            let tightest = record
                .tightest
                .as_ref()
                .map_or_else(|| "-".to_owned(), ToString::to_string);
            let _ = writeln!(
                text,
                "{mark} {:<width$}  {:<8}  {:<9}  {:>5}  {:>7}  {:>9}  {real:>5}  {:>9}  {tightest}",
                claim.id,
                claim.recorded(),
                record.verdict().as_str(),
                record.cases,
                record.outside_total(),
                record.undecided,
                number(record.slack),
            );
        }
        text.push('\n');
    }
    text
}
