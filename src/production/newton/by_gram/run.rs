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

use std::ops::ControlFlow;

use crate::instance::DesignMatrix;
use crate::production::endings::{Ending, Yardstick};
use crate::production::factor::cholesky::Cholesky;
use crate::production::kept_gram::{Ridge, RunGram};
use crate::production::kernels::operator::{Gram, Operator};
use crate::production::newton::by_gram::objective::{Objective, Sampler, State};
use crate::production::newton::{Coordinates, Judged, iterate};
use crate::production::row_samples::RowSamples;
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
    /// The rows that are here.
    pub matrix: &'a DesignMatrix,
    /// Of the rows that are here.
    pub squared_weights: &'a [f64],
    /// `A' diag(w^2) A`, once it is wanted.
    pub ridge: &'a RunGram<'a>,
    /// Finds a start on a sample of the rows, where the loss knows how.
    pub sampler: Option<&'a Sampler<'a>>,
}

impl<'a> Data<'a> {
    pub fn ridge(&self) -> &'a Ridge {
        self.ridge.get(self.operator, self.squared_weights)
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
    samples: RowSamples,
    /// Why a requested sample was refused.
    refused: Option<Ending>,
    escapes: usize,
    stopped: bool,
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
            weighted: data
                .operator
                .share()
                .everywhere(data.squared_weights.iter().all(|w2| *w2 > 0.0)),
            samples: RowSamples::default(),
            refused: None,
            escapes: 0,
            stopped: false,
            trace: Vec::new(),
            observed: 0,
        })
    }

    pub(super) fn finish(mut self) -> End {
        let ending = iterate(&mut self).unwrap_or_else(Ending::OutOfRange);
        if ending == Ending::Converged {
            self.polish();
        }
        self.end(&ending)
    }

    /// The last point; the workspace goes back to the pool.
    pub(super) fn into_state(self) -> State {
        self.data.operator.pool().give(self.z);
        self.data.operator.pool().give(self.scratch);
        self.state
    }

    fn end(mut self, ending: &Ending) -> End {
        self.observe();
        self.settle();
        let start_gradient_norm = self.start_gradient_norm;
        let start_logit = self.start_logit;
        let trace = std::mem::take(&mut self.trace);
        let state = self.into_state();
        End {
            outcome: ending.outcome(),
            x: state.x,
            loss: state.loss,
            gradient_norm: state.gradient_norm,
            start_gradient_norm,
            start_logit,
            warnings: ending.sentence().into_iter().collect(),
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
}

/// How a run goes on from a judged point.
pub(super) enum Plan {
    /// By a step of the method.
    Descend,
    /// The same, down a tail of the loss: the gradient is small, the Newton step long.
    Tail,
    /// Along an eigenvector of negative curvature.
    Escape { curvature: f64, direction: Vec<f64> },
}

impl<O: Objective> Coordinates for Run<'_, '_, O> {
    type Plan = Plan;

    fn settings(&self) -> &Settings {
        self.orders.settings
    }

    fn watched(&mut self) -> bool {
        self.observe();
        self.stopped
    }

    fn steps(&self) -> usize {
        self.trace.len()
    }

    fn judge(&mut self) -> Result<Judged<Plan>, EvaluationError> {
        // Not so where the norm is no number.
        let small = self.state.gradient_norm <= self.wanted();
        Ok(if !small {
            Judged::GoesOn(Plan::Descend)
        } else if self.drifted {
            self.settle();
            Judged::Again
        } else {
            self.at_stationary_point()
        })
    }

    fn step(&mut self, plan: Plan) -> Result<Option<Ending>, EvaluationError> {
        let stalled = match &plan {
            Plan::Tail => Ending::StalledTail,
            Plan::Descend | Plan::Escape { .. } => Ending::Stalled {
                gradient_norm: self.state.gradient_norm,
                noise: None,
            },
        };
        let step = match plan {
            Plan::Descend | Plan::Tail => self.descend(),
            Plan::Escape {
                curvature,
                direction,
            } => return Ok((!self.escape(curvature, direction)).then_some(Ending::Saddle)),
        };
        if let Some(refusal) = self.refused.take() {
            return Ok(Some(refusal));
        }
        Ok(match step {
            Step::Taken | Step::Refined => None,
            Step::Stalled => Some(stalled),
            Step::Singular => Some(Ending::NoMatrix),
        })
    }

    fn largest_logits(&self) -> (f64, f64) {
        (self.start_logit, self.data.operator.largest(&self.z))
    }
}
