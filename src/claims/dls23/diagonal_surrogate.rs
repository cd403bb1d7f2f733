//! The diagonal that Algorithm 1 keeps of the Hessian, `D = B_diag + w^2`, and how much accuracy it leaves to the sampling
//! (E16, E23).
//!
//! *Derivation.* With `||b||_1 <= 1`: `-I <= B <= 1.25 I`. The corrected `B_diag` has the entries `p_i (p_i + c_i - <c,p>)`, between
//! -1 and 3 since `|c_i - <c,p>| <= 2`. So `B_diag - B` lies between `-2.25 I` and `4 I`, `B + W^2 >= 99 I`, and `D` is within
//! `4/99 < 1/24` of `B + W^2`. The printed `B_diag` exceeds the corrected by `2 <c,p> diag(p)`, between `-1/2` and 4, which
//! makes it `8/99 < 1/12`.

use nalgebra::{Cholesky, DMatrix, DVector};

use crate::claims::tools::attack::{Effort, cold_start, maximise};
use crate::claims::tools::builder::{Draft, claim, strata, witness};
use crate::claims::tools::exact::{Exact, of_eigenvalues, unit};
use crate::claims::tools::forms::{self, HessianForm};
use crate::claims::tools::newton_support::{gram, surrogate_diagonal};
use crate::claims::{
    Case, CheckError, Claim, Drawn, Family, Origin, Outside, Stratum, TALL, Targets, Verdict,
    Weights,
};
use crate::instance::sample::{self, Stream};
use crate::instance::{DesignMatrix, Instance, LossKind};
use crate::oracle::spectrum;
use crate::scalar::High;

/// The deviation of `(1 + oversampling) A'DA` from the oracle's Hessian, as eigenvalues relative to it, against `allowed`.
fn deviation(
    case: &Case,
    form: HessianForm,
    floor: i64,
    oversampling: High,
    allowed: High,
) -> Result<Verdict, CheckError> {
    let exact = Exact::of(case)?;
    let floor = High::int(floor);
    if exact.squared_weights().iter().any(|&w2| w2 <= floor) {
        return Ok(Verdict::Outside(Outside::Weights));
    }
    if exact.target_norm() > High::ONE {
        return Ok(Verdict::Outside(Outside::Target));
    }
    let (largest, smallest) = exact.singular_range()?;
    if smallest <= largest.shifted(-15) {
        return Ok(Verdict::Outside(Outside::Rank));
    }
    let hessian = exact.evaluation()?.hessian;
    let kept = gram(&exact.a, &surrogate_diagonal(&exact, form));
    let (low, high, bound) = relative_range(&hessian, &kept)?;
    let mut verdict: Option<Verdict> = None;
    // Both ends of what (1 - eps1) A'DA <= A'D~A <= (1 + eps1) A'DA allows.
    for (value, name) in [
        (
            (High::ONE + oversampling) * high - High::ONE,
            "lambda_max(H^-1 H~) - 1",
        ),
        (
            High::ONE - (High::ONE - oversampling) * low,
            "1 - lambda_min(H^-1 H~)",
        ),
    ] {
        let condition = (largest / smallest).square() * exact.squared_weights().amax();
        let error = of_eigenvalues(bound) * High::int(2) + exact.error(condition);
        let found = Verdict::at_most(name, value, allowed, error);
        verdict = Some(match verdict {
            Some(known) => known.and(found),
            None => found,
        });
    }
    verdict.ok_or_else(|| CheckError::Other("nothing was compared".to_owned()))
}

/// Smallest and largest eigenvalue of `H^-1 M` for positive definite H, and the certified error of the last decomposition.
fn relative_range(
    hessian: &DMatrix<High>,
    matrix: &DMatrix<High>,
) -> Result<(High, High, High), CheckError> {
    let singular = || CheckError::Other("the Hessian is not positive definite".to_owned());
    let factor = Cholesky::new(hessian.clone()).ok_or_else(singular)?.l();
    let half = factor
        .solve_lower_triangular(matrix)
        .ok_or_else(singular)?
        .transpose();
    let whitened = factor.solve_lower_triangular(&half).ok_or_else(singular)?;
    let (low, high, bound) = spectrum::extremes_with_bound(&whitened)?;
    Ok((low, high, bound + unit()))
}

/// Rows of the instances that the search builds: with two rows the low-rank part has no room of its own.
const SEARCH_ROWS: usize = 3;
/// Just above the square root of 100, in f64.
const SEARCH_WEIGHT: f64 = 10.0 + 1e-9;

/// The target of a point of the search, its last entries scaled to `||b||_1 <= 1`.
fn searched_target(point: &[f64]) -> DVector<f64> {
    let raw = DVector::from_column_slice(&point[SEARCH_ROWS..]);
    let total: f64 = raw.iter().map(|entry| entry.abs()).sum();
    // Rounded towards zero to multiples of 2^-30: the sum of magnitudes stays at most 1, exactly.
    raw.map(|entry| (entry / total.max(1e-300) * 1_073_741_824.0).trunc() / 1_073_741_824.0)
}

/// The deviation at a point of the search, in f64: the logits are its first entries.
fn searched_deviation(form: HessianForm, point: &[f64]) -> f64 {
    let b = searched_target(point);
    let p = forms::softmax(&DVector::from_column_slice(&point[..SEARCH_ROWS]));
    let square = SEARCH_WEIGHT * SEARCH_WEIGHT;
    let ridge = DMatrix::identity(SEARCH_ROWS, SEARCH_ROWS) * square;
    let full = forms::hessian(HessianForm::Corrected, &p, &b) + ridge;
    let scale = forms::diagonal_part(form, &p, &b).map(|entry| 1.0 / (entry + square).sqrt());
    let scale = DMatrix::from_diagonal(&scale);
    let values = (&scale * full * &scale).symmetric_eigenvalues();
    (1.0 / values.min() - 1.0).max(1.0 - 1.0 / values.max())
}

/// The case of a point of the search.
fn searched_case(point: &[f64], seed: u64) -> Result<Case, CheckError> {
    let n = SEARCH_ROWS;
    let instance = Instance::new(
        LossKind::Softmax,
        DesignMatrix::dense(DMatrix::identity(n, n))?,
        searched_target(point),
        DVector::from_element(n, SEARCH_WEIGHT),
    )?
    .with_points(vec![DVector::from_column_slice(&point[..n])])?;
    Ok(Case::new(Origin::Attack(0), instance, seed))
}

/// Searches logits and targets for the largest deviation, with `A = I` and all `w_i^2` just above 100.
fn attack_with(form: HessianForm, rng: &mut Stream) -> Result<Case, CheckError> {
    let start = cold_start(rng, 2 * SEARCH_ROWS, 3);
    let (best, _) = maximise(
        &|point| searched_deviation(form, point),
        start,
        Effort::USUAL,
    );
    searched_case(&best, sample::integer(rng, 0, i64::MAX) as u64)
}

const FAMILY: Family = Family {
    losses: &[Drawn::Softmax],
    rows: (1, 6),
    tall: TALL,
    columns: (1, 3),
    conditions: &[0, 1, 2, 3, 4, 5, 6],
    gaps: &[0, 1, 2, 3],
    radii: &[],
    norm: 4.0,
    targets: Targets::UnitBall,
    weights: Weights::Above { base: 100.0 },
    points: 1,
    rank_deficient: false,
    cases: 56,
};

const STRATA: &[Stratum] =
    strata!(Condition: 0 6; Gap: 0 3; OneRow; OneColumn; Square; SignedTarget);

/// The proven accuracy of the corrected diagonal at `w_i^2 >= 100`.
fn proven() -> High {
    High::ratio(1, 24)
}

/// The limit of Definition 2.1.14.
fn limit() -> High {
    High::ratio(1, 10)
}

/// What the largest deviation found tends to as n grows, 0.0111422.., rounded up: one row of mass t = 0.879 against equal ones,
/// `b = -e_1`. There `delta_1 = t (1 + t - t^2)`, `B_11 = delta_1 (1 - 2t) + t^4`, and the deviation is
/// `(delta_1 - B_11) / (100 + B_11)`.
fn found() -> High {
    High::ratio(1115, 100_000)
}

/// One row against `n - 1` equal ones, `A = I`, n up to 20: the deviation grows with n.
fn attack_against_equals(rng: &mut Stream) -> Result<Case, CheckError> {
    let n = sample::integer(rng, 12, 20) as usize;
    let mass = |free: f64| {
        let mut z = DVector::zeros(n);
        z[0] = free.clamp(-FURTHEST, FURTHEST);
        z
    };
    let mut target = DVector::zeros(n);
    target[0] = -1.0;
    let square = SEARCH_WEIGHT * SEARCH_WEIGHT;
    let objective = |free: &[f64]| {
        let p = forms::softmax(&mass(free[0]));
        let full =
            forms::hessian(HessianForm::Corrected, &p, &target) + DMatrix::identity(n, n) * square;
        let scale = forms::diagonal_part(HessianForm::Corrected, &p, &target)
            .map(|entry| 1.0 / (entry + square).sqrt());
        let scale = DMatrix::from_diagonal(&scale);
        1.0 / (&scale * full * &scale).symmetric_eigenvalues().min() - 1.0
    };
    let effort = Effort {
        evaluations: 60,
        restarts: 2,
        ..Effort::USUAL
    };
    // Where the rows have about equal shares of the mass: far out the objective is flat.
    let start = vec![(n as f64).ln() + sample::dyadic(rng, 2)];
    let (best, _) = maximise(&objective, start, effort);
    let instance = Instance::new(
        LossKind::Softmax,
        DesignMatrix::dense(DMatrix::identity(n, n))?,
        target,
        DVector::from_element(n, SEARCH_WEIGHT),
    )?
    .with_points(vec![mass(best[0])])?;
    Ok(Case::new(Origin::Attack(0), instance, 0))
}

/// Logits beyond this change nothing that f64 sees.
const FURTHEST: f64 = 30.0;

/// A statement about the diagonal surrogate.
fn of_the_surrogate(id: &'static str) -> Draft {
    claim(id).on(FAMILY, STRATA)
}

/// The claims about the diagonal surrogate.
pub fn claims() -> Vec<Claim> {
    vec![
        of_the_surrogate("dls23/dropping-low-rank")
            .derived("thesis Algorithm 1 lines 5 and 8, B_diag corrected")
            .states("(1 - 1/24) H <= A' (B_diag + W^2) A <= (1 + 1/24) H")
            .formula(r"\begin{aligned} \bigl(1 - \tfrac{1}{24}\bigr) H &\preceq A^\top (B_{\text{diag}} + W^2) A \preceq \bigl(1 + \tfrac{1}{24}\bigr) H, \\
                B_{\text{diag}} &= \operatorname{diag}((2f-b) \circ f) - \langle f-b, f\rangle \operatorname{diag}(f) \end{aligned}")
            .given("||b||_1 <= 1, w_i^2 > 100, rank(A) = d")
            .note("The low-rank part of B may be dropped at these weights; proof in the source of this claim (4/99).")
            .attacked(6, |rng| attack_with(HessianForm::Corrected, rng))
            .real_rows(8)
            .check(|case| deviation(case, HessianForm::Corrected, 100, High::ZERO, proven()))
            .fault("the tenth part of 1/24", |case| {
                let tenth = proven() / High::int(10);
                deviation(case, HessianForm::Corrected, 100, High::ZERO, tenth)
            }),
        of_the_surrogate("dls23/dropping-low-rank-printed-diagonal")
            .printed("thesis Algorithm 1 lines 5 and 8, B_diag as printed in section 2.2.1")
            .states("A' (B_diag + W^2) A with the printed B_diag is an eps0-approximate Hessian for some eps0 < 0.1 (Definition 2.1.14)")
            .formula(r"\begin{aligned} \exists\, \epsilon_0 < 0.1: \ (1 - \epsilon_0) H &\preceq A^\top (B_{\text{diag}} + W^2) A \preceq (1 + \epsilon_0) H, \\
                B_{\text{diag}} &= \operatorname{diag}((2f-b) \circ f) + \langle f-b, f\rangle \operatorname{diag}(f) \end{aligned}")
            .given("||b||_1 <= 1, w_i^2 > 100, rank(A) = d")
            .note("The wrong sign of <f-b,f> diag(f) (E2) costs accuracy but not the definition: at most 8/99; 0.05 in the limit p = e_1, b = -e_1.")
            .attacked(6, |rng| attack_with(HessianForm::Printed, rng))
            .check(|case| deviation(case, HessianForm::Printed, 100, High::ZERO, limit()))
            .fault("the accuracy 1/24 of the corrected diagonal", |case| deviation(case, HessianForm::Printed, 100, High::ZERO, proven())),
        of_the_surrogate("dls23/dropping-low-rank-sharp")
            .derived("sharper form of dls23/dropping-low-rank")
            .states("(1 - 0.01115) H <= A' (B_diag + W^2) A <= (1 + 0.01115) H")
            .formula(r"\begin{aligned} (1 - 0.01115) H &\preceq A^\top (B_{\text{diag}} + W^2) A \preceq (1 + 0.01115) H, \\
                B_{\text{diag}} &= \operatorname{diag}((2f-b) \circ f) - \langle f-b, f\rangle \operatorname{diag}(f) \end{aligned}")
            .given("||b||_1 <= 1, w_i^2 > 100, rank(A) = d")
            .note("Found by search, not proven: 0.01106 with three rows, 0.01111 with six, and 0.011142 in the limit of many equal rows against one of mass 0.879, b = -e_1.")
            .attacked(2, attack_against_equals)
            .real_rows(8)
            .check(|case| deviation(case, HessianForm::Corrected, 100, High::ZERO, found()))
            .fault("0.011, too little from three rows on", |case| {
                let allowed = High::ratio(11, 1000);
                deviation(case, HessianForm::Corrected, 100, High::ZERO, allowed)
            }),
        of_the_surrogate("dls23/dropping-low-rank-printed-diagonal-sharp")
            .derived("sharper form of dls23/dropping-low-rank-printed-diagonal")
            .states("(1 - 1/20) H <= A' (B_diag + W^2) A <= (1 + 1/20) H with the printed B_diag")
            .formula(r"\begin{aligned} \bigl(1 - \tfrac{1}{20}\bigr) H &\preceq A^\top (B_{\text{diag}} + W^2) A \preceq \bigl(1 + \tfrac{1}{20}\bigr) H, \\
                B_{\text{diag}} &= \operatorname{diag}((2f-b) \circ f) + \langle f-b, f\rangle \operatorname{diag}(f) \end{aligned}")
            .given("||b||_1 <= 1, w_i^2 > 100, rank(A) = d")
            .note("Found by search, not proven; approached as f -> e_1, b = -e_1, where the printed B_diag is 5 in its first entry and B vanishes.")
            .attacked(6, |rng| attack_with(HessianForm::Printed, rng))
            .check(|case| {
                let allowed = High::ratio(1, 20);
                deviation(case, HessianForm::Printed, 100, High::ZERO, allowed)
            })
            .fault("a hundredth less", |case| {
                let allowed = High::ratio(495, 10_000);
                deviation(case, HessianForm::Printed, 100, High::ZERO, allowed)
            }),
        claim("dls23/dropping-low-rank-at-four")
            .derived("thesis section 2.2.2, (2.4), carried over to Algorithm 1, whose theorem asks for 100")
            .states("at w_i^2 >= 4 + l/sigma_min(A)^2 A' (B_diag + W^2) A is an eps0-approximate Hessian for some eps0 < 0.1")
            .formula(r"\begin{aligned} &w_i^2 \ge 4 + \frac{l}{\sigma_{\min}(A)^2} \ \forall i \quad \implies \\
                &\exists\, \epsilon_0 < 0.1: \ (1 - \epsilon_0) H \preceq A^\top (B_{\text{diag}} + W^2) A \preceq (1 + \epsilon_0) H, \\
                &B_{\text{diag}} = \operatorname{diag}((2f-b) \circ f) - \langle f-b, f\rangle \operatorname{diag}(f) \end{aligned}")
            .given("||b||_1 <= 1, w_i^2 > 4, rank(A) = d")
            .note("Erratum E23: the thesis asks for 4 where it shows the Hessian definite and for 100 in the theorem, and never says that 100 is what dropping the low-rank part needs.")
            .on(Family { weights: Weights::Above { base: 4.0 }, ..FAMILY }, STRATA)
            .check(|case| deviation(case, HessianForm::Corrected, 4, High::ZERO, limit()))
            .fault("the accuracy 4/3 that w_i^2 > 4 does give", |case| deviation(case, HessianForm::Corrected, 4, High::ZERO, High::ratio(4, 3)))
            .refuted("dls23/dropping-low-rank", witness!("dls23-dropping-low-rank-at-four")),
        of_the_surrogate("dls23/sampling-accuracy-constant")
            .derived("thesis Algorithm 1 line 6 with Lemma 2.1.16, read for every constant")
            .states("SUBSAMPLE with any constant accuracy eps1 in (0, 0.1) gives an eps0-approximate Hessian with eps0 < 0.1")
            .formula(r"\begin{aligned} &(1 - \epsilon_1) A^\top D A \preceq A^\top \widetilde D A \preceq (1 + \epsilon_1) A^\top D A, \quad \epsilon_1 \in (0, 0.1) \\
                &\implies \quad \exists\, \epsilon_0 < 0.1: \ (1 - \epsilon_0) H \preceq A^\top \widetilde D A \preceq (1 + \epsilon_0) H, \\
                &D = B_{\text{diag}} + W^2 \end{aligned}")
            .given("||b||_1 <= 1, w_i^2 > 100, rank(A) = d; D~ with (1-eps1) A'DA <= A'D~A <= (1+eps1) A'DA")
            .note("Erratum E16: Theta(1) read as any constant leaves no room for the part of B that D drops. Tried with eps1 = 0.099 and D~ = (1 +- eps1) D. As some constant the line is true: eps1 = 1/20 (dls23/sampling-accuracy-budget).")
            .check(|case| deviation(case, HessianForm::Corrected, 100, High::ratio(99, 1000), limit()))
            .fault("eps1 = 1/20", |case| deviation(case, HessianForm::Corrected, 100, High::ratio(1, 20), limit()))
            .refuted("dls23/sampling-accuracy-budget", witness!("dls23-sampling-accuracy-constant")),
        of_the_surrogate("dls23/sampling-accuracy-budget")
            .derived("correction of thesis Algorithm 1 line 6")
            .states("SUBSAMPLE with eps1 <= 1/20 (and the corrected B_diag) gives an eps0-approximate Hessian with eps0 < 0.1")
            .formula(r"\begin{aligned} &(1 - \epsilon_1) A^\top D A \preceq A^\top \widetilde D A \preceq (1 + \epsilon_1) A^\top D A, \quad \epsilon_1 \le \tfrac{1}{20} \\
                &\implies \quad \exists\, \epsilon_0 < 0.1: \ (1 - \epsilon_0) H \preceq A^\top \widetilde D A \preceq (1 + \epsilon_0) H, \\
                &D = B_{\text{diag}} + W^2, \quad B_{\text{diag}} = \operatorname{diag}((2f-b) \circ f) - \langle f-b, f\rangle \operatorname{diag}(f) \end{aligned}")
            .given("||b||_1 <= 1, w_i^2 > 100, rank(A) = d; D~ with (1-eps1) A'DA <= A'D~A <= (1+eps1) A'DA")
            .note("(1 + 1/20)(1 + 1/24) = 1.09375 and (1 - 1/20)(1 - 1/24) = 0.9104.")
            .attacked(4, |rng| attack_with(HessianForm::Corrected, rng))
            .check(|case| deviation(case, HessianForm::Corrected, 100, High::ratio(1, 20), limit()))
            .fault("eps1 = 0.099", |case| deviation(case, HessianForm::Corrected, 100, High::ratio(99, 1000), limit())),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_search_maximises_what_the_check_measures() {
        let point = [0.5, -1.25, 2.0, 0.75, -0.5, 0.25];
        let case = searched_case(&point, 0).unwrap();
        assert_eq!(
            case.instance.target().as_slice(),
            [0.5, -1.0 / 3.0, 1.0 / 6.0]
                .map(|entry| { (entry * 2f64.powi(30)).trunc() / 2f64.powi(30) })
        );
        for form in [HessianForm::Corrected, HessianForm::Printed] {
            let Verdict::Holds { slack } =
                deviation(&case, form, 100, High::ZERO, limit()).unwrap()
            else {
                panic!("8/99 is proven");
            };
            let measured = 0.1 / slack;
            let searched = searched_deviation(form, &point);
            assert!(
                (searched / measured - 1.0).abs() < 1e-9,
                "{searched} {measured}"
            );
        }
    }
}
