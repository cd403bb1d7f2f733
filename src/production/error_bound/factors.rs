//! The factors of a matrix, verified: nothing rests on the quality of the factorisation.

use nalgebra::{DMatrix, DVector};

use crate::instance::DesignMatrix;
use crate::production::Problem;
use crate::production::diagonal_plus_low_rank::{Magnitude, weighted_gram};
use crate::production::error_bound::rounding::{SLACK, norm_bound};
use crate::production::logit_coordinates::LogitCoordinates;
use crate::scalar::rounding::UNIT;

/// Verified facts about `A = Q T - E`, `T = R S`.
pub(super) struct Factors {
    /// `||E T^-1|| <= defect`.
    pub defect: f64,
    /// `||I - Q'Q|| <= skew`.
    pub skew: f64,
    /// A power of two near the smallest scale of a column, in which the inverses below are measured: as they stand, their
    /// squares (or they themselves) may underflow.
    pub unit: f64,
    /// `unit ||T^-1|| <= inverse`.
    pub inverse: f64,
    /// The computed `X` with `unit T^-1 = X (I - F)^-1`, `||F|| <= distance`.
    pub approximate_inverse: DMatrix<f64>,
    pub distance: f64,
}

impl Factors {
    /// The facts, or `None` where the matrix is too close to rank deficiency for them.
    pub fn verify(problem: &Problem, coordinates: &LogitCoordinates) -> Option<Self> {
        let LogitCoordinates { q, r, scale } = coordinates;
        let (n, d) = q.shape();
        let mut scaled = problem.matrix().to_dense();
        for (j, mut column) in scaled.column_iter_mut().enumerate() {
            column /= scale[j];
        }
        // E S^-1 = Q R - A S^-1: computed, plus the rounding of computing it.
        let units = (d as f64 + 2.0) * UNIT * SLACK;
        let residual = q * r - &scaled;
        let rounding = (q.abs() * r.abs() + scaled.abs()) * units;
        let residual = (residual.norm() + rounding.norm()) * SLACK;
        // Q'Q - I, with the rounding of blocks of 64 rows (at most n + 3 units in any case).
        let ones = DVector::repeat(n, 1.0);
        let rows = DesignMatrix::Dense(q.into());
        let gram = weighted_gram(&rows, &ones);
        let gram_rounding = Magnitude(&rows).weighted_gram(&ones).norm() * (n as f64 + 4.0) * UNIT;
        let skew = ((gram - DMatrix::identity(d, d)).norm() + gram_rounding) * SLACK;
        // R^-1 = X (R X)^-1, so ||M R^-1|| <= ||M X|| / (1 - ||I - R X||).
        let inverse = r.solve_upper_triangular(&DMatrix::identity(d, d))?;
        let product = r * &inverse - DMatrix::identity(d, d);
        let product_rounding = (r.abs() * inverse.abs()) * units;
        let distance = (product.norm() + product_rounding.norm()) * SLACK;
        if !(distance < 0.5 && skew < 0.5) {
            return None;
        }
        let unit = scale.min();
        let mut unscaled = inverse.clone();
        for (j, mut row) in unscaled.row_iter_mut().enumerate() {
            row /= scale[j] / unit;
        }
        let factors = Self {
            defect: residual * norm_bound(&inverse) / (1.0 - distance) * SLACK,
            skew,
            unit,
            inverse: norm_bound(&unscaled) / (1.0 - distance) * SLACK,
            approximate_inverse: unscaled,
            distance,
        };
        (factors.defect < 0.25 && factors.inverse.is_finite()).then_some(factors)
    }

    /// `||A h|| <= upper ||T h||`.
    pub fn upper(&self) -> f64 {
        ((1.0 + self.skew).sqrt() + self.defect) * SLACK
    }

    /// `||A h|| >= lower ||T h||`.
    pub fn lower(&self) -> f64 {
        ((1.0 - self.skew).sqrt() - self.defect) / SLACK
    }

    /// `sigma_min(A) >= lower / ||T^-1||`.
    pub fn sigma_min(&self) -> f64 {
        self.lower() / self.inverse / SLACK * self.unit
    }
}

#[cfg(test)]
impl Factors {
    /// Those of one unknown: `||T^-1|| <= 1/2`, the inverse off by 1/5.
    pub fn planted(skew: f64, defect: f64) -> Self {
        Self {
            defect,
            skew,
            unit: 1.0,
            inverse: 0.5,
            approximate_inverse: DMatrix::from_element(1, 1, 0.5),
            distance: 0.2,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::production::test_support::{Given, covers};

    #[test]
    fn lengths_are_compared_through_skew_and_defect() {
        // (1 + 0.4375)^0.5 + 0.125 and (1 - 0.4375)^0.5 - 0.125 = 0.625; sigma_min = 0.625 / 0.5.
        let factors = Factors::planted(0.4375, 0.125);
        covers(factors.upper(), 1.4375f64.sqrt() + 0.125, 1.1e-10);
        covers(0.625 / factors.lower(), 1.0, 1.1e-10);
        covers(1.25 / factors.sigma_min(), 1.0, 2.1e-10);
        assert!(factors.lower() < 0.625 && factors.sigma_min() < 1.25);
    }

    #[test]
    fn the_factors_are_verified_against_the_matrix_they_are_said_to_factor() {
        let verify = |a: &[f64], q: &[f64]| {
            let coordinates = LogitCoordinates {
                q: DMatrix::from_column_slice(2, 1, q),
                r: DMatrix::from_element(1, 1, 2.0),
                scale: DVector::from_element(1, 4.0),
            };
            Factors::verify(&Given::new(2, 0).over(a, &[1.0; 2]), &coordinates)
        };
        // Q R - A S^-1 = (0, 1 - 1.25), R^-1 = 1/2; ||I - Q'Q|| = 1/4; T = 8.
        let planted = verify(&[8.0, 5.0], &[1.0, 0.5]).unwrap();
        covers(planted.defect, 0.125, 1e-9);
        covers(planted.skew, 0.25, 1e-9);
        assert_eq!(planted.unit, 4.0);
        covers(planted.inverse / planted.unit, 0.125, 1e-9);
        assert_eq!(planted.approximate_inverse[0] / planted.unit, 0.125);
        // Without defects the roundings are left. In units: 3 for Q R - A S^-1 (entries 2 + 2) and for R X; 2 + 4 for Q'Q.
        let clean = verify(&[8.0, 0.0], &[1.0, 0.0]).unwrap();
        covers(clean.defect / UNIT, 6.0, 1e-9);
        covers(clean.skew / UNIT, 6.0, 1e-9);
        covers(clean.distance / UNIT, 3.0, 1e-9);
        // Skews from 1/2 and defects from 1/4 on are refused.
        assert!(verify(&[8.0, 5.5], &[1.0, 0.6875]).is_some());
        assert!(verify(&[8.0, 5.75], &[1.0, 0.718_75]).is_none());
        assert!(verify(&[8.0, 1.875], &[1.0, 0.0]).is_some());
        assert!(verify(&[8.0, 2.125], &[1.0, 0.0]).is_none());
    }

    #[test]
    fn an_ill_conditioned_factor_is_charged_for_the_rounding_of_its_inverse() {
        // R = [[1, K], [0, 1]], K = 2^20, is its own inverse up to a sign: with 4 units for each product, distance =
        // 4 u (2 + 4 K^2)^0.5 = 9.3e-10, ||R^-1|| (2 + K^2)^0.5 / (1 - distance), and Q R - A off by 8 u (2 + K^2)^0.5.
        let k = 2f64.powi(20);
        let r = DMatrix::from_row_slice(2, 2, &[1.0, k, 0.0, 1.0]);
        let weights = DVector::repeat(2, 1.0);
        let loss = Arc::new(Given::new(2, 0));
        let problem = Problem::with_loss(loss, DesignMatrix::Dense((&r).into()), &weights).unwrap();
        let coordinates = LogitCoordinates {
            q: DMatrix::identity(2, 2),
            r,
            scale: DVector::repeat(2, 1.0),
        };
        let factors = Factors::verify(&problem, &coordinates).unwrap();
        let distance = 4.0 * UNIT * (2.0 + 4.0 * k * k).sqrt();
        covers(factors.distance, distance, 3e-10);
        covers(
            factors.inverse,
            (2.0 + k * k).sqrt() / (1.0 - distance),
            5e-10,
        );
        covers(
            factors.defect,
            8.0 * UNIT * (2.0 + k * k) / (1.0 - distance),
            1e-9,
        );
    }
}
