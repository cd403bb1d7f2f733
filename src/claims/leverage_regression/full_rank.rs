//! Rows on axes: the probability that a sample has full rank, exactly. It is a coupon collector's.

use crate::claims::tools::builder::{claim, strata, witness};
use crate::claims::{Case, CheckError, Claim, OtherCases, Outside, Stratum, Verdict};
use crate::scalar::{Allowance, High};
use crate::system::Given;

use super::cases::{LinearCases, Rows};

/// Columns of an instance whose rows have one entry each, every column at least one: its scores add up to 1 on every axis. `None` for
/// another form.
fn axes(given: &Given) -> Option<usize> {
    let a = given.matrix("matrix", "n", "d");
    let alone = |row: usize| a.row(row).iter().filter(|entry| **entry != 0.0).count() == 1;
    let seen = |column: usize| a.column(column).iter().any(|entry| *entry != 0.0);
    let fits = given.scalar("ridge") == 0.0
        && (0..a.nrows()).all(alone)
        && (0..a.ncols()).all(seen)
        && a.ncols() <= 40;
    fits.then_some(a.ncols())
}

/// The probability that m draws see all of d axes, by a chain: the number of axes that were seen.
pub fn chain(d: usize, draws: usize) -> High {
    let d_high = High::int(d as i64);
    let mut seen = vec![High::ZERO; d + 1];
    seen[0] = High::ONE;
    for _ in 0..draws {
        for j in (0..=d).rev() {
            let stays = seen[j] * High::int(j as i64) / d_high;
            let comes = if j > 0 {
                seen[j - 1] * High::int((d + 1 - j) as i64) / d_high
            } else {
                High::ZERO
            };
            seen[j] = stays + comes;
        }
    }
    seen[d]
}

/// `sum_j (-1)^j C(d, j) (1 - j / d)^m`; the fault has `1 - j / (d + 1)`.
fn inclusion_exclusion(d: usize, draws: usize, more: i64) -> High {
    let mut binomial = High::ONE;
    let mut sum = High::ZERO;
    for j in 0..=d {
        let left = High::ONE - High::int(j as i64) / High::int(d as i64 + more);
        let term = binomial * left.powi(draws as i64);
        sum = if j % 2 == 0 { sum + term } else { sum - term };
        binomial = binomial * High::int((d - j) as i64) / High::int(j as i64 + 1);
    }
    sum
}

/// Roundings of either, with binomial coefficients up to 2^d.
fn granted(d: usize, draws: usize) -> Allowance<High> {
    let terms = High::int(64 * (draws as i64 + 1) * (d as i64 + 1)) * High::int(2).powi(d as i64);
    Allowance::new(
        terms.shifted(-38),
        "64 (m + 1) (d + 1) 2^d roundings of probabilities",
    )
}

/// As many draws as there are rows.
fn probability(case: &Case<Given>, more: i64) -> Result<Verdict, CheckError> {
    let Some(d) = axes(&case.instance) else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    let draws = case.instance.size("n");
    Ok(Verdict::equal(
        &format!("P[{draws} draws have rank {d}]"),
        chain(d, draws),
        inclusion_exclusion(d, draws, more),
        granted(d, draws),
    ))
}

/// How many draws are said to be enough, and with what probability.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Enough {
    /// `max(d, ceil(d ln d))`, with probability 1/2.
    Half,
    /// `ceil(d ln(d / delta))`, with probability 1 - delta.
    AllButDelta,
    /// Half of that, with the same probability.
    HalfOfThat,
}

fn enough(case: &Case<Given>, enough: Enough) -> Result<Verdict, CheckError> {
    let Some(d) = axes(&case.instance) else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    let delta = case.instance.scalar("delta");
    let size = d as f64;
    let rank = size * (size / delta).ln();
    let (draws, allowed) = match enough {
        Enough::Half => ((size * size.ln()).ceil() as usize, High::ratio(1, 2)),
        Enough::AllButDelta => (rank.ceil() as usize, High::lift(delta)?),
        Enough::HalfOfThat => ((rank / 2.0).ceil() as usize, High::lift(delta)?),
    };
    let draws = draws.max(d);
    if draws > 10_000 {
        return Ok(Verdict::Outside(Outside::Precision));
    }
    let missed = High::ONE - chain(d, draws);
    // 1/2 is attained at d = 2.
    Ok(crate::claims::tools::attained::at_most_or_equal(
        &format!("P[{draws} draws have not rank {d}]"),
        missed,
        allowed,
        granted(d, draws),
    ))
}

const CASES: OtherCases = &LinearCases {
    rows: Rows::Axes,
    cases: 24,
    ..LinearCases::PLAIN
};
const STRATA: &[Stratum] =
    strata!(Decade("condition of A"): 0 1 2; Kind: "d=1" "n=d" "one right side");

/// The claims about rank.
pub fn claims() -> Vec<Claim> {
    vec![
        claim("leverage-regression/rank-probability")
            .derived("the coupon collector's problem")
            .states("m draws by the leverage scores have rank d with probability sum_j (-1)^j C(d, j) (1 - j / d)^m")
            .formula(r"\Pr[\operatorname{rank}(S A) = d] = \sum_{j = 0}^d (-1)^j \binom{d}{j} \Bigl(1 - \frac{j}{d}\Bigr)^m")
            .given("every row has one entry and every column at least one, lambda = 0; m = n")
            .note("Held against the chain of how many axes were seen, at 40 digits. The scores of the rows of an axis add up to 1 whatever their lengths.")
            .about(CASES, STRATA)
            .check(|case| probability(case, 0))
            .fault("1 - j / (d + 1)", |case| probability(case, 1)),
        claim("leverage-regression/rank-by-d-log-d")
            .derived("m = O(d log d), with a constant of 1")
            .states("m = max(d, ceil(d ln d)) draws by the leverage scores have rank d with probability at least 1/2")
            .formula(r"m = \max(d, \lceil d \ln d \rceil) \implies \Pr[\operatorname{rank}(S A) = d] \ge \tfrac{1}{2}")
            .given("every row has one entry and every column at least one, lambda = 0")
            .note("4/9 at d = 3, near exp(-1) for many columns: the log(1 / delta) belongs inside, d ln(d / delta).")
            .about(CASES, STRATA)
            .check(|case| enough(case, Enough::Half))
            .fault("ceil(d ln(d / delta)) draws: leverage-regression/rank-by-log-delta", |case| enough(case, Enough::AllButDelta))
            .refuted("leverage-regression/rank-by-log-delta", witness!("leverage-regression-rank-by-d-log-d")),
        claim("leverage-regression/rank-by-log-delta")
            .derived("replaces leverage-regression/rank-by-d-log-d: d (1 - 1/d)^m <= d exp(-m / d)")
            .states("m = ceil(d ln(d / delta)) draws by the leverage scores have rank d with probability at least 1 - delta")
            .formula(r"m = \lceil d \ln(d / \delta) \rceil \implies \Pr[\operatorname{rank}(S A) = d] \ge 1 - \delta")
            .given("every row has one entry and every column at least one, lambda = 0; delta is the instance's")
            .about(CASES, STRATA)
            .check(|case| enough(case, Enough::AllButDelta))
            .fault("half as many", |case| enough(case, Enough::HalfOfThat)),
    ]
}
