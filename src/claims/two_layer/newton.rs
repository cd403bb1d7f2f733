//! The lemmas of the Newton papers on approximate Newton steps for the two-layer loss with a smooth activation: false in
//! the Euclidean norm, true in the norm of the Hessian. Threshold and Lipschitz constant are the global ones of `bounds`.

use crate::claims::tools::builder::strata;
use crate::claims::tools::exact::Exact;
use crate::claims::tools::loewner::outwards;
use crate::claims::tools::newton_claims::{Premise, carried_over};
use crate::claims::tools::newton_support::Theorem;
use crate::claims::{Claim, Drawn, Family, Outside, Stratum, Targets, Weights};
use crate::instance::Activation;
use crate::scalar::High;

use super::definiteness::constants;
use super::derivatives::model_of;

/// `w_i^2 >= T + l / sigma_min(A1)^2`, `M = R^3 (3 F1 F2 + (H + ||b||) F3)` with `R >= ||A1||, ||x*||`. Both hold on all of R^d,
/// so the loss is strictly convex and `x*` unique.
const THEOREM: Theorem = Theorem {
    surplus: |exact| {
        let layer = constants(exact).map_err(|_| Outside::Premise)?;
        if !matches!(layer.activation, Activation::Tanh | Activation::Softplus) {
            return Err(Outside::Premise);
        }
        let lightest = exact.squared_weights().min();
        let surplus = lightest - outwards(layer.threshold());
        if surplus.is_positive() {
            Ok(surplus)
        } else {
            Err(Outside::Weights)
        }
    },
    lipschitz: |exact, radius| {
        let layer = constants(exact).map_err(|_| Outside::Premise)?;
        Ok(layer.lipschitz() * radius.powi(3))
    },
    diagonal,
};

/// `diag(p o v - <p,v> p) + w^2` (n); `w^2` alone for another loss, which the premise refuses.
fn diagonal(exact: &Exact) -> nalgebra::DVector<High> {
    let squares = exact.squared_weights();
    match model_of(exact) {
        Ok(model) => model.diagonal() + squares,
        Err(_) => squares,
    }
}

/// The threshold is below `240 + 22 ||b||`, as in `definiteness`; weights that grow with the condition number keep the minimiser short.
const FAMILY: Family = Family {
    losses: &[
        Drawn::TwoLayer(Activation::Tanh),
        Drawn::TwoLayer(Activation::Softplus),
    ],
    rows: (1, 6),
    columns: (1, 3),
    gaps: &[],
    norm: 1.0,
    targets: Targets::Any,
    weights: Weights::AboveTargetNorm {
        base: 240.0,
        linear: 22.0,
        square: 0.0,
        power: 2,
    },
    cases: 42,
    ..Family::GENERAL
};

const STRATA: &[Stratum] = strata!(Condition: 0 1 2 3 4 5 6; OneColumn; Square; SignedTarget);

const PREMISE: &str = "phi = tanh or softplus, A1 has full column rank, w_i^2 >= T + l/sigma_min(A1)^2 with the T of two-layer/positive-definite-smooth, M = R^3 (3 F1 F2 + (H + ||b||_2) F3) as in two-layer/smooth-hessian-lipschitz with R >= ||A1||, ||x*||, M r_t <= 0.1 l";

struct Newton;

impl Premise for Newton {
    const THEOREM: &'static Theorem = &THEOREM;
    const FAMILY: Family = FAMILY;
    const STRATA: &'static [Stratum] = STRATA;
}

/// The claims about single steps and their induction.
pub fn claims() -> Vec<Claim> {
    carried_over!(
        Newton,
        "two-layer",
        PREMISE,
        "The witness has A2 = (1, -1), b = 0, x* = 0 and a condition number of 100.",
        "abstract: \"after O(log(1/eps)) iterations\", with an explicit constant"
    )
}
