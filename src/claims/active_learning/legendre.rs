//! Legendre polynomials under the uniform distribution on [-1, 1], `v_j = sqrt(2 j + 1) P_j`.

use crate::claims::tools::builder::{claim, strata};
use crate::claims::tools::statistics::BinomialTest;
use crate::claims::{Case, CheckError, Claim, OtherCases, Stratum, Verdict};
use crate::instance::sample::{self, Stream};
use crate::production::ContinuousBasis;
use crate::scalar::{Allowance, High};
use crate::system::Given;

use super::cases::PoolCases;

/// Polynomials: d of the case, and 8 more.
fn degree(case: &Case<Given>) -> usize {
    case.instance.size("d") + 8
}

/// `k(t) = sum_(j < d) (2 j + 1) P_j(t)^2`.
fn christoffel(d: usize, t: High) -> High {
    let (mut before, mut here) = (High::ZERO, High::ONE);
    let mut sum = High::ZERO;
    for j in 0..d as i64 {
        let odd = High::int(2 * j + 1);
        sum += odd * here.square();
        let next = (odd * t * here - High::int(j) * before) / High::int(j + 1);
        (before, here) = (here, next);
    }
    sum
}

/// Points of the interval: a grid of 65 with its ends, a finer one towards 1, and the point of the case.
fn points(case: &Case<Given>) -> Vec<High> {
    let grid = (-32..=32).map(|k| High::ratio(k, 32));
    let fine = (1..=48).map(|k| High::ratio(1024 - k, 1024));
    let own = case.instance.start();
    let own = own.into_iter().filter(|t| t.abs() <= 1.0);
    grid.chain(fine)
        .chain(own.filter_map(|t| High::lift(t).ok()))
        .collect()
}

/// What the recurrence loses for `d` polynomials of at most 1, relative to `d^2`.
fn granted(d: usize) -> Allowance<High> {
    let size = High::int(64 * (d * d) as i64).shifted(-36);
    Allowance::new(size, "64 d^2 roundings of the recurrence")
}

/// `sup k = k(1) = d^2`, or `d (d + 1) / 2`.
fn condition(case: &Case<Given>, half: bool) -> Result<Verdict, CheckError> {
    let d = degree(case);
    let size = d as i64;
    let stated = High::int(if half {
        size * (size + 1) / 2
    } else {
        size * size
    });
    let mut verdict = Verdict::equal(
        "k(1)",
        christoffel(d, High::ONE),
        stated,
        granted(d) * stated,
    );
    for t in points(case) {
        verdict = verdict.and(Verdict::at_most(
            &format!("k({})", t.to_f64()),
            christoffel(d, t),
            stated + granted(d).size() * stated,
            Allowance::NOTHING,
        ));
    }
    Ok(verdict)
}

/// `(pi / 2) sqrt(1 - t^2) k(t) <= times d`.
fn arcsine(case: &Case<Given>, times: High) -> Result<Verdict, CheckError> {
    let d = degree(case);
    let pi = High::lift(std::f64::consts::PI)?;
    let mut verdict = Verdict::VACUOUS;
    for t in points(case) {
        let root = (High::ONE - t.square()).sqrt();
        let ratio = christoffel(d, t) * root * pi / High::int(2);
        verdict = verdict.and(Verdict::at_most(
            &format!("k / density at {}", t.to_f64()),
            ratio,
            times * High::int(d as i64),
            Allowance::new(ratio.abs().shifted(-15), "pi in f64"),
        ));
    }
    Ok(verdict)
}

/// Samples of each case, points of each, functions, and the probability of a failure.
const SAMPLES: u64 = 40;
const POINTS: usize = 400;
const FUNCTIONS: usize = 4;
const DELTA: f64 = 0.1;

/// `|<v_i, v_j>_N - <v_i, v_j>| <= times (2 d - 1) sqrt(2 ln(d (d + 1) / delta) / N)` for all i and j, with probability 1 - delta.
fn empirical(case: &Case<Given>, times: f64) -> Result<Verdict, CheckError> {
    let test = BinomialTest::new(DELTA, SAMPLES)?;
    let d = FUNCTIONS as f64;
    let limit =
        times * (2.0 * d - 1.0) * (2.0 * (d * (d + 1.0) / DELTA).ln() / POINTS as f64).sqrt();
    let mut rng = case.stream("points");
    let mut failures = 0;
    for _ in 0..SAMPLES {
        failures += i64::from(farthest(&mut rng) > limit);
    }
    Ok(Verdict::at_most(
        &format!("failures in {SAMPLES} samples of {POINTS} points"),
        High::int(failures),
        High::int(test.accept_up_to as i64),
        Allowance::NOTHING,
    ))
}

/// The largest entry of the empirical Gram matrix less I.
fn farthest(rng: &mut Stream) -> f64 {
    let mut gram = [[0.0; FUNCTIONS]; FUNCTIONS];
    for _ in 0..POINTS {
        // The midpoints of 2^21 equal parts.
        let t = (sample::integer(rng, -(1 << 20), (1 << 20) - 1) as f64 + 0.5) / f64::from(1 << 20);
        let values = ContinuousBasis::Legendre.values(FUNCTIONS, t);
        for (row, v) in gram.iter_mut().zip(&values) {
            for (entry, w) in row.iter_mut().zip(&values) {
                *entry += v * w / POINTS as f64;
            }
        }
    }
    let mut most = 0.0_f64;
    for (i, row) in gram.iter().enumerate() {
        for (j, entry) in row.iter().enumerate() {
            most = most.max((entry - f64::from(u8::from(i == j))).abs());
        }
    }
    most
}

const CASES: OtherCases = &PoolCases {
    cases: 8,
    ..PoolCases::TALL
};
const FEW: OtherCases = &PoolCases {
    cases: 3,
    ..PoolCases::TALL
};
const STRATA: &[Stratum] = strata!(Kind: "d=1");

/// The claims about polynomials.
pub fn claims() -> Vec<Claim> {
    vec![
        claim("active-learning/legendre-condition")
            .derived("|P_j| <= 1 = P_j(1), and the sum of the first d odd numbers")
            .states("d Legendre polynomials have sup sum_j (2 j + 1) P_j(t)^2 = d^2 under the uniform distribution")
            .formula(r"\sup_{|t| \le 1} \sum_{j < d} (2 j + 1) P_j(t)^2 = d^2")
            .given("d is 8 more than the instance's; at t = -1, -31/32, .., 1, at 48 points within 3/64 of 1 and at the entries of its point")
            .note("So d^2 log d uniform labels where d log d by leverage are enough.")
            .about(CASES, STRATA)
            .check(|case| condition(case, false))
            .fault("d (d + 1) / 2", |case| condition(case, true)),
        claim("active-learning/arcsine-condition")
            .derived("Bernstein's inequality, (2 j + 1) P_j(t)^2 sqrt(1 - t^2) <= 4 / pi")
            .states("draws from the arcsine density have K <= 2 d for d Legendre polynomials")
            .formula(r"\frac{\pi}{2} \sqrt{1 - t^2} \sum_{j < d} (2 j + 1) P_j(t)^2 \le 2 d")
            .given("d is 8 more than the instance's; at t = -1, -31/32, .., 1, at 48 points within 3/64 of 1 and at the entries of its point")
            .note("Above 1.3 d on this grid: a density that knows nothing of d is nearly as good as leverage.")
            .about(CASES, STRATA)
            .check(|case| arcsine(case, High::int(2)))
            .fault("1.3 d", |case| arcsine(case, High::ratio(13, 10))),
        claim("active-learning/empirical-orthonormality")
            .derived("Hoeffding's inequality for products of at most 2 d - 1, over d (d + 1) / 2 of them")
            .states("N uniform points make d Legendre polynomials orthonormal up to (2 d - 1) sqrt(2 ln(d (d + 1) / delta) / N) in every product, with probability 1 - delta")
            .formula(r"\Pr\Bigl[\max_{i, j} |\langle v_i, v_j \rangle_N - \delta_{i j}| \le (2 d - 1) \sqrt{2 \ln(d (d + 1) / \delta) / N}\Bigr] \ge 1 - \delta")
            .given("d = 4, N = 400, delta = 1/10, drawn for each case")
            .note("40 samples a case against an exact binomial limit (false alarm 1e-9). Points without labels buy rho at the rate of 1 / sqrt(N).")
            .about(FEW, STRATA)
            .check(|case| empirical(case, 1.0))
            .fault("a twentieth of it", |case| empirical(case, 0.05)),
    ]
}
