//! What an instance is made of.

use nalgebra::DVector;

use crate::instance::LossKind;

/// The parts of an instance, with its matrix or some rows of it, as they were read.
pub(super) struct Parts<M> {
    pub(super) loss: LossKind,
    pub(super) matrix: M,
    pub(super) target: DVector<f64>,
    /// One for each row of the whole matrix.
    pub(super) weights: DVector<f64>,
    pub(super) points: Vec<DVector<f64>>,
}
