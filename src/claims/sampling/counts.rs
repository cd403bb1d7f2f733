//! Definition 4.1 of the sampling paper: what its oversampling factor can be.

use crate::claims::tools::builder::{claim, strata, witness};
use crate::claims::tools::exact::Exact;
use crate::claims::{Case, CheckError, Claim, Family, Outside, Stratum, Verdict};
use crate::scalar::{Allowance, High};

/// Probabilities with `p_i >= beta^power sigma_i / d` exist for `beta = 1 + |x_0|`: the right-hand sides add up to at
/// most 1. The scores add up to d (`sampling/scores-add-up-to-d`), so the sum is `beta^power`.
fn distribution_exists(case: &Case, power: i64) -> Result<Verdict, CheckError> {
    let exact = Exact::of(case)?;
    let (largest, smallest) = exact.singular_range()?;
    if smallest <= exact.error(largest).size() {
        return Ok(Verdict::Outside(Outside::Rank));
    }
    let beta = High::ONE + exact.x[0].abs();
    Ok(Verdict::at_most(
        "sum of beta sigma_i / d",
        beta.powi(power),
        High::ONE,
        Allowance::NOTHING,
    ))
}

const STRATA: &[Stratum] = strata!(OneRow; OneColumn; Condition: 6);

/// The claim about the oversampling factor.
pub fn claims() -> Vec<Claim> {
    vec![claim("sampling/oversampling-premise-printed")
        .derived("Definition 4.1 and Lemma 4.2 of the sampling paper (JE), read as saying that such p exist")
        .states("one may draw with p_i >= beta sigma_i / d for any beta >= 1")
        .formula(r"\forall \beta \ge 1 \ \exists\, p: \quad p_i \ge \frac{\beta \sigma_i}{d} \ \forall i, \quad \sum_i p_i = 1")
        .given("A has full column rank; beta = 1 + |x_0|")
        .note("Erratum E38: probabilities add up to 1 and scores to d, which forces beta <= 1; the premise is empty for every beta > 1. So the lemma itself is not false: it speaks of beta = 1 alone, where it is sampling/spectral-guarantee.")
        .on(Family { cases: 42, gaps: &[], ..Family::GENERAL }, STRATA)
        .check(|case| distribution_exists(case, 1))
        .fault("beta moved to the denominator", |case| distribution_exists(case, -1))
        .refuted("sampling/undersampled-scores", witness!("sampling-oversampling-premise-printed"))]
}
