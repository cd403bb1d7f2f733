//! The finite ingredients of "Fast Attention Requires Bounded Entries": exponentials replaced by polynomials, whose matrices
//! have low rank. The theorems themselves are about growth with n, and are not decided by instances.

use nalgebra::DMatrix;

use crate::claims::tools::builder::{claim, strata, witness};
use crate::claims::{Case, CheckError, Claim, OtherCases, Outside, Stratum, Verdict};
use crate::oracle::{lift_matrix, spectrum};
use crate::scalar::{Allowance, High};
use crate::system::Given;

use super::cases::AttentionCases;
use super::model::{Parts, logits};

/// Logits beyond need polynomials of a degree in the hundreds.
const LARGEST_LOGIT: i64 = 40;
/// Squares of entries beyond need polynomials of a degree in the tens.
const LARGEST_SQUARE: i64 = 9;
/// Degrees that are looked at.
const DEGREES: usize = 400;

/// `b`, a bound of the logits, and `eps = 1 / nk`.
struct Bounded {
    z: DMatrix<High>,
    b: High,
    eps: High,
}

impl Bounded {
    /// `None` where logits are larger than can be afforded, or all 0.
    fn of(case: &Case<Given>) -> Option<Self> {
        let (z, _) = logits(&case.instance);
        let b = z.iter().map(|z| z.abs()).fold(High::ZERO, High::max);
        let keys = case.instance.size("nk") as i64;
        let fits = b.is_positive() && b <= High::int(LARGEST_LOGIT) && keys >= 2;
        fits.then(|| Self {
            z,
            b,
            eps: High::ratio(1, keys),
        })
    }

    /// The least degree of a Taylor polynomial with `e^b sum_{k > g} b^k / k! <= eps`: at least the least degree of any
    /// polynomial good to a relative eps on `[-b, b]`.
    fn taylor_degree(&self) -> i64 {
        let mut term = High::ONE;
        let mut terms = Vec::with_capacity(DEGREES);
        for k in 1..=DEGREES as i64 {
            term = term * self.b / High::int(k);
            terms.push(term);
        }
        let allowed = self.eps / self.b.exp();
        let mut rest = High::ZERO;
        for (k, term) in terms.iter().enumerate().rev() {
            rest += *term;
            if rest > allowed {
                return k as i64 + 1;
            }
        }
        0
    }
}

/// `exp` to degree g at z.
fn taylor(z: High, degree: i64) -> High {
    let (mut term, mut sum) = (High::ONE, High::ONE);
    for k in 1..=degree {
        term = term * z / High::int(k);
        sum += term;
    }
    sum
}

/// `ceil(x)` for small positive x.
fn ceiling(x: High) -> i64 {
    x.to_f64().ceil() as i64
}

/// The Taylor polynomial of that degree is good to a relative eps at every logit; the fault has degree `b`.
fn degree_enough(case: &Case<Given>, whole: bool) -> Result<Verdict, CheckError> {
    let Some(bounded) = Bounded::of(case) else {
        return Ok(Verdict::Outside(Outside::Norm));
    };
    let degree = if whole {
        ceiling(High::int(2).exp() * bounded.b - bounded.eps.ln())
    } else {
        ceiling(bounded.b)
    };
    // Alternating terms up to e^b, against e^z at least e^-b.
    let rounding = High::int(2 * degree + 8) * (bounded.b + bounded.b).exp().shifted(-39);
    let mut verdict = Verdict::VACUOUS;
    for z in bounded.z.iter() {
        let exact = z.exp();
        verdict = verdict.and(Verdict::at_most(
            "|P(z) - e^z| / e^z",
            (taylor(*z, degree) - exact).abs() / exact,
            bounded.eps,
            Allowance::new(rounding, "the rounding of terms that cancel"),
        ));
    }
    Ok(verdict)
}

/// `g >= max(b, L / ln(L / b)) / 4`, `L = ln(1 / eps)`, for the least degree g: false where a smaller degree is enough, true
/// where no polynomial of a smaller degree is; neither is proven outside.
fn degree_order(case: &Case<Given>) -> Result<Verdict, CheckError> {
    let Some(bounded) = Bounded::of(case) else {
        return Ok(Verdict::Outside(Outside::Norm));
    };
    let logarithm = -bounded.eps.ln();
    let ratio = (logarithm / bounded.b).ln();
    if ratio.is_zero() {
        return Ok(Verdict::Outside(Outside::Precision));
    }
    let expression = bounded.b.max(logarithm / ratio);
    let least = expression / High::int(4);
    let enough = High::int(bounded.taylor_degree());
    let granted = || Allowance::new(expression.shifted(-34), "the rounding of logarithms");
    if enough < least {
        return Ok(Verdict::at_least(
            "a degree that is enough",
            enough,
            least,
            granted(),
        ));
    }
    // Not one degree less than stated is enough, for any polynomial.
    let short = ceiling(least) - 1;
    if short < 0 {
        return Ok(Verdict::VACUOUS);
    }
    if levelled(&bounded.b, short as usize) <= bounded.eps {
        return Ok(Verdict::Outside(Outside::Precision));
    }
    Ok(Verdict::at_least(
        "a degree that is enough",
        enough,
        least,
        granted(),
    ))
}

/// `C(n, k)`.
fn choose(n: usize, k: usize) -> usize {
    (1..=k).fold(1, |product, i| product * (n - k + i) / i)
}

/// The rank of `P(Q K' / s)` for the Taylor polynomial of degree 0, 1 or 2 is at most `C(d + g, g)`; the fault counts the
/// monomials of degree g in d variables only.
fn rank(case: &Case<Given>, all: bool) -> Result<Verdict, CheckError> {
    let parts = Parts::of(case);
    let [queries, keys, d, _] = parts.shape;
    let degree = (case.seed % if d == 1 { 3 } else { 2 }) as usize;
    let most = if all {
        choose(d + degree, degree)
    } else {
        choose(d + degree - 1, degree)
    };
    if most >= queries.min(keys) {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let given = &case.instance;
    let array = |name, rows| lift_matrix(&given.matrix(name, rows, "d"));
    let z = array("Q", "nq") * array("K", "nk").transpose() / High::lift(parts.scale)?;
    let matrix = z.map(|z| taylor(z, degree as i64));
    let values = spectrum::singular_values(&matrix)?;
    let largest = values.iter().copied().fold(High::ONE, High::max);
    let (_, error) = logits(given);
    // Each entry by its logit's error, through a slope of at most 1 + |z| up to degree 2; a matrix by at most nq nk entries.
    let slopes = z.iter().map(|z| z.abs()).fold(High::ONE, High::max) + High::ONE;
    let entries = High::int((queries * keys) as i64);
    let rounding = entries * (error * slopes + High::int(64) * largest.shifted(-38));
    Ok(Verdict::at_most(
        &format!(
            "singular value {} of the matrix of degree {degree}",
            most + 1
        ),
        values[most],
        rounding,
        Allowance::NOTHING,
    ))
}

/// `C(d + g, g) < nk` for a degree g below which no polynomial is good to a relative `1 / nk` on `[-B^2, B^2]`.
fn rank_below(case: &Case<Given>) -> Result<Verdict, CheckError> {
    let parts = Parts::of(case);
    let [_, keys, d, _] = parts.shape;
    let entries = parts.q.iter().chain(&parts.k);
    let largest = High::lift(entries.fold(0.0, |most: f64, entry| most.max(entry.abs())))?;
    let b = largest.square();
    let logarithm = (keys as f64).log2().ceil() as usize;
    let fits = keys >= 2 && d == logarithm.max(1) && b <= High::int(LARGEST_SQUARE);
    if !(fits && b.is_positive() && parts.scale == d as f64) {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let eps = High::ratio(1, keys as i64);
    let degree = (0..40).find(|degree| levelled(&b, *degree) <= eps);
    let degree = degree.ok_or_else(|| CheckError::Other("a degree beyond 40".to_owned()))?;
    Ok(Verdict::at_most(
        "C(d + g, g)",
        High::int(choose(d + degree, degree) as i64),
        High::int(keys as i64 - 1),
        Allowance::NOTHING,
    ))
}

/// A lower bound of the relative error of every polynomial of that degree against `exp` on `[-b, b]`: on g + 2 points
/// (Chebyshev's extremes) the polynomial with levelled, alternating errors has none smaller (de la Vallee Poussin).
///
/// Weights `w_i = prod_{j != i} 1 / (x_i - x_j)` annihilate polynomials of degree g, so that `sum w_i (e^x_i - P(x_i)) =
/// sum w_i e^x_i`, and relative errors of at most E give `|sum w_i e^x_i| <= E sum |w_i| e^x_i`.
fn levelled(b: &High, degree: usize) -> High {
    let points: Vec<High> = (0..degree + 2)
        .map(|i| {
            let angle = std::f64::consts::PI * i as f64 / (degree + 1) as f64;
            // Any points do: an f64 cosine is as good as an exact one.
            *b * High::lift(angle.cos()).unwrap_or(High::ZERO)
        })
        .collect();
    let (mut signed, mut sizes) = (High::ZERO, High::ZERO);
    for (i, x) in points.iter().enumerate() {
        let others = points.iter().enumerate().filter(|(j, _)| *j != i);
        let weight = others.fold(High::ONE, |weight, (_, other)| weight / (*x - *other));
        let term = weight * x.exp();
        signed += term;
        sizes += term.abs();
    }
    // A little less for the rounding of a sum that cancels.
    (signed.abs() - sizes.shifted(-36)) / sizes
}

const BOUNDED: OtherCases = &AttentionCases {
    keys: 2,
    printed_scale: true,
    causal: false,
    cases: 36,
    ..AttentionCases::GENERAL
};
const MANY: OtherCases = &AttentionCases {
    queries: 5,
    keys: 5,
    causal: false,
    cases: 36,
    ..AttentionCases::GENERAL
};
const LOGARITHMIC: OtherCases = &AttentionCases {
    keys: 3,
    printed_scale: true,
    logarithmic_width: true,
    causal: false,
    cases: 36,
    ..AttentionCases::GENERAL
};
const STRATA: &[Stratum] = strata!(Decade("logit range"): -1 0 1; Kind: "one query" "d=1");
const MANY_STRATA: &[Stratum] = strata!(Decade("logit range"): 0 1 2; Kind: "d=1");

/// The claims about polynomials in place of exponentials.
pub fn claims() -> Vec<Claim> {
    vec![
        claim("exact-attention/degree-order")
            .recalled("arXiv 2302.13214 after Aggarwal and Alman: Theta(max(b, ln(1/eps) / ln(ln(1/eps) / b)))")
            .states("the least degree of a polynomial good to a relative eps for exp on [-b, b] is at least max(b, L / ln(L / b)) / 4, L = ln(1 / eps)")
            .formula(r"\begin{aligned} \min\bigl\{\deg P : |P(z) - e^z| &\le \epsilon e^z \ \forall z \in [-b, b]\bigr\} \ge \frac{1}{4} \max\Bigl(b, \frac{L}{\ln(L / b)}\Bigr), \\
                L &= \ln(1 / \epsilon) \end{aligned}")
            .given("b = max |z| <= 40, eps = 1 / n")
            .note("The expression has a pole at L = b and is negative beyond; ln(e + L / b) or the like has to stand there. Decided by a Taylor polynomial that is good enough: exact-attention/degree-enough.")
            .about(BOUNDED, STRATA)
            .check(degree_order)
            .fault("what is enough: exact-attention/degree-enough", |case| degree_enough(case, true))
            .refuted("exact-attention/degree-enough", witness!("exact-attention-degree-order")),
        claim("exact-attention/degree-enough")
            .derived("b^k / k! <= e^-k from k = e^2 b on")
            .states("the Taylor polynomial of degree e^2 b + ln(1 / eps) is good to a relative eps at every logit")
            .formula(r"\Bigl|\sum_{k=0}^{g} \frac{z^k}{k!} - e^z\Bigr| \le \epsilon e^z \quad \text{at every logit } z, \quad g = \bigl\lceil e^2 b + \ln(1 / \epsilon)\bigr\rceil")
            .given("b = max |z| <= 40, eps = 1 / n")
            .about(BOUNDED, STRATA)
            .check(|case| degree_enough(case, true))
            .fault("degree b", |case| degree_enough(case, false)),
        claim("exact-attention/polynomial-rank")
            .recalled("arXiv 2302.13214: a polynomial of Q K' is a product of matrices of monomials")
            .states("P(Q K' / s) has rank C(d + g, g) at most for a polynomial P of degree g")
            .formula(r"\operatorname{rank} P(Q K^\top / s) \le \binom{d + g}{g}, \quad \deg P = g, \quad P \text{ entrywise}")
            .given("g = 0, 1 or 2; C(d + g, g) < min(nq, nk)")
            .note("Decided by the singular value that follows, which is 0 up to rounding.")
            .about(MANY, MANY_STRATA)
            .check(|case| rank(case, true))
            .fault("C(d + g - 1, g)", |case| rank(case, false)),
        claim("exact-attention/polynomial-rank-below-n")
            .recalled("arXiv 2302.13214: rank n^o(1) for d = O(log n) and entries o(sqrt(log n)); read for the sizes at hand")
            .states("C(d + g, g) < n for the least degree g that is good to a relative 1 / n on [-B^2, B^2], d = ceil(log2 n)")
            .formula(r"\begin{aligned} \binom{d + g}{g} &< n, \quad d = \lceil \log_2 n\rceil, \\
                g &= \min\bigl\{\deg P : |P(z) - e^z| \le \tfrac{1}{n} e^z \ \forall z \in [-B^2, B^2]\bigr\} \end{aligned}")
            .given("s = d; B the largest entry of Q and K; B^2 <= 9")
            .note("Asymptotic, and false at sizes that fit a machine as soon as B is near 1: real heads have entries of several. The least degree is bounded from below by levelled errors (de la Vallee Poussin), so that a failure is one for every polynomial. What holds for every n: exact-attention/polynomial-rank.")
            .about(LOGARITHMIC, strata!(Decade("logit range"): -1 0 1; Kind: "one query"))
            .check(rank_below)
            .fault("the rank of the matrix itself: exact-attention/polynomial-rank", |case| rank(case, true))
            .refuted("exact-attention/polynomial-rank", witness!("exact-attention-polynomial-rank-below-n")),
    ]
}
