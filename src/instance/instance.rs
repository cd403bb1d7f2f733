//! A validated problem: loss, design matrix `A`, target `b`, weights `w`, and the points somebody wants to look at.

use std::sync::Arc;

use nalgebra::{DMatrix, DVector};

use crate::instance::{DesignMatrix, InstanceError, LossKind};

/// A problem `min_x l(A x) + 0.5 || diag(w) A x ||^2` whose parts are known to fit together and to be finite.
///
/// `A` is n x d, `b` has as many entries as the model has outputs (n, or m for a second layer of m rows), `w` has n entries of any sign (only `w^2` enters). `points` are places in R^d that
/// belong to the instance: the first is the start of a solver and the `x` of a claim, the second a claim's `y`.
#[derive(Clone, Debug)]
pub struct Instance {
    loss: LossKind,
    matrix: Arc<DesignMatrix>,
    target: DVector<f64>,
    weights: DVector<f64>,
    points: Vec<DVector<f64>>,
}

impl Instance {
    /// Checks shapes and finiteness; names array, index and value of what does not fit. The matrix may be one that is
    /// shared already ([`Instance::shared_matrix`]).
    pub fn new(
        loss: LossKind,
        matrix: impl Into<Arc<DesignMatrix>>,
        target: DVector<f64>,
        weights: DVector<f64>,
    ) -> Result<Self, InstanceError> {
        let matrix = matrix.into();
        check_rows(&loss, &target, &weights, matrix.rows())?;
        Ok(Self {
            loss,
            matrix,
            target,
            weights,
            points: Vec::new(),
        })
    }

    /// The same instance with these points. Each must have `d` finite entries.
    pub fn with_points(mut self, points: Vec<DVector<f64>>) -> Result<Self, InstanceError> {
        for point in &points {
            check_vector("point", point, self.columns())?;
        }
        self.points = points;
        Ok(self)
    }

    /// The problem in logit space: `A = I` (n x n), `w = 0`, the same loss (its own data included) and target. Its Hessian
    /// is `B`.
    pub fn in_logits(&self) -> Self {
        let n = self.rows();
        Self {
            loss: self.loss.clone(),
            matrix: Arc::new(DesignMatrix::Dense(DMatrix::identity(n, n).into())),
            target: self.target.clone(),
            weights: DVector::zeros(n),
            points: Vec::new(),
        }
    }

    /// The loss of the logits.
    pub fn loss(&self) -> &LossKind {
        &self.loss
    }

    /// `A`, n x d.
    pub fn matrix(&self) -> &DesignMatrix {
        &self.matrix
    }

    /// `A` once more without a copy of its entries.
    pub fn shared_matrix(&self) -> Arc<DesignMatrix> {
        Arc::clone(&self.matrix)
    }

    /// `b`, as many entries as the model has outputs: n, or m for a second layer of m rows.
    pub fn target(&self) -> &DVector<f64> {
        &self.target
    }

    /// `w`, n entries.
    pub fn weights(&self) -> &DVector<f64> {
        &self.weights
    }

    /// The points that belong to the instance, each with d entries; may be empty.
    pub fn points(&self) -> &[DVector<f64>] {
        &self.points
    }

    /// The first point, or the origin where there is none.
    pub fn start(&self) -> DVector<f64> {
        self.points
            .first()
            .cloned()
            .unwrap_or_else(|| DVector::zeros(self.columns()))
    }

    /// Number of rows `n`.
    pub fn rows(&self) -> usize {
        self.matrix.rows()
    }

    /// Number of columns `d`.
    pub fn columns(&self) -> usize {
        self.matrix.columns()
    }
}

/// That loss, target and weights fit n rows.
pub(super) fn check_rows(
    loss: &LossKind,
    target: &DVector<f64>,
    weights: &DVector<f64>,
    n: usize,
) -> Result<(), InstanceError> {
    loss.validate(n)?;
    check_target(loss, target.as_slice(), n)?;
    check_vector("weights", weights, n)
}

/// Refuses a target that is not finite, or has another number of entries than the loss of n logits has outputs.
pub(crate) fn check_target(loss: &LossKind, target: &[f64], n: usize) -> Result<(), InstanceError> {
    check_entries("target", target, loss.target_length(n))
}

pub(super) fn check_vector(
    part: &'static str,
    vector: &DVector<f64>,
    length: usize,
) -> Result<(), InstanceError> {
    check_entries(part, vector.as_slice(), length)
}

fn check_entries(part: &'static str, vector: &[f64], length: usize) -> Result<(), InstanceError> {
    if vector.len() != length {
        return Err(InstanceError::Shape {
            part,
            found: format!("{} entries", vector.len()),
            expected: length.to_string(),
        });
    }
    // Without a branch for each entry, which are mostly all finite.
    let finite = |entries: &[f64]| {
        entries
            .iter()
            .fold(true, |all, entry| all & entry.is_finite())
    };
    if vector.chunks(64).all(finite) {
        return Ok(());
    }
    for (i, value) in vector.iter().enumerate() {
        if !value.is_finite() {
            return Err(InstanceError::NotFinite {
                part,
                place: i.to_string(),
                value: *value,
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shared_matrix_is_not_copied() {
        let matrix = DesignMatrix::Dense(DMatrix::identity(2, 2).into());
        let zeros = || DVector::zeros(2);
        let first = Instance::new(LossKind::Softmax, matrix, zeros(), zeros()).unwrap();
        let second = Instance::new(LossKind::Exp, first.shared_matrix(), zeros(), zeros()).unwrap();
        assert!(std::ptr::eq(first.matrix(), second.matrix()));
        assert!(std::ptr::eq(first.matrix(), first.clone().matrix()));
    }
}
