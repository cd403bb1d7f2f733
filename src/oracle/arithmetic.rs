//! What an expression can be evaluated in.

use crate::scalar::High;

/// Numbers that an expression can be evaluated in.
pub(super) trait Arithmetic: Copy + Send + Sync {
    fn constant(value: High) -> Self;
    /// `sum_k c_k y_k`, added up in the given order; no multiplication where `c_k` is one or minus one.
    fn linear(terms: impl Iterator<Item = (Scale, Self)>) -> Self;
    fn product(self, other: Self) -> Self;
    fn quotient(self, other: Self) -> Self;
    fn exp(self) -> Self;
    fn ln(self) -> Self;
    fn ln_1p(self) -> Self;
    fn sqrt(self) -> Self;
    fn cosh(self) -> Self;
    fn sinh(self) -> Self;
    fn tanh(self) -> Self;
    fn positive_part(self) -> Self;
    /// 1 above zero, 0 below, poisoned at zero.
    fn step(self) -> Self;
    fn power(self, exponent: i64) -> Self;
    fn is_poisoned(self) -> bool;
}

/// A coefficient of a linear combination.
#[derive(Clone, Copy)]
pub(super) enum Scale {
    One,
    MinusOne,
    Other(High),
}

impl Arithmetic for High {
    fn constant(value: High) -> Self {
        value
    }

    fn linear(terms: impl Iterator<Item = (Scale, Self)>) -> Self {
        terms.fold(High::ZERO, |sum, (scale, value)| match scale {
            Scale::One => sum + value,
            Scale::MinusOne => sum - value,
            Scale::Other(coefficient) => sum + coefficient * value,
        })
    }

    fn product(self, other: Self) -> Self {
        self * other
    }

    fn quotient(self, other: Self) -> Self {
        self / other
    }

    fn exp(self) -> Self {
        High::exp(self)
    }

    fn ln(self) -> Self {
        High::ln(self)
    }

    fn ln_1p(self) -> Self {
        High::ln_1p(self)
    }

    fn sqrt(self) -> Self {
        High::sqrt(self)
    }

    fn cosh(self) -> Self {
        High::cosh(self)
    }

    fn sinh(self) -> Self {
        High::sinh(self)
    }

    fn tanh(self) -> Self {
        High::tanh(self)
    }

    fn positive_part(self) -> Self {
        self.max(High::ZERO)
    }

    fn step(self) -> Self {
        if self.is_positive() {
            High::ONE
        } else if self.is_negative() {
            High::ZERO
        } else {
            High::POISONED
        }
    }

    fn power(self, exponent: i64) -> Self {
        self.powi(exponent)
    }

    fn is_poisoned(self) -> bool {
        High::is_poisoned(self)
    }
}
