//! A proven bound on `||x - x*||` in the coordinates of a QR factorisation.
//!
//! Everything is measured in `y = T x` with `A = Q T - E` from the computed factors: the defects `||I - Q'Q||` and
//! `||E T^-1||` are computed and bounded, not assumed, so the proof does not rest on the quality of the factorisation.
//! Derivation: `docs/numerics.md`, "Error of the answer".

use nalgebra::DVector;

use crate::instance::DesignMatrix;
use crate::production::diagonal_plus_low_rank::transpose_multiply;
use crate::production::error_bound::better::{Convex, INDEFINITE, better, modulus};
use crate::production::error_bound::bound::ErrorBound;
use crate::production::error_bound::factors::Factors;
use crate::production::error_bound::kantorovich::{NewtonFacts, Proven};
use crate::production::error_bound::newton_step::{Near, Projected, newton_step_bound};
use crate::production::error_bound::positive_definite::lowest_eigenvalue;
use crate::production::error_bound::rounding::{SLACK, UNDERFLOW, size};
use crate::production::logit_coordinates::LogitCoordinates;
use crate::production::summation::dot_units;
use crate::production::{EvaluationError, Problem};
use crate::scalar::rounding::UNIT;

/// Bounds the distance from x (d entries) to a minimiser of L with the factors of A at hand.
pub(crate) fn bound_in(
    problem: &Problem,
    coordinates: &LogitCoordinates,
    x: &DVector<f64>,
) -> ErrorBound {
    let Some(factors) = Factors::verify(problem, coordinates) else {
        return ErrorBound::none("the matrix is too close to rank deficiency for f64");
    };
    let local = match Local::at(problem, coordinates, &factors, x) {
        Ok(local) => local,
        Err(error) => return ErrorBound::none(error),
    };
    let convex = local.strong_convexity(&factors);
    let near = local.newton_kantorovich(problem, &factors);
    better(convex, near).in_unknowns(factors.unit, x)
}

/// Verified facts at x, in the norm `||T h||`.
struct Local {
    /// The dual norm of the exact gradient is at most this.
    gradient: f64,
    /// The exact Hessian is at least this in the metric (may be negative: then nothing is known).
    lowest: f64,
    /// `min w^2 + curvature floor`, rounded down.
    modulus: Option<f64>,
    /// What Newton's step from x is at most, where the Hessian is positive definite.
    newton: Option<NewtonStep>,
}

/// Bounds on the exact Newton step `h = -H^-1 g` at x.
struct NewtonStep {
    /// `(g' H^-1 g)^0.5`: its length in the metric of H.
    decrement: f64,
    /// `||h||`, times the unit of the factors.
    length: f64,
    /// `z` and the bound of its error.
    logits: DVector<f64>,
    logit_error: DVector<f64>,
}

impl Local {
    fn at(
        problem: &Problem,
        coordinates: &LogitCoordinates,
        factors: &Factors,
        x: &DVector<f64>,
    ) -> Result<Self, EvaluationError> {
        let q = &coordinates.q;
        let n = q.nrows();
        let (z, logit_error, bounds) = problem.bounds(x)?;
        let v = problem.gradient_in_logits(&z)?;
        let v_error = problem.logit_gradient_error(&z, &logit_error, &bounds)?;
        let q_matrix = DesignMatrix::Dense(q.into());
        let projected = transpose_multiply(&q_matrix, v.as_slice());
        // Per row: the error of v, and the rounding of the projection.
        let row_error = (&v_error + v.abs() * (dot_units(n) * UNIT)).add_scalar(UNDERFLOW);
        let projection_error = q.abs().tr_mul(&row_error).norm() * SLACK;
        let tilt = factors.defect * (v.norm() + v_error.norm()) * SLACK;
        let gradient = (projected.norm() + projection_error + tilt) * SLACK;
        let weights = problem.squared_weights();
        let curvature = problem.loss().hessian(&z)?;
        let hessian = curvature.congruence(&q_matrix, weights);
        // The bound at these logits; where the loss knows one for all logits, the smaller.
        let here = curvature.norm_bound(&bounds.hessian);
        let curvature = problem
            .loss()
            .curvature_ceiling()
            .map_or(here, |c| c.min(here));
        let largest = (curvature + weights.max()) * SLACK;
        let turned = (2.0 * (1.0 + factors.skew).sqrt() + factors.defect) * factors.defect;
        let hessian_error =
            (size(&problem.congruence_error(&q_matrix, &z, &bounds)?) + turned * largest) * SLACK;
        let lowest = (lowest_eigenvalue(&hessian) - hessian_error).next_down();
        let hessian = Near {
            matrix: hessian,
            error: hessian_error,
            lowest,
        };
        let slope = Projected {
            q,
            projected,
            row_error,
            tilt,
        };
        let newton =
            newton_step_bound(&hessian, &slope, factors).map(|(decrement, length)| NewtonStep {
                decrement: decrement.min(gradient / lowest.sqrt() * SLACK),
                length: length.min(gradient / lowest * factors.inverse * SLACK),
                logits: z,
                logit_error,
            });
        Ok(Self {
            gradient,
            lowest,
            modulus: modulus(problem),
            newton,
        })
    }

    fn strong_convexity(&self, factors: &Factors) -> Option<Convex> {
        let modulus = self.modulus.filter(|modulus| *modulus > 0.0)?;
        let in_metric = modulus * factors.lower().powi(2) / SLACK;
        let bound = self.gradient / in_metric * factors.inverse * SLACK;
        bound.is_finite().then(|| Convex {
            bound,
            modulus,
            matrix: format!("sigma_min(A) >= {:.3e}", factors.sigma_min()),
        })
    }

    /// The bound is that in x, times the unit of the factors.
    fn newton_kantorovich(&self, problem: &Problem, factors: &Factors) -> Result<Proven, String> {
        let newton = self.newton.as_ref().ok_or(INDEFINITE)?;
        let facts = NewtonFacts {
            logits: &newton.logits,
            logit_error: &newton.logit_error,
            in_logits: self.lowest / factors.upper().powi(2) / SLACK,
            decrement: newton.decrement,
            step: newton.length,
            to_unknowns: factors.inverse / self.lowest.sqrt() * SLACK,
        };
        facts.bound(problem.loss())
    }
}

#[cfg(test)]
mod tests {

    use nalgebra::DMatrix;

    use super::*;
    use crate::production::test_support::{Given, covers};

    fn local(modulus: Option<f64>, length: f64) -> Local {
        Local {
            gradient: 0.3,
            lowest: 4.0,
            modulus,
            newton: Some(NewtonStep {
                decrement: 0.1,
                length,
                logits: DVector::zeros(1),
                logit_error: DVector::zeros(1),
            }),
        }
    }

    #[test]
    fn strong_convexity_divides_the_gradient_by_modulus_and_lengths() {
        // lower = 0.75 - 0.25 = 1/2: 0.3 * 0.5 / (2 * 0.25).
        let factors = Factors::planted(0.4375, 0.25);
        covers(
            local(Some(2.0), 1.0)
                .strong_convexity(&factors)
                .unwrap()
                .bound,
            0.3,
            1e-9,
        );
        for nothing in [None, Some(0.0), Some(-1.0), Some(f64::NAN)] {
            assert!(local(nothing, 1.0).strong_convexity(&factors).is_none());
        }
    }

    /// Decrement 0.1, lowest 4 in the metric of lengths that are at most 1.25 times those in the logits, inverse 1/2.
    #[test]
    fn the_factors_enter_the_newton_kantorovich_bound() {
        let mut loss = Given::new(1, 0);
        loss.omega = Some(5.0);
        let problem = loss.over(&[1.0], &[1.0]);
        let proven = |length: f64| {
            let proven =
                local(None, length).newton_kantorovich(&problem, &Factors::planted(0.44, 0.05));
            proven.map(|proven| (proven.bound, proven.basis))
        };
        // 4 / 1.25^2 = 2.56 in the logits, 0.5 / 4^0.5 = 1/4 in x: the figures of `kantorovich`.
        let (bound, basis) = proven(0.2).unwrap();
        covers(bound, 0.027_402_949_199_448_108, 1e-9);
        assert!(basis.contains("Hessian >= 2.560e0 A'A"), "{basis}");
        covers(proven(0.02).unwrap().0, 0.022_402_949_199_448_11, 1e-9);
        let mut flat = local(None, 0.2);
        flat.newton = None;
        let refused = flat.newton_kantorovich(&problem, &Factors::planted(0.44, 0.05));
        assert_eq!(refused.err().unwrap(), INDEFINITE);
    }

    #[test]
    fn the_facts_at_a_point_carry_the_defects_of_the_factors() {
        // z = (3, 4), v = (2, -1) + (4 * 3, 1 * 4) = (14, 3); Q = (0.6, 0.8): Q'v = 10.8 and 0.1 ||v|| for the defect.
        // Q' diag(5 + 4, -2 + 1) Q = 2.6, less (2 * 1.25^0.5 + 0.1) * 0.1 times (4.5 + 4): the ceiling 4.5 is below |5|.
        let mut loss = Given::new(2, 0);
        loss.gradient.copy_from_slice(&[2.0, -1.0]);
        loss.hessian.diagonal.copy_from_slice(&[5.0, -2.0]);
        (loss.floor, loss.ceiling) = (Some(-0.25), Some(4.5));
        let coordinates = LogitCoordinates {
            q: DMatrix::from_column_slice(2, 1, &[0.6, 0.8]),
            r: DMatrix::from_element(1, 1, 1.0),
            scale: DVector::from_element(1, 1.0),
        };
        let problem = loss.over(&[3.0, 4.0], &[2.0, 1.0]);
        let x = DVector::from_element(1, 1.0);
        let local = Local::at(&problem, &coordinates, &Factors::planted(0.25, 0.1), &x).unwrap();
        covers(local.gradient, 12.231_782_106_327_635, 1e-9);
        assert!(
            (local.lowest / 0.614_342_219_125_178_8 - 1.0).abs() < 1e-8,
            "{}",
            local.lowest
        );
        covers(0.75 / local.modulus.unwrap(), 1.0, 1e-14);
        // gradient / lowest^0.5, and gradient / lowest * 0.5 in x (the approximate inverse misses by more than 1/2).
        let newton = local.newton.unwrap();
        assert!(
            (newton.decrement / 15.605_746_753_224_5 - 1.0).abs() < 1e-8,
            "{}",
            newton.decrement
        );
        assert!(
            (newton.length / 9.955_185_990_428_634 - 1.0).abs() < 1e-8,
            "{}",
            newton.length
        );
    }
}
