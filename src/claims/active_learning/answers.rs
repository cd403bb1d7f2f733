//! The loss and its answers: derivatives, best fits, and the solver where it may read every label.

use nalgebra::{DMatrix, DVector};

use crate::claims::leverage_regression::model::{loss, point, square};
use crate::claims::tools::builder::{claim, strata, witness};
use crate::claims::tools::identity::equal_entries;
use crate::claims::{Case, CheckError, Claim, OtherCases, Outside, Stratum, Verdict};
use crate::oracle::Reference;
use crate::production::{Settings, solve_system};
use crate::scalar::{Allowance, High};
use crate::system::{Array, Given};

use super::cases::PoolCases;
use super::model::{Independent, Pool, inside};

/// `grad L = P' D (P x - y)`; the fault has no D.
fn gradient(case: &Case<Given>, measured: bool) -> Result<Verdict, CheckError> {
    let pool = Pool::of(case);
    let x = pool.model.x.column(0);
    let mut residual: DVector<High> = &pool.p * x - &pool.labels;
    let mut sizes: DVector<High> = pool.p.abs() * x.abs() + pool.labels.abs();
    if measured {
        for (i, weight) in pool.measure.iter().enumerate() {
            residual[i] *= *weight;
            sizes[i] *= *weight;
        }
    }
    let column = |v: DVector<High>| DMatrix::from_column_slice(v.len(), 1, v.as_slice());
    let (_, slope) = Reference::of(&case.instance)?.loss_and_gradient(&point(case))?;
    Ok(equal_entries(
        |j, _| format!("d/dx[{j}]"),
        [
            &column(pool.p.tr_mul(&residual)),
            &column(slope),
            &column(pool.p.abs().tr_mul(&sizes)),
        ],
        pool.model.roundings(),
    ))
}

/// `Hess L = P' D P`, times `factor`.
fn hessian(case: &Case<Given>, factor: i64) -> Result<Verdict, CheckError> {
    let pool = Pool::of(case);
    let truth = Reference::of(&case.instance)?
        .evaluate(&point(case))?
        .hessian;
    let weighted = |p: &DMatrix<High>| {
        let measured = DMatrix::from_fn(p.nrows(), p.ncols(), |i, j| p[(i, j)] * pool.measure[i]);
        p.tr_mul(&measured)
    };
    Ok(equal_entries(
        |i, j| format!("Hess L[{i}, {j}]"),
        [
            &(weighted(&pool.p) * High::int(factor)),
            &truth,
            &weighted(&pool.p.abs()),
        ],
        pool.model.roundings(),
    ))
}

/// `2 L(x) = 2 L(x*) + || P (x - x*) ||_D^2`, the losses from the oracle; the fault takes half of the last.
fn pythagoras(case: &Case<Given>, part: High) -> Result<Verdict, CheckError> {
    let found = inside!(Independent::of(case));
    let model = &found.pool.model;
    let two = High::int(2);
    let here = loss(&case.instance, &model.x)?;
    let least = loss(&case.instance, &found.solved.x)?;
    let apart = square(&(&model.a * (&model.x - &found.solved.x)));
    let terms = model.size(&model.x) + model.size(&found.solved.x);
    let radii = (here.radius() + least.radius()) * two;
    Ok(Verdict::equal(
        "|| y - f ||^2",
        here.midpoint() * two,
        least.midpoint() * two + apart * part,
        found.after() * terms + Allowance::new(radii, "the radii of the losses"),
    ))
}

/// `|| f~ - f ||^2 <= || g ||^2 / 2` for the answer to all labels `y = f + g`, with f = 0 and g in the span, or, for the fault, against
/// the best fit to y.
fn in_the_span(case: &Case<Given>, against_best: bool) -> Result<Verdict, CheckError> {
    let found = inside!(Independent::of(case));
    let model = &found.pool.model;
    let image = &model.a * &model.x;
    let noise = square(&image);
    if !noise.is_positive() {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let answer = found.solved.solve(&model.a.tr_mul(&image));
    let best = if against_best {
        model.x.clone()
    } else {
        DMatrix::zeros(model.x.nrows(), 1)
    };
    Ok(Verdict::at_most(
        "|| f~ - f ||^2",
        square(&(&model.a * (answer - best))),
        noise / High::int(2),
        found.after() * noise,
    ))
}

/// The solver's answer to every label within its bound, divided by so much.
fn within_the_bound(case: &Case<Given>, less: i64) -> Result<Verdict, CheckError> {
    let found = inside!(Independent::of(case));
    let n = case.instance.size("n") as f64;
    let given = case
        .instance
        .with_array("budget", Array::scalar(n))
        .map_err(CheckError::Other)?;
    let settings = Settings::default().with_seed(case.seed);
    let (answer, _) = solve_system(&given, None, "auto", &settings, &mut |_| {
        std::ops::ControlFlow::Continue(())
    })
    .map_err(|error| CheckError::Other(error.to_string()))?;
    let Some(bound) = answer.error_bound else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    let x = crate::oracle::lift_vector(&answer.x);
    let off = (x - found.solved.x.column(0)).norm();
    Ok(Verdict::at_most(
        "|| x - x* ||",
        off,
        High::lift(bound)? / High::int(less),
        found.after() * found.solved.x.norm(),
    ))
}

const ALL: OtherCases = &PoolCases::ALL;
const TALL: OtherCases = &PoolCases::TALL;
const PLAIN: OtherCases = &PoolCases {
    measured: false,
    ..PoolCases::TALL
};
const ANY: &[Stratum] =
    strata!(Kind: "n=1" "d=1" "n=d" "n<d" "one measure" "a measure" "a point of measure 0");
const FULL: &[Stratum] = strata!(Decade("condition of P"): 0 1 2 3; Kind: "d=1" "n=d" "a measure" "a point of measure 0");
const UNMEASURED: &[Stratum] = strata!(Decade("condition of P"): 0 1 2 3; Kind: "d=1" "n=d");

/// The claims about loss and answers.
pub fn claims() -> Vec<Claim> {
    vec![
        claim("active-learning/gradient")
            .derived("half of || y - f ||_D^2, whose least value the abstract's learner is to come near")
            .states("grad L = P' D (P x - y)")
            .formula(r"\nabla L = P^\top D (P x - y)")
            .about(ALL, ANY)
            .check(|case| gradient(case, true))
            .fault("without D", |case| gradient(case, false)),
        claim("active-learning/hessian")
            .derived("half of || y - f ||_D^2, whose least value the abstract's learner is to come near")
            .states("Hess L = P' D P")
            .formula(r"\nabla^2 L = P^\top D P")
            .about(ALL, ANY)
            .check(|case| hessian(case, 1))
            .fault("twice as much, that of the loss without its 1/2", |case| hessian(case, 2)),
        claim("active-learning/noise-in-the-span")
            .derived("E || f~ - f ||^2 <= eps || g ||^2 for labels y = f + g, read for every f of the span and every g, with eps = 1/2")
            .states("the best fit f~ to all labels y = f + g has || f~ - f ||_D^2 <= || g ||_D^2 / 2 for every f of the span and every g")
            .formula(r"y = f + g,\ f \in \operatorname{span}(P) \implies \|\tilde f - f\|_D^2 \le \tfrac{1}{2} \|g\|_D^2")
            .given("independent functions; f = 0, g of the span; every label is read")
            .note("A g of the span cannot be told from f: the ratio is 1 with every label read. Such a bound needs g orthogonal to the span, or is one of || y - f~ ||^2 against the best fit.")
            .about(TALL, FULL)
            .check(|case| in_the_span(case, false))
            .fault("against the best fit to y", |case| in_the_span(case, true))
            .refuted("active-learning/excess-against-the-best-fit", witness!("active-learning-noise-in-the-span")),
        claim("active-learning/excess-against-the-best-fit")
            .derived("replaces active-learning/noise-in-the-span: y - f* is orthogonal to the span")
            .states("|| y - f ||_D^2 = || y - f* ||_D^2 + || f - f* ||_D^2 for every f of the span, f* the best fit")
            .formula(r"\|y - f\|_D^2 = \|y - f^*\|_D^2 + \|f - f^*\|_D^2")
            .given("independent functions")
            .note("So an excess of eps times the least loss is a factor of 1 + eps, whatever the labels.")
            .about(TALL, FULL)
            .check(|case| pythagoras(case, High::ONE))
            .fault("half of the last square", |case| pythagoras(case, High::ratio(1, 2))),
        claim("active-learning/bound-with-every-label")
            .derived("the error bounds of the solver where the budget reaches every point, src/production/systems/active_learning")
            .states("|| x - x* || is at most the bound that comes with x, where one comes")
            .formula(r"\|x - x^*\|_2 \le \text{the bound that comes with } x")
            .given("independent functions, the same measure everywhere, a label for every point")
            .note("Held against triangular solves at 40 digits. With fewer labels no bound can be proven: those that were not read may be anything.")
            .about(PLAIN, UNMEASURED)
            .check(|case| within_the_bound(case, 1))
            .fault("a millionth of the bound", |case| within_the_bound(case, 1_000_000)),
    ]
}
