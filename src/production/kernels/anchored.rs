//! Products of a block of rows with several vectors at once, one in each lane, summed in more than the precision of f64.
//!
//! A sum begins at an anchor so large that it stays within a factor of two whatever is added (Rump, Ogita, Oishi 2008, "Accurate
//! floating-point summation": extraction). A fused multiply-add then takes from each product a multiple of the anchor's last place, which
//! adds up without error; what is left of the product is summed beside. That is four instructions a term, where sums of twice the precision
//! take nine.
//!
//! Let `2^k <= anchor < 2^(k+1)`, the anchor three halves of `2^k`, and all partial sums below `2^(k-1)`. What is left of a term is at most
//! `1.25 u 2^k` (half a last place, and on processors without fused multiply-add the tail of the product), known to a unit of itself; the
//! sum of what is left passes some additions. So
//!
//! ```text
//! |result - sum|  <=  u |result| + terms (additions + 1) u^2 anchor
//! ```
//!
//! and the smallest normal number for each term where products underflow. Nothing of a lane enters another: its bits are the same whatever
//! stands beside it, and whatever the number of lanes.

use pulp::{Simd, WithSimd};

use crate::instance::row_major::LINE;
use crate::production::kernels::Level;
use crate::production::kernels::doubled::product_tail;
use crate::production::kernels::prefetch::prefetch;
use crate::production::kernels::sparse::SparseRows;
use crate::scalar::rounding::UNIT;

/// Lanes come in groups of so many: the largest vectors, whatever those of the processor are.
pub(crate) const GROUP: usize = 8;
/// Vectors in a tile.
const WIDE: usize = 2;
/// Sums for each of them where there are 32 vector registers, and where there are 16.
const SUMS_WIDE: usize = 4;
const SUMS_NARROW: usize = 2;
/// What the bound of partial sums is multiplied by: more than all roundings of a sum can move it.
const ROOM: f64 = 1.001;
/// Bounds below this are raised to it, larger than its reciprocal are refused: far from where anchors under- or overflow.
const LEAST: f64 = 1e-250;

/// The anchor for partial sums that are at most `bound` in magnitude; `None` where that is beyond the range.
pub(crate) fn anchor(bound: f64) -> Option<f64> {
    let raised = (bound * ROOM).max(LEAST);
    // Not for NaN, either.
    (bound >= 0.0 && raised <= LEAST.recip()).then(|| {
        // A power of two, at most `raised` and more than half of it: a quarter of 2^k.
        6.0 * f64::from_bits(raised.to_bits() & f64::INFINITY.to_bits())
    })
}

/// By how much a sum of so many terms, each of which passes so many additions at most, is off beyond `u |result|`.
pub(crate) fn lost(terms: usize, additions: usize, anchor: f64) -> f64 {
    terms as f64 * ((additions as f64 + 1.0) * UNIT * UNIT * anchor + f64::MIN_POSITIVE)
}

/// Sums by lanes: rows of as many entries as there are lanes.
pub(crate) struct Sums<'a> {
    /// From the anchor on.
    pub high: &'a mut [f64],
    /// What is left.
    pub low: &'a mut [f64],
}

/// How products with a transpose are summed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Precision {
    /// From an anchor on.
    Anchored,
    /// From zero on in f64, in a quarter of the instructions; what is left is not touched.
    Plain,
}

/// `sums += M X` for a block M of dense rows of `stride` entries, of which the first `inner` count: a row of sums for each; X has `inner`
/// rows of `lanes` entries.
pub(crate) fn multiply(
    level: Level,
    block: &[f64],
    (stride, inner, lanes): (usize, usize, usize),
    x: &[f64],
    sums: Sums<'_>,
) {
    level.dispatch(Multiply {
        block,
        stride,
        inner,
        lanes,
        x,
        sums,
    });
}

struct Multiply<'a> {
    block: &'a [f64],
    stride: usize,
    inner: usize,
    lanes: usize,
    x: &'a [f64],
    sums: Sums<'a>,
}

impl WithSimd for Multiply<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        if S::REGISTER_COUNT >= 32 {
            self.run::<S, SUMS_WIDE>(simd);
        } else {
            self.run::<S, SUMS_NARROW>(simd);
        }
    }
}

impl Multiply<'_> {
    #[inline(always)]
    fn run<S: Simd, const R: usize>(self, simd: S) {
        let vectors = self.lanes / S::F64_LANES;
        let x = S::as_simd_f64s(self.x).0;
        let mut high = S::as_mut_simd_f64s(self.sums.high).0;
        let mut low = S::as_mut_simd_f64s(self.sums.low).0;
        let mut block = self.block;
        loop {
            let rows = high.len() / vectors;
            if rows == 0 {
                return;
            }
            let taken = if rows >= R { R } else { 1 };
            let (high_tile, high_rest) = high.split_at_mut(taken * vectors);
            let (low_tile, low_rest) = low.split_at_mut(taken * vectors);
            if taken == R {
                let rows: [&[f64]; R] =
                    std::array::from_fn(|r| &block[r * self.stride..r * self.stride + self.inner]);
                let rows = Rows {
                    rows,
                    ahead: R * self.stride,
                };
                in_vectors::<S, _, R, true>(simd, rows, x, vectors, high_tile, low_tile);
            } else {
                let row = Rows {
                    rows: [&block[..self.inner]],
                    ahead: self.stride,
                };
                in_vectors::<S, _, 1, true>(simd, row, x, vectors, high_tile, low_tile);
            }
            (high, low) = (high_rest, low_rest);
            block = &block[(taken * self.stride).min(block.len())..];
        }
    }
}

/// `sums += M' V` for a block M of dense rows of `stride` entries: a row of sums for each of the first `inner` columns; V has a row of `lanes`
/// entries for each row of M.
pub(crate) fn accumulate(
    level: Level,
    block: &[f64],
    (stride, inner, lanes): (usize, usize, usize),
    v: &[f64],
    sums: Sums<'_>,
    precision: Precision,
) {
    level.dispatch(Accumulate {
        block,
        stride,
        inner,
        lanes,
        v,
        sums,
        precision,
    });
}

struct Accumulate<'a> {
    block: &'a [f64],
    stride: usize,
    inner: usize,
    lanes: usize,
    v: &'a [f64],
    sums: Sums<'a>,
    precision: Precision,
}

impl WithSimd for Accumulate<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match (self.precision, S::REGISTER_COUNT >= 32) {
            (Precision::Anchored, true) => self.run::<S, SUMS_WIDE, true>(simd),
            (Precision::Anchored, false) => self.run::<S, SUMS_NARROW, true>(simd),
            (Precision::Plain, true) => self.run::<S, { 2 * SUMS_WIDE }, false>(simd),
            (Precision::Plain, false) => self.run::<S, { 2 * SUMS_NARROW }, false>(simd),
        }
    }
}

impl Accumulate<'_> {
    #[inline(always)]
    fn run<S: Simd, const R: usize, const ANCHORED: bool>(self, simd: S) {
        let vectors = self.lanes / S::F64_LANES;
        let v = S::as_simd_f64s(self.v).0;
        let high = S::as_mut_simd_f64s(self.sums.high).0;
        let low = S::as_mut_simd_f64s(self.sums.low).0;
        let columns = |first: usize| Columns {
            block: self.block,
            stride: self.stride,
            first,
        };
        let whole = self.inner / R * R;
        for first in (0..whole).step_by(R) {
            let place = first * vectors..(first + R) * vectors;
            let (high, low) = (&mut high[place.clone()], &mut low[place]);
            in_vectors::<S, _, R, ANCHORED>(simd, columns(first), v, vectors, high, low);
        }
        for first in whole..self.inner {
            let place = first * vectors..(first + 1) * vectors;
            let (high, low) = (&mut high[place.clone()], &mut low[place]);
            in_vectors::<S, _, 1, ANCHORED>(simd, columns(first), v, vectors, high, low);
        }
    }
}

/// Which entries of a block of rows R sums multiply the t-th row of vectors by.
trait Factors<const R: usize>: Copy {
    fn at(&self, t: usize) -> [f64; R];
}

/// Those of R rows, one after the other; the next ones are so many entries ahead.
#[derive(Clone, Copy)]
struct Rows<'a, const R: usize> {
    rows: [&'a [f64]; R],
    ahead: usize,
}

impl<const R: usize> Factors<R> for Rows<'_, R> {
    #[inline(always)]
    fn at(&self, t: usize) -> [f64; R] {
        if t.is_multiple_of(LINE) {
            for row in self.rows {
                prefetch(row, self.ahead + t);
            }
        }
        std::array::from_fn(|r| self.rows[r][t])
    }
}

/// Those of R columns from the first on.
#[derive(Clone, Copy)]
struct Columns<'a> {
    block: &'a [f64],
    stride: usize,
    first: usize,
}

impl<const R: usize> Factors<R> for Columns<'_> {
    #[inline(always)]
    fn at(&self, t: usize) -> [f64; R] {
        let from = t * self.stride + self.first;
        let entries = &self.block[from..from + R];
        // The same place in the next block, which follows this one.
        prefetch(entries, self.block.len());
        std::array::from_fn(|r| entries[r])
    }
}

/// R sums of all vectors.
#[inline(always)]
fn in_vectors<S: Simd, F: Factors<R>, const R: usize, const ANCHORED: bool>(
    simd: S,
    factors: F,
    terms: &[S::f64s],
    vectors: usize,
    high: &mut [S::f64s],
    low: &mut [S::f64s],
) {
    let mut first = 0;
    while first + WIDE <= vectors {
        tile::<S, F, R, WIDE, ANCHORED>(simd, factors, terms, (first, vectors), high, low);
        first += WIDE;
    }
    if first < vectors {
        tile::<S, F, R, 1, ANCHORED>(simd, factors, terms, (first, vectors), high, low);
    }
}

/// R sums of V vectors from vector `first` of each row of `vectors` on.
#[inline(always)]
fn tile<S: Simd, F: Factors<R>, const R: usize, const V: usize, const ANCHORED: bool>(
    simd: S,
    factors: F,
    terms: &[S::f64s],
    (first, vectors): (usize, usize),
    high: &mut [S::f64s],
    low: &mut [S::f64s],
) {
    let at = |r: usize, v: usize| r * vectors + first + v;
    let mut sums: [[[S::f64s; 2]; V]; R] =
        std::array::from_fn(|r| std::array::from_fn(|v| [high[at(r, v)], low[at(r, v)]]));
    for (t, terms) in terms.chunks_exact(vectors).enumerate() {
        let terms = &terms[first..first + V];
        let factors = factors.at(t);
        for r in 0..R {
            let factor = simd.splat_f64s(factors[r]);
            for v in 0..V {
                sums[r][v] = plus_product::<S, ANCHORED>(simd, sums[r][v], terms[v], factor);
            }
        }
    }
    for r in 0..R {
        for v in 0..V {
            [high[at(r, v)], low[at(r, v)]] = sums[r][v];
        }
    }
}

/// A sum with the product of two vectors.
#[inline(always)]
fn plus_product<S: Simd, const ANCHORED: bool>(
    simd: S,
    [high, low]: [S::f64s; 2],
    x: S::f64s,
    y: S::f64s,
) -> [S::f64s; 2] {
    if !ANCHORED {
        return [simd.mul_add_e_f64s(x, y, high), low];
    }
    let (next, left) = if S::IS_SCALAR {
        let product = simd.mul_f64s(x, y);
        let next = simd.add_f64s(high, product);
        let rest = simd.sub_f64s(product, simd.sub_f64s(next, high));
        (next, simd.add_f64s(rest, product_tail(simd, x, y, product)))
    } else {
        let next = simd.mul_add_f64s(x, y, high);
        // Less what has been taken.
        (next, simd.mul_add_f64s(x, y, simd.sub_f64s(high, next)))
    };
    [next, simd.add_f64s(low, left)]
}

/// `sums += M X` for sparse rows, the first of them row `first`: a row of sums for each; X has a row of `lanes` entries for each column.
pub(crate) fn multiply_sparse(
    level: Level,
    rows: SparseRows<'_>,
    first: usize,
    lanes: usize,
    x: &[f64],
    sums: Sums<'_>,
) {
    level.dispatch(MultiplySparse {
        rows,
        first,
        lanes,
        x,
        sums,
    });
}

struct MultiplySparse<'a> {
    rows: SparseRows<'a>,
    first: usize,
    lanes: usize,
    x: &'a [f64],
    sums: Sums<'a>,
}

impl WithSimd for MultiplySparse<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let high = self.sums.high.chunks_exact_mut(self.lanes);
        let low = self.sums.low.chunks_exact_mut(self.lanes);
        for (i, (high, low)) in high.zip(low).enumerate() {
            let (indices, values) = self.rows.entries(self.first + i);
            for first in (0..self.lanes).step_by(GROUP) {
                let group = first..first + GROUP;
                let high = S::as_mut_simd_f64s(&mut high[group.clone()]).0;
                let low = S::as_mut_simd_f64s(&mut low[group]).0;
                for (j, value) in indices.iter().zip(values) {
                    let from = j * self.lanes + first;
                    let x = S::as_simd_f64s(&self.x[from..from + GROUP]).0;
                    let value = simd.splat_f64s(*value);
                    for ((high, low), x) in high.iter_mut().zip(&mut *low).zip(x) {
                        [*high, *low] = plus_product::<S, true>(simd, [*high, *low], *x, value);
                    }
                }
            }
        }
    }
}

/// `sums += M' V` for sparse rows, the first of them row `first`: a row of sums for each column; V has a row of `lanes` entries for each row
/// of M.
pub(crate) fn accumulate_sparse(
    level: Level,
    rows: SparseRows<'_>,
    first: usize,
    lanes: usize,
    v: &[f64],
    sums: Sums<'_>,
    precision: Precision,
) {
    level.dispatch(AccumulateSparse {
        rows,
        first,
        lanes,
        v,
        sums,
        precision,
    });
}

struct AccumulateSparse<'a> {
    rows: SparseRows<'a>,
    first: usize,
    lanes: usize,
    v: &'a [f64],
    sums: Sums<'a>,
    precision: Precision,
}

impl WithSimd for AccumulateSparse<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match self.precision {
            Precision::Anchored => self.run::<S, true>(simd),
            Precision::Plain => self.run::<S, false>(simd),
        }
    }
}

impl AccumulateSparse<'_> {
    #[inline(always)]
    fn run<S: Simd, const ANCHORED: bool>(self, simd: S) {
        for (i, v) in self.v.chunks_exact(self.lanes).enumerate() {
            let v = S::as_simd_f64s(v).0;
            let (indices, values) = self.rows.entries(self.first + i);
            for (j, value) in indices.iter().zip(values) {
                let place = j * self.lanes..(j + 1) * self.lanes;
                let high = S::as_mut_simd_f64s(&mut self.sums.high[place.clone()]).0;
                let low = S::as_mut_simd_f64s(&mut self.sums.low[place]).0;
                let value = simd.splat_f64s(*value);
                for ((high, low), v) in high.iter_mut().zip(low).zip(v) {
                    [*high, *low] = plus_product::<S, ANCHORED>(simd, [*high, *low], *v, value);
                }
            }
        }
    }
}
