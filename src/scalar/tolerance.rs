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
    /// A tolerance of `units` f64 roundings, each `f64::EPSILON`.
    pub const fn f64_units(units: f64, why: &'static str) -> Self {
        Self {
            units,
            unit: f64::EPSILON,
            why,
        }
    }

    /// A tolerance of `units` roundings at 40 digits, each [`High::UNIT`].
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

    /// The same allowance at 40 digits, for a scale that an f64 cannot hold (`exp(-2700)` has the exponent -1173).
    ///
    /// Poisoned, so that no comparison passes, if `scale` is poisoned or the tolerance itself is not finite.
    pub fn at_high(&self, scale: High) -> High {
        High::lift(self.units * self.unit).map_or(High::POISONED, |relative| relative * scale)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_allowance_grows_with_the_scale() {
        let tolerance = Tolerance::f64_units(8.0, "a test");
        assert_eq!(tolerance.at(0.5), 4.0 * f64::EPSILON);
        assert_eq!(
            tolerance.at_high(High::ratio(1, 2)).to_f64(),
            4.0 * f64::EPSILON
        );
    }

    #[test]
    fn the_allowance_reaches_below_the_f64_range() {
        let tolerance = Tolerance::high_units(1.0, "a test");
        let scale = High::int(-2700).exp();
        assert_eq!(tolerance.at(scale.to_f64()), 0.0);
        assert_eq!(tolerance.at_high(scale).exponent10(), Some(-1212));
    }

    #[test]
    fn a_poisoned_allowance_allows_nothing() {
        let endless = Tolerance::f64_units(f64::INFINITY, "a test");
        let allowed = endless.at_high(High::ONE);
        assert!(allowed.is_poisoned());
        assert!(High::ZERO.partial_cmp(&allowed).is_none());
    }
}
