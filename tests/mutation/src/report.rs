//! The figures of a journal, as Markdown and as JSON.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Serialize;

use crate::interval::clopper_pearson;
use crate::journal::{Entry, Header, Tier, Verdict};

/// What a journal amounts to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    pub run: Header,
    /// With a final verdict.
    pub decided: usize,
    pub unviable: usize,
    pub not_run: usize,
    pub caught_by_unit_tests: usize,
    pub caught_by_integration_tests: usize,
    pub timed_out: usize,
    pub survived: usize,
    pub unreached: usize,
    /// Caught and timed out.
    pub detected: usize,
    /// Detected, survived and unreached.
    pub viable: usize,
    /// Detected of viable; none before the run is finished, since what is noticed is decided first.
    pub score: Option<f64>,
    /// 95 %, Clopper and Pearson; as `score`.
    pub interval: Option<(f64, f64)>,
    pub survivors: Vec<String>,
    pub unreached_names: Vec<String>,
    pub not_run_names: Vec<String>,
    pub timed_out_names: Vec<String>,
}

/// Counts the entries.
pub fn summary(run: &Header, entries: &BTreeMap<String, Entry>) -> Summary {
    let named = |verdict: Verdict| -> Vec<String> {
        entries
            .values()
            .filter(|entry| entry.verdict == verdict)
            .map(|entry| entry.name.clone())
            .collect()
    };
    let caught = |tier: Tier| {
        entries
            .values()
            .filter(|entry| entry.verdict == Verdict::Caught && entry.tier == Some(tier))
            .count()
    };
    let survivors = named(Verdict::Survived);
    let unreached_names = named(Verdict::Unreached);
    let not_run_names = named(Verdict::NotRun);
    let timed_out_names = named(Verdict::TimedOut);
    let (unit, integration) = (caught(Tier::Unit), caught(Tier::Integration));
    let detected = unit + integration + timed_out_names.len();
    let viable = detected + survivors.len() + unreached_names.len();
    let decided = entries.len() - named(Verdict::UnitTestsPass).len();
    let finished = decided == run.sampled;
    Summary {
        run: run.clone(),
        decided,
        unviable: named(Verdict::Unviable).len(),
        not_run: not_run_names.len(),
        caught_by_unit_tests: unit,
        caught_by_integration_tests: integration,
        timed_out: timed_out_names.len(),
        survived: survivors.len(),
        unreached: unreached_names.len(),
        detected,
        viable,
        score: (finished && viable > 0).then(|| detected as f64 / viable as f64),
        interval: clopper_pearson(detected, viable).filter(|_| finished),
        survivors,
        unreached_names,
        not_run_names,
        timed_out_names,
    }
}

/// The summaries as a table and lists of names.
pub fn markdown(summaries: &[Summary]) -> String {
    let mut text = String::from(
        "| area | mutants | run | unviable | not run | caught by unit tests | by integration tests | timed out | survived | unreached | caught / viable | 95 % |\n\
         |---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|\n",
    );
    for one in summaries {
        let percent = |value: f64| format!("{:.1} %", 100.0 * value);
        let score = one.score.map_or_else(|| "-".to_owned(), percent);
        let interval = one.interval.map_or_else(
            || "-".to_owned(),
            |(low, high)| format!("{} to {}", percent(low), percent(high)),
        );
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} / {} = {score} | {interval} |",
            one.run.area,
            one.run.total,
            one.decided,
            one.unviable,
            one.not_run,
            one.caught_by_unit_tests,
            one.caught_by_integration_tests,
            one.timed_out,
            one.survived,
            one.unreached,
            one.detected,
            one.viable,
        );
    }
    for one in summaries {
        let area = &one.run.area;
        let sample = one.run.seed.map_or_else(
            || "all mutants of the area".to_owned(),
            |seed| format!("a sample of {} with seed {seed}", one.run.sampled),
        );
        let _ = writeln!(text, "\n`{area}`: {sample}.");
        if one.decided < one.run.sampled {
            let _ = writeln!(
                text,
                "\nNot finished: {} of {} mutants have a verdict.",
                one.decided, one.run.sampled
            );
        }
        for (title, names) in [
            ("Survived", &one.survivors),
            ("No test reaches", &one.unreached_names),
            ("Timed out", &one.timed_out_names),
            ("Not run", &one.not_run_names),
        ] {
            if !names.is_empty() {
                let _ = writeln!(text, "\n{title} (`{area}`, {}):\n", names.len());
                for name in names {
                    let _ = writeln!(text, "- `{name}`");
                }
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unfinished_run_has_no_score() {
        let run = Header {
            area: "parser".to_owned(),
            total: 2,
            sampled: 2,
            seed: None,
            features: None,
            excluded_tests: Vec::new(),
            only_unit_tests: false,
        };
        let entries =
            [("a", Verdict::Caught), ("b", Verdict::UnitTestsPass)].map(|(name, verdict)| {
                let entry = Entry {
                    name: name.to_owned(),
                    verdict,
                    tier: Some(Tier::Unit),
                    by: None,
                    seconds: 0.0,
                };
                (name.to_owned(), entry)
            });
        let summary = summary(&run, &BTreeMap::from(entries));
        assert_eq!((summary.decided, summary.score), (1, None));
        assert!(markdown(&[summary]).contains("Not finished: 1 of 2"));
    }

    #[test]
    fn unviable_mutants_do_not_count() {
        let run = Header {
            area: "parser".to_owned(),
            total: 6,
            sampled: 6,
            seed: None,
            features: None,
            excluded_tests: Vec::new(),
            only_unit_tests: false,
        };
        let entries = [
            ("a", Verdict::Caught, Some(Tier::Unit)),
            ("b", Verdict::Caught, Some(Tier::Integration)),
            ("c", Verdict::TimedOut, Some(Tier::Unit)),
            ("d", Verdict::Survived, None),
            ("e", Verdict::Unviable, None),
            ("f", Verdict::NotRun, None),
        ]
        .map(|(name, verdict, tier)| {
            let entry = Entry {
                name: name.to_owned(),
                verdict,
                tier,
                by: None,
                seconds: 0.0,
            };
            (name.to_owned(), entry)
        });
        let summary = summary(&run, &BTreeMap::from(entries));
        assert_eq!((summary.detected, summary.viable), (3, 4));
        assert_eq!(summary.score, Some(0.75));
        assert_eq!(summary.survivors, ["d"]);
        let text = markdown(&[summary]);
        assert!(!text.contains("Not finished"));
        assert!(text.contains("| parser | 6 | 6 | 1 | 1 | 1 | 1 | 1 | 1 | 0 | 3 / 4 = 75.0 % |"));
    }
}
