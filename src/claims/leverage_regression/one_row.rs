//! One column, one row apart: the probability that a sample is within eps, exactly.
//!
//! ```text
//! A = (s, 1, .., 1)'    b = (beta, 0, .., 0)'    K of m draws are the first row, binomial with its share p
//! x' = W_0 s beta / (W_0 s^2 + (n - 1) W_1),  W_0 = K / (m p),  W_1 = (m - K) / (m (1 - p))
//! ```
//!
//! Rows that are alike enter through their number only, so a sum of m + 1 binomial terms decides.

use crate::claims::tools::builder::{claim, strata, witness};
use crate::claims::{Case, CheckError, Claim, OtherCases, Outside, Stratum, Verdict};
use crate::scalar::{Allowance, High};
use crate::system::{Array, Given};

use super::cases::{LinearCases, Rows};
use super::sampling::Scores;

/// Draws beyond which a sum of binomial terms is too long here.
const MOST_DRAWS: usize = 4000;

/// An instance of that form.
struct Apart {
    size: High,
    target: High,
    others: High,
}

impl Apart {
    /// `None` for another form.
    fn of(given: &Given) -> Result<Option<Self>, CheckError> {
        let a = given.matrix("matrix", "n", "d");
        let target = given.array("target").map_or(&[][..], Array::values);
        let fits = a.ncols() == 1
            && a.nrows() >= 2
            && target.len() == a.nrows()
            && given.scalar("ridge") == 0.0
            && a[0] != 0.0
            && target[0] != 0.0
            && a.iter().skip(1).all(|entry| *entry == 1.0)
            && target[1..].iter().all(|entry| *entry == 0.0);
        if !fits {
            return Ok(None);
        }
        Ok(Some(Self {
            size: High::lift(a[0])?,
            target: High::lift(target[0])?,
            others: High::int(a.nrows() as i64 - 1),
        }))
    }

    /// The share of the first row in draws by these scores.
    fn share(&self, by: Scores) -> High {
        let square = self.size.square();
        let total = square + self.others;
        let leverage = square / total;
        match by {
            Scores::OfA => leverage,
            // r_0 = beta (1 - l), || r ||^2 = beta^2 (1 - l): the residual's share is 1 - l.
            Scores::OfBoth => (leverage + High::ONE - leverage) / High::int(2),
        }
    }

    /// The probability that m draws miss eps.
    fn misses(&self, by: Scores, draws: usize, accuracy: High) -> High {
        let p = self.share(by);
        let q = High::ONE - p;
        let square = self.size.square();
        let total = square + self.others;
        let answer = self.size * self.target / total;
        let rest = self.target.square() * self.others / total;
        let m = High::int(draws as i64);
        let mut probability = q.powi(draws as i64);
        let mut missed = High::ZERO;
        for drawn in 0..=draws {
            let k = High::int(drawn as i64);
            let (first, others) = (k / (m * p), (m - k) / (m * q));
            let found = first * self.size * self.target / (first * square + others * self.others);
            let excess = (found - answer).square() * total / rest;
            if excess.is_poisoned() || excess > accuracy {
                missed += probability;
            }
            probability = probability * (m - k) / (k + High::ONE) * p / q;
        }
        missed
    }
}

/// At least `1 - delta` of all samples of `ceil(4 d ln(d / delta) / eps)` draws are within eps.
fn log_delta(case: &Case<Given>, by: Scores) -> Result<Verdict, CheckError> {
    let given = &case.instance;
    let Some(apart) = Apart::of(given)? else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    let [accuracy, delta] = ["accuracy", "delta"].map(|name| given.scalar(name));
    let draws = (4.0 * delta.recip().ln() / accuracy).ceil() as usize;
    if draws > MOST_DRAWS {
        return Ok(Verdict::Outside(Outside::Precision));
    }
    Ok(Verdict::at_most(
        &format!("P[{draws} draws miss eps]"),
        apart.misses(by, draws, High::lift(accuracy)?),
        High::lift(delta)?,
        Allowance::new(
            High::ONE.shifted(-30),
            "10^4 roundings of the binomial terms",
        ),
    ))
}

const CASES: OtherCases = &LinearCases {
    rows: Rows::Apart,
    cases: 12,
    ..LinearCases::PLAIN
};
const STRATA: &[Stratum] = strata!(Kind: "d=1" "one right side");

/// The claims about one row apart.
pub fn claims() -> Vec<Claim> {
    vec![
        claim("leverage-regression/log-delta-of-a")
            .recalled("the usual count m = O(d log(d / delta) / eps) for draws by leverage scores, with a constant of 4")
            .states("m = ceil(4 d ln(d / delta) / eps) draws by the leverage scores of A give || A x' - b ||^2 <= (1 + eps) min with probability at least 1 - delta")
            .formula(r"m = \lceil 4 d \ln(d / \delta) / \epsilon \rceil,\ p_i = l_i(A) / d \implies \Pr\bigl[\|A x' - b\|_2^2 \le (1 + \epsilon) \min_x \|A x - b\|_2^2\bigr] \ge 1 - \delta")
            .given("d = 1, A = (s, 1, .., 1)', b = (beta, 0, .., 0)', lambda = 0; eps and delta are the instance's")
            .note("The probability is exact. Where the residual sits in one row of leverage l < d^2 / (m^2 eps), drawing that row at all is too much, and it is drawn with probability m l / d: d / (eps delta) rows are necessary for scores of A alone. Larsen and Kolda (arXiv 2201.10638) show that 4 d / (delta eps) are sufficient. Attributed, wording unverified.")
            .about(CASES, STRATA)
            .check(|case| log_delta(case, Scores::OfA))
            .fault("scores of [A b]: leverage-regression/log-delta-of-a-and-b", |case| log_delta(case, Scores::OfBoth))
            .refuted("leverage-regression/log-delta-of-a-and-b", witness!("leverage-regression-log-delta-of-a")),
        claim("leverage-regression/log-delta-of-a-and-b")
            .derived("replaces leverage-regression/log-delta-of-a: one more column, the same algorithm")
            .states("m = ceil(4 d ln(d / delta) / eps) draws by the leverage scores of [A b] give || A x' - b ||^2 <= (1 + eps) min with probability at least 1 - delta")
            .formula(r"m = \lceil 4 d \ln(d / \delta) / \epsilon \rceil,\ p_i = l_i([A\ b]) / (d + 1) \implies \Pr\bigl[\|A x' - b\|_2^2 \le (1 + \epsilon) \min_x \|A x - b\|_2^2\bigr] \ge 1 - \delta")
            .given("d = 1, A = (s, 1, .., 1)', b = (beta, 0, .., 0)', lambda = 0; eps and delta are the instance's")
            .note("The probability is exact, for this form of A and b; for others leverage-regression/draws-by-quantile is a test.")
            .about(CASES, STRATA)
            .check(|case| log_delta(case, Scores::OfBoth))
            .fault("scores of A", |case| log_delta(case, Scores::OfA)),
    ]
}
