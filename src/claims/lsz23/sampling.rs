//! SUBSAMPLE on the diagonal `D(z) + w^2`: its guarantee, and that the diagonal must be positive first.

use crate::claims::exact::Exact;
use crate::claims::sampling::guarantee::guarantee_of_diagonal;
use crate::claims::{
    Case, CheckError, Claim, Control, Expected, Family, Outside, Paper, Stratum, Targets, Verdict,
    Weights, Wording,
};

use super::definiteness::{GENERAL, half_square, surplus};
use super::derivatives::LOSSES;
use super::forms::{Phi, curvature_terms, curvatures};

/// The guarantee for `D(z) + w^2` at the case's point, with so many times the proven number of draws.
fn sampled(case: &Case, share: f64) -> Result<Verdict, CheckError> {
    let exact = Exact::of(case)?;
    let Some(phi) = Phi::of(case.instance.loss()) else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    if !surplus(phi, &exact, half_square).1.is_positive() {
        return Ok(Verdict::Outside(Outside::Weights));
    }
    let diagonal = curvatures(phi, &exact) + exact.squared_weights();
    guarantee_of_diagonal(case, &diagonal, share)
}

/// Whether the premise on the weights is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Premise {
    None,
    Threshold,
}

/// `D(z_i) + w_i^2 > 0` for all i, D from the oracle.
fn positive(case: &Case, premise: Premise) -> Result<Verdict, CheckError> {
    let exact = Exact::of(case)?;
    let Some(phi) = Phi::of(case.instance.loss()) else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    if premise == Premise::Threshold && !surplus(phi, &exact, half_square).1.is_positive() {
        return Ok(Verdict::Outside(Outside::Weights));
    }
    let entries = exact.logit_evaluation()?.hessian.diagonal();
    let terms = curvature_terms(phi, &exact);
    Ok((0..entries.len())
        .map(|i| {
            // -D_i <= w_i^2, so that the slack is how much of the weight is used.
            Verdict::at_most(
                &format!("-D[{i}] against w^2"),
                -entries[i],
                exact.w[i].square(),
                exact.error(terms[i]),
            )
        })
        .fold(
            Verdict::Holds {
                slack: f64::INFINITY,
            },
            Verdict::and,
        ))
}

const CONDITIONS: &[Stratum] = &[
    Stratum::Condition(0),
    Stratum::Condition(3),
    Stratum::Condition(6),
    Stratum::Gap(0),
    Stratum::Gap(1),
    Stratum::SignedTarget,
];

/// The claims about sampling.
pub fn claims() -> Vec<Claim> {
    vec![
        Claim {
            id: "lsz23/subsample-any-weights",
            paper: Paper::Lsz23,
            source: "the algorithm's call SUBSAMPLE(D, A, ..), which asks for a positive diagonal, without the paper's hypothesis on w",
            wording: Wording::Derived,
            statement: "the diagonal D(z) + w o w that is sampled is positive, whatever the weights",
            premise: "none",
            expected: Expected::Fails,
            correction: Some("lsz23/subsample-guarantee"),
            note: "The sampling lemma needs D_ii > 0, and that is the same condition as a definite Hessian: w_i^2 > -min D. At the witness (exp, b = 4, w = 1, z = 0) the entry is -1 and leverage scores of sqrt(D) A do not exist.",
            family: Family {
                weights: Weights::Moderate,
                cases: 56,
                ..GENERAL
            },
            strata: CONDITIONS,
            attack: None,
            real_rows: 0,
            check: |case| positive(case, Premise::None),
            control: Control {
                fault: "w_i^2 >= 0.5 b_i^2 + l / sigma_min(A)^2 asked for",
                check: |case| positive(case, Premise::Threshold),
            },
            witness: Some(include_str!(
                "../../../fixtures/witnesses/lsz23-subsample-any-weights.json"
            )),
        },
        Claim {
            id: "lsz23/subsample-guarantee",
            paper: Paper::Lsz23,
            source: "the algorithm's call SUBSAMPLE(D, A, ..) with D = D(z) + w o w",
            wording: Wording::Derived,
            statement: "s = ceil(3 eps0^-2 d ln(2d/delta)) draws by the leverage scores of sqrt(D) A give (1-eps0) H <= A' D~ A <= (1+eps0) H with probability at least 1 - delta",
            premise: "w_i^2 > 0.5 b_i^2, rank(A) = d",
            expected: Expected::Holds,
            correction: None,
            note: "H = A' D A exactly, so the subsample alone is the approximate Hessian. 120 subsamples a case against an exact binomial limit (false alarm 1e-9); D spreads over up to nine decades.",
            family: Family {
                losses: LOSSES,
                rows: (280, 320),
                tall: (0, 0),
                columns: (1, 3),
                gaps: &[0, 1],
                targets: Targets::Any,
                weights: Weights::AboveSquaredTarget {
                    base: 0.0,
                    share: 0.5,
                    power: 0,
                },
                cases: 9,
                ..Family::GENERAL
            },
            strata: CONDITIONS,
            attack: None,
            real_rows: 0,
            check: |case| sampled(case, 1.0),
            control: Control {
                fault: "a hundredth of the draws",
                check: |case| sampled(case, 0.01),
            },
            witness: None,
        },
    ]
}
