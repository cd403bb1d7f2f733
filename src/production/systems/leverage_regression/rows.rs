//! How many rows a sample by leverage scores needs.
//!
//! With m rows drawn with replacement, row i with probability `l_i / d`, the excess `E = || A (x' - x*) ||^2 / || r ||^2` of the
//! sampled answer x' has the mean `d / m` to first order in 1/m, and `m E` is distributed like a chi-square variable with d
//! degrees of freedom where the residual r is spread over the rows independently of their leverage. Nothing of this grows like
//! `1 / eps^2`, and the logarithm of 1/delta enters through the quantile alone as long as no row of small leverage holds much of
//! the residual: scores of [A b] see to that.

use statrs::distribution::{ChiSquared, ContinuousCDF};

/// By how much the quantile is multiplied: rows of uneven leverage need up to twice as many as those of equal leverage.
const UNEVEN: f64 = 2.0;

/// `d / eps + d + 1`: so many rows of a Gaussian sketch have a mean excess of eps exactly, `E[E] = d / (m - d - 1)`. At least 1; a
/// number beyond `usize` saturates.
pub fn rows_for_mean(d: usize, epsilon: f64) -> usize {
    let d = d as f64;
    ((d / epsilon + d + 1.0).ceil() as usize).max(1)
}

/// `max(2 chi2 / eps, d ln(d / delta))` with chi2 the quantile of `1 - delta` of d degrees of freedom: for an excess of at most eps
/// with a probability of about `1 - delta`, and for full rank. No guarantee: what is drawn is checked.
pub fn rows_for_probability(d: usize, epsilon: f64, delta: f64) -> usize {
    let degrees = d.max(1) as f64;
    let quantile =
        ChiSquared::new(degrees).map_or(f64::INFINITY, |law| law.inverse_cdf(1.0 - delta));
    let rank = degrees * (degrees / delta).ln();
    let rows = (UNEVEN * quantile / epsilon).max(rank).ceil();
    // A float-to-integer cast saturates.
    (rows as usize).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two degrees of freedom have the quantile -2 ln(delta): 9.2103 for 0.01.
    #[test]
    fn two_columns_need_what_the_exponential_law_says() {
        assert_eq!(rows_for_probability(2, 0.5, 0.01), 37);
        assert_eq!(rows_for_probability(2, 0.1, 0.01), 185);
        // d ln(d / delta) = 2 ln 200 = 10.6 where the accuracy asks for less: 2 * 9.2103 / 0.999.
        assert_eq!(rows_for_probability(2, 0.999, 0.01), 19);
        assert_eq!(rows_for_mean(10, 0.5), 31);
        assert_eq!(rows_for_mean(3, 0.0), usize::MAX);
    }
}
