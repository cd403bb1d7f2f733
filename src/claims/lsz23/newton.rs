//! The lemmas on approximate Newton steps (LSZ23 Lemmas 6.9 and 6.10) for the three losses: as for softmax false in the
//! Euclidean norm, true in the norm of the Hessian.

use crate::claims::exact::Exact;
use crate::claims::newton_steps::{
    Conclusion, Count, Factor, Norm, ends_in_time, exact_step, induction, iteration, shrinking,
    shrinking_in_hessian_norm,
};
use crate::claims::newton_support::{Sign, Theorem};
use crate::claims::{
    Claim, Control, Expected, Family, Outside, Paper, Stratum, Targets, Weights, Wording,
};
use crate::scalar::High;

use super::definiteness::{half_square, surplus};
use super::derivatives::LOSSES;
use super::forms::{Phi, curvatures};
use super::lipschitz::recalled_constant;

/// The main theorem as recalled: `w_i^2 >= 0.5 b_i^2 + l / sigma_min(A)^2`, `M = sqrt(n) exp(6 R^2)` with `R >= 2`, `||A||`,
/// `||x*||`, `||b||_2`.
///
/// The Hessian is not Lipschitz on all of R^d. Of the lemmas only the segment from `x*` to `x_t` matters, where `||x|| <= R + r_t`
/// with `r_t <= 0.1 l / M`. The largest `l` of the claims' family is `400 ||A||^2 <= 400`, so `r_t < 1e-8`: the true constant there
/// is below twice `R^3 (4 exp(2R^2) + R exp(R^2))`, and `M` is larger than that by five decades. Where `w_i^2 > 0.5 b_i^2` the loss
/// is strictly convex, so `x*` is unique.
const THEOREM: Theorem = Theorem {
    surplus: |exact| {
        let phi = Phi::of(exact.instance.loss()).ok_or(Outside::Premise)?;
        let surplus = surplus(phi, exact, half_square).1;
        if surplus.is_positive() {
            Ok(surplus)
        } else {
            Err(Outside::Weights)
        }
    },
    lipschitz: |exact, radius| {
        let n = High::int(exact.a.nrows() as i64);
        Ok(recalled_constant(
            n,
            radius.max(exact.b.norm()).max(High::int(2)),
        ))
    },
    diagonal,
};

/// `D(z) + w^2` (n); `w^2` alone for another loss, which the premise refuses.
fn diagonal(exact: &Exact) -> nalgebra::DVector<High> {
    let squares = exact.squared_weights();
    match Phi::of(exact.instance.loss()) {
        Some(phi) => curvatures(phi, exact) + squares,
        None => squares,
    }
}

/// Inside the premise at every condition number: see `Weights::AboveSquaredCondition`.
const FAMILY: Family = Family {
    losses: LOSSES,
    rows: (1, 6),
    columns: (1, 3),
    gaps: &[],
    norm: 1.0,
    targets: Targets::UnitBall,
    weights: Weights::AboveSquaredTarget {
        base: 100.0,
        share: 0.5,
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
    Stratum::OneRow,
    Stratum::OneColumn,
    Stratum::Square,
    Stratum::SignedTarget,
];

const PREMISE: &str = "the main theorem as recalled: M = sqrt(n) exp(6 R^2), R >= 2, ||A||, ||x*||, ||b||_2 <= R, w_i^2 >= 0.5 b_i^2 + l/sigma_min(A)^2, M r_t <= 0.1 l";

/// The claims about single steps and their induction.
pub fn claims() -> Vec<Claim> {
    vec![
        Claim {
            id: "lsz23/shrinking-euclidean",
            paper: Paper::Lsz23,
            source: "Lemma 6.9, as the thesis prints it (Lemma 2.1.18), under the main theorem as recalled",
            wording: Wording::Recalled,
            statement: "r_{t+1} <= 2 (eps0 + rbar_t / (l - rbar_t)) r_t, r_t = ||x_t - x*||_2, rbar_t = M r_t, eps0 in (0, 0.1)",
            premise: PREMISE,
            expected: Expected::Fails,
            correction: Some("lsz23/shrinking-hessian-norm"),
            note: "As dls23/shrinking-euclidean (E3), one step at eps0 = 1/20 with the worst H~ of the band. The witness is an exp regression with b = (1, 1), x* = 0 and a condition number of 100. The wording in the thesis asks for an M on all of R^d, which these losses do not have (lsz23/hessian-lipschitz-everywhere); here M holds on the segment from x* to x_t.",
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
                "../../../fixtures/witnesses/lsz23-shrinking-euclidean.json"
            )),
        },
        Claim {
            id: "lsz23/contraction-04",
            paper: Paper::Lsz23,
            source: "Lemma 6.10, as the thesis prints it (Lemma 2.1.19), under the main theorem as recalled",
            wording: Wording::Recalled,
            statement: "r_{t+1} <= 0.4 r_t for every eps0-approximate Newton step, eps0 in (0, 0.1)",
            premise: "as Lemma 6.9, and r_i <= 0.4 r_{i-1}, M r_i <= 0.1 l for i in [t]",
            expected: Expected::Fails,
            correction: Some("lsz23/contraction-hessian-norm"),
            note: "Checked with t = 1: a real first step that meets the induction hypothesis, then the worst H~ in the band, both bands verified at 40 digits. M as in lsz23/shrinking-euclidean.",
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
                "../../../fixtures/witnesses/lsz23-contraction-04.json"
            )),
        },
        Claim {
            id: "lsz23/shrinking-hessian-norm",
            paper: Paper::Lsz23,
            source: "replacement of Lemma 6.9",
            wording: Wording::Derived,
            statement: "||x_{t+1}-x*||_{H(x_t)} <= ( eps0/(1-eps0) + rbar_t/(2(1-eps0)(l-rbar_t)) ) ||x_t-x*||_{H(x_t)}",
            premise: PREMISE,
            expected: Expected::Holds,
            correction: None,
            note: "As dls23/shrinking-hessian-norm, and attained by H~ = (1-eps0)H as rbar_t tends to 0. Tried on reflections, (1-eps0)H, (1+eps0)H and a genuine leverage-score sample of D(z) + w^2, from two directions.",
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
            id: "lsz23/contraction-hessian-norm",
            paper: Paper::Lsz23,
            source: "replacement of Lemma 6.10",
            wording: Wording::Derived,
            statement: "||x_{t+1}-x*||_{H(x*)} <= 0.2 ||x_t-x*||_{H(x*)} for all t and every eps0 in (0, 0.1), hence r_t <= sqrt(kappa(H(x*))) 0.2^t r_0",
            premise: "the main theorem as recalled, and M sqrt(kappa(H(x*))) r_0 <= 0.1 l",
            expected: Expected::Holds,
            correction: None,
            note: "As dls23/contraction-hessian-norm: factor at most 0.1911. Followed over four steps at eps0 = 0.099, reflections and (1-eps0)H in turn.",
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
            id: "lsz23/contraction-exact-newton",
            paper: Paper::Lsz23,
            source: "Lemmas 6.9 and 6.10 at eps0 = 0",
            wording: Wording::Derived,
            statement: "with H~ = H: r_{t+1} <= rbar_t/(2(l - rbar_t)) r_t <= 0.4 r_t",
            premise: PREMISE,
            expected: Expected::Holds,
            correction: None,
            note: "The lemmas are right for the exact Newton step; M is so large that the bound holds by many orders of magnitude.",
            family: FAMILY,
            strata: STRATA,
            attack: None,
            real_rows: 0,
            check: |case| exact_step(&THEOREM, case, Sign::Minus),
            control: Control {
                fault: "x + H^-1 g in place of x - H^-1 g",
                check: |case| exact_step(&THEOREM, case, Sign::Plus),
            },
            witness: None,
        },
        Claim {
            id: "lsz23/iteration-count",
            paper: Paper::Lsz23,
            source: "abstract: \"log(||x_0 - x*||_2 / eps) iterations\", with an explicit constant",
            wording: Wording::Derived,
            statement: "T = ceil( ln( sqrt(kappa(H(x*))) r_0 / eps ) / ln 5 ) steps with eps0 in (0, 0.1) end within eps: ||x_T - x*||_2 <= eps",
            premise: "the main theorem as recalled, and M sqrt(kappa(H(x*))) r_0 <= 0.1 l",
            expected: Expected::Holds,
            correction: None,
            note: "What the O of a logarithmic count hides: the condition number, since a step may lengthen the error in the Euclidean norm. Follows from lsz23/contraction-hessian-norm. Followed over all T steps at eps0 = 0.099, r_0 / eps from 10 to 10^4, reflections and (1-eps0)H in turn.",
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
