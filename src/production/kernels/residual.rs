//! Residuals of a block of dense rows, in pairs of head and tail; [`doubled`](super::doubled) has their products with it.
//!
//! ```text
//! r = b - M x,  x = head + tail
//! ```
//!
//! Sums are those of [`doubled`](super::doubled), with products of a tail added to the tails: three additions a term there, of
//! numbers that are at most `(K + 2) u` of the terms' sizes together. So a sum that passes at most K additions of heads is off by
//! at most `4 (K + 2)^2 u^2` times the sum of the sizes of its terms, as long as no product underflows.

use pulp::{Simd, WithSimd};

use crate::production::kernels::Level;
use crate::production::kernels::doubled::{DoubledSum, merge};
use crate::production::summation::two_sum;

/// Rows whose sums run side by side.
const ROWS: usize = 4;

/// `r = b - M x` for a block M of rows, each as long as the head and the tail of x with their padding (a multiple of 8): heads and
/// tails of r, each at most half a unit of its head.
pub(crate) fn residual(
    level: Level,
    block: &[f64],
    x: [&[f64]; 2],
    b: &[f64],
    [heads, tails]: [&mut [f64]; 2],
) {
    level.dispatch(Residual {
        block,
        x,
        b,
        heads,
        tails,
    });
}

struct Residual<'a> {
    block: &'a [f64],
    x: [&'a [f64]; 2],
    b: &'a [f64],
    heads: &'a mut [f64],
    tails: &'a mut [f64],
}

impl WithSimd for Residual<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let mut first = 0;
        while first + ROWS <= self.b.len() {
            self.rows::<S, ROWS>(simd, first);
            first += ROWS;
        }
        while first < self.b.len() {
            self.rows::<S, 1>(simd, first);
            first += 1;
        }
    }
}

impl Residual<'_> {
    /// R rows from row `first` on.
    #[inline(always)]
    fn rows<S: Simd, const R: usize>(&mut self, simd: S, first: usize) {
        let [head, tail] = self.x.map(|x| S::as_simd_f64s(x).0);
        let stride = self.x[0].len();
        let rows: [&[S::f64s]; R] = std::array::from_fn(|i| {
            let start = (first + i) * stride;
            &S::as_simd_f64s(&self.block[start..start + stride]).0[..head.len()]
        });
        let mut sums = [DoubledSum::<S>::zero(simd); R];
        for (k, (head, tail)) in head.iter().zip(tail).enumerate() {
            for (sum, row) in sums.iter_mut().zip(&rows) {
                sum.add_pair_product(simd, row[k], *head, *tail);
            }
        }
        for (i, sum) in sums.into_iter().enumerate() {
            let [head, tail] = sum.reduce(simd);
            let mut rest = [self.b[first + i], 0.0];
            merge(&mut rest, [-head, -tail]);
            let (head, tail) = two_sum(rest[0], rest[1]);
            self.heads[first + i] = head;
            self.tails[first + i] = tail;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `(1 + s) (1 - s) = 1 - s^2` with s = 2^-30 and s^2 in the tail of b or of x: what is left is 2^-90 of the terms and all by
    /// hand, beyond what heads alone can tell.
    #[test]
    fn residuals_keep_what_heads_lose() {
        let s = 2f64.powi(-30);
        for level in Level::all() {
            for rows in 1..10_usize {
                let row = [1.0 + s, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
                let block: Vec<f64> = row.iter().copied().cycle().take(8 * rows).collect();
                // (1 + s)(1 - s + t) + (-1 + s^2) = t (1 + s), t = 2^-100.
                let t = 2f64.powi(-100);
                let head = [1.0 - s, -1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
                let tail = [t, s * s, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
                let b = vec![0.0; rows];
                let (mut heads, mut tails) = (vec![9.0; rows], vec![9.0; rows]);
                residual(level, &block, [&head, &tail], &b, [&mut heads, &mut tails]);
                for (head, tail) in heads.iter().zip(&tails) {
                    // The tails of one column cancel before t is added: only their last bits are lost.
                    let found = head + tail;
                    assert!((found + t).abs() <= 2f64.powi(-110), "{}", level.name());
                }
            }
        }
    }
}
