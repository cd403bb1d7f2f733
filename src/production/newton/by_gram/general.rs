//! Any [`LogitLoss`] by separate sweeps: one for the logits, one for the gradient, one for each column of the low-rank
//! part of its Hessian. Where several ranks share the rows, each evaluates the loss at the logits of all of them.

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
    /// Of all rows, as the loss is one of all logits.
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

    /// Logits of all rows, from those that are here.
    fn of_all(&self, z: &[f64]) -> DVector<f64> {
        DVector::from_vec(self.operator.share().gather(z.to_vec()))
    }

    /// Of a vector with n entries those of the rows that are here.
    fn part<'v>(&self, all: &'v DVector<f64>) -> &'v [f64] {
        self.operator.share().part(all.as_slice())
    }

    fn at_logits(&self, x: Vec<f64>, logits: &DVector<f64>) -> Result<State, EvaluationError> {
        let weighted = DVector::from_iterator(
            logits.len(),
            self.squared_weights
                .iter()
                .zip(logits.iter())
                .map(|(w2, z)| w2 * z),
        );
        let loss = self.loss.value(logits)? + 0.5 * weighted.dot(logits);
        refuse_overflow("loss", &[loss])?;
        let slope = self.loss.gradient(logits)? + weighted;
        let gradient = self.operator.transpose_multiply(self.part(&slope));
        let gradient_norm = norm(&gradient);
        refuse_overflow("norm of the gradient", &[gradient_norm])?;
        let curvature = self.loss.hessian(logits)?;
        let projected = curvature
            .basis
            .column_iter()
            .map(|column| {
                let part = self.operator.share().part(column.as_slice());
                self.operator.transpose_multiply(part)
            })
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
        let logits = self.of_all(z);
        refuse_overflow("logits A x", logits.as_slice())?;
        self.at_logits(x, &logits)
    }

    fn evaluate_logits(&self, x: Vec<f64>, z: &mut [f64]) -> Result<State, EvaluationError> {
        self.at_logits(x, &self.of_all(z))
    }

    fn curvature(&self, state: &State, _z: &[f64], diagonal: &mut [f64]) -> Curvature {
        let (curvature, projected) = Self::parts(state);
        diagonal.copy_from_slice(self.part(&curvature.diagonal));
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
            .zip(self.part(&curvature.diagonal))
            .zip(self.operator.share().part(self.squared_weights))
        {
            *place = (d + w2).abs() - w2;
        }
        Curvature { terms: Vec::new() }
    }

    fn along(&self, _state: &State, line: &LineContext<'_>, t: f64) -> Option<(f64, f64)> {
        let (from, along) = (self.of_all(line.z), self.of_all(line.dz));
        let at = from.zip_map(&along, |z, dz| z + t * dz);
        if self.loss.has_pole_between(&from, &at) {
            return None;
        }
        let value = self.loss.value(&at).ok()?;
        let slope = dot(self.loss.gradient(&at).ok()?.as_slice(), along.as_slice());
        line.with_ridge(value, slope, t)
    }

    fn crosses_pole(&self, from: &[f64], to: &[f64]) -> bool {
        self.loss
            .has_pole_between(&self.of_all(from), &self.of_all(to))
    }
}
