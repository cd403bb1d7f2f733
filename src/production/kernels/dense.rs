//! Products of a block of dense rows with vectors.

use pulp::{Simd, WithSimd};

use crate::instance::row_major::LINE;
use crate::production::kernels::Level;
use crate::production::kernels::prefetch::prefetch;

/// Rows whose dot products run side by side, to hide the latency of the additions.
const ROWS: usize = 8;
/// Vectors of columns that are accumulated at once.
const WIDTH: usize = 4;

/// `z = M x` for a block M of rows, each `x.len()` entries with its padding (a multiple of 8).
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
            let rows: [&[S::f64s]; ROWS] = std::array::from_fn(|i| {
                &S::as_simd_f64s(&group[i * stride..(i + 1) * stride]).0[..x.len()]
            });
            let mut sums = [simd.splat_f64s(0.0); ROWS];
            for (k, factor) in x.iter().enumerate() {
                for i in 0..ROWS {
                    // One group ahead.
                    if (k * S::F64_LANES).is_multiple_of(LINE) {
                        prefetch(group, (ROWS + i) * stride + k * S::F64_LANES);
                    }
                    sums[i] = simd.mul_add_e_f64s(rows[i][k], *factor, sums[i]);
                }
            }
            for i in 0..ROWS {
                z[i] = simd.reduce_sum_f64s(sums[i]);
            }
        }
        for (row, z) in groups
            .remainder()
            .chunks_exact(stride)
            .zip(outputs.into_remainder())
        {
            let mut sum = simd.splat_f64s(0.0);
            for (entry, factor) in S::as_simd_f64s(row).0.iter().zip(x) {
                sum = simd.mul_add_e_f64s(*entry, *factor, sum);
            }
            *z = simd.reduce_sum_f64s(sum);
        }
    }
}

/// `sums[k] += M' u[k]` for a block M of rows and K vectors; `sums` holds K rows of `stride` entries.
pub(crate) fn accumulate<const K: usize>(
    level: Level,
    block: &[f64],
    stride: usize,
    u: [&[f64]; K],
    sums: &mut [f64],
) {
    level.dispatch(Accumulate {
        block,
        stride,
        u,
        sums,
    });
}

struct Accumulate<'a, const K: usize> {
    block: &'a [f64],
    stride: usize,
    u: [&'a [f64]; K],
    sums: &'a mut [f64],
}

impl<const K: usize> WithSimd for Accumulate<'_, K> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let vectors = self.stride / S::F64_LANES;
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

impl<const K: usize> Accumulate<'_, K> {
    /// W vectors of columns from vector `first` on.
    #[inline(always)]
    fn columns<S: Simd, const W: usize>(&mut self, simd: S, first: usize) {
        let stride = self.stride;
        let (start, length) = (first * S::F64_LANES, W * S::F64_LANES);
        let mut sums = [[simd.splat_f64s(0.0); W]; K];
        let rows = self.block.chunks_exact(stride);
        let count = rows.len();
        let u: [&[f64]; K] = std::array::from_fn(|k| &self.u[k][..count]);
        for (i, row) in rows.enumerate() {
            let entries = &S::as_simd_f64s(&row[start..start + length]).0[..W];
            // The same place in the next block, which follows this one.
            for v in (0..length).step_by(LINE) {
                prefetch(row, count * stride + start + v);
            }
            for k in 0..K {
                let factor = simd.splat_f64s(u[k][i]);
                for v in 0..W {
                    sums[k][v] = simd.mul_add_e_f64s(entries[v], factor, sums[k][v]);
                }
            }
        }
        for (k, added) in sums.iter().enumerate() {
            let place = &mut self.sums[k * stride + start..k * stride + start + length];
            for (target, sum) in S::as_mut_simd_f64s(place).0.iter_mut().zip(added) {
                *target = simd.add_f64s(*target, *sum);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instance::row_major::RowMajor;
    use nalgebra::{DMatrix, DVector};

    /// Small integers: every sum is exact, so all levels and nalgebra agree to the bit.
    #[test]
    fn products_of_integers_are_exact_on_every_level() {
        for level in Level::all() {
            for (n, d) in [(1, 1), (8, 8), (9, 20), (40, 33), (17, 64), (3, 100)] {
                let matrix = DMatrix::from_fn(n, d, |i, j| ((3 * i + 7 * j) % 11) as f64 - 5.0);
                let rows = RowMajor::from(&matrix);
                let x = DVector::from_fn(d, |j, _| (j % 5) as f64 - 2.0);
                let mut padded = vec![0.0; rows.stride()];
                padded[..d].copy_from_slice(x.as_slice());
                let mut z = vec![f64::NAN; n];
                multiply(level, rows.block(0, n), &padded, &mut z);
                assert_eq!(
                    DVector::from_vec(z),
                    &matrix * &x,
                    "{} {n} x {d}",
                    level.name()
                );

                let u: [DVector<f64>; 3] =
                    std::array::from_fn(|k| DVector::from_fn(n, |i, _| ((i + k) % 7) as f64));
                let mut sums = vec![1.0; 3 * rows.stride()];
                let parts = [u[0].as_slice(), u[1].as_slice(), u[2].as_slice()];
                accumulate(level, rows.block(0, n), rows.stride(), parts, &mut sums);
                for k in 0..3 {
                    let expected = matrix.tr_mul(&u[k]).add_scalar(1.0);
                    let found = &sums[k * rows.stride()..k * rows.stride() + d];
                    assert_eq!(found, expected.as_slice(), "{} {n} x {d}", level.name());
                }
            }
        }
    }
}
