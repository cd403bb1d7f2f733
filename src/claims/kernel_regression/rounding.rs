//! What f64 makes of answers: the exact one rounded, the solver's and its bound.

use std::ops::ControlFlow;

use nalgebra::{Cholesky, DVector};

use crate::claims::tools::builder::{claim, strata, witness};
use crate::claims::{Case, CheckError, Claim, OtherCases, Outside, Stratum, Verdict};
use crate::production::{AUTO, Settings, solve_system};
use crate::scalar::{Allowance, High};
use crate::system::Given;

use super::cases::{RegressionCases, Rows, Which};
use super::model::{Model, loss, rounded};

/// What a residual is held against.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    /// Twice the least one, which is 0.
    Least,
    /// `10^-13 || b ||`.
    Small,
    /// `u kappa^(2 j) || b ||`.
    Condition,
    /// `u || b ||`.
    Unit,
}

/// The residual of the exact answer to an even problem after each entry has been rounded to f64.
fn rounded_answer(case: &Case<Given>, level: Level) -> Result<Verdict, CheckError> {
    let model = Model::of(case);
    if model.kind != "even" {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let Some((x, ratio)) = model.solved(&model.b, model.power) else {
        return Ok(Verdict::Outside(Outside::Rank));
    };
    // An entry below the normal numbers is rounded by more than u of itself.
    let normal = High::lift(f64::MIN_POSITIVE)?;
    if x.iter().any(|x| !x.is_zero() && x.abs() < normal) {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let ball = loss(&case.instance, &rounded(&x)?)?;
    let two = High::int(2);
    let observed = (two * ball.midpoint()).max(High::ZERO).sqrt();
    let size = model.b.norm();
    let unit = High::ratio(1, 1 << 53);
    let allowed = match level {
        Level::Least => High::ZERO,
        Level::Small => size.shifted(-13),
        Level::Unit => unit * size,
        Level::Condition => {
            let values = crate::oracle::spectrum::singular_values(&model.a)?;
            let (Some(most), Some(least)) = (values.first(), values.last()) else {
                return Ok(Verdict::Outside(Outside::Rank));
            };
            unit * (*most / *least).powi(2 * model.power as i64) * size
        }
    };
    // How far the 40 digits of x are off, and the loss.
    let lost = (model.sizes() * x.abs()).norm() * ratio * High::ONE.shifted(-36);
    let radius = (two * ball.radius()).sqrt();
    Ok(Verdict::at_most(
        "|| N^j fl(x*) - b ||",
        observed,
        allowed,
        Allowance::new(
            lost + radius,
            "the rounding of x* at 40 digits and of the loss",
        ),
    ))
}

/// The exact answer, and how far off it may be; `None` where it is not unique or 40 digits are not enough.
fn exact(model: &Model) -> Option<(DVector<High>, High)> {
    match model.kind {
        "kernel" => {
            let squares = model.half_squares();
            let n = squares.len();
            // D G D + lambda I by its diagonal: `S G S + ..` with ones on it.
            let outer: Vec<High> = squares
                .iter()
                .map(|h| ((*h + *h).exp() + model.ridge).sqrt().recip())
                .collect();
            let gaussian = model.gaussian();
            let matrix = nalgebra::DMatrix::from_fn(n, n, |i, k| {
                if i == k {
                    High::ONE
                } else {
                    gaussian[(i, k)] * (squares[i] + squares[k]).exp() * outer[i] * outer[k]
                }
            });
            let factor = Cholesky::new(matrix)?;
            let least = factor
                .l_dirty()
                .diagonal()
                .iter()
                .copied()
                .reduce(High::min)?;
            if least < High::ONE.shifted(-9) {
                return None;
            }
            let right = DVector::from_fn(n, |i, _| outer[i] * model.b[i]);
            let z = factor.solve(&right);
            let x = DVector::from_fn(n, |i, _| outer[i] * z[i]);
            let size = outer.iter().copied().fold(High::ZERO, High::max) * z.norm();
            Some((x, size / least.square() * High::ONE.shifted(-35)))
        }
        _ => {
            let (from, solves) = if model.kind == "odd" {
                (model.a.tr_mul(&model.b), model.power + 1)
            } else {
                (model.b.clone(), model.power)
            };
            let (x, ratio) = model.solved(&from, solves)?;
            let off = x.norm() * ratio * High::ONE.shifted(-34);
            Some((x, off))
        }
    }
}

/// The bound of the solver, divided by `less`.
fn within_the_bound(case: &Case<Given>, less: High) -> Result<Verdict, CheckError> {
    let model = Model::of(case);
    let Some((x, off)) = exact(&model) else {
        return Ok(Verdict::Outside(Outside::Rank));
    };
    let (found, _) = solve_system(
        &case.instance,
        None,
        AUTO,
        &Settings::default(),
        &mut |_| ControlFlow::Continue(()),
    )
    .map_err(|error| CheckError::Other(error.to_string()))?;
    let Some(bound) = found.error_bound else {
        return Ok(Verdict::Outside(Outside::Precision));
    };
    let entries: Result<Vec<High>, _> = found.x.iter().map(|x| High::lift(*x)).collect();
    let distance = (DVector::from_vec(entries?) - x).norm();
    Ok(Verdict::at_most(
        "|| x - x* ||",
        distance,
        High::lift(bound)? / less,
        Allowance::new(off, "the rounding of x* at 40 digits"),
    ))
}

const EVEN: OtherCases = &RegressionCases::EVEN;
const EVERY: OtherCases = &RegressionCases {
    which: &[Which::Even, Which::Odd, Which::Kernel],
    rows: Rows::Tall,
    ..RegressionCases::ALL
};
const TALL: &[Stratum] = strata!(Decade("condition of A"): 0 1 2 3; Kind: "d=1" "n=d");
const EVERYTHING: &[Stratum] = strata!(
    Decade("condition of A"): 0 1 2 3;
    Decade("square of a row"): 0 1 2 3;
    Kind: "even" "odd" "kernel" "ridge" "d=1"
);

/// The claims about f64.
pub fn claims() -> Vec<Claim> {
    vec![
        claim("attention-kernel-regression/relative-to-the-least")
            .recalled("arXiv 2308.14304: a (1 + eps) factor of the optimum")
            .states("some x in f64, the exact answer rounded, has || N^j x - b || <= 2 min || N^j y - b ||")
            .formula(r"\|N^j \operatorname{fl}(x^*) - b\|_2 \le 2 \min_y \|N^j y - b\|_2, \quad N^j x^* = b, \quad N = A^\top A")
            .given("an even power, rank d, no entry of x underflows")
            .note("The least one is 0 for rank d, so a factor of it leaves nothing; an additive eps || b || is what can be asked for. Attributed, wording unverified.")
            .about(EVEN, TALL)
            .check(|case| rounded_answer(case, Level::Least))
            .fault("u kappa^(2 j) || b || allowed: attention-kernel-regression/stall-level", |case| rounded_answer(case, Level::Condition))
            .refuted("attention-kernel-regression/stall-level", witness!("attention-kernel-regression-relative-to-the-least")),
        claim("attention-kernel-regression/any-accuracy")
            .derived("implied by costs that grow like log(1 / eps)")
            .states("the exact answer in f64 has || N^j x - b || <= 10^-13 || b ||")
            .formula(r"\|N^j \operatorname{fl}(x^*) - b\|_2 \le 10^{-13} \|b\|_2, \quad N^j x^* = b, \quad N = A^\top A")
            .given("an even power, rank d, no entry of x underflows")
            .note("Rounding x alone leaves up to u kappa^(2 j) || b ||, whatever the algorithm. It is a level at which refinement stalls, not a lower bound over all vectors of f64: the best of them is a closest-vector problem.")
            .about(EVEN, TALL)
            .check(|case| rounded_answer(case, Level::Small))
            .fault("u kappa^(2 j) || b || allowed: attention-kernel-regression/stall-level", |case| rounded_answer(case, Level::Condition))
            .refuted("attention-kernel-regression/stall-level", witness!("attention-kernel-regression-any-accuracy")),
        claim("attention-kernel-regression/stall-level")
            .derived("replaces attention-kernel-regression/any-accuracy")
            .states("the exact answer rounded to f64 has || N^j x - b || <= u kappa(A)^(2 j) || b ||")
            .formula(r"\|N^j \operatorname{fl}(x^*) - b\|_2 \le u\, \kappa(A)^{2j}\, \|b\|_2, \quad N^j x^* = b, \quad N = A^\top A, \ u = 2^{-53}")
            .given("an even power, rank d, no entry of x underflows")
            .note("Each entry is off by u of itself, || N^j || || N^-j || = kappa^(2 j). Smaller residuals take x in more digits than f64 has.")
            .about(EVEN, TALL)
            .check(|case| rounded_answer(case, Level::Condition))
            .fault("u || b ||", |case| rounded_answer(case, Level::Unit)),
        claim("attention-kernel-regression/error-bound")
            .derived("the error bounds of the solver, src/production/systems/kernel_regression")
            .states("|| x - x* || is at most the bound that comes with x, where one comes")
            .formula(r"\|x - x^*\|_2 \le \text{the bound that comes with } x")
            .given("a unique answer")
            .note("Held against triangular solves at 40 digits.")
            .about(EVERY, EVERYTHING)
            .real_rows(24)
            .check(|case| within_the_bound(case, High::ONE))
            .fault("a millionth of the bound", |case| within_the_bound(case, High::int(1_000_000))),
    ]
}
