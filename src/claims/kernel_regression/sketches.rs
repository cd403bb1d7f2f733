//! Triangular factors of sketches: how well they precondition, and what steps of gradient descent with them gain.

use nalgebra::{Cholesky, DMatrix, DVector};
use statrs::distribution::{ContinuousCDF, Normal};

use crate::claims::tools::attained::at_most_or_equal;
use crate::claims::tools::builder::{claim, strata, witness};
use crate::claims::tools::statistics::BinomialTest;
use crate::claims::{Case, CheckError, Claim, OtherCases, Outside, Stratum, Verdict};
use crate::instance::sample::{self, Stream};
use crate::oracle::spectrum;
use crate::scalar::{Allowance, High};
use crate::system::Given;

use super::cases::{RegressionCases, Rows, Which};
use super::kernel::EIGENVALUES;
use super::model::Model;

/// How often a sketch may fail.
const DELTA: f64 = 0.05;
const TRIALS: u64 = 200;

/// Rows `4 (sqrt d + sqrt(2 ln(2 / delta)))^2`.
fn rows_of_sketch(d: usize) -> usize {
    let side = (d as f64).sqrt() + (2.0 * (2.0 / DELTA).ln()).sqrt();
    (4.0 * side * side).ceil() as usize
}

/// A standard normal number, by the inverse of the distribution function.
fn normal(rng: &mut Stream) -> f64 {
    // Odd multiples of 2^-53: never 0 or 1.
    let uniform = (2 * sample::integer(rng, 0, (1 << 52) - 1) + 1) as f64 / (1u64 << 53) as f64;
    Normal::standard().inverse_cdf(uniform)
}

/// Whether a share `1 - delta` of all sketches with normal entries has `kappa(A R^-1) <= most`.
fn sketch_condition(case: &Case<Given>, most: f64) -> Result<Verdict, CheckError> {
    let a = case.instance.matrix("matrix", "n", "d");
    let (n, d) = a.shape();
    let values = a.singular_values();
    if d == 0 || values.min() < 1e-9 * values.max() {
        return Ok(Verdict::Outside(Outside::Rank));
    }
    // The same for every basis of the columns: the claim is about the plane that they span.
    let basis = (&a / a.amax()).qr().q();
    let test = BinomialTest::new(DELTA, TRIALS)?;
    let mut rng = case.stream("sketches");
    let mut failures = 0;
    for _ in 0..TRIALS {
        let sketch = DMatrix::from_fn(rows_of_sketch(d), n, |_, _| normal(&mut rng));
        let values = (sketch * &basis).singular_values();
        let condition = values.max() / values.min();
        failures += i64::from(condition.is_nan() || condition > most);
    }
    Ok(Verdict::at_most(
        &format!("sketches of {TRIALS} with kappa(A R^-1) > {most}"),
        High::int(failures),
        High::int(test.accept_up_to as i64),
        Allowance::NOTHING,
    ))
}

/// A and the triangular factor of a sketch of it with so many rows that both have rank d.
struct Sketched {
    /// A in coordinates where the factor is I.
    preconditioned: DMatrix<High>,
    /// S Q for an orthonormal basis Q of the columns of A.
    of_basis: DMatrix<High>,
    /// S A.
    of_matrix: DMatrix<High>,
}

impl Sketched {
    fn of(case: &Case<Given>) -> Option<Self> {
        let a = Model::of(case).a;
        let (n, d) = a.shape();
        let mut rng = case.stream("sketch");
        let sketch = DMatrix::from_fn(4 * d + 1, n, |_, _| {
            High::ratio(sample::integer(&mut rng, -1024, 1024), 1024)
        });
        let of_matrix = &sketch * &a;
        Some(Self {
            preconditioned: divided(&a, &of_matrix)?,
            of_basis: divided(&of_matrix, &a)?,
            of_matrix,
        })
    }
}

/// `X R^-1` for `R'R = Y'Y`; `None` where Y has not full column rank to 10^-12.
fn divided(x: &DMatrix<High>, y: &DMatrix<High>) -> Option<DMatrix<High>> {
    let factor = Cholesky::new(y.tr_mul(y))?.unpack();
    let pivots = factor.diagonal();
    let most = pivots.iter().copied().reduce(High::max)?;
    if pivots.iter().any(|pivot| *pivot < most.shifted(-12)) {
        return None;
    }
    Some(factor.solve_lower_triangular(&x.transpose())?.transpose())
}

/// The extreme singular values.
fn range(matrix: &DMatrix<High>) -> Result<(High, High), CheckError> {
    let values = spectrum::singular_values(matrix)?;
    match values.as_slice() {
        [high, .., low] => Ok((*low, *high)),
        [only] => Ok((*only, *only)),
        [] => Err(CheckError::Other("a matrix without columns".to_owned())),
    }
}

/// `kappa(A R^-1) = kappa(S Q)`; the fault takes `kappa(S A)`.
fn whatever_the_matrix(case: &Case<Given>, of_basis: bool) -> Result<Verdict, CheckError> {
    let Some(sketched) = Sketched::of(case) else {
        return Ok(Verdict::Outside(Outside::Rank));
    };
    let ratio = |matrix| range(matrix).map(|(low, high)| high / low);
    let stated = ratio(if of_basis {
        &sketched.of_basis
    } else {
        &sketched.of_matrix
    })?;
    let observed = ratio(&sketched.preconditioned)?;
    // Pivots to 10^-12 lose 24 of 40 digits in the Gram matrix.
    let granted = observed.max(stated) * High::ONE.shifted(-10);
    Ok(Verdict::equal(
        "kappa(A R^-1)",
        observed,
        stated,
        Allowance::new(granted, "the digits that Gram matrices lose"),
    ))
}

/// What a step of gradient descent leaves of the error, at most.
#[derive(Clone, Copy)]
enum Rate {
    /// `1 - 2 / (kappa^2 + 1)`.
    Descent,
    /// `1 - 2 / (kappa + 1)`, that of conjugate gradients and of momentum.
    Momentum,
}

/// Steps of gradient descent on `1/2 ||A x - b||^2` in the coordinates of the factor, from an error along the extreme directions.
fn gradient_descent(case: &Case<Given>, rate: Rate) -> Result<Verdict, CheckError> {
    let Some(sketched) = Sketched::of(case) else {
        return Ok(Verdict::Outside(Outside::Rank));
    };
    let gram = sketched.preconditioned.tr_mul(&sketched.preconditioned);
    let (low, high) = spectrum::extremes(&gram)?;
    let condition = high / low;
    let stretch = match rate {
        Rate::Descent => condition,
        Rate::Momentum => condition.sqrt(),
    };
    let left = (stretch - High::ONE) / (stretch + High::ONE);
    let step = High::int(2) / (low + high);
    let d = gram.nrows();
    let mut verdict = Verdict::VACUOUS;
    for axis in 0..d {
        let mut error = DVector::from_fn(d, |i, _| High::int(i64::from(i == axis)));
        let mut allowed = High::ONE;
        for _ in 0..6 {
            error -= &gram * &error * step;
            allowed *= left;
            verdict = verdict.and(at_most_or_equal(
                "|| R (x_t - x*) ||",
                error.norm(),
                allowed,
                Allowance::new(High::int(d as i64).shifted(-35), EIGENVALUES),
            ));
        }
    }
    Ok(verdict)
}

/// Steps of conjugate gradients in the coordinates of the factor, from each axis: `2 ((kappa - 1) / (kappa + 1))^(power t)` of the error.
fn conjugate_gradients(case: &Case<Given>, power: i64) -> Result<Verdict, CheckError> {
    let Some(sketched) = Sketched::of(case) else {
        return Ok(Verdict::Outside(Outside::Rank));
    };
    let gram = sketched.preconditioned.tr_mul(&sketched.preconditioned);
    let (low, high) = spectrum::extremes(&gram)?;
    let condition = (high / low).sqrt();
    let left = ((condition - High::ONE) / (condition + High::ONE)).powi(power);
    let d = gram.nrows();
    let size = |error: &DVector<High>| error.dot(&(&gram * error)).max(High::ZERO).sqrt();
    let mut verdict = Verdict::VACUOUS;
    for axis in 0..d {
        let mut error = DVector::from_fn(d, |i, _| High::int(i64::from(i == axis)));
        let before = size(&error);
        let mut residual = -(&gram * &error);
        let mut direction = residual.clone();
        let mut allowed = High::int(2) * before;
        // The last of d steps ends at 0, and nothing is left to divide by.
        for _ in 1..d {
            let image = &gram * &direction;
            let (square, curvature) = (residual.norm_squared(), direction.dot(&image));
            if curvature <= before.square().shifted(-25) {
                break;
            }
            error += &direction * (square / curvature);
            residual -= image * (square / curvature);
            direction = &residual + &direction * (residual.norm_squared() / square);
            allowed *= left;
            verdict = verdict.and(at_most_or_equal(
                "|| A (x_t - x*) ||",
                size(&error),
                allowed,
                Allowance::new(before.shifted(-18), "the rounding of a few steps"),
            ));
        }
    }
    Ok(verdict)
}

const POWERS: OtherCases = &RegressionCases {
    which: &[Which::Even, Which::Odd],
    rows: Rows::Tall,
    ..RegressionCases::ALL
};
const TALL: &[Stratum] = strata!(Decade("condition of A"): 0 1 2 3; Kind: "d=1" "n=d");

/// The claims about sketches as preconditioners.
pub fn claims() -> Vec<Claim> {
    vec![
        claim("attention-kernel-regression/sketch-condition")
            .recalled("arXiv 2308.14304: a sketch of order d rows leaves a constant condition")
            .states("a sketch S of m >= 4 (sqrt d + sqrt(2 ln(2 / delta)))^2 rows of independent normal entries has kappa(A R^-1) <= 3 for S A = P R with probability at least 1 - delta, whatever kappa(A)")
            .formula(r"m \ge 4 \bigl(\sqrt{d} + \sqrt{2 \ln(2 / \delta)}\bigr)^2 \ \Longrightarrow \ \Pr\bigl(\kappa(A R^{-1}) \le 3\bigr) \ge 1 - \delta, \quad S A = P R, \ S \in \mathbb{R}^{m \times n}")
            .given("rank d; delta = 1/20 in the check, 200 sketches a case")
            .note("Singular values of an m x d normal matrix lie within sqrt m -+ (sqrt d + s) but for a probability of 2 e^(-s^2/2) (Davidson and Szarek). For m = g d and d that grows the condition tends to (sqrt g + 1) / (sqrt g - 1). Attributed, wording unverified: the recalled form names neither constant.")
            .about(POWERS, TALL)
            .check(|case| sketch_condition(case, 3.0))
            .fault("kappa(A R^-1) <= 1.2", |case| sketch_condition(case, 1.2)),
        claim("attention-kernel-regression/sketch-of-a-basis")
            .derived("the reason for attention-kernel-regression/sketch-condition")
            .states("kappa(A R^-1) = kappa(S Q) for S A = P R, whatever orthonormal basis Q of the columns of A is taken")
            .formula(r"\kappa(A R^{-1}) = \kappa(S Q), \quad S A = P R, \ A = Q T, \ P^\top P = Q^\top Q = I")
            .given("A and S A of rank d; checked with 4 d + 1 rows of dyadic entries")
            .note("A R^-1 = Q T R^-1 and S Q = P R T^-1, so that the one triangle is the inverse of the other.")
            .about(POWERS, TALL)
            .check(|case| whatever_the_matrix(case, true))
            .fault("kappa(S A)", |case| whatever_the_matrix(case, false)),
        claim("attention-kernel-regression/descent-like-momentum")
            .derived("implied by costs that grow like kappa log(1 / eps) for gradient descent with a preconditioner")
            .states("t steps of gradient descent leave || R (x_t - x*) || <= (1 - 2 / (kappa + 1))^t || R (x_0 - x*) ||, kappa = kappa(A R^-1)")
            .formula(r"\|R (x_t - x^*)\|_2 \le \Bigl(\frac{\kappa - 1}{\kappa + 1}\Bigr)^t \|R (x_0 - x^*)\|_2, \quad x_{t+1} = x_t - \eta\, (R^\top R)^{-1} \nabla L(x_t), \ \kappa = \kappa(A R^{-1})")
            .given("least squares, rank d, the best constant step 2 / (s_min^2 + s_max^2)")
            .note("The rate of conjugate gradients. Gradient descent has that of kappa^2.")
            .about(POWERS, TALL)
            .check(|case| gradient_descent(case, Rate::Momentum))
            .fault("attention-kernel-regression/gradient-descent", |case| gradient_descent(case, Rate::Descent))
            .refuted("attention-kernel-regression/gradient-descent", witness!("attention-kernel-regression-descent-like-momentum")),
        claim("attention-kernel-regression/gradient-descent")
            .derived("replaces attention-kernel-regression/descent-like-momentum")
            .states("t steps of gradient descent leave || R (x_t - x*) || <= (1 - 2 / (kappa^2 + 1))^t || R (x_0 - x*) ||, so that (kappa^2 + 1) / 2 ln(1 / eps) steps reach eps")
            .formula(r"\|R (x_t - x^*)\|_2 \le \Bigl(\frac{\kappa^2 - 1}{\kappa^2 + 1}\Bigr)^t \|R (x_0 - x^*)\|_2, \quad x_{t+1} = x_t - \eta\, (R^\top R)^{-1} \nabla L(x_t), \ \kappa = \kappa(A R^{-1})")
            .given("least squares, rank d, the best constant step 2 / (s_min^2 + s_max^2)")
            .note("Attained along the extreme directions. At a condition of 3 these are five times as many steps as conjugate gradients take, so the solver refines by a factor of A itself.")
            .about(POWERS, TALL)
            .check(|case| gradient_descent(case, Rate::Descent))
            .fault("attention-kernel-regression/descent-like-momentum", |case| gradient_descent(case, Rate::Momentum)),
        claim("attention-kernel-regression/conjugate-gradients")
            .derived("Chebyshev polynomials, for the preconditioner of a sketch")
            .states("t steps of conjugate gradients leave || A (x_t - x*) || <= 2 (1 - 2 / (kappa + 1))^t || A (x_0 - x*) ||, kappa = kappa(A R^-1)")
            .formula(r"\|A (x_t - x^*)\|_2 \le 2 \Bigl(\frac{\kappa - 1}{\kappa + 1}\Bigr)^t \|A (x_0 - x^*)\|_2, \quad \kappa = \kappa(A R^{-1})")
            .given("least squares, rank d, t < d")
            .note("After d steps nothing is left. At a condition of 3 a step halves the error.")
            .about(POWERS, TALL)
            .check(|case| conjugate_gradients(case, 1))
            .fault("twice as fast and twice again", |case| conjugate_gradients(case, 4)),
    ]
}
