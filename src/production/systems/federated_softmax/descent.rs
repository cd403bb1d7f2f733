//! Gradients of one client along a run, by the sweeps that Newton's method has.

use nalgebra::DVector;

use crate::production::kernels::operator::Gram;
use crate::production::newton::by_gram::FusedSoftmax;
use crate::production::newton::by_gram::objective::{Objective, State};
use crate::production::{EvaluationError, Problem};

/// A client on its way: each gradient reads A once, unless `ln sum exp` has changed by much since the last one.
pub(super) struct Descent<'a> {
    softmax: FusedSoftmax<'a>,
    logits: Vec<f64>,
    last: Option<State>,
}

impl<'a> Descent<'a> {
    /// Of a client whose loss is softmax with this target; `ridge` is `A' W^2 A`.
    pub(super) fn new(client: &'a Problem, target: &'a [f64], ridge: &'a Gram) -> Self {
        Self {
            softmax: FusedSoftmax::new(client.operator(), target, ridge),
            logits: vec![0.0; client.rows()],
            last: None,
        }
    }

    /// `grad L_c` at the next point (d). An error where it is not finite.
    pub(super) fn gradient(&mut self, x: &DVector<f64>) -> Result<DVector<f64>, EvaluationError> {
        let point = x.as_slice().to_vec();
        let state = self
            .softmax
            .evaluate(point, &mut self.logits, self.last.as_ref())?;
        let gradient = DVector::from_column_slice(&state.gradient);
        self.last = Some(state);
        Ok(gradient)
    }
}
