//! Proofs that a symmetric matrix is positive definite, by a Cholesky factorisation in f64.
//!
//! If the factorisation of a computed matrix C (d x d) runs to its end, `C >= -(d + 2) u trace(C) I`, whatever the order of the
//! operations (Rump 2006). Nothing rests on the quality of the factor.

use nalgebra::DMatrix;

use crate::production::error_bound::rounding::SLACK;
use crate::production::factor::cholesky::Cholesky;
use crate::production::kernels::operator::Gram;
use crate::production::step::eigen;
use crate::scalar::rounding::UNIT;

/// What a successful factorisation of order d leaves unproven: twice `(d + 4) u` of the sum of the sizes on the diagonal, which
/// covers Rump's `(d + 2) u` and the rounding of a shift of the diagonal.
pub(crate) fn lost(order: usize, diagonal: f64) -> f64 {
    (order as f64 + 4.0) * 2.0 * UNIT * diagonal
}

/// A proven lower bound of the lowest eigenvalue of a symmetric matrix (d x d); minus infinity if nothing can be shown.
pub(super) fn lowest_eigenvalue(h: &DMatrix<f64>) -> f64 {
    let d = h.nrows();
    let Some(eigen) = eigen(h) else {
        return f64::NEG_INFINITY;
    };
    let estimate = eigen.eigenvalues.min();
    let size = h.norm();
    let units = (d as f64 + 4.0) * UNIT;
    for margin in [4.0, 64.0, 1024.0] {
        let shift = estimate - margin * units * (size + estimate.abs());
        let shifted = h - DMatrix::identity(d, d) * shift;
        let trace: f64 = shifted.diagonal().iter().map(|entry| entry.abs()).sum();
        if shifted.cholesky().is_some() {
            return shift - lost(d, trace) * SLACK;
        }
    }
    f64::NEG_INFINITY
}

/// A computed symmetric matrix and a bound on the spectral norm of its error.
pub(crate) struct Bounded {
    /// The matrix.
    pub matrix: Gram,
    /// Of its error.
    pub error: f64,
}

impl Bounded {
    /// Whether the exact matrix is proven to be at least `mu I`, or `mu` times another exact matrix.
    /// It is enough that the factorisation of `C = matrix - mu (...) - (all errors) I` succeeds.
    pub fn exceeds(&self, mu: f64, other: Option<&Self>) -> bool {
        let d = self.matrix.order;
        let mut shifted = self.matrix.clone();
        let mut error = self.error;
        let mut sizes: f64 = self.matrix.diagonal().map(f64::abs).sum();
        if let Some(other) = other {
            shifted.add_multiple(-mu, &other.matrix);
            let other_size: f64 = other.matrix.diagonal().map(f64::abs).sum();
            // Entries of a positive semidefinite matrix are below its trace: two roundings each, d a row.
            error += mu * other.error;
            sizes += mu * other_size;
            error += 3.0 * d as f64 * UNIT * sizes;
        }
        error += lost(d, sizes);
        let own = if other.is_some() { 0.0 } else { mu };
        let total = (own + error) * SLACK;
        for j in 0..d {
            shifted.column_mut(j)[0] -= total;
        }
        Cholesky::new(&shifted).is_some()
    }

    /// The first of these parts of an estimate that is positive and that the exact matrix is proven to [exceed](Self::exceeds).
    pub fn exceeds_part(&self, parts: &[f64], estimate: f64, other: Option<&Self>) -> Option<f64> {
        parts
            .iter()
            .map(|part| part * estimate)
            .find(|mu| *mu > 0.0 && self.exceeds(*mu, other))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A diagonal matrix with an error.
    pub(in crate::production::error_bound) fn bounded(diagonal: [f64; 2], error: f64) -> Bounded {
        let mut matrix = Gram::zeros(2);
        for (j, entry) in diagonal.into_iter().enumerate() {
            matrix.column_mut(j)[0] = entry;
        }
        Bounded { matrix, error }
    }

    #[test]
    fn a_matrix_exceeds_what_is_left_after_every_error() {
        // diag(2, 3) within 1/2.
        let matrix = bounded([2.0, 3.0], 0.5);
        assert!(matrix.exceeds(1.49, None) && !matrix.exceeds(1.51, None));
        // mu times diag(1, 2) within 1/8: 3 - 2 mu - 1/2 - mu / 8 > 0 up to 2.5 / 2.125 = 1.17647.
        let other = bounded([1.0, 2.0], 0.125);
        assert!(matrix.exceeds(1.176, Some(&other)) && !matrix.exceeds(1.177, Some(&other)));
    }

    #[test]
    fn the_roundings_of_a_factorisation_are_charged_by_the_trace() {
        // diag(64 u, 1): 2 (d + 4) u = 12 u of the trace 1 are lost, so 52 u are proven.
        let matrix = bounded([64.0 * UNIT, 1.0], 0.0);
        assert!(matrix.exceeds(51.0 * UNIT, None) && !matrix.exceeds(53.0 * UNIT, None));
        // Less 2 diag(t u, 0): the trace 1 costs 3 d + 2 (d + 4) = 18 u, so 64 - 2 t must exceed 18.
        let other = |entry: f64| bounded([entry * UNIT, 0.0], 0.0);
        assert!(
            matrix.exceeds(2.0, Some(&other(22.0))) && !matrix.exceeds(2.0, Some(&other(24.0)))
        );
        // The other trace counts twice as well: 2 + 2 * 0.5 cost 54 u, so 64 - 2 t must exceed 54.
        let other = |entry: f64| bounded([entry * UNIT, 0.5], 0.0);
        let matrix = bounded([64.0 * UNIT, 2.0], 0.0);
        assert!(matrix.exceeds(2.0, Some(&other(4.5))) && !matrix.exceeds(2.0, Some(&other(5.5))));
    }

    #[test]
    fn a_proven_lowest_eigenvalue_is_below_the_exact_one_and_close() {
        let of = |entries: [f64; 4]| lowest_eigenvalue(&DMatrix::from_row_slice(2, 2, &entries));
        for (entries, exact) in [
            ([2.0, 1.0, 1.0, 2.0], 1.0),
            ([1.0, 2.0, 2.0, 1.0], -1.0),
            ([2.0, 2.0, 2.0, 5.0], 1.0),
        ] {
            // At least 4 (d + 4) u of the size for the shift; some ten times that for the rest.
            let below = (exact - of(entries)) / UNIT;
            assert!(
                (24.0..=1200.0).contains(&below),
                "{entries:?}: {below} units"
            );
        }
        assert_eq!(of([f64::NAN, 0.0, 0.0, 1.0]), f64::NEG_INFINITY);
    }
}
