//! Gram matrices with products in single precision, and how far they are off.

use std::ops::Range;

use crate::instance::DesignMatrix;
use crate::production::kernels::gram_single::{CHAIN, SinglePanel, add_gram};
use crate::production::kernels::operator::Operator;
use crate::production::kernels::operator::gram::Gram;
use crate::production::summation::norm;
use crate::scalar::rounding::UNIT;

/// Half a unit in the last place of f32.
const UNIT_SINGLE: f64 = 1.0 / 16_777_216.0;
/// With fewer columns, fewer rows for each of them or fewer entries a Gram matrix in double precision costs too little for this one to pay.
const LEAST_COLUMNS: usize = 48;
const LEAST_ROWS_PER_COLUMN: usize = 32;
const LEAST_ENTRIES: usize = 1_000_000;
/// The part of the rows that is judged first.
const FIRST_PART: usize = 8;
/// Rows whose largest entry decides about the scale.
const SCALE_ROWS: usize = 256;
/// Scales that are tried: squares of what they are taken from neither under- nor overflow.
const SCALES: Range<f64> = 1e-100..1e100;
/// Covers the second-order terms of the bound, which are below 1e-5 of it, and its own roundings.
const MARGIN: f64 = 1.0 + 1e-4;
/// A Frobenius norm, of a matrix of entries near 1, loses less than this for each column to underflow in f32.
const LOST: f64 = 1e-20;

/// `A' diag(weights) A` with a bound on the spectral norm of its error.
#[derive(Debug)]
pub(crate) struct SingleGram {
    pub gram: Gram,
    pub error: f64,
}

/// What the rows so far have given, in the scale of the panels.
struct Sums {
    c: Vec<f64>,
    /// Of the Frobenius norms of the sums in f32 after every row.
    norms: f64,
}

impl Operator {
    /// `A' diag(weights) A` with products in f32, for weights that are not negative. `None` where it does not pay (sparse or few rows, few
    /// columns, rows of several ranks, no vector instructions), where entries leave the range of f32, or where `good` refuses: it is asked
    /// after an eighth of the rows, and again in the end, with the part of the rows that the matrix is of.
    pub fn gram_in_single(
        &self,
        weights: &[f64],
        good: impl Fn(&SingleGram, f64) -> bool,
    ) -> Option<SingleGram> {
        let (n, d) = (self.rows(), self.columns());
        let pays = d >= LEAST_COLUMNS
            && n / d >= LEAST_ROWS_PER_COLUMN
            && n * d >= LEAST_ENTRIES
            && self.share.is_whole()
            && self.level.has_vectors();
        let DesignMatrix::Dense(matrix) = self.matrix.as_ref() else {
            return None;
        };
        if !pays {
            return None;
        }
        let largest = (0..n)
            .step_by((n / SCALE_ROWS).max(1))
            .map(|i| {
                let entries = matrix.row(i).iter();
                weights[i].sqrt() * entries.fold(0.0, |size: f64, entry| size.max(entry.abs()))
            })
            .fold(0.0, f64::max);
        if !SCALES.contains(&largest) {
            return None;
        }
        let scale = 2f64.powi(-largest.log2().floor() as i32);
        let mut roots = self.pool.take(n);
        self.fill_rows(&mut roots, |rows, roots, _| {
            for (root, weight) in roots.iter_mut().zip(&weights[rows]) {
                *root = scale * weight.sqrt();
            }
        });
        let mut sums = Sums {
            c: self.pool.take_zeros(self.stride * self.stride),
            norms: 0.0,
        };
        let first = (n / FIRST_PART).next_multiple_of(SinglePanel::block_rows(self.stride));
        let mut found = None;
        let mut done = 0;
        for last in [first.min(n), n] {
            self.add_single(done..last, &roots, &mut sums);
            done = last;
            let part = done as f64 / n as f64;
            found = self
                .unscaled(&sums, scale, done)
                .filter(|gram| good(gram, part));
            if found.is_none() {
                break;
            }
        }
        self.pool.give(roots);
        self.pool.give(sums.c);
        if found.is_some() {
            self.count(n);
        }
        found
    }

    /// Adds rows in pieces, cut by their number alone.
    fn add_single(&self, rows: Range<usize>, roots: &[f64], sums: &mut Sums) {
        let DesignMatrix::Dense(matrix) = self.matrix.as_ref() else {
            return;
        };
        let size = self.stride * self.stride;
        let piece = self.single_piece(rows.len());
        let pieces: Vec<_> = rows
            .clone()
            .step_by(piece)
            .map(|first| first..(first + piece).min(rows.end))
            .collect();
        let mut partial = self.pool.take_zeros(pieces.len() * size);
        let mut norms = vec![0.0; pieces.len()];
        let work = pieces
            .into_iter()
            .zip(partial.chunks_mut(size))
            .zip(&mut norms)
            .collect();
        self.gram.for_each_with(
            work,
            || (),
            |(), ((rows, c), norms): ((Range<usize>, &mut [f64]), &mut f64)| {
                let mut panel = SinglePanel::take(&self.pool, self.stride);
                let block = panel.rows();
                for first in rows.clone().step_by(block) {
                    let block = first..(first + block).min(rows.end);
                    let roots = &roots[block.clone()];
                    *norms += add_gram(self.level, matrix, block, roots, &mut panel, c);
                }
                panel.give(&self.pool);
            },
        );
        for part in partial.chunks(size) {
            for (sum, entry) in sums.c.iter_mut().zip(part) {
                *sum += entry;
            }
        }
        self.pool.give(partial);
        sums.norms += norms.iter().sum::<f64>();
    }

    /// Rows of a piece, in whole blocks.
    fn single_piece(&self, rows: usize) -> usize {
        self.piece_rows(rows)
            .next_multiple_of(SinglePanel::block_rows(self.stride))
    }

    /// The Gram matrix of these many rows and the bound on its error; `None` where something has overflowed.
    fn unscaled(&self, sums: &Sums, scale: f64, rows: usize) -> Option<SingleGram> {
        let mut gram = Gram::zeros(self.columns());
        gram.entries.copy_from_slice(&sums.c);
        let trace: f64 = gram.diagonal().sum();
        let size = (2.0
            * (0..gram.order)
                .map(|j| norm(gram.column(j)).powi(2))
                .sum::<f64>())
        .sqrt();
        let piece = self.single_piece(rows);
        // Of the sums of chains in f64: chains and blocks of a piece, pieces, and the two parts.
        let additions = piece.div_ceil(CHAIN) + piece.div_ceil(64) + rows.div_ceil(piece) + 8;
        let lost = LOST * (rows * self.stride) as f64;
        let error = UNIT_SINGLE * (sums.norms + trace)
            + 2.0 * UNIT_SINGLE * (size.min(trace) * trace).sqrt()
            + additions as f64 * UNIT * trace
            + lost;
        let error = error * MARGIN;
        // A power of two: exact.
        let back = scale.recip().powi(2);
        for entry in &mut gram.entries {
            *entry *= back;
        }
        let error = error * back;
        (trace.is_finite() && error.is_finite() && trace > 0.0)
            .then_some(SingleGram { gram, error })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use nalgebra::DMatrix;

    use super::*;
    use crate::instance::row_major::RowMajor;
    use crate::production::kernels::Level;

    const ROWS: usize = 21_000;
    const COLUMNS: usize = 48;

    fn operator(rows: usize, entry: impl Fn(usize, usize) -> f64, level: Level) -> Operator {
        let mut matrix = RowMajor::zeros(rows, COLUMNS);
        for i in 0..rows {
            for (j, place) in matrix.row_mut(i).iter_mut().enumerate() {
                *place = entry(i, j);
            }
        }
        Operator::new(&Arc::new(DesignMatrix::Dense(matrix)), level)
    }

    fn rough(i: usize, j: usize) -> f64 {
        ((i * 31 + j * 17 + i * j) as f64).sin() + 0.3
    }

    fn of_all(operator: &Operator, weights: &[f64]) -> SingleGram {
        operator.gram_in_single(weights, |_, _| true).unwrap()
    }

    /// The spectral norm of the difference to the matrix in double precision, whose own error is 1e-9 of it.
    fn distance(operator: &Operator, weights: &[f64], found: &SingleGram) -> f64 {
        let double = operator.gram(weights);
        let d = double.order;
        let difference = DMatrix::from_fn(d, d, |i, j| found.gram.entry(i, j) - double.entry(i, j));
        difference.symmetric_eigenvalues().amax()
    }

    #[test]
    fn the_error_is_within_its_bound_and_bits_do_not_depend_on_threads() {
        let weights: Vec<f64> = (0..ROWS).map(|i| 1.0 + (i % 7) as f64).collect();
        for level in Level::all().into_iter().filter(|level| level.has_vectors()) {
            let run = |threads: usize| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
                pool.unwrap().install(|| {
                    let operator = operator(ROWS, rough, level);
                    let found = of_all(&operator, &weights);
                    assert_eq!(operator.passes(), 1.0);
                    let off = distance(&operator, &weights, &found);
                    (found.gram.entries, found.error, off)
                })
            };
            let one = run(1);
            let (_, error, off) = &one;
            assert!(off <= error && *off > 0.0, "{}", level.name());
            assert!(run(3) == one, "{}", level.name());
        }
    }

    /// Entries that all round down by nearly half a unit, in columns that are all alike: by hand, `2 u` of the only eigenvalue, which
    /// is what the bound charges for the rounding of the rows.
    #[test]
    fn rows_that_all_round_alike_are_charged_for() {
        let entry = 1.0 + 0.99 * UNIT_SINGLE;
        let operator = operator(ROWS, |_, _| entry, Level::best());
        if !Level::best().has_vectors() {
            return;
        }
        let weights = vec![1.0; ROWS];
        let found = of_all(&operator, &weights);
        let off = distance(&operator, &weights, &found);
        let trace = (ROWS * COLUMNS) as f64;
        assert!(off >= 1.97 * UNIT_SINGLE * trace && off <= found.error);
        // The sums of 64 ones are exact, so the bound is that of the roundings that might have been: 48 root 2, 1 and 2.
        assert!(found.error <= 71.0 * UNIT_SINGLE * trace * 1.001);
    }

    #[test]
    fn the_scale_of_the_rows_does_not_matter() {
        if !Level::best().has_vectors() {
            return;
        }
        let weights = vec![2.0; ROWS];
        let plain = of_all(&operator(ROWS, rough, Level::best()), &weights);
        for power in [-300, 300] {
            let scale = 2f64.powi(power);
            let scaled = operator(ROWS, |i, j| scale * rough(i, j), Level::best());
            let scaled = of_all(&scaled, &weights);
            let square = 2f64.powi(2 * power);
            assert_eq!(scaled.error, plain.error * square);
            let pairs = scaled.gram.triangle().zip(plain.gram.triangle());
            assert!(pairs.into_iter().all(|(a, b)| a == b * square));
        }
    }

    #[test]
    fn what_does_not_pay_leaves_the_range_or_is_refused_is_not_made() {
        let weights = vec![1.0; ROWS];
        let plain = operator(ROWS, rough, Level::best());
        assert!(plain.gram_in_single(&weights, |_, _| false).is_none());
        assert_eq!(plain.passes(), 0.0);
        // A row that no look at the scale meets.
        let high = operator(
            ROWS,
            |i, j| if i == 20_001 { 1e40 } else { rough(i, j) },
            Level::best(),
        );
        assert!(high.gram_in_single(&weights, |_, _| true).is_none());
        let few = operator(20_800, rough, Level::best());
        assert!(
            few.gram_in_single(&weights[..20_800], |_, _| true)
                .is_none()
        );
        let zero = operator(ROWS, |_, _| 0.0, Level::best());
        assert!(zero.gram_in_single(&weights, |_, _| true).is_none());
        let baseline = operator(ROWS, rough, Level::all()[0]);
        assert!(baseline.gram_in_single(&weights, |_, _| true).is_none());
    }
}
