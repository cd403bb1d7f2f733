//! A tolerance is a value with a reason: how many units in the last place, and why that many.

use super::High;

/// An allowance in units of the working precision, with the argument for it.
///
/// A check compares `|x - y|` with `units * unit * scale`, where `scale` is the sum of the magnitudes of the terms
/// (never a possibly cancelled result).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tolerance {
    /// Allowance in units of `unit`.
    pub units: f64,
    /// Size of one unit relative to the scale (`f64::EPSILON` for f64, `High::UNIT` for [`High`]).
    pub unit: f64,
    /// The derivation, or where it is written.
    pub why: &'static str,
}

impl Tolerance {
    /// A tolerance of `units` f64 roundings.
    pub const fn f64_units(units: f64, why: &'static str) -> Self {
        Self {
            units,
            unit: f64::EPSILON,
            why,
        }
    }

    /// A tolerance of `units` roundings at 40 digits.
    pub const fn high_units(units: f64, why: &'static str) -> Self {
        Self {
            units,
            unit: High::UNIT,
            why,
        }
    }

    /// The absolute allowance for a quantity whose terms have magnitudes that add up to `scale`.
    pub fn at(&self, scale: f64) -> f64 {
        self.units * self.unit * scale
    }
}
