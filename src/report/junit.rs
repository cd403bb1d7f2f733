//! JUnit XML, the format that continuous integration reads.

/// How a test case ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// As it should.
    Passed,
    /// Nothing was decided, because of this.
    Skipped(String),
    /// Not as it should: one line for the overview, and everything there is to say.
    Failed {
        /// One line.
        message: String,
        /// As many lines as it takes; may be empty.
        details: String,
    },
}

/// One test case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestCase {
    /// The group that it belongs to.
    pub class: String,
    /// Its name within the group.
    pub name: String,
    /// How it ended.
    pub ending: Ending,
}

/// The report on these cases, as one suite of this name.
pub fn junit(suite: &str, cases: &[TestCase]) -> String {
    let count = |wanted: fn(&Ending) -> bool| {
        let endings = cases.iter().map(|case| &case.ending);
        endings.filter(|ending| wanted(ending)).count()
    };
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n<testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"{}\">\n",
        attribute(suite),
        cases.len(),
        count(|ending| matches!(ending, Ending::Failed { .. })),
        count(|ending| matches!(ending, Ending::Skipped(_))),
    );
    for case in cases {
        let opening = format!(
            "<testcase classname=\"{}\" name=\"{}\"",
            attribute(&case.class),
            attribute(&case.name)
        );
        let inside = match &case.ending {
            Ending::Passed => {
                text.push_str(&format!("{opening}/>\n"));
                continue;
            }
            Ending::Skipped(reason) => format!("<skipped message=\"{}\"/>", attribute(reason)),
            Ending::Failed { message, details } if details.is_empty() => {
                format!("<failure message=\"{}\"/>", attribute(message))
            }
            Ending::Failed { message, details } => format!(
                "<failure message=\"{}\">{}</failure>",
                attribute(message),
                content(details)
            ),
        };
        text.push_str(&format!("{opening}>{inside}</testcase>\n"));
    }
    text.push_str("</testsuite>\n</testsuites>\n");
    text
}

/// Text as it may stand in an attribute; ends of lines become blanks there for every reader of XML.
fn attribute(text: &str) -> String {
    text.chars()
        .map(|letter| match letter {
            '\n' | '\t' => " ".to_owned(),
            letter => escaped(letter),
        })
        .collect()
}

/// Text as it may stand between tags.
fn content(text: &str) -> String {
    text.chars().map(escaped).collect()
}

fn escaped(letter: char) -> String {
    match letter {
        '&' => "&amp;".to_owned(),
        '<' => "&lt;".to_owned(),
        '>' => "&gt;".to_owned(),
        '"' => "&quot;".to_owned(),
        '\n' | '\t' => letter.to_string(),
        // XML 1.0 has no place for other control characters, nor for these two.
        letter if letter.is_control() || matches!(letter, '\u{fffe}' | '\u{ffff}') => {
            " ".to_owned()
        }
        letter => letter.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_break_out_of_an_attribute() {
        assert_eq!(
            attribute("a<b & \"c\">\u{1}\n"),
            "a&lt;b &amp; &quot;c&quot;&gt;  "
        );
    }

    #[test]
    fn text_between_tags_keeps_its_lines() {
        assert_eq!(
            content("||B|| <= 1\n\tat [0]\u{1b}]]>\u{ffff}"),
            "||B|| &lt;= 1\n\tat [0] ]]&gt; "
        );
    }

    /// Written out by hand after the schema that Jenkins and others read.
    #[test]
    fn every_ending_is_counted_and_written() {
        let case = |name: &str, ending| TestCase {
            class: "a".to_owned(),
            name: name.to_owned(),
            ending,
        };
        let failed = |details: &str| Ending::Failed {
            message: "no".to_owned(),
            details: details.to_owned(),
        };
        let cases = [
            case("b", Ending::Passed),
            case("c", failed("")),
            case("d", failed("1\n2")),
            case("e", Ending::Skipped("why".to_owned())),
        ];
        let expected = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n\
            <testsuite name=\"s\" tests=\"4\" failures=\"2\" errors=\"0\" skipped=\"1\">\n\
            <testcase classname=\"a\" name=\"b\"/>\n\
            <testcase classname=\"a\" name=\"c\"><failure message=\"no\"/></testcase>\n\
            <testcase classname=\"a\" name=\"d\"><failure message=\"no\">1\n2</failure></testcase>\n\
            <testcase classname=\"a\" name=\"e\"><skipped message=\"why\"/></testcase>\n\
            </testsuite>\n</testsuites>\n";
        assert_eq!(junit("s", &cases), expected);
    }
}
