//! Globalised Newton's method.
//!
//! ```text
//! repeat   z = A x,  v = grad l(z) + w^2 o z,  g = A' v
//!          stop when ||g|| is small and the Hessian is positive definite
//!          H = Q' (Hess l(z) + diag(w^2)) Q            (exact, or its diagonal part sampled)
//!          s = -H^-1 Q' v with a line search, or a cubic step where H is not positive definite
//!          (far up an exponential slope: the best of a chord, a row-scaled Newton and a ray step)
//!          x += S^-1 R^-1 s                            (A = Q R S)
//! ```

use std::cell::Cell;

use nalgebra::{DMatrix, DVector};

use crate::instance::DesignMatrix;
use crate::production::endings::{
    LOSS_ROUNDING, POLISH_GAIN, POLISH_STEPS, SHORT_STEP, SINGULAR_HESSIAN, Yardstick, has_run_away,
};
use crate::production::error_bound::{Stop, bound_in, bound_until};
use crate::production::exponential_slope::Rows;
use crate::production::leverage::{
    LeverageError, RowSample, SampleSize, draw_sized, leverage_scores,
};
use crate::production::logit_coordinates::{LogitCoordinates, Visible, visible};
use crate::production::step::{Step, cubic_step, eigen, newton_step};
use crate::production::summation::norm;
use crate::production::{
    EvaluationError, Method, Observer, Outcome, Problem, Settings, Solution, SolveError, TraceEntry,
};

/// Readings of A for loss and gradient at a point.
const EVALUATION_PASSES: f64 = 2.0;
/// First value of the cubic weight m, as a fraction of the proven Lipschitz constant, which is far above what is met.
const CUBIC_START: f64 = 1e-2;
/// Cubic weight where no Lipschitz constant is known.
const CUBIC_DEFAULT: f64 = 1.0;
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
/// Points with a small gradient, a long Newton step and growing logits after which the run counts as divergent.
const RUNAWAY_STEPS: usize = 20;
/// Halvings of a Newton step after which a cubic step is tried instead.
const PATIENCE: usize = 8;
/// Names of the steps down an exponential slope in the trace.
const CHORD: &str = "chord";
const RAY: &str = "ray";

/// Minimises in orthonormal coordinates, by the exact or the sampled Hessian, from a start that fits. Slower than Gram
/// matrices and as accurate as f64 allows, whatever the condition number or rank of A. The tolerance is relative to
/// `yardstick`, or to the start where there is none.
pub(crate) fn solve_orthonormal(
    problem: &Problem,
    start: DVector<f64>,
    settings: &Settings,
    yardstick: Option<Yardstick>,
    observer: &mut Observer<'_>,
    stop: Stop<'_>,
) -> Result<Solution, SolveError> {
    let start = Point::at(problem, start)?;
    match visible(problem)? {
        Visible::All(coordinates) => {
            let solution =
                Run::new(problem, &coordinates, settings, start, yardstick, observer).finish()?;
            if !settings.certify {
                return Ok(solution);
            }
            Ok(bound_until(problem, solution, stop, move |problem, x| {
                bound_in(problem, &coordinates, x)
            }))
        }
        Visible::Part { basis, reason } => solve_visible(
            problem,
            start,
            settings,
            yardstick,
            (&basis, &reason),
            observer,
        ),
    }
}

/// Solves in the visible directions and hands back the answer of least norm.
fn solve_visible(
    problem: &Problem,
    start: Point,
    settings: &Settings,
    yardstick: Option<Yardstick>,
    (basis, reason): (&DMatrix<f64>, &str),
    observer: &mut Observer<'_>,
) -> Result<Solution, SolveError> {
    let warning = format!("the minimiser is not unique: {reason}; x is the one of least norm");
    let no_bound = format!("no bound: the minimiser is not unique ({reason})");
    if basis.ncols() == 0 {
        let origin = Point::at(problem, DVector::zeros(problem.columns()))?;
        return Ok(Solution {
            outcome: Outcome::Singular,
            loss: origin.loss,
            gradient_norm: origin.gradient_norm,
            start_gradient_norm: start.gradient_norm,
            gradient_noise: finite_noise(problem, &origin.x),
            iterations: 0,
            error_bound: None,
            error_bound_basis: no_bound,
            warnings: vec![warning],
            trace: Vec::new(),
            x: origin.x,
        });
    }
    let given_up = |error: EvaluationError| {
        let warnings = vec![warning.clone(), beyond_range(&error)];
        out_of_range(problem, &start, no_bound.clone(), warnings)
    };
    let reduced = problem.with_matrix(problem.matrix().to_dense() * basis);
    let reduced_start = match Point::at(&reduced, basis.tr_mul(&start.x)) {
        Ok(point) => point,
        Err(error) => return Ok(given_up(error)),
    };
    let mut solution = match visible(&reduced)? {
        Visible::All(coordinates) => Run::new(
            &reduced,
            &coordinates,
            settings,
            reduced_start,
            yardstick,
            observer,
        )
        .finish()?,
        // The rank decision was a close call: say so instead of going round in circles.
        Visible::Part { .. } => Solution {
            outcome: Outcome::Singular,
            x: reduced_start.x,
            loss: reduced_start.loss,
            gradient_norm: reduced_start.gradient_norm,
            start_gradient_norm: reduced_start.gradient_norm,
            gradient_noise: None,
            iterations: 0,
            error_bound: None,
            error_bound_basis: String::new(),
            warnings: vec![
                "the rank of the matrix is too close a call; no step was made".to_string(),
            ],
            trace: Vec::new(),
        },
    };
    let end = match Point::at(problem, basis * &solution.x) {
        Ok(point) => point,
        Err(error) => {
            return Ok(Solution {
                iterations: solution.iterations,
                trace: solution.trace,
                ..given_up(error)
            });
        }
    };
    solution.gradient_noise = finite_noise(problem, &end.x);
    solution.start_gradient_norm = start.gradient_norm;
    solution.loss = end.loss;
    solution.gradient_norm = end.gradient_norm;
    solution.x = end.x;
    solution.error_bound = None;
    solution.error_bound_basis = no_bound;
    solution.warnings.insert(0, warning);
    if solution.outcome.is_success() {
        solution.outcome = Outcome::Singular;
    }
    Ok(solution)
}

/// The rounding level of the gradient at x, if it is within the range of f64.
pub(crate) fn finite_noise(problem: &Problem, x: &DVector<f64>) -> Option<f64> {
    let noise = problem.gradient_noise(x).ok();
    noise.filter(|noise| noise.is_finite())
}

/// The start itself, from where numbers left the range of f64.
fn out_of_range(
    problem: &Problem,
    start: &Point,
    error_bound_basis: String,
    warnings: Vec<String>,
) -> Solution {
    Solution {
        outcome: Outcome::OutOfRange,
        loss: start.loss,
        gradient_norm: start.gradient_norm,
        start_gradient_norm: start.gradient_norm,
        gradient_noise: finite_noise(problem, &start.x),
        iterations: 0,
        error_bound: None,
        error_bound_basis,
        warnings,
        trace: Vec::new(),
        x: start.x.clone(),
    }
}

/// What is said of a start that Gram matrices refuse for `error`: its own error, or, where loss and gradient are finite there,
/// that the matrix is beyond them (squares of its entries overflow).
pub(crate) fn refused_by_gram(
    problem: &Problem,
    start: DVector<f64>,
    error: &EvaluationError,
) -> Result<Solution, SolveError> {
    let start = Point::at(problem, start)?;
    let basis = "no bound: the Gram matrix overflows".to_string();
    Ok(out_of_range(
        problem,
        &start,
        basis,
        vec![beyond_range(error)],
    ))
}

fn beyond_range(error: &EvaluationError) -> String {
    format!("the search met numbers beyond the range of f64: {error}")
}

/// Everything known at one x.
#[derive(Clone)]
struct Point {
    x: DVector<f64>,
    z: DVector<f64>,
    loss: f64,
    /// `grad l(z) + w^2 o z`.
    v: DVector<f64>,
    gradient_norm: f64,
}

impl Point {
    fn at(problem: &Problem, x: DVector<f64>) -> Result<Self, EvaluationError> {
        let z = problem.logits(&x)?;
        let loss = problem.value_of_logits(&z)?;
        let v = problem.gradient_in_logits(&z)?;
        let gradient_norm = norm(problem.pull_back(&v)?.as_slice());
        if !gradient_norm.is_finite() {
            return Err(EvaluationError::Overflow {
                quantity: "norm of the gradient",
                index: 0,
                value: gradient_norm,
            });
        }
        Ok(Self {
            x,
            z,
            loss,
            v,
            gradient_norm,
        })
    }
}

/// The Hessian model of one iteration.
struct Model {
    hessian: DMatrix<f64>,
    method: &'static str,
    distinct_rows: usize,
}

/// An accepted step.
struct Accepted {
    point: Point,
    step_norm: f64,
    step_length: f64,
    shift: f64,
}

/// A point far up an exponential slope.
struct Slope {
    rows: Rows,
    chords: DVector<f64>,
}

/// What the Hessian at a stationary point says.
enum SecondOrder {
    /// Positive definite; the Newton step from here moves the logits by this length.
    Positive {
        newton_length: f64,
    },
    Flat,
    Negative,
}

/// The state of one solve.
struct Run<'a, 'o> {
    problem: &'a Problem,
    coordinates: &'a LogitCoordinates,
    settings: &'a Settings,
    q: DesignMatrix,
    point: Point,
    start_gradient_norm: f64,
    /// The gradient that the tolerance is relative to.
    yardstick: f64,
    /// No point so far was off the exponential slope that the start is on.
    on_first_slope: bool,
    start_logit: f64,
    cubic_weight: f64,
    cubic_start: f64,
    /// Points with a small gradient, a long Newton step and larger logits than before so far.
    long_steps: usize,
    /// Whether the last step made the largest logit larger (or left it).
    logits_grew: bool,
    warnings: Vec<String>,
    trace: Vec<TraceEntry>,
    observer: &'a mut Observer<'o>,
    /// The observer has asked for an end.
    stopped: bool,
    /// How often A (or Q, which is as large) has been read.
    passes: Cell<f64>,
}

impl<'a, 'o> Run<'a, 'o> {
    fn new(
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
            q: DesignMatrix::Dense(coordinates.q.clone()),
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
            observer,
            stopped: false,
            passes: Cell::new(EVALUATION_PASSES),
        }
    }

    fn finish(mut self) -> Result<Solution, SolveError> {
        let outcome = match self.iterate() {
            Err(SolveError::Start(error)) => {
                self.warnings.push(beyond_range(&error));
                Outcome::OutOfRange
            }
            ended => ended?,
        };
        let gradient_noise = finite_noise(self.problem, &self.point.x);
        Ok(Solution {
            outcome,
            loss: self.point.loss,
            gradient_norm: self.point.gradient_norm,
            start_gradient_norm: self.start_gradient_norm,
            gradient_noise,
            iterations: self.trace.len(),
            error_bound: None,
            error_bound_basis: "no bound: none was asked for".to_string(),
            warnings: self.warnings,
            trace: self.trace,
            x: self.point.x,
        })
    }

    fn iterate(&mut self) -> Result<Outcome, SolveError> {
        loop {
            if self.stopped {
                return Ok(Outcome::Interrupted);
            }
            let slope = self.exponential_slope()?;
            self.set_yardstick(slope.is_some());
            // Where it cannot be had, nothing is excused by rounding.
            let noise = finite_noise(self.problem, &self.point.x).unwrap_or(0.0);
            // On a slope the gradient is small against that of any point farther up, which says nothing.
            let small = slope.is_none() && self.point.gradient_norm <= self.wanted();
            let at_rounding = self.point.gradient_norm <= noise;
            let mut saddle = false;
            if small || at_rounding {
                let reached = if small {
                    Outcome::Converged
                } else {
                    Outcome::ConvergedToRounding
                };
                match self.second_order()? {
                    SecondOrder::Positive { newton_length } if newton_length <= SHORT_STEP => {
                        self.polish()?;
                        return Ok(self.settle(reached));
                    }
                    SecondOrder::Positive { .. } if !at_rounding => {
                        // A tail: the loss falls for ever, ever more slowly, and each Newton step is as long as the last.
                        // Not so on the way down an exponential slope: there the logits get smaller.
                        self.long_steps += usize::from(self.logits_grew);
                        if self.long_steps > RUNAWAY_STEPS {
                            self.warnings.push(
                                "the gradient is below the tolerance, but Newton steps do not get shorter: the minimiser probably lies at infinity"
                                    .to_string(),
                            );
                            return Ok(Outcome::Diverged);
                        }
                    }
                    SecondOrder::Positive { .. } | SecondOrder::Flat => {
                        self.warnings.push(SINGULAR_HESSIAN.to_string());
                        return Ok(Outcome::Singular);
                    }
                    SecondOrder::Negative => saddle = true,
                }
            }
            if self.trace.len() >= self.settings.max_iterations {
                return Ok(Outcome::IterationLimit);
            }
            if let Some((accepted, method)) = slope.and_then(|slope| self.descend(&slope)) {
                self.record(accepted, method, self.problem.rows());
                continue;
            }
            let model = match self.model(saddle)? {
                Ok(model) => model,
                Err(refusal) => return Ok(refusal),
            };
            let Some(accepted) = self.step(&model, saddle) else {
                return Ok(if saddle {
                    self.warnings.push(
                        "a direction of negative curvature is left that does not lower the loss beyond rounding".to_string(),
                    );
                    Outcome::NotConvex
                } else {
                    self.warnings.push(format!(
                        "no step changes the loss beyond its rounding, yet the gradient is {:.1e}, above its rounding level {noise:.1e}: a plateau, try another start",
                        self.point.gradient_norm
                    ));
                    Outcome::LineSearchStalled
                });
            };
            self.record(accepted, model.method, model.distinct_rows);
            let largest = self.point.z.amax();
            if has_run_away(largest, self.start_logit, self.settings) {
                self.warnings.push(format!(
                    "logits have grown to {largest:e} without a stationary point"
                ));
                return Ok(Outcome::Diverged);
            }
        }
    }

    /// The rows and their chords, if the point is far up an exponential slope. Subsampling was asked for to be seen.
    fn exponential_slope(&self) -> Result<Option<Slope>, EvaluationError> {
        if self.settings.method == Method::Subsampled {
            return Ok(None);
        }
        let Point { z, v, .. } = &self.point;
        let Some(rows) = Rows::at(self.problem, z, v)? else {
            return Ok(None);
        };
        let chords = rows.chords(self.problem, z);
        Ok(chords.map(|chords| Slope { rows, chords }))
    }

    /// A start on an exponential slope is no measure for the gradient: the first point off it is.
    fn set_yardstick(&mut self, on_slope: bool) {
        if !self.on_first_slope || on_slope {
            return;
        }
        self.on_first_slope = false;
        if !self.trace.is_empty() {
            self.yardstick = self.yardstick.min(self.point.gradient_norm);
            self.warnings.push(format!(
                "the start lies far up an exponential slope, with a largest logit of {:.1e}: the tolerance is relative to the gradient of iteration {}, {:.1e}, the first off that slope",
                self.start_logit,
                self.trace.len(),
                self.yardstick
            ));
        }
    }

    /// Down an exponential slope: a chord step, a row-scaled Newton step or one along the ray to the origin, each shortened
    /// until it lowers the loss enough, whichever lowers it most.
    fn descend(&self, slope: &Slope) -> Option<(Accepted, &'static str)> {
        let q = &self.coordinates.q;
        // Two factorisations of Q with its rows scaled, and a product.
        self.count(3.0);
        let chord = slope.rows.chord_step(q, &slope.chords);
        let newton = slope.rows.newton_step(q);
        let ray = Some(Rows::ray_step(q, &self.point.z));
        [(chord, CHORD), (newton, Method::Exact.as_str()), (ray, RAY)]
            .into_iter()
            .filter_map(|(step, method)| Some((self.shorten(slope, &step?)?, method)))
            .min_by(|(one, _), (other, _)| one.point.loss.total_cmp(&other.point.loss))
    }

    /// Armijo along a step down a slope, as long as the loss can tell.
    fn shorten(&self, slope: &Slope, step: &DVector<f64>) -> Option<Accepted> {
        let loss = self.point.loss;
        // In multiples of the loss: the product of slope and step may overflow.
        let descent = slope.rows.descent(&self.coordinates.q, step, loss);
        self.count(1.0);
        for halvings in 0..=self.settings.max_halvings {
            let length = 0.5f64.powi(i32::try_from(halvings).ok()?);
            if length * descent <= self.settings.loss_resolution {
                return None;
            }
            let enough = self.settings.sufficient_decrease * length * descent;
            if let Some(point) = self.trial(step, length)
                && point.loss <= loss - enough * loss
            {
                return Some(Accepted {
                    point,
                    step_norm: length * norm(step.as_slice()),
                    step_length: length,
                    shift: 0.0,
                });
            }
        }
        None
    }

    fn record(&mut self, accepted: Accepted, method: &'static str, distinct_rows: usize) {
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
    fn wanted(&self) -> f64 {
        self.settings.tolerance * self.yardstick
    }

    /// Polishing can turn a gradient at rounding level into one below the tolerance.
    fn settle(&self, reached: Outcome) -> Outcome {
        if self.point.gradient_norm <= self.wanted() {
            Outcome::Converged
        } else {
            reached
        }
    }

    fn count(&self, passes: f64) {
        self.passes.set(self.passes.get() + passes);
    }

    fn exact_hessian(&self) -> Result<DMatrix<f64>, EvaluationError> {
        self.count(1.0);
        Ok(self
            .problem
            .loss()
            .hessian(&self.point.z)?
            .congruence(&self.q, self.problem.squared_weights()))
    }

    /// The sign of the lowest eigenvalue of the exact Hessian, against the error bound of that Hessian.
    fn second_order(&self) -> Result<SecondOrder, EvaluationError> {
        let hessian = self.exact_hessian()?;
        let (z, _, bounds) = self.problem.bounds(&self.point.x)?;
        let error = self
            .problem
            .congruence_error(&self.q, &z, &bounds)?
            .norm()
            // The eigenvalues' own rounding.
            + hessian.norm() * hessian.nrows() as f64 * 4.0 * f64::EPSILON;
        let Some(eigen) = eigen(&hessian) else {
            return Ok(SecondOrder::Flat);
        };
        let lowest = eigen.eigenvalues.min();
        Ok(if lowest > error {
            let newton_length = newton_step(&hessian, &self.logit_gradient(&self.point))
                .map_or(0.0, |step| step.direction.norm());
            SecondOrder::Positive { newton_length }
        } else if lowest < -error {
            SecondOrder::Negative
        } else {
            SecondOrder::Flat
        })
    }

    /// The Hessian model: exact where asked for or where negative curvature must be seen, else sampled.
    fn model(&mut self, exact: bool) -> Result<Result<Model, Outcome>, SolveError> {
        if exact || self.settings.method != Method::Subsampled {
            return Ok(Ok(Model {
                hessian: self.exact_hessian()?,
                method: Method::Exact.as_str(),
                distinct_rows: self.problem.rows(),
            }));
        }
        let mut curvature = self.problem.loss().hessian(&self.point.z)?;
        let diagonal = &curvature.diagonal + self.problem.squared_weights();
        if let Some(index) = diagonal.iter().position(|entry| *entry <= 0.0) {
            self.warnings.push(format!(
                "subsampling needs a positive diagonal, but entry {index} of Hess l + w^2 is {:e}: use the exact method or larger weights",
                diagonal[index]
            ));
            return Ok(Err(Outcome::DiagonalNotPositive));
        }
        // The scores and the congruence.
        self.count(2.0);
        let sampled = match self.sampled(&diagonal) {
            Ok(sampled) => sampled,
            Err(error) => {
                self.warnings
                    .push(format!("no sample could be drawn: {error}"));
                return Ok(Err(Outcome::SamplingFailed));
            }
        };
        curvature.diagonal.fill(0.0);
        for (row, weight) in sampled.rows.iter().zip(&sampled.weights) {
            curvature.diagonal[*row] = *weight;
        }
        let hessian = curvature.congruence(&self.q, &DVector::zeros(self.problem.rows()));
        Ok(Ok(Model {
            hessian,
            method: Method::Subsampled.as_str(),
            distinct_rows: sampled.rows.len(),
        }))
    }

    /// A sample of the rows for this diagonal, by exact leverage scores. They do not depend on the coordinates: those of
    /// `diag(D)^1/2 Q` are those of `diag(D)^1/2 A`.
    fn sampled(&self, diagonal: &DVector<f64>) -> Result<RowSample, LeverageError> {
        let mut scaled = self.coordinates.q.clone();
        for mut column in scaled.column_iter_mut() {
            for (entry, d) in column.iter_mut().zip(diagonal) {
                *entry *= d.sqrt();
            }
        }
        // A score of 1 may be rounded to more.
        let scores = leverage_scores(&scaled)?.map(|score| score.min(1.0));
        let size = SampleSize {
            epsilon: self.settings.epsilon,
            delta: self.settings.delta,
            constant: self.settings.sampling_constant,
        };
        let (seed, columns) = (self.settings.seed, self.problem.columns());
        draw_sized(
            scores.as_slice(),
            diagonal.as_slice(),
            size,
            seed,
            self.trace.len(),
            columns,
        )
    }

    fn logit_gradient(&self, point: &Point) -> DVector<f64> {
        self.count(1.0);
        self.coordinates.q.tr_mul(&point.v)
    }

    fn trial(&self, direction: &DVector<f64>, length: f64) -> Option<Point> {
        let step = self.coordinates.to_unknowns(&(direction * length))?;
        self.count(EVALUATION_PASSES);
        let point = Point::at(self.problem, &self.point.x + step).ok()?;
        let crossed = self
            .problem
            .loss()
            .has_pole_between(&self.point.z, &point.z);
        (!crossed).then_some(point)
    }

    /// A Newton step with a line search where the model is positive definite, else (or where that gets nowhere) a
    /// cubic step.
    fn step(&mut self, model: &Model, saddle: bool) -> Option<Accepted> {
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

    /// Armijo on the loss while the loss can tell, descent of the gradient in the logits once it cannot.
    fn line_search(
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
    fn cubic_search(
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

    /// Full Newton steps that go on halving the gradient after convergence.
    fn polish(&mut self) -> Result<(), EvaluationError> {
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
}

#[cfg(test)]
mod tests;
