//! JUnit XML, the format that continuous integration reads: a test case per instance and quantity.

use crate::judge::kit::{Row, Suite};

/// The whole report.
pub(super) fn render(suite: &Suite) -> String {
    let cases: Vec<Case> = suite.instances.iter().flat_map(cases).collect();
    let failures = cases.iter().filter(|case| case.failure.is_some()).count();
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n<testsuite name=\"attreg conformance\" tests=\"{}\" failures=\"{failures}\" errors=\"0\">\n",
        cases.len()
    );
    for case in cases {
        let opening = format!(
            "<testcase classname=\"{}\" name=\"{}\"",
            escaped(&case.instance),
            escaped(&case.name)
        );
        match case.failure {
            None => text.push_str(&format!("{opening}/>\n")),
            Some(message) => text.push_str(&format!(
                "{opening}><failure message=\"{}\"/></testcase>\n",
                escaped(&message)
            )),
        }
    }
    text.push_str("</testsuite>\n</testsuites>\n");
    text
}

struct Case {
    instance: String,
    name: String,
    failure: Option<String>,
}

fn cases(row: &Row) -> Vec<Case> {
    let case = |name: &str, failure| Case {
        instance: row.id.clone(),
        name: name.to_owned(),
        failure,
    };
    let Some(verdict) = &row.verdict else {
        return vec![case("answer", row.message.clone())];
    };
    verdict
        .scores()
        .map(|(name, score)| {
            let failure = (!score.passed).then(|| {
                let explained: Vec<String> = verdict
                    .diagnosis
                    .iter()
                    .filter(|diagnosis| diagnosis.quantities.contains(&name))
                    .map(|diagnosis| format!("; {}: {}", diagnosis.id, diagnosis.text))
                    .collect();
                format!(
                    "{} digits, {} required; worst {}{}: answer {}, oracle {}{}",
                    score.digits,
                    score.required,
                    name,
                    score.worst.place(),
                    score.worst.answer,
                    score.worst.oracle,
                    explained.concat()
                )
            });
            case(name, failure)
        })
        .collect()
}

fn escaped(text: &str) -> String {
    text.chars()
        .map(|letter| match letter {
            '&' => "&amp;".to_owned(),
            '<' => "&lt;".to_owned(),
            '>' => "&gt;".to_owned(),
            '"' => "&quot;".to_owned(),
            // XML 1.0 has no place for other control characters.
            letter if letter.is_control() => " ".to_owned(),
            letter => letter.to_string(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_break_out_of_an_attribute() {
        assert_eq!(
            escaped("a<b & \"c\">\u{1}\n"),
            "a&lt;b &amp; &quot;c&quot;&gt;  "
        );
    }
}
