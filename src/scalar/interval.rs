//! Intervals of f64 with outward rounding, for operands that are wide.
//!
//! A [`Ball`] suits a number that is nearly known. For ranges, an interval by its ends is sharper: `[0, 1] * [0, 1]` is
//! `[0, 1]`, while the balls around 1/2 give `[-1/2, 1]`, and the proofs of the sharp constants are about boxes of such
//! ranges, some of which end at zero exactly.
//!
//! `+ - *` round to nearest, so the exact result lies between the neighbours of the computed one. Nothing in this module
//! assumes more of the hardware than IEEE 754.

use num_rational::BigRational;
use num_traits::ToPrimitive;
use std::ops::{Add, Mul};

use super::Ball;

/// All real numbers from `low` to `high`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The left end.
    pub low: f64,
    /// The right end.
    pub high: f64,
}

impl Interval {
    /// The number itself.
    pub const fn point(value: f64) -> Self {
        Self {
            low: value,
            high: value,
        }
    }

    /// The smallest interval found that holds an exact number; both ends are compared with it exactly.
    pub fn around(value: &BigRational) -> Self {
        let nearest = value.to_f64().unwrap_or(f64::NAN);
        let (mut low, mut high) = (nearest, nearest);
        // The conversion is good to a unit or two: these loops take a step or none. A number without a finite
        // neighbour (none occurs here) becomes an end that bounds nothing wrongly: the infinite one.
        while low > f64::NEG_INFINITY
            && BigRational::from_float(low).is_none_or(|exact| exact > *value)
        {
            low = low.next_down();
        }
        while high < f64::INFINITY
            && BigRational::from_float(high).is_none_or(|exact| exact < *value)
        {
            high = high.next_up();
        }
        Self { low, high }
    }

    /// A ball around [`Interval::middle`] that holds all of the interval.
    pub fn ball(self) -> Ball<f64> {
        let middle = self.middle();
        Ball::new(
            middle,
            (self.high - middle).max(middle - self.low).next_up(),
        )
    }

    /// A number near the middle.
    pub fn middle(self) -> f64 {
        0.5 * (self.low + self.high)
    }

    /// The interval's smallest absolute value.
    pub fn mignitude(self) -> f64 {
        if self.low > 0.0 {
            self.low
        } else if self.high < 0.0 {
            -self.high
        } else {
            0.0
        }
    }

    /// `self^exponent`, as a repeated product.
    pub fn power(self, exponent: usize) -> Self {
        (0..exponent).fold(Self::point(1.0), |product, _| product * self)
    }

    /// `1 / self` for an interval of positive numbers.
    pub fn reciprocal_of_positive(self) -> Self {
        debug_assert!(self.low > 0.0);
        Self {
            low: (1.0 / self.high).next_down(),
            high: (1.0 / self.low).next_up(),
        }
    }
}

impl Add for Interval {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        let zero = Self::point(0.0);
        if self == zero {
            return other;
        }
        if other == zero {
            return self;
        }
        Self {
            low: (self.low + other.low).next_down(),
            high: (self.high + other.high).next_up(),
        }
    }
}

impl Mul for Interval {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        let zero = Self::point(0.0);
        if self == zero || other == zero {
            return zero;
        }
        let products = [
            self.low * other.low,
            self.low * other.high,
            self.high * other.low,
            self.high * other.high,
        ];
        Self {
            low: products
                .into_iter()
                .fold(f64::INFINITY, f64::min)
                .next_down(),
            high: products
                .into_iter()
                .fold(f64::NEG_INFINITY, f64::max)
                .next_up(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_third_lies_strictly_inside_its_interval() {
        let third = BigRational::new(1.into(), 3.into());
        let interval = Interval::around(&third);
        assert!(BigRational::from_float(interval.low).unwrap() < third);
        assert!(BigRational::from_float(interval.high).unwrap() > third);
        assert_eq!(interval.low.next_up(), interval.high);
        let half = Interval::around(&BigRational::new(1.into(), 2.into()));
        assert_eq!(half, Interval::point(0.5));
    }

    #[test]
    fn sums_and_products_hold_the_exact_results() {
        // Exact rational arithmetic decides, on numbers whose sums and products are not representable.
        for (a, b) in [(0.1, 0.2), (1e16, 1.0), (-0.3, 0.7), (1.0 / 3.0, -3.0)] {
            let exact = |x: f64| BigRational::from_float(x).unwrap();
            let sum = Interval::point(a) + Interval::point(b);
            let product = Interval::point(a) * Interval::point(b);
            assert!(exact(sum.low) < exact(a) + exact(b) && exact(a) + exact(b) < exact(sum.high));
            assert!(
                exact(product.low) < exact(a) * exact(b)
                    && exact(a) * exact(b) < exact(product.high)
            );
        }
    }
}
