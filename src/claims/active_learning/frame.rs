//! Bases that are nearly orthonormal: `|| v_j || = 1` and `|<v_i, v_j>| <= rho` in the measure.

use nalgebra::{DMatrix, DVector};

use crate::claims::tools::attained::at_most_or_equal;
use crate::claims::tools::builder::{claim, strata, witness};
use crate::claims::tools::exact::of_eigenvalues;
use crate::claims::tools::statistics::BinomialTest;
use crate::claims::{Case, CheckError, Claim, OtherCases, Outside, Stratum, Verdict};
use crate::oracle::{lift_vector, spectrum};
use crate::scalar::{Allowance, High};
use crate::system::Given;

use super::cases::PoolCases;
use super::model::{Normalised, Pool, inside};

/// Which rho is meant.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rho {
    /// The largest size of a product.
    Size,
    /// The largest product, or 0.
    OneSided,
}

fn rho_of(found: &Normalised, rho: Rho) -> High {
    let d = found.gram.ncols();
    let entries = (0..d).flat_map(|i| (0..i).map(move |j| [i, j]));
    match rho {
        Rho::Size => found.rho,
        Rho::OneSided => entries
            .map(|[i, j]| found.gram[(i, j)])
            .fold(High::ZERO, High::max),
    }
}

/// `1 - share (d - 1) rho <= lambda(G) <= 1 + share (d - 1) rho`; the lower half alone where rho is one-sided.
fn bounds(case: &Case<Given>, rho: Rho, share: High) -> Result<Verdict, CheckError> {
    let pool = Pool::of(case);
    let found = inside!(pool.normalised());
    let (low, high, off) = spectrum::extremes_with_bound(&found.gram)?;
    let granted = of_eigenvalues(off) + pool.of_gram();
    let reach = rho_of(&found, rho) * High::int(found.gram.ncols() as i64 - 1) * share;
    let below = at_most_or_equal("1 - lambda_min", High::ONE - low, reach, granted.clone());
    Ok(match rho {
        Rho::OneSided => below,
        Rho::Size => below.and(at_most_or_equal(
            "lambda_max - 1",
            high - High::ONE,
            reach,
            granted,
        )),
    })
}

/// `lambda_min > 0` where `(d - 1) rho <= 1`, or, for the fault, where it is below.
fn at_the_threshold(case: &Case<Given>, strictly: bool) -> Result<Verdict, CheckError> {
    let pool = Pool::of(case);
    let found = inside!(pool.normalised());
    let (low, _, off) = spectrum::extremes_with_bound(&found.gram)?;
    let reach = found.rho * High::int(found.gram.ncols() as i64 - 1);
    let granted = of_eigenvalues(off) + pool.of_gram();
    let over = reach - High::ONE;
    if over > granted.size() || (strictly && over > -granted.size().shifted(4)) {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    // A millionth of what is left of 1, and of nothing 10^-30.
    let least = (-over).max(High::ZERO) / High::int(1_000_000) + High::ONE.shifted(-30);
    Ok(Verdict::at_least("lambda_min", low, least, granted))
}

/// `(d - 1) rho < 1` for functions that are independent, or, for the fault, `lambda_min > 0`.
fn spanning(case: &Case<Given>, by_eigenvalue: bool) -> Result<Verdict, CheckError> {
    let pool = Pool::of(case);
    if pool.model.solved().is_none() {
        return Ok(Verdict::Outside(Outside::Rank));
    }
    let found = inside!(pool.normalised());
    if by_eigenvalue {
        let (low, _, off) = spectrum::extremes_with_bound(&found.gram)?;
        let granted = of_eigenvalues(off) + pool.of_gram();
        return Ok(Verdict::at_least("lambda_min", low, High::ZERO, granted));
    }
    let reach = found.rho * High::int(found.gram.ncols() as i64 - 1);
    Ok(Verdict::at_most(
        "(d - 1) rho",
        reach,
        High::ONE,
        pool.of_gram(),
    ))
}

/// The error `|| (G - I) a ||` of coefficients by projection is at most `share (d - 1) rho || a ||`, for a the point and for all ones; or
/// at most half of `|| a ||` where `(d - 1) rho < 1`.
fn projection(case: &Case<Given>, share: Option<High>) -> Result<Verdict, CheckError> {
    let pool = Pool::of(case);
    let found = inside!(pool.normalised());
    let d = found.gram.ncols();
    let reach = found.rho * High::int(d as i64 - 1);
    if share.is_none() && reach >= High::ONE {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let allowed = share.map_or(High::ratio(1, 2), |share| reach * share);
    let ones = DVector::from_element(d, High::ONE);
    let point = lift_vector(&case.instance.start().into());
    let mut verdict = Verdict::VACUOUS;
    for a in [ones, point] {
        let size = a.norm();
        let off = (&found.gram * &a - &a).norm();
        verdict = verdict.and(at_most_or_equal(
            "|| (G - I) a ||",
            off,
            allowed * size,
            pool.of_gram() * size,
        ));
    }
    Ok(verdict)
}

/// Matrices of signs of each case, and their order.
const SIGNS: u64 = 40;
const ORDER: usize = 24;

/// `|| G - I || <= times rho sqrt d` for correlations of `+-rho` at random, with probability 9/10.
fn signs(case: &Case<Given>, times: f64) -> Result<Verdict, CheckError> {
    let test = BinomialTest::new(0.1, SIGNS)?;
    let mut rng = case.stream("signs");
    let mut failures = 0;
    for _ in 0..SIGNS {
        let mut signs = DMatrix::zeros(ORDER, ORDER);
        for i in 0..ORDER {
            for j in 0..i {
                let sign = crate::instance::sample::integer(&mut rng, 0, 1) as f64 * 2.0 - 1.0;
                signs[(i, j)] = sign;
                signs[(j, i)] = sign;
            }
        }
        let (low, high, off) = spectrum::extremes_f64(&signs)
            .ok_or_else(|| CheckError::Other("eigenvalues did not converge".to_owned()))?;
        let norm = high.max(-low) + off;
        failures += i64::from(norm > times * (ORDER as f64).sqrt());
    }
    Ok(Verdict::at_most(
        &format!("failures in {SIGNS} matrices of signs of order {ORDER}"),
        High::int(failures),
        High::int(test.accept_up_to as i64),
        Allowance::NOTHING,
    ))
}

const CORRELATED: OtherCases = &PoolCases::CORRELATED;
const TALL: OtherCases = &PoolCases::TALL;
const ONCE: OtherCases = &PoolCases {
    cases: 3,
    ..PoolCases::CORRELATED
};
const STRATA: &[Stratum] = strata!(Decade("condition of P"): 1 2 3; Kind: "one measure");
const FULL: &[Stratum] = strata!(Decade("condition of P"): 0 1 2 3; Kind: "d=1" "n=d" "a measure");

/// The claims about bases that are nearly orthonormal.
pub fn claims() -> Vec<Claim> {
    vec![
        claim("active-learning/frame-bounds")
            .derived("Gershgorin's circles for a basis with |<v_i, v_j>| <= rho, which the title's nearly orthogonal is read as")
            .states("(1 - (d - 1) rho) || a ||^2 <= || sum_j a_j v_j ||_D^2 <= (1 + (d - 1) rho) || a ||^2")
            .formula(r"(1 - (d - 1) \rho) \|a\|_2^2 \le \Bigl\|\sum_j a_j v_j\Bigr\|_D^2 \le (1 + (d - 1) \rho) \|a\|_2^2")
            .given("|| v_j ||_D = 1, rho the largest |<v_i, v_j>_D|")
            .note("The lower end is attained by correlations that are all -rho, the upper one by all +rho: rho < 1 / (d - 1) is necessary and sufficient for a basis. Signs at random are far from either end: active-learning/correlations-of-random-signs.")
            .about(CORRELATED, STRATA)
            .check(|case| bounds(case, Rho::Size, High::ONE))
            .fault("half as far from 1", |case| bounds(case, Rho::Size, High::ratio(1, 2))),
        claim("active-learning/independent-at-the-threshold")
            .derived("active-learning/frame-bounds with (d - 1) rho = 1")
            .states("functions with (d - 1) rho <= 1 are independent")
            .formula(r"(d - 1) \rho \le 1 \implies \lambda_{\min}(G) > 0")
            .given("|| v_j ||_D = 1")
            .note("rho = 1 / (d - 1) is attained by d functions with a sum of 0.")
            .about(CORRELATED, STRATA)
            .check(|case| at_the_threshold(case, false))
            .fault("(d - 1) rho < 1: active-learning/frame-bounds", |case| at_the_threshold(case, true))
            .refuted("active-learning/frame-bounds", witness!("active-learning-independent-at-the-threshold")),
        claim("active-learning/one-sided-correlations")
            .derived("active-learning/frame-bounds with <v_i, v_j> <= rho in place of its size")
            .states("lambda_min(G) >= 1 - (d - 1) rho where <v_i, v_j>_D <= rho")
            .formula(r"\langle v_i, v_j \rangle_D \le \rho \implies \lambda_{\min}(G) \ge 1 - (d - 1) \rho")
            .given("|| v_j ||_D = 1, rho >= 0")
            .note("v_2 = -v_1 meets the premise with rho = 0. A definition without absolute values is empty.")
            .about(CORRELATED, STRATA)
            .check(|case| bounds(case, Rho::OneSided, High::ONE))
            .fault("of the size: active-learning/frame-bounds", |case| bounds(case, Rho::Size, High::ONE))
            .refuted("active-learning/frame-bounds", witness!("active-learning-one-sided-correlations")),
        claim("active-learning/correlations-of-random-signs")
            .derived("Wigner's semicircle: the norm of a symmetric matrix of signs is near 2 sqrt d")
            .states("correlations of +-rho with signs at random give || G - I || <= 2.5 rho sqrt d with probability at least 9/10")
            .formula(r"\Pr\bigl[\|G - I\| \le 2.5\, \rho \sqrt{d}\bigr] \ge \tfrac{9}{10}")
            .given("d = 24, drawn for each case")
            .note("40 matrices a case against an exact binomial limit (false alarm 1e-9). So (d - 1) rho is the worst case and not the typical one: bases with rho far above 1 / (d - 1) may be as good.")
            .about(ONCE, strata!(Kind: "one measure"))
            .check(|case| signs(case, 2.5))
            .fault("1.5 in place of 2.5", |case| signs(case, 1.5)),
        claim("active-learning/spanning-is-nearly-orthogonal")
            .derived("the premise that natural bases are nearly orthogonal")
            .states("independent functions have (d - 1) rho < 1")
            .formula(r"\lambda_{\min}(G) > 0 \implies (d - 1) \rho < 1")
            .given("independent functions, || v_j ||_D = 1")
            .note("False for 1, t, t^2 at five points of [-1, 1]. What decides is lambda_min(G).")
            .about(TALL, FULL)
            .check(|case| spanning(case, false))
            .fault("lambda_min in place of rho", |case| spanning(case, true))
            .refuted("active-learning/condition-by-lambda-min", witness!("active-learning-spanning-is-nearly-orthogonal")),
        claim("active-learning/projection-within-half")
            .derived("coefficients <f, v_j> of a nearly orthonormal basis, as if it were orthonormal")
            .states("|| (<f, v_j>_D)_j - a || <= || a || / 2 for f = sum_j a_j v_j where (d - 1) rho < 1")
            .formula(r"(d - 1) \rho < 1 \implies \|(G - I) a\|_2 \le \tfrac{1}{2} \|a\|_2")
            .given("|| v_j ||_D = 1, (d - 1) rho < 1")
            .note("Least squares has no such error.")
            .about(CORRELATED, STRATA)
            .check(|case| projection(case, None))
            .fault("(d - 1) rho in place of 1/2: active-learning/projection-coefficients", |case| projection(case, Some(High::ONE)))
            .refuted("active-learning/projection-coefficients", witness!("active-learning-projection-within-half")),
        claim("active-learning/projection-coefficients")
            .derived("replaces active-learning/projection-within-half: the norm of G - I")
            .states("|| (<f, v_j>_D)_j - a || <= (d - 1) rho || a || for f = sum_j a_j v_j")
            .formula(r"\|(G - I) a\|_2 \le (d - 1) \rho\, \|a\|_2")
            .given("|| v_j ||_D = 1")
            .note("Attained where all correlations are equal, by a = (1, .., 1).")
            .about(CORRELATED, STRATA)
            .check(|case| projection(case, Some(High::ONE)))
            .fault("half as much", |case| projection(case, Some(High::ratio(1, 2)))),
    ]
}
