//! The part of Python's literals that npy headers are made of: texts, integers, True and False, tuples, lists and
//! dictionaries with texts for keys.

/// A type of records within records nests this deep; nothing that is read does.
const DEEPEST_NESTING: usize = 8;

/// A value of the header.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Literal {
    /// Text in either kind of quotes, without escapes.
    Text(String),
    /// An integer that is not negative; `None` where u64 cannot hold it.
    Integer(Option<u64>),
    /// True or False.
    Truth(bool),
    /// A tuple or a list.
    Sequence(Vec<Literal>),
    /// Pairs in their order.
    Dictionary(Vec<(String, Literal)>),
}

/// The one value that `text` holds. Messages go on where "npy header" ends.
pub(super) fn parse(text: &[u8]) -> Result<Literal, String> {
    let mut parser = Parser { rest: text };
    let value = parser.value(0)?;
    match parser.peek() {
        None => Ok(value),
        Some(_) => Err(parser.unexpected("the end")),
    }
}

struct Parser<'a> {
    rest: &'a [u8],
}

impl Parser<'_> {
    /// The next byte that is no blank, without taking it.
    fn peek(&mut self) -> Option<u8> {
        self.rest = self.rest.trim_ascii_start();
        self.rest.first().copied()
    }

    /// Takes the next byte if it is this one.
    fn took(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        if found {
            self.rest = &self.rest[1..];
        }
        found
    }

    fn unexpected(&mut self, expected: &str) -> String {
        match self.peek() {
            None => format!("ends where {expected} is expected"),
            Some(byte) => format!(
                "contains '{}' where {expected} is expected",
                byte.escape_ascii()
            ),
        }
    }

    fn value(&mut self, depth: usize) -> Result<Literal, String> {
        if depth > DEEPEST_NESTING {
            return Err("nests too deeply for a plain array".to_owned());
        }
        match self.peek() {
            Some(b'\'' | b'"') => Ok(Literal::Text(self.text()?)),
            Some(b'0'..=b'9') => Ok(Literal::Integer(self.integer())),
            Some(b'(') => self.sequence(b')', depth),
            Some(b'[') => self.sequence(b']', depth),
            Some(b'{') => self.dictionary(depth),
            _ => match (self.word("True"), self.word("False")) {
                (true, _) => Ok(Literal::Truth(true)),
                (_, true) => Ok(Literal::Truth(false)),
                _ => Err(self.unexpected("a value")),
            },
        }
    }

    fn word(&mut self, word: &str) -> bool {
        match self.rest.strip_prefix(word.as_bytes()) {
            Some(rest) if !rest.first().is_some_and(u8::is_ascii_alphanumeric) => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    /// Stands before a quote.
    fn text(&mut self) -> Result<String, String> {
        let [quote, rest @ ..] = self.rest else {
            return Err(self.unexpected("a text"));
        };
        let end = rest.iter().position(|byte| byte == quote);
        let inside = &rest[..end.ok_or("ends inside a text")?];
        if inside.contains(&b'\\') {
            return Err("contains a backslash".to_owned());
        }
        self.rest = &rest[inside.len() + 1..];
        String::from_utf8(inside.to_vec()).map_err(|_| "is not text".to_owned())
    }

    fn integer(&mut self) -> Option<u64> {
        let mut value = Some(0u64);
        while let [digit @ b'0'..=b'9', rest @ ..] = self.rest {
            value = value
                .and_then(|value| value.checked_mul(10))
                .and_then(|ten| ten.checked_add(u64::from(digit - b'0')));
            self.rest = rest;
        }
        // Python 2 wrote long integers as 3L.
        self.rest = self.rest.strip_prefix(b"L").unwrap_or(self.rest);
        value
    }

    /// Stands before the opening bracket. A comma may follow the last item.
    fn sequence(&mut self, close: u8, depth: usize) -> Result<Literal, String> {
        self.rest = &self.rest[1..];
        let mut items = Vec::new();
        loop {
            if self.took(close) {
                return Ok(Literal::Sequence(items));
            }
            items.push(self.value(depth + 1)?);
            if !self.took(b',') && self.peek() != Some(close) {
                return Err(self.unexpected("',' or a closing bracket"));
            }
        }
    }

    fn dictionary(&mut self, depth: usize) -> Result<Literal, String> {
        self.rest = &self.rest[1..];
        let mut entries = Vec::new();
        loop {
            if self.took(b'}') {
                return Ok(Literal::Dictionary(entries));
            }
            if !matches!(self.peek(), Some(b'\'' | b'"')) {
                return Err(self.unexpected("a key"));
            }
            let key = self.text()?;
            if !self.took(b':') {
                return Err(self.unexpected("':'"));
            }
            entries.push((key, self.value(depth + 1)?));
            if !self.took(b',') && self.peek() != Some(b'}') {
                return Err(self.unexpected("',' or '}'"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_numpy_writes_is_read() {
        let text = b"{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3L), }   \n";
        let side = |value| Literal::Integer(Some(value));
        let expected = [
            ("descr", Literal::Text("<f8".to_owned())),
            ("fortran_order", Literal::Truth(false)),
            ("shape", Literal::Sequence(vec![side(2), side(3)])),
        ];
        let expected = expected.map(|(key, value)| (key.to_owned(), value));
        assert_eq!(parse(text), Ok(Literal::Dictionary(expected.into())));
        assert_eq!(parse(b"()"), Ok(Literal::Sequence(Vec::new())));
        assert_eq!(parse(b"\"it's\""), Ok(Literal::Text("it's".to_owned())));
        assert_eq!(parse(b"18446744073709551615"), Ok(side(u64::MAX)));
        assert_eq!(parse(b"18446744073709551616"), Ok(Literal::Integer(None)));
    }

    #[test]
    fn what_is_no_literal_is_named() {
        for (text, expected) in [
            ("", "ends where a value is expected"),
            ("(1 2)", "contains '2' where ',' or a closing bracket"),
            ("(1", "ends where ',' or a closing bracket is expected"),
            ("(-1,)", "contains '-' where a value is expected"),
            ("0x1F", "contains 'x' where the end is expected"),
            ("Truely", "contains 'T' where a value is expected"),
            ("{1: 2}", "contains '1' where a key is expected"),
            ("{'a' 2}", "contains '2' where ':' is expected"),
            ("'ab", "ends inside a text"),
            ("'a\\''", "contains a backslash"),
        ] {
            let found = parse(text.as_bytes()).unwrap_err();
            assert!(found.starts_with(expected), "{text}: {found}");
        }
    }

    /// Eight within each other are read, nine are not, and a file full of brackets costs no stack.
    #[test]
    fn literals_may_nest_eight_deep() {
        let nested = |depth: usize| format!("{}1{}", "(".repeat(depth), ",)".repeat(depth));
        assert!(parse(nested(8).as_bytes()).is_ok());
        let expected = Err("nests too deeply for a plain array".to_owned());
        assert_eq!(parse(nested(9).as_bytes()), expected);
        assert_eq!(parse("[".repeat(10_000).as_bytes()), expected);
        assert_eq!(parse("{'a':".repeat(2_000).as_bytes()), expected);
    }
}
