//! One run through Gram matrices: its state, its iterations, its ending.
//!
//! | file | what lives there |
//! |---|---|
//! | `first` | first steps where the Hessian at the start is indefinite |
//! | `step` | one iteration, and how its step is judged |
//! | `hessian` | the matrix of a step, and what takes its place where that is not positive definite |
//! | `corrector` | a second step by the same model |
//! | `movement` | lengths along a line in the logits, and a trial that becomes the point |
//! | `stationary` | what a point with a small gradient is, and how a saddle is left |

mod corrector;
mod first;
mod hessian;
mod movement;
mod stationary;
mod step;

use std::cell::OnceCell;
use std::ops::ControlFlow;

use crate::instance::DesignMatrix;
use crate::production::endings::{Yardstick, has_run_away};
use crate::production::engine::factor::Cholesky;
use crate::production::engine::objective::{Objective, Sampler, State};
use crate::production::kernels::operator::{Gram, Operator};
use crate::production::{EvaluationError, Method, Outcome, Settings, TraceEntry};

/// Where a run ended.
pub(crate) struct End {
    pub outcome: Outcome,
    pub x: Vec<f64>,
    pub loss: f64,
    pub gradient_norm: f64,
    pub start_gradient_norm: f64,
    /// The largest logit at the start.
    pub start_logit: f64,
    pub warnings: Vec<String>,
    pub trace: Vec<TraceEntry>,
}

impl End {
    /// What a later part of the run is measured against.
    pub fn yardstick(&self) -> Yardstick {
        Yardstick {
            gradient_norm: self.start_gradient_norm,
            logit: self.start_logit,
        }
    }
}

/// What a run is told from outside.
pub(crate) struct Orders<'a> {
    pub settings: &'a Settings,
    /// Which Hessian model is used.
    pub method: Method,
    /// Stop after a Newton step that promised to lower the loss by less than this fraction.
    pub coarse: Option<f64>,
    /// Sees every iteration as it is made, and may stop the run.
    pub observer: &'a mut dyn FnMut(&TraceEntry) -> ControlFlow<()>,
}

/// What a run works on.
#[derive(Clone, Copy)]
pub(super) struct Data<'a> {
    pub operator: &'a Operator,
    pub matrix: &'a DesignMatrix,
    pub squared_weights: &'a [f64],
    /// `A' diag(w^2) A`, once it is wanted.
    pub ridge: &'a OnceCell<Gram>,
    /// Finds a start on a sample of the rows, where the loss knows how.
    pub sampler: Option<&'a Sampler<'a>>,
}

impl<'a> Data<'a> {
    pub fn ridge(&self) -> &'a Gram {
        self.ridge
            .get_or_init(|| self.operator.gram(self.squared_weights))
    }
}

/// The kind of an iteration's model, and what the trace says about it.
#[derive(Clone, Copy)]
struct Made {
    method: &'static str,
    rows: usize,
    /// Heavy rows have been left out, which a larger budget would take in.
    cut: bool,
    shift: f64,
    /// The Hessian itself (or its model), not a stand-in.
    newton: bool,
    /// Made at an earlier point.
    kept: bool,
}

pub(super) struct Run<'a, 'o, O: Objective> {
    objective: &'a O,
    data: Data<'a>,
    /// `A'A` where some weights are zero: a metric that sees all directions.
    metric: Option<Gram>,
    orders: Orders<'o>,
    state: State,
    /// The logits at the state.
    z: Vec<f64>,
    /// The logits have been moved along a line: next to `A x` they are off by roundings of the logits before, which may have been
    /// much larger.
    drifted: bool,
    /// n entries for a diagonal, a trial's logits or a direction in the logits, whichever is wanted at the time.
    scratch: Vec<f64>,
    start_gradient_norm: f64,
    /// The largest logit at the start.
    start_logit: f64,
    /// Multiplies the budget of heavy rows.
    boost: f64,
    /// The last step was a Newton step of about full length: the next one is tried with a fused sweep at once.
    smooth: bool,
    /// The last step was a full Newton step.
    full_step: bool,
    /// The last step of a stand-in made little progress.
    slow: bool,
    /// The Hessian model of the last step was positive definite and the step a full one.
    definite: bool,
    /// The model of the last step, where another step by it promises to be the last one.
    kept: Option<(Cholesky, Made)>,
    /// Every weight is positive: then the loss grows in all directions that A sees.
    weighted: bool,
    /// Leverage scores of `diag(E)^1/2 A` and E, once they have been sketched.
    scores: Option<(Vec<f64>, Vec<f64>)>,
    /// Samples drawn so far.
    samples: usize,
    /// Why a requested sample was refused.
    refused: Option<Outcome>,
    escapes: usize,
    stopped: bool,
    warnings: Vec<String>,
    trace: Vec<TraceEntry>,
    /// Entries of the trace that the observer has seen.
    observed: usize,
}

/// What became of an iteration.
enum Step {
    Taken,
    /// The model has been refined; try again from the same point.
    Refined,
    /// Nothing lowers the loss or the gradient any more.
    Stalled,
    /// The matrix of the step could not be made definite.
    Singular,
}

impl<'a, 'o, O: Objective> Run<'a, 'o, O> {
    pub(super) fn begin(
        objective: &'a O,
        data: Data<'a>,
        start: Vec<f64>,
        orders: Orders<'o>,
    ) -> Result<Self, EvaluationError> {
        let n = data.squared_weights.len();
        let mut z = data.operator.pool().take(n);
        let state = objective.evaluate(start, &mut z, None)?;
        Ok(Self {
            objective,
            data,
            metric: None,
            orders,
            start_gradient_norm: state.gradient_norm,
            start_logit: data.operator.largest(&z),
            state,
            z,
            drifted: false,
            scratch: data.operator.pool().take(n),
            boost: 1.0,
            smooth: true,
            full_step: false,
            slow: false,
            definite: false,
            kept: None,
            weighted: data.squared_weights.iter().all(|w2| *w2 > 0.0),
            scores: None,
            samples: 0,
            refused: None,
            escapes: 0,
            stopped: false,
            warnings: Vec::new(),
            trace: Vec::new(),
            observed: 0,
        })
    }

    pub(super) fn finish(mut self) -> End {
        let outcome = self.iterate();
        if outcome == Outcome::Converged {
            self.polish();
        }
        self.end(outcome)
    }

    pub(super) fn iterate(&mut self) -> Outcome {
        let limit = self.orders.settings.max_iterations;
        // Refinements are bounded by the budget, but count nevertheless.
        for _ in 0..limit.saturating_mul(2) {
            self.observe();
            if self.stopped {
                return Outcome::Interrupted;
            }
            if self.state.gradient_norm <= self.wanted() {
                if self.drifted {
                    self.settle();
                    continue;
                }
                match self.at_stationary_point() {
                    Some(outcome) => return outcome,
                    None => continue,
                }
            }
            if self.trace.len() >= limit {
                return Outcome::IterationLimit;
            }
            let step = self.step();
            if let Some(outcome) = self.refused {
                return outcome;
            }
            match step {
                Step::Taken | Step::Refined => {}
                Step::Stalled => return Outcome::LineSearchStalled,
                Step::Singular => return Outcome::Singular,
            }
            if let Some(outcome) = self.runaway() {
                return outcome;
            }
        }
        Outcome::IterationLimit
    }

    /// The last point; the workspace goes back to the pool.
    pub(super) fn into_state(self) -> State {
        self.data.operator.pool().give(self.z);
        self.data.operator.pool().give(self.scratch);
        self.state
    }

    fn end(mut self, outcome: Outcome) -> End {
        self.observe();
        self.settle();
        let start_gradient_norm = self.start_gradient_norm;
        let start_logit = self.start_logit;
        let warnings = std::mem::take(&mut self.warnings);
        let trace = std::mem::take(&mut self.trace);
        let state = self.into_state();
        End {
            outcome,
            x: state.x,
            loss: state.loss,
            gradient_norm: state.gradient_norm,
            start_gradient_norm,
            start_logit,
            warnings,
            trace,
        }
    }

    /// Shows the observer the iterations that are finished: an iteration may yet be corrected after its step.
    fn observe(&mut self) {
        for entry in &self.trace[self.observed..] {
            self.stopped |= (self.orders.observer)(entry).is_break();
        }
        self.observed = self.trace.len();
    }

    /// Evaluates the state anew at `A x` if its logits have come along a line.
    fn settle(&mut self) {
        if !std::mem::take(&mut self.drifted) {
            return;
        }
        let x = self.state.x.clone();
        // Where the loss is not defined at A x itself, what has been reached stands.
        if let Ok(state) = self
            .objective
            .evaluate(x, &mut self.scratch, Some(&self.state))
        {
            std::mem::swap(&mut self.z, &mut self.scratch);
            self.state = state;
        }
    }

    /// The norm of the gradient at which the run has converged.
    fn wanted(&self) -> f64 {
        self.orders.settings.tolerance * self.start_gradient_norm
    }

    fn runaway(&mut self) -> Option<Outcome> {
        let largest = self.data.operator.largest(&self.z);
        if !has_run_away(largest, self.start_logit, self.orders.settings) {
            return None;
        }
        self.warnings.push(format!(
            "logits have grown to {largest:e} without a stationary point"
        ));
        Some(Outcome::Diverged)
    }
}
