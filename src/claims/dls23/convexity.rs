//! Whether softmax regression itself, without a regulariser, is convex.

use nalgebra::DVector;

use crate::claims::tools::builder::{claim, strata, witness};
use crate::claims::tools::exact::{Exact, of_eigenvalues};
use crate::claims::tools::forms::HessianForm;
use crate::claims::{Case, CheckError, Claim, Family, Outside, Verdict, Weights};
use crate::instance::{Instance, LossKind};
use crate::oracle::{lift_vector, spectrum};
use crate::scalar::High;

use super::definiteness::eigenvalue_error;
use super::hardest::{self, End};
use super::range::sharp_range;

/// `Hess L_exp + ridge A'A >= 0` at the case's point, whatever the case's weights are.
fn convex(case: &Case, ridge: High) -> Result<Verdict, CheckError> {
    let instance = &case.instance;
    let bare = Instance::new(
        LossKind::Softmax,
        instance.matrix().clone(),
        instance.target().clone(),
        DVector::zeros(instance.rows()),
    )?;
    let exact = Exact::at(&bare, lift_vector(&case.x()))?;
    if exact.target_norm() > High::ONE {
        return Ok(Verdict::Outside(Outside::Target));
    }
    let hessian = exact.evaluation()?.hessian + exact.a.tr_mul(&exact.a) * ridge;
    let (low, _, rounding) = spectrum::extremes_with_bound(&hessian)?;
    let error = of_eigenvalues(rounding) + eigenvalue_error(&exact, ridge);
    Ok(Verdict::at_least("lambda_min(H)", low, High::ZERO, error))
}

/// The claim about convexity. More rows than columns: the Hessian of a square A is singular, since `B 1 = 0`.
pub fn claims() -> Vec<Claim> {
    vec![claim("dls23/softmax-regression-convex")
        .derived("thesis chapter 1: \"To preserve the convexity of the softmax regression, [DLS23] examine a regularized form\", read to the letter")
        .states("0.5 ||f(x) - b||_2^2 is convex in x")
        .formula(r"x \mapsto \tfrac{1}{2} \|f(x) - b\|_2^2 \text{ is convex}")
        .given("||b||_1 <= 1 (nothing is asked in the text)")
        .note("Read to the letter there is no convexity to preserve: the Hessian reaches -0.2404 ||A||^2. Where \"preserve\" means that the regulariser makes the loss convex, the sentence is true with the weights and the target that the main theorem asks for (dls23/positive-definite-from-one). Witness: two rows, one column, b = e_1, f_1 = 0.18.")
        .on(Family {
            rows: (3, 6),
            columns: (1, 2),
            gaps: &[0, 1],
            weights: Weights::Zero,
            cases: 42,
            ..Family::GENERAL
        }, strata!(Condition: 0 3 6; Gap: 0 1; OneColumn; SignedTarget))
        .attacked(2, |rng| hardest::spectrum(rng, HessianForm::Corrected, End::Lowest, 1.0).as_identity(1.0))
        .check(|case| convex(case, High::ZERO))
        .fault("with the regulariser, w_i^2 = (55 sqrt(33) - 39) / 1152", |case| convex(case, sharp_range().0))
        .refuted("dls23/positive-definite-sharp-threshold", witness!("dls23-softmax-regression-convex"))]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two rows and one column (1, 0)': the second derivative is `2 t (1-t)^2 (3t-1)`, t = f_1, for b = e_1; at t = 1/2 it is
    /// 1/8, and a ridge of 1/1000 adds as much.
    #[test]
    fn the_second_derivative_of_two_rows_is_that_of_the_hand_computation() {
        let text = |x: f64| {
            format!(
                r#"{{"loss": "softmax", "matrix": [[1], [0]], "target": [1, 0], "weights": 5, "points": [[{x}]]}}"#
            )
        };
        let at = |x: f64, ridge| convex(&Case::of_text(&text(x), 0), ridge).unwrap();
        assert!(matches!(at(0.0, High::ZERO), Verdict::Holds { .. }));
        let Verdict::Fails(finding) = at(-1.5, High::ratio(1, 1000)) else {
            panic!("convex");
        };
        let t = 1.0 / (1.0 + 1.5f64.exp());
        let expected = 2.0 * t * (1.0 - t).powi(2) * (3.0 * t - 1.0) + 0.001;
        let found: f64 = finding.observed.parse().unwrap();
        assert!((found - expected).abs() < 1e-12, "{found} {expected}");
    }
}
