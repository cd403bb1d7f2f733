//! Condition numbers of the kernel and of its equilibrated form.

use nalgebra::DMatrix;

use crate::claims::tools::attack::{self, Effort};
use crate::claims::tools::attained::at_most_or_equal;
use crate::claims::tools::builder::{claim, strata};
use crate::claims::{Case, CheckError, Claim, Origin, OtherCases, Outside, Stratum, Verdict};
use crate::instance::sample::{self, Stream};
use crate::scalar::{Allowance, High};
use crate::system::Given;

use super::cases::{RegressionCases, Which, posed};
use super::kernel::{EIGENVALUES, has_repeated, kernel_of, range};

/// Two rows at distance h: `lambda_min(G) <= 1 - exp(-h^2 / 2) <= share h^2`.
fn close_rows(case: &Case<Given>, share: High) -> Result<Verdict, CheckError> {
    let Some(model) = kernel_of(case) else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    let distances = model.distances();
    let n = distances.nrows();
    let nearest = (0..n)
        .flat_map(|i| (0..i).map(move |k| (i, k)))
        .map(|place| distances[place])
        .reduce(High::min);
    let Some(half_square) = nearest else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    let (low, _, granted) = range(&model.gaussian())?;
    let allowed = half_square * High::int(2) * share;
    Ok(at_most_or_equal(
        "lambda_min(G)",
        low,
        allowed,
        Allowance::new(granted, EIGENVALUES),
    ))
}

/// The spectrum of K where 40 digits hold it.
fn of_kernel(model: &super::model::Model) -> Result<Option<(High, High, High)>, CheckError> {
    if has_repeated(model) {
        return Ok(None);
    }
    let (low, high, granted) = range(&model.k())?;
    Ok((low > granted * High::int(1_000_000)).then_some((low, high, granted)))
}

/// `kappa(K) >= exp(power (max ||a||^2 - min ||a||^2))`.
fn kernel_condition(case: &Case<Given>, power: High) -> Result<Verdict, CheckError> {
    let Some(model) = kernel_of(case) else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    let Some((low, high, granted)) = of_kernel(&model)? else {
        return Ok(Verdict::Outside(Outside::Precision));
    };
    let squares = model.half_squares();
    let most = squares.iter().copied().fold(High::ZERO, High::max);
    let least = squares.iter().copied().reduce(High::min).unwrap_or(most);
    let stated = (power * High::int(2) * (most - least)).exp();
    let condition = high / low;
    let relative = High::int(2) * granted / low + (High::ONE + most).shifted(-35);
    Ok(at_most_or_equal(
        "exp(max ||a||^2 - min ||a||^2)",
        stated,
        condition,
        Allowance::new(relative * condition.max(stated), EIGENVALUES),
    ))
}

/// `kappa(G) <= times kappa(K)`; times n is what the theorem says.
fn equilibrated(case: &Case<Given>, of_order: bool) -> Result<Verdict, CheckError> {
    let Some(model) = kernel_of(case) else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    let Some((low, high, granted)) = of_kernel(&model)? else {
        return Ok(Verdict::Outside(Outside::Precision));
    };
    let (least, most, off) = range(&model.gaussian())?;
    if least <= off * High::int(1_000_000) {
        return Ok(Verdict::Outside(Outside::Precision));
    }
    let n = High::int(model.a.nrows() as i64);
    let times = if of_order { n } else { n.recip() };
    let (stated, observed) = (times * high / low, most / least);
    let relative = High::int(2) * (granted / low + off / least);
    Ok(at_most_or_equal(
        "kappa(G)",
        observed,
        stated,
        Allowance::new(relative * (stated + observed), EIGENVALUES),
    ))
}

/// Two to four rows on a line, free: the least that `kappa(K)` is above its bound.
fn search_condition(rng: &mut Stream) -> Result<Case<Given>, CheckError> {
    let n = sample::integer(rng, 2, 4) as usize;
    let width = sample::integer(rng, 1, 3) as usize;
    // Rows up to 4 long, so that 40 digits hold the spectrum.
    let rows = |free: &[f64]| {
        DMatrix::from_fn(n, width, |i, j| {
            free[i * width + j].clamp(-1.0, 1.0) * 4.0 / (width as f64).sqrt()
        })
    };
    let value = |free: &[f64]| {
        let a = rows(free);
        let squares: Vec<f64> = a.row_iter().map(|row| row.norm_squared()).collect();
        let most = squares.iter().copied().fold(0.0, f64::max);
        let least = squares.iter().copied().fold(f64::INFINITY, f64::min);
        // In units of the largest diagonal entry, which f64 holds.
        let kernel = DMatrix::from_fn(n, n, |i, k| (a.row(i).dot(&a.row(k)) - most).exp());
        let values = kernel.symmetric_eigenvalues();
        let condition = values.max() / values.min();
        if condition > 0.0 && condition < 1e12 {
            (most - least) - condition.ln()
        } else {
            f64::NEG_INFINITY
        }
    };
    let start = attack::best_start(rng, 60, n * width, 1, &value);
    let (best, _) = attack::maximise(&value, start, Effort::USUAL);
    let given = posed(Which::Kernel, &rows(&best), vec![1.0; n], 0.0)?;
    Ok(Case::new(Origin::Attack(0), given, 0))
}

/// Two rows as near as 2^-20, along a free direction.
fn search_close(rng: &mut Stream) -> Result<Case<Given>, CheckError> {
    let order = sample::integer(rng, 2, 20) as i32;
    let row = [sample::dyadic(rng, 2), sample::dyadic(rng, 2)];
    let step = 2f64.powi(-order);
    let a = DMatrix::from_row_slice(2, 2, &[row[0], row[1], row[0] + step, row[1] - step]);
    let given = posed(Which::Kernel, &a, vec![1.0, -1.0], 0.0)?;
    Ok(Case::new(Origin::Attack(0), given, 0))
}

const ANY: OtherCases = &RegressionCases::KERNEL;
const STRATA: &[Stratum] = strata!(Decade("square of a row"): 0 1 2; Kind: "d=1");

/// The claims about condition numbers.
pub fn claims() -> Vec<Claim> {
    vec![
        claim("attention-kernel-regression/close-rows")
            .derived("the vector (1, -1) on two rows")
            .states("two rows at distance h make lambda_min(G) <= h^2 / 2")
            .formula(r"\lambda_{\min}(G) \le \tfrac{1}{2} \min_{i \ne k} \|a_i - a_k\|^2, \quad G_{ik} = e^{-\|a_i - a_k\|^2 / 2}")
            .given("n >= 2")
            .note("Sharp for two rows as h goes to 0: 1 - exp(-h^2 / 2). Rows at 10^-8 are singular to working precision.")
            .about(ANY, STRATA)
            .attacked(3, search_close)
            .real_rows(24)
            .check(|case| close_rows(case, High::ratio(1, 2)))
            .fault("h^2 / 4", |case| close_rows(case, High::ratio(1, 4))),
        claim("attention-kernel-regression/kernel-condition")
            .derived("the diagonal entries exp(||a_i||^2)")
            .states("kappa(exp(A A')) >= exp(max ||a_i||^2 - min ||a_i||^2)")
            .formula(r"\kappa(K) \ge \exp\bigl(\max_i \|a_i\|^2 - \min_i \|a_i\|^2\bigr), \quad K_{ik} = e^{\langle a_i, a_k \rangle}")
            .given("distinct rows; checked where kappa is below 10^30")
            .note("Attained by rows that are orthogonal, and nearly by rows far apart: most of the condition number of real keys is that of the diagonal D, which costs nothing to take out. The statement that exponential kernels are severely ill-conditioned (arXiv 2604.25138, abstract) is about K, not about G.")
            .about(ANY, STRATA)
            .attacked(3, search_condition)
            .check(|case| kernel_condition(case, High::ONE))
            .fault("twice the exponent", |case| kernel_condition(case, High::int(2))),
        claim("attention-kernel-regression/equilibrated-condition")
            .recalled("van der Sluis 1969: a diagonal of ones is within a factor n of the best diagonal scaling")
            .states("kappa(G) <= n kappa(exp(A A'))")
            .formula(r"\kappa(G) \le n\, \kappa(K), \quad G_{ik} = e^{-\|a_i - a_k\|^2 / 2}, \ K_{ik} = e^{\langle a_i, a_k \rangle}")
            .given("distinct rows; checked where both are below 10^30")
            .about(ANY, STRATA)
            .attacked(3, search_condition)
            .check(|case| equilibrated(case, true))
            .fault("kappa(K) / n", |case| equilibrated(case, false)),
    ]
}
