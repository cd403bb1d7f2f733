//! Any [`LogitLoss`] by separate sweeps: one for the logits, one for the gradient, one for each column of the low-rank
//! part of its Hessian.

use nalgebra::DVector;

use crate::production::kernels::operator::Operator;
use crate::production::logit_loss::refuse_overflow;
use crate::production::newton::by_gram::objective::{
    Curvature, Detail, LineContext, LowRankTerm, Objective, State,
};
use crate::production::summation::{dot, norm};
use crate::production::{DiagonalPlusLowRank, EvaluationError, LogitLoss};

/// `l(A x) + 0.5 || diag(w) A x ||^2`.
pub(crate) struct General<'a> {
    operator: &'a Operator,
    loss: &'a dyn LogitLoss,
    squared_weights: &'a [f64],
}

impl<'a> General<'a> {
    /// The objective of a loss.
    pub fn new(
        operator: &'a Operator,
        loss: &'a dyn LogitLoss,
        squared_weights: &'a [f64],
    ) -> Self {
        Self {
            operator,
            loss,
            squared_weights,
        }
    }

    fn parts(state: &State) -> (&DiagonalPlusLowRank, &[Vec<f64>]) {
        match &state.detail {
            Detail::General {
                curvature,
                projected,
            } => (curvature, projected),
            Detail::Softmax { .. } => {
                unreachable!("states of this objective are made by `evaluate_logits`")
            }
        }
    }
}

impl Objective for General<'_> {
    fn evaluate(
        &self,
        x: Vec<f64>,
        z: &mut [f64],
        _guess: Option<&State>,
    ) -> Result<State, EvaluationError> {
        self.operator.multiply(&x, z);
        refuse_overflow("logits A x", z)?;
        self.evaluate_logits(x, z)
    }

    fn evaluate_logits(&self, x: Vec<f64>, z: &mut [f64]) -> Result<State, EvaluationError> {
        let logits = DVector::from_column_slice(z);
        let weighted = DVector::from_iterator(
            z.len(),
            self.squared_weights
                .iter()
                .zip(z.iter())
                .map(|(w2, z)| w2 * z),
        );
        let loss = self.loss.value(&logits)? + 0.5 * weighted.dot(&logits);
        refuse_overflow("loss", &[loss])?;
        let slope = self.loss.gradient(&logits)? + weighted;
        let gradient = self.operator.transpose_multiply(slope.as_slice());
        let gradient_norm = norm(&gradient);
        refuse_overflow("norm of the gradient", &[gradient_norm])?;
        let curvature = self.loss.hessian(&logits)?;
        let projected = curvature
            .basis
            .column_iter()
            .map(|column| self.operator.transpose_multiply(column.as_slice()))
            .collect();
        Ok(State {
            x,
            loss,
            gradient,
            gradient_norm,
            detail: Detail::General {
                curvature,
                projected,
            },
        })
    }

    fn curvature(&self, state: &State, _z: &[f64], diagonal: &mut [f64]) -> Curvature {
        let (curvature, projected) = Self::parts(state);
        diagonal.copy_from_slice(curvature.diagonal.as_slice());
        let rank = projected.len();
        let mut terms = Vec::new();
        for k in 0..rank {
            for l in 0..=k {
                let twice = if k == l { 1.0 } else { 2.0 };
                terms.push(LowRankTerm {
                    factor: twice * curvature.core[(k, l)],
                    u: projected[k].clone(),
                    v: projected[l].clone(),
                });
            }
        }
        Curvature { terms }
    }

    /// The diagonal part with its signs removed, ridge included; no low-rank part.
    fn safe_curvature(&self, state: &State, _z: &[f64], diagonal: &mut [f64]) -> Curvature {
        let (curvature, _) = Self::parts(state);
        for ((place, d), w2) in diagonal
            .iter_mut()
            .zip(curvature.diagonal.iter())
            .zip(self.squared_weights)
        {
            *place = (d + w2).abs() - w2;
        }
        Curvature { terms: Vec::new() }
    }

    fn along(&self, _state: &State, line: &LineContext<'_>, t: f64) -> Option<(f64, f64)> {
        let at = DVector::from_iterator(
            line.z.len(),
            line.z.iter().zip(line.dz).map(|(z, dz)| z + t * dz),
        );
        let from = DVector::from_column_slice(line.z);
        if self.loss.has_pole_between(&from, &at) {
            return None;
        }
        let value = self.loss.value(&at).ok()?;
        let slope = dot(self.loss.gradient(&at).ok()?.as_slice(), line.dz);
        line.with_ridge(value, slope, t)
    }

    fn crosses_pole(&self, from: &[f64], to: &[f64]) -> bool {
        let (from, to) = (
            DVector::from_column_slice(from),
            DVector::from_column_slice(to),
        );
        self.loss.has_pole_between(&from, &to)
    }
}
