//! Grover's search among the rows: probabilities against a state vector at 40 digits, and counts.

use crate::claims::tools::builder::{claim, strata};
use crate::claims::{Case, CheckError, Claim, OtherCases, Outside, Stratum, Verdict};
use crate::production::queries::{best_iterations, iterations_for_all, success_probability};
use crate::scalar::{Allowance, High};
use crate::system::Given;

use super::cases::{LinearCases, Rows};

/// Rows beyond which no state vector is made here.
const MOST_ROWS: usize = 512;

/// The probability of the marked rows, the first ones, after k iterations on a state vector.
fn simulated(rows: usize, marked: usize, iterations: u64) -> High {
    let size = High::int(rows as i64);
    let mut state = vec![size.sqrt().recip(); rows];
    for _ in 0..iterations {
        for amplitude in &mut state[..marked] {
            *amplitude = -*amplitude;
        }
        let mean: High = state.iter().copied().sum::<High>() / size;
        for amplitude in &mut state {
            *amplitude = mean + mean - *amplitude;
        }
    }
    state[..marked]
        .iter()
        .map(|amplitude| amplitude.square())
        .sum()
}

/// The formula for `k + late` iterations, d marked rows, k up to twice the best number and no more than 12.
fn success(case: &Case<Given>, late: u64) -> Result<Verdict, CheckError> {
    let [rows, marked] = ["n", "d"].map(|side| case.instance.size(side));
    if rows > MOST_ROWS || marked > rows {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let most = (2 * best_iterations(rows as u64, marked as u64)).min(12);
    let mut verdict = Verdict::VACUOUS;
    for k in 0..=most {
        verdict = verdict.and(Verdict::equal(
            &format!("P[success after {k}]"),
            High::lift(success_probability(rows as u64, marked as u64, k + late))?,
            simulated(rows, marked, k),
            Allowance::new(
                High::ONE.shifted(-13),
                "some hundred roundings of an angle and its sine in f64",
            ),
        ));
    }
    Ok(verdict)
}

/// All of m marked rows take at most `(pi / 2) sqrt(n m)` iterations, m = d up to n; the fault has `pi / 4`.
fn all(case: &Case<Given>, half: f64) -> Result<Verdict, CheckError> {
    let [rows, d] = ["n", "d"].map(|side| case.instance.size(side) as u64);
    if rows == 0 {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let mut verdict = Verdict::VACUOUS;
    for marked in [d.min(rows), rows.div_ceil(2), rows] {
        let found = iterations_for_all(rows, marked);
        let bound = half * std::f64::consts::FRAC_PI_2 * (rows as f64 * marked as f64).sqrt();
        verdict = verdict.and(Verdict::at_most(
            &format!("iterations for {marked} of {rows} rows"),
            High::int(found as i64),
            High::lift(bound)?,
            Allowance::new(High::ONE.shifted(-9), "the rounding of the bound in f64"),
        ));
    }
    Ok(verdict)
}

/// How many products of a row a query may cost in the time of one.
const SLOWDOWNS: [i64; 3] = [1, 1_000, 1_000_000];

/// Above `(s pi / 2)^2 m` rows, s times the iterations for m = d rows are fewer than rows; the fault has a tenth of them.
fn break_even(case: &Case<Given>, parts: f64) -> Result<Verdict, CheckError> {
    let marked = case.instance.size("d") as u64;
    if marked == 0 {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let mut verdict = Verdict::VACUOUS;
    for slowdown in SLOWDOWNS {
        let side = slowdown as f64 * std::f64::consts::FRAC_PI_2;
        // More than that by far more than rounding.
        let rows = (side * side * marked as f64 / parts * (1.0 + 1e-9)).ceil() as u64 + 1;
        let spent = slowdown * iterations_for_all(rows, marked) as i64;
        verdict = verdict.and(Verdict::at_most(
            &format!("iterations for {marked} of {rows} rows, {slowdown} times"),
            High::int(spent),
            High::int(rows as i64),
            Allowance::NOTHING,
        ));
    }
    Ok(verdict)
}

const CASES: OtherCases = &LinearCases {
    rows: Rows::Many,
    cases: 8,
    ..LinearCases::PLAIN
};
const SMALL: OtherCases = &LinearCases::ALL;
const STRATA: &[Stratum] = strata!(Kind: "d=1" "n=1" "n=d");

/// The claims about queries.
pub fn claims() -> Vec<Claim> {
    vec![
        claim("leverage-regression/grover-success")
            .recalled("Grover's search with several marked items")
            .states("k iterations find one of t marked rows among n with probability sin^2((2 k + 1) asin sqrt(t / n))")
            .formula(r"\Pr[\text{success}] = \sin^2\bigl((2 k + 1) \arcsin \sqrt{t / n}\bigr)")
            .given("1 <= t <= n; t = d, k up to twice the best number")
            .note("Held against state vectors at 40 digits. More iterations overshoot: with 10 of 64 marked none is better than 0.881.")
            .about(SMALL, STRATA)
            .check(|case| success(case, 0))
            .fault("one iteration more", |case| success(case, 1)),
        claim("leverage-regression/grover-all-rows")
            .derived("asin y >= y, and a sum of 1 / sqrt(t) is at most 2 sqrt(m)")
            .states("m marked rows, found one after the other, take at most (pi / 2) sqrt(n m) iterations")
            .formula(r"\sum_{t = 1}^m \Bigl\lfloor \frac{\pi}{4 \arcsin \sqrt{t / n}} \Bigr\rfloor \le \frac{\pi}{2} \sqrt{n m}")
            .given("1 <= m <= n; m = d, n / 2 and n")
            .note("With m = d / eps rows sqrt(n d / eps) queries of d entries each: sqrt(n) d^1.5 / sqrt(eps). The printed sqrt(n) d^1.5 / eps holds as an upper bound; it is what m = d / eps^2 rows take. `attreg row-queries` counts both.")
            .about(CASES, strata!(Kind: "d=1"))
            .check(|case| all(case, 1.0))
            .fault("(pi / 4) sqrt(n m)", |case| all(case, 0.5)),
        claim("leverage-regression/break-even")
            .derived("from leverage-regression/grover-all-rows")
            .states("where a query of a row takes as long as s products with a row, m rows are found sooner than n are multiplied as soon as n > (s pi / 2)^2 m")
            .formula(r"n > \Bigl(\frac{s \pi}{2}\Bigr)^2 m \ \Longrightarrow \ s \sum_{t = 1}^m \Bigl\lfloor \frac{\pi}{4 \arcsin \sqrt{t / n}} \Bigr\rfloor \le n")
            .given("m >= 1; m = d, s = 1, 1e3 and 1e6, the least such n")
            .note("For d = 100 and eps = 0.1, m = d / eps, that is 2.5e3, 2.5e9 and 2.5e15 rows: the quadratic gain is one in n, bought with 1 / eps, where preconditioned conjugate gradients need log(1 / eps) passes. `attreg row-queries` prints it.")
            .about(CASES, strata!(Kind: "d=1"))
            .check(|case| break_even(case, 1.0))
            .fault("a tenth of the rows", |case| break_even(case, 10.0)),
    ]
}
