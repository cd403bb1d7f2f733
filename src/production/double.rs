//! Vectors in twice the precision of f64, each entry a head and a tail, and their products with a matrix.
//!
//! Ogita, Rump and Oishi (2005): a sum of k products is carried as a head and the sum of all that the heads lost. The tails are
//! summed with plain roundings, 3 k of them at most, and are below `(k + 2) u` of the terms' sizes together; so
//!
//! ```text
//! | head + tail - sum a_i y_i |  <=  3 (k + 4)^2 u^2 sum |a_i| |y_i|
//! ```
//!
//! up to underflow, for a chain of k terms of which each may be a pair itself.

use rayon::prelude::*;

use crate::instance::row_major::RowMajor;
use crate::production::summation::{norm, two_product, two_sum};
use crate::scalar::rounding::UNIT;

/// Rows whose share of a product with the transposed matrix is summed by one thread.
const CHUNK: usize = 512;

/// `high + low`, entry by entry; `|low| <= u |high|` where it was made by [`Double::normalised`].
#[derive(Clone, Debug)]
pub(crate) struct Double {
    /// The heads: the vector rounded to f64.
    pub high: Vec<f64>,
    /// The tails.
    pub low: Vec<f64>,
}

impl Double {
    /// An f64 vector.
    pub fn of(high: Vec<f64>) -> Self {
        let low = vec![0.0; high.len()];
        Self { high, low }
    }

    /// The pairs with heads that are their sums rounded.
    fn normalised(mut self) -> Self {
        for (high, low) in self.high.iter_mut().zip(&mut self.low) {
            (*high, *low) = two_sum(*high, *low);
        }
        self
    }

    /// `self + factor other` for a factor of 1 or -1, within `4 u^2 (|self| + |other|)`.
    pub fn plus(&self, factor: f64, other: &Self) -> Self {
        let pairs = self.high.iter().zip(&other.high);
        let (high, mut low): (Vec<f64>, Vec<f64>) =
            pairs.map(|(a, b)| two_sum(*a, factor * b)).unzip();
        for ((low, a), b) in low.iter_mut().zip(&self.low).zip(&other.low) {
            *low += a + factor * b;
        }
        Self { high, low }.normalised()
    }

    /// What [`Double::plus`] can be off by, in the norm, for vectors of these norms.
    pub fn sum_error(one: f64, other: f64) -> f64 {
        4.0 * UNIT * UNIT * (one + other)
    }

    /// Times a power of two, which is exact as long as nothing underflows.
    pub fn scale(&mut self, power_of_two: f64) {
        for entry in self.high.iter_mut().chain(&mut self.low) {
            *entry *= power_of_two;
        }
    }

    /// Times a number, within `4 u^2 |factor| |self|` up to underflow.
    pub fn times(&self, factor: f64) -> Self {
        let pairs = self.high.iter().zip(&self.low);
        let (high, low) = pairs
            .map(|(high, low)| {
                let (product, tail) = two_product(*high, factor);
                (product, tail + low * factor)
            })
            .unzip();
        Self { high, low }.normalised()
    }

    /// The norm of the heads.
    pub fn norm(&self) -> f64 {
        norm(&self.high)
    }

    /// The norm of the tails.
    pub fn tail(&self) -> f64 {
        norm(&self.low)
    }
}

/// The sum of `a_k (y_k + t_k)` as a pair.
fn dot(a: &[f64], y: &[f64], tails: &[f64]) -> (f64, f64) {
    let (mut sum, mut lost) = (0.0, 0.0);
    for ((a, y), t) in a.iter().zip(y).zip(tails) {
        let (product, product_tail) = two_product(*a, *y);
        let (next, sum_tail) = two_sum(sum, product);
        sum = next;
        lost += product_tail + (sum_tail + a * t);
    }
    (sum, lost)
}

/// `A y` for a matrix with d columns: n entries.
pub(crate) fn multiply(a: &RowMajor, y: &Double) -> Double {
    let (high, low) = (0..a.rows())
        .into_par_iter()
        .with_min_len(CHUNK)
        .map(|i| dot(a.row(i), &y.high, &y.low))
        .unzip();
    Double { high, low }.normalised()
}

/// `A' z` for a matrix with n rows: d entries. Chunks of rows are summed by themselves and then in their order.
pub(crate) fn transpose_multiply(a: &RowMajor, z: &Double) -> Double {
    let d = a.columns();
    let chunks: Vec<Double> = (0..a.rows().div_ceil(CHUNK))
        .into_par_iter()
        .map(|chunk| {
            let mut sums = Double::of(vec![0.0; d]);
            for i in chunk * CHUNK..((chunk + 1) * CHUNK).min(a.rows()) {
                add_multiple(&mut sums, a.row(i), z.high[i], z.low[i]);
            }
            sums
        })
        .collect();
    let mut sums = Double::of(vec![0.0; d]);
    for chunk in chunks {
        for k in 0..d {
            let (next, tail) = two_sum(sums.high[k], chunk.high[k]);
            sums.high[k] = next;
            sums.low[k] += tail + chunk.low[k];
        }
    }
    sums.normalised()
}

/// `sums += row (factor + tail)`.
fn add_multiple(sums: &mut Double, row: &[f64], factor: f64, tail: f64) {
    let places = sums.high.iter_mut().zip(&mut sums.low);
    for ((sum, lost), entry) in places.zip(row) {
        let (product, product_tail) = two_product(*entry, factor);
        let (next, sum_tail) = two_sum(*sum, product);
        *sum = next;
        *lost += product_tail + (sum_tail + entry * tail);
    }
}

/// The factor of `|A| |y|` that bounds the error of [`multiply`], and that of `|A'| |z|` for [`transpose_multiply`].
pub(crate) fn roundings(a: &RowMajor) -> (f64, f64) {
    let units = |chain: usize| 3.0 * (chain as f64 + 4.0).powi(2) * UNIT * UNIT;
    let down = CHUNK.min(a.rows()) + a.rows().div_ceil(CHUNK);
    (units(a.columns()), units(down))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Integers beyond 2^53 as pairs: the expected values in i128, by hand-written sums.
    #[test]
    fn products_of_large_integers_are_exact() {
        let (n, d) = (1030, 3);
        let entry = |i: usize, j: usize| ((i * 7 + j * 5) % 2001) as i64 - 1000;
        let mut a = RowMajor::zeros(n, d);
        for i in 0..n {
            for j in 0..d {
                a.row_mut(i)[j] = entry(i, j) as f64;
            }
        }
        let pair = |k: usize| ((1_i64 << 60) + 4096 * k as i64, k as i64 - 1);
        let vector = |length: usize| Double {
            high: (0..length).map(|k| pair(k).0 as f64).collect(),
            low: (0..length).map(|k| pair(k).1 as f64).collect(),
        };
        let whole = |k: usize| i128::from(pair(k).0) + i128::from(pair(k).1);
        let found = multiply(&a, &vector(d));
        for i in 0..n {
            let expected: i128 = (0..d).map(|j| i128::from(entry(i, j)) * whole(j)).sum();
            assert_eq!(
                found.high[i] as i128 + found.low[i] as i128,
                expected,
                "{i}"
            );
        }
        let found = transpose_multiply(&a, &vector(n));
        for j in 0..d {
            let expected: i128 = (0..n).map(|i| i128::from(entry(i, j)) * whole(i)).sum();
            assert_eq!(
                found.high[j] as i128 + found.low[j] as i128,
                expected,
                "{j}"
            );
        }
    }

    #[test]
    fn a_difference_keeps_what_heads_lose() {
        let one = Double {
            high: vec![1.0],
            low: vec![2f64.powi(-60)],
        };
        let rest = one.plus(-1.0, &Double::of(vec![1.0]));
        assert_eq!((rest.high[0], rest.low[0]), (2f64.powi(-60), 0.0));
        // (1 + 2^-60) (1 + 2^-30) = 1 + 2^-30 + 2^-60 + 2^-90.
        let product = one.times(1.0 + 2f64.powi(-30));
        assert_eq!(product.high[0], 1.0 + 2f64.powi(-30));
        assert_eq!(product.low[0], 2f64.powi(-60) + 2f64.powi(-90));
        let whole = one.plus(1.0, &one);
        assert_eq!((whole.high[0], whole.low[0]), (2.0, 2f64.powi(-59)));
    }
}
