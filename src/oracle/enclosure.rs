//! Expressions in balls of 40 digits: [`Ball`] as an arithmetic of the graph, with the
//! operations that only the graph has.

use crate::oracle::arithmetic::{Arithmetic, Scale};
use crate::scalar::rounding::{Rounding, hundredths_of_unit};
use crate::scalar::{Ball, High, Rounded};

/// Numbers that can be taken as a ball.
pub(super) trait Enclosed: Arithmetic {
    /// The number as a ball; of radius zero where it has none of its own.
    fn enclosed(self) -> Ball;
}

impl Enclosed for High {
    fn enclosed(self) -> Ball {
        Ball::exact(self)
    }
}

impl Enclosed for Ball {
    fn enclosed(self) -> Ball {
        self
    }
}

/// The ball without an answer.
fn poisoned() -> Ball {
    Ball::unknown(High::POISONED)
}

impl Arithmetic for Ball {
    fn constant(value: High) -> Self {
        Self::exact(value)
    }

    /// Running error analysis: every product and every partial sum is charged one rounding of its own size.
    fn linear(terms: impl Iterator<Item = (Scale, Self)>) -> Self {
        let mut sum = High::ZERO;
        let mut moved = High::ZERO;
        let mut rounded = High::ZERO;
        for (scale, value) in terms {
            match scale {
                Scale::One => {
                    sum += value.midpoint();
                    moved += value.radius();
                }
                Scale::MinusOne => {
                    sum -= value.midpoint();
                    moved += value.radius();
                }
                Scale::Other(coefficient) => {
                    let product = coefficient * value.midpoint();
                    sum += product;
                    moved += coefficient.abs() * value.radius();
                    rounded += product.abs();
                }
            }
            rounded += sum.abs();
        }
        Self::new(sum, High::radius(moved, rounded, Rounding::Sum))
    }

    fn product(self, other: Self) -> Self {
        self * other
    }

    fn quotient(self, other: Self) -> Self {
        self / other
    }

    fn exp(self) -> Self {
        Ball::exp(self)
    }

    /// `|ln(m + t) - ln m| <= r / (m - r)`. Poisoned if the ball contains a number that is not positive.
    fn ln(self) -> Self {
        let smallest = self.smallest();
        if !self.midpoint().is_positive() || !smallest.is_positive() {
            return poisoned();
        }
        let moved = self.radius() / smallest;
        Self::rounded(self.midpoint().ln(), moved, Rounding::Ln)
    }

    /// `|ln(1 + m + t) - ln(1 + m)| <= r / (1 + m - r)`. Poisoned if the ball contains a number that is not above -1.
    fn ln_1p(self) -> Self {
        let sum = Self::exact(High::ONE) + self;
        let smallest = sum.smallest();
        if !sum.midpoint().is_positive() || !smallest.is_positive() {
            return poisoned();
        }
        let moved = self.radius() / smallest;
        Self::rounded(self.midpoint().ln_1p(), moved, Rounding::Ln)
    }

    /// `|sqrt(m + t) - sqrt(m)| <= r / sqrt(m)`. Poisoned if the ball contains a negative number.
    fn sqrt(self) -> Self {
        if self.midpoint().is_zero() && self.radius().is_zero() {
            return self;
        }
        if !self.midpoint().is_positive() || self.radius() > self.midpoint() {
            return poisoned();
        }
        let value = self.midpoint().sqrt();
        Self::rounded(value, self.radius() / value, Rounding::Sqrt)
    }

    fn cosh(self) -> Self {
        Ball::cosh(self)
    }

    fn sinh(self) -> Self {
        Ball::sinh(self)
    }

    fn tanh(self) -> Self {
        Ball::tanh(self)
    }

    fn positive_part(self) -> Self {
        Ball::positive_part(self)
    }

    /// 1 or 0, exactly. Poisoned if the ball contains zero.
    fn step(self) -> Self {
        if self.may_be_zero() {
            return poisoned();
        }
        Self::exact(Arithmetic::step(self.midpoint()))
    }

    /// `|(m + t)^k - m^k| <= k r (|m| + r)^(k-1)`; a negative power is one divided by the positive one.
    fn power(self, exponent: i64) -> Self {
        if Ball::is_poisoned(self) {
            return poisoned();
        }
        if exponent == 0 {
            return Self::exact(High::ONE);
        }
        let Some(magnitude) = exponent.checked_abs() else {
            return poisoned();
        };
        let count = High::int(magnitude);
        let value = self.midpoint().powi(magnitude);
        // A power by squaring, and `count` times one, are within `count` units of themselves.
        let units = |power: High| hundredths_of_unit(power.abs() * count, 100);
        let slope = count * self.largest().powi(magnitude - 1);
        let moved = (slope + units(slope)) * self.radius() + units(value);
        let positive = Self::rounded(value, moved, Rounding::Product);
        if exponent > 0 {
            positive
        } else {
            Self::exact(High::ONE) / positive
        }
    }

    fn is_poisoned(self) -> bool {
        Ball::is_poisoned(self)
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
