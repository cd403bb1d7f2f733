//! How a run moves: lengths along a line in the logits, and a trial that becomes the point.

use crate::production::TraceEntry;
use crate::production::newton::by_gram::line_search::line_search;
use crate::production::newton::by_gram::objective::{LineContext, Objective, State};
use crate::production::newton::by_gram::run::{Made, Run};
use crate::production::summation::norm;

impl<O: Objective> Run<'_, '_, O> {
    /// The length of a step whose change of the logits is in `scratch`, and the loss there; `None` if no length lowers it.
    pub(super) fn best_length(&self, slope: f64) -> Option<(f64, f64)> {
        let line = self.line();
        line_search(
            |t| self.objective.along(&self.state, &line, t),
            (self.state.loss, slope),
            self.orders.settings.sufficient_decrease,
            self.orders.settings.max_halvings,
        )
    }

    /// The line from the logits along `scratch`.
    pub(super) fn line(&self) -> LineContext<'_> {
        let (z, dz) = (&self.z, &self.scratch);
        let parts = self
            .data
            .operator
            .sweep_rows(|rows, _, _, ridge: &mut [f64; 3]| {
                let weights = &self.data.squared_weights[rows.clone()];
                for ((z, dz), w2) in z[rows.clone()].iter().zip(&dz[rows]).zip(weights) {
                    ridge[0] += 0.5 * w2 * z * z;
                    ridge[1] += w2 * z * dz;
                    ridge[2] += w2 * dz * dz;
                }
            });
        let ridge = std::array::from_fn(|k| parts.iter().map(|part| part[k]).sum());
        LineContext { z, dz, ridge }
    }

    /// The state at `x + t direction`, its logits in `scratch`, which holds `A direction`. `None` if the loss is not defined there.
    pub(super) fn along(&mut self, direction: &[f64], t: f64) -> Option<State> {
        let z = &self.z;
        self.data
            .operator
            .fill_rows(&mut self.scratch, |rows, place, _| {
                for (place, z) in place.iter_mut().zip(&z[rows]) {
                    *place = z + t * *place;
                }
            });
        let x = moved(&self.state.x, direction, t);
        self.objective.evaluate_logits(x, &mut self.scratch).ok()
    }

    /// Moves to `x + t direction`; `scratch` holds `A direction`. `None` if the loss is not defined there.
    pub(super) fn take_along(&mut self, direction: &[f64], t: f64, made: Made) -> Option<()> {
        let trial = self.along(direction, t)?;
        self.smooth = false;
        self.full_step = false;
        self.definite = false;
        self.accept_trial(trial, made, t.abs());
        self.drifted = true;
        Some(())
    }

    /// Makes a trial, whose logits are in `scratch`, the current point: one iteration.
    pub(super) fn accept_trial(&mut self, trial: State, made: Made, step_length: f64) {
        let (loss, gradient_norm) = (self.state.loss, self.state.gradient_norm);
        let step_norm = self.move_to(trial);
        self.trace.push(TraceEntry {
            iteration: self.trace.len(),
            loss,
            gradient_norm,
            step_norm,
            step_length,
            method: made.method,
            distinct_rows: made.rows,
            shift: made.shift,
            passes: self.data.operator.passes(),
        });
        self.drifted = false;
    }

    /// Makes a trial, whose logits are in `scratch`, the current point; the length of the step in the logits.
    pub(super) fn move_to(&mut self, trial: State) -> f64 {
        let (old, new) = (&self.z, &self.scratch);
        let blocks = self
            .data
            .operator
            .sweep_rows(|rows, change, _, norms: &mut Vec<f64>| {
                let pairs = old[rows.clone()].iter().zip(&new[rows]);
                for (change, (old, new)) in change.iter_mut().zip(pairs) {
                    *change = new - old;
                }
                norms.push(norm(change));
            });
        std::mem::swap(&mut self.z, &mut self.scratch);
        self.state = trial;
        norm(&blocks.concat())
    }
}

/// `-v`.
pub(super) fn negated(mut v: Vec<f64>) -> Vec<f64> {
    for entry in &mut v {
        *entry = -*entry;
    }
    v
}

/// `x + t direction`.
pub(super) fn moved(x: &[f64], direction: &[f64], t: f64) -> Vec<f64> {
    x.iter().zip(direction).map(|(x, dx)| x + t * dx).collect()
}
