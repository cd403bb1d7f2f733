//! Scores as test cases: one for each instance and quantity.

use crate::judge::Judgement;
use crate::judge::kit::{Row, Suite};
use crate::report::{Ending, TestCase};

/// The cases of a whole suite.
pub(super) fn of_suite(suite: &Suite) -> Vec<TestCase> {
    suite.instances.iter().flat_map(of_row).collect()
}

fn of_row(row: &Row) -> Vec<TestCase> {
    match &row.verdict {
        Some(verdict) => of_verdict(&row.id, verdict),
        None => vec![TestCase {
            class: row.id.clone(),
            name: "answer".to_owned(),
            ending: failed(row.message.clone().unwrap_or_default()),
        }],
    }
}

/// The cases of one answer; the instance is their class.
pub(super) fn of_verdict(instance: &str, verdict: &Judgement) -> Vec<TestCase> {
    let approximation = verdict.approximation.iter().map(|found| TestCase {
        class: instance.to_owned(),
        name: "approximation".to_owned(),
        ending: if found.passed {
            Ending::Passed
        } else {
            failed(found.reason.clone())
        },
    });
    let scores = verdict.scores();
    scores
        .map(|(name, score)| TestCase {
            class: instance.to_owned(),
            name: name.to_owned(),
            ending: if score.passed {
                Ending::Passed
            } else {
                let explained: Vec<String> = verdict
                    .diagnosis
                    .iter()
                    .filter(|diagnosis| diagnosis.quantities.contains(&name))
                    .map(|diagnosis| format!("; {}: {}", diagnosis.id, diagnosis.text))
                    .collect();
                failed(format!(
                    "{} digits, {} required; worst {}{}: answer {}, oracle {}{}",
                    score.digits,
                    score.required,
                    name,
                    score.worst.place(),
                    score.worst.answer,
                    score.worst.oracle,
                    explained.concat()
                ))
            },
        })
        .chain(approximation)
        .collect()
}

fn failed(message: String) -> Ending {
    Ending::Failed {
        message,
        details: String::new(),
    }
}
