//! How fast the spectrum of the Hessian grows towards the pole: the largest eigenvalue like `alpha^-4`, the smallest like
//! `-alpha^-3`.
//!
//! *Both ends.* With `s = ||u||`, `V = ||v||`, `B = ||b||_2`, `E = max e`, `q = 3 s^2 / alpha^2 - 2 <b, u> / alpha`, the Hessian
//! in the logits is `D + q kk' - ak' - ka'`, `||k|| = V / alpha`, `a = k o (2f - b)`, `D = diag(k o k + e o g / alpha)`.
//!
//! - By Weyl `|lambda_max - q ||k||^2| <= 2 ||a|| ||k|| + ||D||`.
//! - Let `mu` be the smallest eigenvalue of `D` on the orthogonal complement of `k`. A vector of the complement shows
//!   `lambda_min <= mu`. For `x = t k/||k|| + r h` completing the square in t shows
//!   `lambda_min >= mu - (||a|| ||k|| + ||D||)^2 / (q ||k||^2 - ||D||)` if the denominator is positive and `mu <= 0`.
//! - `alpha^3 D = diag(-s^2 e + alpha v o v + e o (alpha <b,u> 1 + alpha u - alpha^2 b))`, so `alpha^3 mu` is `-s^2 kappa`,
//!   `kappa` the largest eigenvalue of `diag(e)` on the complement, up to
//!   `alpha max_i (v_i^2 + e_i (|<b,u>| + |u_i| + alpha |b_i|))`.

use nalgebra::{DMatrix, DVector};

use crate::claims::tools::builder::{Draft, claim, strata};
use crate::claims::tools::loewner::Certified;
use crate::claims::{
    Case, CheckError, Claim, Drawn, Family, Outside, Stratum, Targets, Verdict, Weights,
};
use crate::instance::sample;
use crate::oracle::{self, spectrum};
use crate::scalar::{Allowance, High};

use super::model::Model;

/// One end of the spectrum.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Largest,
    Smallest,
}

/// The normalisers: `10^-6`, `10^-8`, `10^-10`.
const DECADES: [i64; 3] = [-6, -8, -10];

/// An eigenvalue close to the pole, and what the derivation says of it.
struct Measured {
    /// The eigenvalue's magnitude.
    size: High,
    /// The magnitude of its leading term without the power of `alpha`.
    amplitude: High,
    /// The largest relative deviation from the leading term.
    tolerance: High,
    /// `alpha`.
    alpha: High,
    /// Relative error of `size`.
    error: Allowance<High>,
}

/// The logit with `exp(z) + z = u`, by Newton's method from `z = u`, which lies above it: the function is convex and increasing,
/// so that every step goes down until only rounding is left.
fn logit_of(u: High) -> High {
    let mut z = u;
    // A step is about 1 where exp(z) dominates and doubles the digits at the end: 200 steps are far beyond any need.
    for _ in 0..200 {
        let e = z.exp();
        let next = z - (e + z - u) / (e + High::ONE);
        if next >= z {
            break;
        }
        z = next;
    }
    z
}

/// Logits with the wanted normaliser: all but the last drawn from the case, the last one closes the sum.
fn logits(case: &Case, alpha: High) -> Result<DVector<High>, CheckError> {
    let n = case.instance.rows();
    let mut rng = case.stream("logits near the pole");
    // In [-1.5, 0.5]: u has entries of both signs.
    let drawn = sample::dyadic_vector(&mut rng, n, 1).map(|entry| entry - 0.5);
    let mut z = oracle::lift_vector(&drawn);
    let others: High = z.iter().take(n - 1).map(|z| z.exp() + *z).sum();
    z[n - 1] = logit_of(alpha - others);
    Ok(z)
}

/// The eigenvalue of the oracle's Hessian at normaliser about `10^decade`; none where the bound of the deviation is not
/// below 1/2.
fn measure(case: &Case, end: End, decade: i64) -> Result<Option<Measured>, CheckError> {
    let z = logits(case, High::ONE.shifted(decade))?;
    let b = oracle::lift_vector(case.instance.target());
    let model = Model::at(&z);
    let alpha = model.alpha;
    let (s, v) = (model.u.norm(), model.v.norm());
    let product = b.dot(&model.u);
    let k = model.k.norm();
    let a = ((&model.f * High::int(2) - &b).component_mul(&model.k)).norm();
    let diagonal = model.diagonal(&b).amax();
    let q = High::int(3) * s.square() / alpha.square() - High::int(2) * product / alpha;
    let range = Certified::in_logits(&case.instance, &z)?.range()?;
    let (size, amplitude, deviation, power) = match end {
        End::Largest => {
            let amplitude = High::int(3) * s.square() * v.square();
            let main = amplitude / alpha.powi(4);
            let deviation = (q * k.square() - main).abs() + High::int(2) * a * k + diagonal;
            (range.high, amplitude, deviation, 4)
        }
        End::Smallest => {
            let amplitude = s.square() * largest_on_complement(&model.e, &model.v)?;
            let rest = (0..z.len())
                .map(|i| {
                    let inner = product.abs() + model.u[i].abs() + alpha * b[i].abs();
                    model.v[i].square() + model.e[i] * inner
                })
                .fold(High::ZERO, High::max);
            let denominator = q * k.square() - diagonal;
            if !denominator.is_positive() {
                return Ok(None);
            }
            let square = (a * k + diagonal).square() / denominator;
            let deviation = rest / alpha.square() + square;
            (-range.low, amplitude, deviation, 3)
        }
    };
    let main = amplitude / alpha.powi(power);
    let tolerance = deviation / main;
    if tolerance >= High::ratio(1, 2) {
        return Ok(None);
    }
    Ok(Some(Measured {
        size,
        amplitude,
        tolerance,
        alpha,
        error: range.error / main,
    }))
}

/// The largest eigenvalue of `diag(e)` on the orthogonal complement of `v`: that of `P diag(e) P` with the projection P,
/// which is positive for n >= 2.
fn largest_on_complement(e: &DVector<High>, v: &DVector<High>) -> Result<High, CheckError> {
    let n = e.len();
    let projection = DMatrix::identity(n, n) - v * v.transpose() / v.norm_squared();
    let matrix = &projection * DMatrix::from_diagonal(e) * &projection;
    Ok(spectrum::extremes(&matrix)?.1)
}

/// The leading term at each normaliser, and the exponent of a log-log fit over all of them. The fit of exact powers with
/// amplitude A_j and relative deviation below `tau_j` errs by at most the sum of `|ln A_j - ln A_0| - ln(1 - tau_j)`,
/// weighted as the slope weighs the points.
fn growth(case: &Case, end: End, exponent: i64) -> Result<Verdict, CheckError> {
    if case.instance.rows() < 2 {
        return Ok(Verdict::Outside(Outside::Premise));
    }
    let mut found = Vec::new();
    for decade in DECADES {
        match measure(case, end, decade)? {
            Some(measured) => found.push(measured),
            None => return Ok(Verdict::Outside(Outside::Premise)),
        }
    }
    let count = High::int(found.len() as i64);
    let logarithms: Vec<High> = found.iter().map(|m| m.alpha.ln()).collect();
    let mean = logarithms.iter().copied().sum::<High>() / count;
    let spread: High = logarithms.iter().map(|x| (*x - mean).square()).sum();
    let (mut slope, mut allowed) = (High::ZERO, High::ZERO);
    let mut error = Allowance::NOTHING;
    let mut verdict = Verdict::VACUOUS;
    for (x, m) in logarithms.iter().zip(&found) {
        let weight = (*x - mean) / spread;
        slope += weight * m.size.ln();
        let amplitude = (m.amplitude / found[0].amplitude).ln().abs();
        // -ln(1 - tau) <= 2 tau for tau <= 1/2.
        allowed += weight.abs() * (amplitude + High::int(2) * m.tolerance);
        error = error + &m.error * (weight.abs() * High::int(2));
        let main = m.amplitude * m.alpha.powi(exponent);
        verdict = verdict.and(Verdict::at_most(
            "relative deviation of the eigenvalue from its leading term",
            (m.size / main - High::ONE).abs(),
            m.tolerance,
            m.error.clone(),
        ));
    }
    Ok(verdict.and(Verdict::at_most(
        "deviation of the fitted exponent",
        (slope - High::int(exponent)).abs(),
        allowed,
        error,
    )))
}

const FAMILY: Family = Family {
    losses: &[Drawn::ResidualSoftmax],
    rows: (2, 5),
    columns: (1, 2),
    gaps: &[],
    targets: Targets::Any,
    weights: Weights::Zero,
    cases: 24,
    ..Family::GENERAL
};

const STRATA: &[Stratum] = strata!(OneColumn; Square; SignedTarget);

/// A statement about the pole.
fn at_the_pole(id: &'static str) -> Draft {
    claim(id)
        .derived("behind the abstract's \"positive semidefinite\" and \"Lipschitz properties\"")
        .given("n >= 2, alpha -> 0+ with u not 0")
        .on(FAMILY, STRATA)
}

/// The claims about growth.
pub fn claims() -> Vec<Claim> {
    vec![
        at_the_pole("residual-softmax/growth-of-largest-eigenvalue")
            .states("lambda_max(B) = 3 ||u||^2 ||v||^2 alpha^-4 (1 + O(alpha)): a log-log fit gives the exponent -4")
            .formula(r"\begin{aligned} \lambda_{\max}(B) &= 3 \|u\|_2^2 \|v\|_2^2\, \alpha^{-4} (1 + O(\alpha)), \\
                u &= \exp(z) + z, \quad v = \exp(z) + \mathbf{1}_n, \quad B = \nabla_z^2\, \tfrac{1}{2} \|f - b\|_2^2 \end{aligned}")
            .note("At alpha = 1e-6, 1e-8, 1e-10, logits and target from the case, with an explicit bound of the deviation (proven in \
             the source). For n = 2, u = (1/2, -1/2) the factor is 7.64.")
            .check(|case| growth(case, End::Largest, -4))
            .fault("the exponent -3", |case| growth(case, End::Largest, -3)),
        at_the_pole("residual-softmax/growth-of-smallest-eigenvalue")
            .states("lambda_min(B) = -||u||^2 kappa alpha^-3 (1 + O(alpha)), kappa the largest eigenvalue of diag(exp(z)) on the orthogonal \
             complement of v: a log-log fit gives the exponent -3")
            .formula(r"\begin{aligned} \lambda_{\min}(B) &= -\|u\|_2^2\, \kappa\, \alpha^{-3} (1 + O(\alpha)), \\
                \kappa &= \max_{h \perp v, \ \|h\|_2 = 1} h^\top \operatorname{diag}(\exp(z)) h, \\
                u &= \exp(z) + z, \quad v = \exp(z) + \mathbf{1}_n, \quad B = \nabla_z^2\, \tfrac{1}{2} \|f - b\|_2^2 \end{aligned}")
            .note("At alpha = 1e-6, 1e-8, 1e-10, logits and target from the case, with an explicit bound of the deviation (proven in \
             the source). For every target, so near the pole the Hessian is never positive semidefinite. For n = 2, \
             u = (1/2, -1/2) the factor is -0.272.")
            .check(|case| growth(case, End::Smallest, -3))
            .fault("the exponent -4", |case| growth(case, End::Smallest, -4)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_logit_solves_its_equation() {
        for u in [-3.0, -0.5, 0.0, 0.6, 2.0, 40.0] {
            let u = High::lift(u).unwrap();
            let z = logit_of(u);
            assert!((z.exp() + z - u).abs() < High::ONE.shifted(-35), "{u:?}");
        }
    }

    #[test]
    fn the_bounds_are_those_of_the_derivation_for_two_logits() {
        let text = r#"{"loss": "residual-softmax", "matrix": [[1], [0]], "target": [3, -0.5], "weights": 0}"#;
        let case = Case::of_text(text, 11);
        let z = logits(&case, High::ONE.shifted(-6)).unwrap();
        let (two, three) = (High::int(2), High::int(3));
        let b = [three, High::ratio(-1, 2)];
        // With the letters of the head of this file, entry by entry.
        let e = [z[0].exp(), z[1].exp()];
        let u = [e[0] + z[0], e[1] + z[1]];
        let v = [e[0] + High::ONE, e[1] + High::ONE];
        let alpha = u[0] + u[1];
        assert!((alpha - High::ONE.shifted(-6)).abs() < High::ONE.shifted(-36));
        let length = |x: [High; 2]| (x[0].square() + x[1].square()).sqrt();
        let inner = b[0] * u[0] + b[1] * u[1];
        let (s2, v2) = (length(u).square(), length(v).square());
        let f = u.map(|entry| entry / alpha);
        let mean = (f[0] - b[0]) * f[0] + (f[1] - b[1]) * f[1];
        let diagonal =
            [0, 1].map(|i| (v[i] / alpha).square() + e[i] * (f[i] - b[i] - mean) / alpha);
        let diagonal = diagonal[0].abs().max(diagonal[1].abs());
        let a = length([0, 1].map(|i| (two * f[i] - b[i]) * v[i] / alpha));
        let k = v2.sqrt() / alpha;
        // q k^2 is 3 s^2 V^2 / alpha^4 less 2 <b,u> V^2 / alpha^3.
        let main = three * s2 * v2 / alpha.powi(4);
        let less = two * inner * v2 / alpha.powi(3);
        let largest = (less.abs() + two * a * k + diagonal) / main;
        // The complement of v is spanned by (v_2, -v_1).
        let kappa = (e[0] * v[1].square() + e[1] * v[0].square()) / v2;
        let rest =
            [0, 1].map(|i| v[i].square() + e[i] * (inner.abs() + u[i].abs() + alpha * b[i].abs()));
        let square = (a * k + diagonal).square() / (main - less - diagonal);
        let smallest =
            (rest[0].max(rest[1]) / alpha.square() + square) * alpha.powi(3) / (s2 * kappa);
        for (end, amplitude, tolerance) in [
            (End::Largest, three * s2 * v2, largest),
            (End::Smallest, s2 * kappa, smallest),
        ] {
            let measured = measure(&case, end, -6).unwrap().unwrap();
            let near = |found: High, expected: High| {
                let off = (found / expected - High::ONE).abs();
                assert!(off < High::ONE.shifted(-20), "{off:?}");
            };
            near(measured.alpha, alpha);
            near(measured.amplitude, amplitude);
            near(measured.tolerance, tolerance);
        }
        // At alpha = 1 the bound exceeds 1/2, and nothing is said.
        for end in [End::Largest, End::Smallest] {
            assert!(measure(&case, end, 0).unwrap().is_none());
        }
    }
}
