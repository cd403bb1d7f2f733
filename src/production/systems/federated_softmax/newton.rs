//! Newton's method on the sum of the clients' losses.
//!
//! Each client would send the gradient and the Hessian of its loss, `d (d + 1) / 2 + d` numbers, and get x back; here all of them are
//! at hand, and the solver of a loss of logits takes their rows as one matrix. Nothing of it is copied: its endings, its polishing and its
//! error bound are those of softmax regression.

use nalgebra::DVector;

use super::KEY;
use super::federation::{problems, takes};
use crate::production::TraceEntry;
use crate::production::settings::Settings;
use crate::production::solve::solve_observed;
use crate::production::systems::error::{Refusal, SystemError};
use crate::production::systems::method::{Cost, Method};
use crate::production::systems::reached::{Reached, Watch};
use crate::system::Given;
use std::ops::ControlFlow;

/// Newton's method.
pub(crate) struct FederatedNewton;

impl Method for FederatedNewton {
    fn name(&self) -> &'static str {
        "federated-newton"
    }

    fn solves(&self) -> &'static str {
        KEY
    }

    fn takes(&self, given: &Given) -> Result<Cost, Refusal> {
        takes(given)?;
        let [n, d, clients] = ["n", "d", "N"].map(|dimension| given.size(dimension) as f64);
        Ok(n * d * (d + 2.0 * clients))
    }

    fn proves(&self) -> bool {
        true
    }

    fn ignores_seed(&self, _given: &Given, _has_start: bool) -> Option<&'static str> {
        Some("nothing is drawn")
    }

    fn run(
        &self,
        given: &Given,
        start: Option<&[f64]>,
        settings: &Settings,
        watch: &mut Watch<'_>,
    ) -> Result<Reached, SystemError> {
        let (clients, sum) = problems(given)?;
        let count = clients.len() as f64;
        let start = start.map_or_else(|| DVector::zeros(sum.columns()), DVector::from_column_slice);
        let mut observer = |entry: &TraceEntry| {
            // The mean is the sum over N; lengths and shifts are those of the sum.
            let mean = TraceEntry {
                loss: entry.loss / count,
                gradient_norm: entry.gradient_norm / count,
                ..entry.clone()
            };
            if watch.sees(mean) {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        let solution = solve_observed(&sum, &start, settings, &mut observer)?;
        Ok(Reached {
            outcome: solution.outcome,
            x: solution.x.as_slice().to_vec(),
            loss: solution.loss / count,
            gradient_norm: solution.gradient_norm / count,
            start_gradient_norm: solution.start_gradient_norm / count,
            gradient_noise: solution.gradient_noise.map(|noise| noise / count),
            iterations: solution.iterations,
            error_bound: (solution.error_bound, solution.error_bound_basis),
            labels_read: None,
            warnings: solution.warnings,
        })
    }
}
