//! Newton's method through Gram matrices: fast, for problems of any size, dense or sparse.
//!
//! ```text
//! once     G = A' W^2 A
//! repeat   one sweep over A: loss, gradient, low-rank part of the Hessian
//!          H = model of the Hessian (exact, or G corrected on the heavy rows)
//!          H s = -g by Cholesky; where H is not positive definite, a positive semidefinite stand-in
//!          full step if it is good, else the best step along s, searched in the logits without reading A
//!          after a poor step by an expensive model, one more against the new gradient by the same factor
//! ```
//!
//! The normal equations square the condition number of A; [`solve`](crate::production::solve) therefore hands small and
//! ill-conditioned problems to the slower method in orthonormal coordinates.

mod corrector;
pub(crate) mod factor;
mod general;
mod importance;
mod line_search;
mod model;
pub(crate) mod objective;
mod sampled_start;
mod softmax;

use std::cell::OnceCell;
use std::ops::ControlFlow;

use crate::instance::DesignMatrix;
use crate::production::endings::{
    LOSS_ROUNDING, POLISH_GAIN, SHORT_STEP, SINGULAR_HESSIAN, Yardstick, has_run_away,
};
use crate::production::engine::factor::{Cholesky, absolute_step, lowest_eigenpair};
use crate::production::engine::general::General;
use crate::production::engine::line_search::{SLOPE, line_search};
use crate::production::engine::model::Model;
use crate::production::engine::objective::{LineContext, Objective, State};
use crate::production::engine::sampled_start::SampledStart;
use crate::production::engine::softmax::FusedSoftmax;
use crate::production::kernels::operator::{Gram, Operator};
use crate::production::kernels::partition::Rows;
use crate::production::leverage::{SampleSize, corrected_scores, draw_sized, sketched_scores};
use crate::production::summation::{dot, norm};
use crate::production::{EvaluationError, Method, Outcome, Problem, Settings, TraceEntry};

/// When the predicted change of the loss is below [`Settings::loss_resolution`], a step must bring the gradient below this
/// fraction of what it was, or the model is refined.
const POOR_CONTRACTION: f64 = 0.1;
/// Growth of the budget of heavy rows after a poor step.
const BOOST: f64 = 2.0;
/// Step lengths that are tried along the first model's step.
const FIRST_LENGTHS: [f64; 7] = [1.0, 0.7, 0.5, 0.35, 0.25, 0.15, 0.08];
/// The first multiple of the metric that is added to a stand-in that is not definite, and its growth.
const SHIFT: (f64, f64) = (1e-3, 10.0);
/// After so many multiples the matrix is given up as singular.
const SHIFTS: usize = 40;
/// A Newton step this long, as a fraction of the full one, means that the quadratic model fits.
const SMOOTH: (f64, f64) = (0.8, 1.5);
/// Saddles left along negative curvature at most.
const ESCAPES: usize = 20;
/// Lengths, in the largest logit, that are tried to leave a saddle.
const ESCAPE_LENGTHS: [f64; 6] = [0.01, 0.1, 0.5, 1.0, 3.0, 10.0];

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

/// Minimises from a start that fits. Errors are those of an evaluation at the start.
pub(crate) fn run(
    problem: &Problem,
    start: Vec<f64>,
    orders: Orders<'_>,
) -> Result<End, EvaluationError> {
    launch(problem, start, orders, false)
}

/// [`run`], or [`run_sampled_start`].
fn launch(
    problem: &Problem,
    start: Vec<f64>,
    orders: Orders<'_>,
    only_start: bool,
) -> Result<End, EvaluationError> {
    let operator = problem.operator().counted_anew();
    let squared_weights = problem.squared_weights().as_slice();
    let ridge = OnceCell::new();
    let data = Data {
        operator: &operator,
        matrix: problem.matrix(),
        squared_weights,
        ridge: &ridge,
    };
    let loss = problem.loss();
    match loss.softmax_target() {
        Some(target) => {
            let objective = FusedSoftmax::new(&operator, target, data.ridge());
            Ok(Run::begin(&objective, data, start, orders)?.end_of(only_start))
        }
        None => {
            let objective = General::new(&operator, loss, squared_weights);
            Ok(Run::begin(&objective, data, start, orders)?.end_of(only_start))
        }
    }
}

/// Only the start from a sample of the rows; its trace is empty where there is none.
pub(crate) fn run_sampled_start(
    problem: &Problem,
    start: Vec<f64>,
    orders: Orders<'_>,
) -> Result<End, EvaluationError> {
    launch(problem, start, orders, true)
}

/// What a run works on.
#[derive(Clone, Copy)]
struct Data<'a> {
    operator: &'a Operator,
    matrix: &'a DesignMatrix,
    squared_weights: &'a [f64],
    /// `A' diag(w^2) A`, once it is wanted.
    ridge: &'a OnceCell<Gram>,
}

impl<'a> Data<'a> {
    fn ridge(&self) -> &'a Gram {
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

struct Run<'a, 'o, O: Objective> {
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
    fn begin(
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

    fn finish(mut self) -> End {
        let outcome = self.iterate();
        if outcome == Outcome::Converged {
            self.polish();
        }
        self.end(outcome)
    }

    fn end_of(self, only_start: bool) -> End {
        if only_start {
            self.finish_sampled_start()
        } else {
            self.finish()
        }
    }

    /// The start that a sample of the rows gives, where the Hessian at the start is indefinite, as a run that goes on elsewhere.
    fn finish_sampled_start(mut self) -> End {
        let curvature = self
            .objective
            .curvature(&self.state, &self.z, &mut self.scratch);
        if let Some(Model { mut hessian, .. }) = self.model() {
            curvature.add_to(&mut hessian);
            if Cholesky::new(&hessian).is_none() {
                self.sampled_start();
            }
        }
        self.observe();
        let outcome = if self.stopped {
            Outcome::Interrupted
        } else {
            Outcome::IterationLimit
        };
        self.end(outcome)
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

    /// The last point; the workspace goes back to the pool.
    fn into_state(self) -> State {
        self.data.operator.pool().give(self.z);
        self.data.operator.pool().give(self.scratch);
        self.state
    }

    fn iterate(&mut self) -> Outcome {
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

    /// Shows the observer the iterations that are finished: an iteration may yet be corrected after its step.
    fn observe(&mut self) {
        for entry in &self.trace[self.observed..] {
            self.stopped |= (self.orders.observer)(entry).is_break();
        }
        self.observed = self.trace.len();
    }

    /// Full Newton steps that go on halving the gradient after convergence, if any are asked for.
    fn polish(&mut self) {
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
                rows: self.data.squared_weights.len(),
                cut: false,
                shift: 0.0,
                newton: true,
                kept: false,
            };
            self.accept_trial(trial, made, 1.0);
        }
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

    /// Decides what a point with a small gradient is; `None` if it was a saddle that has been left.
    fn at_stationary_point(&mut self) -> Option<Outcome> {
        if self.definite && self.weighted {
            return Some(Outcome::Converged);
        }
        let (hessian, rounding) = self.whole_hessian();
        let definite = Cholesky::new(&hessian).filter(|_| exceeds(&hessian, &rounding));
        if let Some(cholesky) = definite {
            let step = negated(cholesky.solve(&self.state.gradient));
            self.data.operator.multiply(&step, &mut self.scratch);
            if self.data.operator.largest(&self.scratch) <= SHORT_STEP {
                return Some(Outcome::Converged);
            }
            // A tail of the loss: go on, the Newton steps say where.
            self.definite = false;
            if self.trace.len() >= self.orders.settings.max_iterations {
                return Some(Outcome::IterationLimit);
            }
            return match self.step() {
                Step::Taken | Step::Refined => None,
                Step::Stalled => Some(Outcome::Diverged),
                Step::Singular => Some(self.refused.unwrap_or(Outcome::Singular)),
            };
        }
        let lowest = lowest_eigenpair(&hessian);
        match lowest {
            Some((value, vector)) if value < -rounding.iter().copied().fold(0.0, f64::max) => {
                if self.trace.len() >= self.orders.settings.max_iterations {
                    return Some(Outcome::IterationLimit);
                }
                self.escapes += 1;
                if self.escapes <= ESCAPES && self.escape(value, vector) {
                    None
                } else {
                    self.warnings.push(
                        "a direction of negative curvature is left that does not lower the loss beyond rounding"
                            .to_string(),
                    );
                    Some(Outcome::NotConvex)
                }
            }
            _ => {
                self.warnings.push(SINGULAR_HESSIAN.to_string());
                Some(Outcome::Singular)
            }
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

    /// Leaves a saddle along an eigenvector: both ways, several lengths, the lowest loss wins.
    fn escape(&mut self, curvature: f64, mut direction: Vec<f64>) -> bool {
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
            rows: self.data.squared_weights.len(),
            cut: false,
            shift: -curvature,
            newton: false,
            kept: false,
        };
        self.take_along(&direction, t, made).is_some()
    }

    /// One iteration.
    fn step(&mut self) -> Step {
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

    /// The model of `A' (W^2 + diag(scratch)) A` that the method asks for; `None` if it is refused.
    fn model(&mut self) -> Option<Model> {
        match self.orders.method {
            Method::ReusedGram | Method::Auto => Some(model::reused_gram(
                self.data.operator,
                self.data.squared_weights,
                self.data.ridge(),
                &self.scratch,
                self.boost,
            )),
            Method::Exact => Some(model::exact(
                self.data.operator,
                self.data.squared_weights,
                &self.scratch,
            )),
            Method::Subsampled => match self.sampled() {
                Ok(model) => Some(model),
                Err((outcome, reason)) => {
                    self.warnings.push(reason);
                    self.refused = Some(outcome);
                    None
                }
            },
        }
    }

    /// `A' D~ A` for a leverage-score sample of the diagonal.
    fn sampled(&mut self) -> Result<Model, (Outcome, String)> {
        let diagonal: Vec<f64> = self
            .data
            .squared_weights
            .iter()
            .zip(&self.scratch)
            .map(|(w2, d)| w2 + d)
            .collect();
        if let Some(index) = diagonal.iter().position(|entry| *entry <= 0.0) {
            return Err((
                Outcome::DiagonalNotPositive,
                format!(
                    "subsampling needs a positive diagonal, but entry {index} of Hess l + w^2 is {:e}: use another method or larger weights",
                    diagonal[index]
                ),
            ));
        }
        let failed = |error: crate::production::leverage::LeverageError| {
            (
                Outcome::SamplingFailed,
                format!("no sample could be drawn: {error}"),
            )
        };
        let settings = self.orders.settings;
        if self.scores.is_none() {
            let scales: Vec<f64> = diagonal.iter().map(|entry| entry.sqrt()).collect();
            let scores =
                sketched_scores(self.data.matrix, &scales, settings.seed).map_err(failed)?;
            let reference = scales.iter().map(|scale| scale * scale).collect();
            self.scores = Some((scores, reference));
        }
        let Some((scores, reference)) = &self.scores else {
            return Err((Outcome::SamplingFailed, "no scores".to_string()));
        };
        let corrected = corrected_scores(scores, reference, &diagonal).map_err(failed)?;
        let size = SampleSize {
            epsilon: settings.epsilon,
            delta: settings.delta,
            constant: settings.sampling_constant,
        };
        let (seed, columns) = (settings.seed, self.data.operator.columns());
        let sample =
            draw_sized(&corrected, &diagonal, size, seed, self.samples, columns).map_err(failed)?;
        self.samples += 1;
        let mut hessian = Gram::zeros(self.data.operator.columns());
        self.data
            .operator
            .add_gram(Rows::List(&sample.rows), &sample.weights, &mut hessian);
        Ok(Model {
            hessian,
            rows: sample.rows.len(),
            cut: false,
        })
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

    /// The length of a step whose change of the logits is in `scratch`, and the loss there; `None` if no length lowers it.
    fn best_length(&self, slope: f64) -> Option<(f64, f64)> {
        let line = self.line();
        line_search(
            |t| self.objective.along(&self.state, &line, t),
            (self.state.loss, slope),
            self.orders.settings.sufficient_decrease,
            self.orders.settings.max_halvings,
        )
    }

    /// The line from the logits along `scratch`.
    fn line(&self) -> LineContext<'_> {
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

    /// A positive definite stand-in for the Hessian, with as much of the metric added as it needs.
    fn stand_in(&mut self) -> Option<(Cholesky, usize, f64)> {
        let curvature = self
            .objective
            .safe_curvature(&self.state, &self.z, &mut self.scratch);
        let Model {
            mut hessian, rows, ..
        } = self.model()?;
        curvature.add_to(&mut hessian);
        if let Some(cholesky) = Cholesky::new(&hessian) {
            return Some((cholesky, rows, 0.0));
        }
        let mut shift = SHIFT.0;
        for _ in 0..SHIFTS {
            let mut shifted = hessian.clone();
            shifted.add_multiple(shift, self.metric());
            if let Some(cholesky) = Cholesky::new(&shifted) {
                return Some((cholesky, rows, shift));
            }
            shift *= SHIFT.1;
        }
        None
    }

    fn metric(&mut self) -> &Gram {
        if self.weighted {
            return self.data.ridge();
        }
        self.metric.get_or_insert_with(|| {
            self.data
                .operator
                .gram(&vec![1.0; self.data.squared_weights.len()])
        })
    }

    /// A start from a sample of the rows, if the loss knows one and it lowers the loss.
    fn sampled_start(&mut self) -> bool {
        let settings = self.orders.settings;
        let wanted = matches!(self.orders.method, Method::Auto | Method::ReusedGram);
        if !(wanted && settings.sampled_start.unwrap_or(true)) {
            return false;
        }
        let Some(SampledStart { state, rows }) = self.objective.sampled_start(
            self.data.matrix,
            &self.state,
            &mut self.scratch,
            settings,
        ) else {
            return false;
        };
        let made = Made {
            method: "sampled-start",
            rows,
            cut: false,
            shift: 0.0,
            newton: false,
            kept: false,
        };
        self.accept_trial(state, made, 1.0);
        true
    }

    /// The loss's own first step, if it has one and it lowers the loss.
    fn first_step(&mut self) -> bool {
        let Some((curvature, right_hand_side)) =
            self.objective
                .first_model(&self.state, &self.z, &mut self.scratch)
        else {
            return false;
        };
        let Some(Model {
            mut hessian,
            rows,
            cut,
        }) = self.model()
        else {
            return false;
        };
        curvature.add_to(&mut hessian);
        let Some(cholesky) = Cholesky::new(&hessian) else {
            return false;
        };
        let direction = negated(cholesky.solve(&right_hand_side));
        self.data.operator.multiply(&direction, &mut self.scratch);
        let line = self.line();
        let best = FIRST_LENGTHS
            .iter()
            .filter_map(|t| {
                self.objective
                    .along(&self.state, &line, *t)
                    .map(|(value, _)| (*t, value))
            })
            .min_by(|a, b| a.1.total_cmp(&b.1))
            .filter(|(_, value)| *value < self.state.loss);
        let Some((t, _)) = best else { return false };
        let made = Made {
            method: self.orders.method.as_str(),
            rows,
            cut,
            shift: 0.0,
            newton: false,
            kept: false,
        };
        self.smooth = false;
        self.take_along(&direction, t, made).is_some()
    }

    /// The state at `x + t direction`, its logits in `scratch`, which holds `A direction`. `None` if the loss is not defined there.
    fn along(&mut self, direction: &[f64], t: f64) -> Option<State> {
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
    fn take_along(&mut self, direction: &[f64], t: f64, made: Made) -> Option<()> {
        let trial = self.along(direction, t)?;
        self.smooth = false;
        self.full_step = false;
        self.definite = false;
        self.accept_trial(trial, made, t.abs());
        self.drifted = true;
        Some(())
    }

    /// Makes a trial, whose logits are in `scratch`, the current point: one iteration.
    fn accept_trial(&mut self, trial: State, made: Made, step_length: f64) {
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
    fn move_to(&mut self, trial: State) -> f64 {
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

/// Whether a matrix is positive definite also where each entry of its diagonal is less by as much as `rounding` says.
fn exceeds(hessian: &Gram, rounding: &[f64]) -> bool {
    let mut less = hessian.clone();
    for (j, off) in rounding.iter().enumerate() {
        less.column_mut(j)[0] -= off;
    }
    Cholesky::new(&less).is_some()
}

fn negated(mut v: Vec<f64>) -> Vec<f64> {
    for entry in &mut v {
        *entry = -*entry;
    }
    v
}

fn moved(x: &[f64], direction: &[f64], t: f64) -> Vec<f64> {
    x.iter().zip(direction).map(|(x, dx)| x + t * dx).collect()
}

#[cfg(test)]
mod objective_tests;
#[cfg(test)]
mod run_tests;
#[cfg(test)]
pub(crate) mod test_loss;
