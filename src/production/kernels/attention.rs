//! Rows of an attention in one pass over the keys: `sum_k w_k v_k / sum_k w_k` with `w_k = exp(z_k - max z)` or
//! `(z_k / max |z|)^beta`, `z = K q`.
//!
//! A block of queries meets one block of keys after the other. For each query the largest logit so far, the sum of the
//! weights and the weighted sum of the values are kept; a larger logit rescales the sums. Nothing of the size of queries times
//! keys is ever held.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use crate::production::kernels::Level;
use crate::production::kernels::exponential::exponentials_with;
use crate::production::kernels::powers::powers_with;
use crate::production::kernels::product::{Rows, add_product};

/// Queries of a block: their logits for one block of keys stay in the second-level cache.
pub(crate) const QUERIES: usize = 128;
/// Keys of a block: a multiple of three vectors at every level.
pub(crate) const KEYS: usize = 192;
/// Entries of the widest vector.
const LANES: usize = 8;

/// How logits become weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weights {
    /// `exp(z)`.
    Exponential,
    /// `z^beta`; every query sees every key.
    Power(u32),
}

/// What is kept of a query beside its outputs.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Sums {
    /// The largest logit, of powers in size; weights are relative to its own.
    pub largest: f64,
    /// The sum of the weights.
    pub total: f64,
    /// Of powers `sum_k |z_k / largest|^(beta - 1)`, at most; 0 of exponentials.
    pub slopes: f64,
}

/// What all queries share.
#[derive(Clone, Copy)]
pub(crate) struct Memory<'a> {
    /// Which weights.
    pub weights: Weights,
    /// [`keys_in_blocks`] of the keys.
    pub keys: &'a [f64],
    /// [`padded_values`] of the values.
    pub values: &'a [f64],
    /// Entries of a key, at least 1.
    pub width: usize,
    /// Entries of a value, at least 1.
    pub columns: usize,
    /// Once set, nothing more is computed, and what was written is of no use.
    pub stop: &'a AtomicBool,
}

/// Up to [`QUERIES`] queries that follow each other.
pub(crate) struct Queries<'a> {
    /// `d` entries each, row by row.
    pub entries: &'a [f64],
    /// What they are divided by.
    pub scale: f64,
    /// How many keys each sees, at least 1.
    pub seen: &'a [usize],
}

/// Buffers of one thread.
#[derive(Default)]
pub(crate) struct Buffers {
    queries: Vec<f64>,
    logits: Vec<f64>,
    scratch: Vec<f64>,
    sums: Vec<f64>,
    rows: Vec<Sums>,
}

/// Writes the outputs of the queries, row by row, and what is kept of each. All logits must be finite.
pub(crate) fn attend(
    level: Level,
    memory: Memory<'_>,
    queries: Queries<'_>,
    buffers: &mut Buffers,
    outputs: &mut [f64],
    sums: &mut [Sums],
) {
    level.dispatch(Attend {
        memory,
        queries,
        buffers,
        outputs,
    });
    sums.copy_from_slice(&buffers.rows);
}

struct Attend<'a> {
    memory: Memory<'a>,
    queries: Queries<'a>,
    buffers: &'a mut Buffers,
    outputs: &'a mut [f64],
}

impl WithSimd for Attend<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self {
            memory,
            queries,
            buffers,
            outputs,
        } = self;
        let (d, m) = (memory.width, memory.columns);
        let rows = queries.seen.len();
        let padded = m.next_multiple_of(LANES);
        buffers.fit(memory.weights, rows, d, padded);
        for (scaled, entry) in buffers.queries.iter_mut().zip(queries.entries) {
            *scaled = entry / queries.scale;
        }
        let most = queries.seen.iter().copied().max().unwrap_or(0);
        for first in (0..most).step_by(KEYS) {
            if memory.stop.load(Relaxed) {
                return;
            }
            let count = KEYS.min(most - first);
            buffers.logits.fill(0.0);
            add_product(
                simd,
                Rows {
                    entries: &buffers.queries,
                    stride: d,
                    inner: d,
                },
                S::as_simd_f64s(&memory.keys[first * d..(first + KEYS) * d]).0,
                KEYS / S::F64_LANES,
                S::as_mut_simd_f64s(&mut buffers.logits).0,
            );
            for (i, seen) in queries.seen.iter().enumerate() {
                let visible = seen.saturating_sub(first).min(count);
                match memory.weights {
                    Weights::Exponential => buffers.exponentials(simd, i, visible, padded),
                    Weights::Power(degree) => buffers.powers(simd, i, (visible, padded), degree),
                }
            }
            add_product(
                simd,
                Rows {
                    entries: &buffers.logits,
                    stride: KEYS,
                    inner: count,
                },
                S::as_simd_f64s(&memory.values[first * padded..(first + count) * padded]).0,
                padded / S::F64_LANES,
                S::as_mut_simd_f64s(&mut buffers.sums).0,
            );
        }
        let sums = buffers.sums.chunks_exact(padded);
        for ((output, sums), row) in outputs.chunks_exact_mut(m).zip(sums).zip(&buffers.rows) {
            for (output, sum) in output.iter_mut().zip(sums) {
                *output = sum / row.total;
            }
        }
    }
}

impl Buffers {
    /// Empty sums for so many queries.
    fn fit(&mut self, weights: Weights, rows: usize, width: usize, padded: usize) {
        let fill = |buffer: &mut Vec<f64>, length: usize| {
            buffer.clear();
            buffer.resize(length, 0.0);
        };
        fill(&mut self.queries, rows * width);
        fill(&mut self.logits, rows * KEYS);
        fill(&mut self.scratch, KEYS);
        fill(&mut self.sums, rows * padded);
        self.rows.clear();
        let none = Sums {
            largest: match weights {
                Weights::Exponential => f64::NEG_INFINITY,
                Weights::Power(_) => 0.0,
            },
            ..Sums::default()
        };
        self.rows.resize(rows, none);
    }

    /// Multiplies what is kept of query `i`.
    fn rescale(&mut self, i: usize, padded: usize, total: f64, slopes: f64) {
        self.rows[i].total *= total;
        self.rows[i].slopes *= slopes;
        for sum in &mut self.sums[i * padded..(i + 1) * padded] {
            *sum *= total;
        }
    }

    /// Turns the logits of query `i` into exponentials relative to the largest so far; keys that it does not see weigh 0.
    #[inline(always)]
    fn exponentials<S: Simd>(&mut self, simd: S, i: usize, visible: usize, padded: usize) {
        let row = &mut self.logits[i * KEYS..(i + 1) * KEYS];
        row[visible..].fill(f64::NEG_INFINITY);
        let mut most = simd.splat_f64s(f64::NEG_INFINITY);
        for vector in S::as_simd_f64s(row).0 {
            most = simd.max_f64s(most, *vector);
        }
        let here = simd.reduce_max_f64s(most);
        let before = self.rows[i].largest;
        if here > before {
            let mut ratio = [before - here];
            exponentials_with(simd, &mut ratio, &mut self.scratch);
            self.rescale(i, padded, ratio[0], 0.0);
            self.rows[i].largest = here;
        }
        let row = &mut self.logits[i * KEYS..(i + 1) * KEYS];
        let shift = simd.splat_f64s(self.rows[i].largest);
        for vector in S::as_mut_simd_f64s(row).0 {
            *vector = simd.sub_f64s(*vector, shift);
        }
        exponentials_with(simd, row, &mut self.scratch);
        let mut total = simd.splat_f64s(0.0);
        for vector in S::as_simd_f64s(row).0 {
            total = simd.add_f64s(total, *vector);
        }
        self.rows[i].total += simd.reduce_sum_f64s(total);
    }

    /// Turns the logits of query `i` into powers of their quotients by the largest size so far.
    #[inline(always)]
    fn powers<S: Simd>(
        &mut self,
        simd: S,
        i: usize,
        (visible, padded): (usize, usize),
        degree: u32,
    ) {
        let row = &mut self.logits[i * KEYS..(i + 1) * KEYS];
        row[visible..].fill(0.0);
        if degree == 0 {
            row[..visible].fill(1.0);
            self.rows[i].total += visible as f64;
            return;
        }
        let mut most = simd.splat_f64s(0.0);
        for vector in S::as_simd_f64s(row).0 {
            most = simd.max_f64s(most, simd.abs_f64s(*vector));
        }
        let here = simd.reduce_max_f64s(most);
        let before = self.rows[i].largest;
        if here > before {
            let ratio = before / here;
            let slopes = powers_with(simd, &mut [ratio], degree);
            let slope = slopes.min(1.0);
            // The power of the quotient is what one multiplication more makes of its slope.
            self.rescale(i, padded, slope * ratio, slope);
            self.rows[i].largest = here;
        }
        let row = &mut self.logits[i * KEYS..(i + 1) * KEYS];
        if self.rows[i].largest > 0.0 {
            let divisor = simd.splat_f64s(self.rows[i].largest);
            for vector in S::as_mut_simd_f64s(row).0 {
                *vector = simd.div_f64s(*vector, divisor);
            }
        }
        self.rows[i].slopes += powers_with(simd, row, degree);
        let mut total = simd.splat_f64s(0.0);
        for vector in S::as_simd_f64s(row).0 {
            total = simd.add_f64s(total, *vector);
        }
        self.rows[i].total += simd.reduce_sum_f64s(total);
    }
}

/// Keys of `width` entries (at least 1), row by row, as columns of blocks of [`KEYS`], the last filled up with 0.
pub(crate) fn keys_in_blocks(keys: &[f64], width: usize) -> Vec<f64> {
    let blocks = (keys.len() / width).div_ceil(KEYS);
    let mut target = vec![0.0; blocks * KEYS * width];
    let sources = keys.par_chunks(KEYS * width);
    target
        .par_chunks_exact_mut(KEYS * width)
        .zip(sources)
        .for_each(|(block, keys)| {
            for (k, key) in keys.chunks_exact(width).enumerate() {
                for (column, entry) in block.chunks_exact_mut(KEYS).zip(key) {
                    column[k] = *entry;
                }
            }
        });
    target
}

/// Values of `columns` entries (at least 1), row by row, times the factor and each in a row of whole vectors; they themselves
/// where that changes nothing.
pub(crate) fn padded_values(values: &[f64], columns: usize, factor: f64) -> Cow<'_, [f64]> {
    let padded = columns.next_multiple_of(LANES);
    if padded == columns && factor == 1.0 {
        return Cow::Borrowed(values);
    }
    let mut target = vec![0.0; values.len() / columns * padded];
    let rows = values.par_chunks_exact(columns);
    target
        .par_chunks_exact_mut(padded)
        .zip(rows)
        .for_each(|(target, row)| {
            for (target, value) in target.iter_mut().zip(row) {
                *target = value * factor;
            }
        });
    Cow::Owned(target)
}
