//! One iteration: a step by the Hessian or its model, and how it is judged.

use crate::production::Method;
use crate::production::factor::Factor;
use crate::production::factor::cholesky::Cholesky;
use crate::production::factor::spectral::absolute_step;
use crate::production::newton::by_gram::line_search::SLOPE;
use crate::production::newton::by_gram::model::Model;
use crate::production::newton::by_gram::objective::Objective;
use crate::production::newton::by_gram::run::movement::{moved, negated};
use crate::production::newton::by_gram::run::{Made, Run, Step};
use crate::production::summation::dot;

/// When the predicted change of the loss is below [`Settings::loss_resolution`](crate::production::Settings::loss_resolution), a step must bring the gradient below this
/// fraction of what it was, or the model is refined.
const POOR_CONTRACTION: f64 = 0.1;
/// Growth of the budget of heavy rows after a poor step.
const BOOST: f64 = 2.0;
/// A Newton step this long, as a fraction of the full one, means that the quadratic model fits.
const SMOOTH: (f64, f64) = (0.8, 1.5);

impl<O: Objective> Run<'_, '_, O> {
    /// One iteration.
    pub(super) fn descend(&mut self) -> Step {
        if let Some((cholesky, made)) = self.kept.take() {
            return self.newton_step(cholesky, made);
        }
        let curvature = self
            .objective
            .curvature(&self.state, &self.z, &mut self.scratch);
        let Some(Model {
            mut hessian,
            rows,
            cut,
        }) = self.model()
        else {
            return Step::Singular;
        };
        curvature.add_to(&mut hessian);
        let made = Made {
            method: self.orders.method.as_str(),
            rows,
            cut,
            shift: 0.0,
            newton: true,
            kept: false,
        };
        if let Some(cholesky) = Cholesky::new(&hessian) {
            return self.newton_step(cholesky, made);
        }
        if self.trace.is_empty() && (self.sampled_start() || self.first_step()) {
            return Step::Taken;
        }
        if cut && self.slow {
            // The indefiniteness may be the model's.
            self.boost *= BOOST;
            self.slow = false;
            return Step::Refined;
        }
        let Some((cholesky, rows, shift)) = self.stand_in() else {
            return Step::Singular;
        };
        let made = Made {
            rows,
            shift,
            newton: false,
            ..made
        };
        // A stand-in that gets nowhere is at a saddle, which the Hessian's own eigenvectors leave.
        let uphill = self
            .slow
            .then(|| absolute_step(&hessian, &cholesky, &self.state.gradient))
            .flatten()
            .unwrap_or_else(|| cholesky.solve(&self.state.gradient));
        self.step_against(uphill, made)
    }

    /// A step by the Hessian or its model.
    fn newton_step(&mut self, cholesky: Cholesky, made: Made) -> Step {
        let before = self.state.gradient_norm;
        let step = self.step_against(cholesky.solve(&self.state.gradient), made);
        let after = self.state.gradient_norm;
        let wanted = self.wanted();
        let reused = matches!(self.orders.method, Method::Auto | Method::ReusedGram);
        if reused && self.definite && after > wanted && after <= POOR_CONTRACTION * before {
            self.refine(&cholesky);
        }
        let after = self.state.gradient_norm;
        // By a fixed model the gradient falls by about the same factor in each step.
        if reused && self.definite && after > wanted && after * (after / before) <= wanted {
            let kept = Made {
                cut: false,
                kept: true,
                ..made
            };
            self.kept = Some((cholesky, kept));
        } else if reused && matches!(step, Step::Taken) && after > POOR_CONTRACTION * before {
            self.correct(&cholesky, made);
        }
        step
    }

    /// A step against a direction in which the loss grows.
    fn step_against(&mut self, uphill: Vec<f64>, made: Made) -> Step {
        let direction = negated(uphill);
        let slope = dot(&self.state.gradient, &direction);
        if slope >= 0.0 || !slope.is_finite() {
            return Step::Singular;
        }
        let near = |fraction: f64| made.newton && -slope < fraction * self.state.loss.abs();
        if near(self.orders.settings.loss_resolution) {
            return self.endgame(&direction, made);
        }
        self.stopped |= self.orders.coarse.is_some_and(near);
        if made.newton && self.smooth {
            if let Some(step) = self.full_step(&direction, slope, made) {
                return step;
            }
        } else {
            self.data.operator.multiply(&direction, &mut self.scratch);
        }
        self.search(&direction, slope, made)
    }

    /// Losses are below rounding here: a step is judged by the gradient.
    fn endgame(&mut self, direction: &[f64], made: Made) -> Step {
        let x = moved(&self.state.x, direction, 1.0);
        let Ok(trial) = self
            .objective
            .evaluate(x, &mut self.scratch, Some(&self.state))
        else {
            return Step::Stalled;
        };
        let contraction = trial.gradient_norm / self.state.gradient_norm;
        if contraction > POOR_CONTRACTION && made.cut {
            self.boost *= BOOST;
        }
        if contraction < 1.0 {
            self.definite = true;
            self.accept_trial(trial, made, 1.0);
            return Step::Taken;
        }
        if made.cut || made.kept {
            Step::Refined
        } else {
            Step::Stalled
        }
    }

    /// The full Newton step by one fused sweep, if it is good; otherwise leaves the direction in the logits in `scratch`.
    fn full_step(&mut self, direction: &[f64], slope: f64, made: Made) -> Option<Step> {
        let x = moved(&self.state.x, direction, 1.0);
        let trial = self
            .objective
            .evaluate(x, &mut self.scratch, Some(&self.state));
        let allowed = self.state.loss + self.orders.settings.sufficient_decrease * slope;
        let good = trial.ok().filter(|trial| {
            trial.loss <= allowed
                && dot(&trial.gradient, direction).abs() <= SLOPE * slope.abs()
                && !self.objective.crosses_pole(&self.z, &self.scratch)
        });
        let Some(trial) = good else {
            let z = &self.z;
            self.data
                .operator
                .fill_rows(&mut self.scratch, |rows, trial, _| {
                    for (trial, z) in trial.iter_mut().zip(&z[rows]) {
                        *trial -= z;
                    }
                });
            return None;
        };
        let poor = trial.gradient_norm > POOR_CONTRACTION * self.state.gradient_norm;
        if poor && self.full_step && made.cut {
            self.boost *= BOOST;
        }
        self.full_step = true;
        self.definite = true;
        self.accept_trial(trial, made, 1.0);
        Some(Step::Taken)
    }

    /// A line search in the logits; `scratch` holds `A direction`.
    fn search(&mut self, direction: &[f64], slope: f64, made: Made) -> Step {
        self.full_step = false;
        self.definite = false;
        let Some((t, value)) = self.best_length(slope) else {
            return Step::Stalled;
        };
        self.slow = !made.newton && self.state.loss - value < 0.1 * self.state.loss;
        let smooth = made.newton && (SMOOTH.0..=SMOOTH.1).contains(&t);
        match self.take_along(direction, t, made) {
            Some(()) => {
                self.smooth = smooth;
                Step::Taken
            }
            None => Step::Stalled,
        }
    }
}
