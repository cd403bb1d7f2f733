//! Gram matrices with products in single precision, and how far they are off.

mod open;
mod sums;

use std::ops::Range;

use crate::instance::DesignMatrix;
use crate::instance::row_major::RowMajor;
use crate::production::kernels::gram_single::{CHAIN, SinglePanel};
use crate::production::kernels::operator::Operator;
use crate::production::kernels::operator::gram::Gram;
use crate::production::kernels::operator::gram::places::Places;
use crate::production::summation::norm;
use crate::scalar::rounding::UNIT;
use sums::{NOTHING, Sums, Wanted};

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

/// Rows of a piece at least: each has a matrix of its own, which costs as much as some hundred rows.
const LEAST_PIECE: usize = 2_048;

/// `A' diag(weights) A` with a bound on the spectral norm of its error.
#[derive(Debug)]
pub(crate) struct SingleGram {
    pub gram: Gram,
    pub error: f64,
    /// `A' 1` and `A' b`, for a b that came along; empty without.
    pub products: Vec<Vec<f64>>,
}

impl Operator {
    /// `A' diag(weights) A` with products in f32, for weights that are not negative: the same bits whatever the number of threads and of
    /// ranks, which all ask for it together. `None` where it does not pay (sparse or few rows, few columns, no vector instructions), where entries leave the range of f32, or where `good` refuses: it is asked
    /// after an eighth of the rows, and again in the end, with the part of the rows that the matrix is of.
    ///
    /// With b (n entries) the rows are also summed up along the way: [`row_sums`](Self::row_sums).
    pub fn gram_in_single(
        &self,
        weights: &[f64],
        along: Option<&[f64]>,
        good: impl Fn(&SingleGram, f64) -> bool,
    ) -> Option<SingleGram> {
        let (n, d) = (self.all_rows(), self.columns());
        let pays = d >= LEAST_COLUMNS
            && n / d >= LEAST_ROWS_PER_COLUMN
            && n * d >= LEAST_ENTRIES
            && self.level.has_vectors();
        let DesignMatrix::Dense(matrix) = self.matrix.as_ref() else {
            return None;
        };
        if !pays {
            return None;
        }
        let own = self.share.own();
        let largest = (0..n)
            .step_by((n / SCALE_ROWS).max(1))
            .filter(|i| own.contains(i))
            .map(|i| {
                let entries = matrix.row(i - own.start).iter();
                weights[i - own.start].sqrt()
                    * entries.fold(0.0, |size: f64, entry| size.max(entry.abs()))
            })
            .fold(0.0, f64::max);
        let largest = self.share.gather(vec![largest]);
        let largest = largest.into_iter().fold(0.0, f64::max);
        if !SCALES.contains(&largest) {
            return None;
        }
        let scale = 2f64.powi(-largest.log2().floor() as i32);
        let mut roots = self.pool.take(self.rows());
        self.fill_rows(&mut roots, |rows, roots, _| {
            for (root, weight) in roots.iter_mut().zip(&weights[rows]) {
                *root = scale * weight.sqrt();
            }
        });
        let mut sums = Sums {
            c: self.pool.take_zeros(self.stride * self.stride),
            norms: 0.0,
            products: self.no_row_sums(along.is_some()),
        };
        let wanted = Wanted {
            roots: Some(&roots),
            along,
        };
        let mut found = None;
        for rows in self.parts() {
            let part = rows.end as f64 / n as f64;
            self.add_single(matrix, rows.clone(), wanted, &mut sums);
            found = self
                .unscaled(&sums, scale, rows.end)
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

    /// `A' 1` and `A' b` for dense rows: the bits that come along with [`gram_in_single`](Self::gram_in_single).
    pub fn row_sums(&self, b: &[f64]) -> Vec<Vec<f64>> {
        self.count(self.all_rows());
        let DesignMatrix::Dense(matrix) = self.matrix.as_ref() else {
            return vec![
                self.transpose_multiply(&vec![1.0; b.len()]),
                self.transpose_multiply(b),
            ];
        };
        let mut sums = Sums {
            c: Vec::new(),
            norms: 0.0,
            products: self.no_row_sums(true),
        };
        let wanted = Wanted {
            roots: None,
            along: Some(b),
        };
        for rows in self.parts() {
            self.add_single(matrix, rows, wanted, &mut sums);
        }
        self.cut_row_sums(&sums)
    }

    fn no_row_sums(&self, wanted: bool) -> Vec<f64> {
        vec![0.0; if wanted { 2 * self.stride } else { 0 }]
    }

    /// Without the padding.
    fn cut_row_sums(&self, sums: &Sums) -> Vec<Vec<f64>> {
        let products = sums.products.chunks_exact(self.stride);
        products
            .map(|product| product[..self.columns()].to_vec())
            .collect()
    }

    /// The rows that are judged first, and the others.
    fn parts(&self) -> [Range<usize>; 2] {
        let n = self.all_rows();
        let first = (n / FIRST_PART).next_multiple_of(SinglePanel::block_rows(self.stride));
        [0..first.min(n), first.min(n)..n]
    }

    /// Adds rows, of all, in pieces that are cut by their number alone.
    fn add_single(
        &self,
        matrix: &RowMajor,
        rows: Range<usize>,
        wanted: Wanted<'_>,
        sums: &mut Sums,
    ) {
        let places = Places::of(
            self.share.own(),
            rows.clone(),
            self.single_piece(rows.len()),
        );
        let mut work: Vec<(Range<usize>, Sums)> = places
            .pieces(SinglePanel::block_rows(self.stride))
            .into_iter()
            .map(|rows| (rows, self.empty_as(sums)))
            .collect();
        self.gram.for_each_with(
            work.iter_mut().collect(),
            || (),
            |(), (rows, sums): &mut (Range<usize>, Sums)| {
                self.add_block_by_block(matrix, rows.clone(), wanted.of(rows), sums);
            },
        );
        let made = work.into_iter().map(|(_, sums)| sums).collect();
        let finished = self.with_open_pieces(matrix, &places, wanted, made, sums);
        let before = std::mem::replace(sums, NOTHING);
        *sums = self.share.in_turn_on(before, |sums| {
            for piece in &finished {
                sums.add(piece);
            }
        });
        for piece in finished {
            self.pool.give(piece.c);
        }
    }

    /// Rows of a piece, in whole blocks.
    fn single_piece(&self, rows: usize) -> usize {
        rows.div_ceil(self.gram.chunks())
            .max(LEAST_PIECE)
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
        let additions = 2 * piece.div_ceil(CHAIN) + 2 * self.gram.chunks() + 8;
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
        (trace.is_finite() && error.is_finite() && trace > 0.0).then_some(SingleGram {
            gram,
            error,
            products: self.cut_row_sums(sums),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use nalgebra::DMatrix;

    use super::*;
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
        operator.gram_in_single(weights, None, |_, _| true).unwrap()
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

    /// Multiples of 1/8, whose sums are exact, in two ways.
    #[test]
    fn row_sums_come_along_with_the_bits_of_those_that_are_made_alone() {
        let eighths = |i: usize, j: usize| ((i * 7 + j * 5 + i * j) % 23) as f64 / 8.0 - 1.0;
        let operator = operator(ROWS, eighths, Level::best());
        let b: Vec<f64> = (0..ROWS).map(|i| (i % 5) as f64).collect();
        let exact: Vec<Vec<f64>> = [&vec![1.0; ROWS], &b]
            .iter()
            .map(|u| {
                let sum = |j: usize| (0..ROWS).map(|i| u[i] * eighths(i, j)).sum::<f64>();
                (0..COLUMNS).map(sum).collect()
            })
            .collect();
        assert_eq!(operator.row_sums(&b), exact);
        let rough: Vec<f64> = (0..ROWS).map(|i| (i as f64).sin()).collect();
        let alone = operator.row_sums(&rough);
        let found = operator.gram_in_single(&vec![1.0; ROWS], Some(&rough), |_, _| true);
        let along = found.map_or_else(|| alone.clone(), |found| found.products);
        assert!(along == alone && alone[1] != exact[1]);
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
        assert!(plain.gram_in_single(&weights, None, |_, _| false).is_none());
        assert_eq!(plain.passes(), 0.0);
        // A row that no look at the scale meets.
        let high = operator(
            ROWS,
            |i, j| if i == 20_001 { 1e40 } else { rough(i, j) },
            Level::best(),
        );
        assert!(high.gram_in_single(&weights, None, |_, _| true).is_none());
        let few = operator(20_800, rough, Level::best());
        assert!(
            few.gram_in_single(&weights[..20_800], None, |_, _| true)
                .is_none()
        );
        let zero = operator(ROWS, |_, _| 0.0, Level::best());
        assert!(zero.gram_in_single(&weights, None, |_, _| true).is_none());
        let baseline = operator(ROWS, rough, Level::all()[0]);
        assert!(
            baseline
                .gram_in_single(&weights, None, |_, _| true)
                .is_none()
        );
    }
}
