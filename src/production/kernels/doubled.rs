//! Products of a block of rows with vectors, summed as if in twice the precision (Ogita, Rump, Oishi 2005, Dot2).
//!
//! Every product is split into head and tail without error, every addition of heads too; tails and what the additions lost are
//! summed beside. A term that passes at most K additions of heads, and so at most `2 K + 2` of tails, gives
//!
//! ```text
//! |result - sum|  <=  u |result| + (2 K + 2) u (K + 1) u (1 + small) sum |terms|  <=  u |result| + 4 (K + 1)^2 u^2 sum |terms|
//! ```
//!
//! since each node of the tree of heads loses at most u of itself, and the nodes add up to at most K times the sum of all
//! `|terms|`. An addition of a zero loses nothing and does not count.

use pulp::{Simd, WithSimd};

use crate::production::kernels::Level;
use crate::production::kernels::sparse::SparseRows;
use crate::production::summation::{two_product, two_sum};

/// Rows whose sums run side by side.
const ROWS: usize = 2;
/// Vectors of columns that are accumulated at once.
const WIDTH: usize = 2;
/// Entries of a sparse row whose sums are all loaded before the first is stored.
const TOGETHER: usize = 4;
/// Lanes of a vector at most.
const LANES: usize = 8;
/// `2^27 + 1`: splits 53 bits into 26 and 26.
const SPLITTER: f64 = 134_217_729.0;

/// Sums for one column: head and tail.
pub(crate) type Pair = [f64; 2];

/// A sum in every lane of a vector.
#[derive(Clone, Copy)]
pub(crate) struct DoubledSum<S: Simd> {
    head: S::f64s,
    tail: S::f64s,
}

impl<S: Simd> DoubledSum<S> {
    /// Nothing yet.
    #[inline(always)]
    pub fn zero(simd: S) -> Self {
        Self {
            head: simd.splat_f64s(0.0),
            tail: simd.splat_f64s(0.0),
        }
    }

    /// A sum that has been taken apart.
    #[inline(always)]
    pub fn of([head, tail]: [S::f64s; 2]) -> Self {
        Self { head, tail }
    }

    /// Head and tail.
    #[inline(always)]
    pub fn parts(self) -> [S::f64s; 2] {
        [self.head, self.tail]
    }

    /// Adds the product of a vector and a pair.
    #[inline(always)]
    pub fn add_pair_product(&mut self, simd: S, x: S::f64s, head: S::f64s, tail: S::f64s) {
        self.add_product(simd, x, head);
        self.tail = simd.mul_add_e_f64s(x, tail, self.tail);
    }

    /// Adds a vector.
    #[inline(always)]
    pub fn add(&mut self, simd: S, term: S::f64s) {
        let head = simd.add_f64s(self.head, term);
        let from_term = simd.sub_f64s(head, self.head);
        let lost = simd.add_f64s(
            simd.sub_f64s(self.head, simd.sub_f64s(head, from_term)),
            simd.sub_f64s(term, from_term),
        );
        self.head = head;
        self.tail = simd.add_f64s(self.tail, lost);
    }

    /// Adds the product of two vectors.
    #[inline(always)]
    pub fn add_product(&mut self, simd: S, x: S::f64s, y: S::f64s) {
        let head = simd.mul_f64s(x, y);
        let tail = product_tail(simd, x, y, head);
        self.add(simd, head);
        self.tail = simd.add_f64s(self.tail, tail);
    }

    /// The sum over the lanes.
    #[inline(always)]
    pub fn reduce(self, simd: S) -> Pair {
        let (mut heads, mut tails) = ([0.0; LANES], [0.0; LANES]);
        simd.partial_store_f64s(&mut heads[..S::F64_LANES], self.head);
        simd.partial_store_f64s(&mut tails[..S::F64_LANES], self.tail);
        let mut sum = [heads[0], tails[0]];
        for lane in 1..S::F64_LANES {
            merge(&mut sum, [heads[lane], tails[lane]]);
        }
        sum
    }
}

/// Adds one sum to another.
#[inline(always)]
pub(crate) fn merge(sum: &mut Pair, other: Pair) {
    let (head, lost) = two_sum(sum[0], other[0]);
    *sum = [head, sum[1] + (other[1] + lost)];
}

/// `x y` less the product as rounded, without error.
#[inline(always)]
pub(crate) fn product_tail<S: Simd>(simd: S, x: S::f64s, y: S::f64s, product: S::f64s) -> S::f64s {
    if !S::IS_SCALAR {
        return simd.mul_add_f64s(x, y, simd.neg_f64s(product));
    }
    // A fused multiply-add would be a call of the C library.
    let (x_high, x_low) = halves(simd, x);
    let (y_high, y_low) = halves(simd, y);
    let rest = simd.sub_f64s(product, simd.mul_f64s(x_high, y_high));
    let rest = simd.sub_f64s(rest, simd.mul_f64s(x_low, y_high));
    let rest = simd.sub_f64s(rest, simd.mul_f64s(x_high, y_low));
    simd.sub_f64s(simd.mul_f64s(x_low, y_low), rest)
}

#[inline(always)]
fn halves<S: Simd>(simd: S, x: S::f64s) -> (S::f64s, S::f64s) {
    let scaled = simd.mul_f64s(simd.splat_f64s(SPLITTER), x);
    let high = simd.sub_f64s(scaled, simd.sub_f64s(scaled, x));
    (high, simd.sub_f64s(x, high))
}

/// `z = M x` for a block M of dense rows, each `x.len()` entries with its padding (a multiple of 8).
pub(crate) fn multiply(level: Level, block: &[f64], x: &[f64], z: &mut [f64]) {
    level.dispatch(Multiply { block, x, z });
}

struct Multiply<'a> {
    block: &'a [f64],
    x: &'a [f64],
    z: &'a mut [f64],
}

impl WithSimd for Multiply<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let stride = self.x.len();
        let x = S::as_simd_f64s(self.x).0;
        let mut groups = self.block.chunks_exact(ROWS * stride);
        let mut outputs = self.z.chunks_exact_mut(ROWS);
        for (group, z) in (&mut groups).zip(&mut outputs) {
            rows_times::<S, ROWS>(simd, group, x, z);
        }
        let rest = groups.remainder().chunks_exact(stride);
        for (row, z) in rest.zip(outputs.into_remainder().chunks_exact_mut(1)) {
            rows_times::<S, 1>(simd, row, x, z);
        }
    }
}

#[inline(always)]
fn rows_times<S: Simd, const R: usize>(simd: S, rows: &[f64], x: &[S::f64s], z: &mut [f64]) {
    let stride = x.len() * S::F64_LANES;
    let rows: [&[S::f64s]; R] =
        std::array::from_fn(|i| &S::as_simd_f64s(&rows[i * stride..(i + 1) * stride]).0[..x.len()]);
    let mut sums = [DoubledSum::<S>::zero(simd); R];
    for (k, factor) in x.iter().enumerate() {
        for i in 0..R {
            sums[i].add_product(simd, rows[i][k], *factor);
        }
    }
    for i in 0..R {
        let [head, tail] = sums[i].reduce(simd);
        z[i] = head + tail;
    }
}

/// `heads + tails += M' (u + v)` for a block M of dense rows; both hold `stride` entries. v, where there is one, is below a rounding of u.
pub(crate) fn accumulate(
    level: Level,
    block: &[f64],
    (u, v): (&[f64], Option<&[f64]>),
    [heads, tails]: [&mut [f64]; 2],
) {
    level.dispatch(Accumulate {
        block,
        u,
        v,
        heads,
        tails,
    });
}

struct Accumulate<'a> {
    block: &'a [f64],
    u: &'a [f64],
    v: Option<&'a [f64]>,
    heads: &'a mut [f64],
    tails: &'a mut [f64],
}

impl WithSimd for Accumulate<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let vectors = self.heads.len() / S::F64_LANES;
        let mut first = 0;
        while first + WIDTH <= vectors {
            self.columns::<S, WIDTH>(simd, first);
            first += WIDTH;
        }
        while first < vectors {
            self.columns::<S, 1>(simd, first);
            first += 1;
        }
    }
}

impl Accumulate<'_> {
    /// W vectors of columns from vector `first` on.
    #[inline(always)]
    fn columns<S: Simd, const W: usize>(&mut self, simd: S, first: usize) {
        let stride = self.heads.len();
        let heads = &mut S::as_mut_simd_f64s(self.heads).0[first..first + W];
        let tails = &mut S::as_mut_simd_f64s(self.tails).0[first..first + W];
        let mut sums: [DoubledSum<S>; W] =
            std::array::from_fn(|k| DoubledSum::of([heads[k], tails[k]]));
        let place = first * S::F64_LANES..(first + W) * S::F64_LANES;
        let rows = self.block.chunks_exact(stride);
        for (i, (row, u)) in rows.zip(self.u).enumerate() {
            let entries = &S::as_simd_f64s(&row[place.clone()]).0[..W];
            let u = simd.splat_f64s(*u);
            match self.v {
                None => {
                    for k in 0..W {
                        sums[k].add_product(simd, entries[k], u);
                    }
                }
                Some(v) => {
                    let v = simd.splat_f64s(v[i]);
                    for k in 0..W {
                        sums[k].add_pair_product(simd, entries[k], u, v);
                    }
                }
            }
        }
        for k in 0..W {
            [heads[k], tails[k]] = sums[k].parts();
        }
    }
}

/// `z = M x` for sparse rows, the first of them row `first`.
pub(crate) fn multiply_sparse(
    level: Level,
    rows: SparseRows<'_>,
    first: usize,
    x: &[f64],
    z: &mut [f64],
) {
    level.dispatch(MultiplySparse { rows, first, x, z });
}

struct MultiplySparse<'a> {
    rows: SparseRows<'a>,
    first: usize,
    x: &'a [f64],
    z: &'a mut [f64],
}

impl WithSimd for MultiplySparse<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        for (i, z) in self.z.iter_mut().enumerate() {
            let (indices, values) = self.rows.entries(self.first + i);
            let mut sum = [0.0; 2];
            for (j, value) in indices.iter().zip(values) {
                add_product::<S>(&mut sum, *value, self.x[*j]);
            }
            *z = sum[0] + sum[1];
        }
    }
}

/// `sums += M' u` for sparse rows, the first of them row `first`.
pub(crate) fn accumulate_sparse(
    level: Level,
    rows: SparseRows<'_>,
    first: usize,
    u: &[f64],
    sums: &mut [Pair],
) {
    level.dispatch(AccumulateSparse {
        rows,
        first,
        u,
        sums,
    });
}

struct AccumulateSparse<'a> {
    rows: SparseRows<'a>,
    first: usize,
    u: &'a [f64],
    sums: &'a mut [Pair],
}

impl WithSimd for AccumulateSparse<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        for (i, factor) in self.u.iter().enumerate() {
            let (indices, values) = self.rows.entries(self.first + i);
            let (groups, rest) = indices.as_chunks::<TOGETHER>();
            let (group_values, rest_values) = values.as_chunks::<TOGETHER>();
            for (columns, values) in groups.iter().zip(group_values) {
                // The columns of a row differ, which the processor cannot know: all loads before the first store.
                let mut loaded = [[0.0; 2]; TOGETHER];
                for (sum, j) in loaded.iter_mut().zip(columns) {
                    *sum = self.sums[*j];
                }
                for (sum, value) in loaded.iter_mut().zip(values) {
                    add_product::<S>(sum, *value, *factor);
                }
                for (sum, j) in loaded.iter().zip(columns) {
                    self.sums[*j] = *sum;
                }
            }
            for (j, value) in rest.iter().zip(rest_values) {
                add_product::<S>(&mut self.sums[*j], *value, *factor);
            }
        }
    }
}

/// Adds a product to a sum, by the instructions of a level.
#[inline(always)]
fn add_product<S: Simd>(sum: &mut Pair, x: f64, y: f64) {
    let (product, tail) = if S::IS_SCALAR {
        two_product(x, y)
    } else {
        let product = x * y;
        (product, x.mul_add(y, -product))
    };
    let (head, lost) = two_sum(sum[0], product);
    *sum = [head, sum[1] + (tail + lost)];
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::production::kernels::operator::test_support::operators;
    use nalgebra::DMatrix;

    /// Columns 1 + small, 1 - small and -2 + smaller, of ten rows and more than a block of them: what is left after the large
    /// parts cancel is 2^-70 of them, beyond plain f64.
    fn cancelling(n: usize) -> (DMatrix<f64>, Vec<f64>, f64) {
        let small = 2f64.powi(-30);
        let matrix = DMatrix::from_fn(n, 3, |_, j| [1.0 + small, 1.0 - small, -1.0][j]);
        // (1 + s)(1 - s) + (1 - s)(1 + s) - 2 = -2 s^2, in f64 each product is 1.
        let x = vec![1.0 - small, 1.0 + small, 2.0];
        (matrix, x, -2.0 * small * small)
    }

    #[test]
    fn logits_that_cancel_beyond_f64_are_right() {
        for n in [1, 10, 4099] {
            let (matrix, x, expected) = cancelling(n);
            for (name, operator) in operators(&matrix) {
                let mut z = vec![0.0; n];
                operator.multiply_doubled(&x, &mut z);
                assert_eq!(z, vec![expected; n], "{name}");
            }
        }
    }

    #[test]
    fn products_with_the_transpose_that_cancel_beyond_f64_are_right() {
        // Three rows of the columns above at a time: the transpose cancels as the rows did.
        for groups in [1, 7, 30_001] {
            let (three, x, expected) = cancelling(1);
            let n = 3 * groups;
            let matrix = DMatrix::from_fn(n, 2, |i, j| three[(0, i % 3)] * (j as f64 + 1.0));
            let v: Vec<f64> = (0..n).map(|i| x[i % 3]).collect();
            // Whole multiples of 2^-60 below 2^53 of them: exact.
            let whole = groups as f64 * expected;
            for (name, operator) in operators(&matrix) {
                let product = operator.transpose_multiply_doubled(&v);
                assert_eq!(product, [whole, 2.0 * whole], "{name}, {groups}");
            }
        }
    }

    #[test]
    fn doubled_products_are_the_same_bits_for_any_number_of_threads() {
        let n = 40_000;
        let matrix = DMatrix::from_fn(n, 5, |i, j| ((i * 31 + j * 17) as f64).sin());
        let v: Vec<f64> = (0..n).map(|i| (i as f64).cos()).collect();
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
            pool.build().unwrap().install(|| {
                let all = operators(&matrix).into_iter();
                all.map(|(_, operator)| {
                    let mut z = vec![0.0; n];
                    operator.multiply_doubled(&v[..5], &mut z);
                    (z, operator.transpose_multiply_doubled(&v))
                })
                .collect::<Vec<_>>()
            })
        };
        assert!(run(1) == run(3));
    }

    /// Whole multiples of 2^-80 below 2^53 of them: exact.
    #[test]
    fn products_of_pairs_with_rows_are_exact_where_they_fit() {
        for level in Level::all() {
            for (rows, stride) in [(1, 8), (3, 16), (10, 24), (33, 40)] {
                let entry = |i: usize, j: usize| ((i * 7 + j * 5) % 11) as f64 - 5.0;
                let block: Vec<f64> = (0..rows)
                    .flat_map(|i| (0..stride).map(move |j| entry(i, j)))
                    .collect();
                let unit = 2f64.powi(-80);
                let whole = |i: usize| (i % 5) as f64 - 2.0;
                let rest = |i: usize| (i % 7) as f64 - 3.0;
                let heads: Vec<f64> = (0..rows).map(whole).collect();
                let tails: Vec<f64> = (0..rows).map(|i| rest(i) * unit).collect();
                let (mut found, mut lost) = (vec![1.0; stride], vec![0.0; stride]);
                accumulate(
                    level,
                    &block,
                    (&heads, Some(&tails)),
                    [&mut found, &mut lost],
                );
                for j in 0..stride {
                    let large: f64 = (0..rows).map(|i| entry(i, j) * whole(i)).sum();
                    let small: f64 = (0..rows).map(|i| entry(i, j) * rest(i)).sum();
                    assert_eq!(found[j], 1.0 + large, "{}", level.name());
                    assert_eq!(lost[j], small * unit, "{}", level.name());
                }
            }
        }
    }
}
