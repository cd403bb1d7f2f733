//! What one round makes of a common x.

use nalgebra::DVector;
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use super::aggregate::Aggregate;
use super::federation::Federation;
use super::schedule::Schedule;
use crate::production::EvaluationError;

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
    /// How often A was read for it, of all clients' rows.
    pub passes: f64,
}

impl Maker {
    /// A round from x.
    pub(super) fn make(&self, x: &DVector<f64>, round: usize) -> Result<Made, EvaluationError> {
        let (drawn, contributors) = self.schedule.round(round);
        let mut passes = self.steps as f64 * self.share(&contributors);
        let corrections = if self.corrected {
            passes += self.share(&drawn);
            Some(self.corrections(x, &drawn)?)
        } else {
            None
        };
        let differences: Result<Vec<DVector<f64>>, EvaluationError> = contributors
            .par_iter()
            .map(|c| {
                let place = drawn.iter().position(|drawn| drawn == c);
                let own = corrections.as_ref().zip(place);
                self.local(*c, x, own.map(|(all, place)| &all[place]))
            })
            .collect();
        let differences = differences?;
        let all: Vec<&DVector<f64>> = differences.iter().collect();
        Ok(Made {
            x: x + self.aggregate.of(&all),
            contributors,
            differences,
            passes,
        })
    }

    /// `mean grad L(x) - grad L_c(x)` for each of the clients that are drawn, the mean over these.
    fn corrections(
        &self,
        x: &DVector<f64>,
        drawn: &[usize],
    ) -> Result<Vec<DVector<f64>>, EvaluationError> {
        let gradients: Result<Vec<DVector<f64>>, EvaluationError> = drawn
            .par_iter()
            .map(|c| self.federation.descent(*c).gradient(x))
            .collect();
        let gradients = gradients?;
        let mean = Aggregate::Mean.of(&gradients.iter().collect::<Vec<_>>());
        Ok(gradients.iter().map(|own| &mean - own).collect())
    }

    /// Which part of all rows these clients have.
    fn share(&self, clients: &[usize]) -> f64 {
        let rows: usize = clients
            .iter()
            .map(|c| self.federation.clients[*c].rows())
            .sum();
        rows as f64 / self.federation.sum.rows() as f64
    }

    /// `y - x` after K local steps.
    fn local(
        &self,
        client: usize,
        x: &DVector<f64>,
        correction: Option<&DVector<f64>>,
    ) -> Result<DVector<f64>, EvaluationError> {
        let mut descent = self.federation.descent(client);
        let mut y = x.clone();
        for _ in 0..self.steps {
            let mut gradient = descent.gradient(&y)?;
            if let Some(correction) = correction {
                gradient += correction;
            }
            y.axpy(-self.step, &gradient, 1.0);
        }
        Ok(y - x)
    }
}
