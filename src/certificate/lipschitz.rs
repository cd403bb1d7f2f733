//! The checker of the Lipschitz theorem: `|D^3 l(z)[u, u, u]| <= M |u|^3` for every n and every `|b|_1 <= 1`.

use super::cover::{AXES, Cover, Ranges, Term};
use super::cubic::ThirdDerivative;
use super::definition::Setting;
use super::file::fraction;
use super::polynomial::{Polynomial, Variable};
use super::refusal::CertificateRefusal;
use super::surd::Surd;
use crate::scalar::Interval;
use num_rational::BigRational;
use num_traits::{One, ToPrimitive, Zero};
use serde::Deserialize;

/// The certificate that comes with the crate.
pub const LIPSCHITZ_CERTIFICATE: &str = include_str!("../../fixtures/certificates/lipschitz.json");

/// The name and version of the format.
const FORMAT: &str = "softmax-lipschitz-certificate/1";

/// Multipliers of a piece: five of beta, four of eta, two of zeta.
const MULTIPLIERS: usize = 11;

/// What was proven, and with how much work.
#[derive(Clone, Debug, PartialEq)]
pub struct LipschitzProof {
    /// M: `|D^3 l[u,u,u]| <= M |u|^3`, exactly as the certificate states it.
    pub bound: BigRational,
    /// Pieces of the certificate, over both targets.
    pub pieces: usize,
    /// Boxes examined.
    pub boxes: usize,
}

impl LipschitzProof {
    /// M in f64, rounded up: a factor that may be used in further bounds.
    pub fn bound_above(&self) -> f64 {
        Interval::around(&self.bound).high
    }
}

/// Proves the bound of the certificate that comes with the crate.
///
/// # Errors
/// As [`check_lipschitz`]; none with the certificate as shipped.
pub fn third_derivative_bound() -> Result<LipschitzProof, CertificateRefusal> {
    check_lipschitz(LIPSCHITZ_CERTIFICATE)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    format: String,
    #[serde(rename = "statement")]
    _statement: String,
    #[serde(rename = "reading")]
    _reading: String,
    bound: String,
    targets: Vec<TargetText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TargetText {
    target: i8,
    pieces: Vec<PieceText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PieceText {
    from: String,
    to: String,
    beta: [String; 5],
    eta: [String; 4],
    zeta: [String; 2],
}

/// Checks a certificate of `|D^3 l(z)[u, u, u]| <= M |u|^3` for `l(z) = 0.5 |softmax(z) - b|^2`, any n, any z, any
/// `|b|_1 <= 1`. By Banach's theorem on symmetric multilinear forms then `|B(z) - B(z')| <= M |z - z'|` in the spectral
/// norm, for all z and z'.
///
/// The forms are built from the definition and their sums are checked exactly; the positivity of the cubic items is shown
/// by Bernstein coefficients in f64 with outward rounding. The proof is in docs/sharp-constants.md.
///
/// # Errors
/// The first step that does not hold, see [`CertificateRefusal`].
pub fn check_lipschitz(certificate: &str) -> Result<LipschitzProof, CertificateRefusal> {
    let text: Text = serde_json::from_str(certificate)
        .map_err(|error| CertificateRefusal::Format(error.to_string()))?;
    if text.format != FORMAT {
        return Err(CertificateRefusal::Format(format!(
            "the format is {:?}, this checker reads {FORMAT:?}",
            text.format
        )));
    }
    if text.targets.iter().map(|part| part.target).ne([1, -1]) {
        return Err(CertificateRefusal::Format(
            "targets 1 and -1 must stand once each, in this order".into(),
        ));
    }
    let bound = fraction(&text.bound)?;
    let setting = Setting::new();
    let multipliers = multiplier_terms(&setting);
    let (mut pieces, mut boxes) = (0, 0);
    for part in &text.targets {
        let form = ThirdDerivative::new(&setting, part.target == 1, &Surd::rational(bound.clone()))
            .ok_or(CertificateRefusal::CubicSplitting {
                target: part.target,
            })?;
        let bases = [1, -1].map(|sign| numeric(&on_a_ray(&form.item, sign)));
        let additions: [Vec<Vec<RawTerm>>; 2] = [1, -1].map(|sign| {
            multipliers
                .iter()
                .map(|term| numeric(&on_a_ray(term, sign)))
                .collect()
        });
        let mut reached = BigRational::zero();
        for piece in &part.pieces {
            let (from, to) = (fraction(&piece.from)?, fraction(&piece.to)?);
            if from != reached || to <= from {
                return Err(CertificateRefusal::LipschitzTiling {
                    target: part.target,
                    at: reached,
                });
            }
            let range = dyadic(&from).zip(dyadic(&to)).ok_or_else(|| {
                CertificateRefusal::Format(format!("[{from}, {to}]: the ends must be exact in f64"))
            })?;
            reached = to;
            let factors = piece
                .beta
                .iter()
                .chain(&piece.eta)
                .chain(&piece.zeta)
                .map(|text| fraction(text).map(|value| Interval::around(&value)))
                .collect::<Result<Vec<Interval>, CertificateRefusal>>()?;
            for (base, additions) in bases.iter().zip(&additions) {
                let mut terms = base.clone();
                for (factor, addition) in factors.iter().zip(additions) {
                    terms.extend(
                        addition
                            .iter()
                            .map(|(exponents, value)| (*exponents, *value * *factor)),
                    );
                }
                let t = Interval {
                    low: range.0,
                    high: range.1,
                };
                for face in Face::ALL {
                    boxes += face
                        .check(&terms, t)
                        .map_err(|place| CertificateRefusal::Cubic {
                            target: part.target,
                            from: t.low,
                            to: t.high,
                            place: face.describe(&place),
                        })?;
                }
            }
            pieces += 1;
        }
        if !reached.is_one() {
            return Err(CertificateRefusal::LipschitzTiling {
                target: part.target,
                at: reached,
            });
        }
    }
    Ok(LipschitzProof {
        bound,
        pieces,
        boxes,
    })
}

/// A rational that is an f64.
fn dyadic(value: &BigRational) -> Option<f64> {
    value
        .to_f64()
        .filter(|&near| BigRational::from_float(near).as_ref() == Some(value))
}

/// `(1 + q)` times the terms that average to zero: `beta d + eta (w - d^2) + zeta (K - d^3)` with beta in the span of
/// `delta, delta^2, w, delta w, delta^3`, eta of `1, delta, w, delta^2`, zeta of `1, delta`.
fn multiplier_terms(setting: &Setting) -> [Polynomial; MULTIPLIERS] {
    let Setting { q, d, delta, w, .. } = setting;
    let one = || Polynomial::integer(1);
    let k = Polynomial::variable(Variable::K);
    let linear = d.clone();
    let quadratic = w - d.power(2);
    let cubic = k - d.power(3);
    let spread = one() + q;
    [
        &linear * delta,
        &linear * delta.power(2),
        &linear * w,
        &linear * delta * w,
        &linear * delta.power(3),
        quadratic.clone(),
        &quadratic * delta,
        &quadratic * w,
        &quadratic * delta.power(2),
        cubic.clone(),
        &cubic * delta,
    ]
    .map(|term| term * &spread)
}

/// A polynomial on the ray `(delta, d, w) -> (r delta, r d, r^2 w)`, divided by `r^2`, with `K = sign C w (1 - w)` for a
/// rational C just above `sqrt 2`: J is affine in K, and `|K| <= w sqrt(2 - 4w) <= sqrt 2 w (1 - w)`.
fn on_a_ray(polynomial: &Polynomial, sign: i64) -> Polynomial {
    // 1.41422^2 = 2.0000182...
    let root_of_two = Polynomial::fraction(141_422, 100_000);
    let scale = Polynomial::variable(Variable::Scale);
    let square = scale.power(2);
    let w = &square * Polynomial::variable(Variable::W);
    let third = Polynomial::integer(sign) * root_of_two * &w * (Polynomial::integer(1) - &w);
    // w before K: what stands for K is already scaled.
    let scaled = polynomial
        .substitute(Variable::W, &w)
        .substitute(Variable::K, &third)
        .substitute(
            Variable::Delta,
            &(&scale * Polynomial::variable(Variable::Delta)),
        )
        .substitute(Variable::D, &(&scale * Polynomial::variable(Variable::D)));
    let zero = Surd::integer(0);
    let (once, remainder) = scaled.divide_by_linear(Variable::Scale, &zero);
    let (twice, second_remainder) = once.divide_by_linear(Variable::Scale, &zero);
    assert!(
        remainder.is_zero() && second_remainder.is_zero(),
        "every term of an item is at least quadratic in (delta, d, sqrt w)"
    );
    twice
}

/// The variables of the numeric part, in the order of [`RawTerm`].
const ORDER: [Variable; 6] = [
    Variable::T,
    Variable::Q,
    Variable::Scale,
    Variable::Delta,
    Variable::D,
    Variable::W,
];

/// Exponents in [`ORDER`] and the enclosed coefficient.
type RawTerm = ([u8; 6], Interval);

/// The terms of a polynomial with rational coefficients, enclosed. M and the multipliers are rational, so no root of 33
/// occurs; a coefficient with one would be a mistake in this module.
fn numeric(polynomial: &Polynomial) -> Vec<RawTerm> {
    polynomial
        .terms_over(&ORDER)
        .map(|(exponents, value)| {
            assert!(value.root().is_zero(), "coefficients are rational");
            (exponents, Interval::around(value.plain()))
        })
        .collect()
}

/// Where a ray from the origin of `(delta, d, sqrt w)` leaves the cube `max(|delta|, |d|, sqrt w) <= 1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Face {
    DeltaPlus,
    DeltaMinus,
    DPlus,
    DMinus,
    W,
}

impl Face {
    const ALL: [Self; 5] = [
        Self::DeltaPlus,
        Self::DeltaMinus,
        Self::DPlus,
        Self::DMinus,
        Self::W,
    ];

    /// The place in [`ORDER`] of the variable that is fixed, and its value.
    fn fixed(self) -> (usize, f64) {
        match self {
            Self::DeltaPlus => (3, 1.0),
            Self::DeltaMinus => (3, -1.0),
            Self::DPlus => (4, 1.0),
            Self::DMinus => (4, -1.0),
            Self::W => (5, 1.0),
        }
    }

    /// How far a ray through this face can go: `delta^2/2 + 2w <= 1` and `d^2 <= 2` bound the length by `sqrt 2`, and by
    /// `sqrt(1/2)` on the face w = 1. (Both rounded up to numbers with few bits.)
    fn reach(self) -> f64 {
        match self {
            Self::W => 0.718_75,
            _ => 1.437_5,
        }
    }

    /// The middle of a box, in words.
    fn describe(self, ranges: &Ranges) -> String {
        let (place, value) = self.fixed();
        let mut middle = [value; 6];
        for (index, range) in kept_places(place).into_iter().zip(ranges) {
            middle[index] = range.middle();
        }
        let [t, q, scale, delta, d, w] = middle;
        let (delta, d, w) = (scale * delta, scale * d, scale * scale * w);
        format!("t = {t:.4}, q = {q:.4}, delta = {delta:.4}, d = {d:.4}, w = {w:.4}")
    }

    /// Proves `J > 0` behind this face for t in a range; the number of boxes, or the box that resisted.
    fn check(self, terms: &[RawTerm], t: Interval) -> Result<usize, Ranges> {
        let (place, value) = self.fixed();
        let unit = Interval {
            low: 0.0,
            high: 1.0,
        };
        let both = Interval {
            low: -1.0,
            high: 1.0,
        };
        let full = [
            t,
            unit,
            Interval {
                low: 0.0,
                high: self.reach(),
            },
            both,
            both,
            unit,
        ];
        let kept = kept_places(place);
        let terms: Vec<Term> = terms
            .iter()
            .map(|(exponents, coefficient)| {
                let odd = exponents[place] % 2 == 1;
                let sign = if odd { value } else { 1.0 };
                (
                    kept.map(|index| usize::from(exponents[index])),
                    *coefficient * Interval::point(sign),
                )
            })
            .collect();
        let ranges = kept.map(|index| full[index]);
        Cover::new(&terms, &ranges).is_positive(&ranges, |ranges| {
            let mut all = full;
            for (index, range) in kept.into_iter().zip(ranges) {
                all[index] = *range;
            }
            all[place] = Interval::point(value);
            is_impossible(&all)
        })
    }
}

/// The places of [`ORDER`] without the one that is fixed.
fn kept_places(fixed: usize) -> [usize; AXES] {
    std::array::from_fn(|index| if index < fixed { index } else { index + 1 })
}

/// Whether no point of a box comes from a unit vector: one of the three constraints
///
/// ```text
/// r^2 (delta^2/2 + 2w) <= 1,      q d^2 <= (1-q) w,
/// r^2 [ (1-q)^2 (delta - d)^2 + ((1-q) delta + q d)^2 + d^2 ] <= 3 (1-q)^2
/// ```
///
/// fails on all of it. Each left side is taken at its smallest, each right side at its largest, with outward rounding.
/// (The last one says that u_k, u_i and the mean of the remaining entries have squares that sum to at most 1.)
fn is_impossible(&[_, q, scale, delta, d, w]: &[Interval; 6]) -> bool {
    let point = Interval::point;
    let square = |value: f64| point(value) * point(value);
    let at_most = point(1.0) + point(-q.low);
    let rest = Interval {
        low: (1.0 - q.high).next_down().max(0.0),
        high: at_most.high,
    };
    let (stretch, deviation) = (square(scale.low), square(d.mignitude()));
    let spread = square(delta.mignitude()) * point(0.5) + point(2.0) * point(w.low);
    let first = rest * (delta + d * point(-1.0));
    let second = rest * delta + q * d;
    let three = square(first.mignitude()) + square(second.mignitude()) + deviation;
    (stretch * spread).low > 1.0
        || (point(q.low) * deviation).low > (at_most * point(w.high)).high
        || (stretch * three).low > (point(3.0) * at_most * at_most).high
}

#[cfg(test)]
mod tests;
