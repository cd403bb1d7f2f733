//! Pieces that go on over the end of the rows of a rank.
//!
//! The pieces are those of one process. What has been added of one that goes on goes to the next rank, with the rows of the block that
//! is not complete, so that every block is that of one process, too.

use std::ops::Range;

use crate::instance::row_major::RowMajor;
use crate::production::kernels::gram_single::SinglePanel;
use crate::production::kernels::operator::Operator;
use crate::production::kernels::operator::gram::places::Places;
use crate::production::kernels::operator::gram::single::sums::{Sums, Wanted};
use crate::production::ranks::{Numbers, Ranks};

/// A piece that goes on on the next rank.
struct Open {
    sums: Sums,
    /// Rows that wait for the rest of their block, one after another, with their entries of what is wanted.
    rows: Vec<f64>,
    roots: Vec<f64>,
    along: Vec<f64>,
}

impl Numbers for Sums {
    fn write(&self, to: &mut Vec<f64>) {
        self.c.write(to);
        self.norms.write(to);
        self.products.write(to);
    }

    fn read(from: &mut &[f64]) -> Self {
        Self {
            c: Vec::read(from),
            norms: f64::read(from),
            products: Vec::read(from),
        }
    }
}

impl Numbers for Open {
    fn write(&self, to: &mut Vec<f64>) {
        self.sums.write(to);
        self.rows.write(to);
        self.roots.write(to);
        self.along.write(to);
    }

    fn read(from: &mut &[f64]) -> Self {
        Self {
            sums: Sums::read(from),
            rows: Vec::read(from),
            roots: Vec::read(from),
            along: Vec::read(from),
        }
    }
}

impl Open {
    /// Makes these rows of a matrix wait, too.
    fn push(&mut self, matrix: &RowMajor, rows: Range<usize>, wanted: Wanted<'_>) {
        for i in rows.clone() {
            self.rows.extend_from_slice(matrix.row(i));
        }
        let Wanted { roots, along } = wanted.of(&rows);
        self.roots.extend_from_slice(roots.unwrap_or_default());
        self.along.extend_from_slice(along.unwrap_or_default());
    }
}

fn send(ranks: &dyn Ranks, open: &Open) {
    let mut numbers = Vec::new();
    open.write(&mut numbers);
    ranks.send(ranks.rank() + 1, &numbers);
}

impl Operator {
    /// The pieces that end here, in order, from those that begin here and as many sums as `like`.
    pub(super) fn with_open_pieces(
        &self,
        matrix: &RowMajor,
        places: &Places,
        wanted: Wanted<'_>,
        mut made: Vec<Sums>,
        like: &Sums,
    ) -> Vec<Sums> {
        let Some(ranks) = self.share.ranks() else {
            return made;
        };
        if places.goes_on && !places.passes() {
            let rows = places.here(&places.rest);
            let begun = rows.len() / places.piece * places.piece;
            let block = SinglePanel::block_rows(self.stride);
            let whole = (rows.len() - begun) / block * block;
            let mut open = Open {
                sums: made.pop().unwrap_or_else(|| self.empty_as(like)),
                rows: Vec::new(),
                roots: Vec::new(),
                along: Vec::new(),
            };
            open.push(matrix, rows.start + begun + whole..rows.end, wanted);
            send(ranks, &open);
        }
        if places.begun {
            let mut open = Open::read(&mut &ranks.receive(ranks.rank() - 1)[..]);
            open.push(matrix, places.here(&places.head), wanted);
            self.add_rows_that_wait(&mut open, wanted, !places.passes());
            if places.passes() {
                send(ranks, &open);
            } else {
                made.insert(0, open.sums);
            }
        }
        made
    }

    /// Adds the rows that wait: all of them where the piece ends, else those of whole blocks.
    fn add_rows_that_wait(&self, open: &mut Open, wanted: Wanted<'_>, ends: bool) {
        let d = self.columns();
        let waiting = open.rows.len() / d;
        let block = SinglePanel::block_rows(self.stride);
        let added = if ends {
            waiting
        } else {
            waiting / block * block
        };
        let mut matrix = RowMajor::zeros(added, d);
        for (i, row) in open.rows.chunks_exact(d).take(added).enumerate() {
            matrix.row_mut(i).copy_from_slice(row);
        }
        let entries = Wanted {
            roots: wanted.roots.map(|_| &open.roots[..added]),
            along: wanted.along.map(|_| &open.along[..added]),
        };
        self.add_block_by_block(&matrix, 0..added, entries, &mut open.sums);
        open.rows.drain(..added * d);
        open.roots.drain(..added.min(open.roots.len()));
        open.along.drain(..added.min(open.along.len()));
    }
}
