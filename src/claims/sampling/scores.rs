//! Leverage scores `sigma_i = a_i' (A'A)^-1 a_i`: their range, their sum, and an estimator without bias.

use nalgebra::DVector;

use crate::claims::tools::builder::{claim, strata};
use crate::claims::tools::exact::Exact;
use crate::claims::{Case, CheckError, Claim, Family, Outside, Stratum, Verdict, Weights};
use crate::scalar::{Allowance, High};

/// Scores, and what each of them is granted for rounding.
type Bounded = (DVector<High>, Allowance<High>);

/// The scores at 40 digits from their definition, and an error bound for each; `None` where A has not full column rank.
fn scores(exact: &Exact) -> Result<Option<Bounded>, CheckError> {
    let (largest, smallest) = exact.singular_range()?;
    if exact.a.nrows() < exact.a.ncols() || smallest <= exact.error(largest).size() {
        return Ok(None);
    }
    let gram = exact.a.tr_mul(&exact.a);
    let factor = gram
        .cholesky()
        .ok_or_else(|| CheckError::Other("A'A is not positive definite at 40 digits".to_owned()))?;
    let scores = DVector::from_fn(exact.a.nrows(), |i, _| {
        let row = exact.a.row(i).transpose();
        row.dot(&factor.solve(&row))
    });
    // Solving with A'A loses a factor of its condition number.
    let condition = (largest / smallest).square();
    Ok(Some((scores, exact.error(condition))))
}

/// Every score is in `[0, top]`.
fn scores_within(case: &Case, top: High) -> Result<Verdict, CheckError> {
    let Some((scores, error)) = scores(&Exact::of(case)?)? else {
        return Ok(Verdict::Outside(Outside::Rank));
    };
    // A score of exactly 1 is attained (n = d), so the bound itself is allowed its computed error.
    let error = error.size();
    let granted = Allowance::new(High::ZERO, "numbers whose rounding the bound holds already");
    Ok(scores
        .iter()
        .enumerate()
        .fold(Verdict::VACUOUS, |verdict, (i, score)| {
            let quantity = format!("score[{i}]");
            verdict
                .and(Verdict::at_most(
                    &quantity,
                    *score,
                    top + error,
                    granted.clone(),
                ))
                .and(Verdict::at_least(
                    &quantity,
                    *score,
                    -error,
                    granted.clone(),
                ))
        }))
}

/// The scores add up to `d + off`.
fn scores_add_up(case: &Case, off: High) -> Result<Verdict, CheckError> {
    let exact = Exact::of(case)?;
    let Some((scores, error)) = scores(&exact)? else {
        return Ok(Verdict::Outside(Outside::Rank));
    };
    let total: High = scores.iter().copied().sum();
    let d = High::int(exact.a.ncols() as i64);
    Ok(Verdict::equal(
        "sum of the scores",
        total,
        d + off,
        error * d,
    ))
}

/// `sum_i p_i (D_i / p_i^power) a_i a_i' = A' D A` with `p_i = sigma_i / d` and `D = diag(w^2)`.
fn unbiased(case: &Case, power: i64) -> Result<Verdict, CheckError> {
    let exact = Exact::of(case)?;
    let Some((scores, error)) = scores(&exact)? else {
        return Ok(Verdict::Outside(Outside::Rank));
    };
    if scores.iter().any(|score| *score <= error.size()) {
        // A row with score 0 is never drawn, and needs not be: it is 0. The quotient is not defined there.
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let d = High::int(exact.a.ncols() as i64);
    let squared = exact.squared_weights();
    let mut expectation = exact.a.tr_mul(&exact.a) * High::ZERO;
    let mut truth = expectation.clone();
    for i in 0..exact.a.nrows() {
        let row = exact.a.row(i);
        let outer = row.transpose() * row;
        let p = scores[i] / d;
        expectation += &outer * (p * squared[i] / p.powi(power));
        truth += &outer * squared[i];
    }
    let scale = truth
        .iter()
        .fold(High::ZERO, |top, entry| top.max(entry.abs()));
    let (i, j) = crate::claims::tools::exact::worst_entry(&expectation, &truth);
    Ok(Verdict::equal(
        &format!("E[A'D~A][{i}, {j}]"),
        expectation[(i, j)],
        truth[(i, j)],
        exact.error(scale),
    ))
}

const STRATA: &[Stratum] = strata!(Condition: 0 1 2 3 4 5 6; OneRow; OneColumn; Square);

const FAMILY: Family = Family {
    gaps: &[],
    rows: (1, 10),
    weights: Weights::Above { base: 1.0 },
    ..Family::GENERAL
};

/// The claims about leverage scores.
pub fn claims() -> Vec<Claim> {
    vec![
        claim("sampling/scores-in-unit-interval")
            .quoted("Lemma 2.2 of the sampling paper (JE)")
            .states("0 <= sigma_i(A) <= 1 for every row")
            .formula(r"0 \le \sigma_i(A) \le 1 \quad \forall i")
            .given("A has full column rank")
            .note("Attained: every score is 1 where n = d. One OCR of Definition 2.1 prints sigma_i = ||u_i||_2 for \
                   ||u_i||_2^2; the square is what Lemma 2.2 needs.")
            .on(FAMILY, STRATA)
            .real_rows(48)
            .check(|case| scores_within(case, High::ONE))
            .fault("upper end 0.999 instead of 1", |case| scores_within(case, High::ratio(999, 1000))),
        claim("sampling/scores-add-up-to-d")
            .quoted("Lemma 2.2 of the sampling paper (JE)")
            .states("sum_i sigma_i(A) = d")
            .formula(r"\sum_i \sigma_i(A) = d")
            .given("A has full column rank d")
            .note("The trace of the projection onto the columns of A.")
            .on(FAMILY, STRATA)
            .real_rows(48)
            .check(|case| scores_add_up(case, High::ZERO))
            .fault("a sum of d + 10^-20", |case| scores_add_up(case, High::ONE.shifted(-20))),
        claim("sampling/estimator-unbiased")
            .quoted("Definition 4.1 of the sampling paper (JE)")
            .states("E[A' D~ A] = A' D A for draws with p_i = sigma_i(A)/d and weight D_i / (s p_i)")
            .formula(r"\begin{aligned} \mathbb{E}\bigl[A^\top \widetilde D A\bigr] &= A^\top D A, \quad \widetilde D = \sum_{j=1}^s \frac{D_{i_j}}{s\, p_{i_j}} e_{i_j} e_{i_j}^\top, \\
                \Pr[i_j = i] &= p_i = \frac{\sigma_i(A)}{d} \end{aligned}")
            .given("A has full column rank and no zero row; D = diag(w^2)")
            .note("Any p with p_i > 0 on the non-zero rows does; the choice of p only moves the variance.")
            .on(FAMILY, STRATA)
            .real_rows(48)
            .check(|case| unbiased(case, 1))
            .fault("weight D_i / (s p_i^2)", |case| unbiased(case, 2)),
    ]
}
