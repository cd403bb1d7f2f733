//! What rows give for a Gram matrix in single precision.

use std::ops::Range;

use crate::instance::row_major::RowMajor;
use crate::production::kernels::dense;
use crate::production::kernels::gram_single::{SinglePanel, add_gram};
use crate::production::kernels::operator::Operator;

/// What some rows have given, in the scale of the panels.
pub(super) struct Sums {
    /// Empty where only the products are wanted.
    pub c: Vec<f64>,
    /// Of the Frobenius norms of the sums in f32 after every row.
    pub norms: f64,
    /// `A' 1` and `A' b`, with their padding; empty where they are not wanted.
    pub products: Vec<f64>,
}

/// No sums at all.
pub(super) const NOTHING: Sums = Sums {
    c: Vec::new(),
    norms: 0.0,
    products: Vec::new(),
};

impl Sums {
    /// Adds what other rows have given.
    pub fn add(&mut self, other: &Self) {
        self.norms += other.norms;
        for (sum, entry) in self.c.iter_mut().zip(&other.c) {
            *sum += entry;
        }
        for (sum, entry) in self.products.iter_mut().zip(&other.products) {
            *sum += entry;
        }
    }
}

/// What is made of rows, with an entry for each of them.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    /// The scaled roots of the weights, for the Gram matrix.
    pub roots: Option<&'a [f64]>,
    /// b, for the products.
    pub along: Option<&'a [f64]>,
}

impl<'a> Wanted<'a> {
    /// Of some of the rows.
    pub fn of(self, rows: &Range<usize>) -> Self {
        let part = |all: &'a [f64]| &all[rows.clone()];
        Self {
            roots: self.roots.map(part),
            along: self.along.map(part),
        }
    }
}

impl Operator {
    /// Nothing yet, of as much as there.
    pub(super) fn empty_as(&self, sums: &Sums) -> Sums {
        Sums {
            c: self.pool.take_zeros(sums.c.len()),
            norms: 0.0,
            products: vec![0.0; sums.products.len()],
        }
    }

    /// Adds rows of a matrix as wide as A, which have an entry each in what is wanted.
    pub(super) fn add_block_by_block(
        &self,
        matrix: &RowMajor,
        rows: Range<usize>,
        wanted: Wanted<'_>,
        sums: &mut Sums,
    ) {
        let mut panel = SinglePanel::take(&self.pool, self.stride);
        let (size, last) = (panel.rows(), rows.end);
        let ones = vec![1.0; size];
        let mut room = Vec::new();
        for first in rows.clone().step_by(size) {
            let block = first..(first + size).min(last);
            let places = block.start - rows.start..block.end - rows.start;
            let Wanted { roots, along } = wanted.of(&places);
            if let Some(b) = along {
                let u = [&ones[..block.len()], b];
                let rows = matrix.padded(block.start, block.end, &mut room);
                dense::accumulate(self.level, rows, self.stride, u, &mut sums.products);
            }
            if let Some(roots) = roots {
                sums.norms += add_gram(self.level, matrix, block, roots, &mut panel, &mut sums.c);
            }
        }
        panel.give(&self.pool);
    }
}
