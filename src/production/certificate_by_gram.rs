//! A proven bound on `||x - x*||` for large problems, through Gram matrices.
//!
//! The normal equations square the condition number of A, so this proves less than orthonormal coordinates would; it costs
//! three Gram matrices instead of a QR factorisation and keeps sparse rows sparse. Nothing rests on the quality of a
//! computed factor: a matrix counts as positive definite when the Cholesky factorisation of that matrix minus every error
//! bound succeeds (`docs/numerics.md`, "Error of the answer").

use nalgebra::DVector;

use crate::instance::DesignMatrix;
use crate::production::engine::factor::{Cholesky, lowest_eigenpair, lowest_relative};
use crate::production::error_bound::{Certificate, SLACK, UNDERFLOW};
use crate::production::kernels::operator::Gram;
use crate::production::summation::{dot, dot_units, norm};
use crate::production::{EvaluationError, Problem};
use crate::scalar::rounding::UNIT;

/// An estimated smallest eigenvalue is tried as a proven lower bound after multiplication by these.
const FRACTIONS: [f64; 3] = [0.99, 0.9, 0.5];

/// Traces of Gram matrices that are judged: far from where squares of entries, or products with their inverses, under- or
/// overflow. Roundings are charged relative to what was computed, and nothing is left of that there.
const TRACES: std::ops::Range<f64> = 1e-140..1e140;
const BEYOND: &str = "squares of the entries of the matrix or of the Hessian are near the ends of the range of f64, too near for Gram matrices";

/// The bound, or why there is none. x has d entries.
pub(crate) fn certify(problem: &Problem, x: &DVector<f64>) -> Certificate {
    match Local::at(problem, x) {
        Ok(local) => local.certificate(problem).in_unknowns(1.0, x),
        Err(reason) => Certificate::none(reason),
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
    /// Or why nothing is proven.
    fn at(problem: &Problem, x: &DVector<f64>) -> Result<Self, String> {
        let said = |error: EvaluationError| error.to_string();
        let (z, logit_error, bounds) = problem.bounds(x).map_err(said)?;
        let computed = problem.gradient(x).map_err(said)?;
        let gradient_error =
            problem.gradient_error_bound(x).map_err(said)?.norm() * SLACK + UNDERFLOW;
        let operator = problem.operator();
        let norms = squared_row_norms(problem.matrix());
        let n = problem.rows();
        let gram_units = operator.gram_additions() as f64 * UNIT * SLACK;
        let trace = |weights: &dyn Fn(usize) -> f64| {
            (0..n).map(|i| weights(i) * norms[i]).sum::<f64>() * (1.0 + n as f64 * 2.0 * UNIT)
        };
        if !TRACES.contains(&trace(&|_| 1.0)) {
            return Err(BEYOND.to_string());
        }
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
        if !TRACES.contains(&trace(&|i| weights[i].abs())) {
            return Err(BEYOND.to_string());
        }
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
        Ok(Self {
            gradient: (computed.norm() + gradient_error) * SLACK,
            gradient_error,
            gram,
            hessian: facts,
            logits: z,
            logit_error,
        })
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

/// The facts are linear in the gradient and its error: both are measured in a power of two near the larger, so that no product
/// of two of their size underflows.
fn hessian_facts(
    hessian: &Bounded,
    gram: &Bounded,
    gradient: &[f64],
    gradient_error: f64,
) -> Option<HessianFacts> {
    let size = norm(gradient).max(gradient_error);
    if !size.is_finite() {
        return None;
    }
    let unit = if size > 0.0 {
        2f64.powi((size.log2().floor() as i32).clamp(-1000, 1000))
    } else {
        1.0
    };
    let gradient: Vec<f64> = gradient.iter().map(|entry| entry / unit).collect();
    let facts = facts_of_size_one(hessian, gram, &gradient, gradient_error / unit)?;
    Some(HessianFacts {
        decrement: facts.decrement * unit,
        step: facts.step * unit,
        ..facts
    })
}

/// [`hessian_facts`] where gradient and error are not far from 1, nor the matrices from the middle of the range.
fn facts_of_size_one(
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use nalgebra::DMatrix;

    use super::*;
    use crate::instance::{LossKind, sample};
    use crate::production::test_support::{Given, covers};
    use crate::production::{Settings, solve};

    fn bounded(diagonal: [f64; 2], error: f64) -> Bounded {
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
    fn the_facts_of_a_hessian_are_those_of_hand_arithmetic() {
        // H = diag(4, 9) within 1/128, A'A = diag(2, 1), g = (8, 9) within 1/8: s = (2, 1), s'g = 25, no residual.
        // H >= 0.99 * 4 = 3.96 and >= 0.99 * 2 A'A. Decrement 5 / (1 - e / (3.96 - e))^0.5 + (1/8) / 3.96^0.5; step
        // root 5 + (1/8 + e root 5) / 3.96 (mpmath).
        let hessian = bounded([4.0, 9.0], 0.007_812_5);
        let facts = hessian_facts(&hessian, &bounded([2.0, 1.0], 0.0), &[8.0, 9.0], 0.125).unwrap();
        covers(facts.lowest, 3.96, 1e-12);
        covers(facts.in_logits, 1.98, 1e-12);
        covers(facts.decrement, 5.067_764_085_658_019, 1e-9);
        covers(facts.step, 2.272_045_068_680_147_6, 1e-9);
        // Nothing is known of a matrix that its error may make indefinite, or that is so.
        assert!(
            hessian_facts(
                &bounded([4.0, 9.0], 2.1),
                &bounded([2.0, 1.0], 0.0),
                &[8.0, 9.0],
                0.1
            )
            .is_none()
        );
        assert!(
            hessian_facts(
                &bounded([-4.0, 9.0], 0.0),
                &bounded([2.0, 1.0], 0.0),
                &[8.0, 9.0],
                0.1
            )
            .is_none()
        );
    }

    #[test]
    fn a_larger_error_leaves_a_smaller_fraction_of_the_lowest_eigenvalue() {
        // 4 within 0.1: 0.9 * 4 = 3.6 is proven, 3.96 is not; within 1: 0.5 * 4.
        for (error, lowest) in [(0.02, 3.96), (0.1, 3.6), (1.0, 2.0)] {
            let hessian = bounded([4.0, 9.0], error);
            let facts = hessian_facts(&hessian, &bounded([2.0, 1.0], 0.0), &[8.0, 9.0], 0.0);
            match facts {
                Some(facts) => covers(facts.lowest, lowest, 1e-12),
                // 2 - 1 = 1 is no more than the error: nothing is left of the computed matrix.
                None => assert_eq!(error, 1.0),
            }
        }
    }

    #[test]
    fn the_roundings_of_the_residual_are_counted_where_the_hessian_is_ill_conditioned() {
        // H = diag(1, 2^-40), g = (1, 2^-20), s = (1, 2^20): exact, without residual; computing H s may round by
        // left = 4 u (||(2, 2^-79)||^0.5 ||s|| + ||g||). Decrement^2 = s'g + 4 u ||s|| ||g|| + ||s|| left + left^2 / lowest,
        // step = ||s|| + left / lowest (mpmath); without the roundings root 2 and 2^20.
        let hessian = bounded([1.0, 2f64.powi(-40)], 0.0);
        // All of it times 2^-120, so that no norm is near 1: ||s|| is 2^-100.
        let scale = 2f64.powi(-120);
        let gradient = [scale, 2f64.powi(-20) * scale];
        let facts = hessian_facts(&hessian, &bounded([1.0, 1.0], 0.0), &gradient, 0.0).unwrap();
        covers(facts.lowest, 0.99 * 2f64.powi(-40), 1e-9);
        covers(facts.decrement / scale, 1.414_457_852_418_649_8, 1e-9);
        covers(facts.step / scale, 1_049_307.391_750_190_6, 1e-9);
    }

    /// A = diag(3, 4), w^2 = (4, 1), a curvature of rank 2, and errors planted in every part.
    fn planted() -> Problem {
        let power = |exponent| 2f64.powi(exponent);
        let mut loss = Given::new(2, 2);
        loss.gradient.copy_from_slice(&[2.0, -1.0]);
        loss.hessian.diagonal.copy_from_slice(&[0.5, 1.0]);
        loss.hessian.basis = DMatrix::from_row_slice(2, 2, &[1.0, 0.5, -2.0, 1.0]);
        loss.hessian.core = DMatrix::from_row_slice(2, 2, &[0.75, -0.5, -0.5, 0.25]);
        loss.bounds
            .gradient
            .copy_from_slice(&[power(-7), power(-6)]);
        let off = &mut loss.bounds.hessian;
        off.diagonal.copy_from_slice(&[power(-10), power(-9)]);
        off.basis =
            DMatrix::from_row_slice(2, 2, &[power(-12), power(-13), power(-14), power(-12)]);
        off.core = DMatrix::from_row_slice(2, 2, &[power(-11), power(-12), power(-12), power(-13)]);
        loss.omega = Some(1.0);
        let a = DMatrix::from_row_slice(2, 2, &[3.0, 0.0, 0.0, 4.0]);
        let weights = DVector::from_column_slice(&[2.0, 1.0]);
        Problem::with_loss(Arc::new(loss), DesignMatrix::Dense(a), &weights).unwrap()
    }

    #[test]
    fn the_facts_at_a_point_are_those_of_the_formulas() {
        // mpmath: H = A' (diag(4.5, 2) + U K U') A = [[43.3125, -16.5], [-16.5, 116]], v = (14, 3), g = (42, 12); the error
        // of H is sum e_i ||a_i||^2 + sum_kl |K_kl| (off_k V_l + off_l V_k) + e_K V_k V_l = 0.126784.
        let local = Local::at(&planted(), &DVector::repeat(2, 1.0)).unwrap();
        covers(local.gram, 0.99 * 9.0, 1e-12);
        covers(local.gradient_error, 0.066_750_029_260_293_2, 1e-9);
        covers(local.gradient, 43.747_409_364_943_4, 1e-9);
        let facts = local.hessian.unwrap();
        covers(facts.lowest, 39.344_941_991_548_9, 1e-12);
        covers(facts.in_logits, 4.151_928_256_233_974, 1e-12);
        covers(facts.decrement, 6.940_892_085_310_884, 1e-9);
        covers(facts.step, 1.102_249_245_077_184, 1e-9);
    }

    #[test]
    fn an_eigenvalue_that_is_estimated_but_not_proven_counts_for_nothing() {
        // A'A = diag(1, 2^-52): positive, but its rounding may be larger.
        let a = DMatrix::from_row_slice(2, 2, &[1.0, 0.0, 0.0, 2f64.powi(-26)]);
        let (loss, weights) = (Arc::new(Given::new(2, 0)), DVector::repeat(2, 1.0));
        let problem = Problem::with_loss(loss, DesignMatrix::Dense(a), &weights).unwrap();
        assert!(Local::at(&problem, &DVector::repeat(2, 1.0)).is_err());
    }

    fn facts() -> Local {
        Local {
            gradient: 0.3,
            gradient_error: 0.0625,
            gram: 0.5,
            hessian: Some(HessianFacts {
                in_logits: 2.56,
                lowest: 16.0,
                decrement: 0.1,
                step: 0.02,
            }),
            logits: DVector::zeros(2),
            logit_error: DVector::zeros(2),
        }
    }

    fn judged(local: &Local, floor: Option<f64>, omega: Option<f64>) -> Certificate {
        let mut loss = Given::new(2, 0);
        (loss.floor, loss.omega) = (floor, omega);
        let a = DesignMatrix::Dense(DMatrix::identity(2, 2));
        let weights = DVector::from_column_slice(&[2.0, 1.0]);
        local.certificate(&Problem::with_loss(Arc::new(loss), a, &weights).unwrap())
    }

    #[test]
    fn the_newton_kantorovich_bound_is_that_of_hand_arithmetic() {
        // ball = 0.2 / 1.6, omega = 5 * 2.56 / 8 = 1.6, product 0.16; root = 0.68^0.5; r = 0.2 / (1 + root), in x / 4; or the
        // step and (r - e) / 4: 0.0224029 < 0.0274029 (mpmath).
        let short = judged(&facts(), None, Some(5.0));
        covers(short.bound.unwrap(), 0.022_402_949_199_448_11, 1e-9);
        assert_eq!(
            short.basis,
            "Newton-Kantorovich: Hessian >= 2.560e0 A'A at x, third derivative <= 1.600e0 in the metric of the Hessian; \
             a strict local minimiser, others may exist"
        );
        let mut long = facts();
        long.hessian.as_mut().unwrap().step = 0.2;
        covers(
            judged(&long, None, Some(5.0)).bound.unwrap(),
            0.027_402_949_199_448_108,
            1e-9,
        );
        // With a modulus of 1 - 1/4: 0.3 / (0.75 * 0.5) = 0.8 is larger, and the minimiser the only one.
        let only = judged(&facts(), Some(-0.25), Some(5.0));
        assert_eq!(only.bound, short.bound);
        assert!(
            only.basis
                .ends_with("Hessian; L is strongly convex, so this is the only minimiser")
        );
    }

    #[test]
    fn strong_convexity_is_used_where_nothing_better_is_proven() {
        let convex = judged(&facts(), Some(-0.25), None);
        covers(convex.bound.unwrap(), 0.8, 1e-9);
        assert_eq!(
            convex.basis,
            "strong convexity: min w^2 + curvature floor of the loss >= 7.500e-1, sigma_min(A)^2 >= 5.000e-1; this is the only minimiser"
        );
        // The modulus must be positive.
        for floor in [None, Some(-1.0), Some(-2.0)] {
            let none = judged(&facts(), floor, None);
            assert_eq!(none.bound, None);
            assert_eq!(
                none.basis,
                "no bound: L is not known to be strongly convex (min w^2 does not outweigh the curvature of the loss), and \
                 no bound on its third derivative is known (gradient off by at most 6.2e-2)"
            );
        }
    }

    #[test]
    fn products_from_0_49_on_and_indefinite_hessians_prove_nothing() {
        // 0.032 per unit of omega: 0.4896 and 0.495.
        assert!(judged(&facts(), None, Some(15.3)).bound.is_some());
        let refused = judged(&facts(), None, Some(15.468_75));
        assert!(
            refused
                .basis
                .contains("the Newton-Kantorovich product 4.950e-1 at x is not below 1/2")
        );
        assert!(
            judged(&facts(), None, Some(f64::NAN))
                .basis
                .contains("product NaN")
        );
        let unknown = Local {
            hessian: None,
            ..facts()
        };
        assert!(
            judged(&unknown, None, Some(5.0))
                .basis
                .contains("not positive definite beyond its rounding")
        );
    }

    #[test]
    fn the_bound_covers_the_distance_to_the_minimiser_dense_and_sparse() {
        let mut rng = sample::stream(6, "certificate-by-gram", 0);
        let a = sample::conditioned_matrix(&mut rng, 30, 3, 3.0, 10.0);
        let b = sample::signed_unit_target(&mut rng, 30);
        let sparse = DesignMatrix::Sparse(nalgebra_sparse::CsrMatrix::from(&a));
        for matrix in [DesignMatrix::Dense(a), sparse] {
            let weights = DVector::repeat(30, 2.0);
            let problem = Problem::new(LossKind::Softmax, matrix, b.clone(), weights).unwrap();
            let end = solve(&problem, &DVector::zeros(3), &Settings::default()).unwrap();
            let own = end.error_bound.unwrap();
            for distance in [1e-9, 1e-6, 1e-3] {
                let mut x = end.x.clone();
                x[1] -= distance;
                let bound = certify(&problem, &x).bound.unwrap();
                assert!(
                    bound >= distance - own && bound <= 4.0 * distance,
                    "{distance}: {bound}"
                );
            }
        }
    }

    #[test]
    fn a_matrix_without_full_rank_proves_nothing() {
        let a = DesignMatrix::Dense(DMatrix::from_element(3, 2, 1.0));
        let problem = Problem::new(
            LossKind::Softmax,
            a,
            DVector::zeros(3),
            DVector::repeat(3, 1.0),
        )
        .unwrap();
        let none = certify(&problem, &DVector::zeros(2));
        assert_eq!(none.bound, None);
        assert_eq!(
            none.basis,
            "no bound: the matrix or the Hessian is too close to singular for Gram matrices in f64"
        );
    }

    /// A 2^k has the minimiser x 2^-k, exactly, and the bound with it; where squares come near the ends of f64 there is none.
    #[test]
    fn a_bound_scales_with_the_columns_or_there_is_none() {
        let base = DMatrix::from_row_slice(4, 2, &[1.5, -0.25, 0.5, 2.0, -1.0, 0.75, 0.0, -1.0]);
        let at = |k: i32| {
            let matrix = DesignMatrix::dense(&base * 2f64.powi(k)).unwrap();
            let target = DVector::from_column_slice(&[0.4, 0.3, 0.2, 0.1]);
            Problem::new(LossKind::Softmax, matrix, target, DVector::repeat(4, 0.5)).unwrap()
        };
        let x = at(0).solve(&Settings::default()).unwrap().x;
        let bound = |k: i32| certify(&at(k), &(&x * 2f64.powi(-k)));
        let unscaled = bound(0).bound.unwrap();
        for k in [-200, -100, 100, 200] {
            let scaled = bound(k).bound.unwrap() * 2f64.powi(k);
            assert!(
                (scaled / unscaled - 1.0).abs() < 1e-9,
                "{k}: {scaled:e} {unscaled:e}"
            );
        }
        for k in [-500, -300, 300, 500, 540, 900] {
            let none = bound(k);
            assert_eq!(none.bound, None, "{k}");
            assert!(
                k == 900 || none.basis.contains("the ends of the range"),
                "{k}: {}",
                none.basis
            );
        }
    }

    #[test]
    fn squared_row_norms_are_those_of_the_rows_dense_and_sparse() {
        let a = DMatrix::from_row_slice(3, 2, &[1.0, -2.0, 0.0, 3.0, 0.5, 0.0]);
        let sparse = DesignMatrix::Sparse(nalgebra_sparse::CsrMatrix::from(&a));
        for matrix in [DesignMatrix::Dense(a), sparse] {
            assert_eq!(squared_row_norms(&matrix), [5.0, 9.0, 0.25]);
        }
    }

    /// Convexity proves 0.3 / (2 * 0.5) with a modulus of 2, and the gradient at hand; a step of 0.4 is no better.
    #[test]
    fn convexity_decides_where_newton_and_kantorovich_know_less() {
        let mut local = facts();
        let facts = local.hessian.as_mut().unwrap();
        (facts.step, facts.lowest) = (0.4, 0.01);
        let found = judged(&local, Some(1.0), Some(5.0));
        covers(found.bound.unwrap(), 0.3, 1e-9);
        assert!(found.basis.starts_with("strong convexity: "), "{found:?}");
    }

    /// A = diag(1, s, 1), w^2 = 4, a curvature of 1/2 along the first axis (of rank 3, two of them zero): H = diag(4.5, 4 s^2, 4). In
    /// units u: G + 2 for the Gram matrix and its weights (trace 8 + 4 s^2), 2 for w^2; U (twice, times 1/2) and 8/2 for the
    /// curvature, where a product meets U roundings; 3^2 + 1 additions, each 2 of the size 8.5 + 4 s^2. The gradient (0, s, 0)
    /// makes the step 1 / 4s long, and computing H s rounds by (d + 2) u (root 2 ||H|| / 4s + s).
    #[test]
    fn every_rounding_on_the_way_to_a_hessian_is_counted() {
        let s = 2f64.powi(-15);
        let mut loss = Given::new(3, 3);
        loss.gradient[1] = 1.0;
        loss.hessian.basis[(0, 0)] = 1.0;
        loss.hessian.core[(0, 0)] = 0.5;
        let a = DMatrix::from_diagonal(&DVector::from_column_slice(&[1.0, s, 1.0]));
        let weights = DVector::repeat(3, 2.0);
        let problem = Problem::with_loss(Arc::new(loss), DesignMatrix::Dense(a), &weights).unwrap();
        let local = Local::at(&problem, &DVector::zeros(3)).unwrap();
        let operator = problem.operator();
        let gram = operator.gram_additions() as f64;
        let product = dot_units(3).max(operator.product_additions() as f64);
        let (square, step) = (s * s, 0.25 / s);
        let error = UNIT
            * ((gram + 4.0) * 4.0 * (2.0 + square) + product + 4.0 + 20.0 * (8.5 + 4.0 * square));
        let facts = local.hessian.unwrap();
        covers(facts.lowest, 0.99 * 4.0 * square, 1e-12);
        let size = (2.0 * (4.5f64.powi(2) + 16.0 + 16.0 * square * square)).sqrt();
        let left = 5.0 * UNIT * (size * step + s);
        let off = (local.gradient_error + left + error * step) / facts.lowest;
        covers(facts.step, step + off, 1e-9);
        // 1 u of the error is more than what is left open.
        assert!(UNIT / facts.lowest > 2e-8);
    }
}
