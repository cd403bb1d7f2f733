//! What a point with a small gradient is, and how a saddle is left.

use crate::production::Method;
use crate::production::endings::{Ending, LOSS_ROUNDING, POLISH_GAIN, SHORT_STEP};
use crate::production::factor::Factor;
use crate::production::factor::cholesky::Cholesky;
use crate::production::factor::lowest::lowest_eigenpair;
use crate::production::kernels::operator::Gram;
use crate::production::newton::Judged;
use crate::production::newton::by_gram::model;
use crate::production::newton::by_gram::objective::Objective;
use crate::production::newton::by_gram::run::movement::{moved, negated};
use crate::production::newton::by_gram::run::{Made, Plan, Run};

/// Saddles left along negative curvature at most.
const ESCAPES: usize = 20;
/// Lengths, in the largest logit, that are tried to leave a saddle.
const ESCAPE_LENGTHS: [f64; 6] = [0.01, 0.1, 0.5, 1.0, 3.0, 10.0];

impl<O: Objective> Run<'_, '_, O> {
    /// Full Newton steps that go on halving the gradient after convergence, if any are asked for.
    pub(super) fn polish(&mut self) {
        for _ in 0..self.orders.settings.polish_steps.unwrap_or(0) {
            let Some(cholesky) = Cholesky::new(&self.whole_hessian().0) else {
                break;
            };
            let direction = negated(cholesky.solve(&self.state.gradient));
            let x = moved(&self.state.x, &direction, 1.0);
            let Ok(trial) = self
                .objective
                .evaluate(x, &mut self.scratch, Some(&self.state))
            else {
                break;
            };
            if trial.gradient_norm > POLISH_GAIN * self.state.gradient_norm
                || self.objective.crosses_pole(&self.z, &self.scratch)
            {
                break;
            }
            let made = Made {
                method: Method::Exact.as_str(),
                rows: self.data.operator.all_rows(),
                cut: false,
                shift: 0.0,
                newton: true,
                kept: false,
            };
            self.accept_trial(trial, made, 1.0);
        }
    }

    /// Decides what a point with a small gradient is.
    pub(super) fn at_stationary_point(&mut self) -> Judged<Plan> {
        if self.definite && self.weighted {
            return Judged::Ends(Ending::Converged);
        }
        let (hessian, rounding) = self.whole_hessian();
        let definite = Cholesky::new(&hessian).filter(|_| exceeds(&hessian, &rounding));
        if let Some(cholesky) = definite {
            let step = negated(cholesky.solve(&self.state.gradient));
            self.data.operator.multiply(&step, &mut self.scratch);
            if self.data.operator.largest(&self.scratch) <= SHORT_STEP {
                return Judged::Ends(Ending::Converged);
            }
            // A tail of the loss: go on, the Newton steps say where.
            self.definite = false;
            return Judged::GoesOn(Plan::Tail);
        }
        match lowest_eigenpair(&hessian) {
            Some((curvature, direction))
                if curvature < -rounding.iter().copied().fold(0.0, f64::max) =>
            {
                Judged::GoesOn(Plan::Escape {
                    curvature,
                    direction,
                })
            }
            _ => Judged::Ends(Ending::Flat),
        }
    }

    /// The Hessian with nothing approximated, and what rounding leaves uncertain of its diagonal: a multiple of the terms that add
    /// up to it, which may cancel.
    fn whole_hessian(&mut self) -> (Gram, Vec<f64>) {
        let curvature = self
            .objective
            .curvature(&self.state, &self.z, &mut self.scratch);
        let mut hessian =
            model::exact(self.data.operator, self.data.squared_weights, &self.scratch).hessian;
        let units = hessian.order as f64 * f64::EPSILON * 8.0;
        let rounding = (0..hessian.order)
            .map(|j| {
                let terms = curvature.terms.iter();
                let low_rank = terms.map(|term| (term.factor * term.u[j] * term.v[j]).abs());
                units * (hessian.column(j)[0].abs() + low_rank.sum::<f64>())
            })
            .collect();
        curvature.add_to(&mut hessian);
        (hessian, rounding)
    }

    /// Leaves a saddle along an eigenvector: both ways, several lengths, the lowest loss wins. False where none is lower, or there
    /// have been too many.
    pub(super) fn escape(&mut self, curvature: f64, mut direction: Vec<f64>) -> bool {
        self.escapes += 1;
        if self.escapes > ESCAPES {
            return false;
        }
        self.data.operator.multiply(&direction, &mut self.scratch);
        let size = self.data.operator.largest(&self.scratch);
        if size == 0.0 || !size.is_finite() {
            return false;
        }
        for entry in direction.iter_mut().chain(&mut self.scratch) {
            *entry /= size;
        }
        let line = self.line();
        let best = ESCAPE_LENGTHS
            .iter()
            .flat_map(|t| [*t, -*t])
            .filter_map(|t| {
                self.objective
                    .along(&self.state, &line, t)
                    .map(|(value, _)| (t, value))
            })
            .min_by(|a, b| a.1.total_cmp(&b.1));
        let Some((t, value)) = best else { return false };
        if self.state.loss - value <= LOSS_ROUNDING * self.state.loss.abs() {
            return false;
        }
        let made = Made {
            method: self.orders.method.as_str(),
            rows: self.data.operator.all_rows(),
            cut: false,
            shift: -curvature,
            newton: false,
            kept: false,
        };
        self.take_along(&direction, t, made).is_some()
    }
}

/// Whether a matrix is positive definite also where each entry of its diagonal is less by as much as `rounding` says.
fn exceeds(hessian: &Gram, rounding: &[f64]) -> bool {
    let mut less = hessian.clone();
    for (j, off) in rounding.iter().enumerate() {
        less.column_mut(j)[0] -= off;
    }
    Cholesky::new(&less).is_some()
}
