//! SUBSAMPLE on the diagonal part of the residual softmax Hessian and `w^2`: positive for weights above the threshold, whose
//! first summand bounds the diagonal part from below, and its guarantee.

use crate::claims::sampling::guarantee::guarantee_of_diagonal;
use crate::claims::tools::builder::{claim, strata};
use crate::claims::tools::exact::Exact;
use crate::claims::{Case, CheckError, Claim, Drawn, Family, Outside, Targets, Verdict, Weights};

use super::definiteness::threshold;
use super::model::Model;

/// The guarantee for the diagonal at the case's point, with so many times the proven number of draws.
fn sampled(case: &Case, share: f64) -> Result<Verdict, CheckError> {
    let exact = Exact::of(case)?;
    let model = Model::at(&exact.z);
    if !model.alpha.is_positive() {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let squares = exact.squared_weights();
    if squares.min() < threshold(&model, &exact.z, &exact.b) {
        return Ok(Verdict::Outside(Outside::Weights));
    }
    let diagonal = model.diagonal(&exact.b) + squares;
    guarantee_of_diagonal(case, &diagonal, share)
}

/// The claims about sampling.
pub fn claims() -> Vec<Claim> {
    vec![claim("residual-softmax/subsample-guarantee")
        .derived("SUBSAMPLE of the Newton papers on the diagonal part of this loss's Hessian")
        .states("s = ceil(3 eps0^-2 d ln(2d/delta)) draws by the leverage scores of sqrt(D) A give (1-eps0) A'DA <= A'D~A <= \
            (1+eps0) A'DA with probability at least 1 - delta, D = diag(k o k + alpha^-1 e o (c - <c, f> 1)) + w o w, which is positive")
        .formula(r"\begin{aligned} \Pr\bigl[(1 - \epsilon_0) A^\top D A \preceq A^\top \widetilde D A \preceq (1 + \epsilon_0) A^\top D A\bigr] &\ge 1 - \delta, \\
            s = \bigl\lceil 3 \epsilon_0^{-2} d \ln(2d / \delta) \bigr\rceil &\text{ draws by the leverage scores of } \sqrt{D} A, \\
            D = \operatorname{diag}\bigl(k \circ k + \alpha^{-1} e \circ (c - \langle c, f\rangle \mathbf{1}_n)&\bigr) + \operatorname{diag}(w \circ w) \succ 0 \end{aligned}")
        .given("alpha(x) > 0, w_i^2 >= T with the T of residual-softmax/hessian-lower-bound, rank(A) = d")
        .note("A'DA is the Hessian without a remainder of rank at most 2 (residual-softmax/hessian-diagonal-plus-rank-two), which needs no sampling. 120 subsamples a case against an exact \
            binomial limit (false alarm 1e-9).")
        .on(Family {
            losses: &[Drawn::ResidualSoftmax],
            rows: (280, 320),
            tall: (0, 0),
            columns: (1, 3),
            radii: &[0.5, 1.0],
            targets: Targets::Any,
            weights: Weights::AboveTargetNorm {
                base: 1.0,
                linear: 1.0,
                square: 0.1,
                power: 0,
            },
            cases: 9,
            ..Family::GENERAL
        }, strata!(Condition: 0 3 6; Gap: 0; SignedTarget))
        .check(|case| sampled(case, 1.0))
        .fault("a hundredth of the draws", |case| sampled(case, 0.01))]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_below_the_threshold_are_outside() {
        let text = r#"{"loss": "residual-softmax", "matrix": [[1], [0.5]], "target": [0, 0], "weights": 0, "points": [[0]]}"#;
        let verdict = sampled(&Case::of_text(text, 0), 1.0).unwrap();
        assert_eq!(verdict, Verdict::Outside(Outside::Weights));
    }
}
