//! `C += B A` for one block: both matrix products of an attention.
//!
//! The columns of A and C lie in vectors, the entries of B are broadcast. A tile of C stays in registers while all rows of A
//! pass through it, so that each of its entries is one chain of additions in the order of these rows.

use pulp::{Simd, WithSimd};

use crate::production::kernels::Level;

/// Vectors of columns in a tile.
const WIDE: usize = 3;
/// Rows of a tile where there are 32 vector registers, and where there are 16.
const ROWS_WIDE: usize = 8;
const ROWS_NARROW: usize = 4;

/// The first `inner` entries of rows that begin `stride` entries after each other.
#[derive(Clone, Copy)]
pub(crate) struct Rows<'a> {
    /// All of them.
    pub entries: &'a [f64],
    /// From one row to the next.
    pub stride: usize,
    /// Entries of each that enter.
    pub inner: usize,
}

/// `C += B A`: rows of A and of C have `width` entries, a multiple of 8; A has at least as many rows as those of B have entries,
/// C as many as B.
pub(crate) fn multiply_add(level: Level, b: Rows<'_>, a: &[f64], width: usize, c: &mut [f64]) {
    level.dispatch(Product { b, a, width, c });
}

struct Product<'a> {
    b: Rows<'a>,
    a: &'a [f64],
    width: usize,
    c: &'a mut [f64],
}

impl WithSimd for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let a = S::as_simd_f64s(self.a).0;
        let c = S::as_mut_simd_f64s(self.c).0;
        add_product(simd, self.b, a, self.width / S::F64_LANES, c);
    }
}

/// `C += B A`: rows of A and of C are `vectors` vectors each; A has at least as many rows as those of B have entries, C as
/// many as B.
#[inline(always)]
pub(crate) fn add_product<S: Simd>(
    simd: S,
    b: Rows<'_>,
    a: &[S::f64s],
    vectors: usize,
    c: &mut [S::f64s],
) {
    if S::REGISTER_COUNT >= 32 {
        in_tiles::<S, ROWS_WIDE>(simd, b, a, vectors, c);
    } else {
        in_tiles::<S, ROWS_NARROW>(simd, b, a, vectors, c);
    }
}

#[inline(always)]
fn in_tiles<S: Simd, const NR: usize>(
    simd: S,
    b: Rows<'_>,
    a: &[S::f64s],
    vectors: usize,
    c: &mut [S::f64s],
) {
    let rows = c.len() / vectors;
    let whole = rows / NR * NR;
    let after = |i: usize| Rows {
        entries: &b.entries[i * b.stride..],
        ..b
    };
    let (tiled, rest) = c.split_at_mut(whole * vectors);
    for (k, c) in tiled.chunks_exact_mut(NR * vectors).enumerate() {
        across::<S, NR>(simd, after(k * NR), a, vectors, c);
    }
    for (k, c) in rest.chunks_exact_mut(vectors).enumerate() {
        across::<S, 1>(simd, after(whole + k), a, vectors, c);
    }
}

/// NR rows of C.
#[inline(always)]
fn across<S: Simd, const NR: usize>(
    simd: S,
    b: Rows<'_>,
    a: &[S::f64s],
    vectors: usize,
    c: &mut [S::f64s],
) {
    let mut first = 0;
    while first + WIDE <= vectors {
        tile::<S, NR, WIDE>(simd, b, a, (first, vectors), c);
        first += WIDE;
    }
    match vectors - first {
        2 => tile::<S, NR, 2>(simd, b, a, (first, vectors), c),
        1 => tile::<S, NR, 1>(simd, b, a, (first, vectors), c),
        _ => {}
    }
}

/// NR rows and NV vectors of columns of C, from vector `first` of each row of `vectors` on.
#[inline(always)]
fn tile<S: Simd, const NR: usize, const NV: usize>(
    simd: S,
    b: Rows<'_>,
    a: &[S::f64s],
    (first, vectors): (usize, usize),
    c: &mut [S::f64s],
) {
    let mut sums = [[simd.splat_f64s(0.0); NV]; NR];
    let rows: [&[f64]; NR] =
        std::array::from_fn(|j| &b.entries[j * b.stride..j * b.stride + b.inner]);
    for (t, a) in a.chunks_exact(vectors).take(b.inner).enumerate() {
        let a = &a[first..first + NV];
        for j in 0..NR {
            let factor = simd.splat_f64s(rows[j][t]);
            for k in 0..NV {
                sums[j][k] = simd.mul_add_e_f64s(a[k], factor, sums[j][k]);
            }
        }
    }
    for (c, sums) in c.chunks_exact_mut(vectors).zip(&sums) {
        for (target, sum) in c[first..first + NV].iter_mut().zip(sums) {
            *target = simd.add_f64s(*target, *sum);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Small integers, whose products and sums are exact: the expected values by the definition. One to nine rows, one to seven
    /// vectors, so that every remainder of a tile occurs.
    #[test]
    fn every_shape_is_the_product() {
        for level in Level::all() {
            for rows in 1..10_usize {
                for eights in 1..8_usize {
                    let (inner, stride, width) = (5, 7, 8 * eights);
                    let b: Vec<f64> = (0..rows * stride).map(|k| (k % 11) as f64 - 5.0).collect();
                    let a: Vec<f64> = (0..inner * width).map(|k| (k % 7) as f64 - 3.0).collect();
                    let mut c = vec![1.0; rows * width];
                    let rows_of_b = Rows {
                        entries: &b,
                        stride,
                        inner,
                    };
                    multiply_add(level, rows_of_b, &a, width, &mut c);
                    for i in 0..rows {
                        for j in 0..width {
                            let sum: f64 = (0..inner)
                                .map(|t| b[i * stride + t] * a[t * width + j])
                                .sum();
                            assert_eq!(c[i * width + j], 1.0 + sum, "{} {i} {j}", level.name());
                        }
                    }
                }
            }
        }
    }
}
