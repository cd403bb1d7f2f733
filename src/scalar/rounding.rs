//! How far one rounded operation of [`High`] can be off: the one table that enclosures charge by and answers are
//! judged by. Entries are hundredths of a unit of `10^-39`, relative to the result; `tests` of `high` hold them.

use super::High;

/// `+ - * /`, which stay below 0.5001 units.
pub const ARITHMETIC: i64 = 51;
/// Square roots, which stay below 0.51.
pub const SQRT: i64 = 52;
/// Logarithms.
pub const LN: i64 = 300;
/// The exponential.
pub const EXP: i64 = 400;
/// Hyperbolic functions.
pub const HYPERBOLIC: i64 = 600;
/// A hundredth of a unit.
const HUNDREDTH_EXPONENT: i64 = -41;

/// So many hundredths of a unit of a result with this magnitude.
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
        assert_eq!(unit, High::ONE.shifted(-39));
        assert_eq!(unit.to_f64(), High::UNIT);
        assert_eq!(
            hundredths_of_unit(High::int(-3), 200),
            High::int(-6).shifted(-39)
        );
    }
}
