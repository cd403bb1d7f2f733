//! `T -= F S` for dense rows: what blocked factorisations of matrices spend their time on.
//!
//! The factors of a few rows of T are copied side by side, and so are stripes of S where more than one group of rows uses
//! them. A tile of T stays in registers while all rows of S pass through it.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use crate::instance::row_major::LINE;
use crate::production::kernels::Level;

/// Vectors of columns in a stripe.
const STRIPE: usize = 3;
/// Rows of T in a tile where there are 32 vector registers, and where there are 16.
const TALL: usize = 8;
const SHORT: usize = 4;

/// Rows with a common distance from one to the next; columns count from the start of a row.
#[derive(Clone, Copy)]
pub(crate) struct Source<'a> {
    /// From the first row on; the last may end early.
    pub entries: &'a [f64],
    /// Entries from one row to the next.
    pub stride: usize,
    /// How many there are.
    pub rows: usize,
}

/// The factor of row i of T and row k of S is `entries[i * row_step + k * source_step]`.
#[derive(Clone, Copy)]
pub(crate) struct Factors<'a> {
    pub entries: &'a [f64],
    pub row_step: usize,
    pub source_step: usize,
}

/// Rows that a product is subtracted from.
pub(crate) struct Target<'a> {
    /// From the first row on.
    pub entries: &'a mut [f64],
    /// Entries from one row to the next.
    pub stride: usize,
    /// How many there are.
    pub rows: usize,
    /// The columns in question, from one multiple of [`LINE`] to another.
    pub columns: Range<usize>,
    /// Whether row i is wanted from column `columns.start + i` on only; what is left of that is arbitrary afterwards.
    pub triangular: bool,
}

/// Buffers that are used again and again.
#[derive(Default)]
pub(crate) struct Buffers {
    factors: Vec<f64>,
    stripes: Vec<f64>,
}

/// `T -= F S`.
pub(crate) fn subtract_product(
    level: Level,
    target: Target<'_>,
    factors: Factors<'_>,
    source: Source<'_>,
    buffers: &mut Buffers,
) {
    debug_assert!(target.columns.start.is_multiple_of(LINE));
    debug_assert!(target.columns.end.is_multiple_of(LINE));
    if target.rows == 0 || source.rows == 0 {
        return;
    }
    level.dispatch(Subtract {
        target,
        factors,
        source,
        buffers,
    });
}

struct Subtract<'a> {
    target: Target<'a>,
    factors: Factors<'a>,
    source: Source<'a>,
    buffers: &'a mut Buffers,
}

impl WithSimd for Subtract<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        if S::REGISTER_COUNT >= 32 {
            self.run::<S, TALL>(simd);
        } else {
            self.run::<S, SHORT>(simd);
        }
    }
}

impl Subtract<'_> {
    #[inline(always)]
    fn run<S: Simd, const NR: usize>(self, simd: S) {
        let Self {
            target,
            factors,
            source,
            buffers,
        } = self;
        let count = source.rows;
        pack_factors::<NR>(factors, target.rows, count, &mut buffers.factors);
        let columns = target.columns.clone();
        // One group of rows reads every stripe once: not worth a copy.
        let packed = target.rows > NR;
        let stripe = STRIPE * S::F64_LANES;
        if packed {
            pack_stripes(source, columns.clone(), stripe, &mut buffers.stripes);
        }
        for (group, panel) in buffers.factors.chunks_exact(count * NR).enumerate() {
            let row = group * NR;
            // Stripes that end left of the diagonal are not wanted.
            let skipped = if target.triangular { row / stripe } else { 0 };
            for first in (columns.start + skipped * stripe..columns.end).step_by(stripe) {
                let width = stripe.min(columns.end - first);
                let (rows, stride) = if packed {
                    let start = (first - columns.start) * count;
                    (&buffers.stripes[start..start + width * count], width)
                } else {
                    (&source.entries[first..], source.stride)
                };
                let tile = Tile {
                    rows,
                    stride,
                    factors: panel,
                    target: &mut target.entries[row * target.stride + first..],
                    target_stride: target.stride,
                    target_rows: NR.min(target.rows - row),
                };
                match width / S::F64_LANES {
                    3 => tile.run::<S, 3, NR>(simd),
                    2 => tile.run::<S, 2, NR>(simd),
                    _ => tile.run::<S, 1, NR>(simd),
                }
            }
        }
    }
}

/// Minus the factors of NR rows of T, row of S after row of S; zeros for rows that are missing in the last group.
#[inline(always)]
fn pack_factors<const NR: usize>(
    factors: Factors<'_>,
    rows: usize,
    count: usize,
    packed: &mut Vec<f64>,
) {
    packed.clear();
    packed.resize(rows.div_ceil(NR) * count * NR, 0.0);
    for (group, panel) in packed.chunks_exact_mut(count * NR).enumerate() {
        let first = group * NR;
        let present = NR.min(rows - first);
        for (k, place) in panel.chunks_exact_mut(NR).enumerate() {
            let start = first * factors.row_step + k * factors.source_step;
            let entries = factors.entries[start..].iter().step_by(factors.row_step);
            for (to, from) in place[..present].iter_mut().zip(entries) {
                *to = -from;
            }
        }
    }
}

/// The stripes of the columns one after the other, each row after row.
#[inline(always)]
fn pack_stripes(source: Source<'_>, columns: Range<usize>, stripe: usize, packed: &mut Vec<f64>) {
    packed.resize(columns.len() * source.rows, 0.0);
    for (k, row) in source
        .entries
        .chunks(source.stride)
        .take(source.rows)
        .enumerate()
    {
        for (piece, entries) in row[columns.clone()].chunks(stripe).enumerate() {
            let start = piece * stripe * source.rows + k * entries.len();
            packed[start..start + entries.len()].copy_from_slice(entries);
        }
    }
}

/// A few rows of T in a stripe of columns.
struct Tile<'a> {
    rows: &'a [f64],
    stride: usize,
    factors: &'a [f64],
    target: &'a mut [f64],
    target_stride: usize,
    target_rows: usize,
}

impl Tile<'_> {
    #[inline(always)]
    fn run<S: Simd, const NV: usize, const NR: usize>(self, simd: S) {
        let width = NV * S::F64_LANES;
        let mut sums = [[simd.splat_f64s(0.0); NV]; NR];
        let rows = self.rows.chunks(self.stride);
        for (row, factors) in rows.zip(self.factors.chunks_exact(NR)) {
            let row = &S::as_simd_f64s(&row[..width]).0[..NV];
            for r in 0..NR {
                let factor = simd.splat_f64s(factors[r]);
                for v in 0..NV {
                    sums[r][v] = simd.mul_add_e_f64s(row[v], factor, sums[r][v]);
                }
            }
        }
        for (r, added) in sums.iter().enumerate().take(self.target_rows) {
            let start = r * self.target_stride;
            let place = &mut self.target[start..start + width];
            for (target, sum) in S::as_mut_simd_f64s(place).0.iter_mut().zip(added) {
                *target = simd.add_f64s(*target, *sum);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::DMatrix;

    /// Small integers: every sum is exact, so all levels and nalgebra agree to the bit.
    #[test]
    fn products_of_integers_are_subtracted_exactly_on_every_level() {
        let entry = |i: usize, j: usize| ((5 * i + 3 * j) % 13) as f64 - 6.0;
        for level in Level::all() {
            for (rows, count, columns) in
                [(1, 1, 0..8), (8, 3, 8..32), (13, 40, 8..96), (20, 9, 0..40)]
            {
                let width = columns.end + 8;
                let source = DMatrix::from_fn(count, width, entry);
                let factors = DMatrix::from_fn(rows, count, |i, k| entry(k, 2 * i));
                let product = &factors * &source;
                for by_rows in [true, false] {
                    // Factors by rows, or by columns.
                    let entries = if by_rows {
                        factors.transpose().as_slice().to_vec()
                    } else {
                        factors.as_slice().to_vec()
                    };
                    let (row_step, source_step) = if by_rows { (count, 1) } else { (1, rows) };
                    for triangular in [false, true] {
                        let mut target = vec![1.0; rows * width];
                        subtract_product(
                            level,
                            Target {
                                entries: &mut target,
                                stride: width,
                                rows,
                                columns: columns.clone(),
                                triangular,
                            },
                            Factors {
                                entries: &entries,
                                row_step,
                                source_step,
                            },
                            Source {
                                entries: source.transpose().as_slice(),
                                stride: width,
                                rows: count,
                            },
                            &mut Buffers::default(),
                        );
                        for i in 0..rows {
                            for j in 0..width {
                                let found = target[i * width + j];
                                if !columns.contains(&j) {
                                    assert_eq!(found, 1.0, "outside");
                                } else if !triangular || j >= columns.start + i {
                                    assert_eq!(found, 1.0 - product[(i, j)], "{}", level.name());
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
