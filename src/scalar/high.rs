//! The oracle's scalar: 40 decimal digits with a 64-bit decimal exponent.
//!
//! The digits are computed by `num_bigfloat`, whose own exponent is an `i8` and silently flushes to 0 or to infinity.
//! [`High`] therefore keeps the significand in `[1, 10)` with all 40 digits filled and carries the exponent itself.
//! This file is the only one that names `num_bigfloat`.

mod error;
mod field;
mod functions;
mod operators;
mod tables;
mod text;

#[cfg(test)]
mod tests;

use std::cmp::Ordering;

use num_bigfloat::BigFloat;

pub use error::ScalarError;

/// Decimal digits of a significand.
const DIGITS: usize = 40;
/// Base-10000 limbs of a significand, least significant first.
const LIMBS: usize = 10;
/// The raw exponent that puts a full 40-digit mantissa into `[1, 10)`.
const RAW_EXPONENT: i8 = 1 - DIGITS as i8;
/// An operand this many decades below the other cannot move the rounded sum.
const LARGEST_VISIBLE_GAP: u64 = 41;

/// A decimal floating-point number of 40 digits and an `i64` exponent: `significand * 10^exponent`.
///
/// Any real of magnitude `10^-9.2e18` to `10^9.2e18`, and zero (which has no sign). `+`, `-`, `*`, `/` round half to
/// even after 44 digits, so each errs by at most `0.5001 * High::UNIT` relative to its result.
///
/// An operation without an answer (`x/0`, `ln` of a nonpositive number, `sqrt` of a negative one, an exponent beyond
/// 64 bits) gives the *poisoned* value. Poison is sticky: whatever is computed from it is poisoned, it equals nothing,
/// compares as `None`, and [`High::checked`] refuses it. No operation returns infinity or flushes to zero.
#[derive(Clone, Copy)]
pub struct High {
    /// In `[1, 10)` with all 40 digits filled, or exactly zero, or NaN for the poisoned value.
    significand: BigFloat,
    /// 0 when the significand is zero or NaN.
    exponent: i64,
}

impl High {
    /// Zero.
    pub const ZERO: High = High {
        significand: num_bigfloat::ZERO,
        exponent: 0,
    };

    /// One.
    pub const ONE: High = High {
        significand: num_bigfloat::ONE,
        exponent: 0,
    };

    /// The spacing of the numbers just above one, the counterpart of `f64::EPSILON`: `10^-39`.
    ///
    /// A rounded operation errs by at most half of it, relative to its result.
    pub const UNIT: f64 = 1e-39;

    /// The answer of an operation that has none.
    pub(crate) const POISONED: High = High {
        significand: num_bigfloat::NAN,
        exponent: 0,
    };

    /// Restores the invariant after an operation of `num_bigfloat` whose operands were in range.
    fn normalised(mut significand: BigFloat, exponent: i64) -> High {
        if significand.is_nan() || significand.is_inf() {
            return High::POISONED;
        }
        if significand.is_zero() {
            return High::ZERO;
        }
        debug_assert_eq!(significand.get_mantissa_len(), DIGITS);
        let shift = significand.get_exponent() - RAW_EXPONENT;
        significand.set_exponent(RAW_EXPONENT);
        match exponent.checked_add(i64::from(shift)) {
            Some(exponent) => High {
                significand,
                exponent,
            },
            None => High::POISONED,
        }
    }

    /// `±d1.d2 ... d40 * 10^exponent` from limbs whose leading digit is not zero; all-zero limbs give zero.
    fn from_limbs(negative: bool, limbs: [i16; LIMBS], exponent: i64) -> High {
        if limbs == [0; LIMBS] {
            return High::ZERO;
        }
        debug_assert!(limbs[LIMBS - 1] >= 1000);
        let sign = if negative { -1 } else { 1 };
        High {
            significand: BigFloat::from_raw_parts(limbs, DIGITS as i16, sign, RAW_EXPONENT),
            exponent,
        }
    }

    /// The limbs of the significand, least significant first; `None` if poisoned.
    fn limbs(self) -> Option<[i16; LIMBS]> {
        self.significand.to_raw_parts().map(|(limbs, ..)| limbs)
    }

    /// The number with its significand cut to 20 digits, so that its square is exact.
    fn truncated_to_half(self) -> High {
        match self.limbs() {
            None => High::POISONED,
            Some(mut limbs) => {
                limbs[..LIMBS / 2].fill(0);
                High::from_limbs(self.is_negative(), limbs, self.exponent)
            }
        }
    }

    /// The same significand with another exponent.
    fn with_exponent(self, exponent: i64) -> High {
        High { exponent, ..self }
    }

    /// `k`, exactly.
    pub fn int(k: i64) -> High {
        let Some(log) = k.unsigned_abs().checked_ilog10() else {
            return High::ZERO;
        };
        // 20 digits hold every i64; the 20 below them are zero. Filling the mantissa matters: num_bigfloat divides a
        // short mantissa to few digits.
        let mut rest = u128::from(k.unsigned_abs()) * 10u128.pow(19 - log);
        let mut limbs = [0; LIMBS];
        for limb in &mut limbs[LIMBS / 2..] {
            *limb = (rest % 10_000) as i16;
            rest /= 10_000;
        }
        High::from_limbs(k < 0, limbs, i64::from(log))
    }

    /// `p / q`, rounded once. Poisoned if `q` is zero.
    pub fn ratio(p: i64, q: i64) -> High {
        High::int(p) / High::int(q)
    }

    /// Is this the answer of an operation that has none?
    pub fn is_poisoned(self) -> bool {
        self.significand.is_nan()
    }

    /// The value itself, or [`ScalarError::Poisoned`].
    pub fn checked(self) -> Result<High, ScalarError> {
        if self.is_poisoned() {
            Err(ScalarError::Poisoned)
        } else {
            Ok(self)
        }
    }

    /// Is this exactly zero? False for the poisoned value.
    pub fn is_zero(self) -> bool {
        self.significand.is_zero()
    }

    /// Is this less than zero? False for the poisoned value.
    pub fn is_negative(self) -> bool {
        self.significand.is_negative()
    }

    /// Is this greater than zero? False for the poisoned value.
    pub fn is_positive(self) -> bool {
        self.significand.is_positive() && !self.is_zero()
    }

    /// The sign as a number: -1, 0 or 1. Poisoned stays poisoned.
    pub fn sign(self) -> High {
        if self.is_poisoned() || self.is_zero() {
            self
        } else if self.is_negative() {
            -High::ONE
        } else {
            High::ONE
        }
    }

    /// `|x|`, exactly.
    pub fn abs(self) -> High {
        High {
            significand: self.significand.abs(),
            exponent: self.exponent,
        }
    }

    /// `floor(log10 |x|)`: the exponent of the leading digit. `None` for zero and for the poisoned value.
    pub fn exponent10(self) -> Option<i64> {
        (!self.is_zero() && !self.is_poisoned()).then_some(self.exponent)
    }

    /// `x * 10^decades`, exactly. Poisoned if the exponent leaves 64 bits.
    pub fn shifted(self, decades: i64) -> High {
        if self.is_zero() || self.is_poisoned() {
            return self;
        }
        match self.exponent.checked_add(decades) {
            Some(exponent) => High { exponent, ..self },
            None => High::POISONED,
        }
    }

    /// The larger of two numbers. Poisoned if either is.
    pub fn max(self, other: High) -> High {
        match self.partial_cmp(&other) {
            Some(Ordering::Less) => other,
            Some(_) => self,
            None => High::POISONED,
        }
    }

    /// The smaller of two numbers. Poisoned if either is.
    pub fn min(self, other: High) -> High {
        match self.partial_cmp(&other) {
            Some(Ordering::Greater) => other,
            Some(_) => self,
            None => High::POISONED,
        }
    }

    /// `1 / x`, rounded once. Poisoned if `x` is zero.
    pub fn recip(self) -> High {
        High::ONE / self
    }

    /// `x * x`, rounded once.
    pub fn square(self) -> High {
        self * self
    }

    /// `-x`, exactly; zero has no sign.
    fn negated(self) -> High {
        if self.is_zero() {
            return self;
        }
        High {
            significand: self.significand.inv_sign(),
            exponent: self.exponent,
        }
    }

    /// `x + y`, rounded once.
    fn plus(self, other: High) -> High {
        if self.is_poisoned() || other.is_poisoned() {
            return High::POISONED;
        }
        if self.is_zero() {
            return other;
        }
        if other.is_zero() {
            return self;
        }
        let (large, small) = if self.exponent >= other.exponent {
            (self, other)
        } else {
            (other, self)
        };
        let gap = large.exponent.abs_diff(small.exponent);
        if gap > LARGEST_VISIBLE_GAP {
            return large;
        }
        // At most 41 decades below 10^-39: far inside the i8.
        let mut aligned = small.significand;
        aligned.set_exponent(RAW_EXPONENT - gap as i8);
        High::normalised(large.significand.add(&aligned), large.exponent)
    }

    /// `x * y`, rounded once.
    fn times(self, other: High) -> High {
        match self.exponent.checked_add(other.exponent) {
            Some(exponent) => High::normalised(self.significand.mul(&other.significand), exponent),
            None => High::POISONED,
        }
    }

    /// `x / y`, rounded once. Poisoned if `y` is zero.
    fn over(self, other: High) -> High {
        match self.exponent.checked_sub(other.exponent) {
            // num_bigfloat answers x/0 with an infinity and 0/0 with NaN; both become poison.
            Some(exponent) => High::normalised(self.significand.div(&other.significand), exponent),
            None => High::POISONED,
        }
    }
}

impl PartialEq for High {
    fn eq(&self, other: &High) -> bool {
        self.partial_cmp(other) == Some(Ordering::Equal)
    }
}

impl PartialOrd for High {
    fn partial_cmp(&self, other: &High) -> Option<Ordering> {
        if self.is_poisoned() || other.is_poisoned() {
            return None;
        }
        let order = if self.is_negative() == other.is_negative()
            && !self.is_zero()
            && !other.is_zero()
            && self.exponent != other.exponent
        {
            let magnitude = self.exponent.cmp(&other.exponent);
            if self.is_negative() {
                magnitude.reverse()
            } else {
                magnitude
            }
        } else {
            // Same exponent, or the signs decide.
            self.significand.cmp(&other.significand)?.cmp(&0)
        };
        Some(order)
    }
}
