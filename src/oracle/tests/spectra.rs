//! Spectra against matrices whose spectrum is known, and the f64 certificate against 40 digits.

use nalgebra::{DMatrix, DVector, SymmetricEigen};

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

/// Every term of the certificate, at a decomposition that is false in both parts and a unit that makes its rounding as
/// large as its residual.
///
/// `B = diag(1, 3, -5, 1)`, `V = 21/20 I`, `l = (1, 3, -21/4, 1)`, `u = 1/252`, `k = 4`. By hand: `K = 7 u / (1 - 7 u) = 1/35`
/// and the inflation `1 + 36 u = 8/7`; `||B V - V L|| = 21/80`, `||B|| = 6`, `||V|| = 21/10`, `m = 21/4`, so that
/// `r = 8/7 (21/80 + 1/35 (6 + 21/4) 21/10) = 15/14`; `||V'V - I|| = 2 (441/400 - 1)`, so that
/// `e = 8/7 (41/200 + 1/35 (441/100 + 2)) = 2717/6125`. The bound is `8/7 (e (m + delta) / (1 - e) + delta)` with
/// `delta = e m + sqrt(1 + e) r`, to 40 digits from mpmath.
#[test]
fn the_certificate_is_the_derived_one_to_the_last_digit() {
    let matrix = DMatrix::from_diagonal(&DVector::from_vec([1, 3, -5, 1].map(High::int).to_vec()));
    let bound = High::parse("12.2110379985661217521321689945426221478546002").unwrap();
    for order in [[0, 1, 2, 3], [2, 1, 0, 3], [1, 0, 3, 2]] {
        // The same decomposition with its columns in another order: the bound and the extremes do not depend on it.
        let all = [High::ONE, High::int(3), High::ratio(-21, 4), High::ONE];
        let decomposition = SymmetricEigen {
            eigenvectors: DMatrix::from_fn(4, 4, |i, j| {
                if i == order[j] {
                    High::ratio(21, 20)
                } else {
                    High::ZERO
                }
            }),
            eigenvalues: DVector::from_vec(order.map(|k| all[k]).to_vec()),
        };
        let unit = High::ratio(1, 252);
        let (low, high, found) = spectrum::certified(&matrix, &decomposition, unit).unwrap();
        assert_eq!((low, high), (High::ratio(-21, 4), High::int(3)));
        assert!((found - bound).abs() <= High::ONE.shifted(-36), "{found:?}");
    }
}

/// The bound divides by `1 - e`: vectors whose defect reaches one half are not taken for eigenvectors.
#[test]
fn vectors_that_are_half_off_are_refused() {
    // Two blocks (1, -q; q, 1): V'V - I = q^2 I, of Frobenius norm 2 q^2, without rounding for a unit of zero.
    let certified = |q: f64| {
        let eigenvectors = DMatrix::from_row_slice(
            4,
            4,
            &[
                1.0, -q, 0.0, 0.0, q, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, -q, 0.0, 0.0, q, 1.0,
            ],
        );
        let eigenvalues = DVector::from_element(4, 2.0);
        let decomposition = SymmetricEigen {
            eigenvectors,
            eigenvalues,
        };
        let matrix = DMatrix::from_diagonal_element(4, 4, 2.0);
        spectrum::certified(&matrix, &decomposition, 0.0)
    };
    assert!(certified(0.5).is_none());
    let (low, high, bound) = certified(0.25).unwrap();
    assert_eq!((low, high), (2.0, 2.0));
    // e = 1/8, r = 0: delta = 1/4, and the bound is (9/4) / 8 / (7/8) + 1/4 = 4/7.
    assert!((bound - 4.0 / 7.0).abs() <= 1e-15, "{bound}");
}

/// The zero matrix has nothing to round, but its operations may underflow: `8 k^3` of them, each by less than the smallest
/// normal number.
#[test]
fn the_certificate_of_zero_is_the_allowance_for_underflow() {
    for (k, count) in [(1, 8.0), (3, 216.0)] {
        let found = spectrum::extremes_f64(&DMatrix::zeros(k, k)).unwrap();
        assert_eq!(found, (0.0, 0.0, count * f64::MIN_POSITIVE));
    }
}

/// Eigenvalues may be finite where their certificate is not: without one there is no answer.
#[test]
fn a_certificate_that_overflows_is_none() {
    assert!(spectrum::extremes_f64(&DMatrix::from_element(1, 1, 1e200)).is_none());
    let (low, high, bound) = spectrum::extremes_f64(&DMatrix::from_element(1, 1, 1e100)).unwrap();
    assert!(low == 1e100 && high == 1e100 && bound < 1e86);
}

/// `tridiag(1, 2, 1)`, whose eigenvalues are `2 + 2 cos(j pi / (k + 1))`.
fn chain<T: nalgebra::RealField>(k: usize) -> DMatrix<T> {
    DMatrix::from_fn(k, k, |i, j| match i.abs_diff(j) {
        0 => nalgebra::convert(2.0),
        1 => T::one(),
        _ => T::zero(),
    })
}

/// The certificate holds, and is at most twice what it is for an exact decomposition: `2 e m + r` with
/// `e = K (k + sqrt k)`, `r = K (||B|| + m) sqrt k`, `K = (k + 3) u`. The iteration needs some two rounds per eigenvalue, and
/// gets them.
#[test]
fn the_f64_certificate_of_a_long_chain_holds_and_is_tight() {
    for k in [2, 5, 40, 200] {
        let size = k as f64;
        let (low, high, bound) = spectrum::extremes_f64(&chain::<f64>(k)).unwrap();
        let angle = std::f64::consts::PI / (size + 1.0);
        // 2 - 2 cos t = 4 sin^2 (t / 2)
        let smallest = 4.0 * (angle / 2.0).sin().powi(2);
        let largest = 4.0 - smallest;
        let rounded = 4.0 * f64::EPSILON;
        assert!((low - smallest).abs() <= bound + rounded, "{k}");
        assert!((high - largest).abs() <= bound + rounded, "{k}");
        let accumulated = (size + 3.0) * f64::EPSILON;
        let e = accumulated * (size + size.sqrt());
        let norm = (4.0 * size + 2.0 * (size - 1.0)).sqrt();
        let r = accumulated * (norm + largest) * size.sqrt();
        let exact = 2.0 * e * largest + r;
        assert!(bound >= exact * (1.0 - 1e-12), "{k}: {bound:e} < {exact:e}");
        assert!(bound <= 2.0 * exact, "{k}: {bound:e} > {exact:e}");
    }
}

/// At 40 digits the iteration needs nearly three rounds per eigenvalue: it ends by convergence and not by its limit.
#[test]
fn the_eigenvalues_of_a_long_chain_are_found_at_40_digits() {
    let k = 64;
    let values = spectrum::eigenvalues(&chain(k)).unwrap();
    for (j, value) in values.iter().enumerate() {
        // Ascending: 2 - 2 cos(j pi / (k + 1)), j = 1 .. k, which an f64 knows to 16 digits ...
        let angle = std::f64::consts::PI * (j + 1) as f64 / (k + 1) as f64;
        assert!((value.to_f64() - 4.0 * (angle / 2.0).sin().powi(2)).abs() <= 1e-14);
    }
    // ... and the traces of the matrix and its square to all of them.
    let traces = [
        values.iter().copied().sum::<High>() - High::int(2 * k as i64),
        values.iter().map(|v| v.square()).sum::<High>() - High::int(6 * k as i64 - 2),
    ];
    for off in traces {
        assert!(off.abs() <= High::ONE.shifted(-34), "{off:?}");
    }
}

/// The bidiagonal matrix of ones has the singular values `2 cos(j pi / (2 k + 1))`.
#[test]
fn the_singular_values_of_a_long_chain_are_found_at_40_digits() {
    for k in [20, 64] {
        let ones = DMatrix::from_fn(k, k, |i, j| {
            if j == i || j == i + 1 {
                High::ONE
            } else {
                High::ZERO
            }
        });
        let values = spectrum::singular_values(&ones).unwrap();
        assert_eq!(values.len(), k);
        for (j, value) in values.iter().enumerate() {
            let angle = std::f64::consts::PI * (j + 1) as f64 / (2 * k + 1) as f64;
            assert!((value.to_f64() - 2.0 * angle.cos()).abs() <= 1e-14);
        }
        let off = values.iter().map(|v| v.square()).sum::<High>() - High::int(2 * k as i64 - 1);
        assert!(off.abs() <= High::ONE.shifted(-34), "{off:?}");
        let determinant = values.iter().fold(High::ONE, |product, &v| product * v);
        let off = determinant - High::ONE;
        assert!(off.abs() <= High::ONE.shifted(-34), "{off:?}");
    }
}
