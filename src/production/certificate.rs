//! A proven bound on `||x - x*||`.
//!
//! Everything is measured in `y = T x` with `A = Q T - E` from the computed factors: the defects `||I - Q'Q||` and
//! `||E T^-1||` are computed and bounded, not assumed, so the proof does not rest on the quality of the factorisation.
//! Derivation: `docs/numerics.md`, "Error of the answer".

use nalgebra::{DMatrix, DVector};

use crate::instance::DesignMatrix;
use crate::production::diagonal_plus_low_rank::{transpose_multiply, weighted_gram};
use crate::production::error_bound::{Certificate, SLACK, UNDERFLOW, size};
use crate::production::logit_coordinates::{LogitCoordinates, Visible, visible};
use crate::production::summation::{dot_units, norm};
use crate::production::{EvaluationError, Problem, certificate_by_gram};
use crate::scalar::rounding::UNIT;

/// From so many entries of A (n d) on, Gram matrices are tried before a QR factorisation.
const LARGE_ENTRIES: usize = 300_000;
/// A QR factorisation is tried up to this n d^2: some seconds.
const ORTHONORMAL_WORK: usize = 2_000_000_000;

/// Bounds the distance from x (d entries) to a minimiser of L.
///
/// Tries strong convexity (`min w^2` above the proven negative curvature of the loss: then the minimiser is unique) and
/// the Newton-Kantorovich theorem with the proven Lipschitz constant of the loss's Hessian (a strict local minimiser),
/// and returns the smaller bound. The rounding error of the gradient and of every factorisation is included. Never an
/// error: where nothing can be proven, `basis` says why.
///
/// Problems with more than 300,000 entries (n d) are judged through Gram matrices first, which costs far less and proves
/// less; where that proves nothing and a QR factorisation is affordable, it is tried too.
pub fn certify(problem: &Problem, x: &DVector<f64>) -> Certificate {
    let entries = problem.rows().saturating_mul(problem.columns());
    if entries > LARGE_ENTRIES {
        let certificate = certificate_by_gram::certify(problem, x);
        let work = entries.saturating_mul(problem.columns());
        if certificate.bound.is_some() || work > ORTHONORMAL_WORK {
            return certificate;
        }
    }
    match visible(problem) {
        Ok(Visible::All(coordinates)) => certify_in(problem, &coordinates, x),
        Ok(Visible::Part { reason, .. }) => {
            Certificate::none(format!("the minimiser is not unique ({reason})"))
        }
        Err(error) => Certificate::none(error),
    }
}

/// [`certify`] with the factors at hand.
pub(crate) fn certify_in(
    problem: &Problem,
    coordinates: &LogitCoordinates,
    x: &DVector<f64>,
) -> Certificate {
    let Some(factors) = Factors::verify(problem, coordinates) else {
        return Certificate::none("the matrix is too close to rank deficiency for f64");
    };
    let local = match Local::at(problem, coordinates, &factors, x) {
        Ok(local) => local,
        Err(error) => return Certificate::none(error),
    };
    let convex = strong_convexity(&factors, &local);
    let kantorovich = newton_kantorovich(problem, &factors, &local);
    let near = |omega: f64| {
        format!(
            "Newton-Kantorovich: Hessian >= {:.3e} A'A at x, third derivative <= {omega:.3e} in the metric of the Hessian",
            local.lowest
        )
    };
    let certificate = match (convex, kantorovich) {
        (Some(convex), Ok((bound, omega))) if bound < convex => Certificate {
            bound: Some(bound),
            basis: format!(
                "{}; L is strongly convex, so this is the only minimiser",
                near(omega)
            ),
        },
        (Some(bound), _) => Certificate {
            bound: Some(bound),
            basis: format!(
                "strong convexity: min w^2 + curvature floor of the loss >= {:.3e}, sigma_min(A) >= {:.3e}; this is the only minimiser",
                local.modulus.unwrap_or(f64::NAN),
                factors.sigma_min()
            ),
        },
        (None, Ok((bound, omega))) => Certificate {
            bound: Some(bound),
            basis: format!(
                "{}; a strict local minimiser, others may exist",
                near(omega)
            ),
        },
        (None, Err(reason)) => Certificate::none(format!(
            "L is not known to be strongly convex (min w^2 does not outweigh the curvature of the loss), and {reason}"
        )),
    };
    certificate.in_unknowns(factors.unit, x)
}

/// Verified facts about `A = Q T - E`, `T = R S`.
struct Factors {
    /// `||E T^-1|| <= defect`.
    defect: f64,
    /// `||I - Q'Q|| <= skew`.
    skew: f64,
    /// A power of two near the smallest scale of a column, in which the inverses below are measured: as they stand, their
    /// squares (or they themselves) may underflow.
    unit: f64,
    /// `unit ||T^-1|| <= inverse`.
    inverse: f64,
    /// The computed `X` with `unit T^-1 = X (I - F)^-1`, `||F|| <= distance`.
    approximate_inverse: DMatrix<f64>,
    distance: f64,
}

impl Factors {
    fn verify(problem: &Problem, coordinates: &LogitCoordinates) -> Option<Self> {
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
        let gram = weighted_gram(&DesignMatrix::Dense(q.clone()), &ones);
        let gram_rounding =
            weighted_gram(&DesignMatrix::Dense(q.abs()), &ones).norm() * (n as f64 + 4.0) * UNIT;
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
    fn upper(&self) -> f64 {
        ((1.0 + self.skew).sqrt() + self.defect) * SLACK
    }

    /// `||A h|| >= lower ||T h||`.
    fn lower(&self) -> f64 {
        ((1.0 - self.skew).sqrt() - self.defect) / SLACK
    }

    /// `sigma_min(A) >= lower / ||T^-1||`.
    fn sigma_min(&self) -> f64 {
        self.lower() / self.inverse / SLACK * self.unit
    }
}

/// Upper bound of the spectral norm: the smaller of the Frobenius norm and `sqrt(||M||_1 ||M||_inf)`.
fn norm_bound(m: &DMatrix<f64>) -> f64 {
    let columns = m
        .column_iter()
        .map(|column| column.lp_norm(1))
        .fold(0.0, f64::max);
    let rows = m.row_iter().map(|row| row.lp_norm(1)).fold(0.0, f64::max);
    size(m).min(columns.sqrt() * rows.sqrt()) * SLACK
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
        let q_matrix = DesignMatrix::Dense(q.clone());
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
        let modulus = problem.loss().curvature_floor().map(|floor| {
            // min w^2 was rounded once.
            let weight = weights.min() * (1.0 - 2.0 * f64::EPSILON);
            (weight + floor).next_down()
        });
        let newton = newton_step_bound(
            &hessian,
            hessian_error,
            lowest,
            factors,
            q,
            &projected,
            &row_error,
            tilt,
        )
        .map(|(decrement, length)| NewtonStep {
            decrement: decrement.min(gradient / lowest.sqrt() * SLACK),
            length: length.min(gradient / lowest * factors.inverse * SLACK),
            logits: z,
            logit_error,
        });
        Ok(Self {
            gradient,
            lowest,
            modulus,
            newton,
        })
    }
}

/// Bounds on `(y' M^-1 y)^0.5` and `unit ||T^-1 M^-1 y||`, where M is within `error` of the computed `hessian`, at least
/// `lowest > 0`, and y within `|Q|' row_error` (entry by entry) plus a vector of length `tilt` of `projected`.
///
/// The errors are carried through `T^-1 M^-1 Q'` row by row: the rows that M hardly feels are those that p hardly feels,
/// and their errors are as small. A bound by norms would multiply the error of the heaviest row with the worst direction.
#[allow(clippy::too_many_arguments)]
fn newton_step_bound(
    hessian: &DMatrix<f64>,
    error: f64,
    lowest: f64,
    factors: &Factors,
    q: &DMatrix<f64>,
    projected: &DVector<f64>,
    row_error: &DVector<f64>,
    tilt: f64,
) -> Option<(f64, f64)> {
    if lowest.is_nan() || lowest <= 0.0 {
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

/// A proven lower bound of the lowest eigenvalue of a symmetric matrix: if the Cholesky factorisation of `H - s I` runs
/// to its end in f64, then `H - s I` is positive definite up to `(d + 2) u` times its trace (Rump 2006). Minus infinity
/// if nothing can be shown.
fn lowest_eigenvalue(h: &DMatrix<f64>) -> f64 {
    let d = h.nrows();
    let Some(eigen) = crate::production::step::eigen(h) else {
        return f64::NEG_INFINITY;
    };
    let estimate = eigen.eigenvalues.min();
    let size = h.norm();
    let rounding = (d as f64 + 4.0) * UNIT;
    for margin in [4.0, 64.0, 1024.0] {
        let shift = estimate - margin * rounding * (size + estimate.abs());
        let shifted = h - DMatrix::identity(d, d) * shift;
        let trace: f64 = shifted.diagonal().iter().map(|entry| entry.abs()).sum();
        if shifted.cholesky().is_some() {
            // The subtraction on the diagonal rounds too: one more unit of the trace.
            return shift - 2.0 * rounding * trace * SLACK;
        }
    }
    f64::NEG_INFINITY
}

fn strong_convexity(factors: &Factors, local: &Local) -> Option<f64> {
    let modulus = local.modulus.filter(|modulus| *modulus > 0.0)?;
    let in_metric = modulus * factors.lower().powi(2) / SLACK;
    let direct = local.gradient / in_metric * factors.inverse * SLACK;
    (direct.is_finite()).then_some(direct)
}

/// Kantorovich's theorem in the metric of H = Hess L(x): with decrement e and `|D^3 L| <= omega` in that metric near x,
/// `omega e <= 1/2` puts a strict minimiser within `r = 2 e / (1 + (1 - 2 omega e)^0.5)`, and within `r - e` of x plus
/// the Newton step. Returns the bound in x, times the unit of the factors, and omega.
fn newton_kantorovich(
    problem: &Problem,
    factors: &Factors,
    local: &Local,
) -> Result<(f64, f64), String> {
    let Some(newton) = &local.newton else {
        return Err("the Hessian at x is not positive definite beyond its rounding".to_string());
    };
    let in_logits = local.lowest / factors.upper().powi(2) / SLACK;
    // r <= 2 e, and a length in the metric is at least root(lambda) times the length in the logits.
    let ball = 2.0 * newton.decrement / in_logits.sqrt() * SLACK;
    let Some(omega) =
        problem
            .loss()
            .third_derivative_bound(&newton.logits, &newton.logit_error, ball, in_logits)
    else {
        return Err("no bound on its third derivative is known".to_string());
    };
    let product = omega * newton.decrement * SLACK;
    if product.is_nan() || product > 0.49 {
        return Err(format!(
            "the Newton-Kantorovich product {product:.3e} at x is not below 1/2"
        ));
    }
    let root = (1.0 - 2.0 * product).sqrt();
    let radius = 2.0 * newton.decrement / (1.0 + root) * SLACK;
    // r - e without cancellation: e (1 - root) / (1 + root), and 1 - root = 2 product / (1 + root).
    let remainder = newton.decrement * 2.0 * product / (1.0 + root).powi(2) * SLACK;
    let to_unknowns = factors.inverse / local.lowest.sqrt() * SLACK;
    let bound = (radius * to_unknowns).min(newton.length + remainder * to_unknowns) * SLACK;
    if bound.is_finite() {
        Ok((bound, omega))
    } else {
        Err("the bound overflows".to_string())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::instance::{LossKind, sample};
    use crate::production::test_support::{Given, covers};
    use crate::production::{Settings, solve};

    fn factors(skew: f64, defect: f64) -> Factors {
        Factors {
            defect,
            skew,
            unit: 1.0,
            inverse: 0.5,
            approximate_inverse: DMatrix::from_element(1, 1, 0.5),
            distance: 0.2,
        }
    }

    fn given(loss: Given, a: &[f64], weights: &[f64]) -> Problem {
        let a = DesignMatrix::Dense(DMatrix::from_column_slice(a.len(), 1, a));
        Problem::with_loss(Arc::new(loss), a, &DVector::from_column_slice(weights)).unwrap()
    }

    #[test]
    fn a_spectral_norm_is_bounded_by_the_smaller_of_two_norms() {
        let of = |rows: usize, entries: &[f64]| {
            norm_bound(&DMatrix::from_row_slice(
                rows,
                entries.len() / rows,
                entries,
            ))
        };
        // Frobenius: root 30 < root(6 * 7).
        covers(of(2, &[1.0, -2.0, 3.0, 4.0]), 30f64.sqrt(), 1.1e-10);
        // Columns 2, 2, 3, rows 2, 2, 3: 3 < root 17.
        covers(
            of(3, &[2.0, 0.0, 0.0, 0.0, -2.0, 0.0, 0.0, 0.0, 3.0]),
            3.0,
            1.1e-10,
        );
        // Columns 2, 2, rows 1, 1, 1, 1: root 2 < 2.
        covers(
            of(4, &[1.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, -1.0]),
            2f64.sqrt(),
            1.1e-10,
        );
    }

    #[test]
    fn lengths_are_compared_through_skew_and_defect() {
        // (1 + 0.4375)^0.5 + 0.125 and (1 - 0.4375)^0.5 - 0.125 = 0.625; sigma_min = 0.625 / 0.5.
        let factors = factors(0.4375, 0.125);
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
            Factors::verify(&given(Given::new(2, 0), a, &[1.0; 2]), &coordinates)
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
        let problem = Problem::with_loss(loss, DesignMatrix::Dense(r.clone()), &weights).unwrap();
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

    /// One unknown: M = 4 within 1/4, at least 3.5; y = 2 within `row_error` 1/8 and `tilt` 1/16.
    #[test]
    fn the_newton_step_of_one_unknown_has_the_bound_of_hand_arithmetic() {
        let one = |value: f64| DMatrix::from_element(1, 1, value);
        let vector = |value: f64| DVector::from_element(1, value);
        let step = |lowest: f64| {
            let factors = factors(0.0, 0.0);
            newton_step_bound(
                &one(4.0),
                0.25,
                lowest,
                &factors,
                &one(1.0),
                &vector(-2.0),
                &vector(0.125),
                0.0625,
            )
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
        let hessian = DMatrix::from_row_slice(2, 2, &[1.0, k, k, k * k + 1.0]);
        let q = DMatrix::identity(2, 2);
        let y = DVector::from_column_slice(&[1.0, k]);
        let none = DVector::zeros(2);
        let found = newton_step_bound(&hessian, 0.0, 1e9, &factors(0.0, 0.0), &q, &y, &none, 0.0);
        let (decrement, length) = found.unwrap();
        covers(decrement, 1.000_000_074_818_308_8, 1e-9);
        assert_eq!(length, f64::INFINITY);
        // The same where y is 0, but off by a row (1, K) of Q.
        let (q, y, off) = (y.transpose(), DVector::zeros(2), DVector::repeat(1, 1.0));
        let q = DMatrix::from_row_slice(1, 2, q.as_slice());
        let factors = factors(0.0, 0.0);
        let found = newton_step_bound(&hessian, 0.0, 1e9, &factors, &q, &y, &off, 0.0);
        covers(found.unwrap().0, 1.000_000_074_818_308_8, 1e-9);
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
        let factors = factors(0.4375, 0.25);
        covers(
            strong_convexity(&factors, &local(Some(2.0), 1.0)).unwrap(),
            0.3,
            1e-9,
        );
        for nothing in [None, Some(0.0), Some(-1.0), Some(f64::NAN)] {
            assert_eq!(strong_convexity(&factors, &local(nothing, 1.0)), None);
        }
    }

    fn kantorovich(omega: Option<f64>, length: f64) -> Result<(f64, f64), String> {
        let mut loss = Given::new(1, 0);
        loss.omega = omega;
        // upper = 1.2 + 0.05 = 1.25.
        newton_kantorovich(
            &given(loss, &[1.0], &[1.0]),
            &factors(0.44, 0.05),
            &local(None, length),
        )
    }

    #[test]
    fn the_newton_kantorovich_bound_is_that_of_hand_arithmetic() {
        // lambda = 4 / 1.25^2 = 2.56 in the logits, ball = 2 * 0.1 / 1.6 = 1/8: omega = 5 * 2.56 / 8 = 1.6, product 0.16,
        // root = 0.68^0.5, r = 0.2 / (1 + root), r - e = 0.1 * 0.32 / (1 + root)^2; in x times 0.5 / 2.
        let (bound, omega) = kantorovich(Some(5.0), 0.2).unwrap();
        assert!((omega / 1.6 - 1.0).abs() < 1e-9, "{omega}");
        covers(bound, 0.027_402_949_199_448_108, 1e-9);
        // A shorter Newton step gives length + (r - e) / 4.
        covers(
            kantorovich(Some(5.0), 0.02).unwrap().0,
            0.022_402_949_199_448_11,
            1e-9,
        );
    }

    #[test]
    fn a_newton_kantorovich_product_from_0_49_on_proves_nothing() {
        // The product is 0.032 for each unit given: 15.3 gives 0.4896, 15.46875 gives 0.495.
        assert!(kantorovich(Some(15.3), 0.2).is_ok());
        let refused = kantorovich(Some(15.46875), 0.2).unwrap_err();
        assert_eq!(
            refused,
            "the Newton-Kantorovich product 4.950e-1 at x is not below 1/2"
        );
        assert!(
            kantorovich(Some(f64::NAN), 0.2)
                .unwrap_err()
                .contains("product NaN")
        );
        assert_eq!(
            kantorovich(None, 0.2).unwrap_err(),
            "no bound on its third derivative is known"
        );
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
        let problem = given(loss, &[3.0, 4.0], &[2.0, 1.0]);
        let x = DVector::from_element(1, 1.0);
        let local = Local::at(&problem, &coordinates, &factors(0.25, 0.1), &x).unwrap();
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

    /// Softmax on a matrix of condition 1e4.
    fn conditioned() -> Problem {
        let mut rng = sample::stream(5, "certificate", 0);
        let a = sample::conditioned_matrix(&mut rng, 30, 3, 3.0, 1e4);
        let b = sample::signed_unit_target(&mut rng, 30);
        Problem::new(
            LossKind::Softmax,
            DesignMatrix::Dense(a),
            b,
            DVector::repeat(30, 2.0),
        )
        .unwrap()
    }

    #[test]
    fn the_smaller_of_two_proven_bounds_is_returned() {
        let problem = conditioned();
        let mut x = solve(&problem, &DVector::zeros(3), &Settings::default())
            .unwrap()
            .x;
        // Close to the minimiser the Newton step knows the distance to a per cent; convexity multiplies by the condition.
        x[0] += 1e-6;
        let near = certify(&problem, &x);
        assert!(
            near.bound
                .is_some_and(|bound| (1e-6 * 0.99..1.5e-6).contains(&bound)),
            "{near:?}"
        );
        assert!(
            near.basis.starts_with("Newton-Kantorovich: Hessian >= "),
            "{near:?}"
        );
        assert!(
            near.basis
                .ends_with("; L is strongly convex, so this is the only minimiser"),
            "{near:?}"
        );
        // Far from it only convexity holds.
        x[0] += 100.0;
        let far = certify(&problem, &x);
        assert!(far.bound.is_some_and(|bound| bound >= 100.0), "{far:?}");
        assert!(
            far.basis
                .starts_with("strong convexity: min w^2 + curvature floor of the loss >= 3.7"),
            "{far:?}"
        );
    }

    #[test]
    fn a_large_matrix_too_ill_conditioned_for_its_gram_matrix_is_judged_in_orthonormal_coordinates()
    {
        // Columns 1 and 1 +- 2^-26: the Gram matrix is singular to rounding, the matrix is not.
        let rows = 150_001;
        let mut loss = Given::new(rows, 0);
        loss.floor = Some(0.0);
        let off = 2f64.powi(-26);
        let a = DMatrix::from_fn(rows, 2, |i, j| match (j, i % 2) {
            (0, _) => 1.0,
            (_, 0) => 1.0 + off,
            _ => 1.0 - off,
        });
        let weights = DVector::repeat(rows, 1.0);
        let problem = Problem::with_loss(Arc::new(loss), DesignMatrix::Dense(a), &weights).unwrap();
        let x = DVector::repeat(2, 1.0);
        assert_eq!(certificate_by_gram::certify(&problem, &x).bound, None);
        let certificate = certify(&problem, &x);
        assert!(
            certificate.basis.contains("sigma_min(A) >= "),
            "{certificate:?}"
        );
    }

    #[test]
    fn gram_matrices_are_tried_above_300_000_entries() {
        let basis = |rows: usize| {
            let mut loss = Given::new(rows, 0);
            (loss.floor, loss.ceiling) = (Some(0.0), Some(0.0));
            let a = DMatrix::from_fn(rows, 2, |i, j| if i % 2 == j { 1.0 } else { 0.0 });
            let weights = DVector::repeat(rows, 1.0);
            let problem =
                Problem::with_loss(Arc::new(loss), DesignMatrix::Dense(a), &weights).unwrap();
            certify(&problem, &DVector::repeat(2, 1.0)).basis
        };
        // The smallest singular value is root 75,000 = 2.739e2.
        assert!(
            basis(150_000).contains("sigma_min(A) >= 2.739e2"),
            "{}",
            basis(150_000)
        );
        assert!(
            basis(150_001).contains("sigma_min(A)^2 >= 7.42"),
            "{}",
            basis(150_001)
        );
    }

    /// Curvature 1 and modulus 1, gradient 1/4: convexity proves 1/4. The decrement is 1/4 as well, and a third derivative
    /// of 1.6 makes a product of 0.4 and a radius of 0.5 / (1 + 0.2^0.5) = 0.3455 of it.
    #[test]
    fn convexity_decides_where_newton_and_kantorovich_know_less() {
        let mut loss = Given::new(1, 0);
        loss.gradient[0] = 0.25;
        (loss.floor, loss.ceiling, loss.omega) = (Some(0.0), Some(0.0), Some(3.2));
        let problem = given(loss, &[1.0], &[1.0]);
        let found = certify(&problem, &DVector::zeros(1));
        covers(found.bound.unwrap(), 0.25, 1e-8);
        assert!(found.basis.starts_with("strong convexity: "), "{found:?}");
    }
}
