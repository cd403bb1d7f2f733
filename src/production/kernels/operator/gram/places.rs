//! Where the rows of a rank lie in the pieces of a Gram matrix, which are those of one process.

use std::ops::Range;

/// Where the rows that are here lie in the pieces of some of all rows.
pub(super) struct Places {
    /// The rows that are here.
    own: Range<usize>,
    /// Those of them that belong to a piece that an earlier rank has begun; the others, up to the end.
    pub head: Range<usize>,
    pub rest: Range<usize>,
    /// Rows of a piece.
    pub piece: usize,
    /// Whether the first row here goes on with a piece of an earlier rank, and whether a later rank goes on with the last piece here.
    pub begun: bool,
    pub goes_on: bool,
}

impl Places {
    /// Of `own`, which are here, those in `part`, which is cut into pieces from its beginning.
    pub fn of(own: Range<usize>, part: Range<usize>, piece: usize) -> Self {
        let inside = |row: usize| row > part.start && row < part.end;
        let is_open = |row: usize| inside(row) && !(row - part.start).is_multiple_of(piece);
        let (begun, goes_on) = (is_open(own.start), is_open(own.end));
        let first = own.start.clamp(part.start, part.end);
        let last = own.end.clamp(first, part.end);
        let middle = if begun {
            (part.start + (first - part.start).next_multiple_of(piece)).min(last)
        } else {
            first
        };
        Self {
            own,
            head: first..middle,
            rest: middle..last,
            piece,
            begun,
            goes_on,
        }
    }

    /// Whether all that is here lies within a piece that both an earlier and a later rank have rows of.
    pub fn passes(&self) -> bool {
        self.begun && self.goes_on && self.rest.is_empty()
    }

    /// The pieces that begin here, by rows of this rank; of one that goes on only whole blocks.
    pub fn pieces(&self, block: usize) -> Vec<Range<usize>> {
        let rows = self.here(&self.rest);
        let mut pieces: Vec<Range<usize>> = rows
            .clone()
            .step_by(self.piece)
            .map(|first| first..(first + self.piece).min(rows.end))
            .collect();
        if self.goes_on
            && let Some(last) = pieces.last_mut()
        {
            last.end = last.start + last.len() / block * block;
        }
        pieces
    }

    /// Rows of all as rows of this rank.
    pub fn here(&self, rows: &Range<usize>) -> Range<usize> {
        rows.start.saturating_sub(self.own.start)..rows.end.saturating_sub(self.own.start)
    }
}
