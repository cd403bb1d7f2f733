//! The exact Newton step, bounded through the factors of A.

use nalgebra::{DMatrix, DVector};

use crate::production::error_bound::factors::Factors;
use crate::production::error_bound::rounding::{SLACK, norm_bound, size};
use crate::production::summation::norm;
use crate::scalar::rounding::UNIT;

/// A symmetric matrix M (d x d) that is within `error` of the computed `matrix` and at least `lowest I`.
pub(super) struct Near {
    pub matrix: DMatrix<f64>,
    pub error: f64,
    /// May be negative or NaN: then nothing is known.
    pub lowest: f64,
}

/// A vector y (d) that is within `|Q|' row_error` (entry by entry) plus a vector of length `tilt` of `projected`.
pub(super) struct Projected<'a> {
    /// Q, n x d.
    pub q: &'a DMatrix<f64>,
    pub projected: DVector<f64>,
    /// n entries.
    pub row_error: DVector<f64>,
    pub tilt: f64,
}

/// Bounds on `(y' M^-1 y)^0.5` and `unit ||T^-1 M^-1 y||`; `None` where M is not proven to be positive definite.
///
/// The errors are carried through `T^-1 M^-1 Q'` row by row: the rows that M hardly feels are those that p hardly feels,
/// and their errors are as small. A bound by norms would multiply the error of the heaviest row with the worst direction.
pub(super) fn newton_step_bound(
    m: &Near,
    y: &Projected<'_>,
    factors: &Factors,
) -> Option<(f64, f64)> {
    let Near {
        matrix: hessian,
        error,
        lowest,
    } = m;
    let Projected {
        q,
        projected,
        row_error,
        tilt,
    } = y;
    if lowest.is_nan() || *lowest <= 0.0 {
        return None;
    }
    let (n, d) = q.shape();
    let identity = DMatrix::identity(d, d);
    let units = (d as f64 + 3.0) * UNIT * SLACK;
    // Products of an explicit matrix with Q' and with a vector: n + d roundings cover every entry.
    let product_slack = 1.0 + 4.0 * (n as f64 + d as f64) * f64::EPSILON;

    // Decrement. M >= C - error with C = L L' + rounding, J close to L^-1: ||L^-1 y|| <= ||J y|| / (1 - ||I - J L||).
    let lower = hessian.clone().cholesky()?.l();
    let backward = units * lower.norm_squared() + error;
    let shrink = 1.0 - backward / (lowest + backward) * SLACK;
    let j = lower.solve_lower_triangular(&identity)?;
    let miss = size(&(&j * &lower - &identity)) + size(&(j.abs() * lower.abs())) * units;
    if !(miss < 0.5 && shrink > 0.1) {
        return None;
    }
    let through = |m: &DMatrix<f64>| {
        // |M projected| with its rounding, plus |M Q'| row_error with the rounding of M Q'.
        let length = |v: DVector<f64>| norm(v.as_slice());
        let value = length(m * projected) + length(m.abs() * projected.abs()) * units;
        let sensitivity = (m * q.transpose()).abs();
        let rounding = length(m.abs() * (q.abs().tr_mul(row_error))) * units;
        ((value + length(sensitivity * row_error) + rounding) * product_slack
            + norm_bound(m) * tilt)
            * SLACK
    };
    let decrement = through(&j) / (1.0 - miss) / shrink.sqrt() * SLACK;

    // Length. X close to M^-1: M^-1 y = X y + G (I - G)^-1 X y with G = I - X M.
    let x = j.tr_mul(&j);
    let x_norm = norm_bound(&x);
    let miss = size(&(&x * hessian - &identity))
        + size(&(x.abs() * hessian.abs())) * units
        + x_norm * error;
    if miss.is_nan() || miss > 0.5 {
        return Some((decrement, f64::INFINITY));
    }
    let in_metric = through(&x);
    // T^-1 = X_T (I - F)^-1, so T^-1 s = X_T s + X_T F (I - F)^-1 s.
    let in_unknowns = through(&(&factors.approximate_inverse * &x))
        // The rounding of that product of two matrices, through the same vector.
        + norm((factors.approximate_inverse.abs() * x.abs() * (projected.abs() + q.abs().tr_mul(row_error))).as_slice())
            * units;
    let far = factors.distance / (1.0 - factors.distance)
        + miss / (1.0 - miss) / (1.0 - factors.distance);
    let length = in_unknowns + norm_bound(&factors.approximate_inverse) * far * in_metric * SLACK;
    Some((decrement, length * SLACK))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::production::test_support::covers;

    /// One unknown: M = 4 within 1/4, at least 3.5; y = 2 within `row_error` 1/8 and `tilt` 1/16.
    #[test]
    fn the_newton_step_of_one_unknown_has_the_bound_of_hand_arithmetic() {
        let one = |value: f64| DMatrix::from_element(1, 1, value);
        let vector = |value: f64| DVector::from_element(1, value);
        let step = |lowest: f64| {
            let factors = Factors::planted(0.0, 0.0);
            let m = Near {
                matrix: one(4.0),
                error: 0.25,
                lowest,
            };
            let y = Projected {
                q: &one(1.0),
                projected: vector(-2.0),
                row_error: vector(0.125),
                tilt: 0.0625,
            };
            newton_step_bound(&m, &y, &factors)
        };
        let (decrement, length) = step(3.5).unwrap();
        // (2 + 1/8 + 1/16) / 2, over the root of 1 - 0.25 / 3.75.
        covers(decrement, 1.132_138_808_296_05, 1e-9);
        // X = 1/4, miss = X / 4 = 1/16: X_T X y = 0.2734375; far = 0.2 / 0.8 + (1/15) / 0.8 = 1/3, of X y = 0.546875.
        covers(length, 0.273_437_5 + 0.5 * 0.546_875 / 3.0, 1e-9);
        for nothing in [0.0, -1.0, f64::NAN] {
            assert_eq!(step(nothing), None);
        }
    }

    #[test]
    fn the_roundings_of_an_ill_conditioned_newton_step_are_counted() {
        // L = [[1, 0], [K, 1]], K = 2^25, y = (1, K): L^-1 y = (1, 0), but |J| |y| = (1, 2K), each with d + 3 units. The
        // miss of J L is 5 u || (1, 0; 2K, 1) ||, M = L L' + 5 u ||L||^2 of at least 1e9. mpmath; the length is not known.
        let k = 2f64.powi(25);
        let m = Near {
            matrix: DMatrix::from_row_slice(2, 2, &[1.0, k, k, k * k + 1.0]),
            error: 0.0,
            lowest: 1e9,
        };
        let factors = Factors::planted(0.0, 0.0);
        let row = DMatrix::from_row_slice(1, 2, &[1.0, k]);
        let y = Projected {
            q: &DMatrix::identity(2, 2),
            projected: row.transpose().column(0).into_owned(),
            row_error: DVector::zeros(2),
            tilt: 0.0,
        };
        let (decrement, length) = newton_step_bound(&m, &y, &factors).unwrap();
        covers(decrement, 1.000_000_074_818_308_8, 1e-9);
        assert_eq!(length, f64::INFINITY);
        // The same where y is 0, but off by a row (1, K) of Q.
        let y = Projected {
            q: &row,
            projected: DVector::zeros(2),
            row_error: DVector::repeat(1, 1.0),
            tilt: 0.0,
        };
        let found = newton_step_bound(&m, &y, &factors);
        covers(found.unwrap().0, 1.000_000_074_818_308_8, 1e-9);
    }
}
