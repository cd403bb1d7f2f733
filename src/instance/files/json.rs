//! JSON whose errors name the entry: `target[2] is NaN`, not only a line and a column. An integer that f64 does not have is
//! such an error, too.

use std::path::Path;

use serde::de::DeserializeOwned;

use super::source::BYTE_ORDER_MARK;
use crate::instance::InstanceError;
use crate::memory::reading::Reading;

mod rounded;

/// The version of what is written as JSON for other programs: reports, traces, conformance kits. It rises when a field is
/// renamed, leaves or changes its meaning; further fields leave it as it is.
pub const FORMAT_VERSION: u32 = 1;

/// Refuses a file that says it has another version of the format than [`FORMAT_VERSION`].
pub(crate) fn check_version(found: u32, name: &Path) -> Result<(), InstanceError> {
    if found == FORMAT_VERSION {
        return Ok(());
    }
    let message = format!("format_version is {found}: this program reads {FORMAT_VERSION}");
    Err(InstanceError::format(name, message))
}

/// Parses `text`; `name` is the file that messages mention. A byte order mark before it is skipped. An integer beyond 2^53
/// that f64 does not have is refused, wherever it stands: rounding it silently would pose another problem.
pub(crate) fn parse<T: DeserializeOwned>(text: &str, name: &Path) -> Result<T, InstanceError> {
    let value = parse_rounding(text, name)?;
    match rounded::first(text) {
        None => Ok(value),
        Some((place, integer)) => {
            let place = if place.is_empty() { "it" } else { &place };
            let message = format!(
                "{place} is {integer}, which no f64 is: write {integer}.0 if the nearest is meant"
            );
            Err(InstanceError::format(name, message))
        }
    }
}

/// [`parse`], where integers become the nearest f64 silently: for a first look at a text that is parsed again.
pub(crate) fn parse_rounding<T: DeserializeOwned>(
    text: &str,
    name: &Path,
) -> Result<T, InstanceError> {
    let _reading = Reading::begin(name);
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let entry = error.path().to_string();
        InstanceError::format(name, explain(&entry, error.inner(), text))
    })?;
    deserializer
        .end()
        .map_err(|error| InstanceError::format(name, explain(".", &error, text)))?;
    Ok(value)
}

/// [`parse`] of a JSON object; `what` is what messages call it. A derived reader would take a list for the fields in their
/// order, which nobody means.
pub(crate) fn parse_object<T: DeserializeOwned>(
    text: &str,
    name: &Path,
    what: &str,
) -> Result<T, InstanceError> {
    let begin = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    if begin.trim_start().starts_with('[') {
        let message = format!("{what} is a JSON object, not a list");
        return Err(InstanceError::format(name, message));
    }
    parse(text, name)
}

/// One line: which entry, what stands there, what is wrong with it.
fn explain(entry: &str, error: &serde_json::Error, text: &str) -> String {
    let place = match entry {
        "." | "?" => String::new(),
        entry => format!("{entry}: "),
    };
    let token = token_at(text, error.line(), error.column());
    if error.is_syntax() && is_not_finite(token) && !place.is_empty() {
        return format!(
            "{entry} is {token}: every entry must be a finite number (line {}, column {})",
            error.line(),
            error.column()
        );
    }
    if error.is_syntax() && !token.is_empty() {
        return format!("{place}{error}, found \"{token}\"");
    }
    format!("{place}{error}")
}

/// The word or number around a position that serde_json reported (line and column from 1, column in bytes).
fn token_at(text: &str, line: usize, column: usize) -> &str {
    let Some(line) = text.split('\n').nth(line.saturating_sub(1)) else {
        return "";
    };
    let bytes = line.as_bytes();
    let part_of_token = |i: usize| {
        bytes
            .get(i)
            .is_some_and(|byte| byte.is_ascii_alphanumeric() || b"+-._".contains(byte))
    };
    let mut start = column.saturating_sub(1).min(bytes.len());
    // The column may stand just behind the token: going back finds it.
    let mut end = start;
    while start > 0 && part_of_token(start - 1) {
        start -= 1;
    }
    while part_of_token(end) && end - start < 40 {
        end += 1;
    }
    // Tokens are ASCII, so these are character boundaries unless the token is empty.
    line.get(start..end).unwrap_or("")
}

/// Whether this is how some program writes a number that JSON or f64 cannot hold.
fn is_not_finite(token: &str) -> bool {
    token.parse::<f64>().is_ok_and(|value| !value.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> String {
        parse::<Vec<Vec<f64>>>(text, Path::new("a.json"))
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn a_number_that_f64_cannot_hold_is_named_with_its_entry() {
        let found = message("[[1, 2],\n [3, 1e400]]");
        assert!(found.starts_with("a.json: [1][1] is 1e400:"), "{found}");
        for word in ["NaN", "-Infinity", "nan", "-inf"] {
            let found = message(&format!("[[1, {word}]]"));
            assert!(
                found.starts_with(&format!("a.json: [0][1] is {word}:")),
                "{found}"
            );
        }
    }

    #[test]
    fn a_wrong_type_is_named_with_its_entry() {
        let found = message("[[1, 2], [3, \"x\"]]");
        assert!(found.starts_with("a.json: [1][1]: invalid type"), "{found}");
        assert!(message("[[1, 2], 3]").starts_with("a.json: [1]: "));
    }

    #[test]
    fn text_behind_the_value_and_text_that_ends_early_are_refused() {
        assert!(message("[[1]] 2").contains("trailing"));
        assert!(message("[[1], [2").contains("EOF"));
        assert!(message("").contains("EOF"));
    }

    #[test]
    fn a_missing_comma_is_not_mistaken_for_a_bad_number() {
        let found = message("[[1 2]]");
        assert!(found.contains("expected `,` or `]`"), "{found}");
    }

    #[test]
    fn an_integer_that_f64_has_not_is_named_with_the_cure() {
        assert_eq!(
            message("[[1, 2], [1152921504606846976, 9007199254740993]]"),
            "a.json: [1][1] is 9007199254740993, which no f64 is: write 9007199254740993.0 if the nearest is meant"
        );
        let nearest = parse::<Vec<f64>>("[9007199254740993.0]", Path::new("a.json"));
        assert_eq!(nearest.unwrap(), [9007199254740992.0]);
    }

    #[test]
    fn deep_nesting_is_an_error_and_not_a_stack_overflow() {
        assert!(!message(&"[".repeat(100_000)).is_empty());
    }

    quickcheck::quickcheck! {
        fn any_text_gives_a_value_or_one_line(text: String) -> bool {
            parse::<Vec<Vec<f64>>>(&text, Path::new("a.json")).map_or_else(|error| !error.to_string().contains('\n'), |_| true)
        }

        fn a_token_is_found_at_any_position(text: String, line: usize, column: usize) -> bool {
            token_at(&text, line, column).len() <= text.len()
        }
    }

    /// serde_json's message for a wrong type has the value in it already; a syntax error has only a place, and the word
    /// there is added if there is one.
    #[test]
    fn what_was_found_is_told_once_and_only_where_there_is_something() {
        let wrong_type = message("[[1, 2], [3, \"zz\"]]");
        assert_eq!(wrong_type.matches("zz").count(), 1, "{wrong_type}");
        assert!(!wrong_type.contains("found"), "{wrong_type}");
        let no_word = message("[[}");
        assert!(!no_word.contains("found"), "{no_word}");
        let word = message("[[1, two]]");
        assert!(word.ends_with(", found \"two\""), "{word}");
    }

    /// Worked out by hand: the column counts from 1 and may stand on the word or just behind it.
    #[test]
    fn the_word_around_a_place_is_found_from_each_of_its_letters() {
        let text = "[1,\n -1.5e+3, a_b]";
        for column in 2..=9 {
            assert_eq!(token_at(text, 2, column), "-1.5e+3", "{column}");
        }
        for column in 11..=14 {
            assert_eq!(token_at(text, 2, column), "a_b", "{column}");
        }
        assert_eq!(token_at(text, 1, 1), "");
        assert_eq!(token_at(text, 1, 2), "1");
        assert_eq!(token_at(text, 3, 1), "");
        assert_eq!(token_at(&"7".repeat(100), 1, 1), "7".repeat(40));
        assert_eq!(token_at(&"7".repeat(40), 1, 1), "7".repeat(40));
    }
}
