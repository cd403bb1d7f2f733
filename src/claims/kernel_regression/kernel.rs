//! The kernel `exp(A A')`: its factor, whether it is definite, what f64 makes of it, equal rows, and sketches.

use nalgebra::{Cholesky, DMatrix, DVector};

use crate::claims::tools::builder::{claim, strata, witness};
use crate::claims::tools::identity::equal_entries;
use crate::claims::{Case, CheckError, Claim, OtherCases, Outside, Stratum, Verdict};
use crate::oracle::{Reference, spectrum};
use crate::scalar::{Allowance, High};
use crate::system::Given;

use super::cases::{RegressionCases, Rows};
use super::model::{Model, loss, point};

/// Why eigenvalues are granted so much.
pub const EIGENVALUES: &str = "64 n roundings of the largest eigenvalue";

/// The kernel of a case; none where it is about powers.
pub fn kernel_of(case: &Case<Given>) -> Option<Model> {
    let model = Model::of(case);
    (model.kind == "kernel").then_some(model)
}

/// Extreme eigenvalues and what they are off by.
pub fn range(matrix: &DMatrix<High>) -> Result<(High, High, High), CheckError> {
    let (low, high) = spectrum::extremes(matrix)?;
    let granted = high.abs() * High::int(64 * matrix.nrows() as i64).shifted(-39);
    Ok((low, high, granted))
}

/// Whether two rows are equal.
pub fn has_repeated(model: &Model) -> bool {
    let n = model.a.nrows();
    (0..n).any(|i| (0..i).any(|k| model.a.row(i) == model.a.row(k)))
}

/// `Hess L = (D G D + lambda I)^2`, `D = diag(exp(half ||a||^2))`; the fault takes `exp(-||a_i - a_k||^2)` for G.
fn factor(case: &Case<Given>, spread: i64) -> Result<Verdict, CheckError> {
    let Some(model) = kernel_of(case) else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    let scale = DVector::from_vec(model.half_squares()).map(High::exp);
    let gaussian = model.distances().map(|t| (-(t * High::int(spread))).exp());
    let mut k = DMatrix::from_diagonal(&scale) * gaussian * DMatrix::from_diagonal(&scale);
    for i in 0..k.nrows() {
        k[(i, i)] += model.ridge;
    }
    let truth = Reference::of(&case.instance)?
        .evaluate(&point(case))?
        .hessian;
    let sizes = model.ridged_sizes();
    // The exponents of D and G are larger than their sum, of which K is the exponential.
    let largest = model.half_squares().into_iter().fold(High::ONE, High::max);
    let terms = sizes.tr_mul(&sizes) * (High::int(8) * largest);
    Ok(equal_entries(
        |i, j| format!("(K + lambda I)^2[{i}, {j}]"),
        [&(&k * &k), &truth, &terms],
        model.roundings(),
    ))
}

/// `lambda_min(G) >= least` where all rows differ, or whatever the rows.
fn definite(case: &Case<Given>, least: High, distinct: bool) -> Result<Verdict, CheckError> {
    let Some(model) = kernel_of(case) else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    if distinct && has_repeated(&model) {
        return Ok(Verdict::Outside(Outside::Rank));
    }
    let (low, _, granted) = range(&model.gaussian())?;
    if distinct && low.abs() <= granted {
        return Ok(Verdict::Outside(Outside::Precision));
    }
    Ok(Verdict::at_least(
        "lambda_min(D^-1 K D^-1)",
        low,
        least,
        Allowance::new(granted, EIGENVALUES),
    ))
}

/// Every entry of the matrix, computed in f64, is a number; `scaled` for G, else for K.
fn representable(case: &Case<Given>, scaled: bool) -> Result<Verdict, CheckError> {
    if kernel_of(case).is_none() {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let a = case.instance.matrix("matrix", "n", "d");
    let n = a.nrows();
    let finite = (0..n).all(|i| {
        (0..n).all(|k| {
            let exponent = if scaled {
                -0.5 * (a.row(i) - a.row(k)).norm_squared()
            } else {
                a.row(i).dot(&a.row(k))
            };
            exponent.exp().is_finite()
        })
    });
    Ok(Verdict::at_least(
        "every entry is finite",
        High::int(i64::from(finite)),
        High::ONE,
        Allowance::NOTHING,
    ))
}

/// Without a ridge: the means s of b over equal rows, `w = K_u^-1 s`, each spread over its `count` rows, leave the scatter of b
/// around its means; the fault does not divide by the counts.
fn repeated_rows(case: &Case<Given>, spread: bool) -> Result<Verdict, CheckError> {
    let Some(model) = kernel_of(case) else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    if !model.ridge.is_zero() {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let n = model.a.nrows();
    let first: Vec<usize> = (0..n)
        .map(|i| {
            (0..=i)
                .find(|k| model.a.row(*k) == model.a.row(i))
                .unwrap_or(i)
        })
        .collect();
    let own: Vec<usize> = (0..n).filter(|i| first[*i] == *i).collect();
    let count = |g: usize| High::int(first.iter().filter(|f| **f == g).count() as i64);
    let mean = |g: usize| {
        let members = (0..n).filter(|i| first[*i] == g);
        members.map(|i| model.b[i]).sum::<High>() / count(g)
    };
    let gaussian = model.gaussian();
    let squares = model.half_squares();
    let reduced = DMatrix::from_fn(own.len(), own.len(), |r, c| gaussian[(own[r], own[c])]);
    let Some(factor) = Cholesky::new(reduced) else {
        return Ok(Verdict::Outside(Outside::Precision));
    };
    let least = factor
        .l_dirty()
        .diagonal()
        .iter()
        .copied()
        .fold(High::ONE, High::min);
    if least < High::ONE.shifted(-9) {
        return Ok(Verdict::Outside(Outside::Precision));
    }
    let right = DVector::from_fn(own.len(), |r, _| mean(own[r]) * (-squares[own[r]]).exp());
    let y = factor.solve(&right);
    let x = DVector::from_fn(n, |i, _| {
        let r = own.iter().position(|g| *g == first[i]).unwrap_or(0);
        let w = y[r] * (-squares[i]).exp();
        if spread { w / count(first[i]) } else { w }
    });
    let scatter: High = (0..n).map(|i| (model.b[i] - mean(first[i])).square()).sum();
    let ball = loss(&case.instance, &x)?;
    let two = High::int(2);
    let size = (model.sizes() * x.abs()).norm() + model.b.norm();
    let lost = size / least.square() * High::ONE.shifted(-34);
    let granted = two * ball.radius() + lost * scatter.sqrt() + lost.square();
    Ok(Verdict::equal(
        "|| K x - b ||^2",
        two * ball.midpoint(),
        scatter,
        Allowance::new(
            granted,
            "the rounding of a Cholesky factorisation at 40 digits and of the loss",
        ),
    ))
}

/// Z of m rows with `Z'Z = G` but for what m leaves out: the first rows of its triangular factor. `lambda_min(Z'Z) = 0`.
fn sketch(case: &Case<Given>, fewer: usize) -> Result<Verdict, CheckError> {
    let Some(model) = kernel_of(case) else {
        return Ok(Verdict::Outside(Outside::Premise));
    };
    let gaussian = model.gaussian();
    let n = gaussian.nrows();
    let Some(cholesky) = Cholesky::new(gaussian) else {
        return Ok(Verdict::Outside(Outside::Rank));
    };
    let root = cholesky.l().transpose();
    if n < 2
        || root
            .diagonal()
            .iter()
            .any(|pivot| *pivot < High::ONE.shifted(-9))
    {
        return Ok(Verdict::Outside(Outside::Rank));
    }
    let z = root.rows(0, n - fewer).into_owned();
    let (low, _, granted) = range(&z.tr_mul(&z))?;
    Ok(Verdict::equal(
        "lambda_min(Z'Z)",
        low,
        High::ZERO,
        Allowance::new(granted, EIGENVALUES),
    ))
}

const ANY: OtherCases = &RegressionCases::KERNEL;
const LONG: OtherCases = &RegressionCases {
    long_rows: true,
    ..RegressionCases::KERNEL
};
const REPEATED: OtherCases = &RegressionCases {
    rows: Rows::Repeated,
    ..RegressionCases::KERNEL
};
const UNRIDGED: OtherCases = &RegressionCases {
    rows: Rows::Repeated,
    ridges: &[0.0],
    ..RegressionCases::KERNEL
};

const STRATA: &[Stratum] = strata!(Decade("square of a row"): 0 1 2 3; Kind: "n=1" "d=1" "ridge");
const WITH_REPEATED: &[Stratum] =
    strata!(Decade("square of a row"): 0 1 2 3; Kind: "d=1" "repeated rows");

/// The claims about the kernel.
pub fn claims() -> Vec<Claim> {
    vec![
        claim("attention-kernel-regression/kernel-factor")
            .derived("<a, c> = ||a||^2 / 2 + ||c||^2 / 2 - ||a - c||^2 / 2")
            .states("exp(A A') = D G D, D = diag(exp(||a_i||^2 / 2)), G_ik = exp(-||a_i - a_k||^2 / 2), entries of G in (0, 1] with a diagonal of ones")
            .formula(r"\bigl(e^{\langle a_i, a_k \rangle}\bigr)_{ik} = D G D, \quad D = \operatorname{diag}\bigl(e^{\|a_i\|^2 / 2}\bigr), \quad G_{ik} = e^{-\|a_i - a_k\|^2 / 2}")
            .note("So exp(A A') need never be formed. Checked through the square that the Hessian is.")
            .about(ANY, STRATA)
            .check(|case| factor(case, 1))
            .fault("exp(-||a_i - a_k||^2)", |case| factor(case, 2)),
        claim("attention-kernel-regression/kernel-definite")
            .derived("replaces attention-kernel-regression/kernel-always-definite; Schur's product theorem")
            .states("exp(A A') is positive definite where no two rows of A are equal, and semidefinite in any case")
            .formula(r"a_i \ne a_k \text{ for } i \ne k \ \Longrightarrow \ \lambda_{\min}(G) > 0, \quad G_{ik} = e^{-\|a_i - a_k\|^2 / 2}")
            .given("distinct rows")
            .about(ANY, STRATA)
            .real_rows(24)
            .check(|case| definite(case, High::ZERO, true))
            .fault("lambda_min(G) >= 1", |case| definite(case, High::ratio(999, 1000), true)),
        claim("attention-kernel-regression/kernel-always-definite")
            .quoted("arXiv 2604.25138, documentation of its program: the kernel is strictly positive definite")
            .states("lambda_min(D^-1 exp(A A') D^-1) > 0 whatever the rows: above 10^-30")
            .formula(r"\lambda_{\min}(G) > 0, \quad G_{ik} = e^{-\|a_i - a_k\|^2 / 2}")
            .note("A repeated row makes two equal rows of the kernel. Fair to the text, which may mean distinct rows: it does not say so.")
            .about(REPEATED, WITH_REPEATED)
            .check(|case| definite(case, High::ONE.shifted(-30), false))
            .fault("distinct rows only: attention-kernel-regression/kernel-definite", |case| definite(case, High::ZERO, true))
            .refuted("attention-kernel-regression/kernel-definite", witness!("attention-kernel-regression-kernel-always-definite")),
        claim("attention-kernel-regression/kernel-in-f64")
            .derived("implied by algorithms that form exp(A A')")
            .states("every entry of exp(A A') computed in f64 is a number")
            .formula(r"\operatorname{fl}\bigl(e^{\langle a_i, a_k \rangle}\bigr) \text{ is a number}")
            .note("Not beyond ||a_i||^2 = 709.78, a row longer than 26.64.")
            .about(ANY, STRATA)
            .check(|case| representable(case, false))
            .fault("G in its place: attention-kernel-regression/gaussian-in-f64", |case| representable(case, true))
            .refuted("attention-kernel-regression/gaussian-in-f64", witness!("attention-kernel-regression-kernel-in-f64")),
        claim("attention-kernel-regression/gaussian-in-f64")
            .derived("replaces attention-kernel-regression/kernel-in-f64")
            .states("every entry of G_ik = exp(-||a_i - a_k||^2 / 2) computed in f64 is a number")
            .formula(r"\operatorname{fl}\bigl(e^{-\|a_i - a_k\|^2 / 2}\bigr) \text{ is a number}")
            .about(LONG, STRATA)
            .check(|case| representable(case, true))
            .fault("exp(A A')", |case| representable(case, false)),
        claim("attention-kernel-regression/repeated-rows")
            .derived("equal rows of A are equal rows of the kernel")
            .states("with s the means of b over equal rows, w = K_u^-1 s for the kernel of the distinct rows, each w spread evenly over its rows, || K x - b ||^2 is the scatter of b around its means, the least there is")
            .formula(r"x_i = \frac{w_{g(i)}}{c_{g(i)}}, \ K_u w = s: \quad \|K x - b\|_2^2 = \sum_i (b_i - s_{g(i)})^2, \quad s_g \text{ the mean of } b \text{ over the } c_g \text{ equal rows } g, \ K_u \text{ the kernel of the distinct rows}")
            .given("no ridge; distinct rows far enough apart for 40 digits")
            .about(UNRIDGED, WITH_REPEATED)
            .check(|case| repeated_rows(case, true))
            .fault("each of the equal rows given all of w", |case| repeated_rows(case, false)),
        claim("attention-kernel-regression/sketch-size")
            .derived("replaces the recalled claim of fewer rows than n in a sketch of exp(A A')")
            .states("Z'Z for Z of fewer than n rows has the eigenvalue 0: for distinct rows no eps < 1 has (1 - eps) K <= Z'Z")
            .formula(r"Z \in \mathbb{R}^{m \times n}, \ m < n \ \Longrightarrow \ \lambda_{\min}(Z^\top Z) = 0")
            .given("distinct rows, n >= 2")
            .note("Any Z does; checked for n - 1 rows of a triangular factor. A kernel of n distinct rows takes a sketch of n rows at least, so that low dimensions need a ridge. Nor does one exact product with K cost less than n^2 exponentials, unless K is approximated.")
            .about(ANY, strata!(Decade("square of a row"): 1 2 3; Kind: "d=1"))
            .check(|case| sketch(case, 1))
            .fault("n rows", |case| sketch(case, 0)),
    ]
}
