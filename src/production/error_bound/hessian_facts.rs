//! The exact Newton step, bounded through Gram matrices.

use crate::production::error_bound::positive_definite::Bounded;
use crate::production::error_bound::rounding::SLACK;
use crate::production::factor::Factor;
use crate::production::factor::cholesky::Cholesky;
use crate::production::factor::lowest::{lowest_eigenpair, lowest_relative};
use crate::production::summation::{dot, norm};
use crate::scalar::rounding::UNIT;

/// An estimated smallest eigenvalue is tried as a proven lower bound after multiplication by these.
pub(super) const FRACTIONS: [f64; 3] = [0.99, 0.9, 0.5];

/// What is known of a Hessian that is positive definite beyond its error, and of the Newton step.
pub(super) struct HessianFacts {
    /// `Hess L(x) >= in_logits A'A`.
    pub in_logits: f64,
    /// `Hess L(x) >= lowest I`.
    pub lowest: f64,
    /// `root(g' Hess^-1 g) <= decrement` for the exact gradient.
    pub decrement: f64,
    /// `||Hess^-1 g|| <= step`.
    pub step: f64,
}

/// How far a computed gradient g (d) is off.
#[derive(Clone, Copy)]
pub(super) struct GradientError {
    /// A part by its norm,
    pub plain: f64,
    /// and a part e by `root(e' M^-1 e)`, with M the exact matrix that it is multiplied by the inverse of.
    pub dual: f64,
}

/// What is known of an exact matrix M that is positive definite, and of the solution of `M h = g`.
pub(super) struct DefiniteFacts {
    /// `M >= lowest I`.
    pub lowest: f64,
    /// `root(g' M^-1 g) <= decrement` for the exact gradient.
    pub decrement: f64,
    /// `||M^-1 g|| <= step`.
    pub step: f64,
}

/// Of a Hessian and of `A'A`, and of a gradient (d) that is off by at most `gradient_error` in norm; `None` where the Hessian is not
/// proven to be positive definite.
pub(super) fn hessian_facts(
    hessian: &Bounded,
    gram: &Bounded,
    gradient: &[f64],
    gradient_error: f64,
) -> Option<HessianFacts> {
    let relative = lowest_relative(&hessian.matrix, &gram.matrix)?;
    let in_logits = hessian.exceeds_part(&FRACTIONS, relative, Some(gram))?;
    let error = GradientError {
        plain: gradient_error,
        dual: 0.0,
    };
    let DefiniteFacts {
        lowest,
        decrement,
        step,
    } = definite_facts(hessian, gradient, error)?;
    Some(HessianFacts {
        in_logits,
        lowest,
        decrement,
        step,
    })
}

/// Of a matrix and of a gradient (d); `None` where the matrix is not proven to be positive definite.
pub(super) fn definite_facts(
    matrix: &Bounded,
    gradient: &[f64],
    error: GradientError,
) -> Option<DefiniteFacts> {
    Definite::of(matrix)?.facts(matrix, gradient, error)
}

/// A matrix that is proven to be positive definite, with its factor: what serves any number of gradients.
pub(super) struct Definite {
    /// Of the matrix as computed.
    cholesky: Cholesky,
    /// The exact matrix is at least `lowest I`, the computed one `computed_lowest I`.
    lowest: f64,
    computed_lowest: f64,
    /// The exact matrix is at least `shrink` times the computed one.
    shrink: f64,
    /// The Frobenius norm of the computed matrix, at most.
    size: f64,
}

impl Definite {
    /// `None` where that is not proven.
    pub fn of(matrix: &Bounded) -> Option<Self> {
        let lowest_of = lowest_eigenpair(&matrix.matrix)?.0;
        let (lowest, computed_lowest) = lowest_eigenvalues(matrix, lowest_of)?;
        let Bounded { matrix, error } = matrix;
        let cholesky = Cholesky::new(matrix)?;
        let shrink = 1.0 - error / computed_lowest;
        if shrink <= 0.0 {
            return None;
        }
        let columns = (0..matrix.order).map(|j| norm(matrix.column(j)).powi(2));
        Some(Self {
            cholesky,
            lowest,
            computed_lowest,
            shrink,
            size: (2.0 * columns.sum::<f64>()).sqrt(),
        })
    }

    /// The factor of the computed matrix.
    pub fn factor(&self) -> &Cholesky {
        &self.cholesky
    }

    /// Of a gradient (d) and the matrix that this was made of; `None` where the gradient is not finite.
    ///
    /// The facts are linear in the gradient and its error: all are measured in a power of two near the largest, so that no product
    /// of two of their size underflows.
    pub fn facts(
        &self,
        matrix: &Bounded,
        gradient: &[f64],
        error: GradientError,
    ) -> Option<DefiniteFacts> {
        let size = norm(gradient).max(error.plain);
        if !size.is_finite() {
            return None;
        }
        let unit = if size > 0.0 {
            2f64.powi((size.log2().floor() as i32).clamp(-1000, 1000))
        } else {
            1.0
        };
        let gradient: Vec<f64> = gradient.iter().map(|entry| entry / unit).collect();
        let error = GradientError {
            plain: error.plain / unit,
            dual: error.dual / unit,
        };
        let facts = self.facts_of_size_one(matrix, &gradient, error);
        Some(DefiniteFacts {
            decrement: facts.decrement * unit,
            step: facts.step * unit,
            ..facts
        })
    }

    /// [`facts`](Self::facts) where gradient and error are not far from 1, nor the matrix from the middle of the range.
    fn facts_of_size_one(
        &self,
        hessian: &Bounded,
        gradient: &[f64],
        error: GradientError,
    ) -> DefiniteFacts {
        let step = self.cholesky.solve(gradient);
        let image = hessian.matrix.multiply(&step);
        let residual: Vec<f64> = gradient.iter().zip(&image).map(|(g, h)| g - h).collect();
        let d = gradient.len() as f64;
        // What computing H s rounds: d products and sums in each entry, by the Frobenius norm.
        let rounding = (d + 2.0) * UNIT * (self.size * norm(&step) + norm(gradient)) * SLACK;
        let left = (norm(&residual) + rounding) * SLACK;
        let lowest = self.lowest;
        // g' H^-1 g <= s'g + ||s|| ||r|| + ||r||^2 / lambda_min(H), each scalar product off by d roundings.
        let square = dot(&step, gradient).abs() * SLACK
            + (d + 2.0) * UNIT * norm(&step) * norm(gradient)
            + norm(&step) * left
            + left * left / self.computed_lowest;
        // Hess >= (1 - error / lambda_min(H)) H.
        let decrement =
            (square.sqrt() / self.shrink.sqrt() + error.plain / lowest.sqrt() + error.dual) * SLACK;
        // Hess^-1 g_exact - s = Hess^-1 (g_exact - g + r - (Hess - H) s).
        let off = (error.plain + left + hessian.error * norm(&step)) / lowest
            + error.dual / lowest.sqrt();
        DefiniteFacts {
            lowest,
            decrement,
            step: (norm(&step) + off) * SLACK,
        }
    }
}

/// What the lowest eigenvalues of the exact Hessian and of the computed one are proven to be at least, near an estimate.
fn lowest_eigenvalues(hessian: &Bounded, estimate: f64) -> Option<(f64, f64)> {
    let most = FRACTIONS[0] * estimate;
    // Of an error that is a part of the eigenvalue neither is found by a fraction: the proof is of the computed one, less the error.
    let rough = most - hessian.error;
    if hessian.error > estimate - most && rough > 0.0 && hessian.exceeds(rough, None) {
        return Some((rough, most));
    }
    let lowest = hessian.exceeds_part(&FRACTIONS, estimate, None)?;
    let computed = lowest - hessian.error;
    // Nothing is left of the computed one otherwise.
    (computed > hessian.error).then_some((lowest, computed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::production::error_bound::positive_definite::tests::bounded;
    use crate::production::test_support::covers;

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
                &bounded([4.0, 9.0], 4.0),
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

    /// 0.99 * 4 as a fraction, or what the error leaves of it, with g = (8, 9) and s = (2, 1): the decrement is
    /// `5 / (1 - e / 3.96)^0.5`, the step `root 5 (1 + e / (3.96 - e))`.
    #[test]
    fn an_error_that_is_a_part_of_the_lowest_eigenvalue_is_taken_off_it() {
        for (error, lowest) in [(0.02, 3.96), (0.1, 3.86), (1.0, 2.96), (3.0, 0.96)] {
            let hessian = bounded([4.0, 9.0], error);
            let facts = hessian_facts(&hessian, &bounded([2.0, 1.0], 0.0), &[8.0, 9.0], 0.0);
            // A'A is proven by fractions of its own.
            let Some(facts) = facts else {
                assert_eq!(error, 3.0);
                continue;
            };
            covers(facts.lowest, lowest, 1e-9);
            if error > 0.05 {
                covers(facts.decrement, 5.0 / (1.0_f64 - error / 3.96).sqrt(), 1e-9);
                covers(facts.step, 5f64.sqrt() * (1.0 + error / lowest), 1e-9);
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
}
