//! Steps between numbers: the last line of (2.5), and the bound on beta that is inserted into the Lipschitz constant.

use nalgebra::{DMatrix, DVector};

use crate::claims::dls23::pair::{Bound, Number, Pair, Target, decide};
use crate::claims::tools::attack::{self, Effort};
use crate::claims::tools::builder::{claim, strata};
use crate::claims::tools::exact::{Exact, unit};
use crate::claims::{Case, CheckError, Claim, Family, Origin, Verdict, Weights};
use crate::instance::sample::{self, Stream};
use crate::instance::{DesignMatrix, Instance, LossKind};
use crate::scalar::{Allowance, High};

use super::definiteness::{Premise, Rank};

/// `s <= -4 + (offset + s)^2` for `s = l / sigma_min(A)^2` with the largest `l` of (2.4): `s = min w_i^2 - 4`.
fn last_line(case: &Case, offset: i64) -> Result<Verdict, CheckError> {
    let four = High::int(4);
    let premise = match Premise::of(&Exact::of(case)?, four, Rank::Full)? {
        Ok(premise) => premise,
        Err(reason) => return Ok(Verdict::Outside(reason)),
    };
    let s = premise.smallest_weight - four;
    let square = (High::int(offset) + s).square();
    Ok(Verdict::at_most(
        "l / sigma_min(A)^2",
        s,
        square - four,
        Allowance::new(
            High::int(64) * unit() * (square + four),
            "64 roundings of two squares",
        ),
    ))
}

/// `s / (-4 + (4 + s)^2)` is largest at `s = sqrt 12`: found from a cold start that ranges over twelve decades of s. The case
/// has one row, `A = 1`, `w^2 = 4 + s`.
fn hardest_surplus(rng: &mut Stream) -> Result<Case, CheckError> {
    let share = |exponent: f64| {
        let s = exponent.exp();
        s / ((4.0 + s).powi(2) - 4.0)
    };
    let start = sample::integer(rng, -14, 14) as f64;
    let (best, _) = attack::maximise(&|free| share(free[0]), vec![start], Effort::USUAL);
    let weight = (4.0 + best[0].exp()).sqrt();
    let one = DesignMatrix::dense(DMatrix::from_element(1, 1, 1.0))?;
    let instance = Instance::new(
        LossKind::Softmax,
        one,
        DVector::from_element(1, 1.0),
        DVector::from_element(1, weight),
    )?;
    Ok(Case::new(Origin::Attack(0), instance, 0))
}

/// `beta^-2 n^1.5 exp(20R^2) <= n^1.5 exp(k R^2)` at `beta = exp(-R^2)`, the least that Lemma 2.1.20 allows.
fn beta_inserted<T: Number>(pair: &Pair<T>, k: i64) -> Result<Bound<T>, CheckError> {
    let radius = pair.radius();
    let beta = (-radius * radius).exp();
    let observed = pair.printed_factor(beta, 20, radius);
    Ok(Bound {
        quantity: "beta^-2 n^1.5 exp(20R^2)",
        observed,
        allowed: pair.printed_factor(T::one(), k, radius),
        terms: observed,
    })
}

/// R over sixteen powers of two, n up to 20: the smaller R, the tighter.
fn small_radius(rng: &mut Stream) -> Result<Case, CheckError> {
    let rows = sample::integer(rng, 1, 20) as usize;
    let radius = 2f64.powi(sample::integer(rng, -12, 3) as i32);
    let mut a = DMatrix::zeros(rows, 1);
    a[0] = radius;
    let point = |length: f64| DVector::from_element(1, length);
    let instance = Instance::new(
        LossKind::Softmax,
        DesignMatrix::dense(a)?,
        DVector::zeros(rows),
        DVector::zeros(rows),
    )?
    .with_points(vec![point(radius), point(0.0)])?;
    Ok(Case::new(Origin::Attack(0), instance, 0))
}

/// The claims about steps between numbers.
pub fn claims() -> Vec<Claim> {
    vec![
        claim("dls23/inequality-2-5-last-line")
            .printed("thesis (2.5), line 3 to line 4")
            .states("-4 + (4 + l / sigma_min(A)^2)^2 >= l / sigma_min(A)^2")
            .formula(r"-4 + \Bigl(4 + \frac{l}{\sigma_{\min}(A)^2}\Bigr)^2 \ge \frac{l}{\sigma_{\min}(A)^2}")
            .given("l > 0, rank(A) = d")
            .note("True: with s = l / sigma_min(A)^2 the left side is 12 + 8s + s^2, never below 8 + 2 sqrt(12) = 14.93 times s, at s = sqrt(12). It is line 2 that is false (dls23/inequality-2-5-printed).")
            .on(Family { weights: Weights::Above { base: 4.0 }, cases: 28, ..Family::GENERAL }, strata!(Condition: 0 6; OneRow; OneColumn; Square))
            .attacked(2, hardest_surplus)
            .check(|case| last_line(case, 4))
            .fault("(l / sigma_min(A)^2)^2 as the square", |case| last_line(case, 0)),
        claim("dls23/hessian-lipschitz-beta-inserted")
            .printed("thesis Lemma 2.1.21 \"follows from Lemma 2.1.20\"")
            .states("beta^-2 n^1.5 exp(20R^2) <= n^1.5 exp(30R^2) for beta >= exp(-R^2)")
            .formula(r"\beta \ge \exp(-R^2) \quad \implies \quad \beta^{-2} n^{1.5} \exp(20R^2) \le n^{1.5} \exp(30R^2)")
            .given("R > 0")
            .note("beta^-2 <= exp(2R^2) and 22 <= 30. As R tends to 0 both sides meet; exp(22R^2) would do.")
            .on(Family {
                rows: (1, 8),
                columns: (1, 3),
                radii: &[0.015625, 0.125, 1.0, 4.0],
                weights: Weights::Zero,
                points: 2,
                cases: 28,
                ..Family::GENERAL
            }, strata!(OneRow; OneColumn; Square))
            .attacked(6, small_radius)
            .check(|case| decide(case, Target::Any, &|pair| beta_inserted(pair, 30)))
            .fault("exp(21R^2) on the right", |case| decide(case, Target::Any, &|pair| beta_inserted(pair, 21))),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_is_tightest_where_calculus_says() {
        for index in 0..4 {
            let case = hardest_surplus(&mut sample::stream(2304, "surplus", index)).unwrap();
            let Verdict::Holds { slack } = last_line(&case, 4).unwrap() else {
                panic!("refuted");
            };
            // 8 + 2 sqrt 12.
            assert!((slack - 14.928_203_230_275_509).abs() < 1e-9, "{slack}");
        }
    }

    #[test]
    fn the_slack_of_the_inserted_beta_is_the_remaining_exponential() {
        // R = 1/2: exp(30/4 - 22/4) = e^2.
        let text = r#"{"loss": "softmax", "matrix": [[0.5], [0]], "target": [0, 0], "weights": 0, "points": [[0.5], [0]]}"#;
        let verdict = decide(&Case::of_text(text, 0), Target::Any, &|pair| {
            beta_inserted(pair, 30)
        });
        let Verdict::Holds { slack } = verdict.unwrap() else {
            panic!("refuted");
        };
        assert!((slack / 2f64.exp() - 1.0).abs() < 1e-12, "{slack}");
    }
}
