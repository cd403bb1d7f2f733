//! Places of a source text: from lines and columns to byte offsets.

use std::ops::Range;

use crate::list::{Position, Span};

/// A source text that knows where its lines begin.
pub struct Text<'t> {
    pub source: &'t str,
    starts: Vec<usize>,
}

impl<'t> Text<'t> {
    pub fn new(source: &'t str) -> Self {
        let starts = std::iter::once(0)
            .chain(source.match_indices('\n').map(|(at, _)| at + 1))
            .collect();
        Self { source, starts }
    }

    /// The byte offset of a place; `None` beyond the text.
    pub fn offset(&self, at: Position) -> Option<usize> {
        let start = *self.starts.get(at.line.checked_sub(1)?)?;
        let line = self.source[start..].split('\n').next()?;
        let characters = at.column.checked_sub(1)?;
        let bytes = line
            .char_indices()
            .map(|(bytes, _)| bytes)
            .chain([line.len()])
            .nth(characters)?;
        Some(start + bytes)
    }

    /// The byte range of a span.
    pub fn range(&self, span: Span) -> Option<Range<usize>> {
        Some(self.offset(span.start)?..self.offset(span.end)?)
    }

    /// The text with the bytes of a span replaced.
    pub fn with(&self, range: &Range<usize>, replacement: &str) -> String {
        let source = self.source;
        [&source[..range.start], replacement, &source[range.end..]].concat()
    }
}

/// The span of a parsed node in this crate's terms.
pub fn span_of(span: proc_macro2::Span) -> Span {
    let at = |place: proc_macro2::LineColumn| Position {
        line: place.line,
        column: place.column + 1,
    };
    Span {
        start: at(span.start()),
        end: at(span.end()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_characters_and_offsets_bytes() {
        let text = Text::new("ab\nλ·x\n");
        let offset = |line, column| text.offset(Position { line, column });
        assert_eq!(offset(1, 1), Some(0));
        assert_eq!(offset(1, 3), Some(2));
        assert_eq!(offset(2, 1), Some(3));
        assert_eq!(offset(2, 3), Some(7));
        assert_eq!(offset(2, 4), Some(8));
        assert_eq!(offset(2, 5), None);
        assert_eq!(offset(9, 1), None);
    }
}
