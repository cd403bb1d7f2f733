//! The lemmas of the Newton papers on approximate Newton steps for the two-layer loss with a smooth activation: false in
//! the Euclidean norm, true in the norm of the Hessian. Threshold and Lipschitz constant are the global ones of `bounds`.

use crate::claims::exact::Exact;
use crate::claims::loewner::outwards;
use crate::claims::newton_steps::{
    Conclusion, Count, Factor, Norm, ends_in_time, induction, iteration, shrinking,
    shrinking_in_hessian_norm,
};
use crate::claims::newton_support::Theorem;
use crate::claims::{
    Claim, Control, Drawn, Expected, Family, Outside, Paper, Stratum, Targets, Weights, Wording,
};
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

const STRATA: &[Stratum] = &[
    Stratum::Condition(0),
    Stratum::Condition(1),
    Stratum::Condition(2),
    Stratum::Condition(3),
    Stratum::Condition(4),
    Stratum::Condition(5),
    Stratum::Condition(6),
    Stratum::OneColumn,
    Stratum::Square,
    Stratum::SignedTarget,
];

const PREMISE: &str = "phi = tanh or softplus, A1 has full column rank, w_i^2 >= T + l/sigma_min(A1)^2 with the T of two-layer/positive-definite-smooth, M = R^3 (3 F1 F2 + (H + ||b||_2) F3) as in two-layer/smooth-hessian-lipschitz with R >= ||A1||, ||x*||, M r_t <= 0.1 l";

/// The claims about single steps and their induction.
pub fn claims() -> Vec<Claim> {
    vec![
        Claim {
            id: "two-layer/shrinking-euclidean",
            paper: Paper::TwoLayer,
            source: "the lemma of the Newton papers (thesis Lemma 2.1.18) carried over to this loss",
            wording: Wording::Derived,
            statement: "r_{t+1} <= 2 (eps0 + rbar_t / (l - rbar_t)) r_t, r_t = ||x_t - x*||_2, rbar_t = M r_t, eps0 in (0, 0.1)",
            premise: PREMISE,
            expected: Expected::Fails,
            correction: Some("two-layer/shrinking-hessian-norm"),
            note: "As dls23/shrinking-euclidean (E3), one step at eps0 = 1/20 with the worst H~ of the band. The witness has A2 = (1, -1), b = 0, x* = 0 and a condition number of 100.",
            family: FAMILY,
            strata: STRATA,
            attack: None,
            real_rows: 0,
            check: |case| shrinking(&THEOREM, case, Norm::Euclidean, Factor::Printed),
            control: Control {
                fault: "the norm of H(x_t) and its own factor",
                check: |case| shrinking(&THEOREM, case, Norm::Hessian, Factor::Derived),
            },
            witness: Some(include_str!(
                "../../../fixtures/witnesses/two-layer-shrinking-euclidean.json"
            )),
        },
        Claim {
            id: "two-layer/contraction-04",
            paper: Paper::TwoLayer,
            source: "the lemma of the Newton papers (thesis Lemma 2.1.19) carried over to this loss",
            wording: Wording::Derived,
            statement: "r_{t+1} <= 0.4 r_t for every eps0-approximate Newton step, eps0 in (0, 0.1)",
            premise: "as two-layer/shrinking-euclidean, and r_i <= 0.4 r_{i-1}, M r_i <= 0.1 l for i in [t]",
            expected: Expected::Fails,
            correction: Some("two-layer/contraction-hessian-norm"),
            note: "Checked with t = 1: a real first step that meets the induction hypothesis, then the worst H~ in the band, both \
                bands verified at 40 digits.",
            family: FAMILY,
            strata: STRATA,
            attack: None,
            real_rows: 0,
            check: |case| induction(&THEOREM, case, Conclusion::Contraction),
            control: Control {
                fault: "the norm of H(x*), rate 0.2, start within 0.1 l / (M sqrt(kappa))",
                check: |case| iteration(&THEOREM, case, Norm::Hessian),
            },
            witness: Some(include_str!(
                "../../../fixtures/witnesses/two-layer-contraction-04.json"
            )),
        },
        Claim {
            id: "two-layer/shrinking-hessian-norm",
            paper: Paper::TwoLayer,
            source: "replaces two-layer/shrinking-euclidean",
            wording: Wording::Derived,
            statement: "||x_{t+1}-x*||_{H(x_t)} <= ( eps0/(1-eps0) + rbar_t/(2(1-eps0)(l-rbar_t)) ) ||x_t-x*||_{H(x_t)}",
            premise: PREMISE,
            expected: Expected::Holds,
            correction: None,
            note: "As dls23/shrinking-hessian-norm, and attained by H~ = (1-eps0)H as rbar_t tends to 0. Tried on reflections, \
                (1-eps0)H, (1+eps0)H and, where it is in the band, a leverage-score sample of the diagonal part, from two \
                directions.",
            family: FAMILY,
            strata: STRATA,
            attack: None,
            real_rows: 0,
            check: |case| shrinking_in_hessian_norm(&THEOREM, case, Factor::Derived),
            control: Control {
                fault: "eps0 in place of eps0/(1-eps0)",
                check: |case| shrinking_in_hessian_norm(&THEOREM, case, Factor::TooSmall),
            },
            witness: None,
        },
        Claim {
            id: "two-layer/contraction-hessian-norm",
            paper: Paper::TwoLayer,
            source: "replaces two-layer/contraction-04",
            wording: Wording::Derived,
            statement: "||x_{t+1}-x*||_{H(x*)} <= 0.2 ||x_t-x*||_{H(x*)} for all t and every eps0 in (0, 0.1), hence r_t <= \
                sqrt(kappa(H(x*))) 0.2^t r_0",
            premise: "as two-layer/shrinking-euclidean, with M sqrt(kappa(H(x*))) r_0 <= 0.1 l for M r_t <= 0.1 l",
            expected: Expected::Holds,
            correction: None,
            note: "As dls23/contraction-hessian-norm: factor at most 0.1911. Followed over four steps at eps0 = 0.099, \
                reflections and (1-eps0)H in turn.",
            family: FAMILY,
            strata: STRATA,
            attack: None,
            real_rows: 0,
            check: |case| iteration(&THEOREM, case, Norm::Hessian),
            control: Control {
                fault: "the Euclidean norm",
                check: |case| iteration(&THEOREM, case, Norm::Euclidean),
            },
            witness: None,
        },
        Claim {
            id: "two-layer/iteration-count",
            paper: Paper::TwoLayer,
            source: "abstract: \"after O(log(1/eps)) iterations\", with an explicit constant",
            wording: Wording::Derived,
            statement: "T = ceil( ln( sqrt(kappa(H(x*))) r_0 / eps ) / ln 5 ) steps with eps0 in (0, 0.1) end within eps: ||x_T - x*||_2 <= eps",
            premise: "as two-layer/contraction-hessian-norm",
            expected: Expected::Holds,
            correction: None,
            note: "What the O of a logarithmic count hides: the condition number, since a step may lengthen the error in the Euclidean norm. Follows from two-layer/contraction-hessian-norm. Followed over all T steps at eps0 = 0.099, r_0 / eps from 10 to 10^4, reflections and (1-eps0)H in turn.",
            family: Family {
                cases: 21,
                ..FAMILY
            },
            strata: &[
                Stratum::Condition(0),
                Stratum::Condition(3),
                Stratum::OneColumn,
                Stratum::Square,
            ],
            attack: None,
            real_rows: 0,
            check: |case| ends_in_time(&THEOREM, case, Count::WithCondition),
            control: Control {
                fault: "without sqrt(kappa)",
                check: |case| ends_in_time(&THEOREM, case, Count::WithoutCondition),
            },
            witness: None,
        },
    ]
}
