//! Integers of a JSON text that f64 does not have. The parser hands over the nearest f64 without a word.

use crate::instance::files::integer;

/// The first integer (digits without point or exponent) that f64 does not have, with its place: `matrix[0][2]`. The text
/// is JSON; anything else gives some answer.
pub(super) fn first(text: &str) -> Option<(String, &str)> {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => at = end_of_string(bytes, at),
            b'-' | b'0'..=b'9' => {
                let end = end_of_number(bytes, at);
                let number = &text[at..end];
                if integer::is_integer(number) && !integer::is_exact(number) {
                    return Some((place_of(text, at), number));
                }
                at = end;
            }
            _ => at += 1,
        }
    }
    None
}

/// Behind the closing quote of the string that begins here.
fn end_of_string(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// Behind the number that begins here.
fn end_of_number(bytes: &[u8], start: usize) -> usize {
    let part = |byte: &u8| byte.is_ascii_digit() || b"+-.eE".contains(byte);
    start + bytes[start..].iter().take_while(|byte| part(byte)).count()
}

/// One level on the way to a value.
enum Step<'a> {
    Index(usize),
    /// The key as it is written.
    Key(&'a str),
}

/// The way to what stands at this byte: `second[0].third`.
fn place_of(text: &str, target: usize) -> String {
    let bytes = text.as_bytes();
    let mut steps: Vec<Step> = Vec::new();
    let mut expects_key = false;
    let mut at = 0;
    while at < target {
        let byte = bytes[at];
        at += 1;
        match byte {
            b'"' => {
                let end = end_of_string(bytes, at - 1);
                if expects_key && let Some(Step::Key(key)) = steps.last_mut() {
                    *key = text.get(at..end - 1).unwrap_or_default();
                    expects_key = false;
                }
                at = end;
            }
            b'[' => {
                steps.push(Step::Index(0));
                expects_key = false;
            }
            b'{' => {
                steps.push(Step::Key(""));
                expects_key = true;
            }
            b']' | b'}' => {
                steps.pop();
                expects_key = false;
            }
            b',' => match steps.last_mut() {
                Some(Step::Index(index)) => *index += 1,
                Some(Step::Key(_)) => expects_key = true,
                None => {}
            },
            _ => {}
        }
    }
    let mut place = String::new();
    for step in &steps {
        match step {
            Step::Index(index) => place.push_str(&format!("[{index}]")),
            Step::Key(key) if place.is_empty() => place.push_str(key),
            Step::Key(key) => place.push_str(&format!(".{key}")),
        }
    }
    place
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Option<(String, &str)> {
        // The scanner may rely on this.
        assert!(serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok());
        first(text)
    }

    #[test]
    fn the_first_integer_that_f64_has_not_is_found_with_its_place() {
        let rounded = "9007199254740993";
        for (text, place) in [
            ("9007199254740993", ""),
            ("[1, -2.5e3, 9007199254740993]", "[2]"),
            ("{\"a\": [[1, 2], [3, 9007199254740993]]}", "a[1][1]"),
            (
                "{\"a\": {\"x\": 1}, \"b\\\"[,\": {\"c\": [{}, [], \"],\", 9007199254740993]}}",
                "b\\\"[,.c[3]",
            ),
        ] {
            assert_eq!(found(text), Some((place.to_owned(), rounded)), "{text}");
        }
        let negative = "{\"é\": -18446744073709551617}";
        let expected = ("é".to_owned(), "-18446744073709551617");
        assert_eq!(found(negative), Some(expected));
    }

    #[test]
    fn what_is_exact_or_no_integer_is_passed_over() {
        for text in [
            "[1152921504606846976, -9007199254740992]",
            "[9007199254740993.0, 9007199254740993e0, 0.9007199254740993, 1E+9007199254740993]",
            "{\"9007199254740993\": \"9007199254740993 \\\" 9007199254740993\"}",
        ] {
            let parsed = text.contains("1E+");
            let result = if parsed { first(text) } else { found(text) };
            assert_eq!(result, None, "{text}");
        }
    }

    quickcheck::quickcheck! {
        fn any_text_gives_an_answer(text: String) -> bool {
            first(&text).is_none_or(|(_, number)| text.contains(number))
        }
    }
}
