//! Definiteness of the Hessian: not without weights, not with a constant threshold, but with one that grows like
//! `beta^-3`.
//!
//! *The threshold.* Let `rho >= ||z||_inf`, `E = exp(rho)`, `0 < beta <= alpha`, `B = ||b||_2`, `phi = sqrt n (E + rho) /
//! beta >= ||f||_2`. With `q = 3 ||f||^2 - 2 <b, f>`, `a = k o (2f - b)`, `g = c - <c, f> 1` the Hessian in the logits is
//! `diag(k o k + e o g / alpha) + q kk' - ak' - ka'`.
//!
//! 1. The diagonal is at least `-E max_i (-g_i) / beta >= -(phi + B)(phi + 1) E / beta`.
//! 2. If `||f|| >= 2B` then `q >= 2 ||f||^2`, `||2f - b|| <= 5/2 ||f||`, and completing the square bounds the rest from
//!    below by `-||a||^2 / q >= -(25/8) ||k||^2`.
//! 3. Otherwise `q >= -B^2 / 3` and `||a|| <= 5B ||k||`, so the rest is at least `-(B^2/3 + 10 B) ||k||^2`.
//! 4. `||k||^2 <= n (1 + E)^2 / beta^2`.

use nalgebra::{DMatrix, DVector, RealField};

use crate::claims::tools::attack::{self, Effort};
use crate::claims::tools::builder::{claim, strata, witness};
use crate::claims::tools::exact::Exact;
use crate::claims::tools::loewner::{Certified, heavy_weights_suffice, outwards};
use crate::claims::{
    Case, CheckError, Claim, Drawn, Family, Origin, Outside, Stratum, Targets, Verdict, Weights,
};
use crate::instance::sample::{self, Stream};
use crate::instance::{DesignMatrix, Instance, LossKind};
use crate::scalar::High;

use super::model::{Model, with_normaliser};

/// `T` in LaTeX: the last two lines of `aligned`.
macro_rules! threshold {
    () => {
        r"T &= (\varphi + \|b\|_2)(\varphi + 1) \frac{E}{\beta} + \max\Bigl(\tfrac{25}{8}, \tfrac{1}{3} \|b\|_2^2 + 10 \|b\|_2\Bigr) \frac{n (1 + E)^2}{\beta^2}, \\
            E &= \exp(\rho), \quad \varphi = \sqrt{n}\, (E + \rho) / \beta"
    };
}

/// The threshold of the module's derivation, for the largest `beta` and the smallest `rho` that the premise allows.
pub(super) fn threshold<T: RealField + Copy>(
    model: &Model<T>,
    z: &DVector<T>,
    b: &DVector<T>,
) -> T {
    threshold_over(z.len(), z.amax(), model.alpha, b.norm())
}

/// The threshold for any `rho >= ||z||_inf` and `0 < beta <= alpha`, with `target = ||b||_2`.
pub(super) fn threshold_over<T: RealField + Copy>(n: usize, rho: T, beta: T, target: T) -> T {
    let number = |value: f64| nalgebra::convert::<f64, T>(value);
    let n = number(n as f64);
    let one = T::one();
    let e = rho.exp();
    let phi = n.sqrt() * (e + rho) / beta;
    let diagonal = (phi + target) * (phi + one) * e / beta;
    let small = target * target / number(3.0) + number(10.0) * target;
    let rest = small.max(number(3.125)) * n * (one + e) * (one + e) / (beta * beta);
    diagonal + rest
}

/// `lambda_min(B) >= low(model, z, b)` where `alpha > 0`.
fn lowest_above(
    case: &Case,
    low: impl Fn(&Model<High>, &DVector<High>, &DVector<High>) -> High,
) -> Result<Verdict, CheckError> {
    let exact = Exact::of(case)?;
    let model = Model::at(&exact.z);
    if !model.alpha.is_positive() {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let range = Certified::in_logits(&exact.instance, &exact.z)?.range()?;
    let low = low(&model, &exact.z, &exact.b);
    Ok(Verdict::at_least(
        "lambda_min(B)",
        range.low,
        low,
        range.error,
    ))
}

/// `B >= 0`.
fn positive_semidefinite(case: &Case) -> Result<Verdict, CheckError> {
    lowest_above(case, |_, _, _| High::ZERO)
}

/// `B >= -factor T`.
fn above_threshold(case: &Case, factor: High) -> Result<Verdict, CheckError> {
    lowest_above(case, |model, z, b| {
        -(outwards(threshold(model, z, b)) * factor)
    })
}

/// `w_i^2 >= threshold + l / sigma_min(A)^2` implies `Hess L >= l I`, for the largest l.
fn weights_suffice(
    case: &Case,
    threshold: impl Fn(&Model<High>, &Exact) -> High,
) -> Result<Verdict, CheckError> {
    let exact = Exact::of(case)?;
    let model = Model::at(&exact.z);
    if !model.alpha.is_positive() {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    heavy_weights_suffice(&exact, threshold(&model, &exact))
}

/// The share of the threshold that `-lambda_min(B)` takes.
fn share((z, b): &(DVector<f64>, DVector<f64>)) -> f64 {
    let model = Model::at(z);
    -model.hessian(b).symmetric_eigenvalues().min() / threshold(&model, z, b)
}

/// Points drawn before a search climbs from the best of them.
pub(super) const STARTS: usize = 200;

/// Searches logits and target for the largest share of the threshold that `-lambda_min(B)` takes; the target's size is free as
/// well, from 10^-3 to 10^7, and the normaliser, which may be as small as f64 bears.
fn lowest(rng: &mut Stream) -> Result<Case, CheckError> {
    let n = sample::integer(rng, 2, 4) as usize;
    let parts = |free: &[f64]| {
        let z = DVector::from_column_slice(&free[..n]);
        let b = DVector::from_column_slice(&free[n..2 * n]);
        let alpha = attack::size(free[2 * n + 1]).max(NEAREST_POLE);
        (with_normaliser(&z, alpha), b * attack::size(free[2 * n]))
    };
    let start = attack::best_start(rng, STARTS, 2 * n + 2, 1, &|free| share(&parts(free)));
    let (best, _) = attack::maximise(&|free| share(&parts(free)), start, Effort::USUAL);
    let (z, b) = parts(&best);
    let matrix = DesignMatrix::dense(DMatrix::identity(n, n))?;
    let instance = Instance::new(LossKind::ResidualSoftmax, matrix, b, DVector::zeros(n))?
        .with_points(vec![z])?;
    Ok(Case::new(Origin::Attack(0), instance, 0))
}

/// Below this normaliser an f64 eigenvalue of `B`, whose condition grows like `1 / alpha`, says too little.
const NEAREST_POLE: f64 = 1e-3;

const FAMILY: Family = Family {
    losses: &[Drawn::ResidualSoftmax],
    rows: (2, 6),
    columns: (1, 3),
    gaps: &[0, 1],
    norm: 1.0,
    targets: Targets::Any,
    weights: Weights::Zero,
    cases: 42,
    ..Family::GENERAL
};

/// Short points, where the threshold is below `256 + 40 ||b|| + ||b||^2`.
const HEAVY: Family = Family {
    radii: &[0.125, 0.25],
    weights: Weights::AboveTargetNorm {
        base: 256.0,
        linear: 40.0,
        square: 1.0,
        power: 0,
    },
    ..FAMILY
};

const STRATA: &[Stratum] = strata!(Condition: 0 3 6; Gap: 0; OneColumn; Square; SignedTarget);

/// The claims about definiteness.
pub fn claims() -> Vec<Claim> {
    vec![
        claim("residual-softmax/hessian-psd")
            .printed("abstract: \"The Hessian is shown to be positive semidefinite\"")
            .states("the Hessian of 0.5 ||f - b||^2 is positive semidefinite (the abstract's problem has no ridge)")
            .formula(r"\nabla_x^2\, \tfrac{1}{2} \|f(x) - b\|_2^2 \succeq 0")
            .given("alpha(x) > 0")
            .note("The abstract's problem has no regulariser. At b = e_1, z = (-0.463, -0.477, -0.473) the smallest eigenvalue is \
                -11.92, and it tends to minus infinity like alpha^-3 (residual-softmax/growth-of-smallest-eigenvalue). With a regulariser heavy enough for beta it is definite (residual-softmax/positive-definite).")
            .on(FAMILY, STRATA)
            .check(positive_semidefinite)
            .fault("-T I, with the T of the correction, in place of 0", |case| above_threshold(case, High::ONE))
            .refuted("residual-softmax/hessian-lower-bound", witness!("residual-softmax-hessian-psd")),
        claim("residual-softmax/hessian-lower-bound")
            .derived("replaces \"The Hessian is shown to be positive semidefinite\"")
            .states("B >= -T I, T = (phi + ||b||_2)(phi + 1) E / beta + max(25/8, ||b||_2^2/3 + 10 ||b||_2) n (1 + E)^2 / beta^2, \
                E = exp(rho), phi = sqrt n (E + rho) / beta")
            .formula(concat!(r"\begin{aligned} B &\succeq -T I_n, \quad B = \nabla_z^2\, \tfrac{1}{2} \|f - b\|_2^2, \\
                ", threshold!(), r" \end{aligned}"))
            .given("rho >= ||Ax||_inf (R^2 will do), 0 < beta <= alpha(x)")
            .note("Proven in the source. It grows like beta^-3, the true order (residual-softmax/growth-of-smallest-eigenvalue); \
                its constant is not sharp: the search ends at 0.29 of it.")
            .on(FAMILY, STRATA)
            .attacked(6, lowest)
            .check(|case| above_threshold(case, High::ONE))
            .fault("a thousandth of T", |case| above_threshold(case, High::ratio(1, 1000))),
        claim("residual-softmax/positive-definite")
            .derived("weights as in thesis (2.4), with a threshold that fits this loss")
            .states("w_i^2 >= T + l / sigma_min(A)^2 for all i implies Hess L >= l I, T as in residual-softmax/hessian-lower-bound")
            .formula(concat!(r"\begin{aligned} w_i^2 &\ge T + \frac{l}{\sigma_{\min}(A)^2} \ \forall i \quad \implies \quad \nabla^2 L(x) \succeq l I_d, \\
                ", threshold!(), r" \end{aligned}"))
            .given("A has full column rank, rho >= ||Ax||_inf, 0 < beta <= alpha(x), l > 0")
            .note("Decided with the largest l that the weights allow.")
            .on(HEAVY, STRATA)
            .attacked(4, |rng| with_heavy_weights(&lowest(rng)?))
            .check(|case| weights_suffice(case, |model, exact| outwards(threshold(model, &exact.z, &exact.b))))
            .fault("a thousandth of T", |case| weights_suffice(case, |model, exact| threshold(model, &exact.z, &exact.b) * High::ratio(1, 1000))),
        claim("residual-softmax/positive-definite-at-hundred")
            .derived("DLS23's constant (thesis Theorem 2.3.1) carried over from softmax")
            .states("w_i^2 >= 100 + l / sigma_min(A)^2 for all i implies Hess L >= l I")
            .formula(r"w_i^2 \ge 100 + \frac{l}{\sigma_{\min}(A)^2} \ \forall i \quad \implies \quad \nabla^2 L(x) \succeq l I_d")
            .given("A has full column rank, alpha(x) > 0, ||b||_1 <= 1, l > 0")
            .note("No threshold without beta suffices, since lambda_min(B) has no lower bound as alpha -> 0+. Witness: n = 2, \
                alpha = 0.049, w_i^2 = 110.25, lambda_min(Hess L) = -2585; the same instance closer to the pole refutes any constant.")
            .on(HEAVY, STRATA)
            .check(|case| weights_suffice(case, |_, _| High::int(100)))
            .fault("T in place of 100", |case| weights_suffice(case, |model, exact| outwards(threshold(model, &exact.z, &exact.b))))
            .refuted("residual-softmax/positive-definite", witness!("residual-softmax-positive-definite-at-hundred")),
    ]
}

/// The same case with weights a millionth above the threshold.
fn with_heavy_weights(case: &Case) -> Result<Case, CheckError> {
    let z = case.instance.matrix().multiply(&case.x());
    let model = Model::at(&z);
    let least = threshold(&model, &z, case.instance.target()).sqrt();
    let weights = DVector::from_element(z.len(), least * (1.0 + 1e-6));
    let instance = Instance::new(
        LossKind::ResidualSoftmax,
        case.instance.matrix().clone(),
        case.instance.target().clone(),
        weights,
    )?
    .with_points(case.instance.points().to_vec())?;
    Ok(Case::new(case.origin.clone(), instance, case.seed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_search_stays_off_the_pole_and_leaves_the_unit_ball_of_targets() {
        let mut largest = 0f64;
        for index in 0..4 {
            let case = lowest(&mut sample::stream(1, "test", index)).unwrap();
            largest = largest.max(case.instance.target().lp_norm(1));
            let model = Model::at(&case.x());
            // Up to the rounding of a sum that nearly cancels.
            assert!(model.alpha >= NEAREST_POLE * (1.0 - 1e-9));
            let low = model
                .hessian(case.instance.target())
                .symmetric_eigenvalues()
                .min();
            assert!(low < 0.0, "{low}");
        }
        assert!(largest > 1.0, "{largest}");
    }

    /// `(1 + 10^-6)^2` of the threshold, at logits (0, 1) where alpha is far from 0.
    #[test]
    fn heavy_weights_are_a_millionth_above_the_threshold() {
        let text = r#"{"loss": "residual-softmax", "matrix": [[1, 0], [0, 1]], "target": [0.25, 0.5], "weights": 0,
            "points": [[0, 1]]}"#;
        let heavy = with_heavy_weights(&Case::of_text(text, 0)).unwrap();
        let point = DVector::from_column_slice(&[0.0, 1.0]);
        let target = DVector::from_column_slice(&[0.25, 0.5]);
        let least = threshold(&Model::at(&point), &point, &target);
        for weight in heavy.instance.weights().iter() {
            assert!((weight * weight / least - 1.0 - 2e-6).abs() < 1e-9);
        }
        assert_eq!(heavy.x(), point);
    }
}
