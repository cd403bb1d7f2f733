//! Softmax in f64, shifted by the largest logit, and the bound on its error.

use nalgebra::DVector;

use crate::production::running_error::{Bounded, EXP_ERROR, UNIT};
use crate::production::summation::compensated_sum;

/// The first largest entry (0 for an empty vector, which the losses and the instance rule out).
pub(crate) fn argmax(z: &DVector<f64>) -> usize {
    let mut best = 0;
    for i in 1..z.len() {
        if z[i] > z[best] {
            best = i;
        }
    }
    best
}

/// `p = exp(z - z_pivot) / <exp(z - z_pivot), 1>`, the pivot being the place of the largest logit.
pub(crate) fn probabilities(z: &DVector<f64>, pivot: usize) -> DVector<f64> {
    let top = z[pivot];
    // z_i - top may overflow to -inf for huge logits of opposite sign: exp then gives the right 0.
    let unnormalised = z.map(|logit| (logit - top).exp());
    let normaliser = compensated_sum(unnormalised.iter().copied());
    unnormalised / normaliser
}

/// `p` with the bound of `docs/numerics.md`, "Softmax".
pub(crate) fn bounded_probabilities(
    p: &DVector<f64>,
    z: &DVector<f64>,
    pivot: usize,
    logit_error: &DVector<f64>,
) -> Vec<Bounded> {
    let top = z[pivot];
    let n = z.len();
    // Every cause of error in exp(z_j - top), as a perturbation of the logit.
    let perturbation: Vec<f64> = (0..n)
        .map(|j| logit_error[j] + UNIT * (z[j] - top).abs() + 1.01 * EXP_ERROR)
        .collect();
    // Entries of p that are 0 in f64 cannot move anything by more than MIN_POSITIVE, added at the end.
    let largest = (0..n)
        .filter(|j| p[*j] > 0.0)
        .map(|j| perturbation[j])
        .fold(0.0, f64::max);
    let path = (2.0 * largest).exp();
    let moved: Vec<f64> = (0..n)
        .map(|j| {
            if p[j] > 0.0 {
                p[j] * perturbation[j]
            } else {
                0.0
            }
        })
        .collect();
    let all_moved: f64 = moved.iter().sum();
    let others_of_pivot: f64 = (0..n).filter(|j| *j != pivot).map(|j| p[j]).sum();
    let others_moved_of_pivot: f64 = (0..n).filter(|j| *j != pivot).map(|j| moved[j]).sum();
    let slack = 1.0 + 4.0 * (n as f64 + 8.0) * f64::EPSILON;
    (0..n)
        .map(|i| {
            let shift = if i == pivot {
                others_of_pivot * perturbation[i] + others_moved_of_pivot
            } else {
                (1.0 - p[i] + UNIT).max(0.0) * perturbation[i] + all_moved
            };
            // Sum (compensated) and division: 3 units.
            let relative = (path * shift * slack).exp_m1() + 4.0 * UNIT;
            let error = (p[i] * relative * slack).min(1.0) + f64::MIN_POSITIVE;
            // NaN can only come from 0 * inf: then nothing better than [0, 1] is known.
            Bounded::new(p[i], if error.is_nan() { 1.0 } else { error })
        })
        .collect()
}
