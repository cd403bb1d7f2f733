//! The ratio of successive errors of one step, over the condition number of the Hessian.

use nalgebra::{DMatrix, DVector};

use super::Points;
use crate::claims::tools::newton_support::{DLS23, Setting, Sign};
use crate::claims::{Case, CheckError, Origin};
use crate::instance::{DesignMatrix, Instance, LossKind};
use crate::scalar::High;

/// What a step leaves of the error, over `kappa(H(x*))`.
pub struct Contraction {
    /// An approximate Newton step, in the Euclidean norm.
    pub newton_euclidean: Points,
    /// The same step in the norm of the Hessian.
    pub newton_hessian: Points,
    /// A step of gradient descent with the best length, `2 / (lambda_min + lambda_max)`, from the worst direction.
    pub gradient: Points,
}

/// `eps_0 = 1/20`, as the claims about single steps have it.
const ACCURACY: (i64, i64) = (1, 20);
/// Second columns of A, relative to the first: powers of two, so that condition numbers are powers of four.
const HALVINGS: i32 = 10;

/// Of softmax regression with `A = [[1, s], [1, -s]] / 16`, `b = (1, 1) / 2`, `w^2 = 256` and s from 1 down to 2^-9: from the edge of
/// the premise of dls23/contraction-04, along the stiffest direction, by the approximate Hessian that sends the next point farthest.
pub fn contraction() -> Result<Contraction, CheckError> {
    let mut found = Contraction {
        newton_euclidean: Vec::new(),
        newton_hessian: Vec::new(),
        gradient: Vec::new(),
    };
    for halvings in 0..HALVINGS {
        let case = Case::new(Origin::Edge(halvings as usize), instance(halvings)?, 0);
        let setting = Setting::of(&case, &DLS23)?
            .map_err(|reason| CheckError::Other(reason.as_str().to_owned()))?;
        let start = setting
            .start(&setting.stiffest(), High::ONE)?
            .ok_or_else(|| {
                CheckError::Other("the minimiser is not known well enough".to_owned())
            })?;
        let condition = setting.condition().to_f64();
        let worst = start.worst_approximation(High::ratio(ACCURACY.0, ACCURACY.1));
        let end = setting.step(&start, &worst, Sign::Minus)?.offset;
        let euclidean = end.norm() / start.offset.norm();
        let in_hessian = start.norm_of(&end) / start.norm_of(&start.offset);
        found.newton_euclidean.push((condition, euclidean.to_f64()));
        found.newton_hessian.push((condition, in_hessian.to_f64()));
        let (low, high) = setting.range;
        let after = &start.offset - &start.gradient * (High::int(2) / (low + high));
        let ratio = after.norm() / start.offset.norm();
        found.gradient.push((condition, ratio.to_f64()));
    }
    Ok(found)
}

fn instance(halvings: i32) -> Result<Instance, CheckError> {
    let s = 2f64.powi(-halvings);
    let matrix = DMatrix::from_row_slice(2, 2, &[1.0, s, 1.0, -s]) / 16.0;
    Ok(Instance::new(
        LossKind::Softmax,
        DesignMatrix::dense(matrix)?,
        DVector::repeat(2, 0.5),
        DVector::repeat(2, 16.0),
    )?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With `eta = eps / (1 + eps)`, eps = 1/20 less a thousandth, the error becomes `eta H^-1/2 Q H^1/2 e`: from the stiffest
    /// direction, which Q turns into the softest, eta in the norm of the Hessian and `eta sqrt(kappa)` in the Euclidean one; a step of
    /// gradient descent leaves `(kappa - 1) / (kappa + 1)`. All but for terms of the second order, of a thousandth.
    #[test]
    fn the_ratios_are_those_of_a_quadratic_loss() {
        let found = contraction().unwrap();
        let epsilon = 0.05 * 0.999;
        let eta = epsilon / (1.0 + epsilon);
        assert_eq!(found.gradient.len(), HALVINGS as usize);
        for (k, (condition, ratio)) in found.newton_hessian.iter().enumerate() {
            // The softmax has the curvature (p_i = 1/2): 1/4 in the direction (1, -1) / sqrt 2 beside w^2 = 256.
            let expected = 4f64.powi(k as i32) * 256.0 / 256.25;
            let expected = expected.max(1.0 / expected);
            assert!((condition / expected - 1.0).abs() < 1e-3, "{condition}");
            assert!((ratio / eta - 1.0).abs() < 2e-3, "{ratio}");
            let (_, euclidean) = found.newton_euclidean[k];
            assert!(
                (euclidean / (eta * condition.sqrt()) - 1.0).abs() < 3e-3,
                "{euclidean}"
            );
            let (_, gradient) = found.gradient[k];
            let expected = (condition - 1.0) / (condition + 1.0);
            assert!((gradient - expected).abs() < 1e-3, "{gradient}");
        }
    }
}
