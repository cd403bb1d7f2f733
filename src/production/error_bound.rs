//! A bound on the error of an answer, however it was proven.

/// Covers the roundings made in combining a handful of non-negative bounds.
pub(crate) const SLACK: f64 = 1.0 + 1e-10;
/// Added to what a gradient is off by: a norm loses what is smaller than the root of the smallest f64, about 1e-154.
pub(crate) const UNDERFLOW: f64 = 1e-140;

/// A bound on the distance to a minimiser, or why there is none.
#[derive(Clone, Debug, PartialEq)]
pub struct Certificate {
    /// `||x - x*||_2 <= bound`; x is taken as the exact f64 numbers it consists of.
    pub bound: Option<f64>,
    /// What the bound rests on and which minimiser is meant, or why there is no bound.
    pub basis: String,
}

impl Certificate {
    pub(crate) fn none(reason: impl std::fmt::Display) -> Self {
        Self {
            bound: None,
            basis: format!("no bound: {reason}"),
        }
    }
}
