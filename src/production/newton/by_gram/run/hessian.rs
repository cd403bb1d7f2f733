//! The matrix of a step: the model that the method asks for, and what takes its place where that is not positive definite.

use crate::production::Method;
use crate::production::endings::Ending;
use crate::production::factor::cholesky::Cholesky;
use crate::production::kernels::operator::Gram;
use crate::production::kernels::partition::Rows;
use crate::production::newton::by_gram::model::{self, Model};
use crate::production::newton::by_gram::objective::Objective;
use crate::production::newton::by_gram::run::Run;

/// The first multiple of the metric that is added to a stand-in that is not definite, and its growth.
const SHIFT: (f64, f64) = (1e-3, 10.0);
/// After so many multiples the matrix is given up as singular.
const SHIFTS: usize = 40;

impl<O: Objective> Run<'_, '_, O> {
    /// The model of `A' (W^2 + diag(scratch)) A` that the method asks for; `None` if it is refused.
    pub(super) fn model(&mut self) -> Option<Model> {
        match self.orders.method {
            Method::ReusedGram | Method::Auto => Some(model::reused_gram(
                self.data.operator,
                self.data.squared_weights,
                &self.data.ridge().gram,
                &self.scratch,
                self.boost,
            )),
            Method::Exact => Some(model::exact(
                self.data.operator,
                self.data.squared_weights,
                &self.scratch,
            )),
            Method::Subsampled => match self.sampled() {
                Ok(model) => Some(model),
                Err(refusal) => {
                    self.refused = Some(refusal);
                    None
                }
            },
        }
    }

    /// `A' D~ A` for a leverage-score sample of the diagonal.
    fn sampled(&mut self) -> Result<Model, Ending> {
        let diagonal: Vec<f64> = self
            .data
            .squared_weights
            .iter()
            .zip(&self.scratch)
            .map(|(w2, d)| w2 + d)
            .collect();
        let sample = self
            .samples
            .draw(self.data.matrix, &diagonal, self.orders.settings)?;
        let mut hessian = Gram::zeros(self.data.operator.columns());
        self.data
            .operator
            .add_gram(Rows::List(&sample.rows), &sample.weights, &mut hessian);
        Ok(Model {
            hessian,
            rows: sample.rows.len(),
            cut: false,
        })
    }

    /// A positive definite stand-in for the Hessian, with as much of the metric added as it needs.
    pub(super) fn stand_in(&mut self) -> Option<(Cholesky, usize, f64)> {
        let curvature = self
            .objective
            .safe_curvature(&self.state, &self.z, &mut self.scratch);
        let Model {
            mut hessian, rows, ..
        } = self.model()?;
        curvature.add_to(&mut hessian);
        if let Some(cholesky) = Cholesky::new(&hessian) {
            return Some((cholesky, rows, 0.0));
        }
        let mut shift = SHIFT.0;
        for _ in 0..SHIFTS {
            let mut shifted = hessian.clone();
            shifted.add_multiple(shift, self.metric());
            if let Some(cholesky) = Cholesky::new(&shifted) {
                return Some((cholesky, rows, shift));
            }
            shift *= SHIFT.1;
        }
        None
    }

    fn metric(&mut self) -> &Gram {
        if self.weighted {
            return &self.data.ridge().gram;
        }
        self.metric.get_or_insert_with(|| {
            self.data
                .operator
                .gram(&vec![1.0; self.data.squared_weights.len()])
        })
    }
}
