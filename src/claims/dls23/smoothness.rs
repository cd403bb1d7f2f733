//! How smooth `L_exp` is: the constant that first-order methods ask for.

use nalgebra::DVector;

use crate::claims::proof::{Proof, both_ends, fraction, implied, stated};
use crate::claims::tools::builder::{claim, strata};
use crate::claims::tools::exact::{Exact, of_eigenvalues};
use crate::claims::tools::forms::HessianForm;
use crate::claims::{Case, CheckError, Claim, Family, Outside, Stratum, Verdict, Weights};
use crate::instance::Instance;
use crate::instance::sample::Stream;
use crate::oracle::{self, Reference, spectrum};
use crate::scalar::High;

use super::hardest::{self, End};
use super::range::{entry_scale, sharp_range};

/// `||Hess L_exp(x)|| <= K ||A||^2` and `||grad L_exp(x) - grad L_exp(y)|| <= K ||A||^2 ||x - y||`, K the constant.
fn smooth(case: &Case, constant: High) -> Result<Verdict, CheckError> {
    let instance = Instance::new(
        case.instance.loss().clone(),
        case.instance.matrix().clone(),
        case.instance.target().clone(),
        DVector::zeros(case.instance.rows()),
    )?;
    let exact = Exact::at(&instance, oracle::lift_vector(&case.x()))?;
    if exact.target_norm() > High::ONE {
        return Ok(Verdict::Outside(Outside::Target));
    }
    let other = Exact::at(&instance, oracle::lift_vector(&case.y()))?;
    let allowed = constant * exact.singular_range()?.0.square();
    let reference = Reference::new(&instance)?;
    let here = reference.evaluate(&exact.x)?;
    let there = reference.loss_and_gradient(&other.x)?.1;

    let (low, high, rounding) = spectrum::extremes_with_bound(&here.hessian)?;
    // An entry of A' B A has terms that add up to n ||A||_F^2 times those of an entry of B, and there are d^2 of them.
    let (rows, columns) = exact.a.shape();
    let squared_norm = exact.a.norm_squared();
    let scale = entry_scale(&exact) * High::int(rows as i64) * squared_norm;
    let error = of_eigenvalues(rounding) + exact.error(scale) * High::int(columns as i64);
    let curvature = Verdict::at_most("||Hess L_exp||", high.max(-low), allowed, error);

    let distance = (&exact.x - &other.x).norm();
    if distance.is_zero() {
        return Ok(curvature);
    }
    // The terms of the gradient in the logits add up to at most 2 (1 + ||b||_1) <= 4.
    let scale = High::int(4) * squared_norm.sqrt();
    let error = (exact.error(scale) + other.error(scale)) / distance;
    let slope = (here.gradient - there).norm() / distance;
    let slope = Verdict::at_most("||grad(x) - grad(y)|| / ||x - y||", slope, allowed, error);
    Ok(curvature.and(slope))
}

/// `A = I`, so that the Hessian is `B`, and the case's own `y` nearby.
fn attack(rng: &mut Stream) -> Result<Case, CheckError> {
    hardest::spectrum(rng, HessianForm::Corrected, End::Highest, 1.0).as_identity(0.0)
}

const STRATA: &[Stratum] =
    strata!(Condition: 0 6; Gap: 0 3; OneRow; OneColumn; Square; SignedTarget);

const FAMILY: Family = Family {
    rows: (1, 6),
    columns: (1, 3),
    weights: Weights::Zero,
    points: 2,
    cases: 56,
    ..Family::GENERAL
};

/// The claims about smoothness.
pub fn claims() -> Vec<Claim> {
    vec![
        claim("dls23/smoothness-rigorous")
            .derived("constant for first-order methods (GradientCoin asks for one)")
            .states("L_exp is smooth with constant 1.25 ||A||^2: ||Hess L_exp(x)|| and ||grad L_exp(x) - grad L_exp(y)|| / ||x - y|| are at most that")
            .formula(r"\begin{aligned} \|\nabla^2 L_{\exp}(x)\| &\le 1.25\, \|A\|^2, \\
                \|\nabla L_{\exp}(x) - \nabla L_{\exp}(y)\|_2 &\le 1.25\, \|A\|^2 \|x - y\|_2 \end{aligned}")
            .given("||b||_1 <= 1")
            .note("From -I <= B <= 1.25 I. The ridge adds max w_i^2 to the constant.")
            .on(FAMILY, STRATA)
            .attacked(4, attack)
            .check(|case| smooth(case, High::ratio(5, 4)))
            .fault("0.3 instead of 1.25", |case| smooth(case, High::ratio(3, 10)))
            .proven(Proof::by_spectrum(|| implied(&both_ends(&fraction(5, 4))))),
        claim("dls23/smoothness-sharp")
            .derived("constant for first-order methods (GradientCoin asks for one)")
            .states("L_exp is smooth with constant (55 sqrt(33) + 39) / 1152 ||A||^2 = 0.30811714.. ||A||^2")
            .formula(r"\|\nabla L_{\exp}(x) - \nabla L_{\exp}(y)\|_2 \le \tfrac{55\sqrt{33} + 39}{1152} \|A\|^2 \|x - y\|_2")
            .given("||b||_1 <= 1")
            .note("From the sharp spectrum of B; attained with A = I, so no smaller multiple of ||A||^2 will do.")
            .on(FAMILY, STRATA)
            .attacked(8, attack)
            .check(|case| smooth(case, sharp_range().1))
            .fault("a constant 0.2 % smaller", |case| smooth(case, sharp_range().1 * High::ratio(998, 1000)))
            .proven(Proof::by_spectrum(|| implied(&both_ends(&stated(1, 39))))),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_allowance_for_the_curvature_is_the_one_computed_by_hand() {
        // One column 2 (1, 0, 0)', x = y = 0, everything over ||A||^2 = 4: p_1' = 2/9, p_2' = p_3' = -1/9, p_1'' = 2/27, so the loss of b = (-1, 0, 0) has the
        // second derivative 6/81 + 2/27 = 4/27. An entry of B has terms up to 16, 3 * 16 = 48 make the one of A'BA, and a
        // rounding counts 64 (3 + 1) = 256 units.
        let text = r#"{"loss": "softmax", "matrix": [[2], [0], [0]], "target": [-1, 0, 0], "weights": 5,
            "points": [[0], [0]]}"#;
        let case = Case::of_text(text, 0);
        let error = High::int(256 * 48).shifted(-39);
        let said = |hundredths: i64| {
            let constant = High::ratio(4, 27) + error * High::ratio(hundredths, 100);
            smooth(&case, constant).unwrap()
        };
        assert!(matches!(said(105), Verdict::Holds { .. }));
        assert!(matches!(said(95), Verdict::Undecided(_)));
        assert!(matches!(said(-95), Verdict::Undecided(_)));
        assert!(matches!(said(-105), Verdict::Fails(_)));
    }
}
