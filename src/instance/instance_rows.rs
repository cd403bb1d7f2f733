//! An instance of which one process has some rows.

use nalgebra::DVector;

use crate::instance::instance::{check_rows, check_vector};
use crate::instance::{InstanceError, LossKind, RowBlock};

/// What one process has of an instance whose rows are spread over several: its rows of A, and all of `b`, `w` and the points. The parts
/// are known to fit together and to be finite, as in an [`Instance`](crate::instance::Instance).
#[derive(Clone, Debug)]
pub struct InstanceRows {
    loss: LossKind,
    block: RowBlock,
    target: DVector<f64>,
    weights: DVector<f64>,
    points: Vec<DVector<f64>>,
}

impl InstanceRows {
    /// Checks shapes and finiteness; names array, index and value of what does not fit.
    pub(super) fn new(
        loss: LossKind,
        block: RowBlock,
        target: DVector<f64>,
        weights: DVector<f64>,
        points: Vec<DVector<f64>>,
    ) -> Result<Self, InstanceError> {
        check_rows(&loss, &target, &weights, block.outline.rows)?;
        for point in &points {
            check_vector("point", point, block.outline.columns)?;
        }
        Ok(Self {
            loss,
            block,
            target,
            weights,
            points,
        })
    }

    /// The loss of the logits.
    pub fn loss(&self) -> &LossKind {
        &self.loss
    }

    /// The rows of A that are here.
    pub fn block(&self) -> &RowBlock {
        &self.block
    }

    /// `b`, all of it.
    pub fn target(&self) -> &DVector<f64> {
        &self.target
    }

    /// `w`, n entries.
    pub fn weights(&self) -> &DVector<f64> {
        &self.weights
    }

    /// Loss, rows, `b` and `w`.
    pub fn into_parts(self) -> (LossKind, RowBlock, DVector<f64>, DVector<f64>) {
        (self.loss, self.block, self.target, self.weights)
    }

    /// The first point, or the origin where there is none.
    pub fn start(&self) -> DVector<f64> {
        let first = self.points.first().cloned();
        first.unwrap_or_else(|| DVector::zeros(self.block.outline.columns))
    }
}
