//! Features of low rank for the kernel: the terms of the exponential series, and chosen columns as a preconditioner.

use nalgebra::{Cholesky, DMatrix};

use crate::claims::tools::attained::at_most_or_equal;
use crate::claims::tools::builder::{claim, strata};
use crate::claims::{Case, CheckError, Claim, OtherCases, Outside, Stratum, Verdict};
use crate::oracle::spectrum;
use crate::scalar::{Allowance, High};
use crate::system::Given;

use super::cases::{RegressionCases, Which};
use super::kernel::{EIGENVALUES, kernel_of, range};

/// The number of monomials of degree at most q in d variables.
fn monomials(d: usize, q: usize) -> usize {
    (1..=q).fold(1, |product, i| product * (d + i) / i)
}

/// The series to degree 1 or 2 has rank at most `C(d + q, q)`, less `fewer`.
fn series_rank(case: &Case<Given>, fewer: usize) -> Result<Verdict, CheckError> {
    let Some(model) = kernel_of(case) else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    let (n, d) = model.a.shape();
    let logits = &model.a * model.a.transpose();
    let mut verdict = Verdict::Outside(Outside::Premise);
    for q in 1..=2 {
        let rank = monomials(d, q) - fewer;
        if rank >= n {
            continue;
        }
        let half = High::ratio(i64::from(q == 2), 2);
        let series = logits.map(|z| High::ONE + z + half * z.square());
        // Ascending, and none below 0 but by rounding: a sum of squares of monomials.
        let values = spectrum::eigenvalues(&series)?;
        let next = values[n - 1 - rank];
        let granted = series.trace() * High::int(64 * (n * (n + d)) as i64).shifted(-39);
        let found = Verdict::equal(
            &format!("eigenvalue {} of the series to degree {q}", rank + 1),
            next,
            High::ZERO,
            Allowance::new(granted, EIGENVALUES),
        );
        verdict = match verdict {
            Verdict::Outside(_) => found,
            said => said.and(found),
        };
    }
    Ok(verdict)
}

/// Columns of G chosen one after the other by the largest remaining diagonal entry, as `L L'`, and the rest.
fn pivoted(gaussian: &DMatrix<High>, rank: usize) -> (DMatrix<High>, DMatrix<High>) {
    let n = gaussian.nrows();
    let mut rest = gaussian.clone();
    for _ in 0..rank {
        let heads = (0..n).map(|i| (i, rest[(i, i)]));
        let Some((pivot, _)) = heads.reduce(|a, b| if b.1 > a.1 { b } else { a }) else {
            break;
        };
        let column = rest.column(pivot).clone_owned();
        let head = column[pivot];
        if head <= High::ONE.shifted(-25) {
            break;
        }
        rest -= &column * column.transpose() / head;
    }
    (gaussian - &rest, rest)
}

/// `kappa(P^-1 (G + lambda D^-2)) <= 1 + times tr(G - L L') max D^2 / lambda`, `P = L L' + lambda D^-2`.
fn preconditioned(case: &Case<Given>, times: High) -> Result<Verdict, CheckError> {
    let Some(model) = kernel_of(case) else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    if model.ridge <= High::ZERO {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let gaussian = model.gaussian();
    let n = gaussian.nrows();
    let (chosen, rest) = pivoted(&gaussian, n.div_ceil(2));
    let diagonal: Vec<High> = model
        .half_squares()
        .iter()
        .map(|half| model.ridge * (-(*half + *half)).exp())
        .collect();
    let least = diagonal
        .iter()
        .copied()
        .reduce(High::min)
        .unwrap_or(High::ONE);
    if least < High::ONE.shifted(-18) {
        return Ok(Verdict::Outside(Outside::Precision));
    }
    let ridged = |mut matrix: DMatrix<High>| {
        for (i, entry) in diagonal.iter().enumerate() {
            matrix[(i, i)] += *entry;
        }
        matrix
    };
    let Some(factor) = Cholesky::new(ridged(chosen)).map(Cholesky::unpack) else {
        return Ok(Verdict::Outside(Outside::Precision));
    };
    let inner = factor
        .solve_lower_triangular(&ridged(gaussian))
        .and_then(|half| factor.solve_lower_triangular(&half.transpose()));
    let Some(inner) = inner else {
        return Ok(Verdict::Outside(Outside::Precision));
    };
    let (low, high, granted) = range(&inner)?;
    let condition = high / low;
    // Solves with the factor lose what its condition says, at most n / least.
    let relative =
        High::int(2) * granted / low + High::int(64 * n as i64) / least * High::ONE.shifted(-37);
    Ok(at_most_or_equal(
        "kappa(P^-1 (G + lambda D^-2))",
        condition,
        High::ONE + times * rest.trace().max(High::ZERO) / least,
        Allowance::new(relative * condition, EIGENVALUES),
    ))
}

const RIDGED: OtherCases = &RegressionCases {
    ridges: &[0.015625, 4.0],
    ..RegressionCases::KERNEL
};
const SHORT: OtherCases = &RegressionCases {
    which: &[Which::Kernel],
    one_column: true,
    ..RegressionCases::ALL
};
const ONE_COLUMN: &[Stratum] = strata!(Decade("square of a row"): 0 1 2; Kind: "d=1");
const WITH_RIDGE: &[Stratum] = strata!(Decade("square of a row"): 0 1; Kind: "ridge" "d=1");

/// The claims about features of low rank.
pub fn claims() -> Vec<Claim> {
    vec![
        claim("attention-kernel-regression/taylor-rank")
            .derived("features of the exponential series, for the tensor sketch of arXiv 2308.14304")
            .states("sum_(k <= q) <a_i, a_j>^k / k! has rank at most C(d + q, q)")
            .formula(r"\operatorname{rank} \Bigl(\sum_{k=0}^{q} \frac{\langle a_i, a_j \rangle^k}{k!}\Bigr)_{ij} \le \binom{d + q}{q}")
            .given("q = 1 and 2, more rows than that")
            .note("The monomials of degree up to q. For an error of 2^-53 of an entry the degree is 18, 33, 80 for logits up to 1, 4, 16, which makes 1.6e6, 9.6e7, 6.4e10 features of 8 columns.")
            .about(SHORT, ONE_COLUMN)
            .check(|case| series_rank(case, 0))
            .fault("one less", |case| series_rank(case, 1)),
        claim("attention-kernel-regression/pivoted-columns")
            .derived("a preconditioner of the solver, src/production/systems/kernel_regression/pivoted.rs")
            .states("kappa(P^-1 (G + lambda D^-2)) <= 1 + tr(G - L L') max D^2 / lambda for P = L L' + lambda D^-2 and columns L L' of G")
            .formula(r"\kappa\bigl(P^{-1} (G + \lambda D^{-2})\bigr) \le 1 + \frac{\operatorname{tr}(G - L L^\top)}{\lambda} \max_i D_{ii}^2, \quad P = L L^\top + \lambda D^{-2}, \ L L^\top \preceq G")
            .given("the kernel, lambda > 0; checked with half of the columns, by the largest remaining diagonal entry")
            .note("0 <= G - L L' <= tr(G - L L') I, and P is at least lambda min D^-2. It gains nothing where G is nearly I: the trace falls by 1 a column.")
            .about(RIDGED, WITH_RIDGE)
            .check(|case| preconditioned(case, High::ONE))
            .fault("a hundredth of it", |case| preconditioned(case, High::ratio(1, 100))),
    ]
}
