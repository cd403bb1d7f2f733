//! The mean of the excess of a sample.
//!
//! A draw of row i adds `a_i' r_i / p_i` to the gradient at x*. The excess of m draws is `g' N^-1 g` of their mean to first order in
//! 1/m, so its mean is that of one draw over m.

use nalgebra::{Cholesky, DMatrix, DVector};

use crate::claims::tools::attained::at_most_or_equal;
use crate::claims::tools::builder::{claim, strata};
use crate::claims::tools::exact::of_singular_values;
use crate::claims::{Case, CheckError, Claim, OtherCases, Outside, Stratum, Verdict};
use crate::oracle::spectrum;
use crate::production::leverage::Gaussian;
use crate::scalar::{Allowance, High};
use crate::system::Given;

use super::cases::{LinearCases, Rows};
use super::model::{Model, Solved, square};

/// `d_lambda = sum sigma^2 / (sigma^2 + lambda)`, with `power` 2, and what it is off by.
fn dimension(model: &Model, power: i64) -> Result<(High, Allowance<High>), CheckError> {
    let values = spectrum::singular_values(&model.a)?;
    let of = |sigma: &High| {
        let part = sigma.powi(power);
        part / (part + model.ridge)
    };
    let positive = || values.iter().filter(|sigma| sigma.is_positive());
    let off = of_singular_values(values.len(), model.a.norm());
    // d/dsigma sigma^2 / (sigma^2 + lambda) is at most 2 / sigma times the quotient.
    let least = positive().copied().reduce(High::min).unwrap_or(High::ONE);
    let relative = off * (High::int(2 * values.len() as i64) / least);
    Ok((positive().map(of).sum(), relative))
}

/// `sum_i a_i N^-1 a_i' = d_lambda`.
fn scores_add_up(case: &Case<Given>, power: i64) -> Result<Verdict, CheckError> {
    let model = Model::of(case);
    let Some(solved) = model.solved() else {
        return Ok(Verdict::Outside(Outside::Rank));
    };
    let total: High = solved.scores(&model).iter().copied().sum();
    let (stated, off) = dimension(&model, power)?;
    let sizes = High::int(model.a.ncols() as i64);
    Ok(Verdict::equal(
        "sum of the scores",
        total,
        stated,
        off + model.after(&solved) * sizes,
    ))
}

/// The mean of `g' N^-1 g` of one draw by the scores, less that of the mean gradient, and its terms added up. Rows of score 0 are
/// never drawn, and need not be.
fn of_one_draw(model: &Model, solved: &Solved) -> (High, High) {
    let scores = solved.scores(model);
    let total: High = scores.iter().copied().sum();
    let rest = model.residual(&solved.x) * -High::ONE;
    let columns = model.a.transpose();
    let (mut mean, mut size) = (High::ZERO, High::ZERO);
    for (i, score) in scores.iter().enumerate() {
        if !score.is_positive() {
            continue;
        }
        let share = *score / total;
        let draw: DMatrix<High> = columns.column(i) * rest.row(i) / share;
        let term = draw.dot(&solved.solve(&draw)) * share;
        mean += term;
        size += term.abs();
    }
    let whole = &columns * &rest;
    let off = whole.dot(&solved.solve(&whole));
    (mean - off, size + off.abs())
}

/// The model with its answer, where no row that is not 0 has a score at the level of rounding.
fn drawable(case: &Case<Given>) -> Option<(Model, Solved)> {
    let model = Model::of(case);
    let solved = model.solved()?;
    let granted = model.after(&solved).size().shifted(8);
    let scores = solved.scores(&model);
    let clear = model
        .a
        .row_iter()
        .zip(&scores)
        .all(|(row, score)| row.iter().all(|entry| entry.is_zero()) || *score > granted);
    clear.then_some((model, solved))
}

/// `m E[E] opt = d_lambda || r ||^2 - lambda^2 x*' N^-1 x*`, or without the second term; without a ridge where it is to be plain.
/// `more` columns are one of the faults.
fn mean(case: &Case<Given>, plain: bool, shrunk: bool, more: i64) -> Result<Verdict, CheckError> {
    let Some((model, solved)) = drawable(case) else {
        return Ok(Verdict::Outside(Outside::Rank));
    };
    if plain && !model.ridge.is_zero() {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let (mean, size) = of_one_draw(&model, &solved);
    let (dimension, off) = dimension(&model, 2)?;
    let rest = square(&model.residual(&solved.x));
    let bias = if shrunk {
        model.ridge.square() * solved.x.dot(&solved.solve(&solved.x))
    } else {
        High::ZERO
    };
    let stated = (dimension + High::int(more)) * rest - bias;
    let sizes = model.size(&solved.x) * High::int(8);
    Ok(Verdict::equal(
        "m times the mean excess, to first order",
        mean,
        stated,
        model.after(&solved) * (size + sizes) + off * rest,
    ))
}

/// `m E[E] <= share d_lambda` to first order.
fn by_dimension(case: &Case<Given>, share: High) -> Result<Verdict, CheckError> {
    let Some((model, solved)) = drawable(case) else {
        return Ok(Verdict::Outside(Outside::Rank));
    };
    let (mean, size) = of_one_draw(&model, &solved);
    let (dimension, off) = dimension(&model, 2)?;
    let sizes = size + model.size(&solved.x) * High::int(8);
    Ok(at_most_or_equal(
        "m times the mean excess, times the least loss",
        mean,
        dimension * solved.least * share,
        model.after(&solved) * sizes + off * solved.least,
    ))
}

/// Gaussian sketches of one case.
const SKETCHES: usize = 2000;
/// Rows of a sketch beyond d: so many that the excess has a fourth moment.
const MORE: usize = 10;

/// The mean excess of Gaussian sketches of m rows, in standard errors from `d / (m - d - 1)`, or from `d / m`.
fn gaussian(case: &Case<Given>, exact: bool) -> Result<Verdict, CheckError> {
    let a = case.instance.matrix("matrix", "n", "d");
    let (n, d) = a.shape();
    let model = Model::of(case);
    let Some(solved) = model.solved() else {
        return Ok(Verdict::Outside(Outside::Rank));
    };
    let rest = model.residual(&solved.x).map(High::to_f64);
    let size = rest.norm();
    if n <= d
        || !model.ridge.is_zero()
        || size.is_nan()
        || size <= 1e-9 * model.b.map(High::to_f64).norm()
    {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    // Squares of entries at the ends of f64 leave its range.
    let basis = (&a / a.amax()).qr().q();
    let rest = DVector::from_column_slice((rest.column(0) / size).as_slice());
    let m = d + MORE;
    let mut gaussian = Gaussian::new(case.stream("gaussian"));
    let (mut sum, mut squares) = (0.0, 0.0);
    for _ in 0..SKETCHES {
        let sketch = DMatrix::from_fn(m, n, |_, _| gaussian.next());
        let (image, right) = (&sketch * &basis, &sketch * &rest);
        let Some(factor) = Cholesky::new(image.tr_mul(&image)) else {
            return Err(CheckError::Other(
                "a Gaussian sketch of deficient rank".to_owned(),
            ));
        };
        let excess = factor.solve(&image.tr_mul(&right)).norm_squared();
        sum += excess;
        squares += excess * excess;
    }
    let count = SKETCHES as f64;
    let mean = sum / count;
    let error = ((squares / count - mean * mean) / count).sqrt();
    let stated = d as f64 / (m - if exact { d + 1 } else { 0 }) as f64;
    let off = (mean - stated).abs() / error;
    // Six standard errors: a chance of some 10^-9 for a normal mean. Rounding in f64 plays no part.
    Ok(Verdict::at_most(
        "|mean excess - stated| in standard errors",
        High::lift(off)?,
        High::int(6),
        Allowance::NOTHING,
    ))
}

const TALL: OtherCases = &LinearCases::TALL;
const PLAIN: OtherCases = &LinearCases::PLAIN;
const ONE: OtherCases = &LinearCases {
    right: &[0],
    ..LinearCases::TALL
};
const SKETCHED: OtherCases = &LinearCases {
    rows: Rows::Tall,
    cases: 6,
    ..LinearCases::PLAIN
};
const FULL: &[Stratum] = strata!(Decade("condition of A"): 0 1 2 3; Kind: "d=1" "n=d");
const RIDGED: &[Stratum] = strata!(Decade("condition of A"): 0 1 2 3; Kind: "d=1" "n=d" "ridge");

/// The claims about means.
pub fn claims() -> Vec<Claim> {
    vec![
        claim("leverage-regression/ridge-scores-add-up")
            .recalled("the usual definition of the statistical dimension")
            .states("sum_i a_i (A'A + lambda I)^-1 a_i' = sum_k sigma_k^2 / (sigma_k^2 + lambda)")
            .formula(r"\sum_i a_i^\top (A^\top A + \lambda I)^{-1} a_i = \sum_k \frac{\sigma_k^2}{\sigma_k^2 + \lambda} = d_\lambda")
            .given("A'A + lambda I is positive definite")
            .note("With lambda = 0 the rank.")
            .about(TALL, RIDGED)
            .check(|case| scores_add_up(case, 2))
            .fault("sigma in place of its square", |case| scores_add_up(case, 1)),
        claim("leverage-regression/mean-excess")
            .derived("E[g' N^-1 g] of one draw with p_i = l_i / d, where A'r = 0")
            .states("m E[|| A (x' - x*) ||^2] = d || r ||^2 to first order in 1/m, whatever A and r")
            .formula(r"m\, \mathbb{E}\, \|A (x' - x^*)\|_2^2 = d\, \|r\|_2^2 + O(1/m), \quad p_i = \frac{l_i}{d}")
            .given("lambda = 0, full column rank; first order: the mean of one draw, exactly")
            .note("So d / eps rows have a mean excess of eps, by any A and any residual. The distribution is another matter: leverage-regression/log-delta-of-a.")
            .about(PLAIN, FULL)
            .check(|case| mean(case, true, false, 0))
            .fault("d + 1 columns", |case| mean(case, true, false, 1)),
        claim("leverage-regression/mean-excess-with-a-ridge")
            .derived("the same with p_i = l_i(lambda) / d_lambda and A'r = lambda x*")
            .states("m E[2 (L(x') - L(x*))] = d_lambda || r ||^2 - lambda^2 x*' (A'A + lambda I)^-1 x* to first order in 1/m")
            .formula(r"2 m\, \mathbb{E}\, [L(x') - L(x^*)] = d_\lambda \|r\|_2^2 - \lambda^2 {x^*}^\top (A^\top A + \lambda I)^{-1} x^* + O(1/m)")
            .given("A'A + lambda I is positive definite; first order: the mean of one draw, exactly")
            .about(ONE, RIDGED)
            .check(|case| mean(case, false, true, 0))
            .fault("without the second term", |case| mean(case, false, false, 0)),
        claim("leverage-regression/ridge-dimension")
            .recalled("the number of rows for ridge regression depends on d_lambda, not on d")
            .states("m E[L(x') - L(x*)] <= d_lambda L(x*) to first order in 1/m")
            .formula(r"m\, \mathbb{E}\, [L(x') - L(x^*)] \le d_\lambda\, L(x^*) + O(1/m)")
            .given("A'A + lambda I is positive definite; draws by the ridge scores; first order: the mean of one draw, exactly")
            .note("Attained with lambda = 0. Attributed, wording unverified.")
            .about(ONE, RIDGED)
            .check(|case| by_dimension(case, High::ONE))
            .fault("half of it", |case| by_dimension(case, High::ratio(1, 2))),
        claim("leverage-regression/gaussian-sketch-mean")
            .derived("inverse Wishart: E[(G'G)^-1] = I / (m - d - 1)")
            .states("a Gaussian sketch of m rows has the mean excess d / (m - d - 1), exactly")
            .formula(r"\mathbb{E}\, \frac{\|A (x' - x^*)\|_2^2}{\|r\|_2^2} = \frac{d}{m - d - 1}")
            .given("lambda = 0, full column rank, r not 0, n > d, m > d + 1; m = d + 10")
            .note("2000 sketches a case; the mean is allowed six standard errors. So d / eps + d + 1 rows have a mean excess of eps.")
            .about(SKETCHED, strata!(Kind: "d=1"))
            .check(|case| gaussian(case, true))
            .fault("d / m", |case| gaussian(case, false)),
    ]
}
