//! Gradient and Hessian of the entrywise losses, and their structure.

use nalgebra::{DMatrix, DVector};

use crate::claims::tools::builder::{Draft, claim};
use crate::claims::tools::exact::Exact;
use crate::claims::tools::identity::{EVERYWHERE, STRATA, equal_matrices, equal_vectors};
use crate::claims::{Case, CheckError, Claim, Drawn, Family, Outside, Verdict};
use crate::instance::{Instance, LossKind};
use crate::oracle::{Reference, spectrum};
use crate::scalar::{Allowance, High};

use super::forms::{Phi, curvature_terms, curvatures};

/// The losses in turn: nine, so that each meets each kind of the family's targets (which take turns by threes).
pub(super) const LOSSES: &[Drawn] = &[
    Drawn::Exp,
    Drawn::Cosh,
    Drawn::Sinh,
    Drawn::Sinh,
    Drawn::Exp,
    Drawn::Cosh,
    Drawn::Cosh,
    Drawn::Sinh,
    Drawn::Exp,
];

/// Every kind of instance of the three losses.
const FAMILY: Family = Family {
    losses: LOSSES,
    cases: 84,
    ..EVERYWHERE
};

/// Whether the factor `phi'` is there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ChainRule {
    Applied,
    Forgotten,
}

/// `A' (phi'(z) o (phi(z) - b)) + A' W^2 A x` against the oracle's gradient.
fn gradient(case: &Case, rule: ChainRule) -> Result<Verdict, CheckError> {
    let Some(phi) = Phi::of(case.instance.loss()) else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    let exact = Exact::of(case)?;
    let truth = exact.evaluation()?.gradient;
    let squares = exact.squared_weights();
    let residual = exact.z.zip_map(&exact.b, |z, b| phi.value(z) - b);
    let fit = match rule {
        ChainRule::Applied => residual.component_mul(&exact.z.map(|z| phi.slope(z))),
        ChainRule::Forgotten => residual,
    };
    let stated = exact.a.tr_mul(&(fit + squares.component_mul(&exact.z)));
    let size = exact.a.map(High::abs);
    let terms = exact.z.zip_map(&exact.b, |z, b| {
        let size = phi.size(z);
        size * (size + b.abs())
    }) + squares.component_mul(&(&size * exact.x.map(High::abs)));
    let scale = size.tr_mul(&terms);
    Ok(equal_vectors("gradient", &stated, &truth, &scale, &exact))
}

/// `A' (diag(D) + W^2) A` against the oracle's Hessian, D given at the point.
fn hessian(case: &Case, diagonal: fn(Phi, &Exact) -> DVector<High>) -> Result<Verdict, CheckError> {
    let Some(phi) = Phi::of(case.instance.loss()) else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    let exact = Exact::of(case)?;
    let truth = exact.evaluation()?.hessian;
    let squares = exact.squared_weights();
    let middle = diagonal(phi, &exact) + &squares;
    let stated = exact
        .a
        .tr_mul(&(DMatrix::from_diagonal(&middle) * &exact.a));
    let size = exact.a.map(High::abs);
    let terms = curvature_terms(phi, &exact) + squares;
    let scale = size.tr_mul(&(DMatrix::from_diagonal(&terms) * &size));
    Ok(equal_matrices("H", &stated, &truth, &scale, &exact))
}

/// `phi'(z)^2` alone, without `(phi(z) - b) phi''(z)`.
fn without_residual(phi: Phi, exact: &Exact) -> DVector<High> {
    exact.z.map(|z| phi.slope(z).square())
}

/// The rank of `B - diag(B)`, B the oracle's Hessian in the logits of the case with another loss or its own.
fn remainder_rank(case: &Case, loss: &LossKind) -> Result<Verdict, CheckError> {
    if Phi::of(case.instance.loss()).is_none() {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let instance = with_loss(&case.instance, loss)?;
    let exact = Exact::at(&instance, Exact::of(case)?.x)?;
    let mut remainder = exact.logit_evaluation()?.hessian;
    remainder.fill_diagonal(High::ZERO);
    // An entry that is 0 comes out exactly so: different logits share no term of the sum. So does the norm.
    let rank = spectrum::singular_values(&remainder)?
        .iter()
        .filter(|value| value.is_positive())
        .count();
    Ok(Verdict::at_most(
        "rank of B - diag(B)",
        High::int(rank as i64),
        High::ZERO,
        Allowance::NOTHING,
    ))
}

/// The gradient of the given loss at `x = 0`, with the case's data.
fn stationary_origin(case: &Case, loss: &LossKind) -> Result<Verdict, CheckError> {
    if *case.instance.loss() != LossKind::Cosh {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let instance = with_loss(&case.instance, loss)?;
    let origin = DVector::zeros(instance.columns());
    let (_, gradient) = Reference::new(&instance)?.loss_and_gradient(&origin)?;
    // sinh 0 = 0 exactly, and so is every product with it: no rounding to allow.
    Ok(Verdict::at_most(
        "||grad L(0)||",
        gradient.norm(),
        High::ZERO,
        Allowance::NOTHING,
    ))
}

/// The same data with another loss of the logits.
fn with_loss(instance: &Instance, loss: &LossKind) -> Result<Instance, CheckError> {
    Ok(Instance::new(
        loss.clone(),
        instance.matrix().clone(),
        instance.target().clone(),
        instance.weights().clone(),
    )?)
}

/// A statement about gradient or Hessian.
fn derived(id: &'static str) -> Draft {
    claim(id)
        .derived("gradient and Hessian of 0.5 ||phi(Ax) - b||^2 + 0.5 ||diag(w) A x||^2")
        .on(FAMILY, STRATA)
}

/// The claims about derivatives.
pub fn claims() -> Vec<Claim> {
    vec![
        derived("lsz23/gradient")
            .states("grad L = A' ( phi'(Ax) o (phi(Ax) - b) ) + A' W^2 A x for phi in {exp, cosh, sinh}, entrywise")
            .formula(r"\begin{aligned} \nabla L(x) &= A^\top \bigl(\phi'(Ax) \circ (\phi(Ax) - b)\bigr) + A^\top W^2 A x, \\
                \phi &\in \{\exp, \cosh, \sinh\} \text{ entrywise} \end{aligned}")
            .note("Against the symbolic derivative of the definition, with logits up to 1000 and far beyond (exp(1000) has 435 digits).")
            .check(|case| gradient(case, ChainRule::Applied))
            .fault("without the factor phi'", |case| gradient(case, ChainRule::Forgotten)),
        derived("lsz23/hessian")
            .states("H = A' ( diag(D) + W^2 ) A, D = (2e^z - b) o e^z for exp, 2 cosh^2 z - 1 - b cosh z for cosh, 1 + 2 sinh^2 z - b sinh z for sinh, z = Ax")
            .formula(r"\begin{aligned} H(x) &= A^\top \bigl(\operatorname{diag}(D) + W^2\bigr) A, \quad z = Ax, \\
                D &= \begin{cases} (2 e^z - b) \circ e^z & \text{for } \exp, \\ 2 \cosh^2 z - 1 - b \circ \cosh z & \text{for } \cosh, \\ 1 + 2 \sinh^2 z - b \circ \sinh z & \text{for } \sinh \end{cases} \end{aligned}")
            .note("Against the symbolic derivatives of the definition.")
            .check(|case| hessian(case, curvatures))
            .fault("phi'^2 alone, as Gauss and Newton have it", |case| hessian(case, without_residual)),
        derived("lsz23/hessian-diagonal")
            .states("the Hessian in the logits is diagonal: B - diag(B) has rank 0")
            .formula(r"\operatorname{rank}\bigl(B - \operatorname{diag}(B_{11}, \dots, B_{nn})\bigr) = 0, \quad B = \nabla_z^2 L")
            .note("Nothing need be dropped before sampling, unlike softmax, whose B is diagonal plus rank 2.")
            .check(|case| remainder_rank(case, case.instance.loss()))
            .fault("softmax in the place of phi", |case| remainder_rank(case, &LossKind::Softmax)),
        derived("lsz23/cosh-origin-stationary")
            .states("x = 0 is a stationary point of the cosh loss, whatever A, b and w")
            .formula(r"\nabla L(0) = 0 \ \forall A, b, w, \quad L(x) = \tfrac{1}{2} \|\cosh(Ax) - b\|_2^2 + \tfrac{1}{2} \|W A x\|_2^2")
            .on(Family { losses: &[Drawn::Cosh], cases: 56, ..FAMILY }, STRATA)
            .note("cosh'(0) = 0. A solver that starts there stays there, although x = 0 is a maximum in the logit i where 1 - b_i + w_i^2 < 0.")
            .check(|case| stationary_origin(case, &LossKind::Cosh))
            .fault("sinh in the place of cosh", |case| stationary_origin(case, &LossKind::Sinh)),
    ]
}
