//! Condition numbers of samplers: `K_q = sup_i l_i / q_i` for draws with the shares q, l the leverage scores.

use nalgebra::DMatrix;

use crate::claims::tools::attained::at_most_or_equal;
use crate::claims::tools::builder::{claim, strata, witness};
use crate::claims::tools::exact::of_eigenvalues;
use crate::claims::{Case, CheckError, Claim, OtherCases, Outside, Stratum, Verdict};
use crate::instance::sample;
use crate::oracle::spectrum;
use crate::scalar::High;
use crate::system::Given;

use super::cases::PoolCases;
use super::model::{Independent, inside};

/// What is compared before and after a change of basis.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    /// `D_i p_i (P'DP)^-1 p_i'`.
    Leverage,
    /// `D_i || p_i ||^2`.
    Squares,
}

/// Neither scores nor the best fit change where P becomes P T, T with ones on its diagonal and dyadic numbers above.
fn any_basis(case: &Case<Given>, of: Of) -> Result<Verdict, CheckError> {
    let found = inside!(Independent::of(case));
    let d = found.pool.p.ncols();
    let mut rng = case.stream("basis");
    let change = DMatrix::from_fn(d, d, |i, j| match i.cmp(&j) {
        std::cmp::Ordering::Less => High::int(sample::integer(&mut rng, -16, 16)) / High::int(8),
        // Twice, so that the squares change for a single function, too.
        std::cmp::Ordering::Equal => High::int(2),
        std::cmp::Ordering::Greater => High::ZERO,
    });
    let mut other = found.pool.model.clone();
    other.a = &other.a * &change;
    let Some(solved) = other.solved() else {
        return Ok(Verdict::Outside(Outside::Rank));
    };
    let [before, after] = match of {
        Of::Leverage => [found.scores.clone(), solved.scores(&other)],
        Of::Squares => [&found.pool.model.a, &other.a].map(|a| {
            a.row_iter()
                .map(|row| row.iter().map(|e| e.square()).sum())
                .collect()
        }),
    };
    let granted = found.after() + other.after(&solved);
    let mut verdict = Verdict::VACUOUS;
    for (i, (one, two)) in before.iter().zip(&after).enumerate() {
        verdict = verdict.and(Verdict::equal(
            &format!("score of point {i}"),
            *two,
            *one,
            granted.clone() * (High::ONE + one.abs()),
        ));
    }
    let images = [&found.pool.model.a * &found.solved.x, &other.a * &solved.x];
    let sizes = found.pool.model.size(&found.solved.x) + other.size(&solved.x);
    for i in 0..images[0].nrows() {
        verdict = verdict.and(Verdict::equal(
            &format!("D^1/2 f at point {i}"),
            images[1][(i, 0)],
            images[0][(i, 0)],
            granted.clone() * (High::ONE + sizes),
        ));
    }
    Ok(verdict)
}

/// `D_i || v_i ||^2 / d` for normalised functions: the shares of who takes them to be orthonormal.
fn naive(found: &Independent) -> Result<(Vec<High>, super::model::Normalised), Outside> {
    let normalised = found.pool.normalised()?;
    let d = High::int(normalised.v.ncols() as i64);
    let square = |i: usize| -> High { normalised.v.row(i).iter().map(|e| e.square()).sum() };
    let shares = (0..normalised.v.nrows())
        .map(|i| found.pool.measure[i] * square(i) / d)
        .collect();
    Ok((shares, normalised))
}

/// `K <= d / lambda_min(G)` for the naive sampler; or `d`, or `2 d` where `(d - 1) rho < 1`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Naive {
    ByLambda,
    AsOrthonormal,
    Twice,
    TwiceByLambda,
}

fn naive_condition(case: &Case<Given>, allowed: Naive) -> Result<Verdict, CheckError> {
    let found = inside!(Independent::of(case));
    let (shares, normalised) = inside!(naive(&found));
    let d = High::int(normalised.v.ncols() as i64);
    let reach = normalised.rho * (d - High::ONE);
    let near = matches!(allowed, Naive::Twice | Naive::TwiceByLambda);
    if near && reach >= High::ONE {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let (low, _, off) = spectrum::extremes_with_bound(&normalised.gram)?;
    let limit = match allowed {
        Naive::ByLambda | Naive::TwiceByLambda => d / low,
        Naive::AsOrthonormal => d,
        Naive::Twice => d * High::int(2),
    };
    let condition = found.condition(&shares);
    // A score is a quotient of squares; lambda_min is off by `off`.
    let least = shares
        .iter()
        .filter(|share| share.is_positive())
        .copied()
        .reduce(High::min)
        .unwrap_or(High::ONE);
    let granted = found.after() * ((High::ONE + condition) / least)
        + (of_eigenvalues(off) + found.pool.of_gram()) * (limit / low);
    Ok(at_most_or_equal(
        "K of the naive sampler",
        condition,
        limit,
        granted,
    ))
}

/// `K_q >= d + more` for draws by the measure, by halves of that and leverage, by leverage, and by shares at random.
fn best(case: &Case<Given>, more: High) -> Result<Verdict, CheckError> {
    let found = inside!(Independent::of(case));
    let n = found.scores.len();
    let d = High::int(found.pool.p.ncols() as i64);
    let total = found.pool.total();
    let leverage: Vec<High> = found.scores.iter().map(|score| *score / d).collect();
    let measure: Vec<High> = found.pool.measure.iter().map(|w| *w / total).collect();
    let two = High::int(2);
    let half: Vec<High> = (0..n).map(|i| (leverage[i] + measure[i]) / two).collect();
    let mut rng = case.stream("shares");
    let mut random: Vec<High> = (0..n)
        .map(|_| High::int(2).powi(sample::integer(&mut rng, -20, 0)))
        .collect();
    let sum: High = random.iter().copied().sum();
    for share in &mut random {
        *share /= sum;
    }
    let mut verdict = Verdict::VACUOUS;
    for (name, shares) in [
        ("leverage", &leverage),
        ("the measure", &measure),
        ("halves of both", &half),
        ("shares at random", &random),
    ] {
        let condition = found.condition(shares);
        // By leverage all ratios are d; smaller scores than rounding do not count.
        let granted = found.after() * (condition * condition);
        verdict = verdict.and(Verdict::at_least(
            &format!("K of draws by {name}"),
            condition + granted.size(),
            d + more,
            crate::scalar::Allowance::NOTHING,
        ));
    }
    let by_leverage = found.condition(&leverage);
    Ok(verdict.and(at_most_or_equal(
        "K of draws by leverage",
        by_leverage,
        d + more.max(High::ZERO),
        found.after() * (d * d),
    )))
}

/// `sup_i v_i G^-1 v_i' <= share sup_i || v_i ||^2 / lambda_min(G)`.
fn by_lambda(case: &Case<Given>, share: High) -> Result<Verdict, CheckError> {
    let found = inside!(Independent::of(case));
    let normalised = inside!(found.pool.normalised());
    let (low, _, off) = spectrum::extremes_with_bound(&normalised.gram)?;
    let points = || (0..found.scores.len()).filter(|i| found.pool.measure[*i].is_positive());
    let condition = points()
        .map(|i| found.scores[i] / found.pool.measure[i])
        .fold(High::ZERO, High::max);
    let square = points()
        .map(|i| normalised.v.row(i).iter().map(|e| e.square()).sum())
        .fold(High::ZERO, High::max);
    let limit = square / low;
    let granted = found.after() * (High::ONE + condition + limit)
        + (of_eigenvalues(off) + found.pool.of_gram()) * (limit / low);
    Ok(at_most_or_equal(
        "sup tau",
        condition,
        limit * share,
        granted,
    ))
}

const CORRELATED: OtherCases = &PoolCases::CORRELATED;
const TALL: OtherCases = &PoolCases::TALL;
const STRATA: &[Stratum] = strata!(Decade("condition of P"): 1 2 3; Kind: "one measure");
const FULL: &[Stratum] = strata!(Decade("condition of P"): 0 1 2 3; Kind: "d=1" "n=d" "a measure" "a point of measure 0");

/// The claims about samplers.
pub fn claims() -> Vec<Claim> {
    vec![
        claim("active-learning/scores-of-any-basis")
            .derived("sup_f |f(x)|^2 / || f ||_D^2 = v(x) G^-1 v(x)' speaks of the span alone")
            .states("neither the leverage scores nor the best fit change where the basis P becomes P T")
            .formula(r"\tau(x) = v(x)^\top G^{-1} v(x) = \sup_{f \in \operatorname{span}} |f(x)|^2 / \|f\|_D^2")
            .given("independent functions, T invertible; T is drawn for each case")
            .note("So the condition number, the best sampler and the labels that are needed do not depend on the basis. An orthonormal one costs points without labels; a nearly orthonormal one is a cheap stand-in for it, and changes no number of labels.")
            .about(TALL, FULL)
            .check(|case| any_basis(case, Of::Leverage))
            .fault("the squares of the basis in place of the scores", |case| any_basis(case, Of::Squares)),
        claim("active-learning/best-sampler")
            .derived("the mean of l_i / q_i under q is d")
            .states("K_q >= d for draws by any shares q, with equality for draws by leverage")
            .formula(r"\sup_i \frac{l_i}{q_i} \ge d = \sup_i \frac{l_i}{l_i / d}")
            .given("independent functions; q the measure, leverage, halves of both, and shares over six decades at random")
            .about(TALL, FULL)
            .check(|case| best(case, High::ZERO))
            .fault("K_q >= d + 1/4", |case| best(case, High::ratio(1, 4))),
        claim("active-learning/naive-sampler")
            .derived("leverage against the squares of a basis that is taken to be orthonormal")
            .states("draws by sum_j v_j^2 have K = d sup tau / || v ||^2 <= d / lambda_min(G) <= d / (1 - (d - 1) rho)")
            .formula(r"K = d \sup_i \frac{v_i^\top G^{-1} v_i}{\|v_i\|_2^2} \le \frac{d}{\lambda_{\min}(G)} \le \frac{d}{1 - (d - 1) \rho}")
            .given("|| v_j ||_D = 1, independent functions; the last where (d - 1) rho < 1")
            .note("Attained where all correlations are -rho and the functions are equal at a point: 1200 for d = 6, rho = 0.199, where leverage has 6. So the labels of this sampler grow by 1 / (1 - (d - 1) rho). The last inequality is active-learning/frame-bounds.")
            .about(CORRELATED, STRATA)
            .check(|case| naive_condition(case, Naive::ByLambda))
            .fault("d, as if orthonormal", |case| naive_condition(case, Naive::AsOrthonormal)),
        claim("active-learning/naive-sampler-within-twice")
            .derived("a nearly orthonormal basis as good as an orthonormal one, up to a constant of 2")
            .states("draws by sum_j v_j^2 have K <= 2 d where (d - 1) rho < 1")
            .formula(r"(d - 1) \rho < 1 \implies K \le 2 d")
            .given("|| v_j ||_D = 1, (d - 1) rho < 1")
            .note("True where (d - 1) rho <= 1/2. No constant is enough for all rho < 1 / (d - 1).")
            .about(CORRELATED, STRATA)
            .check(|case| naive_condition(case, Naive::Twice))
            .fault("d / lambda_min(G): active-learning/naive-sampler", |case| naive_condition(case, Naive::TwiceByLambda))
            .refuted("active-learning/naive-sampler", witness!("active-learning-naive-sampler-within-twice")),
        claim("active-learning/condition-by-lambda-min")
            .derived("replaces active-learning/spanning-is-nearly-orthogonal: G^-1 <= I / lambda_min(G)")
            .states("sup_i v_i G^-1 v_i' <= sup_i || v_i ||^2 / lambda_min(G) for independent functions, whatever rho")
            .formula(r"\sup_i v_i^\top G^{-1} v_i \le \sup_i \|v_i\|_2^2 / \lambda_{\min}(G)")
            .given("|| v_j ||_D = 1, independent functions")
            .about(TALL, FULL)
            .check(|case| by_lambda(case, High::ONE))
            .fault("a quarter of it", |case| by_lambda(case, High::ratio(1, 4))),
    ]
}
