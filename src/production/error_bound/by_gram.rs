//! A proven bound on `||x - x*||` for large problems, through Gram matrices.
//!
//! The normal equations square the condition number of A, so this proves less than orthonormal coordinates would; it costs
//! three Gram matrices instead of a QR factorisation and keeps sparse rows sparse. Nothing rests on the quality of a
//! computed factor: a matrix counts as positive definite when the Cholesky factorisation of that matrix minus every error
//! bound succeeds (`docs/numerics.md`, "Error of the answer").

use nalgebra::DVector;

use crate::instance::DesignMatrix;
use crate::production::error_bound::better::{Convex, INDEFINITE, better, modulus};
use crate::production::error_bound::bound::ErrorBound;
use crate::production::error_bound::hessian_facts::{FRACTIONS, HessianFacts, hessian_facts};
use crate::production::error_bound::kantorovich::{NewtonFacts, Proven};
use crate::production::error_bound::positive_definite::Bounded;
use crate::production::error_bound::rounding::{MIDDLE, SLACK, UNDERFLOW};
use crate::production::factor::lowest::lowest_eigenpair;
use crate::production::summation::{dot, dot_units, norm};
use crate::production::{EvaluationError, Problem};
use crate::scalar::rounding::UNIT;

const BEYOND: &str = "squares of the entries of the matrix or of the Hessian are near the ends of the range of f64, too near for Gram matrices";

/// The bound, or why there is none. x has d entries.
pub(super) fn bound(problem: &Problem, x: &DVector<f64>) -> ErrorBound {
    match Local::at(problem, x) {
        Ok(local) => local.better(problem).in_unknowns(1.0, x),
        Err(reason) => ErrorBound::none(reason),
    }
}

/// Proven facts at x. Lengths are those of x, A and the logits are exact.
struct Local {
    /// `||grad L|| <= gradient`.
    gradient: f64,
    /// `||computed gradient - grad L||`.
    gradient_error: f64,
    /// `A'A >= gram I`.
    gram: f64,
    /// What is known of the Hessian, if it is positive definite beyond its error.
    hessian: Option<HessianFacts>,
    logits: DVector<f64>,
    logit_error: DVector<f64>,
}

impl Local {
    /// Or why nothing is proven.
    fn at(problem: &Problem, x: &DVector<f64>) -> Result<Self, String> {
        let said = |error: EvaluationError| error.to_string();
        let (z, logit_error, bounds) = problem.bounds(x).map_err(said)?;
        let computed = problem.gradient(x).map_err(said)?;
        let gradient_error =
            problem.gradient_error_bound(x).map_err(said)?.norm() * SLACK + UNDERFLOW;
        let operator = problem.operator();
        let share = problem.share();
        let norms = share.gather(squared_row_norms(problem.matrix()));
        let n = problem.rows();
        let gram_units = operator.gram_additions() as f64 * UNIT * SLACK;
        let trace = |weights: &dyn Fn(usize) -> f64| {
            (0..n).map(|i| weights(i) * norms[i]).sum::<f64>() * (1.0 + n as f64 * 2.0 * UNIT)
        };
        if !MIDDLE.contains(&trace(&|_| 1.0)) {
            return Err(BEYOND.to_string());
        }
        let plain = Bounded {
            matrix: operator.gram(&vec![1.0; operator.rows()]),
            // Entry (i, j) is off by at most units root(S_i S_j), S the column sums of squares.
            error: gram_units * trace(&|_| 1.0),
        };
        let Some(gram) = lowest_eigenpair(&plain.matrix)
            .and_then(|(value, _)| plain.exceeds_part(&FRACTIONS, value, None))
        else {
            return Err(
                "the matrix or the Hessian is too close to singular for Gram matrices in f64"
                    .to_string(),
            );
        };
        let curvature = problem.loss().hessian(&z).map_err(said)?;
        let squared_weights = problem.squared_weights();
        let weights: Vec<f64> = (0..n)
            .map(|i| curvature.diagonal[i] + squared_weights[i])
            .collect();
        // Rounding of the Gram matrix and of the weights, then what the weights inherit.
        let mut error = (gram_units + 2.0 * UNIT) * trace(&|i| weights[i].abs())
            + trace(&|i| bounds.hessian.diagonal[i] + 2.0 * UNIT * squared_weights[i]);
        if !MIDDLE.contains(&trace(&|i| weights[i].abs())) {
            return Err(BEYOND.to_string());
        }
        let mut matrix = operator.gram(share.part(&weights));
        let rank = curvature.core.nrows();
        let units = dot_units(n).max(operator.product_additions() as f64) * UNIT * SLACK;
        let mut projected = Vec::with_capacity(rank);
        for k in 0..rank {
            let column = curvature.basis.column(k);
            let vector = operator.transpose_multiply(share.part(column.as_slice()));
            let off: f64 = (0..n)
                .map(|i| (units * column[i].abs() + bounds.hessian.basis[(i, k)]) * norms[i].sqrt())
                .sum::<f64>()
                * SLACK;
            projected.push((norm(&vector) * SLACK, off, vector));
        }
        for k in 0..rank {
            for l in 0..=k {
                let twice = if k == l { 1.0 } else { 2.0 };
                let core = curvature.core[(k, l)];
                matrix.add_symmetric(twice * core, &projected[k].2, &projected[l].2);
                let ((size_k, off_k, _), (size_l, off_l, _)) = (&projected[k], &projected[l]);
                let (upper_k, upper_l) = (size_k + off_k, size_l + off_l);
                error += twice * core.abs() * (off_k * upper_l + off_l * upper_k)
                    + twice
                        * (bounds.hessian.core[(k, l)] + 8.0 * UNIT * core.abs())
                        * upper_k
                        * upper_l;
            }
        }
        // The additions of the low-rank part to the matrix.
        let size: f64 = (0..matrix.order).map(|j| norm(matrix.column(j))).sum();
        error += (rank * rank + 1) as f64 * 2.0 * UNIT * size;
        let hessian = Bounded {
            matrix,
            error: error * SLACK,
        };
        let facts = hessian_facts(&hessian, &plain, computed.as_slice(), gradient_error);
        Ok(Self {
            gradient: (computed.norm() + gradient_error) * SLACK,
            gradient_error,
            gram,
            hessian: facts,
            logits: z,
            logit_error,
        })
    }

    fn better(&self, problem: &Problem) -> ErrorBound {
        let modulus = modulus(problem).filter(|modulus| *modulus > 0.0);
        let convex = modulus.map(|modulus| Convex {
            bound: self.gradient / (modulus * self.gram) * SLACK,
            modulus,
            matrix: format!("sigma_min(A)^2 >= {:.3e}", self.gram),
        });
        let near = self.newton_kantorovich(problem).map_err(|reason| {
            format!(
                "{reason} (gradient off by at most {:.1e})",
                self.gradient_error
            )
        });
        better(convex.filter(|convex| convex.bound.is_finite()), near)
    }

    fn newton_kantorovich(&self, problem: &Problem) -> Result<Proven, String> {
        let facts = self.hessian.as_ref().ok_or(INDEFINITE)?;
        let facts = NewtonFacts {
            logits: &self.logits,
            logit_error: &self.logit_error,
            in_logits: facts.in_logits,
            decrement: facts.decrement,
            step: facts.step,
            to_unknowns: 1.0 / facts.lowest.sqrt() * SLACK,
        };
        facts.bound(problem.loss())
    }
}

/// `||a_i||^2` for each row, as computed.
pub(super) fn squared_row_norms(matrix: &DesignMatrix) -> Vec<f64> {
    match matrix {
        DesignMatrix::Dense(dense) => dense.iter().map(|row| dot(row, row)).collect(),
        DesignMatrix::Sparse(sparse) => sparse
            .row_iter()
            .map(|row| row.values().iter().map(|entry| entry * entry).sum())
            .collect(),
    }
}

#[cfg(test)]
mod tests;
