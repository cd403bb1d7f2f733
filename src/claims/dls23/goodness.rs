//! What Theorem 2.3.1 needs of its loss and does not say: that it is (l, M)-good (Definition 2.1.11), and that the diagonal
//! which Lemma 2.1.16 samples is positive.

use nalgebra::DVector;

use crate::claims::dls23::lipschitz::{hessian_change, without_beta};
use crate::claims::dls23::pair::{Number, Target, decide};
use crate::claims::proof::{self, LOWER, Proof, at_least, implied, whole};
use crate::claims::tools::builder::{claim, strata};
use crate::claims::tools::exact::Exact;
use crate::claims::tools::forms::{self, HessianForm};
use crate::claims::{Case, CheckError, Claim, Family, Outside, Verdict, Weights};
use crate::oracle::{self, Reference};
use crate::scalar::{Allowance, High};

use super::definiteness::{Premise, Rank, at_least_l, eigenvalue_error};
use super::hardest;

/// The weights of Theorem 2.3.1.
const WEIGHTS: i64 = 100;

/// (l, M)-goodness: `grad L(x*) = 0` with `H(x*) >= l I`; `H >= l I` at the case's two points as well, so that no other point is
/// stationary; and the change of H between those two. `M = n^1.5 exp(k R^2)` with the least R that `||A||, ||x*||_2 <= R` allows.
fn good(case: &Case, k: i64) -> Result<Verdict, CheckError> {
    let here = Exact::of(case)?;
    if here.target_norm() > High::ONE {
        return Ok(Verdict::Outside(Outside::Target));
    }
    let threshold = High::int(WEIGHTS);
    let premise = match Premise::of(&here, threshold, Rank::Full)? {
        Ok(premise) => premise,
        Err(reason) => return Ok(Verdict::Outside(reason)),
    };
    let origin = DVector::from_element(case.instance.columns(), High::ZERO);
    let minimiser = oracle::minimise(&Reference::new(&case.instance)?, &origin)?;
    let radius = premise.norm.max(minimiser.x.norm()).rounded_up();
    // The Hessian at the computed x* is off by at most `||A||^3` times the error of x* (dls23/hessian-lipschitz-explicit).
    let moved = Allowance::new(
        premise.norm.powi(3) * minimiser.error_bound,
        "what is not known of x*",
    );
    let mut verdict = decide(case, Target::UnitBall, &|pair| {
        hessian_change(pair, without_beta(pair, k, radius))
    })?;
    let other = Exact::at(&case.instance, oracle::lift_vector(&case.y()))?;
    for at in [Exact::at(&case.instance, minimiser.x)?, here, other] {
        let error = moved.clone() + eigenvalue_error(&at, at.squared_weights().max());
        verdict = verdict.and(at_least_l(
            &at.evaluation()?.hessian,
            &premise,
            threshold,
            error,
        )?);
    }
    Ok(verdict)
}

/// `D_ii = (B_diag)_ii + share w_i^2 > 0` for the printed and the corrected `B_diag`, told as `-(B_diag)_ii <= share w_i^2`.
fn diagonal_is_positive(case: &Case, share: High) -> Result<Verdict, CheckError> {
    let exact = Exact::of(case)?;
    if exact.target_norm() > High::ONE {
        return Ok(Verdict::Outside(Outside::Target));
    }
    let squares = exact.squared_weights();
    if squares.iter().any(|square| *square <= High::int(WEIGHTS)) {
        return Ok(Verdict::Outside(Outside::Weights));
    }
    // Each entry of B_diag has four terms of size at most 2.
    let error = exact.error(High::int(8));
    let mut verdict = Verdict::VACUOUS;
    for form in [HessianForm::Printed, HessianForm::Corrected] {
        let entries = forms::diagonal_part(form, &exact.p, &exact.b);
        for (i, (entry, square)) in entries.iter().zip(squares.iter()).enumerate() {
            let quantity = format!("-(B_diag)[{i}]");
            verdict = verdict.and(Verdict::at_most(
                &quantity,
                -*entry,
                share * *square,
                error.clone(),
            ));
        }
    }
    Ok(verdict)
}

/// The claims about the theorem's loss.
pub fn claims() -> Vec<Claim> {
    vec![
        claim("dls23/theorem-loss-is-good")
            .derived("thesis Definition 2.1.11 with the constants of Theorem 2.3.1, which its lemmas ask for")
            .states("L is (l, M)-good with M = n^1.5 exp(30R^2): there is exactly one x* with grad L(x*) = 0, H(x*) >= l I, and ||H(x) - H(y)|| <= M ||x - y||_2 for all x, y")
            .formula(r"\begin{aligned} &\exists!\, x^*: \ \nabla L(x^*) = 0, \quad H(x^*) \succeq l I_d, \\
                &\|H(x) - H(y)\| \le M \|x - y\|_2 \ \forall x, y, \quad M = n^{1.5} \exp(30R^2) \end{aligned}")
            .given("w_i^2 >= 100 + l / sigma_min(A)^2, l > 0, rank(A) = d, ||b||_1 <= 1, ||A||, ||x*||_2 <= R")
            .note("True, with room: B >= -0.2405 I makes L strongly convex with more than l everywhere, hence x* exists and is the only one; M bounds the change on all of R^d although Lemma 2.1.21 speaks of short x. The text never says that L is good.")
            .on(Family {
                rows: (1, 6),
                columns: (1, 3),
                norm: 1.0,
                weights: Weights::AboveSquaredCondition { base: 100.0 },
                points: 2,
                cases: 42,
                ..Family::GENERAL
            }, strata!(Condition: 0 3 6; Gap: 0 3; OneColumn; Square; SignedTarget))
            .check(|case| good(case, 30))
            .fault("M = n^1.5 exp(-300R^2)", |case| good(case, -300))
            .proven(Proof::by_lipschitz(|| {
                // B + W^2 > l / sigma_min^2 I everywhere: L is strongly convex, so x* exists and is the only one.
                let convex = implied(&[at_least(whole(100), LOWER, 1)])?;
                Ok(format!("{convex}; {}", proof::exponential_suffices(30)?))
            })),
        claim("dls23/surrogate-diagonal-positive")
            .derived("thesis Algorithm 1 line 5 under Theorem 2.3.1; asked for by Lemma 2.1.16")
            .states("D = B_diag + w o w has D_ii > 0 for all i, for B_diag as printed and as corrected")
            .formula(r"\begin{aligned} D_{ii} &> 0 \ \forall i, \quad D = B_{\text{diag}} + \operatorname{diag}(w \circ w), \\
                B_{\text{diag}} &= \pm \langle f-b, f\rangle \operatorname{diag}(f) + \operatorname{diag}((2f-b) \circ f) \\
                &\quad (+ \text{ as printed}, - \text{ as corrected}) \end{aligned}")
            .given("||b||_1 <= 1, w_i^2 > 100")
            .note("Lemma 2.1.16 samples a positive D only, and the text does not show that this one is. No entry of the corrected B_diag is below -1, none of the printed one below -3/2 (derivation in diagonal_surrogate.rs); the search ends at -0.220.")
            .on(Family { weights: Weights::Above { base: 100.0 }, cases: 42, ..Family::GENERAL }, strata!(Gap: 0 3; OneRow; OneColumn; Square; SignedTarget))
            .attacked(4, |rng| {
                hardest::search(rng, 1.0, |p, b| {
                    -forms::diagonal_part(HessianForm::Corrected, p, b).min()
                })
                .as_identity(100.0)
            })
            .real_rows(16)
            .check(|case| diagonal_is_positive(case, High::ONE))
            .fault("D = B_diag", |case| diagonal_is_positive(case, High::ZERO)),
    ]
}
