//! Products of compressed sparse rows with vectors.
//!
//! Column indices are read without bounds checks: with ten entries a row the checks cost as much as the arithmetic. The
//! one place that makes [`SparseRows`] takes a `CsrMatrix`, whose constructors refuse an index beyond the number of
//! columns and offsets that are not monotone or beyond the number of entries; a test hands them both.
#![allow(unsafe_code)]

use std::ops::Range;

use nalgebra_sparse::CsrMatrix;
use pulp::{Simd, WithSimd};

use crate::production::kernels::Level;
use crate::production::kernels::partition::Rows;
use crate::production::kernels::prefetch::prefetch;

/// Sums for one column, side by side so that one load serves all; the fourth is padding.
pub(crate) type Lanes = [f64; 4];

/// The arrays of a CSR matrix; its invariants are those of `CsrMatrix`.
#[derive(Clone, Copy)]
pub(crate) struct SparseRows<'a> {
    offsets: &'a [usize],
    indices: &'a [usize],
    values: &'a [f64],
    columns: usize,
}

impl<'a> SparseRows<'a> {
    /// The arrays of a matrix.
    pub fn of(matrix: &'a CsrMatrix<f64>) -> Self {
        Self {
            offsets: matrix.row_offsets(),
            indices: matrix.col_indices(),
            values: matrix.values(),
            columns: matrix.ncols(),
        }
    }

    /// `z = M x` for the given rows; x has one entry for each column.
    pub fn multiply(self, level: Level, rows: Range<usize>, x: &[f64], z: &mut [f64]) {
        assert!(x.len() >= self.columns && rows.end < self.offsets.len());
        level.dispatch(Multiply {
            a: self,
            rows,
            x,
            z,
        });
    }

    /// `sums[j][k] += (M' u[k])_j` for the given rows and three vectors; the fourth lane is left as it is.
    pub fn accumulate(self, level: Level, rows: Range<usize>, u: [&[f64]; 3], sums: &mut [Lanes]) {
        assert!(sums.len() >= self.columns && rows.end < self.offsets.len());
        level.dispatch(Accumulate {
            a: self,
            rows,
            u,
            sums,
        });
    }

    /// `sums += M' u` for the given rows.
    pub fn accumulate_one(self, level: Level, rows: Range<usize>, u: &[f64], sums: &mut [f64]) {
        assert!(sums.len() >= self.columns && rows.end < self.offsets.len());
        level.dispatch(AccumulateOne {
            a: self,
            rows,
            u,
            sums,
        });
    }

    /// `C += M' diag(weights) M` for the given rows: entries `C[j][i]` with `i >= j` of a `stride x stride` matrix by rows.
    ///
    /// The column indices of a row ascend, as `CsrMatrix` demands.
    pub fn add_gram(
        self,
        level: Level,
        rows: Rows<'_>,
        weights: &[f64],
        c: &mut [f64],
        stride: usize,
    ) {
        let n = self.offsets.len() - 1;
        assert!(stride >= self.columns && c.len() >= stride * stride);
        match &rows {
            Rows::Range(range) => assert!(range.end <= n),
            Rows::List(list) => assert!(list.iter().all(|i| *i < n)),
        }
        level.dispatch(AddGram {
            a: self,
            rows,
            weights,
            c,
            stride,
        });
    }

    /// Column indices and values of row `i`. Panics if there is no such row, as indexing does.
    #[inline(always)]
    pub fn entries(&self, i: usize) -> (&'a [usize], &'a [f64]) {
        let range = self.offsets[i]..self.offsets[i + 1];
        (&self.indices[range.clone()], &self.values[range])
    }

    /// Column indices and values of row `i`.
    #[inline(always)]
    fn row(&self, i: usize) -> (&'a [usize], &'a [f64]) {
        // SAFETY: callers have checked `i + 1 < offsets.len()`; `CsrMatrix` guarantees that offsets are monotone and end
        // at the common length of both arrays.
        unsafe {
            let range = *self.offsets.get_unchecked(i)..*self.offsets.get_unchecked(i + 1);
            (
                self.indices.get_unchecked(range.clone()),
                self.values.get_unchecked(range),
            )
        }
    }
}

struct Multiply<'a> {
    a: SparseRows<'a>,
    rows: Range<usize>,
    x: &'a [f64],
    z: &'a mut [f64],
}

impl WithSimd for Multiply<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        for (i, z) in self.rows.zip(self.z) {
            let (indices, values) = self.a.row(i);
            let (mut even, mut odd) = (0.0, 0.0);
            let mut pairs = indices.chunks_exact(2).zip(values.chunks_exact(2));
            for (j, value) in &mut pairs {
                // SAFETY: every index is below the number of columns, which x has been checked to hold.
                unsafe {
                    even += value[0] * self.x.get_unchecked(j[0]);
                    odd += value[1] * self.x.get_unchecked(j[1]);
                }
            }
            if indices.len() % 2 == 1 {
                let last = indices.len() - 1;
                // SAFETY: as above; `last` is in range as the length is odd.
                unsafe {
                    even += values.get_unchecked(last)
                        * self.x.get_unchecked(*indices.get_unchecked(last));
                }
            }
            *z = even + odd;
        }
    }
}

struct Accumulate<'a> {
    a: SparseRows<'a>,
    rows: Range<usize>,
    u: [&'a [f64]; 3],
    sums: &'a mut [Lanes],
}

impl WithSimd for Accumulate<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let [u0, u1, u2] = self.u;
        // The next block, whose logits come after this: memory works meanwhile.
        let ahead = self.a.offsets[self.rows.end] - self.a.offsets[self.rows.start];
        for (((i, u0), u1), u2) in self.rows.zip(u0).zip(u1).zip(u2) {
            let factors = [*u0, *u1, *u2, 0.0];
            let (indices, values) = self.a.row(i);
            fetch(indices, ahead);
            fetch(values, ahead);
            let (groups, rest) = indices.as_chunks::<TOGETHER>();
            let (group_values, rest_values) = values.as_chunks::<TOGETHER>();
            for (columns, values) in groups.iter().zip(group_values) {
                accumulate_group::<S, TOGETHER>(columns, values, factors, self.sums);
            }
            for (column, value) in rest.iter().zip(rest_values) {
                accumulate_group::<S, 1>(&[*column], &[*value], factors, self.sums);
            }
        }
    }
}

/// Entries whose sums are all loaded before the first is stored: the columns of a row differ, but the processor, which cannot
/// know, would let each load wait for the stores before it.
const TOGETHER: usize = 4;

/// Adds entries of one row, all below the number of columns that `sums` holds, to their sums.
#[inline(always)]
fn accumulate_group<S: Simd, const G: usize>(
    columns: &[usize; G],
    values: &[f64; G],
    factors: Lanes,
    sums: &mut [Lanes],
) {
    // Copies, which no store to the sums can change: the compiler would read them again after each.
    let (columns, values) = (*columns, *values);
    // SAFETY: every index is below the number of columns, which `sums` has been checked to hold.
    let mut loaded = columns.map(|j| unsafe { *sums.get_unchecked(j) });
    for (sums, value) in loaded.iter_mut().zip(values) {
        for (sum, factor) in sums.iter_mut().zip(factors) {
            *sum = plus_product::<S>(*sum, value, factor);
        }
    }
    for (j, sum) in columns.iter().zip(loaded) {
        // SAFETY: as above.
        unsafe { *sums.get_unchecked_mut(*j) = sum };
    }
}

/// Asks for what lies `ahead` entries behind a row.
#[inline(always)]
fn fetch<T>(row: &[T], ahead: usize) {
    for k in (0..row.len()).step_by(64 / size_of::<T>()) {
        prefetch(row, ahead + k);
    }
}

struct AccumulateOne<'a> {
    a: SparseRows<'a>,
    rows: Range<usize>,
    u: &'a [f64],
    sums: &'a mut [f64],
}

impl WithSimd for AccumulateOne<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        for (i, factor) in self.rows.zip(self.u) {
            let (indices, values) = self.a.row(i);
            for (j, value) in indices.iter().zip(values) {
                // SAFETY: every index is below the number of columns, which `sums` has been checked to hold.
                unsafe { *self.sums.get_unchecked_mut(*j) += value * factor };
            }
        }
    }
}

struct AddGram<'a> {
    a: SparseRows<'a>,
    rows: Rows<'a>,
    weights: &'a [f64],
    c: &'a mut [f64],
    stride: usize,
}

impl WithSimd for AddGram<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let Self {
            a,
            rows,
            weights,
            c,
            stride,
        } = self;
        for (i, weight) in rows.iter().zip(weights) {
            let (mut columns, mut values) = a.row(i);
            while columns.len() >= 5 {
                (columns, values) = add_products::<S, 5>(columns, values, *weight, c, stride);
            }
            while columns.len() >= 3 {
                (columns, values) = add_products::<S, 3>(columns, values, *weight, c, stride);
            }
            while !columns.is_empty() {
                (columns, values) = add_products::<S, 1>(columns, values, *weight, c, stride);
            }
        }
    }
}

/// `sum + left * right`, in one rounding where the level has an instruction for it.
#[inline(always)]
fn plus_product<S: Simd>(sum: f64, left: f64, right: f64) -> f64 {
    if S::IS_SCALAR {
        sum + left * right
    } else {
        left.mul_add(right, sum)
    }
}

/// Adds the products of the first G entries of a row with themselves and with the entries after them to G rows of C, and hands
/// back those after them. There are at least G entries. Five rows of C at a time take two thirds of the time of one: a column is read
/// once for all of them.
#[inline(always)]
fn add_products<'a, S: Simd, const G: usize>(
    columns: &'a [usize],
    values: &'a [f64],
    weight: f64,
    c: &mut [f64],
    stride: usize,
) -> (&'a [usize], &'a [f64]) {
    let (first, columns) = columns.split_at(G);
    let (first_values, values) = values.split_at(G);
    // Copies, which no store to C can change: the compiler would read them again after each.
    let first: [usize; G] = std::array::from_fn(|g| first[g]);
    let first_values: [f64; G] = std::array::from_fn(|g| first_values[g]);
    let scaled = first_values.map(|value| weight * value);
    // SAFETY, here and below: indices are below the number of columns, which is at most the stride, and C has been checked
    // to hold `stride` rows of `stride` entries.
    let start = c.as_mut_ptr();
    let rows: [*mut f64; G] = first.map(|j| unsafe { start.add(j * stride) });
    for g in 0..G {
        for h in g..G {
            unsafe {
                let place = rows[g].add(first[h]);
                *place = plus_product::<S>(*place, scaled[g], first_values[h]);
            }
        }
    }
    for (i, other) in columns.iter().zip(values) {
        // All loads before the first store: the rows of C differ, which the processor cannot know.
        let places = rows.map(|row| unsafe { row.add(*i) });
        let loaded = places.map(|place| unsafe { *place });
        for g in 0..G {
            unsafe { *places[g] = plus_product::<S>(loaded[g], scaled[g], *other) };
        }
    }
    (columns, values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::{DMatrix, DVector};

    fn example(n: usize, d: usize) -> (DMatrix<f64>, CsrMatrix<f64>) {
        let dense = DMatrix::from_fn(n, d, |i, j| {
            if (i * 7 + j * 5).is_multiple_of(3) {
                ((i + 2 * j) % 9) as f64 - 4.0
            } else {
                0.0
            }
        });
        let sparse = CsrMatrix::from(&dense);
        (dense, sparse)
    }

    /// Small integers: every sum is exact, so all levels and nalgebra agree to the bit.
    #[test]
    fn products_of_integers_are_exact_on_every_level() {
        for level in Level::all() {
            for (n, d) in [(1, 1), (9, 20), (40, 33), (17, 4)] {
                let (dense, sparse) = example(n, d);
                let a = SparseRows::of(&sparse);
                let x = DVector::from_fn(d, |j, _| (j % 5) as f64 - 2.0);
                let mut z = vec![f64::NAN; n];
                a.multiply(level, 0..n, x.as_slice(), &mut z);
                assert_eq!(DVector::from_vec(z), &dense * &x);
                let u: [DVector<f64>; 3] =
                    std::array::from_fn(|k| DVector::from_fn(n, |i, _| ((i + k) % 7) as f64));
                let mut sums = vec![[1.0; 4]; d];
                a.accumulate(
                    level,
                    0..n,
                    [u[0].as_slice(), u[1].as_slice(), u[2].as_slice()],
                    &mut sums,
                );
                let mut one = vec![0.0; d];
                a.accumulate_one(level, 0..n, u[1].as_slice(), &mut one);
                for j in 0..d {
                    for k in 0..3 {
                        assert_eq!(sums[j][k], dense.tr_mul(&u[k])[j] + 1.0);
                    }
                    assert_eq!(one[j] + 1.0, sums[j][1]);
                    assert_eq!(sums[j][3], 1.0);
                }
                let weights: Vec<f64> = (0..n).map(|i| (i % 4) as f64 - 1.0).collect();
                let expected = dense.transpose()
                    * DMatrix::from_diagonal(&DVector::from_column_slice(&weights))
                    * &dense;
                let stride = d.next_multiple_of(8);
                let mut c = vec![0.0; stride * stride];
                let rows: Vec<usize> = (0..n).collect();
                a.add_gram(level, Rows::List(&rows), &weights, &mut c, stride);
                for j in 0..d {
                    for i in j..d {
                        assert_eq!(c[j * stride + i], expected[(j, i)]);
                    }
                }
            }
        }
    }

    #[test]
    fn the_container_refuses_what_the_kernels_do_not_check() {
        assert!(CsrMatrix::try_from_csr_data(1, 2, vec![0, 1], vec![2], vec![1.0]).is_err());
        assert!(
            CsrMatrix::try_from_csr_data(2, 2, vec![0, 2, 1], vec![0, 1], vec![1.0; 2]).is_err()
        );
        assert!(CsrMatrix::try_from_csr_data(1, 2, vec![0, 3], vec![0, 1], vec![1.0; 2]).is_err());
        assert!(CsrMatrix::try_from_csr_data(1, 2, vec![0, 2], vec![1, 0], vec![1.0; 2]).is_err());
    }
}
