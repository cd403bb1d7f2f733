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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::{Diagnosis, Score, Worst};

    /// Two quantities that fail, one of them explained, and one that passes: every failure says what is known of it and nothing else.
    #[test]
    fn a_failure_is_explained_by_what_is_known_of_it() {
        let score = |passed| Score {
            digits: 3.0,
            exact: false,
            required: 12.0,
            reason: String::new(),
            passed,
            worst: Worst {
                entry: vec![1],
                name: None,
                answer: "2".to_owned(),
                oracle: "1".to_owned(),
            },
            entry: None,
        };
        let verdict = Judgement {
            loss: Some(score(false)),
            gradient: Some(score(false)),
            minimiser: Some(score(true)),
            diagnosis: vec![Diagnosis {
                id: "E13",
                quantities: vec!["gradient", "hessian"],
                text: "no ridge".to_owned(),
            }],
            ..Judgement::default()
        };
        let cases = of_verdict("a", &verdict);
        let endings: Vec<(&str, &Ending)> = cases
            .iter()
            .map(|case| (case.name.as_str(), &case.ending))
            .collect();
        let line = |name: &str, more: &str| {
            failed(format!(
                "3 digits, 12 required; worst {name}[1]: answer 2, oracle 1{more}"
            ))
        };
        let (loss, gradient) = (line("loss", ""), line("gradient", "; E13: no ridge"));
        assert_eq!(
            endings,
            [
                ("loss", &loss),
                ("gradient", &gradient),
                ("minimiser", &Ending::Passed)
            ]
        );
    }
}
