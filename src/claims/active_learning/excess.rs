//! The mean of the excess of draws, to first order.
//!
//! A draw of point i with the share q_i adds `D_i v_i' g_i / q_i` to the gradient at the best fit, whose mean is 0; the excess of m draws is
//! `s' (P'DP)^-1 s` of their mean s, so `m E[excess] = sum_i D_i l_i g_i^2 / q_i` to first order in 1/m.

use crate::claims::tools::attained::at_most_or_equal;
use crate::claims::tools::builder::{claim, strata, witness};
use crate::claims::{Case, CheckError, Claim, OtherCases, Stratum, Verdict};
use crate::scalar::High;
use crate::system::Given;

use super::cases::PoolCases;
use super::model::{Independent, inside};

/// `m E[excess]` of one draw by these shares, and `|| g ||_D^2`. A score of rounding counts as 0.
fn of_one_draw(found: &Independent, shares: impl Fn(usize) -> High) -> (High, High) {
    let noise = found.noise();
    let columns = found.pool.p.transpose();
    let (mut mean, mut size) = (High::ZERO, High::ZERO);
    for i in 0..found.scores.len() {
        let weight = found.pool.measure[i];
        let square = noise[i].square();
        size += weight * square;
        let share = shares(i);
        if weight.is_positive() && share > found.after().size().shifted(4) {
            // The draw itself: a vector over its share.
            let draw = columns.columns(i, 1) * (weight * noise[i] / share);
            mean += share * draw.dot(&found.solved.solve(&draw));
        }
    }
    (mean, size)
}

/// `m E[excess] = (d + more) || g ||_D^2` by leverage.
fn by_leverage(case: &Case<Given>, more: i64) -> Result<Verdict, CheckError> {
    let found = inside!(Independent::of(case));
    let d = found.pool.p.ncols() as i64;
    let (mean, size) = of_one_draw(&found, |i| found.scores[i] / High::int(d));
    let sizes = found.pool.model.size(&found.solved.x) * High::int(8 + d);
    Ok(Verdict::equal(
        "m times the mean excess, to first order",
        mean,
        size * High::int(d + more),
        found.after() * (sizes + mean) * smallest(&found).recip(),
    ))
}

/// The least score above rounding.
fn smallest(found: &Independent) -> High {
    let limit = found.after().size().shifted(4);
    let above = found.scores.iter().filter(|score| **score > limit);
    above.copied().reduce(High::min).unwrap_or(High::ONE)
}

/// What draws by the measure are compared with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Against {
    /// At least what leverage has.
    Leverage,
    /// At most K_D times the noise.
    Condition,
    /// At most d times the noise.
    Dimension,
}

fn by_measure(case: &Case<Given>, against: Against) -> Result<Verdict, CheckError> {
    let found = inside!(Independent::of(case));
    let total = found.pool.total();
    let (mean, size) = of_one_draw(&found, |i| found.pool.measure[i] / total);
    let d = High::int(found.pool.p.ncols() as i64);
    let sizes = found.pool.model.size(&found.solved.x) * High::int(8) * d;
    let shares: Vec<High> = found.pool.measure.iter().map(|w| *w / total).collect();
    let condition = found.condition(&shares);
    let granted = found.after() * ((sizes + mean) * (High::ONE + condition));
    let name = "m times the mean excess of draws by the measure";
    Ok(match against {
        Against::Leverage => at_most_or_equal(
            "m times the mean excess of draws by leverage",
            d * size,
            mean,
            granted,
        ),
        Against::Condition => at_most_or_equal(name, mean, condition * size, granted),
        Against::Dimension => at_most_or_equal(name, mean, d * size, granted),
    })
}

const TALL: OtherCases = &PoolCases {
    cases: 30,
    ..PoolCases::TALL
};
const FULL: &[Stratum] = strata!(Decade("condition of P"): 0 1 2 3; Kind: "d=1" "n=d" "a measure" "a point of measure 0");

/// The claims about the mean excess.
pub fn claims() -> Vec<Claim> {
    vec![
        claim("active-learning/mean-excess")
            .derived("E[s' (P'DP)^-1 s] of one draw by leverage, where the mean of s is 0")
            .states("m E[|| f~ - f* ||_D^2] = d || g ||_D^2 to first order in 1/m for m draws by leverage, whatever P, D and y")
            .formula(r"m\, \mathbb{E}\, \|\tilde f - f^*\|_D^2 = d\, \|g\|_D^2 + O(1/m), \quad g = y - f^*")
            .given("independent functions; first order: the mean of one draw, exactly")
            .note("The constant of d / eps is 1, for every g. The distribution is another matter: a g at one point is rarely hit, and a sample without full rank has no excess at all; leverage-regression/log-delta-of-a has the exact tail.")
            .about(TALL, FULL)
            .check(|case| by_leverage(case, 0))
            .fault("d + 1 functions", |case| by_leverage(case, 1)),
        claim("active-learning/leverage-beats-the-measure")
            .derived("active learning against passive: labels of points drawn by leverage, and by the measure itself")
            .states("the mean excess of m draws by leverage is at most that of m draws by the measure, to first order in 1/m")
            .formula(r"\sum_i D_i g_i^2\, d \le \sum_i D_i g_i^2\, \tau_i")
            .given("independent functions; tau_i = l_i times the whole measure over D_i; first order: the mean of one draw, exactly")
            .note("Equal for noise of equal size, and false where the noise is at points of small leverage. What leverage buys is a small K, and with it full rank from fewer labels: active-learning/legendre-condition.")
            .about(TALL, FULL)
            .check(|case| by_measure(case, Against::Leverage))
            .fault("at most K_D / m: active-learning/mean-excess-of-the-measure", |case| by_measure(case, Against::Condition))
            .refuted("active-learning/mean-excess-of-the-measure", witness!("active-learning-leverage-beats-the-measure")),
        claim("active-learning/mean-excess-of-the-measure")
            .derived("replaces active-learning/leverage-beats-the-measure")
            .states("m E[|| f~ - f* ||_D^2] <= K_D || g ||_D^2 to first order in 1/m for m draws by the measure, K_D = sup tau")
            .formula(r"m\, \mathbb{E}\, \|\tilde f - f^*\|_D^2 = \sum_i D_i g_i^2\, \tau_i + O(1/m) \le K_D\, \|g\|_D^2")
            .given("independent functions; first order: the mean of one draw, exactly")
            .about(TALL, FULL)
            .check(|case| by_measure(case, Against::Condition))
            .fault("d in place of K_D", |case| by_measure(case, Against::Dimension)),
    ]
}
