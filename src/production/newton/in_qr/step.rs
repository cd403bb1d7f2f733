//! Newton steps and cubic steps, and how they are judged.

use nalgebra::{DMatrix, DVector};

use crate::production::endings::{LOSS_ROUNDING, POLISH_GAIN, POLISH_STEPS};
use crate::production::newton::in_qr::point::Point;
use crate::production::newton::in_qr::run::{Accepted, EVALUATION_PASSES, Model, Run};
use crate::production::step::{Step, cubic_step, eigen, newton_step};
use crate::production::summation::norm;
use crate::production::{EvaluationError, Method};

/// Growth of the cubic weight after a rejected step, and its decay after a good one.
const CUBIC_FACTOR: f64 = 4.0;
/// Smallest cubic weight, relative to the first: third derivatives fall with the cube of the size of the logits, and after so
/// small a weight [`CUBIC_TRIALS`] still bring back any that is needed.
const CUBIC_LEAST: f64 = 1e-24;
/// Cubic steps tried before an iteration gives up: the weight has then grown by `4^60`.
const CUBIC_TRIALS: usize = 60;
/// A cubic step is accepted when the loss falls by this fraction of the model's prediction.
const CUBIC_ACCEPT: f64 = 0.1;
/// Smallest cubic weight on a plateau, where a step must be long before the loss shows anything.
const CUBIC_PLATEAU: f64 = 1e-20;
/// Longest cubic step, in logits, that is proposed on a plateau.
const PLATEAU_STEP: f64 = 100.0;
/// Halvings of a Newton step after which a cubic step is tried instead.
const PATIENCE: usize = 8;

impl Run<'_, '_> {
    /// A Newton step with a line search where the model is positive definite, else (or where that gets nowhere) a
    /// cubic step.
    pub(super) fn better_point(&mut self, model: &Model, saddle: bool) -> Option<Accepted> {
        let gradient = self.logit_gradient(&self.point);
        let newton = if saddle {
            None
        } else {
            newton_step(&model.hessian, &gradient)
        };
        if let Some(step) = &newton {
            let patience = PATIENCE.min(self.settings.max_halvings);
            if let Some(accepted) = self.line_search(step, &gradient, 0, patience) {
                return Some(accepted);
            }
        }
        if let Some(accepted) = self.cubic_search(&model.hessian, &gradient) {
            return Some(accepted);
        }
        let step = newton?;
        self.line_search(&step, &gradient, PATIENCE + 1, self.settings.max_halvings)
    }

    /// Full Newton steps that go on halving the gradient after convergence.
    pub(super) fn polish(&mut self) -> Result<(), EvaluationError> {
        for _ in 0..self.settings.polish_steps.unwrap_or(POLISH_STEPS) {
            let gradient = self.logit_gradient(&self.point);
            let hessian = self.exact_hessian()?;
            let Some(step) = newton_step(&hessian, &gradient) else {
                break;
            };
            let Some(point) = self.trial(&step.direction, 1.0) else {
                break;
            };
            if self.logit_gradient(&point).norm() > POLISH_GAIN * gradient.norm() {
                break;
            }
            // A gradient that is 0 by chance can only grow.
            if point.gradient_norm > self.wanted().max(self.point.gradient_norm) {
                break;
            }
            let rows = self.problem.rows();
            self.record(
                Accepted {
                    point,
                    step_norm: norm(step.direction.as_slice()),
                    step_length: 1.0,
                    shift: 0.0,
                },
                Method::Exact.as_str(),
                rows,
            );
        }
        Ok(())
    }

    pub(super) fn trial(&self, direction: &DVector<f64>, length: f64) -> Option<Point> {
        let step = self.coordinates.to_unknowns(&(direction * length))?;
        self.count(EVALUATION_PASSES);
        let point = Point::at(self.problem, &self.point.x + step).ok()?;
        let crossed = self
            .problem
            .loss()
            .has_pole_between(&self.point.z, &point.z);
        (!crossed).then_some(point)
    }

    pub(super) fn logit_gradient(&self, point: &Point) -> DVector<f64> {
        self.count(1.0);
        self.coordinates.q.tr_mul(&point.v)
    }

    /// Armijo on the loss while the loss can tell, descent of the gradient in the logits once it cannot.
    pub(super) fn line_search(
        &self,
        step: &Step,
        gradient: &DVector<f64>,
        first: usize,
        last: usize,
    ) -> Option<Accepted> {
        let slope = -gradient.dot(&step.direction);
        let gradient_size = gradient.norm();
        for halvings in first..=last {
            let length = 0.5f64.powi(i32::try_from(halvings).ok()?);
            let Some(point) = self.trial(&step.direction, length) else {
                continue;
            };
            let resolved = slope * length > self.settings.loss_resolution * self.point.loss.abs();
            let good = if resolved {
                point.loss <= self.point.loss - self.settings.sufficient_decrease * length * slope
            } else {
                self.logit_gradient(&point).norm() < gradient_size
            };
            if good {
                return Some(Accepted {
                    point,
                    step_norm: length * norm(step.direction.as_slice()),
                    step_length: length,
                    shift: step.shift,
                });
            }
        }
        None
    }

    /// Cubic steps with a weight that adapts itself.
    pub(super) fn cubic_search(
        &mut self,
        hessian: &DMatrix<f64>,
        gradient: &DVector<f64>,
    ) -> Option<Accepted> {
        let eigen = eigen(hessian)?;
        let resolution = LOSS_ROUNDING * self.point.loss.abs();
        let mut weight = self.cubic_weight;
        let mut step = cubic_step(&eigen, gradient, weight)?;
        // A plateau: lengthen the step until its effect could be seen.
        while step.predicted_decrease <= resolution
            && weight > CUBIC_PLATEAU
            && step.direction.norm() < PLATEAU_STEP
        {
            weight /= CUBIC_FACTOR;
            match cubic_step(&eigen, gradient, weight) {
                Some(longer) => step = longer,
                None => break,
            }
        }
        for _ in 0..CUBIC_TRIALS {
            // A step below the resolution of the loss cannot be judged.
            if step.predicted_decrease <= resolution {
                break;
            }
            if let Some(point) = self.trial(&step.direction, 1.0) {
                let decrease = self.point.loss - point.loss;
                if decrease > 0.0 && decrease >= CUBIC_ACCEPT * step.predicted_decrease {
                    self.cubic_weight = (weight / CUBIC_FACTOR).max(CUBIC_LEAST * self.cubic_start);
                    return Some(Accepted {
                        point,
                        step_norm: norm(step.direction.as_slice()),
                        step_length: 1.0,
                        shift: step.shift,
                    });
                }
            }
            weight *= CUBIC_FACTOR;
            step = cubic_step(&eigen, gradient, weight)?;
        }
        self.cubic_weight = self.cubic_start;
        None
    }
}
