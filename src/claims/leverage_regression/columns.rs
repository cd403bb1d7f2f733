//! Many right sides at once.

use crate::claims::tools::builder::{claim, strata, witness};
use crate::claims::{Case, CheckError, Claim, OtherCases, Outside, Stratum, Verdict};
use crate::system::Given;

use super::cases::LinearCases;
use super::sampling::{Drawn, Excesses, Scores, decided, printed_count};

/// Right sides from which the mean over them is near to its own mean.
const MANY: usize = 30;
/// `m = ceil(d ln d + 2 d / eps)`.
const TIMES: f64 = 2.0;
/// With probability 9/10.
const A_TENTH: f64 = 0.1;

fn within(
    case: &Case<Given>,
    times: f64,
    excess: fn(&Excesses) -> f64,
) -> Result<Verdict, CheckError> {
    if case.instance.size("N") < MANY {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let drawn = match Drawn::of(case, Scores::OfA)? {
        Ok(drawn) => drawn,
        Err(outside) => return Ok(Verdict::Outside(outside)),
    };
    let draws = printed_count(drawn.columns(), case.instance.scalar("accuracy"), times);
    decided(case, &drawn, draws, A_TENTH, excess)
}

const CASES: OtherCases = &LinearCases {
    right: &[40, 60],
    cases: 6,
    ..LinearCases::MANY
};
const STRATA: &[Stratum] = strata!(Kind: "d=1" "several right sides");

/// The claims about right sides.
pub fn claims() -> Vec<Claim> {
    vec![
        claim("leverage-regression/right-sides-together")
            .quoted("abstract of arXiv 2311.14823: multiple regression, || A X' - B ||_F^2 <= (1 + eps) min, with the same number of rows for any N")
            .states("m = ceil(d ln d + 2 d / eps) draws by the leverage scores of A give || A X' - B ||_F^2 <= (1 + eps) min with probability at least 9/10, for N right sides")
            .formula(r"m = \lceil d \ln d + 2 d / \epsilon \rceil \implies \Pr\bigl[\|A X' - B\|_F^2 \le (1 + \epsilon) \min_X \|A X - B\|_F^2\bigr] \ge \tfrac{9}{10}")
            .given("lambda = 0, full column rank, residuals that are not 0, N >= 30; eps is the instance's accuracy")
            .note("The constant 2 is a choice of this check. Right sides are drawn at random: their mean is nearer to d / m than one of them is. 400 samples a case against an exact binomial limit (false alarm 1e-9).")
            .about(CASES, STRATA)
            .check(|case| within(case, TIMES, |found| found.whole))
            .fault("a quarter of d / eps", |case| within(case, 0.25, |found| found.whole)),
        claim("leverage-regression/right-sides-apart")
            .derived("the guarantee in the Frobenius norm read column by column")
            .states("m = ceil(d ln d + 2 d / eps) draws by the leverage scores of A give || A x'_c - b_c ||^2 <= (1 + eps) min for every column c at once, with probability at least 9/10")
            .formula(r"m = \lceil d \ln d + 2 d / \epsilon \rceil \implies \Pr\bigl[\|A x'_c - b_c\|_2^2 \le (1 + \epsilon) \min_x \|A x - b_c\|_2^2 \ \forall c\bigr] \ge \tfrac{9}{10}")
            .given("lambda = 0, full column rank, residuals that are not 0, N >= 30; eps is the instance's accuracy")
            .note("Every column is a draw of its own from a law like chi-square over m: the worst of N needs its quantile of 1 - delta / N. The abstract does not state this.")
            .about(CASES, STRATA)
            .check(|case| within(case, TIMES, |found| found.worst))
            .fault("all columns together: leverage-regression/right-sides-together", |case| within(case, TIMES, |found| found.whole))
            .refuted("leverage-regression/right-sides-together", witness!("leverage-regression-right-sides-apart")),
    ]
}
