//! `C += M'M` for a block of dense rows that fits the first-level cache, without copies of its columns.
//!
//! Rows of some tens of entries lie so close together that a tile of the result, which stays in registers while all rows of the block pass
//! through it, reads them where they are. [`gram`](super::gram) is for wide rows, lists of rows and weights.

use pulp::{Simd, WithSimd};

use crate::production::kernels::Level;

/// Vectors of columns on the left of a tile.
const LEFT: usize = 3;
/// Columns on its right where there are 32 vector registers, and where there are 16.
const RIGHT_WIDE: usize = 8;
const RIGHT_NARROW: usize = 4;

/// `C += M'M` for a block of rows of `stride` entries each, padding included (a multiple of 8). C is `stride x stride` by rows; entries
/// `C[j][i]` with `i >= j` are right afterwards, those below the diagonal mean nothing.
pub(crate) fn add_plain_gram(level: Level, block: &[f64], stride: usize, c: &mut [f64]) {
    level.dispatch(AddPlainGram { block, stride, c });
}

struct AddPlainGram<'a> {
    block: &'a [f64],
    stride: usize,
    c: &'a mut [f64],
}

impl WithSimd for AddPlainGram<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        if S::REGISTER_COUNT >= 32 {
            self.run::<S, RIGHT_WIDE>(simd);
        } else {
            self.run::<S, RIGHT_NARROW>(simd);
        }
    }
}

impl AddPlainGram<'_> {
    #[inline(always)]
    fn run<S: Simd, const NR: usize>(mut self, simd: S) {
        let vectors = self.stride / S::F64_LANES;
        for first in (0..self.stride).step_by(NR) {
            // Vectors that end above this column lie wholly below the diagonal.
            let mut v = first / S::F64_LANES;
            while v < vectors {
                match vectors - v {
                    1 => self.tile::<S, 1, NR>(simd, first, v),
                    2 => self.tile::<S, 2, NR>(simd, first, v),
                    _ => self.tile::<S, LEFT, NR>(simd, first, v),
                }
                v += LEFT;
            }
        }
    }

    /// NV vectors of columns from vector v on, times NR columns from `first` on.
    #[inline(always)]
    fn tile<S: Simd, const NV: usize, const NR: usize>(&mut self, simd: S, first: usize, v: usize) {
        let stride = self.stride;
        let (start, length) = (v * S::F64_LANES, NV * S::F64_LANES);
        let mut sums = [[simd.splat_f64s(0.0); NV]; NR];
        for row in self.block.chunks_exact(stride) {
            let left = &S::as_simd_f64s(&row[start..start + length]).0[..NV];
            let right = &row[first..first + NR];
            for j in 0..NR {
                let factor = simd.splat_f64s(right[j]);
                for k in 0..NV {
                    sums[j][k] = simd.mul_add_e_f64s(left[k], factor, sums[j][k]);
                }
            }
        }
        for (j, added) in sums.iter().enumerate() {
            let place = (first + j) * stride + start;
            let place = &mut self.c[place..place + length];
            for (target, sum) in S::as_mut_simd_f64s(place).0.iter_mut().zip(added) {
                *target = simd.add_f64s(*target, *sum);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Small integers, whose sums are exact: by the definition, every width of a tile and its remainders.
    #[test]
    fn every_shape_is_the_gram_matrix() {
        for level in Level::all() {
            for eights in 1..9_usize {
                for rows in [1, 2, 7, 64] {
                    let stride = 8 * eights;
                    let entry = |i: usize, j: usize| ((5 * i + 3 * j) % 13) as f64 - 6.0;
                    let block: Vec<f64> = (0..rows * stride)
                        .map(|k| entry(k / stride, k % stride))
                        .collect();
                    let mut c = vec![1.0; stride * stride];
                    add_plain_gram(level, &block, stride, &mut c);
                    for j in 0..stride {
                        for i in j..stride {
                            let sum: f64 = (0..rows).map(|r| entry(r, i) * entry(r, j)).sum();
                            let place = format!("{} {rows} x {stride} {i} {j}", level.name());
                            assert_eq!(c[j * stride + i], 1.0 + sum, "{place}");
                        }
                    }
                }
            }
        }
    }
}
