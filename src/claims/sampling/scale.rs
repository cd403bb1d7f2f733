//! Production's own sampling: scores by a sketch, rows kept independently; at 40 digits while small, in f64 at n = 1e5.

use crate::claims::tools::builder::{claim, strata};
use crate::claims::tools::newton_support::{gram, is_approximate};
use crate::claims::tools::statistics::BinomialTest;
use crate::claims::tools::tall;
use crate::claims::{Case, CheckError, Claim, Family, Outside, Stratum, Verdict};
use crate::instance::DesignMatrix;
use crate::oracle::{lift_matrix, lift_vector};
use crate::production::Settings;
use crate::production::leverage::{self, LeverageError, RowSample, SketchedScores};
use crate::scalar::{Allowance, High};
use nalgebra::{DMatrix, DVector};

/// Rows at scale, and of the instances that 40 digits can afford.
const MANY: usize = 100_000;
const FEW: usize = 4_096;

/// The failure probability that is claimed of one sample, and the samples of one case: more than 4 failures refute it with a
/// false alarm below 1e-9, and a scheme that fails three times in four is refuted with probability above 0.88 in every case.
const DELTA: f64 = 1.0 / 256.0;
const TRIALS: u64 = 8;

/// A distance from eps within which an f64 deviation decides nothing.
const GREY: Allowance<f64> = Allowance::new(
    1e-6,
    "roundings of Gram matrices of 1e5 rows with condition numbers up to 1e7",
);

/// An instance at scale with the scores of `diag(D)^1/2 A`.
struct Scored {
    g: DMatrix<f64>,
    a: DMatrix<f64>,
    diagonal: Vec<f64>,
    found: SketchedScores,
}

impl Scored {
    fn of(case: &Case, n: usize) -> Result<Option<Self>, CheckError> {
        let Some(s) = tall::shape(case) else {
            return Ok(None);
        };
        let g = tall::rows(case, n, s.nrows(), tall::KINDS);
        let a = &g * s;
        let diagonal = tall::diagonal(&mut case.stream("diagonal"), n, 16.0);
        let roots: Vec<f64> = diagonal.iter().map(|entry| entry.sqrt()).collect();
        let matrix = DesignMatrix::dense(a.clone())?;
        match leverage::sketch(&matrix, &roots, case.seed) {
            Ok(found) => Ok(Some(Self {
                g,
                a,
                diagonal,
                found,
            })),
            Err(LeverageError::RankDeficient { .. }) => Ok(None),
            Err(error) => Err(CheckError::Other(error.to_string())),
        }
    }

    /// Sample number `trial`, for so many times the epsilon that is claimed. Sample 0 of a run takes half of its delta.
    fn draw(&self, case: &Case, trial: u64, coarser: f64) -> Result<RowSample, CheckError> {
        leverage::draw(
            &self.found.scores,
            &self.diagonal,
            coarser * epsilon(),
            2.0 * DELTA,
            case.seed.wrapping_add(trial),
            0,
            self.a.ncols(),
        )
        .map_err(|error| CheckError::Other(error.to_string()))
    }
}

/// The solver's default.
fn epsilon() -> f64 {
    Settings::default().epsilon
}

fn failures(count: u64) -> Result<Verdict, CheckError> {
    let test = BinomialTest::new(DELTA, TRIALS)?;
    Ok(Verdict::at_most(
        &format!("failures in {TRIALS} samples"),
        High::int(count as i64),
        High::int(test.accept_up_to as i64),
        Allowance::NOTHING,
    ))
}

/// The guarantee and the number of rows kept at n = 1e5.
fn at_scale(case: &Case, coarser: f64) -> Result<Verdict, CheckError> {
    let Some(scored) = Scored::of(case, MANY)? else {
        return Ok(Verdict::Outside(Outside::Rank));
    };
    // S only changes coordinates, in which the deviation is the same.
    let exact = tall::factor(tall::gram(&scored.g, &scored.diagonal))?;
    let (mut failed, mut most) = (0, 0);
    for trial in 0..TRIALS {
        let drawn = scored.draw(case, trial, coarser)?;
        let off = tall::deviation(&exact, &tall::sampled_gram(&scored.g, &drawn))?;
        if let Some(doubt) = Verdict::in_doubt("deviation", off, epsilon(), &GREY) {
            return Ok(doubt);
        }
        failed += u64::from(off > epsilon());
        most = most.max(drawn.rows.len());
    }
    Ok(failures(failed)?.and(Verdict::at_most(
        "rows kept",
        High::int(most as i64),
        High::int(MANY as i64 / 4),
        Allowance::NOTHING,
    )))
}

/// The guarantee at n = 4096, both sides decided at 40 digits.
fn confirmed(case: &Case, coarser: f64) -> Result<Verdict, CheckError> {
    let Some(scored) = Scored::of(case, FEW)? else {
        return Ok(Verdict::Outside(Outside::Rank));
    };
    let a = lift_matrix(&scored.a);
    let exact = gram(
        &a,
        &lift_vector(&DVector::from_column_slice(&scored.diagonal)),
    );
    let mut failed = 0;
    for trial in 0..TRIALS {
        let drawn = scored.draw(case, trial, coarser)?;
        let weights = DVector::from_column_slice(&drawn.weights);
        let sampled = gram(&a.select_rows(&drawn.rows), &lift_vector(&weights));
        failed += u64::from(!is_approximate(&exact, &sampled, High::lift(epsilon())?)?);
    }
    failures(failed)
}

/// `l_i <= u_i` for all rows at n = 4096, the scores l_i at 40 digits; u_i multiplied by a factor that depends on the sketch.
fn overestimates(
    case: &Case,
    factor: impl Fn(&SketchedScores) -> f64,
) -> Result<Verdict, CheckError> {
    let Some(scored) = Scored::of(case, FEW)? else {
        return Ok(Verdict::Outside(Outside::Rank));
    };
    let a = lift_matrix(&scored.a);
    let d = a.ncols();
    let weights = lift_vector(&DVector::from_column_slice(&scored.diagonal));
    let inverse = nalgebra::Cholesky::new(gram(&a, &weights))
        .ok_or_else(|| CheckError::Other("A'DA is not positive definite".to_owned()))?
        .inverse();
    let factor = factor(&scored.found);
    let mut tightest = High::ZERO;
    for (i, u) in scored.found.scores.iter().enumerate() {
        // A score of 1 is above every leverage score, and a row of zeros has none.
        if *u == 0.0 || *u == 1.0 {
            continue;
        }
        let row = a.row(i);
        let l = weights[i] * (row * &inverse).dot(&row);
        tightest = tightest.max(l / High::lift(u * factor)?);
    }
    let values = scored.a.singular_values();
    let rounding = 16.0 * d as f64 * f64::EPSILON * values.max() / values.min();
    Ok(Verdict::at_most(
        "max l_i / u_i",
        tightest,
        High::ONE,
        Allowance::new(
            High::lift(rounding)?,
            "16 d roundings of f64 times the condition number of A",
        ),
    ))
}

const SMALL: Family = Family {
    rows: (3, 3),
    tall: (0, 0),
    columns: (1, 3),
    gaps: &[],
    cases: 14,
    ..Family::GENERAL
};

const LARGE: Family = Family {
    // One shape, so that the hand list has four cases, not twenty.
    rows: (21, 21),
    tall: (0, 0),
    columns: (20, 20),
    gaps: &[],
    cases: 7,
    ..Family::GENERAL
};

const STRATA: &[Stratum] = strata!(Condition: 0 1 2 3 4 5 6);

/// The claims about the sampling that the solver uses.
pub fn claims() -> Vec<Claim> {
    vec![
        claim("sampling/sketched-scores")
            .derived("replacement of Lemma 2.3 of the sampling paper (JE), DSW22 Lemma 4.3")
            .states("a sparse sign embedding with a certified floor gives u_i >= sigma_i for all rows, in O(nnz(A) log n + d^3)")
            .formula(r"u_i \ge \sigma_i \ \forall i, \quad \text{in } O(\operatorname{nnz}(A) \log n + d^3) \text{ operations}")
            .given("A (4096 rows, from the case's matrix and seed) has full column rank; the row scales are positive")
            .note("The printed lemma promises (1 +- eps_s) sigma_i without constants; sampling needs one side only, and \
                   that side is certified by Lanczos (docs/numerics.md, Sample size). sigma_i at 40 digits. Rows alike, rows over six \
                   decades, and a row of score 1, in turn. Tight: some row always lies near the direction that the embedding \
                   shrinks most.")
            .on(SMALL, STRATA)
            .check(|case| overestimates(case, |_| 1.0))
            .fault("the scores without the certified floor", |case| overestimates(case, |found| found.floor)),
        claim("sampling/independent-rows")
            .derived("replacement of Lemma 2.1.16 and of Lemma 4.2 of the sampling paper (JE)")
            .states("keeping row i with probability min(1, u_i ln(2d/delta) / ((1+eps) ln(1+eps) - eps)), u_i >= sigma_i, gives \
                        (1-eps) A'DA <= A'D~A <= (1+eps) A'DA with probability at least 1 - delta")
            .formula(r"\begin{aligned} &\Pr[\text{row } i \text{ kept}] = \min\Bigl(1, \frac{u_i \ln(2d / \delta)}{(1 + \epsilon) \ln(1 + \epsilon) - \epsilon}\Bigr), \quad u_i \ge \sigma_i \quad \implies \\
                &\Pr\bigl[(1 - \epsilon) A^\top D A \preceq A^\top \widetilde D A \preceq (1 + \epsilon) A^\top D A\bigr] \ge 1 - \delta \end{aligned}")
            .given("A (4096 rows, from the case's matrix and seed) has full column rank, D is positive; eps = 1/4, delta = 1/256")
            .note("Matrix Chernoff. 8 samples a case by production's own sketch, each decided at 40 digits, against an exact \
                   binomial limit (false alarm below 1e-9). A slack without a bound means \
                   that no sample failed.")
            .on(SMALL, STRATA)
            .check(|case| confirmed(case, 1.0))
            .fault("drawn for ten times the eps", |case| confirmed(case, 10.0)),
        claim("sampling/guarantee-at-scale")
            .derived("replacement of Lemma 2.1.16, at n = 100000, d = 20")
            .states("the same sample keeps (1-eps) A'DA <= A'D~A <= (1+eps) A'DA with probability at least 1 - delta, and fewer than \
                        n/4 distinct rows")
            .formula(r"\begin{aligned} &\Pr[\text{row } i \text{ kept}] = \min\Bigl(1, \frac{u_i \ln(2d / \delta)}{(1 + \epsilon) \ln(1 + \epsilon) - \epsilon}\Bigr), \quad u_i \ge \sigma_i \quad \implies \\
                &\Pr\bigl[(1 - \epsilon) A^\top D A \preceq A^\top \widetilde D A \preceq (1 + \epsilon) A^\top D A\bigr] \ge 1 - \delta, \quad \operatorname{nnz}(\widetilde D) < \tfrac{n}{4} \end{aligned}")
            .given("A has 100000 rows from the case's matrix and seed and full column rank, D is positive; eps = 1/4, delta = 1/256")
            .note("Generalized eigenvalues in f64 (sampling/independent-rows decides small instances at 40 digits). 8 samples a case, \
                   exact binomial limit (false alarm below 1e-9); no sample failed. Slack is n/4 against the rows kept. Coherent \
                   matrices too: rows over six decades, and a column that lives in one row, which any scheme must keep.")
            .on(LARGE, STRATA)
            .check(|case| at_scale(case, 1.0))
            .fault("drawn for ten times the eps", |case| at_scale(case, 10.0)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_test_has_its_stated_error_rates() {
        let test = BinomialTest::new(DELTA, TRIALS).unwrap();
        // C(8,4) p^4 = 1.6e-8 is above 1e-9, C(8,5) p^5 = 5.1e-11 below.
        assert_eq!(test.accept_up_to, 4);
        assert!(test.power(DELTA).unwrap() <= 1e-9);
        assert!(test.power(0.75).unwrap() >= 0.88);
    }
}
