//! What a check grants for rounding, and why.

use std::borrow::Cow;
use std::ops::{Add, Div, Mul};

use super::{High, Rounded};

/// How far two numbers may be apart before a check says that they differ, with the reason for so much, which is printed
/// where the check fails or cannot decide.
#[derive(Clone, Debug, PartialEq)]
pub struct Allowance<T> {
    size: T,
    reason: Cow<'static, str>,
}

impl<T> Allowance<T> {
    /// So much, for this reason: a phrase that reads well after "for".
    pub const fn new(size: T, reason: &'static str) -> Self {
        Self {
            size,
            reason: Cow::Borrowed(reason),
        }
    }

    /// Why.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl<T: Copy> Allowance<T> {
    /// How much.
    pub const fn size(&self) -> T {
        self.size
    }
}

impl Allowance<High> {
    /// Nothing: both sides are exact, or are compared as they are on purpose.
    pub const NOTHING: Self = Self::new(High::ZERO, "numbers compared as they are");
}

impl std::fmt::Display for Allowance<High> {
    /// `3.00e-36 for 64 n roundings of a sum`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} for {}", self.size.scientific(3), self.reason)
    }
}

impl std::fmt::Display for Allowance<f64> {
    /// `1e-9 for n d roundings of a Gram matrix`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:e} for {}", self.size, self.reason)
    }
}

impl<T: Rounded> Mul<T> for &Allowance<T> {
    type Output = Allowance<T>;

    /// The allowance for a quantity that many times as large; the reason stays.
    fn mul(self, factor: T) -> Allowance<T> {
        Allowance {
            size: self.size * factor,
            reason: self.reason.clone(),
        }
    }
}

impl<T: Rounded> Mul<T> for Allowance<T> {
    type Output = Self;

    fn mul(self, factor: T) -> Self {
        &self * factor
    }
}

impl<T: Rounded> Div<T> for Allowance<T> {
    type Output = Self;

    fn div(self, divisor: T) -> Self {
        Self {
            size: self.size / divisor,
            ..self
        }
    }
}

impl<T: Rounded> Add for Allowance<T> {
    type Output = Self;

    /// Both, each for its reason; a reason is named once, and not at all where nothing is granted for it.
    fn add(self, other: Self) -> Self {
        let size = self.size + other.size;
        let reason = if other.size == T::ZERO || self.reason == other.reason {
            self.reason
        } else if self.size == T::ZERO {
            other.reason
        } else {
            Cow::Owned(format!("{}, and {}", self.reason, other.reason))
        };
        Self { size, reason }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_names_both_reasons_once_and_none_that_grants_nothing() {
        let of = |size: i64, reason| Allowance::new(High::int(size), reason);
        let both = of(2, "sums") + of(3, "products");
        assert_eq!(both.size(), High::int(5));
        assert_eq!(both.reason(), "sums, and products");
        assert_eq!((of(2, "sums") + of(3, "sums")).reason(), "sums");
        for found in [
            of(2, "sums") + Allowance::NOTHING,
            Allowance::NOTHING + of(2, "sums"),
        ] {
            assert_eq!(found, of(2, "sums"));
        }
        // A poisoned size is not nothing.
        let poisoned = Allowance::new(High::POISONED, "a quotient") + of(2, "sums");
        assert!(poisoned.size().is_poisoned());
        assert_eq!(poisoned.reason(), "a quotient, and sums");
    }

    #[test]
    fn an_allowance_scales_with_its_quantity_and_keeps_its_reason() {
        let one = Allowance::new(High::int(6).shifted(-39), "six roundings");
        let found = &one * High::int(4) / High::int(3);
        assert_eq!(found.size(), High::int(8).shifted(-39));
        assert_eq!(found.to_string(), "8.00e-39 for six roundings");
    }
}
