//! Ball arithmetic: a 40-digit midpoint with a radius that provably bounds the distance to the true value.
//!
//! Every operation computes its midpoint as [`High`] does and adds up three things: how far the operands' radii can move
//! the exact result (mean value theorem, with the derivative bounded over the whole ball), the rounding of the midpoint
//! (bounds stated by [`High`]), and a surcharge for the roundings made in computing the radius itself.

use crate::oracle::evaluate::{Arithmetic, Scale};
use crate::scalar::High;

/// The real numbers within `radius` of `midpoint`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ball {
    midpoint: High,
    radius: High,
}

/// Rounding bounds as stated by [`High`], in hundredths of a unit of `10^-39` relative to the result: `+ - * /` 0.5001,
/// sqrt 0.51, ln 3, exp 4, hyperbolic functions 6.
const ARITHMETIC: i64 = 51;
const SQRT: i64 = 52;
const LN: i64 = 300;
const EXP: i64 = 400;
const HYPERBOLIC: i64 = 600;
/// A hundredth of a unit.
const HUNDREDTH_EXPONENT: i64 = -41;
/// Surcharge of `10^-30` on every radius. A radius is a sum and product of nonnegative numbers, so `k` roundings change it
/// by less than `k 10^-39` relative to itself; there are some 4 per term, so this covers 10^8 terms.
const SURCHARGE_EXPONENT: i64 = -30;

impl Ball {
    /// The numbers within `radius >= 0` of `midpoint`. A negative radius is taken by its magnitude.
    pub fn new(midpoint: High, radius: High) -> Self {
        Self {
            midpoint,
            radius: radius.abs(),
        }
    }

    /// The centre: the value as [`High`] computes it.
    pub fn midpoint(self) -> High {
        self.midpoint
    }

    /// How far the true value can be from the midpoint.
    pub fn radius(self) -> High {
        self.radius
    }

    /// The largest magnitude in the ball (rounded by at most one unit).
    pub fn largest(self) -> High {
        self.midpoint.abs() + self.radius
    }

    /// Whether zero may be among the numbers; true for a poisoned ball.
    pub fn may_be_zero(self) -> bool {
        !self.smallest().is_positive()
    }

    /// A ball around `midpoint` for operands that move it by `moved` and a rounding of `midpoint` by so many hundredths
    /// of a unit.
    fn rounded(midpoint: High, moved: High, hundredths: i64) -> Self {
        Self {
            midpoint,
            radius: surcharged(moved + rounding(midpoint.abs(), hundredths)),
        }
    }

    fn poisoned() -> Self {
        Self {
            midpoint: High::POISONED,
            radius: High::POISONED,
        }
    }

    /// The smallest magnitude, 0 if the ball contains zero.
    fn smallest(self) -> High {
        let distance = self.midpoint.abs() - self.radius;
        // The subtraction may have rounded up.
        (distance - rounding(self.midpoint.abs(), 2 * ARITHMETIC)).max(High::ZERO)
    }

    /// A bound of `exp(t) - 1` for `|t| <= radius`.
    fn exponential_growth(self) -> High {
        // exp(r) - 1 <= r + r^2 for 0 <= r <= 1, by the series.
        if self.radius <= High::ONE {
            self.radius + self.radius.square()
        } else {
            self.radius.exp()
        }
    }
}

fn rounding(magnitude: High, hundredths: i64) -> High {
    (magnitude * High::int(hundredths)).shifted(HUNDREDTH_EXPONENT)
}

fn surcharged(radius: High) -> High {
    radius + radius.shifted(SURCHARGE_EXPONENT)
}

impl Arithmetic for Ball {
    fn constant(value: High) -> Self {
        Self {
            midpoint: value,
            radius: High::ZERO,
        }
    }

    /// Running error analysis: every product and every partial sum is charged one unit of its own size.
    fn linear(terms: impl Iterator<Item = (Scale, Self)>) -> Self {
        let mut sum = High::ZERO;
        let mut moved = High::ZERO;
        let mut rounded = High::ZERO;
        for (scale, value) in terms {
            match scale {
                Scale::One => {
                    sum += value.midpoint;
                    moved += value.radius;
                }
                Scale::MinusOne => {
                    sum -= value.midpoint;
                    moved += value.radius;
                }
                Scale::Other(coefficient) => {
                    let product = coefficient * value.midpoint;
                    sum += product;
                    moved += coefficient.abs() * value.radius;
                    rounded += product.abs();
                }
            }
            rounded += sum.abs();
        }
        Self {
            midpoint: sum,
            radius: surcharged(moved + rounding(rounded, ARITHMETIC)),
        }
    }

    /// `|a b - m n| <= |m| s + |n| r + r s` for radii `r`, `s`.
    fn product(self, other: Self) -> Self {
        let moved = self.midpoint.abs() * other.radius + other.largest() * self.radius;
        Self::rounded(self.midpoint * other.midpoint, moved, ARITHMETIC)
    }

    /// `|a / b - m / n| <= (r + |m / n| s) / (|n| - s)`. Poisoned if the divisor's ball contains zero.
    fn quotient(self, other: Self) -> Self {
        let quotient = self.midpoint / other.midpoint;
        let smallest = other.smallest();
        if self.is_poisoned() || other.is_poisoned() || !smallest.is_positive() {
            return Self::poisoned();
        }
        let moved = (self.radius + quotient.abs() * other.radius) / smallest;
        Self::rounded(quotient, moved, ARITHMETIC)
    }

    /// `|exp(m + t) - exp(m)| <= exp(m) (exp(r) - 1)`.
    fn exp(self) -> Self {
        let value = self.midpoint.exp();
        let moved = surcharged(value * self.exponential_growth());
        Self::rounded(value, moved, EXP)
    }

    /// `|ln(m + t) - ln m| <= r / (m - r)`. Poisoned if the ball contains a number that is not positive.
    fn ln(self) -> Self {
        let smallest = self.smallest();
        if self.is_poisoned() || !self.midpoint.is_positive() || !smallest.is_positive() {
            return Self::poisoned();
        }
        let moved = self.radius / smallest;
        Self::rounded(self.midpoint.ln(), moved, LN)
    }

    /// `|ln(1 + m + t) - ln(1 + m)| <= r / (1 + m - r)`. Poisoned if the ball contains a number that is not above -1.
    fn ln_1p(self) -> Self {
        let sum =
            Self::linear([(Scale::One, Self::constant(High::ONE)), (Scale::One, self)].into_iter());
        let smallest = sum.smallest();
        if sum.is_poisoned() || !sum.midpoint.is_positive() || !smallest.is_positive() {
            return Self::poisoned();
        }
        let moved = self.radius / smallest;
        Self::rounded(self.midpoint.ln_1p(), moved, LN)
    }

    /// `|sqrt(m + t) - sqrt(m)| <= r / sqrt(m)`. Poisoned if the ball contains a negative number.
    fn sqrt(self) -> Self {
        if self.midpoint.is_zero() && self.radius.is_zero() {
            return self;
        }
        if self.is_poisoned() || !self.midpoint.is_positive() || self.radius > self.midpoint {
            return Self::poisoned();
        }
        let value = self.midpoint.sqrt();
        let moved = surcharged(self.radius / value);
        Self::rounded(value, moved, SQRT)
    }

    /// `|cosh(m + t) - cosh m| <= cosh(m) (exp(r) - 1)`: `cosh` is a mean of two exponentials.
    fn cosh(self) -> Self {
        let value = self.midpoint.cosh();
        let moved = surcharged(value * self.exponential_growth());
        Self::rounded(value, moved, HYPERBOLIC)
    }

    /// `|sinh(m + t) - sinh m| <= cosh(m) (exp(r) - 1)`, for the same reason.
    fn sinh(self) -> Self {
        let moved = surcharged(self.midpoint.cosh() * self.exponential_growth());
        Self::rounded(self.midpoint.sinh(), moved, HYPERBOLIC)
    }

    /// `|tanh(m + t) - tanh m| <= r`.
    fn tanh(self) -> Self {
        Self::rounded(self.midpoint.tanh(), self.radius, HYPERBOLIC)
    }

    /// `|max(m + t, 0) - max(m, 0)| <= r`, without rounding.
    fn positive_part(self) -> Self {
        if self.is_poisoned() {
            return Self::poisoned();
        }
        let radius = if self.midpoint.is_negative() && !self.may_be_zero() {
            High::ZERO
        } else {
            self.radius
        };
        Self {
            midpoint: self.midpoint.max(High::ZERO),
            radius,
        }
    }

    /// 1 or 0, exactly. Poisoned if the ball contains zero.
    fn step(self) -> Self {
        if self.may_be_zero() {
            return Self::poisoned();
        }
        Self::constant(Arithmetic::step(self.midpoint))
    }

    /// `|(m + t)^k - m^k| <= k r (|m| + r)^(k-1)`; a negative power is one divided by the positive one.
    fn power(self, exponent: i64) -> Self {
        if self.is_poisoned() {
            return Self::poisoned();
        }
        if exponent == 0 {
            return Self::constant(High::ONE);
        }
        let Some(magnitude) = exponent.checked_abs() else {
            return Self::poisoned();
        };
        let count = High::int(magnitude);
        let value = self.midpoint.powi(magnitude);
        // The factor's own roundings are at most `magnitude` units, which the surcharge covers up to 10^9; beyond
        // that `count` units on the value dominate them.
        let slope = surcharged(count * self.largest().powi(magnitude - 1));
        let moved = slope * self.radius + rounding(value.abs() * count, 100);
        let positive = Self::rounded(value, moved, ARITHMETIC);
        if exponent > 0 {
            positive
        } else {
            Self::constant(High::ONE).quotient(positive)
        }
    }

    fn enclosed(self) -> Ball {
        self
    }

    fn is_poisoned(self) -> bool {
        self.midpoint.is_poisoned() || self.radius.is_poisoned()
    }
}
