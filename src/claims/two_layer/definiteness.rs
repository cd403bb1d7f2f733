//! Definiteness of the Hessian: with weights above an explicit threshold, and not without.

use crate::claims::tools::builder::{claim, strata, witness};
use crate::claims::tools::exact::Exact;
use crate::claims::tools::loewner::{Certified, heavy_weights_suffice, outwards};
use crate::claims::{
    Case, CheckError, Claim, Drawn, Family, Outside, Stratum, Targets, Verdict, Weights,
};
use crate::instance::Activation;
use crate::instance::sample::Stream;
use crate::oracle::{self, spectrum};
use crate::scalar::High;

use super::bounds::Layer;
use super::model::{Form, layer};
use super::search::{Candidate, search};

/// The constants' arguments at 40 digits, `||A2||` rounded up.
pub fn constants(exact: &Exact) -> Result<Layer<High>, CheckError> {
    let (second_layer, activation) = layer(&exact.instance)?;
    Ok(Layer {
        norm: outwards(spectrum::spectral_norm(&oracle::lift_matrix(second_layer))?),
        target: outwards(exact.b.norm()),
        outputs: second_layer.nrows(),
        activation,
    })
}

/// `B >= -factor T`.
fn above_threshold(exact: &Exact, factor: High) -> Result<Verdict, CheckError> {
    let range = Certified::in_logits(&exact.instance, &exact.z)?.range()?;
    let low = -(factor * outwards(constants(exact)?.threshold()));
    Ok(Verdict::at_least(
        "lambda_min(B)",
        range.low,
        low,
        range.error,
    ))
}

/// `w_i^2 >= factor T + l / sigma_min(A1)^2` implies `Hess L >= l I` for the largest l, and, so that no other A1 does worse,
/// `B >= -factor T`.
fn sufficient(case: &Case, factor: High) -> Result<Verdict, CheckError> {
    let exact = Exact::of(case)?;
    let threshold = outwards(constants(&exact)?.threshold()) * factor;
    let conclusion = heavy_weights_suffice(&exact, threshold)?;
    if matches!(conclusion, Verdict::Outside(_)) {
        return Ok(conclusion);
    }
    Ok(conclusion.and(above_threshold(&exact, factor)?))
}

/// `Hess L > 0` where A1 has full column rank.
fn positive_definite(case: &Case) -> Result<Verdict, CheckError> {
    let exact = Exact::of(case)?;
    let (largest, smallest) = exact.singular_range()?;
    if smallest <= largest.shifted(-30) {
        return Ok(Verdict::Outside(Outside::Rank));
    }
    let reference = oracle::Reference::new(&exact.instance)?;
    let range = Certified::of(&reference, &exact.x)?.range()?;
    Ok(Verdict::at_least(
        "lambda_min(Hess L)",
        range.low,
        High::ZERO,
        range.error,
    ))
}

/// The share of the threshold that `-lambda_min(B)` takes.
fn share(candidate: &Candidate) -> f64 {
    let b = candidate.model(0.0).hessian(Form::Derived);
    -b.symmetric_eigenvalues().min() / candidate.constants().threshold()
}

/// The hardest case, with weights a millionth above the threshold.
fn lowest(rng: &mut Stream, activations: &[Activation]) -> Result<Case, CheckError> {
    search(rng, activations, 0.25, share, |found| {
        found.constants().threshold() * (1.0 + 1e-6)
    })
}

const PIECEWISE: &[Activation] = &[Activation::Relu, Activation::Identity];
const SMOOTH: &[Activation] = &[Activation::Tanh, Activation::Softplus];

/// `R = ||A2|| <= sqrt(4 * 24) < 9.8`, so the threshold `(sqrt 6 / 9) R (R + ||b||)` is below `27 + 2.7 ||b||`.
const FAMILY: Family = Family {
    losses: &[
        Drawn::TwoLayer(Activation::Relu),
        Drawn::TwoLayer(Activation::Identity),
    ],
    rows: (1, 6),
    columns: (1, 3),
    targets: Targets::Any,
    weights: Weights::AboveTargetNorm {
        base: 27.0,
        linear: 2.7,
        square: 0.0,
        power: 0,
    },
    cases: 56,
    ..Family::GENERAL
};

/// The threshold is at most `R (R + 2 ln 2 + ||b||)(sqrt 6 / 9 + R / 5.19)`, below `240 + 22 ||b||`.
const SMOOTH_FAMILY: Family = Family {
    losses: &[
        Drawn::TwoLayer(Activation::Tanh),
        Drawn::TwoLayer(Activation::Softplus),
    ],
    weights: Weights::AboveTargetNorm {
        base: 240.0,
        linear: 22.0,
        square: 0.0,
        power: 0,
    },
    ..FAMILY
};

/// Small gaps: far out every eigenvalue in the logits vanishes, and its sign tells nothing. More rows than columns: the
/// Hessian of a square A1 is singular, since `B 1 = 0`.
const UNWEIGHTED: Family = Family {
    losses: &[
        Drawn::TwoLayer(Activation::Relu),
        Drawn::TwoLayer(Activation::Identity),
        Drawn::TwoLayer(Activation::Tanh),
        Drawn::TwoLayer(Activation::Softplus),
    ],
    rows: (3, 6),
    columns: (1, 2),
    gaps: &[0],
    weights: Weights::Zero,
    ..FAMILY
};

const STRATA: &[Stratum] =
    strata!(Condition: 0 3 6; Gap: 0 1 2 3; OneRow; OneColumn; Square; SignedTarget);

const UNWEIGHTED_STRATA: &[Stratum] = strata!(Condition: 0 6; Gap: 0; OneColumn; SignedTarget);

/// The claims about definiteness.
pub fn claims() -> Vec<Claim> {
    vec![
        claim("two-layer/positive-definite-without-weights")
            .derived("abstract: \"the Hessian matrix is positive definite ... under certain assumptions\", read without weights")
            .states("the Hessian of 0.5 ||phi(A2 f) - b||^2 is positive definite")
            .formula(r"\nabla_x^2\, \tfrac{1}{2} \|\phi(A_2 f(x)) - b\|_2^2 \succ 0")
            .given("A1 has full column rank; relu: no entry of A2 f is 0")
            .note("The regulariser is among the assumptions that are needed. For n = d it is even singular whatever A1 and b are, \
                since B 1 = 0. Witness: n = 2, d = m = 1, phi the identity.")
            .on(UNWEIGHTED, UNWEIGHTED_STRATA)
            .check(positive_definite)
            .fault("B >= -R (H + ||b||_2)(sqrt(6)/9 + L2 R / 4) I in its place", |case| above_threshold(&Exact::of(case)?, High::ONE))
            .refuted("two-layer/positive-definite", witness!("two-layer-positive-definite-without-weights")),
        claim("two-layer/positive-definite")
            .derived("abstract: \"the Hessian matrix is positive definite\"; threshold derived here")
            .states("w_i^2 >= (sqrt(6)/9) R (R + ||b||_2) + l / sigma_min(A1)^2 for all i implies Hess L >= l I")
            .formula(r"w_i^2 \ge \tfrac{\sqrt{6}}{9} R (R + \|b\|_2) + \frac{l}{\sigma_{\min}(A_1)^2} \ \forall i \quad \implies \quad \nabla^2 L(x) \succeq l I_d")
            .given("phi = relu where no entry of A2 f is 0, or phi the identity; R >= ||A2||, A1 has full column rank, l > 0")
            .note("Proven in the source; sqrt(6)/9 = 0.2722, and the search comes within 1 % of it as b grows, so it cannot be lowered. \
                Decided with the largest l that the weights allow, and on B itself, which shows that no A1 does worse.")
            .on(FAMILY, STRATA)
            .attacked(6, |rng| lowest(rng, PIECEWISE))
            .check(|case| sufficient(case, High::ONE))
            .fault("0.9 of it", |case| sufficient(case, High::ratio(9, 10))),
        claim("two-layer/positive-definite-smooth")
            .derived("abstract: \"the Hessian matrix is positive definite\"; threshold derived here")
            .states("w_i^2 >= R (H + ||b||_2)(sqrt(6)/9 + L2 R / 4) + l / sigma_min(A1)^2 for all i implies Hess L >= l I; tanh: H = R, \
                L2 = 4 / (3 sqrt 3); softplus: H = R + sqrt m ln 2, L2 = 1/4")
            .formula(r"\begin{aligned} w_i^2 &\ge R (H + \|b\|_2) \Bigl(\tfrac{\sqrt{6}}{9} + \tfrac{L_2 R}{4}\Bigr) + \frac{l}{\sigma_{\min}(A_1)^2} \ \forall i \quad \implies \quad \nabla^2 L(x) \succeq l I_d, \\
                \tanh&: \ H = R, \ L_2 = \tfrac{4}{3\sqrt{3}}; \quad \operatorname{softplus}: \ H = R + \sqrt{m} \ln 2, \ L_2 = \tfrac{1}{4} \end{aligned}")
            .given("phi = tanh or softplus, R >= ||A2||, A1 has full column rank, l > 0")
            .note("Proven in the source. The curvature of phi adds L2 R / 4 to sqrt(6)/9.")
            .on(SMOOTH_FAMILY, STRATA)
            .attacked(6, |rng| lowest(rng, SMOOTH))
            .check(|case| sufficient(case, High::ONE))
            .fault("a hundredth of the threshold", |case| sufficient(case, High::ratio(1, 100))),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instance::sample;

    #[test]
    fn the_searched_weights_are_a_millionth_above_the_threshold() {
        for (index, activations) in [PIECEWISE, SMOOTH].into_iter().enumerate() {
            let mut rng = sample::stream(1, "test", index as u64);
            let case = lowest(&mut rng, activations).unwrap();
            let exact = Exact::of(&case).unwrap();
            let threshold = constants(&exact).unwrap().threshold();
            for square in exact.squared_weights().iter() {
                let above = (*square / threshold - High::ONE).to_f64();
                assert!((above - 1e-6).abs() < 1e-12, "{above}");
            }
        }
    }

    #[test]
    fn the_share_of_the_threshold_is_the_one_computed_by_hand() {
        // A2 = I and phi the identity: softmax regression. z = (ln 3, 0): s = f_1 = 3/4, s' = 3/16, s'' = -3/32, so the second
        // derivative for b = (0, 5) is 2 s'^2 + s'' (2s - 1 + 5) = -57/128, half of the eigenvalue along (1, -1);
        // T = (sqrt 6 / 9) 1 (1 + 5).
        let candidate = Candidate {
            activation: Activation::Identity,
            layer: nalgebra::DMatrix::identity(2, 2),
            target: nalgebra::DVector::from_vec(vec![0.0, 5.0]),
            z: nalgebra::DVector::from_vec(vec![3f64.ln(), 0.0]),
            direction: nalgebra::DVector::from_vec(vec![1.0, 0.0]),
        };
        let found = share(&candidate);
        assert!(
            (found - 57.0 / 64.0 / 6.0 / (6f64.sqrt() / 9.0)).abs() < 1e-14,
            "{found}"
        );
    }
}
