//! Gram matrices of rows that several ranks share, with the bits of one process.
//!
//! The pieces are those of one process, and the ranks add them in their order. A piece goes on over the end of the rows of a rank: what
//! has been added of it goes to the next rank, and of dense rows, which enter by blocks, also those of the block that is not complete.

use crate::instance::DesignMatrix;
use crate::instance::row_major::RowMajor;
use crate::production::kernels::gram::Panels;
use crate::production::kernels::operator::Operator;
use crate::production::kernels::operator::gram::places::Places;
use crate::production::kernels::operator::gram::{Gram, Piece, Workspace, pieces};
use crate::production::kernels::partition::Rows;
use crate::production::ranks::{Numbers, Ranks};

/// A piece that goes on on the next rank.
struct Open {
    /// What has been added.
    c: Gram,
    /// Dense rows that wait for the rest of their block, one after another, and their weights.
    rows: Vec<f64>,
    weights: Vec<f64>,
}

impl Numbers for Open {
    fn write(&self, to: &mut Vec<f64>) {
        self.c.order.write(to);
        to.extend(self.c.triangle());
        self.rows.write(to);
        self.weights.write(to);
    }

    fn read(from: &mut &[f64]) -> Self {
        let mut c = Gram::zeros(usize::read(from));
        c.set_triangle(from);
        *from = &from[c.triangle().count()..];
        Self {
            c,
            rows: Vec::read(from),
            weights: Vec::read(from),
        }
    }
}

impl Operator {
    pub(super) fn add_shared_gram(&self, rows: Rows<'_>, weights: &[f64], gram: &mut Gram) {
        let Some(ranks) = self.share.ranks() else {
            return;
        };
        let counts = self.share.counts(rows.len());
        let before: usize = counts[..ranks.rank()].iter().sum();
        let all = counts.iter().sum();
        if all == 0 {
            return;
        }
        self.count(all);
        let places = Places::of(before..before + rows.len(), 0..all, self.piece_rows(all));
        // A single piece is added to the matrix itself.
        let single = all <= places.piece;
        let empty = if single {
            gram.clone()
        } else {
            Gram::zeros(gram.order)
        };
        let finished = self.finished_pieces(ranks, &places, (rows, weights), &empty);
        let total = if single {
            let last = counts.iter().rposition(|count| *count > 0).unwrap_or(0);
            let found = finished.first().map(|c| c.triangle().collect());
            self.share.spread(last, found.unwrap_or_default())
        } else {
            self.share.in_turn(gram.triangle().collect(), |total| {
                for c in &finished {
                    for (sum, entry) in total.iter_mut().zip(c.triangle()) {
                        *sum += entry;
                    }
                }
            })
        };
        gram.set_triangle(&total);
    }

    /// The pieces that end here, in order; each begins with `empty`.
    fn finished_pieces(
        &self,
        ranks: &dyn Ranks,
        places: &Places,
        (rows, weights): Piece<'_>,
        empty: &Gram,
    ) -> Vec<Gram> {
        let head = places.head.len();
        let ((head, rest), (head_weights, weights)) = (rows.split_at(head), weights.split_at(head));
        let mut rest = pieces(rest, weights, places.piece);
        let passes = places.passes();
        // The last piece up to its last whole block.
        let tail = if places.goes_on { rest.pop() } else { None };
        let waiting = tail.map(|(rows, weights)| {
            let whole = rows.len() / self.block_rows() * self.block_rows();
            let ((rows, rows_left), (weights, left)) =
                (rows.split_at(whole), weights.split_at(whole));
            rest.push((rows, weights));
            (rows_left, left)
        });
        let mut made = self.pieces_from(rest, empty);
        if let Some((rows, weights)) = waiting {
            let c = made.pop().unwrap_or_else(|| empty.clone());
            let open = Open {
                c,
                rows: self.entries_of(rows),
                weights: weights.to_vec(),
            };
            send(ranks, &open);
        }
        if places.begun {
            let mut open = Open::read(&mut &ranks.receive(ranks.rank() - 1)[..]);
            self.go_on(&mut open, (head, head_weights), !passes);
            if passes {
                send(ranks, &open);
            } else {
                made.insert(0, open.c);
            }
        }
        made
    }

    /// Each piece added to a copy of `empty`.
    fn pieces_from(&self, pieces: Vec<Piece<'_>>, empty: &Gram) -> Vec<Gram> {
        let mut partial = Vec::with_capacity(pieces.len() * empty.entries.len());
        for _ in &pieces {
            partial.extend_from_slice(&empty.entries);
        }
        self.add_gram_pieces(pieces, &mut partial);
        partial
            .chunks_exact(empty.entries.len())
            .map(|entries| Gram {
                entries: entries.to_vec(),
                ..*empty
            })
            .collect()
    }

    /// Rows that enter a piece together: sparse ones enter one by one.
    fn block_rows(&self) -> usize {
        match self.matrix.as_ref() {
            DesignMatrix::Dense(_) => Panels::block_rows(self.stride),
            DesignMatrix::Sparse(_) => 1,
        }
    }

    /// The entries of dense rows, one row after another; none of sparse ones, which do not wait.
    fn entries_of(&self, rows: Rows<'_>) -> Vec<f64> {
        match self.matrix.as_ref() {
            DesignMatrix::Dense(matrix) => {
                rows.iter().flat_map(|i| matrix.row(i)).copied().collect()
            }
            DesignMatrix::Sparse(_) => Vec::new(),
        }
    }

    /// Adds rows to a piece that another rank has begun; `ends` where they are its last.
    fn go_on(&self, open: &mut Open, (rows, weights): Piece<'_>, ends: bool) {
        let block = self.block_rows();
        let mut workspace = self.panels();
        let missing = if open.weights.is_empty() {
            0
        } else {
            (block - open.weights.len()).min(rows.len())
        };
        let ((first, rows), (first_weights, weights)) =
            (rows.split_at(missing), weights.split_at(missing));
        open.rows.extend(self.entries_of(first));
        open.weights.extend(first_weights);
        if open.weights.len() == block || ends {
            self.add_waiting(open, &mut workspace);
        }
        let whole = if ends {
            rows.len()
        } else {
            rows.len() / block * block
        };
        let ((rows, rows_left), (weights, left)) = (rows.split_at(whole), weights.split_at(whole));
        self.add_gram_piece(rows, weights, &mut workspace, &mut open.c.entries);
        open.rows.extend(self.entries_of(rows_left));
        open.weights.extend(left);
    }

    fn add_waiting(&self, open: &mut Open, workspace: &mut Workspace<'_>) {
        let weights = std::mem::take(&mut open.weights);
        let entries = std::mem::take(&mut open.rows);
        let rows = RowMajor::from_entries(weights.len(), self.columns(), entries);
        if let (Some(rows), Some(panels)) = (rows, &mut workspace.panels) {
            let all = Rows::Range(0..weights.len());
            self.add_dense_rows(&rows, all, &weights, panels, &mut open.c.entries);
        }
    }
}

fn send(ranks: &dyn Ranks, open: &Open) {
    let mut message = Vec::new();
    open.write(&mut message);
    ranks.send(ranks.rank() + 1, &message);
}
