//! Spectra against matrices whose spectrum is known, and the f64 certificate against 40 digits.

use nalgebra::{DMatrix, SymmetricEigen};

use crate::instance::sample;
use crate::oracle::{lift_matrix, spectrum};
use crate::scalar::High;

fn close(a: High, b: High) -> bool {
    (a - b).abs() <= b.abs().max(High::ONE).shifted(-37)
}

/// `Q diag(1..k) Q'` with a rational reflection `Q`.
fn known_spectrum(k: usize) -> DMatrix<High> {
    let v = DMatrix::from_fn(k, 1, |i, _| High::int(i as i64 + 1));
    let factor = High::int(2) / v.norm_squared();
    let q = DMatrix::identity(k, k) - &v * v.transpose() * factor;
    let values = DMatrix::from_fn(k, k, |i, j| {
        if i == j {
            High::int(i as i64 + 1)
        } else {
            High::ZERO
        }
    });
    &q * values * q.transpose()
}

#[test]
fn eigenvalues_of_a_known_matrix_are_found_in_ascending_order() {
    for k in [1, 2, 5, 12] {
        let matrix = known_spectrum(k);
        let values = spectrum::eigenvalues(&matrix).unwrap();
        for (i, value) in values.iter().enumerate() {
            let error = (*value - High::int(i as i64 + 1)).abs();
            // Relative to the norm, k; the matrix itself is rounded in its 40th digit.
            assert!(error <= High::int(k as i64).shifted(-37), "{value:?}");
        }
        let (low, high, bound) = spectrum::extremes_with_bound(&matrix).unwrap();
        assert!((low - High::ONE).abs() <= bound && (high - High::int(k as i64)).abs() <= bound);
        assert!(bound <= High::ONE.shifted(-34), "{bound:?}");
        assert_eq!(spectrum::extremes(&matrix).unwrap(), (low, high));
    }
}

#[test]
fn singular_values_of_a_known_matrix_are_found_in_descending_order() {
    // Columns orthogonal with norms 5 and 13.
    let matrix = DMatrix::from_row_slice(2, 2, &[3, -48, 4, 36].map(High::int));
    let values = spectrum::singular_values(&matrix).unwrap();
    assert!(close(values[0], High::int(60)) && close(values[1], High::int(5)));
    assert!(close(
        spectrum::spectral_norm(&matrix).unwrap(),
        High::int(60)
    ));
    let tall = DMatrix::from_fn(4, 1, |_, _| High::ONE);
    assert!(close(
        spectrum::singular_values(&tall).unwrap()[0],
        High::int(2)
    ));
}

#[test]
fn an_unusable_matrix_is_refused() {
    let empty = DMatrix::<High>::zeros(0, 0);
    let wide = DMatrix::<High>::zeros(1, 2);
    let poisoned = DMatrix::from_element(2, 2, High::ONE / High::ZERO);
    assert!(spectrum::eigenvalues(&empty).is_err());
    assert!(spectrum::eigenvalues(&wide).is_err());
    assert!(spectrum::eigenvalues(&poisoned).is_err());
    assert!(spectrum::singular_values(&empty).is_err());
    assert!(spectrum::singular_values(&poisoned).is_err());
    assert!(spectrum::extremes_f64(&DMatrix::zeros(0, 0)).is_none());
    assert!(spectrum::extremes_f64(&DMatrix::zeros(1, 2)).is_none());
    assert!(spectrum::extremes_f64(&DMatrix::from_element(2, 2, f64::NAN)).is_none());
}

#[test]
fn the_f64_certificate_contains_the_40_digit_eigenvalues() {
    for seed in 0..20 {
        let mut rng = sample::stream(seed, "spectrum", 0);
        let k = 1 + (seed as usize % 8);
        let half = sample::conditioned_matrix(&mut rng, k, k, 1.0, 1e6);
        let matrix = &half * half.transpose() - DMatrix::identity(k, k) * 0.25;
        let mirrored = DMatrix::from_fn(k, k, |i, j| matrix[(i.max(j), i.min(j))]);
        let (low, high, bound) = spectrum::extremes_f64(&matrix).unwrap();
        let (true_low, true_high) = spectrum::extremes(&lift_matrix(&mirrored)).unwrap();
        let off = |value: f64, truth: High| (High::lift(value).unwrap() - truth).abs();
        let allowance = High::lift(bound).unwrap();
        assert!(off(low, true_low) <= allowance && off(high, true_high) <= allowance);
        assert!(bound <= 1e-11, "{bound:e}");
    }
}

#[test]
fn a_false_decomposition_gets_an_honest_bound() {
    let matrix = DMatrix::from_row_slice(2, 2, &[2.0, 1.0, 1.0, 2.0]);
    let mut decomposition = SymmetricEigen::new(matrix.clone());
    decomposition.eigenvalues[0] += 0.125;
    let (_, _, bound) = spectrum::certified(&matrix, &decomposition, f64::EPSILON).unwrap();
    assert!(bound >= 0.125);
    let mut decomposition = SymmetricEigen::new(matrix.clone());
    decomposition.eigenvectors *= 1.5;
    assert!(spectrum::certified(&matrix, &decomposition, f64::EPSILON).is_none());
}
