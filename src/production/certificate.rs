//! A proven bound on `||x - x*||`.
//!
//! Everything is measured in `y = T x` with `A = Q T - E` from the computed factors: the defects `||I - Q'Q||` and
//! `||E T^-1||` are computed and bounded, not assumed, so the proof does not rest on the quality of the factorisation.
//! Derivation: `docs/numerics.md`, "Error of the answer".

use nalgebra::{DMatrix, DVector};

use crate::instance::DesignMatrix;
use crate::production::diagonal_plus_low_rank::weighted_gram;
use crate::production::logit_coordinates::{LogitCoordinates, Visible, visible};
use crate::production::running_error::UNIT;
use crate::production::{EvaluationError, Problem};

/// Covers the roundings made in combining a handful of non-negative bounds.
const SLACK: f64 = 1.0 + 1e-10;

/// A bound on the distance to a minimiser, or why there is none.
#[derive(Clone, Debug, PartialEq)]
pub struct Certificate {
    /// `||x - x*||_2 <= bound`; x is taken as the exact f64 numbers it consists of.
    pub bound: Option<f64>,
    /// What the bound rests on and which minimiser is meant, or why there is no bound.
    pub basis: String,
}

impl Certificate {
    fn none(reason: impl std::fmt::Display) -> Self {
        Self {
            bound: None,
            basis: format!("no bound: {reason}"),
        }
    }
}

/// Bounds the distance from x (d entries) to a minimiser of L.
///
/// Tries strong convexity (`min w^2` above the proven negative curvature of the loss: then the minimiser is unique) and
/// the Newton-Kantorovich theorem with the proven Lipschitz constant of the loss's Hessian (a strict local minimiser),
/// and returns the smaller bound. The rounding error of the gradient and of every factorisation is included. Never an
/// error: where nothing can be proven, `basis` says why.
pub fn certify(problem: &Problem, x: &DVector<f64>) -> Certificate {
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
    let convex = strong_convexity(problem, &factors, &local);
    let kantorovich = newton_kantorovich(problem, &factors, &local);
    match (convex, kantorovich) {
        (Some(convex), Ok(near)) if near < convex => Certificate {
            bound: Some(near),
            basis: format!(
                "Newton-Kantorovich: lambda_min(Hessian, in logits) >= {:.3e} at x, Lipschitz constant {:.3}; L is strongly convex, so this is the minimiser",
                local.lowest,
                local.lipschitz.unwrap_or(f64::NAN)
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
        (None, Ok(bound)) => Certificate {
            bound: Some(bound),
            basis: format!(
                "Newton-Kantorovich: lambda_min(Hessian, in logits) >= {:.3e} at x, Lipschitz constant {:.3}; a strict local minimiser, others may exist",
                local.lowest,
                local.lipschitz.unwrap_or(f64::NAN)
            ),
        },
        (None, Err(reason)) => Certificate::none(format!(
            "L is not known to be strongly convex (min w^2 does not outweigh the curvature of the loss), and {reason}"
        )),
    }
}

/// Verified facts about `A = Q T - E`, `T = R S`.
struct Factors {
    /// `||E T^-1|| <= defect`.
    defect: f64,
    /// `||I - Q'Q|| <= skew`.
    skew: f64,
    /// `||T^-1|| <= inverse`.
    inverse: f64,
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
        let mut unscaled = inverse.clone();
        for (j, mut row) in unscaled.row_iter_mut().enumerate() {
            row /= scale[j];
        }
        let factors = Self {
            defect: residual * norm_bound(&inverse) / (1.0 - distance) * SLACK,
            skew,
            inverse: norm_bound(&unscaled) / (1.0 - distance) * SLACK,
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
        self.lower() / self.inverse / SLACK
    }
}

/// Upper bound of the spectral norm: the smaller of the Frobenius norm and `sqrt(||M||_1 ||M||_inf)`.
fn norm_bound(m: &DMatrix<f64>) -> f64 {
    let columns = m
        .column_iter()
        .map(|column| column.lp_norm(1))
        .fold(0.0, f64::max);
    let rows = m.row_iter().map(|row| row.lp_norm(1)).fold(0.0, f64::max);
    m.norm().min(columns.sqrt() * rows.sqrt()) * SLACK
}

/// Verified facts at x, in the norm `||T h||`.
struct Local {
    /// The dual norm of the exact gradient is at most this.
    gradient: f64,
    /// The exact Hessian is at least this in the metric (may be negative: then nothing is known).
    lowest: f64,
    /// Lipschitz constant of the Hessian in the metric.
    lipschitz: Option<f64>,
    /// `min w^2 + curvature floor`, rounded down.
    modulus: Option<f64>,
}

impl Local {
    fn at(
        problem: &Problem,
        coordinates: &LogitCoordinates,
        factors: &Factors,
        x: &DVector<f64>,
    ) -> Result<Self, EvaluationError> {
        let q = &coordinates.q;
        let (n, d) = q.shape();
        let (z, logit_error, bounds) = problem.bounds(x)?;
        let v = problem.gradient_in_logits(&z)?;
        let v_error = problem.logit_gradient_error(&z, &logit_error, &bounds)?;
        let projected = q.tr_mul(&v);
        let projection_rounding = q.abs().tr_mul(&v.abs()).norm() * (n as f64 + 2.0) * UNIT;
        let gradient = (projected.norm()
            + projection_rounding
            + factors.upper() * v_error.norm()
            + factors.defect * v.norm())
            * SLACK;
        let q_matrix = DesignMatrix::Dense(q.clone());
        let hessian = problem
            .loss()
            .hessian(&z)?
            .congruence(&q_matrix, problem.squared_weights());
        let hessian_error = problem.congruence_error(&q_matrix, &z, &bounds)?.norm();
        let weights = problem.squared_weights();
        let curvature = problem.loss().curvature_ceiling();
        let tilt = (2.0 * (1.0 + factors.skew).sqrt() + factors.defect) * factors.defect;
        let lowest = match curvature {
            Some(curvature) => {
                let norm = (curvature + weights.max()) * SLACK;
                (lowest_eigenvalue(&hessian) - (hessian_error + tilt * norm) * SLACK).next_down()
            }
            None => f64::NEG_INFINITY,
        };
        debug_assert_eq!(hessian.nrows(), d);
        let modulus = problem.loss().curvature_floor().map(|floor| {
            // min w^2 was rounded once.
            let weight = weights.min() * (1.0 - 2.0 * f64::EPSILON);
            (weight + floor).next_down()
        });
        Ok(Self {
            gradient,
            lowest,
            lipschitz: problem
                .loss()
                .hessian_lipschitz()
                .map(|k| k * factors.upper().powi(3) * SLACK),
            modulus,
        })
    }
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

fn strong_convexity(problem: &Problem, factors: &Factors, local: &Local) -> Option<f64> {
    let modulus = local.modulus.filter(|modulus| *modulus > 0.0)?;
    let in_metric = modulus * factors.lower().powi(2) / SLACK;
    let direct = local.gradient / in_metric * factors.inverse * SLACK;
    debug_assert!(problem.rows() > 0);
    (direct.is_finite()).then_some(direct)
}

fn newton_kantorovich(_problem: &Problem, factors: &Factors, local: &Local) -> Result<f64, String> {
    let Some(lipschitz) = local.lipschitz else {
        return Err("no Lipschitz constant of its Hessian is known".to_string());
    };
    if local.lowest.is_nan() || local.lowest <= 0.0 {
        return Err("the Hessian at x is not positive definite beyond its rounding".to_string());
    }
    let step = local.gradient / local.lowest * SLACK;
    let product = lipschitz * step / local.lowest * SLACK;
    if product.is_nan() || product > 0.49 {
        return Err(format!(
            "the Newton-Kantorovich product {product:.3e} at x is not below 1/2"
        ));
    }
    let radius = 2.0 * step / (1.0 + (1.0 - 2.0 * product).sqrt()) * SLACK;
    let bound = radius * factors.inverse * SLACK;
    if bound.is_finite() {
        Ok(bound)
    } else {
        Err("the bound overflows".to_string())
    }
}
