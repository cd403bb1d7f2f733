//! Three ways to an even power in f64: by a triangular factor of A, by `A'A`, and by its power.

use nalgebra::{Cholesky, DMatrix, DVector};

use crate::claims::tools::attained::at_most_or_equal;
use crate::claims::tools::builder::{claim, strata, witness};
use crate::claims::{Case, CheckError, Claim, OtherCases, Outside, Stratum, Verdict};
use crate::oracle::lift_vector;
use crate::oracle::spectrum::singular_values;
use crate::scalar::{Allowance, High};
use crate::system::Given;

use super::cases::RegressionCases;
use super::model::{Model, loss};

/// Which matrix is factored.
#[derive(Clone, Copy)]
enum Way {
    /// A by Householder reflections, and 2 j triangular solves.
    Triangle,
    /// N, and j solves.
    Gram,
}

/// x in f64, of an even problem; `None` where a factor breaks down.
fn solved(given: &Given, way: Way) -> Option<DVector<f64>> {
    let a = given.matrix("matrix", "n", "d");
    let target = given.array("target")?.values();
    let mut x = DVector::from_column_slice(target);
    let power = given.scalar("power") as usize;
    match way {
        Way::Triangle => {
            let r = a.qr().r();
            for _ in 0..power {
                x = r.tr_solve_upper_triangular(&x)?;
                x = r.solve_upper_triangular(&x)?;
            }
        }
        Way::Gram => {
            let d = a.ncols();
            let factor =
                Cholesky::new(DMatrix::from_fn(d, d, |i, j| a.column(i).dot(&a.column(j))))?;
            for _ in 0..power {
                x = factor.solve(&x);
            }
        }
    }
    x.iter().all(|x| x.is_finite()).then_some(x)
}

/// `|| N^j x - b ||` for an x in f64, and what the loss leaves open of it.
fn residual(case: &Case<Given>, way: Way) -> Result<Option<(High, High)>, CheckError> {
    let Some(x) = solved(&case.instance, way) else {
        return Ok(None);
    };
    let ball = loss(&case.instance, &lift_vector(&x))?;
    let two = High::int(2);
    let norm = (two * ball.midpoint()).max(High::ZERO).sqrt();
    Ok(Some((norm, (two * ball.radius()).sqrt())))
}

/// `u (kappa^2 + .. + kappa^(2 j)) || b ||` of a model of full column rank whose entries are so near 1 that nothing under- or overflows.
fn amplified(model: &Model) -> Result<Option<High>, CheckError> {
    let sized =
        |largest: High| largest >= High::ONE.shifted(-20) && largest <= High::ONE.shifted(20);
    let (n, d) = model.a.shape();
    if n < d || !sized(model.a.amax()) || !sized(model.b.amax()) {
        return Ok(None);
    }
    let values = singular_values(&model.a)?;
    let (Some(most), Some(least)) = (values.first(), values.last()) else {
        return Ok(None);
    };
    if *least <= most.shifted(-6) {
        return Ok(None);
    }
    let stretch = (*most / *least).square();
    let sum: High = (1..=model.power).map(|i| stretch.powi(i as i64)).sum();
    Ok(Some(High::ratio(1, 1 << 53) * sum * model.b.norm()))
}

/// Whether the triangular factor leaves at most `times` what A'A leaves.
fn order(case: &Case<Given>) -> Result<Verdict, CheckError> {
    let model = Model::of(case);
    if model.kind != "even" || amplified(&model)?.is_none() {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let (Some(first), Some(second)) = (residual(case, Way::Triangle)?, residual(case, Way::Gram)?)
    else {
        return Ok(Verdict::Outside(Outside::Precision));
    };
    Ok(at_most_or_equal(
        "|| N^j x - b || by a triangular factor",
        first.0,
        second.0,
        Allowance::new(first.1 + second.1, "the rounding of the loss"),
    ))
}

/// Whether both ways leave at most `4 d (n + 3 d + 1) u (kappa^2 + .. + kappa^(2 j)) || b ||`, or that divided by `less`.
fn level(case: &Case<Given>, less: High) -> Result<Verdict, CheckError> {
    let model = Model::of(case);
    let (n, d) = model.a.shape();
    if model.kind != "even" {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let Some(unit) = amplified(&model)? else {
        return Ok(Verdict::Outside(Outside::Rank));
    };
    let allowed = High::int((4 * d * (n + 3 * d + 1)) as i64) * unit;
    if allowed > High::ratio(1, 8) * model.b.norm() {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let mut verdict = Verdict::VACUOUS;
    for (way, name) in [(Way::Triangle, "a triangular factor"), (Way::Gram, "A'A")] {
        let Some((norm, radius)) = residual(case, way)? else {
            return Ok(Verdict::Outside(Outside::Precision));
        };
        verdict = verdict.and(Verdict::at_most(
            &format!("|| N^j x - b || by {name}"),
            norm,
            allowed / less,
            Allowance::new(radius, "the rounding of the loss"),
        ));
    }
    Ok(verdict)
}

const EVEN: OtherCases = &RegressionCases::EVEN;
const TALL: &[Stratum] = strata!(Decade("condition of A"): 0 1 2 3; Kind: "d=1" "n=d");

/// The claims about factors in f64.
pub fn claims() -> Vec<Claim> {
    vec![
        claim("attention-kernel-regression/triangle-before-gram")
            .derived("folklore: a triangular factor of A loses fewer digits than A'A")
            .states("2 j triangular solves with a factor of A leave at most the || N^j x - b || of j solves with A'A, in f64")
            .formula(r"\|N^j x_{QR} - b\|_2 \le \|N^j x_N - b\|_2, \quad N = A^\top A")
            .given("an even power, kappa(A) at most 10^6, the largest entries of A and b between 10^(-50/j) and 10^(50/j)")
            .note("An order of residuals there is not: both are at the level of attention-kernel-regression/residual-in-f64, where chance decides.")
            .about(EVEN, TALL)
            .check(order)
            .fault("attention-kernel-regression/residual-in-f64", |case| level(case, High::ONE))
            .refuted("attention-kernel-regression/residual-in-f64", witness!("attention-kernel-regression-triangle-before-gram")),
        claim("attention-kernel-regression/residual-in-f64")
            .derived("replaces attention-kernel-regression/triangle-before-gram")
            .states("both leave || N^j x - b || <= 4 d (n + 3 d + 1) u (kappa^2 + .. + kappa^(2 j)) || b || where that is at most || b || / 8")
            .formula(r"\|N^j x - b\|_2 \le 4 d (n + 3 d + 1)\, u \sum_{i=1}^{j} \kappa(A)^{2i}\, \|b\|_2, \quad N = A^\top A, \ u = 2^{-53}")
            .given("an even power, kappa(A) at most 10^6, the largest entries of A and b between 10^(-50/j) and 10^(50/j), the level at most || b || / 8")
            .note("To first order x solves (N + E_j) .. (N + E_1) x = b. A sum of n products errs by n u, a Cholesky factor with its solves by (3 d + 1) u of sums of magnitudes, which are at most d || N ||; and N^i E N^-(i+1) has norm kappa^(2 (i + 1)) || E || / || N ||. A factor of two is left for higher orders, and another for reflections.")
            .about(EVEN, TALL)
            .check(|case| level(case, High::ONE))
            .fault("a ten-millionth of it", |case| level(case, High::int(10_000_000))),
    ]
}
