//! How many rows a sample needs, as exact binomial tests over independent samples.

use nalgebra::{Cholesky, DMatrix};

use crate::claims::tools::builder::{claim, strata, witness};
use crate::claims::tools::statistics::BinomialTest;
use crate::claims::{Case, CheckError, Claim, OtherCases, Outside, Stratum, Verdict};
use crate::instance::sample::Stream;
use crate::production::leverage::{self, LeverageError, times_drawn};
use crate::production::rows_for_probability;
use crate::scalar::{Allowance, High};
use crate::system::Given;

use super::cases::LinearCases;

/// Independent samples of each case.
pub const TRIALS: u64 = 400;
/// What the count with a constant of 1 is granted to miss.
const A_TENTH: f64 = 0.1;

/// What rows are drawn in proportion to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Scores {
    /// The leverage scores of A.
    OfA,
    /// Those of [A b], for one right side.
    OfBoth,
}

/// An orthonormal basis of the columns of A, residuals, and what rows are drawn in proportion to.
pub struct Drawn {
    basis: DMatrix<f64>,
    residuals: DMatrix<f64>,
    scores: Vec<f64>,
}

/// What came of a sample.
pub struct Excesses {
    /// `sum_c || A (x'_c - x*_c) ||^2 / sum_c || r_c ||^2`.
    pub whole: f64,
    /// The largest of the columns' own.
    pub worst: f64,
}

impl Drawn {
    /// Of a case without a ridge and with more rows than columns; or why it is outside.
    pub fn of(case: &Case<Given>, by: Scores) -> Result<Result<Self, Outside>, CheckError> {
        let given = &case.instance;
        let a = given.matrix("matrix", "n", "d");
        let (n, d) = a.shape();
        if n <= d || given.scalar("ridge") != 0.0 {
            return Ok(Err(Outside::Premise));
        }
        let mut scores = match leverage::leverage_scores(&a) {
            Ok(scores) => scores,
            Err(LeverageError::RankDeficient { .. }) => return Ok(Err(Outside::Rank)),
            Err(error) => return Err(CheckError::Other(error.to_string())),
        };
        let target = given
            .array("target")
            .map_or(&[][..], |target| target.values());
        let target = DMatrix::from_row_slice(n, target.len() / n, target);
        // Squares of entries at the ends of f64 leave its range.
        let basis = (&a / a.amax()).qr().q();
        let residuals = &target - &basis * basis.tr_mul(&target);
        let clear = |c: usize| residuals.column(c).norm() > 1e-9 * target.column(c).norm();
        if !(0..residuals.ncols()).all(clear) {
            return Ok(Err(Outside::Premise));
        }
        if by == Scores::OfBoth {
            // The residual is the direction that b adds to the columns of A.
            let direction = residuals.column(0);
            scores += direction.map(|r| r * r) / direction.norm_squared();
        }
        Ok(Ok(Self {
            basis,
            residuals,
            scores: scores.as_slice().to_vec(),
        }))
    }

    /// The excess of a sample of m rows; `None` where it has not full rank.
    pub fn sample(&self, draws: usize, rng: &mut Stream) -> Option<Excesses> {
        let times = times_drawn(&self.scores, draws, rng);
        let d = self.basis.ncols();
        let mut gram = DMatrix::zeros(d, d);
        let mut right = DMatrix::zeros(d, self.residuals.ncols());
        for (i, times) in times.iter().enumerate().filter(|(_, times)| **times > 0) {
            let weight = *times as f64 / self.scores[i];
            let row = self.basis.row(i).transpose();
            gram.ger(weight, &row, &row, 1.0);
            right.ger(weight, &row, &self.residuals.row(i).transpose(), 1.0);
        }
        // The basis is orthonormal, so a pivot of rounding beside the trace is no pivot.
        let limit = 1e-13 * gram.trace();
        let factor = Cholesky::new(gram)?;
        if factor
            .l_dirty()
            .diagonal()
            .iter()
            .any(|pivot| pivot * pivot <= limit)
        {
            return None;
        }
        let steps = factor.solve(&right);
        let own =
            |c: usize| steps.column(c).norm_squared() / self.residuals.column(c).norm_squared();
        Some(Excesses {
            whole: steps.norm_squared() / self.residuals.norm_squared(),
            worst: (0..steps.ncols()).map(own).fold(0.0, f64::max),
        })
    }

    /// Columns d.
    pub fn columns(&self) -> usize {
        self.basis.ncols()
    }
}

/// Whether at least a share `1 - delta` of all samples of so many rows has what `excess` says of them within eps.
pub fn decided(
    case: &Case<Given>,
    drawn: &Drawn,
    draws: usize,
    delta: f64,
    excess: fn(&Excesses) -> f64,
) -> Result<Verdict, CheckError> {
    let test = BinomialTest::new(delta, TRIALS)?;
    let accuracy = case.instance.scalar("accuracy");
    let mut rng = case.stream("samples");
    let mut failures = 0;
    for _ in 0..TRIALS {
        let found = drawn
            .sample(draws, &mut rng)
            .map_or(f64::INFINITY, |found| excess(&found));
        failures += i64::from(found.is_nan() || found > accuracy);
    }
    Ok(Verdict::at_most(
        &format!("failures in {TRIALS} samples of {draws} draws"),
        High::int(failures),
        High::int(test.accept_up_to as i64),
        Allowance::NOTHING,
    ))
}

/// `ceil(d ln d + times d / eps)`.
pub fn printed_count(d: usize, accuracy: f64, times: f64) -> usize {
    let d = d as f64;
    (d * d.ln() + times * d / accuracy).ceil() as usize
}

/// The count with a constant of 1, or `times` as many for d / eps, with probability 9/10.
fn constant(case: &Case<Given>, times: f64) -> Result<Verdict, CheckError> {
    one_right_side(case, Scores::OfA, |drawn, accuracy, _| {
        (printed_count(drawn.columns(), accuracy, times), A_TENTH)
    })
}

/// The count by the quantile, divided by so much, with probability 1 - delta.
fn quantile(case: &Case<Given>, less: usize) -> Result<Verdict, CheckError> {
    one_right_side(case, Scores::OfBoth, |drawn, accuracy, delta| {
        let rows = rows_for_probability(drawn.columns() + 1, accuracy, delta);
        (rows.div_ceil(less), delta)
    })
}

fn one_right_side(
    case: &Case<Given>,
    by: Scores,
    count: impl Fn(&Drawn, f64, f64) -> (usize, f64),
) -> Result<Verdict, CheckError> {
    if case.instance.size("N") > 1 {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let drawn = match Drawn::of(case, by)? {
        Ok(drawn) => drawn,
        Err(outside) => return Ok(Verdict::Outside(outside)),
    };
    let [accuracy, delta] = ["accuracy", "delta"].map(|name| case.instance.scalar(name));
    let (draws, delta) = count(&drawn, accuracy, delta);
    decided(case, &drawn, draws, delta, |found| found.whole)
}

const MANY: OtherCases = &LinearCases::MANY;
const STRATA: &[Stratum] = strata!(Kind: "d=1" "one right side");

/// The claims about one right side.
pub fn claims() -> Vec<Claim> {
    vec![
        claim("leverage-regression/draws-with-constant-one")
            .derived("m = O(d log d + d / eps), which the paper uses as recalled, with a constant of 1")
            .states("m = ceil(d ln d + d / eps) draws by the leverage scores of A give || A x' - b ||^2 <= (1 + eps) min with probability at least 9/10")
            .formula(r"m = \lceil d \ln d + d / \epsilon \rceil \implies \Pr\bigl[\|A x' - b\|_2^2 \le (1 + \epsilon) \min_x \|A x - b\|_2^2\bigr] \ge \tfrac{9}{10}")
            .given("lambda = 0, full column rank, one right side, a residual that is not 0; eps is the instance's accuracy")
            .note("The O hides a constant, and this is its simplest reading: the mean excess is then near eps, so that a third of all samples is above. 400 samples a case against an exact binomial limit (false alarm 1e-9).")
            .about(MANY, STRATA)
            .check(|case| constant(case, 1.0))
            .fault("eight times d / eps", |case| constant(case, 8.0))
            .refuted("leverage-regression/draws-by-quantile", witness!("leverage-regression-draws-with-constant-one")),
        claim("leverage-regression/draws-by-quantile")
            .derived("m E is distributed like a chi-square variable with d degrees of freedom (central limit), times 2 for uneven leverage")
            .states("m = ceil(max(2 chi2 / eps, d ln(d / delta))) draws by the leverage scores of [A b], chi2 the quantile of 1 - delta of d + 1 degrees of freedom, give || A x' - b ||^2 <= (1 + eps) min with probability at least 1 - delta")
            .formula(r"m = \bigl\lceil \max(2 \chi^2_{d + 1, 1 - \delta} / \epsilon,\ d \ln(d / \delta)) \bigr\rceil \implies \Pr\bigl[\|A x' - b\|_2^2 \le (1 + \epsilon) \min_x \|A x - b\|_2^2\bigr] \ge 1 - \delta")
            .given("lambda = 0, full column rank, one right side, a residual that is not 0; eps and delta are the instance's")
            .note("What `--method sampled-rows` draws. Not proven for every A: it draws again where the answer is not proven to be within eps. 400 samples a case against an exact binomial limit (false alarm 1e-9); a case with a row a hundred times as long in every second.")
            .about(MANY, STRATA)
            .check(|case| quantile(case, 1))
            .fault("a twentieth of the draws", |case| quantile(case, 20)),
    ]
}
