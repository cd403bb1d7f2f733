//! Running error analysis: a computed f64 together with a bound on how far it is from the exact value.

use std::ops::{Add, Mul, Sub};

use nalgebra::DVector;

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

/// Error of one call of a function of the C library, relative to its result: 2 units in the last place for `exp` and 4
/// for the others (the libraries in use stay below 1 and 2).
pub(crate) const EXP_ERROR: f64 = 2.0 * f64::EPSILON;
const FUNCTION_ERROR: f64 = 4.0 * f64::EPSILON;

impl Bounded {
    /// A function value that is within `relative` of itself, for an argument whose error moves it by at most `moved`.
    fn of_function(value: f64, relative: f64, moved: f64) -> Self {
        // An underflow, and the roundings of `moved` itself.
        let error = (value.abs() * relative + moved) * (1.0 + 32.0 * f64::EPSILON) + TINY;
        Self { value, error }
    }

    /// How much a positive function whose logarithm has slope at most `rate` grows at most, if its value is `value` here:
    /// `value (exp(rate error) - 1)`.
    fn growth(self, value: f64, rate: f64) -> f64 {
        if value == 0.0 {
            // 0 * inf; a value that underflows has been charged for by `of_function`, unless the error is huge.
            return if self.error < 1.0 { 0.0 } else { f64::INFINITY };
        }
        value * (rate * self.error).exp_m1()
    }

    /// `exp(x)`.
    pub fn exp(self) -> Self {
        let value = self.value.exp();
        let moved = if self.error < 1.0 {
            self.growth(value, 1.0)
        } else {
            // Also where 0 * inf would come out.
            (self.value + self.error).exp()
        };
        Self::of_function(value, EXP_ERROR, moved)
    }

    /// `cosh(x)`: its logarithm has slope at most 1.
    pub fn cosh(self) -> Self {
        let value = self.value.cosh();
        Self::of_function(value, FUNCTION_ERROR, self.growth(value, 1.0))
    }

    /// `sinh(x)`: `|sinh(x + t) - sinh x| <= cosh(x) (exp(t) - 1)`.
    pub fn sinh(self) -> Self {
        let moved = self.growth(self.value.cosh(), 1.0) * (1.0 + FUNCTION_ERROR);
        Self::of_function(self.value.sinh(), FUNCTION_ERROR, moved)
    }

    /// `tanh(x)`: `|tanh(x + t) - tanh x| <= |t| / cosh(|x| - |t|)^2`.
    pub fn tanh(self) -> Self {
        let nearest = (self.value.abs() - self.error).max(0.0);
        let slope = nearest.cosh().powi(-2) * (1.0 + 3.0 * FUNCTION_ERROR);
        Self::of_function(self.value.tanh(), FUNCTION_ERROR, self.error * slope)
    }

    /// `1 / cosh(x)^2`, the derivative of tanh: its logarithm has slope at most 2.
    pub fn sech_squared(self) -> Self {
        let value = self.value.cosh().powi(-2);
        Self::of_function(
            value,
            3.0 * FUNCTION_ERROR,
            self.growth(value, 2.0).min(1.0),
        )
    }

    /// `ln(1 + exp(x))`, computed as `max(x, 0) + ln(1 + exp(-|x|))`: two positive terms. Its derivative is the logistic
    /// function, whose logarithm has slope at most 1.
    pub fn softplus(self) -> Self {
        let value = self.value.max(0.0) + (-self.value.abs()).exp().ln_1p();
        let slope =
            (logistic(self.value) * (1.0 + 3.0 * FUNCTION_ERROR) * self.error.exp()).min(1.0);
        Self::of_function(value, 3.0 * FUNCTION_ERROR, self.error * slope)
    }

    /// `1 / (1 + exp(-x))`: its logarithm has slope at most 1.
    pub fn logistic(self) -> Self {
        let value = logistic(self.value);
        Self::of_function(
            value,
            3.0 * FUNCTION_ERROR,
            self.growth(value, 1.0).min(1.0),
        )
    }

    /// `-x`.
    pub fn negated(self) -> Self {
        Self::new(-self.value, self.error)
    }

    /// `x / y`; infinite error where y may be zero.
    pub fn over(self, divisor: Self) -> Self {
        let value = self.value / divisor.value;
        let smallest = divisor.value.abs() - divisor.error;
        if smallest.is_nan() || smallest <= 0.0 {
            return Self::new(value, f64::INFINITY);
        }
        // The subtraction above may have rounded up.
        let smallest = smallest.next_down();
        let moved = (self.error + value.abs() * divisor.error * INFLATION) / smallest;
        Self::of_function(value, UNIT, moved)
    }

    /// Whether zero is within the error.
    pub fn may_be_zero(self) -> bool {
        let outside = self.value.abs() > self.error;
        !outside
    }
}

/// `1 / (1 + exp(-x))` without overflow.
fn logistic(x: f64) -> f64 {
    if x >= 0.0 {
        1.0 / (1.0 + (-x).exp())
    } else {
        let e = x.exp();
        e / (1.0 + e)
    }
}

/// The numbers without their bounds.
pub(crate) fn values(numbers: &[Bounded]) -> DVector<f64> {
    DVector::from_iterator(numbers.len(), numbers.iter().map(|number| number.value))
}

/// The bounds alone.
pub(crate) fn errors(numbers: &[Bounded]) -> DVector<f64> {
    DVector::from_iterator(numbers.len(), numbers.iter().map(|number| number.error))
}

/// Each entry of `x` with its bound; exact where there is none.
pub(crate) fn with_errors(x: &DVector<f64>, error: Option<&DVector<f64>>) -> Vec<Bounded> {
    (0..x.len())
        .map(|i| Bounded::new(x[i], error.map_or(0.0, |error| error[i])))
        .collect()
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
