//! exp, ln, sqrt, the hyperbolic functions and integer powers at 40 digits.
//!
//! Each reduces its argument by exact subtractions and table factors until a short series suffices. The bounds stated
//! are in [`High::UNIT`] relative to the result; the tests measure them against mpmath.

use std::sync::LazyLock;

use super::tables::{EXP_HUNDREDTHS, EXP_TENTHS, EXP_THOUSANDTHS, LN_NEAR_TENTHS};
use super::{High, LIMBS};

/// The tables as numbers.
struct Tables {
    /// `ln 10` to 20 digits, so that its product with an `i64` is exact.
    ln_10_head: High,
    /// `ln 10 - ln_10_head`, to 40 digits of its own.
    ln_10_tail: High,
    /// `ln 10`.
    ln_10: High,
    /// For each `s` = 1, 2, 3: `exp(j / 10^s)` for `-n <= j <= n`, `2n + 1` being the length.
    powers: [Vec<High>; 3],
    /// `(c, ln c)` with `c` close to `exp(j / 10)`, for `-12 <= j <= 12`.
    logarithms: Vec<(High, High)>,
    /// `1 / n!` for `n` up to 30.
    inverse_factorials: Vec<High>,
    /// `1 / (2n + 1)` for `n` up to 20.
    inverse_odds: Vec<High>,
}

/// A constant of this crate from its decimal text. Were the text wrong, everything computed from it would be poisoned.
pub(super) fn constant(text: &str) -> High {
    High::parse(text).unwrap_or(High::POISONED)
}

static TABLES: LazyLock<Tables> = LazyLock::new(|| Tables {
    ln_10_head: constant("2.302585092994045684"),
    ln_10_tail: constant("1.799145468436420760110148862877297603333e-20"),
    ln_10: constant("2.302585092994045684017991454684364207601"),
    powers: [
        EXP_TENTHS.map(constant).to_vec(),
        EXP_HUNDREDTHS.map(constant).to_vec(),
        EXP_THOUSANDTHS.map(constant).to_vec(),
    ],
    logarithms: LN_NEAR_TENTHS
        .map(|(hundredths, ln)| (High::int(hundredths).shifted(-2), constant(ln)))
        .to_vec(),
    // Every factorial below 35! has fewer than 41 digits before its trailing zeros: one rounding each.
    inverse_factorials: (0..=30)
        .map(|n| (1..=n).map(High::int).product::<High>().recip())
        .collect(),
    inverse_odds: (0..=20).map(|n| High::int(2 * n + 1).recip()).collect(),
});

/// The polynomial with these coefficients, constant term first, by Horner's rule.
fn polynomial(coefficients: impl DoubleEndedIterator<Item = High>, x: High) -> High {
    coefficients
        .rev()
        .reduce(|value, coefficient| value * x + coefficient)
        .unwrap_or(High::ZERO)
}

/// The number of terms `t^n` until `t^n < 10^-digits`, for `0 < t < 1`, at most `limit`.
fn terms_until(t: High, digits: f64, limit: usize) -> usize {
    // A float-to-integer cast saturates, and t = 0 gives one term.
    ((digits / -t.estimate().log10()).ceil() as usize + 1).min(limit)
}

/// A nonnegative f64 in `[1e-3, 1]` to 18 digits: a seed whose error does not matter.
fn seed(x: f64) -> High {
    High::int((x * 1e18) as i64).shifted(-18)
}

/// Beyond this magnitude the exponent of exp(x) leaves 64 bits: `9.2e18 ln 10 = 2.1e19`.
const EXP_LIMIT: f64 = 2.1e19;

impl High {
    /// The significand in `±[1, 10)` to 16 digits. NaN if poisoned.
    fn leading(self) -> f64 {
        let Some(limbs) = self.limbs() else {
            return f64::NAN;
        };
        let top = limbs[LIMBS - 4..]
            .iter()
            .rev()
            .fold(0.0, |value, limb| value * 1e4 + f64::from(*limb));
        let magnitude = top / 1e15;
        if self.is_negative() {
            -magnitude
        } else {
            magnitude
        }
    }

    /// The value to 15 digits, for choosing table entries and seeds; 0 or infinite where an f64 is.
    fn estimate(self) -> f64 {
        self.leading() * 10f64.powi(self.exponent.clamp(-400, 400) as i32)
    }

    /// `exp x`. Any `x` with `|x| < 2.1e19`; poisoned beyond, on both sides.
    ///
    /// Within 3 units, plus the unavoidable `|x|` times the error of `x` itself.
    pub fn exp(self) -> High {
        if self.is_poisoned() {
            return self;
        }
        if self.is_zero() {
            return High::ONE;
        }
        let size = self.estimate();
        if size.abs() > EXP_LIMIT {
            return High::POISONED;
        }
        let tables = &*TABLES;
        // exp x = 10^decades exp(rest). The product with the 20-digit head is exact, and so is the subtraction: both
        // operands lie on the decimal grid of the result.
        let reduced = |decades: i64| {
            let k = High::int(decades);
            self - k * tables.ln_10_head - k * tables.ln_10_tail
        };
        let mut decades = (size / std::f64::consts::LN_10).round() as i64;
        let mut rest = reduced(decades);
        // For |x| above 1e15 the f64 quotient is a few decades off.
        let correction = (rest.estimate() / std::f64::consts::LN_10).round() as i64;
        if correction != 0 {
            decades += correction;
            rest = reduced(decades);
        }
        let mut factor = High::ONE;
        for (powers, place) in tables.powers.iter().zip(1i32..) {
            let j = (rest.estimate() * 10f64.powi(place)).round() as i64;
            if j == 0 {
                continue;
            }
            let Some(power) = usize::try_from(j + powers.len() as i64 / 2)
                .ok()
                .and_then(|index| powers.get(index))
            else {
                return High::POISONED;
            };
            rest -= High::int(j).shifted(-i64::from(place));
            factor *= power;
        }
        // |rest| <= 5e-4: the first term left out, rest^11 / 11!, is below 1.3e-44.
        let series = polynomial(tables.inverse_factorials[..=10].iter().copied(), rest);
        (factor * series).shifted(decades)
    }

    /// `ln x`, the natural logarithm. Poisoned unless `x > 0`.
    ///
    /// Within 3 units, also next to `x = 1`.
    pub fn ln(self) -> High {
        if !self.is_positive() {
            return High::POISONED;
        }
        let tables = &*TABLES;
        // x = m 10^decades with m in [10^-1/2, 10^1/2], so that a number near 1 has no decades to cancel.
        let (m, decades) = if self.leading() > 10f64.sqrt() {
            // Computed in the wider type: exponent + 1 may be 2^63.
            (self.with_exponent(-1), i128::from(self.exponent) + 1)
        } else {
            (self.with_exponent(0), i128::from(self.exponent))
        };
        let j = (10.0 * m.estimate().ln()).round() as i64;
        let Some(&(c, ln_c)) = usize::try_from(j + 12)
            .ok()
            .and_then(|index| tables.logarithms.get(index))
        else {
            return High::POISONED;
        };
        // ln(m / c) = 2 artanh((m - c) / (m + c)), relatively accurate because m - c is exact.
        let near = twice_artanh((m - c) / (m + c));
        let Ok(decades) = i64::try_from(decades) else {
            return High::POISONED;
        };
        High::int(decades) * tables.ln_10 + ln_c + near
    }

    /// `ln(1 + x)`. Poisoned unless `x > -1`. Within 3 units, also for tiny `x`.
    pub fn ln_1p(self) -> High {
        if self.estimate().abs() < 0.05 {
            twice_artanh(self / (High::int(2) + self))
        } else {
            // The rounding of 1 + x is put back to first order; it is exact, and below 1e-39 relative to the sum.
            let sum = High::ONE + self;
            sum.ln() + (self - (sum - High::ONE)) / sum
        }
    }

    /// `exp(x) - 1`. Any `x` with `|x| < 2.1e19`; poisoned beyond. Within 5 units, also for tiny `x`.
    pub fn exp_m1(self) -> High {
        if self.estimate().abs() < 0.5 {
            let half = self * seed(0.5);
            High::int(2) * half.sinh() * half.exp()
        } else {
            self.exp() - High::ONE
        }
    }

    /// `sqrt x`. Poisoned if `x < 0`. Within 0.51 units; exact for squares of 20-digit numbers.
    pub fn sqrt(self) -> High {
        if self.is_zero() {
            return self;
        }
        if !self.is_positive() {
            return High::POISONED;
        }
        // x = m 100^k with m in [1, 100).
        let m = self.with_exponent(self.exponent.rem_euclid(2));
        let k = self.exponent.div_euclid(2);
        let half = seed(0.5);
        // y = 1/sqrt(m): 15 digits from f64, 30 after one Newton step y + y (1 - m y^2) / 2.
        let y = seed(m.estimate().sqrt().recip());
        let y = y + y * half * (High::ONE - m * y * y);
        // With s = sqrt(m) cut to 20 digits, m - s^2 is exact, and h = (m - s^2) y / 2 < 1e-18 gives
        // sqrt(m) = s + (m - s^2) / (sqrt(m) + s) = s + h + h^2 y / 2 + O(h^3 y^2).
        let s = (m * y).truncated_to_half();
        let half_y = y * half;
        let h = (m - s * s) * half_y;
        (s + (h + h * h * half_y)).shifted(k)
    }

    /// `sinh x = (exp x - exp -x) / 2`. Any `x` with `|x| < 2.1e19`; poisoned beyond.
    ///
    /// Within 6 units, also for tiny `x`.
    pub fn sinh(self) -> High {
        if self.is_zero() || self.is_poisoned() {
            return self;
        }
        if self.estimate().abs() < 0.3 {
            // x (1 + x^2/3! + x^4/5! + ...); the 13th term is below 1e-41.
            let square = self.square();
            let terms = terms_until(square, 41.0, 14);
            let odd = TABLES.inverse_factorials.iter().skip(1).step_by(2);
            let coefficients: Vec<High> = odd.take(terms).copied().collect();
            return self * polynomial(coefficients.into_iter(), square);
        }
        let e = self.abs().exp();
        self.sign() * (e - e.recip()) * seed(0.5)
    }

    /// `cosh x = (exp x + exp -x) / 2`. Any `x` with `|x| < 2.1e19`; poisoned beyond. Within 4 units.
    pub fn cosh(self) -> High {
        let e = self.abs().exp();
        (e + e.recip()) * seed(0.5)
    }

    /// `tanh x`. Any `x`. Within 4 units, also for tiny `x`.
    pub fn tanh(self) -> High {
        if self.is_zero() || self.is_poisoned() {
            return self;
        }
        let size = self.estimate().abs();
        if size < 0.3 {
            let sinh = self.sinh();
            return sinh / (High::ONE + sinh.square()).sqrt();
        }
        if size > 60.0 {
            // 1 - tanh 60 = 2 exp(-120) < 1e-51.
            return self.sign();
        }
        let q = (self.abs() * High::int(-2)).exp();
        self.sign() * (High::ONE - q) / (High::ONE + q)
    }

    /// `x^n` by repeated squaring; `x^0 = 1`, and a negative power of zero is poisoned.
    ///
    /// Within `|n|` units. Poisoned if an exponent on the way leaves 64 bits.
    pub fn powi(self, n: i64) -> High {
        if self.is_poisoned() {
            return self;
        }
        let mut rest = n.unsigned_abs();
        let mut square = self;
        let mut power = High::ONE;
        while rest > 0 {
            if rest % 2 == 1 {
                power *= square;
            }
            rest /= 2;
            if rest > 0 {
                square = square.square();
            }
        }
        if n < 0 { power.recip() } else { power }
    }
}

/// `2 artanh t = 2 t (1 + t^2/3 + t^4/5 + ...)` for `|t| < 0.05`.
fn twice_artanh(t: High) -> High {
    if t.is_zero() || t.is_poisoned() {
        return t;
    }
    let square = t.square();
    let terms = terms_until(square, 41.0, TABLES.inverse_odds.len());
    let coefficients = TABLES.inverse_odds[..terms].iter().copied();
    High::int(2) * t * polynomial(coefficients, square)
}
