//! What one round makes of a common x.

use nalgebra::DVector;
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use super::aggregate::Aggregate;
use super::federation::Federation;
use super::schedule::Schedule;
use crate::production::{EvaluationError, Problem};

/// Makes rounds.
pub(super) struct Maker {
    pub federation: Federation,
    pub schedule: Schedule,
    pub aggregate: Aggregate,
    pub corrected: bool,
    pub step: f64,
    pub steps: usize,
}

/// What a round made.
pub(super) struct Made {
    /// The next common x.
    pub x: DVector<f64>,
    /// Who was in time, in ascending order.
    pub contributors: Vec<usize>,
    /// What each of them sent.
    pub differences: Vec<DVector<f64>>,
}

impl Maker {
    /// A round from x, where the gradients of all clients are these.
    pub(super) fn make(
        &self,
        x: &DVector<f64>,
        gradients: &[DVector<f64>],
        round: usize,
    ) -> Result<Made, EvaluationError> {
        let (drawn, contributors) = self.schedule.round(round);
        let known: Vec<&DVector<f64>> = drawn.iter().map(|c| &gradients[*c]).collect();
        let mean = self.corrected.then(|| Aggregate::Mean.of(&known));
        let differences: Result<Vec<DVector<f64>>, EvaluationError> = contributors
            .par_iter()
            .map(|c| {
                let own = &gradients[*c];
                let correction = mean.as_ref().map(|mean| mean - own);
                self.local(&self.federation.clients[*c], x, own, correction.as_ref())
            })
            .collect();
        let differences = differences?;
        let all: Vec<&DVector<f64>> = differences.iter().collect();
        Ok(Made {
            x: x + self.aggregate.of(&all),
            contributors,
            differences,
        })
    }

    /// Which part of all rows these clients have.
    pub(super) fn share(&self, contributors: &[usize]) -> f64 {
        let clients = &self.federation.clients;
        let rows: usize = contributors.iter().map(|c| clients[*c].rows()).sum();
        rows as f64 / self.federation.sum.rows() as f64
    }

    /// `y - x` after K local steps, the first by a gradient that is known.
    fn local(
        &self,
        client: &Problem,
        x: &DVector<f64>,
        first: &DVector<f64>,
        correction: Option<&DVector<f64>>,
    ) -> Result<DVector<f64>, EvaluationError> {
        let mut y = x.clone();
        for k in 0..self.steps {
            let mut gradient = if k == 0 {
                first.clone()
            } else {
                client.gradient(&y)?
            };
            if let Some(correction) = correction {
                gradient += correction;
            }
            y.axpy(-self.step, &gradient, 1.0);
        }
        Ok(y - x)
    }
}
