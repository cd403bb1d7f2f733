//! Numbered lines of bounded length. They end in LF, CR LF, or, if the first one does, in CR alone; a byte order mark before
//! the first is skipped.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use crate::instance::InstanceError;

/// The format allows 1024 characters; a file that is not text may have no line end at all.
const LONGEST_LINE: u64 = 1 << 16;

/// The current line of a file and its number.
pub(super) struct Lines<'a, R> {
    source: BufReader<R>,
    name: &'a Path,
    line: Vec<u8>,
    number: u64,
    /// The byte that ends lines; found out at the first.
    end: u8,
}

/// What Windows writes before UTF-8 text.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

impl<'a, R: Read> Lines<'a, R> {
    /// Stands before the first line.
    pub(super) fn new(source: BufReader<R>, name: &'a Path) -> Self {
        Self {
            source,
            name,
            line: Vec::new(),
            number: 0,
            end: b'\n',
        }
    }

    /// Moves to the next line; false at the end of the file.
    pub(super) fn next_line(&mut self) -> Result<bool, InstanceError> {
        self.line.clear();
        let read = if self.number == 0 {
            self.read_first()
        } else {
            (&mut self.source)
                .take(LONGEST_LINE)
                .read_until(self.end, &mut self.line)
        };
        let read = read.map_err(|error| InstanceError::io(self.name, error))?;
        if read == 0 {
            return Ok(false);
        }
        self.number += 1;
        if read as u64 == LONGEST_LINE && self.line.last() != Some(&self.end) {
            return Err(self.error(format!("line is longer than {LONGEST_LINE} bytes")));
        }
        if self.number == 1 && self.line.starts_with(BYTE_ORDER_MARK) {
            self.line.drain(..BYTE_ORDER_MARK.len());
        }
        Ok(true)
    }

    /// Reads the first line and finds out how lines end: in CR alone if no LF stands behind it.
    fn read_first(&mut self) -> std::io::Result<usize> {
        while (self.line.len() as u64) < LONGEST_LINE {
            let Some(byte) = self.source.fill_buf()?.first().copied() else {
                break;
            };
            if byte != b'\n' && self.line.last() == Some(&b'\r') {
                self.end = b'\r';
                break;
            }
            self.source.consume(1);
            self.line.push(byte);
            if byte == b'\n' {
                break;
            }
        }
        Ok(self.line.len())
    }

    /// Moves to the next line that is neither blank nor a comment; false at the end of the file.
    pub(super) fn next_data(&mut self) -> Result<bool, InstanceError> {
        while self.next_line()? {
            let first = self.line.iter().find(|byte| !byte.is_ascii_whitespace());
            if !matches!(first, None | Some(b'%')) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The current line.
    pub(super) fn text(&self) -> Result<&str, InstanceError> {
        std::str::from_utf8(&self.line).map_err(|_| self.error("line is not text"))
    }

    /// The current line's words, which must be exactly `N`; `what` says which.
    pub(super) fn words<const N: usize>(&self, what: &str) -> Result<[&str; N], InstanceError> {
        let mut words = [""; N];
        let mut found = 0;
        for word in self.text()?.split_ascii_whitespace() {
            if let Some(slot) = words.get_mut(found) {
                *slot = word;
            }
            found += 1;
        }
        if found != N {
            return Err(self.error(format!("line has {found} words, expected {N}: {what}")));
        }
        Ok(words)
    }

    /// An error at the current line.
    pub(super) fn error(&self, message: impl std::fmt::Display) -> InstanceError {
        InstanceError::format(self.name, format!("line {}: {message}", self.number))
    }
}
