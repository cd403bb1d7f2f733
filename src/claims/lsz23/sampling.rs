//! SUBSAMPLE on the diagonal `D(z) + w^2`: its guarantee, and that the diagonal must be positive first.

use crate::claims::sampling::guarantee::guarantee_of_diagonal;
use crate::claims::tools::builder::{claim, strata, witness};
use crate::claims::tools::exact::Exact;
use crate::claims::{Case, CheckError, Claim, Family, Outside, Stratum, Targets, Verdict, Weights};

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
        .fold(Verdict::VACUOUS, Verdict::and))
}

const CONDITIONS: &[Stratum] = strata!(Condition: 0 3 6; Gap: 0 1; SignedTarget);

/// The claims about sampling.
pub fn claims() -> Vec<Claim> {
    vec![
        claim("lsz23/subsample-any-weights")
            .derived("the algorithm's call SUBSAMPLE(D, A, ..), which asks for a positive diagonal, without the paper's hypothesis on w")
            .states("the diagonal D(z) + w o w that is sampled is positive, whatever the weights")
            .formula(r"D(z)_i + w_i^2 > 0 \quad \forall i, w")
            .note("The sampling lemma needs D_ii > 0, and that is the same condition as a definite Hessian: w_i^2 > -min D. At the witness (exp, b = 4, w = 1, z = 0) the entry is -1 and leverage scores of sqrt(D) A do not exist.")
            .on(Family { weights: Weights::Moderate, cases: 56, ..GENERAL }, CONDITIONS)
            .check(|case| positive(case, Premise::None))
            .fault("w_i^2 >= 0.5 b_i^2 + l / sigma_min(A)^2 asked for", |case| positive(case, Premise::Threshold))
            .refuted("lsz23/subsample-guarantee", witness!("lsz23-subsample-any-weights")),
        claim("lsz23/subsample-guarantee")
            .derived("the algorithm's call SUBSAMPLE(D, A, ..) with D = D(z) + w o w")
            .states("s = ceil(3 eps0^-2 d ln(2d/delta)) draws by the leverage scores of sqrt(D) A give (1-eps0) H <= A' D~ A <= (1+eps0) H with probability at least 1 - delta")
            .formula(r"\begin{aligned} \Pr\bigl[(1 - \epsilon_0) H \preceq A^\top \widetilde D A \preceq (1 + \epsilon_0) H\bigr] &\ge 1 - \delta, \\
                s = \bigl\lceil 3 \epsilon_0^{-2} d \ln(2d / \delta) \bigr\rceil &\text{ draws by the leverage scores of } \sqrt{D} A \end{aligned}")
            .given("w_i^2 > 0.5 b_i^2, rank(A) = d")
            .note("H = A' D A exactly, so the subsample alone is the approximate Hessian. 120 subsamples a case against an exact binomial limit (false alarm 1e-9); D spreads over up to nine decades.")
            .on(Family {
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
            }, CONDITIONS)
            .check(|case| sampled(case, 1.0))
            .fault("a hundredth of the draws", |case| sampled(case, 0.01)),
    ]
}
