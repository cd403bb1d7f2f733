//! A proven bound on `||x - x*||` for large problems, through Gram matrices.
//!
//! The normal equations square the condition number of A, so this proves less than orthonormal coordinates would; it costs
//! three Gram matrices instead of a QR factorisation and keeps sparse rows sparse. Nothing rests on the quality of a
//! computed factor: a matrix counts as positive definite when the Cholesky factorisation of that matrix minus every error
//! bound succeeds (`docs/numerics.md`, "Error of the answer").

use nalgebra::DVector;

use crate::instance::DesignMatrix;
use crate::production::certificate::{Certificate, SLACK};
use crate::production::engine::factor::{Cholesky, lowest_eigenpair, lowest_relative};
use crate::production::kernels::operator::Gram;
use crate::production::running_error::UNIT;
use crate::production::summation::{dot, dot_units, norm};
use crate::production::{EvaluationError, Problem};

/// An estimated smallest eigenvalue is tried as a proven lower bound after multiplication by these.
const FRACTIONS: [f64; 3] = [0.99, 0.9, 0.5];

/// The bound, or why there is none. x has d entries.
pub(crate) fn certify(problem: &Problem, x: &DVector<f64>) -> Certificate {
    match Local::at(problem, x) {
        Ok(Some(local)) => local.certificate(problem),
        Ok(None) => Certificate::none(
            "the matrix or the Hessian is too close to singular for Gram matrices in f64",
        ),
        Err(error) => Certificate::none(error),
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

struct HessianFacts {
    /// `Hess L(x) >= in_logits A'A`.
    in_logits: f64,
    /// `Hess L(x) >= lowest I`.
    lowest: f64,
    /// `root(g' Hess^-1 g) <= decrement` for the exact gradient.
    decrement: f64,
    /// `||Hess^-1 g|| <= step`.
    step: f64,
}

impl Local {
    fn at(problem: &Problem, x: &DVector<f64>) -> Result<Option<Self>, EvaluationError> {
        let (z, logit_error, bounds) = problem.bounds(x)?;
        let computed = problem.gradient(x)?;
        let gradient_error = problem.gradient_error_bound(x)?.norm() * SLACK;
        let operator = problem.operator();
        let norms = squared_row_norms(problem.matrix());
        let n = problem.rows();
        let gram_units = operator.gram_additions() as f64 * UNIT * SLACK;
        let trace = |weights: &dyn Fn(usize) -> f64| {
            (0..n).map(|i| weights(i) * norms[i]).sum::<f64>() * (1.0 + n as f64 * 2.0 * UNIT)
        };
        let plain = Bounded {
            matrix: operator.gram(&vec![1.0; n]),
            // Entry (i, j) is off by at most units root(S_i S_j), S the column sums of squares.
            error: gram_units * trace(&|_| 1.0),
        };
        let Some(gram) = lowest_eigenpair(&plain.matrix).and_then(|(value, _)| {
            FRACTIONS
                .iter()
                .map(|fraction| fraction * value)
                .find(|mu| *mu > 0.0 && plain.exceeds(*mu, None))
        }) else {
            return Ok(None);
        };
        let curvature = problem.loss().hessian(&z)?;
        let squared_weights = problem.squared_weights();
        let weights: Vec<f64> = (0..n)
            .map(|i| curvature.diagonal[i] + squared_weights[i])
            .collect();
        // Rounding of the Gram matrix and of the weights, then what the weights inherit.
        let mut error = (gram_units + 2.0 * UNIT) * trace(&|i| weights[i].abs())
            + trace(&|i| bounds.hessian.diagonal[i] + 2.0 * UNIT * squared_weights[i]);
        let mut matrix = operator.gram(&weights);
        let rank = curvature.core.nrows();
        let units = dot_units(n).max(operator.product_additions() as f64) * UNIT * SLACK;
        let mut projected = Vec::with_capacity(rank);
        for k in 0..rank {
            let column = curvature.basis.column(k);
            let vector = operator.transpose_multiply(column.as_slice());
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
        Ok(Some(Self {
            gradient: (computed.norm() + gradient_error) * SLACK,
            gradient_error,
            gram,
            hessian: facts,
            logits: z,
            logit_error,
        }))
    }

    fn certificate(&self, problem: &Problem) -> Certificate {
        let modulus = problem
            .loss()
            .curvature_floor()
            .map(|floor| (problem.squared_weights().min() * (1.0 - 2.0 * UNIT) + floor).next_down())
            .filter(|modulus| *modulus > 0.0);
        let convex = modulus.map(|modulus| self.gradient / (modulus * self.gram) * SLACK);
        let local = self.kantorovich(problem);
        match (convex.filter(|bound| bound.is_finite()), local) {
            (Some(convex), Ok((bound, basis))) if bound < convex => Certificate {
                bound: Some(bound),
                basis: format!("{basis}; L is strongly convex, so this is the only minimiser"),
            },
            (Some(convex), _) => Certificate {
                bound: Some(convex),
                basis: format!(
                    "strong convexity: min w^2 + curvature floor of the loss >= {:.3e}, sigma_min(A)^2 >= {:.3e}; this is the only minimiser",
                    modulus.unwrap_or(f64::NAN),
                    self.gram
                ),
            },
            (None, Ok((bound, basis))) => Certificate {
                bound: Some(bound),
                basis: format!("{basis}; a strict local minimiser, others may exist"),
            },
            (None, Err(reason)) => Certificate::none(format!(
                "L is not known to be strongly convex (min w^2 does not outweigh the curvature of the loss), and {reason} (gradient off by at most {:.1e})",
                self.gradient_error
            )),
        }
    }

    /// Kantorovich's theorem in the metric of the Hessian, as in orthonormal coordinates.
    fn kantorovich(&self, problem: &Problem) -> Result<(f64, String), String> {
        let Some(facts) = &self.hessian else {
            return Err(
                "the Hessian at x is not positive definite beyond its rounding".to_string(),
            );
        };
        let ball = 2.0 * facts.decrement / facts.in_logits.sqrt() * SLACK;
        let omega = problem
            .loss()
            .third_derivative_bound(&self.logits, &self.logit_error, ball, facts.in_logits)
            .ok_or("no bound on its third derivative is known")?;
        let product = omega * facts.decrement * SLACK;
        if product.is_nan() || product > 0.49 {
            return Err(format!(
                "the Newton-Kantorovich product {product:.3e} at x is not below 1/2"
            ));
        }
        let root = (1.0 - 2.0 * product).sqrt();
        let radius = 2.0 * facts.decrement / (1.0 + root) * SLACK;
        let remainder = facts.decrement * 2.0 * product / (1.0 + root).powi(2) * SLACK;
        let to_unknowns = 1.0 / facts.lowest.sqrt() * SLACK;
        let bound = (radius * to_unknowns).min(facts.step + remainder * to_unknowns) * SLACK;
        if !bound.is_finite() {
            return Err("the bound overflows".to_string());
        }
        Ok((
            bound,
            format!(
                "Newton-Kantorovich: Hessian >= {:.3e} A'A at x, third derivative <= {omega:.3e} in the metric of the Hessian",
                facts.in_logits
            ),
        ))
    }
}

/// A computed symmetric matrix and a bound on the spectral norm of its error.
struct Bounded {
    matrix: Gram,
    error: f64,
}

impl Bounded {
    /// Whether the exact matrix is proven to be at least `mu I`, or `mu` times another exact matrix.
    ///
    /// If the Cholesky factorisation of a computed matrix C succeeds, `C >= -(d + 2) u trace(C) I`, whatever the order of
    /// the operations; so it is enough that it succeeds for C = matrix - mu (...) - (all errors) I.
    fn exceeds(&self, mu: f64, other: Option<&Self>) -> bool {
        let d = self.matrix.order;
        let mut shifted = self.matrix.clone();
        let mut error = self.error;
        let mut sizes: f64 = (0..d).map(|j| self.matrix.column(j)[0].abs()).sum();
        if let Some(other) = other {
            shifted.add_multiple(-mu, &other.matrix);
            let other_size: f64 = (0..d).map(|j| other.matrix.column(j)[0].abs()).sum();
            // Entries of a positive semidefinite matrix are below its trace: two roundings each, d a row.
            error += mu * other.error;
            sizes += mu * other_size;
            error += 3.0 * d as f64 * UNIT * sizes;
        }
        error += (d as f64 + 4.0) * 2.0 * UNIT * sizes;
        let own = if other.is_some() { 0.0 } else { mu };
        let total = (own + error) * SLACK;
        for j in 0..d {
            shifted.column_mut(j)[0] -= total;
        }
        Cholesky::new(&shifted).is_some()
    }
}

fn hessian_facts(
    hessian: &Bounded,
    gram: &Bounded,
    gradient: &[f64],
    gradient_error: f64,
) -> Option<HessianFacts> {
    let find = |estimate: f64, other: Option<&Bounded>| {
        FRACTIONS
            .iter()
            .map(|fraction| fraction * estimate)
            .find(|mu| *mu > 0.0 && hessian.exceeds(*mu, other))
    };
    let lowest = find(lowest_eigenpair(&hessian.matrix)?.0, None)?;
    let relative = lowest_relative(&hessian.matrix, &Cholesky::new(&gram.matrix)?)?;
    let in_logits = find(relative, Some(gram))?;
    let cholesky = Cholesky::new(&hessian.matrix)?;
    let step = cholesky.solve(gradient);
    let image = hessian.matrix.multiply(&step);
    let residual: Vec<f64> = gradient.iter().zip(&image).map(|(g, h)| g - h).collect();
    let d = gradient.len() as f64;
    // What computing H s rounds: d products and sums in each entry, by the Frobenius norm.
    let size: f64 = 2.0
        * (0..gradient.len())
            .map(|j| norm(hessian.matrix.column(j)).powi(2))
            .sum::<f64>();
    let rounding = (d + 2.0) * UNIT * (size.sqrt() * norm(&step) + norm(gradient)) * SLACK;
    let left = (norm(&residual) + rounding) * SLACK;
    // lowest bounds the exact Hessian; the computed one is within `error` of it.
    let computed_lowest = lowest - hessian.error;
    if computed_lowest <= 0.0 {
        return None;
    }
    // g' H^-1 g <= s'g + ||s|| ||r|| + ||r||^2 / lambda_min(H), each scalar product off by d roundings.
    let square = dot(&step, gradient).abs() * SLACK
        + (d + 2.0) * UNIT * norm(&step) * norm(gradient)
        + norm(&step) * left
        + left * left / computed_lowest;
    // Hess >= (1 - error / lambda_min(H)) H.
    let shrink = 1.0 - hessian.error / computed_lowest;
    if shrink <= 0.0 {
        return None;
    }
    let decrement = (square.sqrt() / shrink.sqrt() + gradient_error / lowest.sqrt()) * SLACK;
    // Hess^-1 g_exact - s = Hess^-1 (g_exact - g + r - (Hess - H) s).
    let off = (gradient_error + left + hessian.error * norm(&step)) / lowest;
    Some(HessianFacts {
        in_logits,
        lowest,
        decrement,
        step: (norm(&step) + off) * SLACK,
    })
}

/// `||a_i||^2` for each row, as computed.
fn squared_row_norms(matrix: &DesignMatrix) -> Vec<f64> {
    match matrix {
        DesignMatrix::Dense(dense) => {
            let mut norms = vec![0.0; dense.nrows()];
            for column in dense.column_iter() {
                for (norm, entry) in norms.iter_mut().zip(column.iter()) {
                    *norm += entry * entry;
                }
            }
            norms
        }
        DesignMatrix::Sparse(sparse) => sparse
            .row_iter()
            .map(|row| row.values().iter().map(|entry| entry * entry).sum())
            .collect(),
    }
}
