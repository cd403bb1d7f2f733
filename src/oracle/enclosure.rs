//! Ball arithmetic: a 40-digit midpoint with a radius that provably bounds the distance to the true value.
//!
//! Every operation computes its midpoint as [`High`] does and adds up three things: how far the operands' radii can move
//! the exact result (mean value theorem, with the derivative bounded over the whole ball), the rounding of the midpoint
//! (bounds stated by [`High`]), and a surcharge for the roundings made in computing the radius itself.

use crate::oracle::arithmetic::{Arithmetic, Scale};
use crate::scalar::High;
use crate::scalar::rounding::{ARITHMETIC, EXP, HYPERBOLIC, LN, SQRT, hundredths_of_unit};

/// The real numbers within `radius` of `midpoint`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ball {
    midpoint: High,
    radius: High,
}

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
            radius: surcharged(moved + hundredths_of_unit(midpoint.abs(), hundredths)),
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
        (distance - hundredths_of_unit(self.midpoint.abs(), 2 * ARITHMETIC)).max(High::ZERO)
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

fn surcharged(radius: High) -> High {
    radius + radius.shifted(SURCHARGE_EXPONENT)
}

/// Numbers that can be taken as a ball.
pub(super) trait Enclosed: Arithmetic {
    /// The number as a ball; of radius zero where it has none of its own.
    fn enclosed(self) -> Ball;
}

impl Enclosed for High {
    fn enclosed(self) -> Ball {
        Ball::new(self, High::ZERO)
    }
}

impl Enclosed for Ball {
    fn enclosed(self) -> Ball {
        self
    }
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
            radius: surcharged(moved + hundredths_of_unit(rounded, ARITHMETIC)),
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
        // A poisoned number is not positive.
        if !smallest.is_positive() {
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
        if !self.midpoint.is_positive() || !smallest.is_positive() {
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
        if !sum.midpoint.is_positive() || !smallest.is_positive() {
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
        if !self.midpoint.is_positive() || self.radius > self.midpoint {
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
        let moved = slope * self.radius + hundredths_of_unit(value.abs() * count, 100);
        let positive = Self::rounded(value, moved, ARITHMETIC);
        if exponent > 0 {
            positive
        } else {
            Self::constant(High::ONE).quotient(positive)
        }
    }

    fn is_poisoned(self) -> bool {
        self.midpoint.is_poisoned() || self.radius.is_poisoned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn int(k: i64) -> High {
        High::int(k)
    }

    fn ball(midpoint: High, radius: High) -> Ball {
        Ball::new(midpoint, radius)
    }

    /// Poisoned throughout: neither a midpoint nor a radius that could be read as an answer.
    fn has_no_answer(ball: Ball) -> bool {
        ball.midpoint().is_poisoned() && ball.radius().is_poisoned()
    }

    /// A poisoned radius alone makes a ball worthless, and so does a poisoned midpoint.
    #[test]
    fn half_a_poisoned_ball_is_poisoned() {
        let bad = High::ONE / High::ZERO;
        assert!(ball(bad, High::ONE).is_poisoned());
        assert!(ball(High::ONE, bad).is_poisoned());
        assert!(!ball(High::ONE, High::ONE).is_poisoned());
        type Unary = fn(Ball) -> Ball;
        let operations: [(&str, Unary); 6] = [
            ("ln", Ball::ln),
            ("ln_1p", Ball::ln_1p),
            ("sqrt", Ball::sqrt),
            ("positive_part", Ball::positive_part),
            ("divided", |b| b.quotient(Ball::constant(High::ONE))),
            ("divides", |b| Ball::constant(High::ONE).quotient(b)),
        ];
        for (name, operation) in operations {
            assert!(operation(ball(bad, High::ONE)).is_poisoned(), "{name}");
            assert!(operation(ball(High::ONE, bad)).is_poisoned(), "{name}");
        }
    }

    /// Whether a ball contains zero decides about poles. The subtraction `|m| - r` is charged with twice its bound of
    /// 0.51 units, so the last ball that counts as touching zero is 1.02 units of its midpoint away from it.
    #[test]
    fn a_ball_touches_zero_up_to_twice_the_rounding_of_its_smallest_number() {
        for side in [High::ONE, -High::ONE] {
            // Exact to 40 digits: 0.99..9 with 39 nines, and 0.99..989.
            let one_unit = ball(side, High::ONE - High::ONE.shifted(-39));
            let more = ball(side, High::ONE - High::ratio(11, 10).shifted(-39));
            assert!(one_unit.may_be_zero());
            assert!(!more.may_be_zero());
            assert!(Ball::constant(High::ONE).quotient(one_unit).is_poisoned());
            assert!(!Ball::constant(High::ONE).quotient(more).is_poisoned());
        }
    }

    /// No operation answers for a ball that reaches beyond its domain, whatever its midpoint.
    #[test]
    fn a_ball_that_leaves_the_domain_has_no_answer() {
        for (midpoint, radius) in [(2, 2), (2, 3), (-2, 2), (-2, 1), (-2, 0), (0, 0), (0, 1)] {
            let x = ball(int(midpoint), int(radius));
            assert!(has_no_answer(x.ln()), "{x:?}");
            assert!(has_no_answer(ball(int(midpoint - 1), int(radius)).ln_1p()));
            if x.may_be_zero() {
                assert!(has_no_answer(ball(int(5), High::ONE).quotient(x)), "{x:?}");
                assert!(has_no_answer(x.step()), "{x:?}");
            }
        }
        for (midpoint, radius) in [(2, 3), (-2, 2), (-2, 1), (-2, 0), (0, 1)] {
            let x = ball(int(midpoint), int(radius));
            assert!(has_no_answer(x.sqrt()), "{x:?}");
        }
    }

    /// Just inside the domain the radius is the stated one: not smaller, and larger by the surcharge and rounding only.
    #[test]
    fn radii_inside_the_domain_are_those_of_the_mean_value_theorem() {
        let x = ball(int(2), int(1));
        let cases = [
            // r / (m - r), at m = 2 and at 1 + m = 2
            (x.ln(), int(2).ln(), High::ONE),
            (ball(int(1), int(1)).ln_1p(), int(2).ln(), High::ONE),
            // r / sqrt m, and zero may belong to the ball
            (ball(int(4), int(1)).sqrt(), int(2), High::ratio(1, 2)),
            (ball(int(4), int(4)).sqrt(), int(2), int(2)),
            // (r + |m / n| s) / (|n| - s) = (1 + 4 * 1) / (2 - 1), from both sides of zero
            (ball(int(8), int(1)).quotient(x), int(4), int(5)),
            (
                ball(int(8), int(1)).quotient(ball(int(-2), int(1))),
                int(-4),
                int(5),
            ),
        ];
        for (found, midpoint, radius) in cases {
            assert_eq!(found.midpoint(), midpoint);
            assert!(found.radius() >= radius, "{found:?}");
            assert!(
                found.radius() <= radius + radius.shifted(-29),
                "{found:?} is wider than {radius:?}"
            );
        }
    }

    /// `max(x, 0)` over a ball: all of it above zero keeps its radius, all of it below has none, and one that contains
    /// zero keeps what reaches above.
    #[test]
    fn the_positive_part_forgets_the_radius_only_below_zero() {
        for (midpoint, expected) in [
            ((3, 1), (3, 1)),
            ((3, 5), (3, 5)),
            ((-3, 1), (0, 0)),
            ((-3, 5), (0, 5)),
            ((0, 2), (0, 2)),
        ] {
            let found = ball(int(midpoint.0), int(midpoint.1)).positive_part();
            assert_eq!(found, ball(int(expected.0), int(expected.1)));
        }
    }

    /// `x^k` by squaring is within `k` units of itself, so its ball is at least that wide; it is not a unit wider.
    #[test]
    fn a_power_is_charged_a_unit_for_each_factor() {
        for k in [3, 7, 20] {
            let found = Ball::constant(High::ratio(7, 3)).power(k);
            let unit = found.midpoint().shifted(-39);
            assert!(found.radius() >= unit * int(k), "{k}: {found:?}");
            assert!(found.radius() <= unit * int(k + 1), "{k}: {found:?}");
        }
    }
}
