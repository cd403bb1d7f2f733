//! Derivatives, and how far a loss is above the least.

use nalgebra::DMatrix;

use crate::claims::tools::attained::at_most_or_equal;
use crate::claims::tools::builder::{claim, strata, witness};
use crate::claims::tools::identity::equal_entries;
use crate::claims::{Case, CheckError, Claim, OtherCases, Outside, Stratum, Verdict};
use crate::oracle::Reference;
use crate::scalar::{Allowance, High};
use crate::system::Given;

use super::cases::{LinearCases, Rows};
use super::model::{Model, loss, point, square};

/// `grad L = A' (A x - b) + lambda x`; the fault leaves lambda out.
fn gradient(case: &Case<Given>, ridge: i64) -> Result<Verdict, CheckError> {
    let model = Model::of(case);
    let ridge = model.ridge * High::int(ridge);
    let stated = model.a.tr_mul(&model.residual(&model.x)) + &model.x * ridge;
    let (_, slope) = Reference::of(&case.instance)?.loss_and_gradient(&point(case))?;
    let (d, right) = model.x.shape();
    let truth = DMatrix::from_row_slice(d, right, slope.as_slice());
    let sizes = model.a.abs();
    let terms =
        sizes.tr_mul(&(&sizes * model.x.abs() + model.b.abs())) + model.x.abs() * model.ridge;
    Ok(equal_entries(
        |j, c| format!("d/dx[{j}, {c}]"),
        [&stated, &truth, &terms],
        model.roundings(),
    ))
}

/// `Hess L = (A'A + lambda I)` for each column of x, times `factor`.
fn hessian(case: &Case<Given>, factor: i64) -> Result<Verdict, CheckError> {
    let model = Model::of(case);
    let truth = Reference::of(&case.instance)?
        .evaluate(&point(case))?
        .hessian;
    let right = model.x.ncols();
    let spread = |square: &DMatrix<High>| {
        DMatrix::from_fn(truth.nrows(), truth.ncols(), |i, j| {
            if i % right == j % right {
                square[(i / right, j / right)]
            } else {
                High::ZERO
            }
        })
    };
    let stated = spread(&(model.normal() * High::int(factor)));
    let sizes = Model {
        a: model.a.abs(),
        ..model.clone()
    };
    Ok(equal_entries(
        |i, j| format!("Hess L[{i}, {j}]"),
        [&stated, &truth, &spread(&sizes.normal())],
        model.roundings(),
    ))
}

/// `2 (L(x) - L(x*)) = factor g' N^-1 g`, both losses from the oracle.
fn excess_of_gradient(case: &Case<Given>, factor: High) -> Result<Verdict, CheckError> {
    let model = Model::of(case);
    let Some(solved) = model.solved() else {
        return Ok(Verdict::Outside(Outside::Rank));
    };
    let slope = model.a.tr_mul(&model.residual(&model.x)) + &model.x * model.ridge;
    let stated = slope.dot(&solved.solve(&slope)) * factor;
    let (here, least) = (
        loss(&case.instance, &model.x)?,
        loss(&case.instance, &solved.x)?,
    );
    let truth = (here.midpoint() - least.midpoint()) * High::int(2);
    // A solve loses the condition of N, relative to terms of the size of the losses.
    let terms = model.size(&model.x) + model.size(&solved.x);
    let radii = (here.radius() + least.radius()) * High::int(2);
    let granted = model.after(&solved) * terms + Allowance::new(radii, "the radii of the losses");
    Ok(Verdict::equal("2 (L(x) - L(x*))", truth, stated, granted))
}

/// With `1 + e` the ratio of the norms, that of the squares is at most `1 + e`, or `1 + 2 e + e^2`.
fn squares(case: &Case<Given>, squared: bool) -> Result<Verdict, CheckError> {
    let model = Model::of(case);
    let Some(solved) = model.solved() else {
        return Ok(Verdict::Outside(Outside::Rank));
    };
    let granted = model.after(&solved);
    let (here, least) = (model.twice_loss(&model.x), solved.least);
    // Where the least loss is rounding, there is no ratio.
    if !model.ridge.is_zero() || least <= granted.size() * model.size(&solved.x).shifted(6) {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let ratio = here / least;
    let norms = ratio.sqrt();
    let allowed = if squared {
        let e = norms - High::ONE;
        High::ONE + High::int(2) * e + e.square()
    } else {
        norms
    };
    let relative = model.size(&model.x) / here + model.size(&solved.x) / least;
    Ok(at_most_or_equal(
        "|| A x - b ||^2 / min",
        ratio,
        allowed,
        granted * (relative * ratio),
    ))
}

/// Rounding the answer to f64 leaves a fit that was exact with a residual of at most `times` `|| u |A| |x*| ||`, or of `allowed`.
fn perfect_fit(case: &Case<Given>, times: High) -> Result<Verdict, CheckError> {
    let model = Model::of(case);
    if model.a.nrows() != model.a.ncols() || !model.ridge.is_zero() {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let Some(solved) = model.solved() else {
        return Ok(Verdict::Outside(Outside::Rank));
    };
    let normal = High::lift(f64::MIN_POSITIVE)?;
    if solved.x.iter().any(|x| !x.is_zero() && x.abs() < normal) {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let rounded: Result<Vec<High>, _> = solved.x.iter().map(|x| High::lift(x.to_f64())).collect();
    let rounded = DMatrix::from_vec(solved.x.nrows(), solved.x.ncols(), rounded?);
    let observed = square(&model.residual(&rounded)).sqrt();
    let sizes = square(&(model.a.abs() * solved.x.abs())).sqrt();
    let allowed = High::ratio(1, 1 << 53) * sizes * times;
    Ok(Verdict::at_most(
        "|| A fl(x*) - b ||",
        observed,
        allowed,
        model.after(&solved) * (sizes + square(&model.b).sqrt()),
    ))
}

const ANY: OtherCases = &LinearCases::ALL;
const TALL: OtherCases = &LinearCases::TALL;
const PLAIN: OtherCases = &LinearCases::PLAIN;
const SQUARE: OtherCases = &LinearCases {
    rows: Rows::Square,
    cases: 24,
    ..LinearCases::PLAIN
};
const EVERYTHING: &[Stratum] = strata!(Decade("condition of A"): 0 1 2 3; Kind: "n=1" "d=1" "n=d" "n<d" "ridge" "several right sides" "one right side");
const FULL: &[Stratum] = strata!(Decade("condition of A"): 0 1 2 3; Kind: "d=1" "n=d");

const IMPERFECT: &[Stratum] = strata!(Decade("condition of A"): 0 1 2 3; Kind: "d=1");

/// The claims about derivatives and the excess.
pub fn claims() -> Vec<Claim> {
    vec![
        claim("leverage-regression/gradient")
            .derived("half of the abstract's || A x - b ||^2, with the ridge that is usual")
            .states("grad L = A' (A x - b) + lambda x, column by column")
            .formula(r"\nabla L(X) = A^\top (A X - B) + \lambda X, \quad L(X) = \tfrac{1}{2} \|A X - B\|_F^2 + \tfrac{1}{2} \lambda \|X\|_F^2")
            .about(ANY, EVERYTHING)
            .check(|case| gradient(case, 1))
            .fault("without lambda x", |case| gradient(case, 0)),
        claim("leverage-regression/hessian")
            .derived("half of the abstract's || A x - b ||^2, with the ridge that is usual")
            .states("Hess L = A'A + lambda I for each column of x, and nothing between columns")
            .formula(r"\nabla^2 L = (A^\top A + \lambda I) \otimes I_N")
            .about(ANY, EVERYTHING)
            .check(|case| hessian(case, 1))
            .fault("twice as much, that of the loss without its 1/2", |case| hessian(case, 2)),
        claim("leverage-regression/excess-is-of-the-gradient")
            .derived("L is quadratic")
            .states("2 (L(x) - L(x*)) = g' (A'A + lambda I)^-1 g for g the gradient at x, whatever x")
            .formula(r"2\, (L(x) - L(x^*)) = g^\top (A^\top A + \lambda I)^{-1} g, \quad g = \nabla L(x)")
            .given("A'A + lambda I is positive definite")
            .note("What `check` proves a factor of 1 + eps from: one pass over A, and nothing about how x came about.")
            .about(TALL, EVERYTHING_TALL)
            .check(|case| excess_of_gradient(case, High::ONE))
            .fault("half of it", |case| excess_of_gradient(case, High::ratio(1, 2))),
        claim("leverage-regression/norms-for-squares")
            .derived("common usage states 1 + eps for norms, the abstract for squares")
            .states("|| A x - b || <= (1 + e) min || A y - b || implies || A x - b ||^2 <= (1 + e) min || A y - b ||^2")
            .formula(r"\|A x - b\|_2 \le (1 + e) \min_y \|A y - b\|_2 \implies \|A x - b\|_2^2 \le (1 + e) \min_y \|A y - b\|_2^2")
            .given("lambda = 0, one right side, a least loss above 0; e is the one of x")
            .note("Both usages are called (1 + eps) regression. This project's eps is one of squares, as the abstract's.")
            .about(PLAIN, IMPERFECT)
            .check(|case| squares(case, false))
            .fault("1 + 2 e + e^2 for the squares: leverage-regression/norms-twice", |case| squares(case, true))
            .refuted("leverage-regression/norms-twice", witness!("leverage-regression-norms-for-squares")),
        claim("leverage-regression/norms-twice")
            .derived("replaces leverage-regression/norms-for-squares")
            .states("|| A x - b || <= (1 + e) min || A y - b || implies || A x - b ||^2 <= (1 + 2 e + e^2) min || A y - b ||^2")
            .formula(r"\|A x - b\|_2 \le (1 + e) \min_y \|A y - b\|_2 \implies \|A x - b\|_2^2 \le (1 + 2 e + e^2) \min_y \|A y - b\|_2^2")
            .given("lambda = 0, one right side, a least loss above 0; e is the one of x")
            .note("Attained. An eps of squares is eps / 2 of norms to first order.")
            .about(PLAIN, IMPERFECT)
            .check(|case| squares(case, true))
            .fault("1 + e for the squares", |case| squares(case, false)),
        claim("leverage-regression/factor-of-a-perfect-fit")
            .derived("the abstract's (1 + eps) factor where b is in the range of A")
            .states("the exact answer rounded to f64 has || A x - b || <= 2 min || A y - b ||")
            .formula(r"\|A \operatorname{fl}(x^*) - b\|_2 \le 2 \min_y \|A y - b\|_2")
            .given("n = d, lambda = 0, full rank, no entry of x* underflows")
            .note("The least is 0 there, so a factor asks for the exact answer, which f64 hardly ever holds. In exact arithmetic a sample gives it as soon as its rows have full rank.")
            .about(SQUARE, FULL)
            .check(|case| perfect_fit(case, High::ZERO))
            .fault("u |A| |x*| is allowed: leverage-regression/floor-of-a-perfect-fit", |case| perfect_fit(case, High::ONE))
            .refuted("leverage-regression/floor-of-a-perfect-fit", witness!("leverage-regression-factor-of-a-perfect-fit")),
        claim("leverage-regression/floor-of-a-perfect-fit")
            .derived("replaces leverage-regression/factor-of-a-perfect-fit")
            .states("the exact answer rounded to f64 has || A x - b || <= u || |A| |x*| ||")
            .formula(r"\|A \operatorname{fl}(x^*) - b\|_2 \le u\, \bigl\| |A|\, |x^*| \bigr\|_2, \quad u = 2^{-53}")
            .given("n = d, lambda = 0, full rank, no entry of x* underflows")
            .about(SQUARE, FULL)
            .check(|case| perfect_fit(case, High::ONE))
            .fault("nothing allowed", |case| perfect_fit(case, High::ZERO)),
    ]
}

const EVERYTHING_TALL: &[Stratum] = strata!(Decade("condition of A"): 0 1 2 3; Kind: "d=1" "n=d" "ridge" "several right sides" "one right side");
