//! A bound on the error of an answer, however it was proven.

use nalgebra::DVector;

use crate::production::error_bound::rounding::SLACK;
use crate::production::summation::norm;

/// A bound on the distance to a minimiser, or why there is none.
#[derive(Clone, Debug, PartialEq)]
pub struct ErrorBound {
    /// `||x - x*||_2 <= bound`; x is taken as the exact f64 numbers it consists of.
    pub bound: Option<f64>,
    /// What the bound rests on and which minimiser is meant, or why there is no bound.
    pub basis: String,
}

/// A bound and what was found on the way to it.
pub(crate) struct Certificate {
    pub error: ErrorBound,
    /// The rounding level of the gradient, where it was wanted and is finite.
    pub noise: Option<f64>,
}

impl From<ErrorBound> for Certificate {
    fn from(error: ErrorBound) -> Self {
        Self { error, noise: None }
    }
}

impl ErrorBound {
    /// No bound, for this reason.
    pub(crate) fn none(reason: impl std::fmt::Display) -> Self {
        Self {
            bound: None,
            basis: format!("no bound: {reason}"),
        }
    }

    /// The bound in x from one that is `unit` times as large, rounded up; never below half a unit in the last place of each entry
    /// of x, by which the rounding of an exact minimiser can move it. None where it overflows.
    pub(crate) fn in_unknowns(self, unit: f64, x: &DVector<f64>) -> Self {
        let Some(measured) = self.bound else {
            return self;
        };
        let bound = (measured / unit).next_up().max(rounding_of(x));
        if bound.is_finite() {
            Self {
                bound: Some(bound),
                ..self
            }
        } else {
            Self::none("the bound overflows")
        }
    }
}

/// Half a unit in the last place of each entry, in norm, rounded up; positive, also at 0.
fn rounding_of(x: &DVector<f64>) -> f64 {
    let halves: Vec<f64> = x
        .iter()
        .map(|entry| {
            let size = entry.abs();
            // Half the smallest number is none.
            (0.5 * (size.next_up() - size)).max(f64::from_bits(1))
        })
        .collect();
    (norm(&halves) * SLACK).next_up()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bound(measured: f64, unit: f64, x: &[f64]) -> Option<f64> {
        let found = ErrorBound {
            bound: Some(measured),
            basis: String::new(),
        };
        let x = DVector::from_column_slice(x);
        found.in_unknowns(unit, &x).bound
    }

    /// Units in the last place: 2^-52 in [1, 2), 2^-51 in [2, 4); halves of 3 and 4 of them have the norm 5/2.
    #[test]
    fn no_bound_is_below_the_rounding_of_the_answer() {
        let ulp = 2f64.powi(-52);
        for (x, rounding) in [
            (vec![1.5], 0.5 * ulp),
            (vec![-3.0], ulp),
            (vec![9.0, 1e-300, 4.5], 20f64.sqrt() * ulp),
            (vec![1e-202], 0.5 * (1e-202f64.next_up() - 1e-202)),
        ] {
            let least = bound(0.0, 1.0, &x).unwrap();
            assert!(
                (1.0..1.0 + 1e-9).contains(&(least / rounding)),
                "{x:?}: {least:e}"
            );
        }
        // Subnormal answers, and none at all, are off by the smallest number.
        let least = bound(0.0, 1.0, &[0.0, 1e-320]).unwrap();
        assert!(least >= f64::from_bits(1) && least <= f64::from_bits(4));
    }

    #[test]
    fn a_bound_is_divided_by_its_unit_and_rounded_up() {
        let found = bound(6.0, 4.0, &[0.0]).unwrap();
        assert_eq!(found, 1.5f64.next_up());
        // 2^-1074 / 2 is no number: up, not down to 0.
        assert!(bound(f64::from_bits(1), 2.0, &[0.0]).unwrap() >= f64::from_bits(1));
        assert_eq!(bound(1e300, 1e-300, &[0.0]), None);
        assert_eq!(bound(1.0, 1.0, &[f64::MAX]), None);
        assert!(
            ErrorBound::none("x")
                .in_unknowns(1.0, &DVector::zeros(1))
                .bound
                .is_none()
        );
    }
}
