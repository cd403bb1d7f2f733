//! Running error analysis: a computed f64 together with a bound on how far it is from the exact value.

use std::ops::{Add, Mul, Sub};

use crate::production::summation::compensated_sum;

/// Unit roundoff of f64, `2^-53`.
pub(crate) const UNIT: f64 = f64::EPSILON / 2.0;
/// Covers the few roundings made while an error bound itself is computed.
const INFLATION: f64 = 1.0 + 8.0 * f64::EPSILON;
/// Covers an underflow of one product.
const TINY: f64 = f64::MIN_POSITIVE;

/// `|exact - value| <= error`. The operations do what f64 does to `value` and bound what that costs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Bounded {
    pub value: f64,
    pub error: f64,
}

impl Bounded {
    /// A number that is exact in f64.
    pub fn exact(value: f64) -> Self {
        Self { value, error: 0.0 }
    }

    pub fn new(value: f64, error: f64) -> Self {
        Self { value, error }
    }

    fn rounded(value: f64, inherited: f64) -> Self {
        Self {
            value,
            error: (inherited + UNIT * value.abs()) * INFLATION,
        }
    }

    /// The compensated sum: the terms' own errors and the roundings of [`compensated_sum`].
    pub fn sum(terms: &[Self]) -> Self {
        let value = compensated_sum(terms.iter().map(|term| term.value));
        let inherited: f64 = terms.iter().map(|term| term.error).sum();
        let magnitude: f64 = terms.iter().map(|term| term.value.abs()).sum();
        let length = terms.len() as f64;
        let second_order = (length * UNIT).powi(2) * magnitude * 2.0;
        // The inherited errors are added plainly: their sum is low by at most n u of itself.
        Self::rounded(
            value,
            inherited * (1.0 + length * f64::EPSILON) + second_order,
        )
    }
}

impl Add for Bounded {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self::rounded(self.value + other.value, self.error + other.error)
    }
}

impl Sub for Bounded {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self::rounded(self.value - other.value, self.error + other.error)
    }
}

impl Mul for Bounded {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        let inherited = self.error * other.value.abs()
            + other.error * self.value.abs()
            + self.error * other.error;
        let product = self.value * other.value;
        let underflow = if product.abs() < TINY && self.value != 0.0 && other.value != 0.0 {
            TINY
        } else {
            0.0
        };
        Self::rounded(product, inherited + underflow)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_of_a_cancelling_difference_is_the_inherited_one() {
        // 1 + 2^-60 rounds to 1, so (1 + 2^-60) - 1 comes out as 0; the exact value 2^-60 must be inside.
        let difference =
            (Bounded::exact(1.0) + Bounded::exact(2f64.powi(-60))) - Bounded::exact(1.0);
        assert_eq!(difference.value, 0.0);
        assert!(difference.error >= 2f64.powi(-60) && difference.error <= 2.0 * UNIT);
    }

    #[test]
    fn an_underflowing_product_has_an_error() {
        let product = Bounded::exact(1e-200) * Bounded::exact(1e-200);
        assert_eq!(product.value, 0.0);
        assert!(product.error > 0.0);
    }
}
