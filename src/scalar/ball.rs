//! Ball arithmetic: a midpoint with a radius that provably bounds the distance to the true value, in f64 and at 40 digits.
//!
//! Every operation computes its midpoint as the number type does and adds up three things: how far the operands' radii can
//! move the exact result (mean value theorem, with the derivative bounded over the whole ball), the rounding of the midpoint
//! ([`Rounding`]), and a surcharge for the roundings made in computing the radius itself ([`Rounded::radius`]).

use std::ops::{Add, Div, Mul, Neg, Sub};

use super::rounding::Rounding;
use super::{High, Rounded};

/// The real numbers within `radius` of `midpoint`, at 40 digits unless another number type is named.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ball<T = High> {
    midpoint: T,
    radius: T,
}

impl<T: Rounded> Ball<T> {
    /// The numbers within `radius >= 0` of `midpoint`. A negative radius is taken by its magnitude.
    pub fn new(midpoint: T, radius: T) -> Self {
        Self {
            midpoint,
            radius: radius.abs(),
        }
    }

    /// The number itself.
    pub fn exact(midpoint: T) -> Self {
        Self {
            midpoint,
            radius: T::ZERO,
        }
    }

    /// A rounded result whose exact value the operands' errors move by at most `moved >= 0`.
    pub fn rounded(midpoint: T, moved: T, rounding: Rounding) -> Self {
        Self {
            midpoint,
            radius: T::radius(moved, midpoint, rounding),
        }
    }

    /// Where nothing is known of a result that was computed as `midpoint`: poisoned at 40 digits, an infinite radius in f64.
    pub fn unknown(midpoint: T) -> Self {
        let (midpoint, radius) = T::unknown(midpoint);
        Self { midpoint, radius }
    }

    /// The centre: the value as the number type computes it.
    pub fn midpoint(self) -> T {
        self.midpoint
    }

    /// How far the true value can be from the midpoint.
    pub fn radius(self) -> T {
        self.radius
    }

    /// The largest magnitude in the ball (rounded once).
    pub fn largest(self) -> T {
        self.midpoint.abs() + self.radius
    }

    /// The smallest magnitude in the ball or a little less, 0 if the ball contains zero.
    pub fn smallest(self) -> T {
        self.midpoint
            .abs()
            .difference_below(self.radius)
            .max(T::ZERO)
    }

    /// Whether zero may be among the numbers; true for a poisoned ball.
    pub fn may_be_zero(self) -> bool {
        !self.smallest().is_positive()
    }

    /// Is either part no number?
    pub fn is_poisoned(self) -> bool {
        self.midpoint.is_poisoned() || self.radius.is_poisoned()
    }

    /// `|exp(m + t) - exp(m)| <= exp(m) (exp(r) - 1)`, and at most `exp(m + r)`.
    pub fn exp(self) -> Self {
        let value = self.midpoint.exp();
        let moved = if self.radius <= T::ONE {
            value * self.radius.growth()
        } else {
            // Also where 0 times infinity would come out.
            (self.midpoint + self.radius).above().exp()
        };
        Self::rounded(value, moved, Rounding::Exp)
    }

    /// `|cosh(m + t) - cosh m| <= cosh(m) (exp(r) - 1)`: `cosh` is a mean of two exponentials.
    pub fn cosh(self) -> Self {
        let value = self.midpoint.cosh();
        Self::rounded(value, value * self.radius.growth(), Rounding::Hyperbolic)
    }

    /// `|sinh(m + t) - sinh m| <= cosh(m) (exp(r) - 1)`, for the same reason.
    pub fn sinh(self) -> Self {
        let moved = self.midpoint.cosh() * self.radius.growth();
        Self::rounded(self.midpoint.sinh(), moved, Rounding::Hyperbolic)
    }

    /// `|tanh(m + t) - tanh m| <= r / cosh(|m| - r)^2`, at 40 digits `r`.
    pub fn tanh(self) -> Self {
        let moved = self.radius * self.smallest().slope_of_tanh();
        Self::rounded(self.midpoint.tanh(), moved, Rounding::Hyperbolic)
    }

    /// `|max(m + t, 0) - max(m, 0)| <= r`, without rounding, and 0 where all of the ball is negative.
    pub fn positive_part(self) -> Self {
        if self.is_poisoned() {
            return Self::unknown(self.midpoint);
        }
        let positive = self.midpoint.is_positive();
        Self {
            midpoint: if positive { self.midpoint } else { T::ZERO },
            radius: if positive || self.may_be_zero() {
                self.radius
            } else {
                T::ZERO
            },
        }
    }
}

impl<T: Rounded> Neg for Ball<T> {
    type Output = Self;

    /// Exact.
    fn neg(self) -> Self {
        Self {
            midpoint: -self.midpoint,
            radius: self.radius,
        }
    }
}

impl<T: Rounded> Add for Ball<T> {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self::rounded(
            self.midpoint + other.midpoint,
            self.radius + other.radius,
            Rounding::Sum,
        )
    }
}

impl<T: Rounded> Sub for Ball<T> {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self::rounded(
            self.midpoint - other.midpoint,
            self.radius + other.radius,
            Rounding::Sum,
        )
    }
}

impl<T: Rounded> Mul for Ball<T> {
    type Output = Self;

    /// `|a b - m n| <= |m| s + (|n| + s) r` for radii `r`, `s`.
    fn mul(self, other: Self) -> Self {
        let product = self.midpoint * other.midpoint;
        let moved = self.midpoint.abs() * other.radius + other.largest() * self.radius;
        let lost = T::lost_by_underflow(self.midpoint, other.midpoint, product);
        Self::rounded(product, moved + lost, Rounding::Product)
    }
}

impl<T: Rounded> Div for Ball<T> {
    type Output = Self;

    /// `|a / b - m / n| <= (r + |m / n| s) / (|n| - s)`; unknown if the divisor's ball contains zero.
    fn div(self, other: Self) -> Self {
        let quotient = self.midpoint / other.midpoint;
        let smallest = other.smallest();
        // What is no number is not positive.
        if !smallest.is_positive() {
            return Self::unknown(quotient);
        }
        let moved = (self.radius + quotient.abs() * other.radius) / smallest;
        Self::rounded(quotient, moved, Rounding::Quotient)
    }
}

#[cfg(test)]
mod tests;
