//! The losses that an instance can ask for. A new paper is a new implementation of [`LogitLoss`] and an arm here.

use std::sync::Arc;

use nalgebra::DVector;

use crate::instance::LossKind;
use crate::production::{Entrywise, Function, LogitLoss, ResidualSoftmax, Softmax, TwoLayer};

/// The loss that an instance asks for, with its target.
pub(crate) fn loss_of(kind: &LossKind, target: DVector<f64>) -> Arc<dyn LogitLoss> {
    match kind {
        LossKind::Softmax => Arc::new(Softmax::new(target)),
        LossKind::Exp => Arc::new(Entrywise::new(Function::Exp, target)),
        LossKind::Cosh => Arc::new(Entrywise::new(Function::Cosh, target)),
        LossKind::Sinh => Arc::new(Entrywise::new(Function::Sinh, target)),
        LossKind::ResidualSoftmax => Arc::new(ResidualSoftmax::new(target)),
        LossKind::TwoLayer {
            second_layer,
            activation,
        } => Arc::new(TwoLayer::new(second_layer.clone(), *activation, target)),
    }
}
