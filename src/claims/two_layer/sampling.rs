//! SUBSAMPLE on the diagonal part `p o v - <p,v> p` of the two-layer Hessian and `w^2`: positive for weights above
//! `R (H + ||b||) / 2`, as `p o v - <p,v> p = P v`, `||P|| <= 1/2` and `||v|| <= R (H + ||b||)`; and its guarantee.

use crate::claims::sampling::guarantee::guarantee_of_diagonal;
use crate::claims::tools::builder::{claim, strata};
use crate::claims::tools::exact::Exact;
use crate::claims::{Case, CheckError, Claim, Drawn, Family, Outside, Targets, Verdict, Weights};
use crate::instance::Activation;

use super::definiteness::constants;
use super::derivatives::model_of;

/// The guarantee for the diagonal at the case's point, with so many times the proven number of draws.
fn sampled(case: &Case, share: f64) -> Result<Verdict, CheckError> {
    let exact = Exact::of(case)?;
    let squares = exact.squared_weights();
    if squares.min() <= constants(&exact)?.diagonal_threshold() {
        return Ok(Verdict::Outside(Outside::Weights));
    }
    let diagonal = model_of(&exact)?.diagonal() + squares;
    guarantee_of_diagonal(case, &diagonal, share)
}

/// The claims about sampling.
pub fn claims() -> Vec<Claim> {
    vec![claim("two-layer/subsample-guarantee")
        .derived("SUBSAMPLE of the Newton papers on the diagonal part of this loss's Hessian")
        .states("s = ceil(3 eps0^-2 d ln(2d/delta)) draws by the leverage scores of sqrt(D) A give (1-eps0) A'DA <= A'D~A <= \
            (1+eps0) A'DA with probability at least 1 - delta, D = diag(p o v) - <p,v> diag(p) + w o w, which is positive")
        .formula(r"\begin{aligned} \Pr\bigl[(1 - \epsilon_0) A^\top D A \preceq A^\top \widetilde D A \preceq (1 + \epsilon_0) A^\top D A\bigr] &\ge 1 - \delta, \\
            s = \bigl\lceil 3 \epsilon_0^{-2} d \ln(2d / \delta) \bigr\rceil &\text{ draws by the leverage scores of } \sqrt{D} A, \\
            D = \operatorname{diag}(p \circ v) - \langle p, v\rangle \operatorname{diag}(p) &+ \operatorname{diag}(w \circ w) \succ 0 \end{aligned}")
        .given("phi = tanh or softplus, w_i^2 > R (H + ||b||_2) / 2 with R >= ||A2|| and H as in two-layer/positive-definite-smooth, rank(A1) = d")
        .note("A'DA is the Hessian without a remainder of rank at most m + 2 (two-layer/hessian-diagonal-plus-low-rank), which needs no sampling. 120 \
            subsamples a case against an exact binomial limit (false alarm 1e-9).")
        .on(Family {
            losses: &[
                Drawn::TwoLayer(Activation::Tanh),
                Drawn::TwoLayer(Activation::Softplus),
            ],
            rows: (280, 320),
            tall: (0, 0),
            columns: (1, 3),
            gaps: &[0, 1],
            targets: Targets::Any,
            // R <= sqrt(4 * 320) < 36: R (R + 2 ln 2 + ||b||) / 2.
            weights: Weights::AboveTargetNorm {
                base: 680.0,
                linear: 18.0,
                square: 0.0,
                power: 0,
            },
            cases: 9,
            ..Family::GENERAL
        }, strata!(Condition: 0 3 6; Gap: 0 1; SignedTarget))
        .check(|case| sampled(case, 1.0))
        .fault("a hundredth of the draws", |case| sampled(case, 0.01))]
}
