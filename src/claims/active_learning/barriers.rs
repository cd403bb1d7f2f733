//! Randomised BSS at 40 digits, as it is recalled (Lee and Sun; Chen and Price), on the pool of a case.

use nalgebra::DMatrix;
use rand::Rng;

use crate::claims::tools::attained::at_most_or_equal;
use crate::claims::tools::builder::{claim, strata, witness};
use crate::claims::tools::exact::of_eigenvalues;
use crate::claims::{Case, CheckError, Claim, OtherCases, Outside, Stratum, Verdict};
use crate::oracle::spectrum;
use crate::scalar::{Allowance, High};
use crate::system::Given;

use super::cases::PoolCases;
use super::model::{Independent, inside};

/// A run.
struct Run {
    /// `B / mid`.
    sum: DMatrix<High>,
    /// g.
    gamma: High,
    /// The largest move of `u - l`, over mid.
    last: High,
    /// `sum_j alpha_j`.
    alphas: High,
    /// `max_j alpha_j K_j`.
    worst: High,
    draws: usize,
    /// What coordinates lose.
    granted: Allowance<High>,
}

/// Draws at most: of 4 functions a few hundred are needed.
const MOST_DRAWS: usize = 2000;

/// One run with that g, draws by the case's own stream.
fn run(case: &Case<Given>, gamma: High) -> Result<Result<Run, Outside>, CheckError> {
    let found = match Independent::of(case) {
        Ok(found) => found,
        Err(outside) => return Ok(Err(outside)),
    };
    let d = found.pool.p.ncols();
    // Orthonormal coordinates: u_i = L^-1 a_i for P'DP = L L'.
    let Some(factor) = nalgebra::Cholesky::new(found.pool.model.normal()) else {
        return Ok(Err(Outside::Rank));
    };
    let rows = factor
        .l()
        .solve_lower_triangular(&found.pool.model.a.transpose());
    let Some(rows) = rows else {
        return Ok(Err(Outside::Rank));
    };
    let (one, size) = (High::ONE, High::int(d as i64));
    let mut upper = size * High::int(2) / gamma;
    let mut lower = -upper;
    let mid = size * High::int(4) / gamma / ((one - gamma).recip() - (one + gamma).recip());
    let mut sum = DMatrix::zeros(d, d);
    let mut rng = case.stream("draws");
    let (mut alphas, mut worst, mut last, mut draws) = (High::ZERO, High::ZERO, High::ZERO, 0);
    while upper - lower < size * High::int(8) / gamma {
        let identity = DMatrix::<High>::identity(d, d);
        let above = nalgebra::Cholesky::new(&identity * upper - &sum);
        let below = nalgebra::Cholesky::new(&sum - &identity * lower);
        let (Some(above), Some(below)) = (above, below) else {
            return Err(CheckError::Other("a barrier was passed".to_owned()));
        };
        let between = above.inverse() + below.inverse();
        let potential = between.trace();
        let image = &between * &rows;
        let scores: Vec<High> = (0..rows.ncols())
            .map(|i| rows.column(i).dot(&image.column(i)))
            .collect();
        let uniform = (rng.next_u64() >> 11) as f64 * (f64::EPSILON / 2.0);
        let mut left = High::lift(uniform)? * scores.iter().copied().sum::<High>();
        let mut drawn = 0;
        for (i, score) in scores.iter().enumerate().filter(|(_, s)| s.is_positive()) {
            drawn = i;
            if left < *score {
                break;
            }
            left -= *score;
        }
        let column = rows.column(drawn);
        sum += column * column.transpose() * (gamma / scores[drawn]);
        // K_j = sup l_i / q_i with q_i = score_i / potential.
        let condition = (0..rows.ncols())
            .filter(|i| scores[*i] > one.shifted(-20))
            .map(|i| rows.column(i).norm_squared() * potential / scores[i])
            .fold(High::ZERO, High::max);
        let alpha = gamma / potential / mid;
        alphas += alpha;
        worst = worst.max(alpha * condition);
        let moves = [
            gamma / (potential * (one - gamma)),
            gamma / (potential * (one + gamma)),
        ];
        upper += moves[0];
        lower += moves[1];
        last = last.max((moves[0] - moves[1]) / mid);
        draws += 1;
        if draws > MOST_DRAWS {
            return Err(CheckError::Other(format!("more than {MOST_DRAWS} draws")));
        }
    }
    Ok(Ok(Run {
        sum: sum / mid,
        gamma,
        last,
        alphas,
        worst,
        draws,
        granted: found.after() * High::int(draws as i64),
    }))
}

/// The spectrum of the sample within `(1 - 2 g) / (1 - g^2)` and `(1 + 2 g) / (1 - g^2)`, each with the last move, or within `part` of
/// that about its middle.
fn window(case: &Case<Given>, gamma: High, part: High) -> Result<Verdict, CheckError> {
    let run = inside!(run(case, gamma)?);
    let (low, high, off) = spectrum::extremes_with_bound(&run.sum)?;
    let scale = (High::ONE - run.gamma.square()).recip();
    let half = (run.gamma * High::int(2) * scale + run.last) * part;
    let granted = of_eigenvalues(off) + run.granted;
    Ok(
        at_most_or_equal("lambda_max", high, scale + half, granted.clone()).and(at_most_or_equal(
            "less lambda_min",
            -low,
            half - scale,
            granted,
        )),
    )
}

/// eps of a case: `d / budget`, at most 1/2.
fn accuracy(case: &Case<Given>) -> High {
    let [d, budget] = ["d", "budget"].map(|side| High::int(case.instance.size(side) as i64));
    (d / budget).min(High::ratio(1, 2))
}

/// g with `3 g^2 = eps`.
fn third(case: &Case<Given>) -> High {
    (accuracy(case) / High::int(3)).sqrt()
}

/// `sum alpha <= 5/4` and `alpha_j K_j <= eps / 2`, or eps / `share`.
fn weights(case: &Case<Given>, share: i64) -> Result<Verdict, CheckError> {
    let gamma = third(case);
    let run = inside!(run(case, gamma)?);
    Ok(at_most_or_equal(
        "sum alpha",
        run.alphas,
        High::ratio(5, 4),
        run.granted.clone(),
    )
    .and(at_most_or_equal(
        "max alpha K",
        run.worst,
        accuracy(case) / High::int(share),
        run.granted,
    )))
}

/// At most `times d / g^2` draws.
fn count(case: &Case<Given>, times: High) -> Result<Verdict, CheckError> {
    let gamma = third(case);
    let run = inside!(run(case, gamma)?);
    let d = High::int(case.instance.size("d") as i64);
    Ok(Verdict::at_most(
        "draws",
        High::int(run.draws as i64),
        times * d / gamma.square() + High::ONE,
        Allowance::NOTHING,
    ))
}

/// The lower end of a window is positive: of `1 - 10 sqrt(eps)`, or of the barriers' with `3 g^2 = eps`.
fn lower_end(case: &Case<Given>, recalled: bool) -> Result<Verdict, CheckError> {
    let gamma = third(case);
    let end = if recalled {
        High::ONE - High::int(10) * accuracy(case).sqrt()
    } else {
        (High::ONE - gamma * High::int(2)) / (High::ONE - gamma.square())
    };
    let granted = Allowance::new(High::ONE.shifted(-30), "a root");
    Ok(Verdict::at_least("the lower end", end, High::ZERO, granted))
}

const FEW: OtherCases = &PoolCases {
    cases: 10,
    ..PoolCases::TALL
};
const FULL: &[Stratum] = strata!(Kind: "d=1" "n=d" "a measure" "a point of measure 0");
const MANY: OtherCases = &PoolCases::MANY;

/// The claims about randomised BSS.
pub fn claims() -> Vec<Claim> {
    vec![
        claim("active-learning/barrier-window")
            .derived("l I < B < u I after every draw: g u_i u_i' / (u_i' E u_i) <= g E^-1, and l moves by less than 1 / tr E")
            .states("randomised BSS ends with a weighted sample whose squares are within (1 - 2 g) / (1 - g^2) and (1 + 2 g) / (1 - g^2) of those in the pool for every function, up to its longest move, whatever is drawn")
            .formula(r"\frac{1 - 2 \gamma}{1 - \gamma^2} - \delta \le \frac{\sum_i w_i |f(x_i)|^2}{\|f\|_D^2} \le \frac{1 + 2 \gamma}{1 - \gamma^2} + \delta")
            .given("independent functions, g = 1/4; delta is the longest move of u - l, over the middle")
            .note("What is random is the number of draws alone, not whether the window holds. The recalled form has a window of 1 -+ 10 sqrt(eps) with probability 9/10.")
            .about(FEW, FULL)
            .check(|case| window(case, High::ratio(1, 4), High::ONE))
            .fault("a tenth of the width", |case| window(case, High::ratio(1, 4), High::ratio(1, 10))),
        claim("active-learning/barrier-weights")
            .recalled("Chen and Price's well-balanced sampling procedure: sum alpha_j <= 5/4, alpha_j K_j <= eps / 2")
            .states("randomised BSS with g^2 = eps / 3 has sum_j alpha_j <= 5/4 and alpha_j K_j <= eps / 2 for every draw")
            .formula(r"\gamma^2 = \epsilon / 3 \implies \sum_j \alpha_j \le \tfrac{5}{4}, \ \alpha_j K_{D_j} \le \epsilon / 2")
            .given("independent functions; eps = d / budget, at most 1/2")
            .note("alpha_j K_j <= g^2 / (1 - g^2) and a little, because E >= 4 / (u - l); the sum is 1 and what the last draw is too much, at most g^2 / (d (1 - g^2)): for one function and eps near 1 it is above 5/4. Attributed, wording unverified.")
            .about(FEW, FULL)
            .check(|case| weights(case, 2))
            .fault("eps / 16", |case| weights(case, 16)),
        claim("active-learning/barrier-labels")
            .recalled("O(d / eps) labels of randomised BSS, with g^2 = eps / 3")
            .states("randomised BSS takes at most 2 d / g^2 + 1 draws")
            .formula(r"m \le 2 d / \gamma^2 + 1")
            .given("independent functions; 3 g^2 = eps = d / budget, at most 1/2")
            .note("That is 6 d / eps + 1, where draws by leverage need d / eps for the same mean and d log d for rank. Attributed, wording unverified.")
            .about(FEW, FULL)
            .check(|case| count(case, High::int(2)))
            .fault("d / (4 g^2)", |case| count(case, High::ratio(1, 4))),
        claim("active-learning/window-of-ten-roots")
            .derived("the recalled window 1 -+ 10 sqrt(eps), read as a promise of full rank, with d / eps labels")
            .states("1 - 10 sqrt(eps) > 0 for a budget of d / eps labels")
            .formula(r"1 - 10 \sqrt{\epsilon} > 0, \quad \epsilon = d / m")
            .given("eps = d / budget, at most 1/2")
            .note("Empty for eps >= 1/100: below 100 d labels its lower half says nothing.")
            .about(MANY, strata!(Kind: "d=1" "one measure"))
            .check(|case| lower_end(case, true))
            .fault("(1 - 2 g) / (1 - g^2): active-learning/barrier-window", |case| lower_end(case, false))
            .refuted("active-learning/barrier-window", witness!("active-learning-window-of-ten-roots")),
    ]
}
