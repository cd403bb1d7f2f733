//! The lemmas of the Newton papers on approximate Newton steps for the residual softmax loss, in a region around the origin
//! where the normaliser keeps away from zero: false in the Euclidean norm, true in the norm of the Hessian.
//!
//! *The region.* Let `X = {x : ||Ax||_inf <= 1/4}`, a convex set. `exp(t) + t` increases, so on X every `u_i >= exp(-1/4) - 1/4`
//! and `alpha >= beta = n (exp(-1/4) - 1/4)`. The threshold `T` and the Lipschitz constant with `rho = 1/4` and this `beta`
//! hold on X, where the loss is therefore strictly convex: a critical point in X is its only minimiser there. For `||A||,
//! ||x*|| <= R`, `R^2 <= 3/20` gives `||Ax*||_inf <= 3/20`; and `M >= l R` gives `||A(x - x*)|| <= 1/10` wherever `M ||x - x*||
//! <= 0.1 l`. So `x*`, every iterate that the lemmas speak of and the segments between them lie in X.

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
use crate::instance::LossKind;
use crate::scalar::High;

use super::definiteness::threshold_over;
use super::lipschitz::constant;
use super::model::Model;

/// `1/4`, the bound of `||Ax||_inf` in X.
fn reach() -> High {
    High::ratio(1, 4)
}

/// `n (exp(-1/4) - 1/4)`, rounded down.
fn least_normaliser(n: usize) -> High {
    let beta = High::int(n as i64) * ((-reach()).exp() - reach());
    beta - beta.shifted(-30)
}

/// `min_i w_i^2 - T`.
fn surplus(exact: &Exact) -> Result<High, Outside> {
    if !matches!(exact.instance.loss(), LossKind::ResidualSoftmax) {
        return Err(Outside::Premise);
    }
    let n = exact.a.nrows();
    let threshold = threshold_over(n, reach(), least_normaliser(n), exact.b.norm());
    let surplus = exact.squared_weights().min() - outwards(threshold);
    if surplus.is_positive() {
        Ok(surplus)
    } else {
        Err(Outside::Weights)
    }
}

/// `w_i^2 >= T + l / sigma_min(A)^2`, `R^2 <= 3/20`, `M = max(R^3 (3 F1 F2 + (phi + ||b||) F3), l R)`.
const THEOREM: Theorem = Theorem {
    surplus,
    lipschitz: |exact, radius| {
        if radius.square() > High::ratio(3, 20) {
            return Err(Outside::Norm);
        }
        let n = exact.a.nrows();
        let own = constant(n, reach(), least_normaliser(n), exact.b.norm()) * radius.powi(3);
        let (_, smallest) = exact.singular_range().map_err(|_| Outside::Rank)?;
        Ok(own.max(surplus(exact)? * smallest.square() * radius))
    },
    diagonal: |exact| Model::at(&exact.z).diagonal(&exact.b) + exact.squared_weights(),
};

/// The threshold on X is below `256 + 200 ||b|| + 7 ||b||^2` for every n; `0.375^2 < 3/20`.
const FAMILY: Family = Family {
    losses: &[Drawn::ResidualSoftmax],
    rows: (1, 6),
    columns: (1, 3),
    gaps: &[],
    norm: 0.375,
    targets: Targets::Any,
    weights: Weights::AboveTargetNorm {
        base: 256.0,
        linear: 200.0,
        square: 7.0,
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

const PREMISE: &str = "A has full column rank, ||A||, ||x*||_2 <= R, R^2 <= 3/20; with rho = 1/4, beta = n (exp(-1/4) - 1/4): w_i^2 >= T + l/sigma_min(A)^2, T as in residual-softmax/hessian-lower-bound, M = max(R^3 (3 F1 F2 + (phi + ||b||_2) F3), l R) as in residual-softmax/hessian-lipschitz-beta, M r_t <= 0.1 l";

/// The claims about single steps and their induction.
pub fn claims() -> Vec<Claim> {
    vec![
        Claim {
            id: "residual-softmax/shrinking-euclidean",
            paper: Paper::ResidualSoftmax,
            source: "the lemma of the Newton papers (thesis Lemma 2.1.18) carried over to this loss",
            wording: Wording::Derived,
            statement: "r_{t+1} <= 2 (eps0 + rbar_t / (l - rbar_t)) r_t, r_t = ||x_t - x*||_2, rbar_t = M r_t, eps0 in (0, 0.1)",
            premise: PREMISE,
            expected: Expected::Fails,
            correction: Some("residual-softmax/shrinking-hessian-norm"),
            note: "As dls23/shrinking-euclidean (E3), one step at eps0 = 1/20 with the worst H~ of the band. The witness has b = (1/2, 1/2), x* = 0 and a condition number of 100.",
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
                "../../../fixtures/witnesses/residual-softmax-shrinking-euclidean.json"
            )),
        },
        Claim {
            id: "residual-softmax/contraction-04",
            paper: Paper::ResidualSoftmax,
            source: "the lemma of the Newton papers (thesis Lemma 2.1.19) carried over to this loss",
            wording: Wording::Derived,
            statement: "r_{t+1} <= 0.4 r_t for every eps0-approximate Newton step, eps0 in (0, 0.1)",
            premise: "as residual-softmax/shrinking-euclidean, and r_i <= 0.4 r_{i-1}, M r_i <= 0.1 l for i in [t]",
            expected: Expected::Fails,
            correction: Some("residual-softmax/contraction-hessian-norm"),
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
                "../../../fixtures/witnesses/residual-softmax-contraction-04.json"
            )),
        },
        Claim {
            id: "residual-softmax/shrinking-hessian-norm",
            paper: Paper::ResidualSoftmax,
            source: "replaces residual-softmax/shrinking-euclidean",
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
            id: "residual-softmax/contraction-hessian-norm",
            paper: Paper::ResidualSoftmax,
            source: "replaces residual-softmax/contraction-04",
            wording: Wording::Derived,
            statement: "||x_{t+1}-x*||_{H(x*)} <= 0.2 ||x_t-x*||_{H(x*)} for all t and every eps0 in (0, 0.1), hence r_t <= \
                sqrt(kappa(H(x*))) 0.2^t r_0",
            premise: "as residual-softmax/shrinking-euclidean, with M sqrt(kappa(H(x*))) r_0 <= 0.1 l for M r_t <= 0.1 l",
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
            id: "residual-softmax/iteration-count",
            paper: Paper::ResidualSoftmax,
            source: "the iteration count of the Newton papers, O(log(||x_0 - x*||_2 / eps)), carried over to this loss with an explicit constant",
            wording: Wording::Derived,
            statement: "T = ceil( ln( sqrt(kappa(H(x*))) r_0 / eps ) / ln 5 ) steps with eps0 in (0, 0.1) end within eps: ||x_T - x*||_2 <= eps",
            premise: "as residual-softmax/contraction-hessian-norm",
            expected: Expected::Holds,
            correction: None,
            note: "What the O of a logarithmic count hides: the condition number, since a step may lengthen the error in the Euclidean norm. Follows from residual-softmax/contraction-hessian-norm. Followed over all T steps at eps0 = 0.099, r_0 / eps from 10 to 10^4, reflections and (1-eps0)H in turn.",
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
