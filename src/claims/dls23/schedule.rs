//! The arithmetic around the iteration: the constant of the induction (E11), the number of iterations (E14), the failure
//! probability of each call (E15). The free parameter of each statement is a function of the case's own point.

use crate::claims::tools::builder::{Draft, claim, strata, witness};
use crate::claims::tools::exact::unit;
use crate::claims::{Case, CheckError, Claim, Family, Outside, Stratum, Verdict, Weights};
use crate::oracle::lift_vector;
use crate::scalar::{Allowance, High};

/// `||x||`, from which a case's parameter is made.
fn length(case: &Case) -> High {
    lift_vector(&case.x()).norm()
}

/// Errors of a few dozen operations on numbers up to `scale`, among them ln and exp (6 units each).
fn rounding(scale: High) -> Allowance<High> {
    Allowance::new(
        High::int(1000) * unit() * scale,
        "1000 roundings of logarithms and powers",
    )
}

/// `2 (eps0 + 1/9) <= 0.4`, where `1/9 = rbar / (l - rbar)` at the edge `rbar = 0.1 l`, with `eps0 = limit ||x|| / (1 + ||x||)`:
/// any number in (0, limit).
fn induction_constant(case: &Case, limit: High) -> Result<Verdict, CheckError> {
    let length = length(case);
    if !length.is_positive() {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let epsilon = limit * length / (High::ONE + length);
    let factor = High::int(2) * (epsilon + High::ratio(1, 9));
    Ok(Verdict::at_most(
        &format!("2 (eps0 + 1/9) at eps0 = {}", epsilon.scientific(6)),
        factor,
        High::ratio(4, 10),
        rounding(High::ONE),
    ))
}

/// The ratio `r_0 / eps = 1 + ||x||^2` of a case; None where nothing is left to do.
fn reduction(case: &Case) -> Option<High> {
    let square = length(case).square();
    square.is_positive().then_some(High::ONE + square)
}

/// The least whole number that is at least `value`, for `0 <= value < 10^6`.
fn rounded_up(value: High) -> i64 {
    let mut whole = value.to_f64().ceil() as i64;
    // `to_f64` may have rounded across an integer.
    if High::int(whole) < value {
        whole += 1;
    }
    whole
}

/// How many passes, at which rate.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Passes {
    /// `t = 0, ..., T` with `T = log2(r_0/eps)` rounded down: the fewest passes with the logarithm of the field.
    Binary,
    /// `t = 0, ..., T` with `T = ln(r_0/eps)` rounded up: the most passes with the natural logarithm.
    Natural,
    /// `T = ceil(ln(r_0/eps) / ln 2.5)`.
    Corrected,
}

/// `floor(log2 value)` for `value >= 1`, by comparisons: no logarithm to round across an integer.
fn doublings(value: High) -> i64 {
    let mut count = 0;
    let mut power = High::int(2);
    while power <= value {
        count += 1;
        power *= High::int(2);
    }
    count
}

fn passes(reduction: High, form: Passes) -> i64 {
    match form {
        Passes::Binary => doublings(reduction) + 1,
        Passes::Natural => rounded_up(reduction.ln()) + 1,
        Passes::Corrected => rounded_up(reduction.ln() / High::ratio(5, 2).ln()),
    }
}

/// `0.4^passes r_0 <= eps`: enough for an iteration that contracts by 0.4 and no better.
fn enough_passes(case: &Case, form: Passes) -> Result<Verdict, CheckError> {
    let Some(reduction) = reduction(case) else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    let count = passes(reduction, form);
    let left = High::ratio(4, 10).powi(count) * reduction;
    Ok(Verdict::at_most(
        &format!(
            "error / eps after {count} passes from r_0 / eps = {}",
            reduction.scientific(6)
        ),
        left,
        High::ONE,
        rounding(High::int(count)),
    ))
}

/// How the failure probability is shared out among the T + 1 calls.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Share {
    /// `delta / T`.
    Printed,
    /// `delta / (T + 1)`.
    Corrected,
}

/// `1 - (1 - delta_1)^(T + 1) <= delta` at `delta = 1/20`: the chance that one of `T + 1` independent calls fails, each with
/// the probability it is allowed.
fn failure_budget(case: &Case, share: Share) -> Result<Verdict, CheckError> {
    let Some(reduction) = reduction(case) else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    let iterations = rounded_up(reduction.ln());
    let delta = High::ratio(1, 20);
    let parts = match share {
        Share::Printed => iterations,
        Share::Corrected => iterations + 1,
    };
    let survives = (High::ONE - delta / High::int(parts)).powi(iterations + 1);
    // With T = 0 the corrected share is all of delta, where the statement is an equality.
    if iterations == 0 {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    Ok(Verdict::at_most(
        &format!("failure probability of {} calls", iterations + 1),
        High::ONE - survives,
        delta,
        rounding(High::int(iterations + 1)),
    ))
}

const FAMILY: Family = Family {
    weights: Weights::Zero,
    cases: 56,
    ..Family::GENERAL
};

const STRATA: &[Stratum] = strata!(Gap: 0 1 2 3);

/// A statement about numbers that the case only seeds.
fn of_the_schedule(id: &'static str) -> Draft {
    claim(id).on(FAMILY, STRATA)
}

/// The claims about the constants around the iteration.
pub fn claims() -> Vec<Claim> {
    vec![
        of_the_schedule("dls23/induction-constant")
            .derived("thesis Lemma 2.1.19 (0.4) inferred from Lemma 2.1.18")
            .states("2 (eps0 + rbar/(l - rbar)) <= 0.4 for all eps0 in (0, 0.1) and rbar <= 0.1 l")
            .formula(r"2 \Bigl(\epsilon_0 + \frac{\bar r}{l - \bar r}\Bigr) \le 0.4 \quad \forall \epsilon_0 \in (0, 0.1), \ \bar r \le 0.1\, l")
            .note("Erratum E11: at rbar = 0.1 l the factor is 2 (eps0 + 1/9), up to 0.4222; so 0.4 does not follow from Lemma 2.1.18 even where that is right. eps0 = 0.1 t/(1+t) with t = ||x|| of the case.")
            .check(|case| induction_constant(case, High::ratio(1, 10)))
            .fault("eps0 below 4/45", |case| induction_constant(case, High::ratio(4, 45)))
            .refuted("dls23/induction-constant-corrected", witness!("dls23-induction-constant")),
        of_the_schedule("dls23/induction-constant-corrected")
            .derived("correction of thesis Lemma 2.1.19")
            .states("2 (eps0 + rbar/(l - rbar)) <= 0.4 for all eps0 in (0, 4/45) and rbar <= 0.1 l")
            .formula(r"2 \Bigl(\epsilon_0 + \frac{\bar r}{l - \bar r}\Bigr) \le 0.4 \quad \forall \epsilon_0 \in \bigl(0, \tfrac{4}{45}\bigr), \ \bar r \le 0.1\, l")
            .note("4/45 = 0.0889 is best possible.")
            .check(|case| induction_constant(case, High::ratio(4, 45)))
            .fault("eps0 up to 0.1", |case| induction_constant(case, High::ratio(1, 10))),
        of_the_schedule("dls23/iteration-count")
            .printed("thesis Algorithm 1 lines 3-4, Theorem 2.3.1")
            .states("T = log(r_0/eps), t = 0, ..., T: iterations that contract by 0.4 end within eps")
            .formula(r"r_{t+1} \le 0.4\, r_t \ (t = 0, \dots, T), \quad T = \log(r_0 / \epsilon) \quad \implies \quad r_{T+1} \le \epsilon")
            .given("r_0 > eps; log to base 2, as is usual where no base is printed")
            .note("Even with T rounded down: floor(log2 rho) + 1 > log2 rho passes leave less than 0.4^(log2 rho) rho < 2^(-log2 rho) rho = 1 for rho = r_0/eps > 1. With the natural logarithm it fails (dls23/iteration-count-natural). r_0/eps = 1 + ||x||^2 of the case.")
            .check(|case| enough_passes(case, Passes::Binary))
            .fault("the natural logarithm, rounded up", |case| enough_passes(case, Passes::Natural)),
        of_the_schedule("dls23/iteration-count-natural")
            .derived("thesis Algorithm 1 lines 3-4, read with the natural logarithm")
            .states("T = ln(r_0/eps), t = 0, ..., T: iterations that contract by 0.4 end within eps")
            .formula(r"r_{t+1} \le 0.4\, r_t \ (t = 0, \dots, T), \quad T = \ln(r_0 / \epsilon) \quad \implies \quad r_{T+1} \le \epsilon")
            .given("r_0 > eps")
            .note("Erratum E14: ln(r_0/eps) is short by the factor 1/ln 2.5 = 1.0913; the extra pass of the loop covers that up to r_0/eps of about 6e4, later where rounding T up helps. Read with T rounded up. The base is not printed, and base 2 is enough (dls23/iteration-count). r_0/eps = 1 + ||x||^2 of the case.")
            .check(|case| enough_passes(case, Passes::Natural))
            .fault("T = ceil(ln(r_0/eps)/ln 2.5)", |case| enough_passes(case, Passes::Corrected))
            .refuted("dls23/iteration-count-corrected", witness!("dls23-iteration-count-natural")),
        of_the_schedule("dls23/iteration-count-corrected")
            .derived("correction of thesis Algorithm 1 line 3")
            .states("T = ceil(ln(r_0/eps)/ln 2.5) iterations that contract by 0.4 end within eps")
            .formula(r"r_{t+1} \le 0.4\, r_t \ (t = 0, \dots, T-1), \quad T = \Bigl\lceil \frac{\ln(r_0 / \epsilon)}{\ln 2.5} \Bigr\rceil \quad \implies \quad r_T \le \epsilon")
            .given("r_0 > eps")
            .note("For an iteration that does contract by 0.4; Algorithm 1 in the Euclidean norm does not (dls23/contraction-04).")
            .check(|case| enough_passes(case, Passes::Corrected))
            .fault("T = ln(r_0/eps)", |case| enough_passes(case, Passes::Natural)),
        of_the_schedule("dls23/failure-budget")
            .derived("thesis Algorithm 1 lines 4 and 6 (delta/T), with independent calls that fail as often as they may")
            .states("T + 1 calls of SUBSAMPLE at delta_1 = delta/T all succeed with probability at least 1 - delta")
            .formula(r"\begin{aligned} &\Pr[\text{call } t \text{ of SUBSAMPLE fails}] \le \delta_1 = \frac{\delta}{T} \ (t = 0, \dots, T) \\
                &\implies \quad \Pr[\text{all } T + 1 \text{ calls succeed}] \ge 1 - \delta \end{aligned}")
            .given("T >= 1, delta in (0, 0.1)")
            .note("Erratum E15: the loop runs from 0 to T. Calls taken as independent, each failing as often as it may, at delta = 1/20: 0.0975 for T = 1. T = ln(1 + ||x||^2) rounded up.")
            .check(|case| failure_budget(case, Share::Printed))
            .fault("delta/(T + 1)", |case| failure_budget(case, Share::Corrected))
            .refuted("dls23/failure-budget-corrected", witness!("dls23-failure-budget")),
        of_the_schedule("dls23/failure-budget-corrected")
            .derived("correction of thesis Algorithm 1 line 6")
            .states("T + 1 calls of SUBSAMPLE at delta_1 = delta/(T + 1) all succeed with probability at least 1 - delta")
            .formula(r"\begin{aligned} &\Pr[\text{call } t \text{ of SUBSAMPLE fails}] \le \delta_1 = \frac{\delta}{T + 1} \ (t = 0, \dots, T) \\
                &\implies \quad \Pr[\text{all } T + 1 \text{ calls succeed}] \ge 1 - \delta \end{aligned}")
            .given("T >= 1, delta in (0, 0.1)")
            .note("Union bound; with independent calls the slack is about 1 + delta/2.")
            .check(|case| failure_budget(case, Share::Corrected))
            .fault("delta/T", |case| failure_budget(case, Share::Printed)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_rounded_up_though_f64_cannot_tell_it_from_an_integer() {
        let trifle = High::ONE.shifted(-30);
        for (value, expected) in [
            (High::ZERO, 0),
            (trifle, 1),
            (High::ratio(5, 2), 3),
            (High::int(3) - trifle, 3),
            (High::int(3), 3),
            (High::int(3) + trifle, 4),
        ] {
            assert_eq!(rounded_up(value), expected, "{value:?}");
        }
    }

    #[test]
    fn the_passes_are_those_counted_by_hand() {
        // ln 10 = 2.30, ln 10 / ln 2.5 = 2.51.
        assert_eq!(passes(High::int(10), Passes::Natural), 4);
        // 2^3 <= 10 < 2^4; powers of two themselves and what is next to them.
        assert_eq!(passes(High::int(10), Passes::Binary), 4);
        let trifle = High::ONE.shifted(-30);
        for (value, expected) in [
            (High::ONE, 1),
            (High::int(1024) - trifle, 10),
            (High::int(1024), 11),
        ] {
            assert_eq!(passes(value, Passes::Binary), expected, "{value:?}");
        }
        assert_eq!(passes(High::int(10), Passes::Corrected), 3);
    }
}
