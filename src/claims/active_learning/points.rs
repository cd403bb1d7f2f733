//! Points that are chosen: how few are enough, and what greedy D-optimality is good for.

use nalgebra::{DMatrix, DVector};

use crate::claims::leverage_regression::full_rank::chain;
use crate::claims::leverage_regression::model::square;
use crate::claims::tools::attained::at_most_or_equal;
use crate::claims::tools::builder::{claim, strata, witness};
use crate::claims::tools::exact::of_eigenvalues;
use crate::claims::tools::statistics::BinomialTest;
use crate::claims::{Case, CheckError, Claim, OtherCases, Outside, Stratum, Verdict};
use crate::oracle::spectrum;
use crate::production::{LabelDesign, choose_points};
use crate::scalar::{Allowance, High};
use crate::system::{Array, Given};

use super::cases::PoolCases;
use super::model::{Independent, inside};

/// The points of a method within that budget.
fn chosen(
    given: &Given,
    method: &str,
    budget: usize,
    seed: u64,
) -> Result<LabelDesign, CheckError> {
    given
        .with_array("budget", Array::scalar(budget as f64))
        .and_then(|given| choose_points(&given, method, seed).map_err(|error| error.to_string()))
        .map_err(CheckError::Other)
}

/// Functions of a pool of indicators of equal cells, each point in one; `None` for another pool.
fn cells(given: &Given) -> Option<usize> {
    let pool = given.matrix("pool", "n", "d");
    let (n, d) = pool.shape();
    let one = |row: usize| pool.row(row).iter().filter(|entry| **entry != 0.0).count() == 1;
    let equal = |column: usize| {
        let ones = pool
            .column(column)
            .iter()
            .filter(|entry| **entry == 1.0)
            .count();
        ones * d == n
    };
    let measure = given.repeated("measure", n);
    let fits = (0..n).all(one)
        && (0..d).all(equal)
        && measure
            .iter()
            .all(|weight| *weight == measure[0] && *weight > 0.0)
        && d <= 40;
    fits.then_some(d)
}

/// `times d` draws by leverage have rank d with probability 9/10; the probability is exact.
fn draws(case: &Case<Given>, times: usize) -> Result<Verdict, CheckError> {
    let Some(d) = cells(&case.instance) else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    let missed = High::ONE - chain(d, times * d);
    Ok(Verdict::at_most(
        &format!("P[{} draws have not rank {d}]", times * d),
        missed,
        High::ratio(1, 10),
        Allowance::new(High::ONE.shifted(-30), "10^4 roundings of probabilities"),
    ))
}

/// The first d points, or those of greedy D-optimality, have one in every cell: how many cells have none.
fn covered(case: &Case<Given>, greedy: bool) -> Result<Verdict, CheckError> {
    let Some(d) = cells(&case.instance) else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    let points = if greedy {
        chosen(&case.instance, "greedy-d-optimal", d, case.seed)?.points
    } else {
        (0..d).collect()
    };
    let pool = case.instance.matrix("pool", "n", "d");
    let seen = |column: &usize| points.iter().any(|i| pool[(*i, *column)] != 0.0);
    let missed = d - (0..d).filter(seen).count();
    Ok(Verdict::at_most(
        &format!("cells without one of {d} labels"),
        High::int(missed as i64),
        High::ZERO,
        Allowance::NOTHING,
    ))
}

/// What the excess of the greedy points is compared with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Limit {
    /// The least loss.
    LeastLoss,
    /// What the design says of the noise at its points, divided by so much.
    Design(i64),
}

/// The excess of the fit to the greedy points, at 40 digits.
fn greedy(case: &Case<Given>, limit: Limit) -> Result<Verdict, CheckError> {
    let found = inside!(Independent::of(case));
    let d = found.pool.p.ncols();
    let design = chosen(
        &case.instance,
        "greedy-d-optimal",
        case.instance.size("budget").max(d),
        1,
    )?;
    let count = design.points.len();
    let rows = DMatrix::from_fn(count, d, |k, j| found.pool.p[(design.points[k], j)]);
    let noise = found.noise();
    let noise = DVector::from_fn(count, |k, _| noise[design.points[k]]);
    // Coordinates that are orthonormal in the measure: v = L^-1 p.
    let Some(factor) = nalgebra::Cholesky::new(found.pool.model.normal()) else {
        return Ok(Verdict::Outside(Outside::Rank));
    };
    let Some(values) = factor.l().solve_lower_triangular(&rows.transpose()) else {
        return Ok(Verdict::Outside(Outside::Rank));
    };
    let gram = &values * values.transpose();
    let (low, _, off) = spectrum::extremes_with_bound(&gram)?;
    let Some(inner) = nalgebra::Cholesky::new(gram) else {
        return Ok(Verdict::Outside(Outside::Rank));
    };
    let step = inner.solve(&(&values * &noise));
    let excess = step.norm_squared();
    let allowed = match limit {
        Limit::LeastLoss => found.solved.least,
        Limit::Design(less) => noise.norm_squared() / low / High::int(less),
    };
    let sizes = square(&found.pool.model.a) + square(&found.pool.model.b) + excess + allowed;
    let granted = found.after() * (sizes / low.square()) + of_eigenvalues(off) * (allowed / low);
    Ok(at_most_or_equal(
        "|| f~ - f* ||^2",
        excess,
        allowed,
        granted,
    ))
}

/// Designs by leverage of each case.
const DESIGNS: u64 = 40;

/// Nine of ten designs by leverage have a larger mean excess for equal noise than the greedy one; the fault takes a design by leverage
/// for the greedy one.
fn equal_noise(case: &Case<Given>, method: &str) -> Result<Verdict, CheckError> {
    inside!(Independent::of(case).map(|_| ()));
    let budget = case.instance.size("budget");
    let test = BinomialTest::new(0.1, DESIGNS)?;
    let greedy = chosen(&case.instance, method, budget, case.seed)?.mean_excess;
    let mut failures = 0;
    for index in 1..=DESIGNS {
        let design = chosen(&case.instance, "leverage-draws", budget, case.seed ^ index)?;
        failures += i64::from(design.mean_excess < greedy);
    }
    Ok(Verdict::at_most(
        &format!("designs by leverage, of {DESIGNS}, that are better than the greedy one"),
        High::int(failures),
        High::int(test.accept_up_to as i64),
        Allowance::NOTHING,
    ))
}

const CELLS: OtherCases = &PoolCases::CELLS;
const SPIKE: OtherCases = &PoolCases {
    points: super::cases::Points::Spike,
    measured: false,
    cases: 16,
};
const MANY: OtherCases = &PoolCases::MANY;
const ONE: &[Stratum] = strata!(Kind: "d=1" "one measure");

/// The claims about points.
pub fn claims() -> Vec<Claim> {
    vec![
        claim("active-learning/draws-of-order-d")
            .derived("O(d) labels by draws, with a constant of 4")
            .states("4 d independent draws by leverage have rank d with probability at least 9/10")
            .formula(r"m = 4 d \implies \Pr[\operatorname{rank} = d] \ge \tfrac{9}{10}")
            .given("the functions are the indicators of d equal cells")
            .note("The probability is exact: false from d = 8 on. The d log d of independent draws is a coupon collector's and no artefact of a proof; leverage-regression/rank-by-d-log-d has its constant.")
            .about(CELLS, ONE)
            .check(|case| draws(case, 4))
            .fault("eight times d", |case| draws(case, 8))
            .refuted("active-learning/points-of-order-d", witness!("active-learning-draws-of-order-d")),
        claim("active-learning/points-of-order-d")
            .derived("replaces active-learning/draws-of-order-d: pivoting takes a point out of the span of those before")
            .states("the d first greedy D-optimal points have rank d")
            .formula(r"\operatorname{rank}(V_S) = d, \ |S| = d")
            .given("the functions are the indicators of d equal cells")
            .about(CELLS, ONE)
            .check(|case| covered(case, true))
            .fault("the first d points of the pool", |case| covered(case, false)),
        claim("active-learning/greedy-whatever-the-noise")
            .derived("a bound of the excess of greedy D-optimality by the least loss, as independent draws have it in the mean")
            .states("the fit to greedy D-optimal points has || f~ - f* ||_D^2 <= || y - f* ||_D^2")
            .formula(r"\|\tilde f - f^*\|_D^2 \le \|y - f^*\|_D^2")
            .given("one function, 1 everywhere; labels of 0 but at one point; a budget of 1 or 2")
            .note("The points are known before the labels: who sets labels puts the noise there, and n points have an excess of n - 1 times the least loss. Draws cannot be foreseen.")
            .about(SPIKE, ONE)
            .check(|case| greedy(case, Limit::LeastLoss))
            .fault("what the design says: active-learning/greedy-by-design", |case| greedy(case, Limit::Design(1)))
            .refuted("active-learning/greedy-by-design", witness!("active-learning-greedy-whatever-the-noise")),
        claim("active-learning/greedy-by-design")
            .derived("replaces active-learning/greedy-whatever-the-noise: the norm of a pseudo-inverse")
            .states("|| f~ - f* ||_D^2 <= || (V_S' V_S)^-1 || sum over S of g_i^2, V orthonormal in the measure")
            .formula(r"\|\tilde f - f^*\|_D^2 \le \|(V_S^\top V_S)^{-1}\| \sum_{i \in S} g_i^2")
            .given("independent functions; S the greedy points of the budget")
            .note("The first factor is known before a label is. Attained by a g along V_S.")
            .about(SPIKE, ONE)
            .check(|case| greedy(case, Limit::Design(1)))
            .fault("a quarter of it", |case| greedy(case, Limit::Design(4))),
        claim("active-learning/greedy-for-equal-noise")
            .derived("the covariance of least squares, tr((V_S' V_S)^-1), for noise of equal variance")
            .states("at least 9 of 10 designs of m draws by leverage have a larger mean excess for noise of equal variance than m greedy D-optimal points")
            .formula(r"\Pr\bigl[\operatorname{tr} \operatorname{Cov}(S_{\text{leverage}}) \ge \operatorname{tr} (V_S^\top V_S)^{-1}\bigr] \ge \tfrac{9}{10}")
            .given("independent functions, 3 d to 3 d + 6 labels of 40 to 70 points")
            .note("40 designs a case against an exact binomial limit (false alarm 1e-9).")
            .about(MANY, ONE)
            .check(|case| equal_noise(case, "greedy-d-optimal"))
            .fault("a design by leverage", |case| equal_noise(case, "leverage-draws")),
    ]
}
