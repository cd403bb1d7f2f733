//! Variable projection's outer iteration: Levenberg-Marquardt on a loss from which the linear unknowns are eliminated.
//!
//! ```text
//! f(u) = min_v L(u, v)        (H + lambda c I) s = -grad f(u)        lambda by the ratio of what the loss lost to what was predicted
//! ```
//!
//! H is the Gauss-Newton matrix, which is never indefinite, until the gradient has become small and a step leaves a quarter
//! of it. From then on H is the Hessian of f, shifted until it is positive definite, and large residuals cost nothing. A minimiser is told by the
//! Hessian alone: positive definite beyond rounding, and its Newton step short.

use std::rc::Rc;

use nalgebra::DVector;

use crate::production::EvaluationError;
use crate::production::endings::{POLISH_GAIN, POLISH_STEPS};
use crate::production::outcome::{Outcome, TraceEntry};
use crate::production::settings::Settings;
use crate::production::systems::curvature::{Curvature, Look, Second};
use crate::production::systems::reached::Watch;

/// A step that leaves more than this of the gradient, and less than `NEAR` of the largest one so far, makes the next ones use
/// the exact Hessian. Farther out it is indefinite more often than not, and the shift that mends it makes steps short: a
/// planted head took 16 of them by the Hessian and 7 by Gauss-Newton.
const SLOW: f64 = 0.25;
const NEAR: f64 = 0.01;
/// The first multiple of the mean curvature that is added.
const FIRST_SHIFT: f64 = 1e-3;
const LEAST_SHIFT: f64 = 1e-14;
/// The relative residual of conjugate gradients at most.
const FORCING: f64 = 0.1;

/// A loss after the elimination of its linear unknowns.
pub(super) trait Reduced {
    /// Everything known at a point.
    type Point;

    /// The name in traces.
    fn name(&self) -> &'static str;
    /// The point at coordinates `u`.
    fn at(&self, u: &DVector<f64>) -> Result<Self::Point, EvaluationError>;
    /// `u` moved by a step; by default their sum.
    fn moved(&self, u: &DVector<f64>, step: &DVector<f64>) -> DVector<f64> {
        u + step
    }
    /// A loss or the norm of a gradient in the units of the system, for the trace.
    fn shown(&self, number: f64) -> f64 {
        number
    }
    /// `f(u)`.
    fn loss(&self, point: &Self::Point) -> f64;
    /// `grad f(u)`.
    fn gradient<'a>(&self, point: &'a Self::Point) -> &'a DVector<f64>;
    /// The norm of the gradient of the whole loss in its own unknowns.
    fn gradient_norm(&self, point: &Self::Point) -> f64;
    /// The rounding level of that norm, which costs about as much as a point: asked for where a run stands, not at trials.
    fn rounding(&self, point: &Self::Point) -> f64;
    /// Second derivatives of f; directions that f does not depend on carry any positive curvature.
    fn curvature<'a>(&'a self, point: &'a Self::Point, which: Curvature) -> Second<'a>;
    /// The exact ones where they are to decide what kind of point this is.
    fn decisive<'a>(&'a self, point: &'a Self::Point) -> Second<'a> {
        self.curvature(point, Curvature::Exact)
    }
    /// Why the run should end as diverged, if it should.
    fn diverged(&self, point: &Self::Point) -> Option<String>;
}

/// The end of a run in reduced coordinates.
pub(super) struct End<P> {
    pub(super) outcome: Outcome,
    pub(super) u: DVector<f64>,
    pub(super) point: Rc<P>,
    pub(super) start_gradient_norm: f64,
    pub(super) iterations: usize,
    pub(super) warnings: Vec<String>,
}

/// Minimises f from `u`.
pub(super) fn minimise<R: Reduced>(
    reduced: &R,
    u: DVector<f64>,
    settings: &Settings,
    watch: &mut Watch<'_>,
) -> Result<End<R::Point>, EvaluationError> {
    let point = reduced.at(&u)?;
    let start_gradient_norm = reduced.gradient_norm(&point);
    let mut run = Run {
        reduced,
        settings,
        start_norm: start_gradient_norm,
        largest_norm: start_gradient_norm,
        exact: false,
        shift: FIRST_SHIFT,
        evaluations: 1,
        iterations: 0,
        polished: 0,
        warnings: Vec::new(),
        last: Last::default(),
        u,
        point: Rc::new(point),
    };
    let outcome = run.iterate(watch);
    Ok(End {
        outcome,
        u: run.u,
        point: run.point,
        start_gradient_norm,
        iterations: run.iterations,
        warnings: run.warnings,
    })
}

/// The step that was accepted last.
#[derive(Clone, Copy, Default)]
struct Last {
    norm: f64,
    shift: f64,
}

struct Run<'a, R: Reduced> {
    reduced: &'a R,
    settings: &'a Settings,
    start_norm: f64,
    /// Of the gradients so far: a start at a saddle has none.
    largest_norm: f64,
    exact: bool,
    shift: f64,
    evaluations: usize,
    iterations: usize,
    polished: usize,
    warnings: Vec<String>,
    last: Last,
    u: DVector<f64>,
    point: Rc<R::Point>,
}

impl<R: Reduced> Run<'_, R> {
    fn iterate(&mut self, watch: &mut Watch<'_>) -> Outcome {
        loop {
            let norm = self.reduced.gradient_norm(&self.point);
            self.largest_norm = self.largest_norm.max(norm);
            let noise = self.reduced.rounding(&self.point);
            let entry = self.entry(norm);
            if watch.sees(entry) {
                return Outcome::Interrupted;
            }
            if let Some(reason) = self.reduced.diverged(&self.point) {
                self.warnings.push(reason);
                return Outcome::Diverged;
            }
            let small = norm <= self.settings.tolerance * self.start_norm;
            if small || norm <= noise {
                let look = self.look();
                let goes_on = match &look {
                    Look::Minimiser(newton) => norm > noise && self.polish(newton, norm),
                    Look::Saddle(direction) => self.leave(direction),
                    Look::Flat => false,
                };
                if goes_on {
                    continue;
                }
                if !matches!(look, Look::Flat) || norm <= noise {
                    return look.outcome(small);
                }
            }
            if self.iterations >= self.settings.max_iterations {
                return Outcome::IterationLimit;
            }
            if !self.advance(norm)
                && let Some(outcome) = self.stalled(norm, noise)
            {
                return outcome;
            }
        }
    }

    fn entry(&self, norm: f64) -> TraceEntry {
        TraceEntry {
            iteration: self.iterations,
            loss: self.reduced.shown(self.reduced.loss(&self.point)),
            gradient_norm: self.reduced.shown(norm),
            step_norm: self.last.norm,
            step_length: if self.iterations == 0 { 0.0 } else { 1.0 },
            method: self.reduced.name(),
            distinct_rows: 0,
            shift: self.last.shift,
            passes: self.evaluations as f64,
        }
    }

    /// No step was good: at a saddle, within some roundings of the best, or stuck. `None` if a saddle was left.
    fn stalled(&mut self, norm: f64, noise: f64) -> Option<Outcome> {
        /// The rounding level is a bound of first order; a stall just above it is the end of the digits, too.
        const NEAR: f64 = 100.0;
        let look = self.look();
        match &look {
            Look::Saddle(direction) if self.leave(direction) => None,
            Look::Minimiser(_) | Look::Flat if norm > NEAR * noise => {
                Some(Outcome::LineSearchStalled)
            }
            Look::Minimiser(_) | Look::Saddle(_) | Look::Flat => Some(look.outcome(false)),
        }
    }

    fn look(&self) -> Look {
        let gradient = self.reduced.gradient(&self.point);
        self.reduced.decisive(&self.point).look(&self.u, gradient)
    }

    fn try_at(&mut self, step: &DVector<f64>) -> Option<(DVector<f64>, R::Point)> {
        self.evaluations += 1;
        let moved = self.reduced.moved(&self.u, step);
        let point = self.reduced.at(&moved).ok()?;
        Some((moved, point))
    }

    fn accept(&mut self, u: DVector<f64>, point: R::Point, norm: f64, shift: f64) {
        self.iterations += 1;
        self.last = Last { norm, shift };
        self.u = u;
        self.point = Rc::new(point);
    }

    /// A full Newton step where it at least halves the gradient, as long as the settings have some left.
    fn polish(&mut self, newton: &DVector<f64>, norm: f64) -> bool {
        if self.polished >= self.settings.polish_steps.unwrap_or(POLISH_STEPS) {
            return false;
        }
        self.polished += 1;
        match self.try_at(newton) {
            Some((u, point)) if self.reduced.gradient_norm(&point) <= POLISH_GAIN * norm => {
                self.accept(u, point, newton.norm(), 0.0);
                true
            }
            Some(_) | None => false,
        }
    }

    /// Along a direction of negative curvature, as far as the loss falls.
    fn leave(&mut self, direction: &DVector<f64>) -> bool {
        let loss = self.reduced.loss(&self.point);
        let mut length = self.u.norm().max(1.0);
        for _ in 0..self.settings.max_halvings {
            for sign in [1.0, -1.0] {
                let step = direction * (sign * length);
                if let Some((u, point)) = self.try_at(&step)
                    && self.reduced.loss(&point) < loss
                {
                    self.accept(u, point, length, 0.0);
                    self.shift = FIRST_SHIFT;
                    return true;
                }
            }
            length *= 0.5;
        }
        false
    }

    /// One accepted step; false if there is none.
    fn advance(&mut self, norm: f64) -> bool {
        let here = Rc::clone(&self.point);
        let gradient = self.reduced.gradient(&here);
        let loss = self.reduced.loss(&here);
        let which = if self.exact {
            Curvature::Exact
        } else {
            Curvature::GaussNewton
        };
        let reduced = self.reduced;
        let hessian = reduced.curvature(&here, which);
        let mean = hessian.mean();
        // Conjugate gradients need not be better than the distance from the solution.
        let forcing = (norm / self.largest_norm).sqrt().min(FORCING);
        for _ in 0..=self.settings.max_halvings {
            let shift = self.shift;
            // Raised until the shifted matrix is positive definite, and after a step that is no good.
            self.shift = (shift * 8.0).max(FIRST_SHIFT * FIRST_SHIFT);
            let Some(step) = hessian.step(shift * mean, gradient, forcing) else {
                continue;
            };
            let length = step.norm();
            if length <= f64::EPSILON * self.u.norm() {
                return false;
            }
            let predicted = -(gradient.dot(&step) + 0.5 * step.dot(&hessian.times(&step)));
            let Some((u, point)) = self.try_at(&step) else {
                continue;
            };
            let lost = loss - self.reduced.loss(&point);
            let left = self.reduced.gradient_norm(&point);
            // Where the loss cannot judge, the gradient does.
            let unresolved = predicted <= self.settings.loss_resolution * loss.abs();
            let good = if unresolved {
                left < norm
            } else {
                lost >= self.settings.sufficient_decrease * predicted
            };
            if good {
                let ratio = if unresolved { 1.0 } else { lost / predicted };
                self.shift = if ratio > 0.75 {
                    (shift * 0.1).max(LEAST_SHIFT)
                } else if ratio < 0.25 {
                    shift * 4.0
                } else {
                    shift
                };
                self.exact |= left > SLOW * norm && left < NEAR * self.largest_norm;
                self.accept(u, point, length, shift);
                return true;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests;
