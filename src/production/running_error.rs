//! Running error analysis: what the losses in f64 need of a [`Ball`] beyond its arithmetic.

use nalgebra::DVector;

use crate::production::summation::compensated_sum;
use crate::scalar::rounding::{Rounding, UNIT};
use crate::scalar::{Ball, within};

/// Three functions of the C library, or two and a few operations.
const THREE_CALLS: f64 = 3.0 * Rounding::Hyperbolic.in_f64();

impl Ball<f64> {
    /// The compensated sum: the terms' own errors and the roundings of [`compensated_sum`].
    pub(crate) fn sum(terms: &[Self]) -> Self {
        let value = compensated_sum(terms.iter().map(|term| term.midpoint()));
        let inherited: f64 = terms.iter().map(|term| term.radius()).sum();
        let magnitude: f64 = terms.iter().map(|term| term.midpoint().abs()).sum();
        let length = terms.len() as f64;
        let second_order = (length * UNIT).powi(2) * magnitude * 2.0;
        // The inherited errors are added plainly: their sum is low by at most n u of itself.
        let moved = inherited * (1.0 + length * f64::EPSILON) + second_order;
        Self::rounded(value, moved, Rounding::Sum)
    }

    /// How much a positive function whose logarithm has slope at most `rate` grows at most, if its value is `value` here:
    /// `value (exp(rate r) - 1)`.
    fn growth(self, value: f64, rate: f64) -> f64 {
        if value == 0.0 {
            // 0 * inf; a value that underflows is charged for, unless the error is huge.
            return if self.radius() < 1.0 {
                0.0
            } else {
                f64::INFINITY
            };
        }
        value * (rate * self.radius()).exp_m1()
    }

    /// A value of three calls at most, for an argument whose error moves it by at most `moved`.
    fn of_calls(value: f64, moved: f64) -> Self {
        Self::new(value, within(moved, value, THREE_CALLS))
    }

    /// `1 / cosh(x)^2`, the derivative of tanh: its logarithm has slope at most 2.
    pub(crate) fn sech_squared(self) -> Self {
        let value = self.midpoint().cosh().powi(-2);
        Self::of_calls(value, self.growth(value, 2.0).min(1.0))
    }

    /// `ln(1 + exp(x))`, computed as `max(x, 0) + ln(1 + exp(-|x|))`: two positive terms. Its derivative is the logistic
    /// function, whose logarithm has slope at most 1.
    pub(crate) fn softplus(self) -> Self {
        let x = self.midpoint();
        let value = x.max(0.0) + (-x.abs()).exp().ln_1p();
        let slope = (logistic(x) * (1.0 + THREE_CALLS) * self.radius().exp()).min(1.0);
        Self::of_calls(value, self.radius() * slope)
    }

    /// `1 / (1 + exp(-x))`: its logarithm has slope at most 1.
    pub(crate) fn logistic(self) -> Self {
        let value = logistic(self.midpoint());
        Self::of_calls(value, self.growth(value, 1.0).min(1.0))
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
pub(crate) fn values(numbers: &[Ball<f64>]) -> DVector<f64> {
    DVector::from_iterator(
        numbers.len(),
        numbers.iter().map(|number| number.midpoint()),
    )
}

/// The bounds alone.
pub(crate) fn errors(numbers: &[Ball<f64>]) -> DVector<f64> {
    DVector::from_iterator(numbers.len(), numbers.iter().map(|number| number.radius()))
}

/// Each entry of `x` with its bound; exact where there is none.
pub(crate) fn with_errors(x: &DVector<f64>, error: Option<&DVector<f64>>) -> Vec<Ball<f64>> {
    (0..x.len())
        .map(|i| Ball::new(x[i], error.map_or(0.0, |error| error[i])))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scalar::High;
    use crate::scalar::test_support::{Tabulated, covers, moves_as_tabulated};

    #[test]
    fn a_sum_carries_the_errors_of_its_terms_its_rounding_and_the_second_order_of_its_length() {
        let terms = [
            Ball::new(1.0, 3.0 * UNIT),
            Ball::new(2.0, 5.0 * UNIT),
            Ball::new(-0.5, 7.0 * UNIT),
        ];
        let sum = Ball::sum(&terms);
        assert_eq!(sum.midpoint(), 2.5);
        covers(sum.radius(), 17.5 * UNIT, 1e-14);
        // Only the second order is left of a sum that cancels: 2 (n u)^2 (|x| + |x|).
        let size = 2f64.powi(70);
        let cancelled = Ball::sum(&[Ball::exact(size), Ball::exact(-size), Ball::exact(0.0)]);
        assert_eq!(cancelled.midpoint(), 0.0);
        covers(cancelled.radius(), 36.0 * UNIT * UNIT * size, 1e-14);
        // n plain additions of the errors may lose n units of their sum: 1024 terms, 1024 eps and the inflation's 8.
        let many = Ball::sum(&[Ball::new(0.0, 2f64.powi(-10)); 1024]);
        let extra = (many.radius() - 1.0) / f64::EPSILON;
        assert!((1030.0..=1034.0).contains(&extra), "{extra}");
    }

    const CASES: [Tabulated; 5] = [
        (
            "1/cosh^2",
            Ball::sech_squared,
            0.75,
            0.596_585_808_281_331_4,
            0.079_434_477_494_281_5,
            12.0,
        ),
        (
            "softplus",
            Ball::softplus,
            0.75,
            1.136_871_006_114_9,
            0.045_186_372_617_952_85,
            12.0,
        ),
        (
            "softplus",
            Ball::softplus,
            -0.75,
            0.386_871_006_114_899_94,
            0.021_344_531_064_413_367,
            12.0,
        ),
        (
            "logistic",
            Ball::logistic,
            0.75,
            0.679_178_699_175_393,
            0.043_803_262_711_852_59,
            12.0,
        ),
        (
            "logistic",
            Ball::logistic,
            -0.75,
            0.320_821_300_824_607,
            0.020_691_196_206_006_84,
            12.0,
        ),
    ];

    #[test]
    fn a_function_moves_by_what_the_table_of_the_numerics_document_says() {
        CASES.into_iter().for_each(moves_as_tabulated);
    }

    #[test]
    fn functions_of_arguments_that_are_far_off_or_underflow_stay_covered() {
        assert_eq!(
            Ball::new(800.0, 0.5).sech_squared(),
            Ball::new(0.0, f64::MIN_POSITIVE)
        );
        // Values of at most 1, with an error of at most 1, however far off the argument is.
        covers(Ball::new(-800.0, 2.0).logistic().radius(), 1.0, 1e-13);
        covers(Ball::new(800.0, 2.0).sech_squared().radius(), 1.0, 1e-13);
        covers(Ball::new(0.0, 9.0).logistic().radius(), 1.0, 1e-13);
        // softplus: slope at most 1.
        covers(Ball::new(0.5, 2.0).softplus().radius(), 2.0, 1e-13);
        assert_eq!(Ball::exact(800.0).softplus().midpoint(), 800.0);
        assert_eq!(Ball::exact(800.0).logistic().midpoint(), 1.0);
    }

    /// By `High`, at both ends and inside, for radii from below a rounding to far above 1.
    #[test]
    fn functions_hold_their_values_over_balls_of_every_size() {
        type Entry = (&'static str, fn(Ball<f64>) -> Ball<f64>, fn(High) -> High);
        let functions: [Entry; 3] = [
            ("1/cosh^2", Ball::sech_squared, |x| {
                x.cosh().square().recip()
            }),
            ("softplus", Ball::softplus, |x| x.exp().ln_1p()),
            ("logistic", Ball::logistic, |x| {
                (High::ONE + (-x).exp()).recip()
            }),
        ];
        for (name, of, at) in functions {
            let mut needed = false;
            for x in [-40.0, -3.0, -0.75, 0.0, 0.5, 2.0, 30.0] {
                for exponent in [-60, -53, -40, -20, -10, -4, -3, -2, -1, 0, 1, 3, 5] {
                    let radius = 2f64.powi(exponent);
                    let ball = of(Ball::new(x, radius));
                    for place in [-1.0, -0.75, 0.0, 0.5, 1.0] {
                        let lifted = |value: f64| High::lift(value).unwrap();
                        let value = at(lifted(x) + lifted(radius) * lifted(place));
                        let off = (lifted(ball.midpoint()) - value).abs().to_f64();
                        assert!(off <= ball.radius(), "{name} at {x} +- {radius}, {place}");
                        needed |= off > 0.9 * ball.radius();
                    }
                }
            }
            assert!(needed, "{name}: the radius is never needed");
        }
    }

    #[test]
    fn vectors_keep_numbers_and_bounds_apart() {
        let x = DVector::from_column_slice(&[1.0, -2.0]);
        let e = DVector::from_column_slice(&[0.25, 0.5]);
        let both = with_errors(&x, Some(&e));
        assert_eq!((values(&both), errors(&both)), (x.clone(), e));
        assert_eq!(errors(&with_errors(&x, None)), DVector::zeros(2));
    }
}
