//! Softmax in f64, shifted by the largest logit, and the bound on its error.

use nalgebra::DVector;

use crate::production::summation::compensated_sum;
use crate::scalar::Ball;
use crate::scalar::rounding::{Rounding, UNIT};

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
) -> Vec<Ball<f64>> {
    let top = z[pivot];
    let n = z.len();
    // Every cause of error in exp(z_j - top), as a perturbation of the logit.
    let perturbation: Vec<f64> = (0..n)
        .map(|j| logit_error[j] + UNIT * (z[j] - top).abs() + 1.01 * Rounding::Exp.in_f64())
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
            Ball::new(p[i], if error.is_nan() { 1.0 } else { error })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::production::test_support::covers;

    fn bounds(p: &[f64], z: &[f64], off: &[f64]) -> Vec<f64> {
        let vector = DVector::from_column_slice;
        bounded_probabilities(&vector(p), &vector(z), 0, &vector(off))
            .iter()
            .map(|bounded| bounded.radius())
            .collect()
    }

    #[test]
    fn errors_of_logits_move_probabilities_by_the_bound_of_the_numerics_document() {
        // p_i (exp(e^(2 max rho) ((1 - p_i) rho_i + sum p_j rho_j)) - 1), the sum without i for the pivot; mpmath. A fourth
        // entry that is 0 in f64 adds nothing, however far its logit is off.
        let p = [0.5, 0.25, 0.25, 0.0];
        let found = bounds(
            &p,
            &[0.0, -1.0, -1.0, -800.0],
            &[0.015_625, 0.031_25, 0.0625, 5.0],
        );
        let exact = [
            0.018_022_660_571_945_733,
            0.015_982_355_503_861_433,
            0.023_140_998_740_370_206,
        ];
        for (found, exact) in found.iter().zip(exact) {
            covers(*found, exact, 1e-13);
        }
        assert_eq!(found[3], f64::MIN_POSITIVE);
        // A pivot that weighs more than all others: (1 - p) rho is 0.375 of its own.
        let found = bounds(
            &[0.625, 0.25, 0.125],
            &[0.0, -1.0, -2.0],
            &[0.015_625, 0.031_25, 0.0625],
        );
        covers(found[0], 0.015402340608769098, 1e-13);
    }

    #[test]
    fn exact_logits_leave_the_roundings_of_the_shift_of_exp_and_of_the_quotient() {
        // rho = |z_i - z_0| + 4.04 units (2 ulp of exp, with 1 per cent), and 4 units for sum and quotient.
        let found = bounds(&[0.5, 0.25, 0.25], &[0.0, -1.0, -3.0], &[0.0; 3]);
        for (found, exact) in found.iter().zip([4.52, 3.205, 3.58]) {
            covers(found / UNIT, exact, 1e-12);
        }
        // The same with 9997 entries that are 0: the slack of 4 (n + 8) eps enters twice.
        let (mut p, mut z) = (vec![0.0; 10_000], vec![-800.0; 10_000]);
        p[..3].copy_from_slice(&[0.5, 0.25, 0.25]);
        z[..3].copy_from_slice(&[0.0, -1.0, -3.0]);
        let long = bounds(&p, &z, &[0.0; 10_000]);
        let slack = 4.0 * 10_008.0 * f64::EPSILON;
        // The quotient's 4 units meet it once: 0.5 * 4 of 4.52.
        let exact = 4.52 + slack * (4.52 + 2.52);
        assert!(
            (long[0] / UNIT / exact - 1.0).abs() < 2e-13,
            "{}",
            long[0] / UNIT - exact
        );
    }

    #[test]
    fn where_nothing_is_known_of_a_logit_a_probability_is_in_0_to_1() {
        assert_eq!(
            bounds(&[1.0, 0.0], &[0.0, -800.0], &[f64::INFINITY, 0.0])[0],
            1.0
        );
        assert_eq!(
            bounds(&[1.0, 0.0], &[0.0, -800.0], &[f64::INFINITY, 0.0])[1],
            1.0
        );
        assert_eq!(bounds(&[0.5, 0.5], &[0.0, 0.0], &[9.0, 9.0]), [1.0, 1.0]);
    }

    #[test]
    fn the_pivot_is_the_first_of_the_largest_logits() {
        assert_eq!(
            argmax(&DVector::from_column_slice(&[1.0, 3.0, 3.0, 2.0])),
            1
        );
        assert_eq!(argmax(&DVector::from_column_slice(&[-1.0, -1.0])), 0);
    }
}
