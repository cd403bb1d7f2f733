//! A lower bound of the smallest eigenvalue of a matrix that is known by its products only.

use nalgebra::DVector;

use super::LeverageError;
use super::gaussian::Gaussian;
use crate::production::factor::lanczos::Lanczos;
use crate::production::step::eigen;

/// Products that are spent.
const STEPS: usize = 32;
/// What is taken off for the rounding of the recurrence, relative to the largest eigenvalue.
const ROUNDING: f64 = 1e-8;

/// A lower bound of the smallest eigenvalue of the positive semidefinite d x d matrix `v -> product(v)`, wrong with
/// probability at most `failure`, and the number of products it took.
///
/// Lanczos from a direction uniform on the sphere. After k steps the largest Ritz value of any positive semidefinite M misses
/// `(1 - e) lambda_max(M)` with probability at most `1.648 sqrt(d) exp(-sqrt(e) (2k - 1))`, and is exact once k reaches the
/// number of distinct eigenvalues (Kuczynski and Wozniakowski 1992, Theorem 4.2). The theorem is used twice: for M, which
/// gives `lambda_max <= t = theta_max / (1 - e)`, then for `t I - M`, whose Krylov space is the same, which gives
/// `lambda_min >= t - (t - theta_min) / (1 - e)`.
pub(super) fn smallest_eigenvalue_bound(
    d: usize,
    failure: f64,
    gaussian: &mut Gaussian,
    product: impl Fn(&[f64]) -> Vec<f64>,
) -> Result<(f64, usize), LeverageError> {
    let mut lanczos = Lanczos::new(DVector::from_fn(d, |_, _| gaussian.next()));
    lanczos.advance_to(STEPS, product);
    let ritz = eigen(&lanczos.tridiagonal())
        .ok_or(LeverageError::NoConvergence)?
        .eigenvalues;
    let k = lanczos.len();
    let (low, high) = (ritz.min(), ritz.max());
    let missed = if lanczos.complete() {
        0.0
    } else {
        let odds = 1.648 * (d as f64).sqrt() / (failure / 2.0);
        (odds.ln() / (2 * k - 1) as f64).powi(2)
    };
    let top = high / (1.0 - missed);
    let bound = top - (top - low) / (1.0 - missed) - ROUNDING * top;
    Ok((bound, k))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instance::sample;

    fn bound_of(values: &[f64], seed: u64) -> (f64, usize) {
        let mut gaussian = Gaussian::new(sample::stream(seed, "extremes", 0));
        smallest_eigenvalue_bound(values.len(), 1e-4, &mut gaussian, |v| {
            v.iter().zip(values).map(|(v, value)| v * value).collect()
        })
        .unwrap()
    }

    #[test]
    fn few_columns_give_the_eigenvalue_itself() {
        for values in [vec![2.0], vec![0.5, 1.0, 1.75], vec![1.0; 40]] {
            let (bound, _) = bound_of(&values, 1);
            let least = values.iter().copied().fold(f64::INFINITY, f64::min);
            assert!(
                bound <= least && bound >= least - 1e-7,
                "{bound} for {values:?}"
            );
        }
    }

    #[test]
    fn many_columns_give_a_lower_bound_not_far_below() {
        // 300 eigenvalues evenly in [0.64, 1.78], as an embedding with 16 rows a column leaves them.
        let values: Vec<f64> = (0..300)
            .map(|k| 0.64 + 1.14 * f64::from(k) / 299.0)
            .collect();
        for seed in 0..50 {
            let (bound, steps) = bound_of(&values, seed);
            assert_eq!(steps, STEPS);
            assert!(bound <= 0.64 && bound > 0.5, "{bound}");
        }
    }

    #[test]
    fn a_lone_small_eigenvalue_does_not_escape() {
        let mut values = vec![1.0; 300];
        for (k, value) in values.iter_mut().enumerate() {
            *value += 0.3 * (k as f64).sin();
        }
        values[17] = 0.05;
        for seed in 0..50 {
            assert!(bound_of(&values, seed).0 <= 0.05);
        }
    }

    /// Two lone eigenvalues at the ends are found to rounding in 32 steps of 40: then the bound is the theorem's formula.
    #[test]
    fn the_bound_takes_off_what_the_theorem_says() {
        let mut values: Vec<f64> = (0..40).map(|k| 1.0 + f64::from(k) / 40.0).collect();
        (values[7], values[21]) = (0.1, 10.0);
        // failure / 2 = 5e-5 for each use, 2 * 32 - 1 = 63.
        let missed = ((1.648 * 40f64.sqrt() / 5e-5).ln() / 63.0).powi(2);
        let top = 10.0 / (1.0 - missed);
        let expected = top - (top - 0.1) / (1.0 - missed) - 1e-8 * top;
        let (bound, steps) = bound_of(&values, 5);
        assert_eq!(steps, 32);
        assert!((bound - expected).abs() < 1e-8, "{bound} {expected}");
    }
}
