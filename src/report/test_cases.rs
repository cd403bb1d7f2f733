//! Claims as test cases.

use crate::campaign::{ClaimRecord, Tally};
use crate::report::junit::{Ending, TestCase};
use crate::report::{Look, failure_block};

/// One case for each claim: failed, with the failure block, where the verdict differs from the record; skipped where nothing
/// was decided (instances of somebody's own outside the premise, a campaign that was stopped).
pub fn test_cases(records: &[ClaimRecord], seed: u64, cases: Option<usize>) -> Vec<TestCase> {
    let case = |record: &ClaimRecord| {
        let (class, name) = record.id.split_once('/').unwrap_or(("", record.id));
        TestCase {
            class: class.to_owned(),
            name: name.to_owned(),
            ending: ending(record, seed, cases),
        }
    };
    records.iter().map(case).collect()
}

fn ending(record: &ClaimRecord, seed: u64, cases: Option<usize>) -> Ending {
    if !record.as_recorded() {
        return Ending::Failed {
            message: format!(
                "recorded {}, verdict {}",
                record.expected.as_str(),
                record.verdict().as_str()
            ),
            details: failure_block(record, seed, cases, Look::PLAIN),
        };
    }
    if record.unfinished > 0 {
        return Ending::Skipped(format!(
            "interrupted: {} cases or certificates were not begun",
            record.unfinished
        ));
    }
    match record.verdict() {
        Tally::Proven | Tally::Holds | Tally::Fails => Ending::Passed,
        Tally::Outside => {
            let reasons: Vec<String> = record
                .outside
                .iter()
                .map(|(reason, count)| format!("{} ({count})", reason.as_str()))
                .collect();
            Ending::Skipped(format!("outside the premise: {}", reasons.join(", ")))
        }
        Tally::Undecided => Ending::Skipped(format!(
            "undecided: {}",
            record.undecided_reason.as_deref().unwrap_or_default()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claims;

    fn record(id: &str) -> ClaimRecord {
        let catalogue = claims::all();
        let claim = catalogue.iter().find(|claim| claim.id == id);
        ClaimRecord::new(claim.expect("a claim of this name"))
    }

    #[test]
    fn what_was_not_decided_is_skipped_and_what_differs_fails() {
        let id = "dls23/gradient-corrected";
        let untouched = record(id);
        let mut stopped = record(id);
        stopped.unfinished = 3;
        let mut decided = record(id);
        decided.cases = 1;
        let mut wrong = record(id);
        (wrong.cases, wrong.failed) = (2, 1);
        let mut chosen = record(id);
        chosen.chosen = true;
        let found = test_cases(&[untouched, stopped, decided, wrong, chosen], 7, Some(4));
        assert!(found.iter().all(
            |case| (case.class.as_str(), case.name.as_str()) == ("dls23", "gradient-corrected")
        ));
        // Nothing was tried, although nobody stopped it: that is no agreement with the record.
        assert!(matches!(found[0].ending, Ending::Failed { .. }));
        let skipped = "interrupted: 3 cases or certificates were not begun";
        assert_eq!(found[1].ending, Ending::Skipped(skipped.to_owned()));
        assert_eq!(found[2].ending, Ending::Passed);
        let Ending::Failed { message, details } = &found[3].ending else {
            panic!("{:?}", found[3]);
        };
        assert_eq!(message, "recorded holds, verdict fails");
        assert!(details.ends_with("attreg verify dls23/gradient-corrected --seed 7 --cases 4\n"));
        assert!(matches!(&found[4].ending, Ending::Skipped(_)));
    }
}
