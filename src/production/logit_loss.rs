//! What a loss of the logits must offer. A new paper is a new implementation of [`LogitLoss`], nothing else.

use nalgebra::DVector;

use crate::production::{DiagonalPlusLowRank, EvaluationError};

/// A twice differentiable loss `l(z)` of n logits whose Hessian is diagonal plus low rank.
///
/// Every method takes `z` with [`logits`](Self::logits) finite entries (anything else is an [`EvaluationError`]) and
/// returns finite numbers or an error, never NaN.
pub trait LogitLoss: Send + Sync {
    /// The name in manifests and reports.
    fn name(&self) -> &'static str;

    /// The number of logits n.
    fn logits(&self) -> usize;

    /// `l(z)`.
    fn value(&self, z: &DVector<f64>) -> Result<f64, EvaluationError>;

    /// `grad l(z)`, n entries.
    fn gradient(&self, z: &DVector<f64>) -> Result<DVector<f64>, EvaluationError>;

    /// `Hess l(z)`, n x n in structured form.
    fn hessian(&self, z: &DVector<f64>) -> Result<DiagonalPlusLowRank, EvaluationError>;

    /// How far the computed `l`, `grad l`, `Hess l` at the computed logits `z` can be from the exact ones at exact
    /// logits that differ from `z` by at most `logit_error` entry by entry.
    fn error_bounds(
        &self,
        z: &DVector<f64>,
        logit_error: &DVector<f64>,
    ) -> Result<LogitErrorBounds, EvaluationError>;

    /// A proven `c` with `Hess l(z) >= c I` for all z, or `None` where none is known.
    fn curvature_floor(&self) -> Option<f64> {
        None
    }

    /// A proven `C` with `|| Hess l(z) ||_2 <= C` for all z, or `None` where none is known.
    fn curvature_ceiling(&self) -> Option<f64> {
        None
    }

    /// A proven `K` with `|| Hess l(y) - Hess l(z) ||_2 <= K || y - z ||_2` for all y, z, or `None` where none is known.
    fn hessian_lipschitz(&self) -> Option<f64> {
        None
    }

    /// Whether `l(z + t 1) = l(z)` for all t. Then the direction `h` with `A h = 1`, if there is one, is invisible.
    fn is_shift_invariant(&self) -> bool {
        false
    }
}

/// Bounds on the distance of computed from exact quantities of a [`LogitLoss`]; all entries are `>= 0`.
#[derive(Clone, Debug)]
pub struct LogitErrorBounds {
    /// Bound for `l`.
    pub value: f64,
    /// Bound for each entry of `grad l`.
    pub gradient: DVector<f64>,
    /// Bounds for diagonal, basis and core of `Hess l`, in the fields of the same names.
    pub hessian: DiagonalPlusLowRank,
}

/// Refuses a wrong length and the first entry that is not finite.
pub(crate) fn check_vector(
    part: &'static str,
    vector: &DVector<f64>,
    expected: usize,
) -> Result<(), EvaluationError> {
    if vector.len() != expected {
        return Err(EvaluationError::Shape {
            part,
            found: vector.len(),
            expected,
        });
    }
    match vector.iter().position(|value| !value.is_finite()) {
        Some(index) => Err(EvaluationError::NotFinite {
            part,
            index,
            value: vector[index],
        }),
        None => Ok(()),
    }
}

/// Turns a result that left the range of f64 into an error that names it.
pub(crate) fn refuse_overflow(
    quantity: &'static str,
    values: &[f64],
) -> Result<(), EvaluationError> {
    match values.iter().position(|value| !value.is_finite()) {
        Some(index) => Err(EvaluationError::Overflow {
            quantity,
            index,
            value: values[index],
        }),
        None => Ok(()),
    }
}
