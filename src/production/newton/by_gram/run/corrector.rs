//! A second step by the same model, where the first has not shown how good the model is.
//!
//! In a curved valley a Newton step ends beside the floor: the loss is lower, the gradient hardly. There a step against the new
//! gradient, by the model and factor that are there already (a chord step), leads back to the floor. It costs two passes over A, where a
//! model of many columns costs dozens. Predictor-corrector methods of linear programming save their factorisations in the same way; as
//! there, both steps are one iteration.

use crate::production::factor::Factor;
use crate::production::newton::by_gram::objective::Objective;
use crate::production::newton::by_gram::run::movement::{moved, negated};
use crate::production::newton::by_gram::run::{Made, Run};
use crate::production::summation::dot;

/// Passes over A that a model costs at least, where a corrector is worth its two.
const WORTHWHILE: f64 = 3.0;

impl<O: Objective> Run<'_, '_, O> {
    /// Refines a full step that was just taken by a model in single precision: a step by the same factor against the new gradient, which
    /// is not rounded like that. Both are one iteration, as a step by a model in double precision is.
    pub(super) fn refine(&mut self, factor: &impl Factor) {
        if self.data.ridge().single.is_none() {
            return;
        }
        let direction = negated(factor.solve(&self.state.gradient));
        let x = moved(&self.state.x, &direction, 1.0);
        let trial = self
            .objective
            .evaluate(x, &mut self.scratch, Some(&self.state));
        let better = trial.ok().filter(|trial| {
            trial.gradient_norm < self.state.gradient_norm
                && !self.objective.crosses_pole(&self.z, &self.scratch)
        });
        let Some(trial) = better else {
            return;
        };
        let way = self.move_to(trial);
        if let Some(entry) = self.trace.last_mut() {
            entry.step_norm += way;
            entry.passes = self.data.operator.passes();
        }
    }

    /// Corrects the step that was just taken by this model, if that is cheap and lowers the loss.
    pub(super) fn correct(&mut self, factor: &impl Factor, made: Made) {
        let operator = self.data.operator;
        let share = made.rows as f64 / operator.all_rows() as f64;
        if share * operator.gram_passes() < WORTHWHILE || self.state.gradient_norm <= self.wanted()
        {
            return;
        }
        let direction = negated(factor.solve(&self.state.gradient));
        let slope = dot(&self.state.gradient, &direction);
        let resolution = self.orders.settings.loss_resolution * self.state.loss.abs();
        // Below the resolution a line search in the loss finds nothing.
        if slope.is_nan() || slope >= -resolution {
            return;
        }
        operator.multiply(&direction, &mut self.scratch);
        let Some((t, _)) = self.best_length(slope) else {
            return;
        };
        let Some(trial) = self
            .along(&direction, t)
            .filter(|trial| trial.loss < self.state.loss)
        else {
            return;
        };
        let way = self.move_to(trial);
        self.definite = false;
        self.drifted = true;
        if let Some(entry) = self.trace.last_mut() {
            entry.step_norm += way;
            entry.passes = operator.passes();
        }
    }
}
