//! Numbers whose roundings are known: what a [`Ball`](super::Ball) asks of its midpoint.

use std::ops::{Add, Div, Mul, Neg, Sub};

use super::High;
use super::rounding::{Rounding, hundredths_of_unit};

/// A number type with a bound on what each of its operations loses.
pub trait Rounded:
    Copy
    + PartialOrd
    + Neg<Output = Self>
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
{
    /// Zero.
    const ZERO: Self;
    /// One.
    const ONE: Self;

    /// `|x|`, exactly.
    fn abs(self) -> Self;
    /// The larger of two numbers.
    fn max(self, other: Self) -> Self;
    /// Is this greater than zero? False for what is no number.
    fn is_positive(self) -> bool;
    /// Is this no number at all?
    fn is_poisoned(self) -> bool;
    /// `exp(x)`, rounded.
    fn exp(self) -> Self;
    /// `cosh(x)`, rounded.
    fn cosh(self) -> Self;
    /// `sinh(x)`, rounded.
    fn sinh(self) -> Self;
    /// `tanh(x)`, rounded.
    fn tanh(self) -> Self;

    /// A radius around a rounded `result` whose exact value the operands' errors move by at most `moved >= 0`: the sum of
    /// both, enlarged by more than is lost in computing `moved` and this sum.
    fn radius(moved: Self, result: Self, rounding: Rounding) -> Self;

    /// What a product loses by underflow beyond a rounding relative to itself.
    fn lost_by_underflow(x: Self, y: Self, product: Self) -> Self;

    /// No less than the exact result of the `+` that gave this number.
    fn above(self) -> Self;

    /// No more than `self - other`, exactly.
    fn difference_below(self, other: Self) -> Self;

    /// A bound of `exp(r) - 1` for `r >= 0`, as good as [`radius`](Self::radius) makes up for.
    fn growth(self) -> Self;

    /// A bound of `1 / cosh(x)^2`, likewise: the slope of `tanh` at numbers of magnitude `x >= 0` and more.
    fn slope_of_tanh(self) -> Self;

    /// Midpoint and radius where nothing is known of a quotient that was computed as `quotient`.
    fn unknown(quotient: Self) -> (Self, Self);
}

/// Covers the roundings of a bound that a sum or a product makes: 16 of `2^-53`.
const INFLATION: f64 = 1.0 + 8.0 * f64::EPSILON;
/// Covers those of a bound that a quotient or a function makes, calls of the C library among them: 64.
const INFLATION_OF_FUNCTIONS: f64 = 1.0 + 32.0 * f64::EPSILON;

impl Rounded for f64 {
    const ZERO: f64 = 0.0;
    const ONE: f64 = 1.0;

    fn abs(self) -> f64 {
        f64::abs(self)
    }

    /// NaN counts as the smaller one.
    fn max(self, other: f64) -> f64 {
        f64::max(self, other)
    }

    fn is_positive(self) -> bool {
        self > 0.0
    }

    fn is_poisoned(self) -> bool {
        self.is_nan()
    }

    fn exp(self) -> f64 {
        f64::exp(self)
    }

    fn cosh(self) -> f64 {
        f64::cosh(self)
    }

    fn sinh(self) -> f64 {
        f64::sinh(self)
    }

    fn tanh(self) -> f64 {
        f64::tanh(self)
    }

    /// Quotients and functions are charged for an underflow, too: the smallest normal number.
    fn radius(moved: f64, result: f64, rounding: Rounding) -> f64 {
        match rounding {
            Rounding::Sum | Rounding::Product => {
                (moved + rounding.in_f64() * result.abs()) * INFLATION
            }
            _ => within(moved, result, rounding.in_f64()),
        }
    }

    /// The smallest normal number where the product may be below it.
    fn lost_by_underflow(x: f64, y: f64, product: f64) -> f64 {
        if product.abs() < f64::MIN_POSITIVE && x != 0.0 && y != 0.0 {
            f64::MIN_POSITIVE
        } else {
            0.0
        }
    }

    fn above(self) -> f64 {
        self.next_up()
    }

    fn difference_below(self, other: f64) -> f64 {
        (self - other).next_down()
    }

    fn growth(self) -> f64 {
        self.exp_m1()
    }

    fn slope_of_tanh(self) -> f64 {
        f64::cosh(self).powi(-2)
    }

    /// The quotient, with an infinite radius.
    fn unknown(quotient: f64) -> (f64, f64) {
        (quotient, f64::INFINITY)
    }
}

/// The radius around a value of functions that is within `relative` of itself, for arguments whose errors move it by at
/// most `moved`: for formulas of several calls, which [`Rounding`] has no entry for.
pub(crate) fn within(moved: f64, result: f64, relative: f64) -> f64 {
    (result.abs() * relative + moved) * INFLATION_OF_FUNCTIONS + f64::MIN_POSITIVE
}

/// Surcharge of `10^-30` on every radius at 40 digits. A radius is a sum and product of nonnegative numbers, so `k`
/// roundings change it by less than `k 10^-39` relative to itself; there are some 4 per term, so this covers 10^8 terms.
const SURCHARGE_EXPONENT: i64 = -30;

impl Rounded for High {
    const ZERO: High = High::ZERO;
    const ONE: High = High::ONE;

    fn abs(self) -> High {
        High::abs(self)
    }

    fn max(self, other: High) -> High {
        High::max(self, other)
    }

    fn is_positive(self) -> bool {
        High::is_positive(self)
    }

    fn is_poisoned(self) -> bool {
        High::is_poisoned(self)
    }

    fn exp(self) -> High {
        High::exp(self)
    }

    fn cosh(self) -> High {
        High::cosh(self)
    }

    fn sinh(self) -> High {
        High::sinh(self)
    }

    fn tanh(self) -> High {
        High::tanh(self)
    }

    fn radius(moved: High, result: High, rounding: Rounding) -> High {
        let radius = moved + hundredths_of_unit(result.abs(), rounding.hundredths());
        radius + radius.shifted(SURCHARGE_EXPONENT)
    }

    /// Nothing: an exponent of 64 bits is poisoned before it could flush to zero.
    fn lost_by_underflow(_: High, _: High, _: High) -> High {
        High::ZERO
    }

    fn above(self) -> High {
        self + twice_a_rounding(self)
    }

    /// Charged relative to the larger operand, although the subtraction is right relative to its result.
    fn difference_below(self, other: High) -> High {
        (self - other) - twice_a_rounding(self)
    }

    /// `r + r^2` up to 1, by the series.
    fn growth(self) -> High {
        if self <= High::ONE {
            self + self.square()
        } else {
            self.exp()
        }
    }

    /// 1 everywhere: a better one costs as much as the `tanh` itself.
    fn slope_of_tanh(self) -> High {
        High::ONE
    }

    /// Poisoned.
    fn unknown(_: High) -> (High, High) {
        (High::POISONED, High::POISONED)
    }
}

/// Twice what a sum or a difference of this magnitude can be off.
fn twice_a_rounding(magnitude: High) -> High {
    hundredths_of_unit(magnitude.abs(), 2 * Rounding::Sum.hundredths())
}
