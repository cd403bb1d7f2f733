//! What f64 makes of scores, answers and proofs.

use std::ops::ControlFlow;

use nalgebra::{Cholesky, DMatrix, DVector};

use crate::claims::tools::builder::{claim, strata, witness};
use crate::claims::{Case, CheckError, Claim, OtherCases, Outside, Stratum, Verdict};
use crate::oracle::spectrum;
use crate::production::{AUTO, Settings, bound_excess, leverage, solve_system};
use crate::scalar::{Allowance, High};
use crate::system::Given;

use super::cases::{LinearCases, Rows};
use super::model::{Model, square};

/// How scores are computed in f64.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    /// From an orthonormal basis.
    Reflections,
    /// From a Cholesky factor of A'A.
    Gram,
}

fn by_gram(a: &DMatrix<f64>) -> Option<DVector<f64>> {
    let factor = Cholesky::new(a.tr_mul(a))?;
    let columns = a.transpose();
    let solved = factor.solve(&columns);
    Some(DVector::from_fn(a.nrows(), |i, _| {
        columns.column(i).dot(&solved.column(i))
    }))
}

/// Scores in f64 are within `16 n d u kappa(A)` of their values.
fn scores(case: &Case<Given>, by: By) -> Result<Verdict, CheckError> {
    let model = Model::of(case);
    let a = case.instance.matrix("matrix", "n", "d");
    let (n, d) = a.shape();
    if n < d || !model.ridge.is_zero() {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let Some(solved) = model.solved() else {
        return Ok(Verdict::Outside(Outside::Rank));
    };
    let found = match by {
        By::Reflections => leverage::leverage_scores(&a).ok(),
        By::Gram => by_gram(&a),
    };
    let Some(found) = found else {
        // Dependent columns to rounding: nothing was computed.
        return Ok(Verdict::Outside(Outside::Rank));
    };
    let values = spectrum::singular_values(&model.a)?;
    let (Some(most), Some(least)) = (values.first(), values.last()) else {
        return Ok(Verdict::Outside(Outside::Rank));
    };
    let unit = High::ratio(1, 1 << 53);
    let allowed = High::int(16 * (n * d) as i64) * unit * *most / *least;
    let exact = solved.scores(&model);
    let mut verdict = Verdict::VACUOUS;
    for (i, (found, exact)) in found.iter().zip(&exact).enumerate() {
        verdict = verdict.and(Verdict::at_most(
            &format!("|score[{i}] - its value|"),
            (High::lift(*found)? - *exact).abs(),
            allowed,
            model.after(&solved),
        ));
    }
    Ok(verdict)
}

/// The bound of the solver, divided by `less`.
fn within_the_bound(case: &Case<Given>, less: High) -> Result<Verdict, CheckError> {
    let model = Model::of(case);
    let Some(solved) = model.solved() else {
        return Ok(Verdict::Outside(Outside::Rank));
    };
    let settings = Settings::default();
    let found = solve_system(&case.instance, None, AUTO, &settings, &mut |_| {
        ControlFlow::Continue(())
    });
    let (found, _) = found.map_err(|error| CheckError::Other(error.to_string()))?;
    let Some(bound) = found.error_bound else {
        return Ok(Verdict::Outside(Outside::Precision));
    };
    let entries: Result<Vec<High>, _> = found.x.iter().map(|x| High::lift(*x)).collect();
    let (d, right) = solved.x.shape();
    let off = DMatrix::from_row_slice(d, right, &entries?) - &solved.x;
    let granted =
        model.after(&solved).size() * (square(&solved.x).sqrt() + model.size(&solved.x).sqrt());
    Ok(Verdict::at_most(
        "|| x - x* ||",
        square(&off).sqrt(),
        High::lift(bound)? / less,
        Allowance::new(granted, "the rounding of x* at 40 digits"),
    ))
}

/// The bounds of the excess of the case's point contain it; the fault takes off a part of the upper one.
fn excess(case: &Case<Given>, part: High) -> Result<Verdict, CheckError> {
    let model = Model::of(case);
    let Some(solved) = model.solved() else {
        return Ok(Verdict::Outside(Outside::Rank));
    };
    let Ok(found) = bound_excess(&case.instance, &case.instance.start()) else {
        return Ok(Verdict::Outside(Outside::Precision));
    };
    let off = &model.x - &solved.x;
    let exact = square(&(&model.a * &off)) + model.ridge * square(&off);
    let granted = model.after(&solved) * (model.size(&model.x) + model.size(&solved.x));
    let [low, high] = found.squared_distance;
    if !high.is_finite() {
        return Ok(Verdict::Outside(Outside::Precision));
    }
    Ok(Verdict::at_most(
        "2 (L(x) - L(x*)) from above",
        exact,
        High::lift(high)? * (High::ONE - part),
        granted.clone(),
    )
    .and(Verdict::at_most(
        "2 (L(x) - L(x*)) from below",
        High::lift(low)?,
        exact,
        granted,
    )))
}

const ANY: OtherCases = &LinearCases {
    rows: Rows::Tall,
    ..LinearCases::ALL
};
const CONDITIONED: OtherCases = &LinearCases {
    rows: Rows::Conditioned,
    cases: 30,
    ..LinearCases::PLAIN
};
const EVERYTHING: &[Stratum] =
    strata!(Decade("condition of A"): 0 1 2 3; Kind: "d=1" "n=d" "ridge" "several right sides");
const BAD: &[Stratum] = strata!(Decade("condition of A"): 0 2 4 6 7; Kind: "d=1" "n=d");

/// The claims about f64.
pub fn claims() -> Vec<Claim> {
    vec![
        claim("leverage-regression/scores-by-gram-in-f64")
            .derived("the abstract's title: without data-dependent parameters")
            .states("leverage scores by a Cholesky factor of A'A in f64 are within 16 n d u kappa(A)")
            .formula(r"|\operatorname{fl}(l_i) - l_i| \le 16\, n d\, u\, \kappa(A), \quad \operatorname{fl}(l_i) = a_i^\top L^{-\top} L^{-1} a_i, \ L L^\top = \operatorname{fl}(A^\top A)")
            .given("lambda = 0, full column rank, a factor exists")
            .note("The paper counts, and its counts have no condition number. In f64 the condition number returns, squared by a Gram matrix: u kappa^2 < 1 is the premise of this way.")
            .about(CONDITIONED, BAD)
            .check(|case| scores(case, By::Gram))
            .fault("from an orthonormal basis: leverage-regression/scores-in-f64", |case| scores(case, By::Reflections))
            .refuted("leverage-regression/scores-in-f64", witness!("leverage-regression-scores-by-gram-in-f64")),
        claim("leverage-regression/scores-in-f64")
            .derived("replaces leverage-regression/scores-by-gram-in-f64")
            .states("leverage scores from an orthonormal basis by Householder's reflections in f64 are within 16 n d u kappa(A)")
            .formula(r"|\operatorname{fl}(l_i) - l_i| \le 16\, n d\, u\, \kappa(A), \quad \operatorname{fl}(l_i) = \|e_i^\top Q\|_2^2, \ A = Q R")
            .given("lambda = 0, full column rank to rounding")
            .note("u kappa < 1 is the premise of this way.")
            .about(CONDITIONED, BAD)
            .check(|case| scores(case, By::Reflections))
            .fault("by a Gram matrix", |case| scores(case, By::Gram)),
        claim("leverage-regression/error-bound")
            .derived("the error bounds of the solver, src/production/systems/leverage_regression")
            .states("|| x - x* ||_F is at most the bound that comes with x, where one comes")
            .formula(r"\|x - x^*\|_F \le \text{the bound that comes with } x")
            .given("A'A + lambda I is positive definite")
            .note("Held against triangular solves at 40 digits.")
            .about(ANY, EVERYTHING)
            .check(|case| within_the_bound(case, High::ONE))
            .fault("a millionth of the bound", |case| within_the_bound(case, High::int(1_000_000))),
        claim("leverage-regression/excess-bounds")
            .derived("leverage-regression/excess-is-of-the-gradient in f64, src/production/systems/leverage_regression/excess.rs")
            .states("2 (L(x) - L(x*)) is within the bounds that are proven for any x in f64")
            .formula(r"2\, (L(x) - L(x^*)) \in \text{the bounds that are proven for } x")
            .given("A'A + lambda I is positive definite")
            .note("Held against triangular solves at 40 digits, at the point of the case.")
            .about(ANY, EVERYTHING)
            .check(|case| excess(case, High::ZERO))
            .fault("a thousandth less from above", |case| excess(case, High::ratio(1, 1000))),
    ]
}
