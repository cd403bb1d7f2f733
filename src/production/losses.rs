//! The losses that an instance can ask for. A new paper is a new implementation of [`LogitLoss`] and an arm here.

use std::sync::Arc;

use crate::instance::{Instance, LossKind};
use crate::production::{Entrywise, Function, LogitLoss, ResidualSoftmax, Softmax, TwoLayer};

/// The loss that an instance asks for.
pub(crate) fn loss_of(instance: &Instance) -> Arc<dyn LogitLoss> {
    let target = instance.target().clone();
    match instance.loss() {
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
