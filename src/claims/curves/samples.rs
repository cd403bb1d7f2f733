//! How likely a sample misses its accuracy, exactly, where leverage scores are even.

use statrs::function::factorial::ln_factorial;

use super::Points;
use crate::claims::leverage_regression::full_rank::chain;
use crate::claims::sampling::guarantee::{DELTA, PROVEN};
use crate::production::leverage::sample_count;
use crate::scalar::High;

/// Probabilities over the number s of draws, for A = I.
pub struct BadSamples {
    /// Columns d.
    pub columns: usize,
    /// The probability that is allowed to the count of each accuracy.
    pub delta: f64,
    /// That the sample has not full rank.
    pub rank: Points,
    /// For each accuracy.
    pub accuracies: Vec<BadSample>,
    /// The count `10 d ln(d / delta)`, which no accuracy enters (sampling/leverage-draws-without-epsilon).
    pub without_accuracy: f64,
}

/// One accuracy.
pub struct BadSample {
    /// `eps = 1 / inverse`.
    pub inverse: u32,
    /// `P[some eigenvalue of A' D~ A is off by more than eps]`.
    pub curve: Points,
    /// The count of sampling/spectral-guarantee, with the probability there.
    pub enough: (f64, f64),
}

const COLUMNS: usize = 8;
const INVERSES: [u32; 3] = [2, 4, 8];
/// Points of a decade of draws, and decades.
const STEPS: i32 = 12;
const DECADES: i32 = 4;

/// For the identity with d = 8: `A' D~ A = diag(d N_j / s)`, `N_j` how often row j was drawn, each draw one of d rows alike.
pub fn bad_samples() -> BadSamples {
    let mut draws: Vec<usize> = (0..=STEPS * DECADES)
        .map(|k| 10f64.powf(f64::from(k) / f64::from(STEPS)).round() as usize)
        .collect();
    draws.dedup();
    let over = |bad: &dyn Fn(usize) -> f64| draws.iter().map(|s| (*s as f64, bad(*s))).collect();
    let rank = |s: usize| (High::ONE - chain(COLUMNS, s)).to_f64();
    let accuracies = INVERSES.map(|inverse| {
        let enough = sample_count(COLUMNS, 1.0 / f64::from(inverse), DELTA, PROVEN);
        BadSample {
            inverse,
            curve: over(&|s| off(COLUMNS, s, inverse as usize)),
            enough: (enough as f64, off(COLUMNS, enough, inverse as usize)),
        }
    });
    let d = COLUMNS as f64;
    BadSamples {
        columns: COLUMNS,
        delta: DELTA,
        // From some hundred draws on the probability is no longer seen.
        rank: draws
            .iter()
            .filter(|s| **s <= 300)
            .map(|s| (*s as f64, rank(*s)))
            .collect(),
        accuracies: accuracies.into(),
        without_accuracy: (10.0 * d * (d / DELTA).ln()).ceil(),
    }
}

/// The probability that some count of s draws among d is off by more than `s / (d inverse)` from `s / d`: counts are independent Poisson
/// variables under the condition that they add up to s. Roundings of f64 only.
fn off(d: usize, s: usize, inverse: usize) -> f64 {
    // |d N - s| inverse <= s.
    let least = (s * (inverse - 1)).div_ceil(d * inverse);
    let most = s * (inverse + 1) / (d * inverse);
    let mean = s as f64 / d as f64;
    let poisson = |count: usize, mean: f64| {
        (count as f64 * mean.ln() - mean - ln_factorial(count as u64)).exp()
    };
    let one: Vec<f64> = (least..=most).map(|count| poisson(count, mean)).collect();
    // The distribution of the sum of d of them, beyond `d least`.
    let mut sum = vec![1.0];
    for _ in 0..d {
        let mut next = vec![0.0; (sum.len() + one.len()).saturating_sub(1)];
        for (i, a) in sum.iter().enumerate() {
            for (j, b) in one.iter().enumerate() {
                next[i + j] += a * b;
            }
        }
        sum = next;
    }
    let inside = s
        .checked_sub(d * least)
        .and_then(|beyond| sum.get(beyond))
        .copied()
        .unwrap_or(0.0);
    (1.0 - inside / poisson(s, s as f64)).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every one of d^s sequences.
    fn counted(d: usize, s: usize, inverse: usize) -> f64 {
        let all = d.pow(s as u32);
        let bad = (0..all).filter(|code| {
            let mut counts = vec![0_usize; d];
            let mut rest = *code;
            for _ in 0..s {
                counts[rest % d] += 1;
                rest /= d;
            }
            counts.iter().any(|n| (d * n).abs_diff(s) * inverse > s)
        });
        bad.count() as f64 / all as f64
    }

    #[test]
    fn the_probability_is_that_of_counting_every_sequence() {
        for (d, s, inverse) in [
            (2, 1, 2),
            (2, 8, 2),
            (2, 12, 4),
            (3, 9, 2),
            (3, 9, 4),
            (4, 8, 2),
        ] {
            let (found, expected) = (off(d, s, inverse), counted(d, s, inverse));
            assert!(
                (found - expected).abs() < 1e-12,
                "{d} {s} {inverse}: {found}"
            );
        }
    }

    /// A sample without full rank is off by 1; the counts of the corrected lemma keep their word.
    #[test]
    fn curves_are_in_order_and_the_counts_are_enough() {
        let found = bad_samples();
        for pair in found.accuracies.windows(2) {
            for (coarse, fine) in pair[0].curve.iter().zip(&pair[1].curve) {
                assert!(coarse.1 <= fine.1 + 1e-9, "{coarse:?} {fine:?}");
            }
        }
        for (rank, off) in found.rank.iter().zip(&found.accuracies[0].curve) {
            assert!(rank.1 <= off.1 + 1e-9);
        }
        for accuracy in &found.accuracies {
            assert!(accuracy.enough.1 <= found.delta, "{:?}", accuracy.enough);
        }
        // What no accuracy enters is not enough for the finest.
        let finest = &found.accuracies[2].curve;
        let there = finest.iter().rfind(|(s, _)| *s <= found.without_accuracy);
        assert!(there.is_some_and(|(_, bad)| *bad > 0.9), "{there:?}");
    }
}
