//! A run in QR coordinates: its state, and what a point with a small gradient is.

use std::cell::Cell;

use nalgebra::{DMatrix, DVector};

use crate::instance::DesignMatrix;
use crate::production::endings::{Ending, SHORT_STEP, Yardstick};
use crate::production::exponential_slope::Rows;
use crate::production::logit_coordinates::LogitCoordinates;
use crate::production::newton::in_qr::point::{Point, finite_noise};
use crate::production::newton::{Coordinates, Judged, iterate};
use crate::production::row_samples::RowSamples;
use crate::production::{EvaluationError, Observer, Problem, Settings, Solution, TraceEntry};

/// Readings of A for loss and gradient at a point.
pub(super) const EVALUATION_PASSES: f64 = 2.0;
/// First value of the cubic weight m, as a fraction of the proven Lipschitz constant, which is far above what is met.
const CUBIC_START: f64 = 1e-2;
/// Cubic weight where no Lipschitz constant is known.
const CUBIC_DEFAULT: f64 = 1.0;
/// Points with a small gradient, a long Newton step and growing logits after which the run counts as divergent.
const RUNAWAY_STEPS: usize = 20;

/// The Hessian model of one iteration.
pub(super) struct Model {
    pub hessian: DMatrix<f64>,
    pub method: &'static str,
    pub distinct_rows: usize,
}

/// An accepted step.
pub(super) struct Accepted {
    pub point: Point,
    pub step_norm: f64,
    pub step_length: f64,
    pub shift: f64,
}

/// A point far up an exponential slope.
pub(super) struct Slope {
    pub rows: Rows,
    pub chords: DVector<f64>,
}

/// What the Hessian at a stationary point says.
pub(super) enum SecondOrder {
    /// Positive definite; the Newton step from here moves the logits by this length.
    Positive {
        newton_length: f64,
    },
    Flat,
    Negative,
}

/// What is known of a judged point.
pub(super) struct Plan {
    /// The point is far up an exponential slope.
    pub slope: Option<Slope>,
    /// The gradient is small and a direction of negative curvature is there.
    pub saddle: bool,
    /// The rounding level of the gradient; 0 where it cannot be had.
    pub noise: f64,
}

/// The state of one solve.
pub(super) struct Run<'a, 'o> {
    pub(super) problem: &'a Problem,
    pub(super) coordinates: &'a LogitCoordinates,
    pub(super) settings: &'a Settings,
    pub(super) q: DesignMatrix,
    pub(super) point: Point,
    pub(super) start_gradient_norm: f64,
    /// The gradient that the tolerance is relative to.
    pub(super) yardstick: f64,
    /// No point so far was off the exponential slope that the start is on.
    pub(super) on_first_slope: bool,
    pub(super) start_logit: f64,
    pub(super) cubic_weight: f64,
    pub(super) cubic_start: f64,
    /// Points with a small gradient, a long Newton step and larger logits than before so far.
    pub(super) long_steps: usize,
    /// Whether the last step made the largest logit larger (or left it).
    pub(super) logits_grew: bool,
    pub(super) warnings: Vec<String>,
    pub(super) trace: Vec<TraceEntry>,
    pub(super) samples: RowSamples,
    pub(super) observer: &'a mut Observer<'o>,
    /// The observer has asked for an end.
    pub(super) stopped: bool,
    /// How often A (or Q, which is as large) has been read.
    pub(super) passes: Cell<f64>,
}

impl<'a, 'o> Run<'a, 'o> {
    pub fn new(
        problem: &'a Problem,
        coordinates: &'a LogitCoordinates,
        settings: &'a Settings,
        start: Point,
        yardstick: Option<Yardstick>,
        observer: &'a mut Observer<'o>,
    ) -> Self {
        let cubic_start = problem
            .loss()
            .hessian_lipschitz()
            .map_or(CUBIC_DEFAULT, |lipschitz| CUBIC_START * lipschitz);
        let yardstick = yardstick.unwrap_or(Yardstick {
            gradient_norm: start.gradient_norm,
            logit: start.z.amax(),
        });
        Self {
            problem,
            coordinates,
            settings,
            q: DesignMatrix::Dense((&coordinates.q).into()),
            start_gradient_norm: start.gradient_norm,
            yardstick: yardstick.gradient_norm,
            on_first_slope: true,
            start_logit: yardstick.logit,
            point: start,
            cubic_weight: cubic_start,
            cubic_start,
            long_steps: 0,
            logits_grew: true,
            warnings: Vec::new(),
            trace: Vec::new(),
            samples: RowSamples::default(),
            observer,
            stopped: false,
            passes: Cell::new(EVALUATION_PASSES),
        }
    }

    pub fn finish(mut self) -> Solution {
        let ending = iterate(&mut self).unwrap_or_else(Ending::OutOfRange);
        let gradient_noise = finite_noise(self.problem, &self.point.x);
        let mut warnings = self.warnings;
        warnings.extend(ending.sentence());
        Solution {
            outcome: ending.outcome(),
            loss: self.point.loss,
            gradient_norm: self.point.gradient_norm,
            start_gradient_norm: self.start_gradient_norm,
            gradient_noise,
            iterations: self.trace.len(),
            error_bound: None,
            error_bound_basis: "no bound: none was asked for".to_string(),
            labels_read: None,
            warnings,
            trace: self.trace,
            x: self.point.x,
        }
    }

    pub(super) fn record(
        &mut self,
        accepted: Accepted,
        method: &'static str,
        distinct_rows: usize,
    ) {
        let entry = TraceEntry {
            iteration: self.trace.len(),
            loss: self.point.loss,
            gradient_norm: self.point.gradient_norm,
            step_norm: accepted.step_norm,
            step_length: accepted.step_length,
            method,
            distinct_rows,
            shift: accepted.shift,
            passes: self.passes.get(),
        };
        self.stopped |= (self.observer)(&entry).is_break();
        self.trace.push(entry);
        self.logits_grew = accepted.point.z.amax() >= self.point.z.amax();
        self.point = accepted.point;
    }

    /// The norm of the gradient at which the run has converged.
    pub(super) fn wanted(&self) -> f64 {
        self.settings.tolerance * self.yardstick
    }

    pub(super) fn count(&self, passes: f64) {
        self.passes.set(self.passes.get() + passes);
    }

    /// The end at a strict minimiser with a small gradient, or one at its rounding level: polishing can bring that below the
    /// tolerance, too.
    pub(super) fn settled(&self, small: bool) -> Ending {
        if small || self.point.gradient_norm <= self.wanted() {
            Ending::Converged
        } else {
            Ending::AtRounding
        }
    }
}

impl Coordinates for Run<'_, '_> {
    type Plan = Plan;

    fn settings(&self) -> &Settings {
        self.settings
    }

    fn watched(&mut self) -> bool {
        self.stopped
    }

    fn steps(&self) -> usize {
        self.trace.len()
    }

    fn judge(&mut self) -> Result<Judged<Plan>, EvaluationError> {
        let slope = self.exponential_slope()?;
        self.set_yardstick(slope.is_some());
        // Where it cannot be had, nothing is excused by rounding.
        let noise = finite_noise(self.problem, &self.point.x).unwrap_or(0.0);
        // On a slope the gradient is small against that of any point farther up, which says nothing.
        let small = slope.is_none() && self.point.gradient_norm <= self.wanted();
        let at_rounding = self.point.gradient_norm <= noise;
        let mut saddle = false;
        if small || at_rounding {
            match self.second_order()? {
                SecondOrder::Positive { newton_length } if newton_length <= SHORT_STEP => {
                    self.polish()?;
                    return Ok(Judged::Ends(self.settled(small)));
                }
                SecondOrder::Positive { .. } if !at_rounding => {
                    // A tail: the loss falls for ever, ever more slowly, and each Newton step is as long as the last.
                    // Not so on the way down an exponential slope: there the logits get smaller.
                    self.long_steps += usize::from(self.logits_grew);
                    if self.long_steps > RUNAWAY_STEPS {
                        return Ok(Judged::Ends(Ending::Tail));
                    }
                }
                SecondOrder::Positive { .. } | SecondOrder::Flat => {
                    return Ok(Judged::Ends(Ending::Flat));
                }
                SecondOrder::Negative => saddle = true,
            }
        }
        Ok(Judged::GoesOn(Plan {
            slope,
            saddle,
            noise,
        }))
    }

    fn step(&mut self, plan: Plan) -> Result<Option<Ending>, EvaluationError> {
        let Plan {
            slope,
            saddle,
            noise,
        } = plan;
        if let Some((accepted, method)) = slope.and_then(|slope| self.descend(&slope)) {
            self.record(accepted, method, self.problem.rows());
            return Ok(None);
        }
        let model = match self.model(saddle)? {
            Ok(model) => model,
            Err(refusal) => return Ok(Some(refusal)),
        };
        let Some(accepted) = self.better_point(&model, saddle) else {
            return Ok(Some(if saddle {
                Ending::Saddle
            } else {
                Ending::Stalled {
                    gradient_norm: self.point.gradient_norm,
                    noise: Some(noise),
                }
            }));
        };
        self.record(accepted, model.method, model.distinct_rows);
        Ok(None)
    }

    fn largest_logits(&self) -> (f64, f64) {
        (self.start_logit, self.point.z.amax())
    }
}
