//! How far one rounded operation can be off, in f64 and at 40 digits: the one table that numbers with an error charge by
//! and answers are judged by.
//!
//! | operation | f64, in units of `2^-53` | `High`, in hundredths of `10^-39` |
//! |---|---|---|
//! | `+ - * /` | 1, IEEE 754 | 51, above 0.5001 units |
//! | `sqrt` | 1, IEEE 754 | 52, above 0.51 units |
//! | `exp` | 4: the C libraries in use stay below 1 unit in the last place, 2 are granted | 400 |
//! | `ln` | 8: they stay below 2, 4 are granted | 300 |
//! | `cosh`, `sinh`, `tanh` | 8 | 600 |
//!
//! All relative to the result. The tests of `high` hold the last column against values from mpmath.

use super::High;

/// Unit roundoff of f64, `2^-53`.
pub const UNIT: f64 = f64::EPSILON / 2.0;

/// [`UNIT`] at 40 digits.
pub fn unit_of_f64() -> High {
    High::ratio(1, 1 << 53)
}

/// The unit of `High`, `10^-39`.
pub fn unit_of_high() -> High {
    High::ONE.shifted(-39)
}

/// What was computed, as far as the size of its rounding depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// `+ -`: no underflow beyond what IEEE 754 represents.
    Sum,
    /// `*`.
    Product,
    /// `/`.
    Quotient,
    /// Square roots.
    Sqrt,
    /// Logarithms, `ln(1 + x)` among them.
    Ln,
    /// The exponential.
    Exp,
    /// Hyperbolic functions.
    Hyperbolic,
}

impl Rounding {
    /// Its rounding in f64, relative to the result.
    pub const fn in_f64(self) -> f64 {
        match self {
            Self::Sum | Self::Product | Self::Quotient | Self::Sqrt => UNIT,
            Self::Exp => 4.0 * UNIT,
            Self::Ln | Self::Hyperbolic => 8.0 * UNIT,
        }
    }

    /// Its rounding at 40 digits, in hundredths of `10^-39` relative to the result.
    pub const fn hundredths(self) -> i64 {
        match self {
            Self::Sum | Self::Product | Self::Quotient => 51,
            Self::Sqrt => 52,
            Self::Ln => 300,
            Self::Exp => 400,
            Self::Hyperbolic => 600,
        }
    }

    /// Its rounding at 40 digits for a result of this magnitude.
    pub fn at_40_digits(self, magnitude: High) -> High {
        hundredths_of_unit(magnitude, self.hundredths())
    }
}

/// A hundredth of a unit.
const HUNDREDTH_EXPONENT: i64 = -41;

/// So many hundredths of a unit of `10^-39` of a result with this magnitude.
pub fn hundredths_of_unit(magnitude: High, hundredths: i64) -> High {
    (magnitude * High::int(hundredths)).shifted(HUNDREDTH_EXPONENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A hundred hundredths are the spacing that `High` documents.
    #[test]
    fn a_hundred_hundredths_are_a_unit() {
        let unit = hundredths_of_unit(High::ONE, 100);
        assert_eq!(unit, unit_of_high());
        assert_eq!(unit.to_f64(), High::UNIT);
        assert_eq!(unit_of_f64().to_f64(), UNIT);
        assert_eq!(
            hundredths_of_unit(High::int(-3), 200),
            High::int(-6).shifted(-39)
        );
    }
}
