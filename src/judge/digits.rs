//! Correct digits: the log relative error of a whole quantity, `-log10(max error / max value)`, as NIST's StRD scores
//! solvers, but normwise.

use crate::scalar::High;

/// No error is worse than this many wrong digits: nobody reads on.
const FEWEST: f64 = -99.0;

/// Correct digits of numbers with the largest error `error`, relative to `scale`.
pub(super) fn digits(error: High, scale: High) -> f64 {
    if error.is_zero() {
        return f64::INFINITY;
    }
    (log10(scale) - log10(error)).max(FEWEST)
}

/// `log10 |x|` in f64; `-inf` for zero.
pub(super) fn log10(x: High) -> f64 {
    match x.exponent10() {
        None => f64::NEG_INFINITY,
        Some(exponent) => x.abs().shifted(-exponent).to_f64().log10() + exponent as f64,
    }
}

/// The largest `|a_k - b_k|` and its place.
pub(super) fn largest_difference(a: &[High], b: &[High]) -> (High, usize) {
    let mut worst = (High::ZERO, 0);
    for (k, (a, b)) in a.iter().zip(b).enumerate() {
        let error = (*a - *b).abs();
        if error > worst.0 {
            worst = (error, k);
        }
    }
    worst
}

/// The largest magnitude.
pub(super) fn largest(values: &[High]) -> High {
    values.iter().fold(High::ZERO, |m, v| m.max(v.abs()))
}
