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
    use crate::production::test_support::covers;

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

    /// The bound is the formula's, inflated by 16 u for the roundings of the formula itself (give or take those).
    fn is_inflated(bound: f64, formula: f64) {
        let units = (bound / formula - 1.0) / UNIT;
        assert!((12.0..=20.0).contains(&units), "{units} units");
    }

    #[test]
    fn sums_differences_and_products_carry_exactly_the_bound_of_the_numerics_document() {
        let (x, y) = (
            Bounded::new(1.5, 3.0 * UNIT),
            Bounded::new(2.25, 5.0 * UNIT),
        );
        // e + f + u |x + y|.
        assert_eq!((x + y).value, 3.75);
        is_inflated((x + y).error, 11.75 * UNIT);
        assert_eq!((x - y).value, -0.75);
        is_inflated((x - y).error, 8.75 * UNIT);
        // e |y| + f |x| + u |x y| = 3 * 2.25 + 5 * 1.5 + 3.375.
        assert_eq!((x * y).value, 3.375);
        is_inflated((x * y).error, 17.625 * UNIT);
        // With errors of the size of the numbers: 0.25 * 2.5 + 0.5 * 1.5 + 0.25 * 0.5 = 1.5.
        let product = Bounded::new(1.5, 0.25) * Bounded::new(-2.5, 0.5);
        covers(product.error, 1.5, 1e-14);
        assert_eq!(product.value, -3.75);
        // The product of the ends is inside: 1.75 * 3 = 3.75 + 1.5.
        assert!(3.75 + product.error >= 5.25);
        assert_eq!(x.negated(), Bounded::new(-1.5, 3.0 * UNIT));
    }

    #[test]
    fn a_sum_carries_the_errors_of_its_terms_its_rounding_and_the_second_order_of_its_length() {
        let terms = [
            Bounded::new(1.0, 3.0 * UNIT),
            Bounded::new(2.0, 5.0 * UNIT),
            Bounded::new(-0.5, 7.0 * UNIT),
        ];
        let sum = Bounded::sum(&terms);
        assert_eq!(sum.value, 2.5);
        covers(sum.error, 17.5 * UNIT, 1e-14);
        // Only the second order is left of a sum that cancels: 2 (n u)^2 (|x| + |x|).
        let size = 2f64.powi(70);
        let cancelled = Bounded::sum(&[
            Bounded::exact(size),
            Bounded::exact(-size),
            Bounded::exact(0.0),
        ]);
        assert_eq!(cancelled.value, 0.0);
        covers(cancelled.error, 36.0 * UNIT * UNIT * size, 1e-14);
        // n plain additions of the errors may lose n units of their sum: 1024 terms, 1024 eps and the inflation's 8.
        let many = Bounded::sum(&[Bounded::new(0.0, 2f64.powi(-10)); 1024]);
        let extra = (many.error - 1.0) / f64::EPSILON;
        assert!((1030.0..=1034.0).contains(&extra), "{extra}");
    }

    #[test]
    fn a_quotient_carries_exactly_the_bound_of_the_numerics_document() {
        // (e + f |x / y|) / (|y| - f) + u |x / y|: (0.25 + 1.5 * 0.5) / 1.5.
        let quotient = Bounded::new(3.0, 0.25).over(Bounded::new(-2.0, 0.5));
        assert_eq!(quotient.value, -1.5);
        covers(quotient.error, 2.0 / 3.0, 1e-13);
        // The ends are inside: 3.25 / 1.5 = 1.5 + 2/3.
        assert!(1.5 + quotient.error >= 3.25 / 1.5);
        // (5 + 1.5 * 7) / 2 + 1.5 = 9.25 units.
        let close = Bounded::new(3.0, 5.0 * UNIT).over(Bounded::new(2.0, 7.0 * UNIT));
        covers(close.error, 9.25 * UNIT, 1e-13);
        // From where the divisor may be zero on, nothing is known.
        for error in [2.0, 3.0, f64::NAN] {
            let unknown = Bounded::exact(1.0).over(Bounded::new(-2.0, error));
            assert_eq!((unknown.value, unknown.error), (-0.5, f64::INFINITY));
        }
        assert!(Bounded::new(-2.0, 2.0).may_be_zero());
        assert!(Bounded::new(0.0, 0.0).may_be_zero());
        assert!(Bounded::new(f64::NAN, 0.0).may_be_zero());
        assert!(!Bounded::new(-2.0, 1.875).may_be_zero());
    }

    /// Name, function, argument, value there, what an error of 2^-4 moves it by (the table of `docs/numerics.md`), and the
    /// library's error in units of eps. Numbers from mpmath at 40 digits.
    type Case = (&'static str, fn(Bounded) -> Bounded, f64, f64, f64, f64);

    const CASES: [Case; 9] = [
        (
            "exp",
            Bounded::exp,
            0.75,
            2.117_000_016_612_675,
            0.136_534_770_600_533_88,
            2.0,
        ),
        (
            "cosh",
            Bounded::cosh,
            -0.75,
            1.294_683_284_676_844_7,
            0.083_499_897_915_230_06,
            4.0,
        ),
        (
            "sinh",
            Bounded::sinh,
            0.75,
            0.822_316_731_935_83,
            0.083_499_897_915_230_06,
            4.0,
        ),
        (
            "tanh",
            Bounded::tanh,
            0.75,
            0.635_148_952_387_287_3,
            0.040_271_161_395_315_44,
            4.0,
        ),
        (
            "1/cosh^2",
            Bounded::sech_squared,
            0.75,
            0.596_585_808_281_331_4,
            0.079_434_477_494_281_5,
            12.0,
        ),
        (
            "softplus",
            Bounded::softplus,
            0.75,
            1.136_871_006_114_9,
            0.045_186_372_617_952_85,
            12.0,
        ),
        (
            "softplus",
            Bounded::softplus,
            -0.75,
            0.386_871_006_114_899_94,
            0.021_344_531_064_413_367,
            12.0,
        ),
        (
            "logistic",
            Bounded::logistic,
            0.75,
            0.679_178_699_175_393,
            0.043_803_262_711_852_59,
            12.0,
        ),
        (
            "logistic",
            Bounded::logistic,
            -0.75,
            0.320_821_300_824_607,
            0.020_691_196_206_006_84,
            12.0,
        ),
    ];

    #[test]
    fn a_function_moves_by_what_the_table_of_the_numerics_document_says() {
        for (name, function, x, value, moved, library) in CASES {
            let inexact = function(Bounded::new(x, 0.0625));
            assert!((inexact.value / value - 1.0).abs() < 1e-15, "{name}");
            covers(inexact.error, moved, 1e-13);
            // The function at both ends of the interval.
            for end in [x - 0.0625, x + 0.0625] {
                let there = function(Bounded::exact(end)).value;
                assert!(
                    (there - inexact.value).abs() <= inexact.error,
                    "{name} at {end}"
                );
            }
            let exact = function(Bounded::exact(x));
            covers(exact.error, value.abs() * library * f64::EPSILON, 1e-13);
        }
    }

    #[test]
    fn functions_of_arguments_that_are_far_off_or_underflow_stay_covered() {
        // e^(0.75 + 2) and not e^0.75 (e^2 - 1): the same, up to e^0.75 less.
        covers(
            Bounded::new(0.75, 2.0).exp().error,
            15.642_631_884_188_172,
            1e-14,
        );
        assert_eq!(
            Bounded::new(-800.0, f64::INFINITY).exp().error,
            f64::INFINITY
        );
        assert_eq!(Bounded::new(-800.0, 0.5).exp(), Bounded::new(0.0, TINY));
        assert_eq!(
            Bounded::new(800.0, 0.5).sech_squared(),
            Bounded::new(0.0, TINY)
        );
        // Values of at most 1, with an error of at most 1, however far off the argument is.
        covers(Bounded::new(-800.0, 2.0).logistic().error, 1.0, 1e-13);
        covers(Bounded::new(800.0, 2.0).sech_squared().error, 1.0, 1e-13);
        covers(Bounded::new(0.0, 9.0).logistic().error, 1.0, 1e-13);
        // tanh and softplus: slope at most 1.
        covers(Bounded::new(0.5, 2.0).tanh().error, 2.0, 1e-13);
        covers(Bounded::new(0.5, 2.0).softplus().error, 2.0, 1e-13);
        assert_eq!(Bounded::exact(800.0).softplus().value, 800.0);
        assert_eq!(Bounded::exact(800.0).logistic().value, 1.0);
    }

    #[test]
    fn vectors_keep_numbers_and_bounds_apart() {
        let x = DVector::from_column_slice(&[1.0, -2.0]);
        let e = DVector::from_column_slice(&[0.25, 0.5]);
        let both = with_errors(&x, Some(&e));
        assert_eq!((values(&both), errors(&both)), (x.clone(), e));
        assert_eq!(errors(&with_errors(&x, None)), DVector::zeros(2));
    }

    #[test]
    fn only_a_product_that_may_have_underflowed_is_charged_for_it() {
        let charge = |x: f64, y: f64| (Bounded::exact(x) * Bounded::exact(y)).error;
        assert_eq!((charge(0.0, 3.0), charge(3.0, 0.0)), (0.0, 0.0));
        // 2^-1000 is normal: a rounding of it is all.
        let small = 2f64.powi(-500);
        covers(charge(small, small), UNIT * small * small, 1e-6);
        covers(charge(small, 2f64.powi(-530)), TINY, 1e-6);
    }
}
