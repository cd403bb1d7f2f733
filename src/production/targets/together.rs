//! Softmax regressions over one A and one ridge, several at once, where the ridge dominates the curvature of the loss.
//!
//! ```text
//! once                  G = A' W^2 A and its factor; A' p and A' (p o p) at the start, which all targets share
//! for each target       g = A' (p o (p - b - s)) + G x,    x -= G^-1 g,
//! repeat                two sweeps over A for all targets of a block: the gradient at x with bounds on every rounding
//!                       a target ends where the gradient is small enough and its proof succeeds; else x -= G^-1 g
//! ```
//!
//! Near G a step by it leaves at most a tenth of the gradient (chord Newton), mostly a millionth. What would need more (a curvature that
//! the ridge does not dominate, a step that is no good, a proof that fails) is left to a solve of its own. The bits of an answer depend on
//! its target alone: neither on those beside it nor on the number of threads.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use nalgebra::{DMatrix, DVector};

use crate::production::endings::has_run_away;
use crate::production::error_bound::{Found, ProvenRidge, Several, SoftmaxFacts, Workspace};
use crate::production::factor::Factor;
use crate::production::factor::cholesky::Cholesky;
use crate::production::kernels::anchored::GROUP;
use crate::production::kernels::operator::Operator;
use crate::production::kernels::operator::several::Block;
use crate::production::kernels::softmax::Line;
use crate::production::kernels::softmax_lanes::{Starts, add_starts};
use crate::production::solve::{LARGEST_GRAM, SMALL_ENTRIES, gram_model};
use crate::production::summation::{dot, norm};
use crate::production::{Method, Outcome, Problem, Settings, Solution, TraceEntry};

/// Targets of a block: its arrays take as much memory as so many targets, three times.
const BLOCK: usize = 16;
/// Those of matrices with more rows than so many come in half of that.
const TALL: usize = 1_000_000;
/// Sums over more rows than this are left to others: single lanes add them up one by one.
const MOST_ROWS: usize = 50_000_000;
/// Steps at most: with more a solve of its own costs less.
const STEPS: usize = 5;
/// A step is good where the gradient falls to this fraction.
const CONTRACTION: f64 = 0.1;
/// Targets with larger norms are left to others: those search without the constant of the loss.
const LARGEST_TARGET: f64 = 1e3;
/// A target is left to others at once where the curvature of the loss at the start is more than this fraction of that of the ridge.
const LARGEST_CURVATURE: f64 = 0.1;

/// An answer for each column that can be given together with others; `None` for those that are left. All entries are finite.
pub(super) fn solve_together(
    problem: &Problem,
    targets: &DMatrix<f64>,
    start: &DVector<f64>,
    settings: &Settings,
    stop: &AtomicBool,
    done: &(dyn Fn() + Sync),
) -> Vec<Option<Solution>> {
    let n = problem.rows();
    let mut answers: Vec<Option<Solution>> = vec![None; targets.ncols()];
    let Some(together) = Together::of(problem, start, settings, stop) else {
        return answers;
    };
    let size = if n > TALL { BLOCK / 2 } else { BLOCK };
    let blocks = targets
        .as_slice()
        .chunks(size * n)
        .zip(answers.chunks_mut(size));
    for (targets, answers) in blocks {
        if stop.load(SeqCst) {
            break;
        }
        together.solve(targets, answers);
        for _ in answers.iter().flatten() {
            done();
        }
    }
    answers
}

/// What all targets share.
struct Together<'a> {
    problem: &'a Problem,
    settings: &'a Settings,
    stop: &'a AtomicBool,
    method: Method,
    operator: &'a Operator,
    ridge: ProvenRidge,
    start: Start,
}

/// Everything at the start that does not depend on the target.
struct Start {
    x: Vec<f64>,
    z: Vec<f64>,
    p: Vec<f64>,
    /// The largest logit, in magnitude.
    largest_logit: f64,
    /// `<p, p>`, `A' p`, `A' (p o p)`.
    squares: f64,
    mean: Vec<f64>,
    square_mean: Vec<f64>,
    /// `G x`, `0.5 x' G x`.
    ridge_gradient: Vec<f64>,
    ridge_loss: f64,
    /// Passes over A up to the first gradient.
    passes: f64,
}

impl Start {
    fn at(operator: &Operator, ridge: &ProvenRidge, x: &[f64]) -> Option<Self> {
        let n = operator.rows();
        let mut z = vec![0.0; n];
        // The Gram matrix, A' p, A' (p o p), and later A' (p o b).
        let mut passes = 4.0;
        if x.iter().any(|entry| *entry != 0.0) {
            operator.multiply_doubled(x, &mut z);
            passes += 1.0;
        }
        let log_sum = operator.log_sum(Line {
            z: &z,
            dz: &z,
            t: 0.0,
        });
        let largest_logit = operator.largest(&z);
        if !(log_sum.is_finite() && largest_logit.is_finite()) {
            return None;
        }
        let mut p = vec![0.0; n];
        operator.probabilities(&z, log_sum, &mut p);
        let mean = operator.transpose_multiply(&p);
        let mut square = vec![0.0; n];
        operator.fill_rows(&mut square, |rows, place, _| {
            for (place, p) in place.iter_mut().zip(&p[rows]) {
                *place = p * p;
            }
        });
        let ridge_gradient = ridge.multiply(x);
        Some(Self {
            largest_logit,
            squares: operator.sum(&square),
            mean,
            square_mean: operator.transpose_multiply(&square),
            ridge_loss: 0.5 * dot(x, &ridge_gradient),
            ridge_gradient,
            x: x.to_vec(),
            z,
            p,
            passes,
        })
    }
}

/// A target on its way.
struct Column {
    x: Vec<f64>,
    loss: f64,
    gradient: Vec<f64>,
    gradient_norm: f64,
    start_gradient_norm: f64,
    trace: Vec<TraceEntry>,
}

/// What becomes of a target after a step.
enum Judged {
    GoesOn,
    Ends(Box<Solution>),
    /// To a solve of its own.
    Left,
}

impl<'a> Together<'a> {
    /// `None` where the loss, the settings or the start ask for something else, the problem is small, or a weight is 0.
    fn of(
        problem: &'a Problem,
        start: &DVector<f64>,
        settings: &'a Settings,
        stop: &'a AtomicBool,
    ) -> Option<Self> {
        let (n, d) = (problem.rows(), problem.columns());
        let method = gram_model(problem, settings.method)?;
        let suits = settings.validate().is_ok()
            && method == Method::ReusedGram
            && settings.polish_steps.unwrap_or(0) == 0
            && problem.loss().softmax_target().is_some()
            && problem.share().is_whole()
            && n.saturating_mul(d) > SMALL_ENTRIES
            && d <= LARGEST_GRAM
            && n <= MOST_ROWS
            && start.len() == d
            && start.iter().all(|entry| entry.is_finite())
            && !stop.load(SeqCst);
        if !suits {
            return None;
        }
        // All targets step by its factor: what double precision costs once, it saves in a sweep of each.
        let ridge = ProvenRidge::in_double(problem)?;
        ridge.factor()?;
        let operator = problem.operator();
        Some(Self {
            start: Start::at(operator, &ridge, start.as_slice())?,
            problem,
            settings,
            stop,
            method,
            operator,
            ridge,
        })
    }

    /// A block of targets, and a place for the answer to each.
    fn solve(&self, targets: &[f64], answers: &mut [Option<Solution>]) {
        let Some(factor) = self.ridge.factor() else {
            return;
        };
        let n = self.problem.rows();
        let sizes: Vec<f64> = targets.chunks_exact(n).map(norm).collect();
        let mut work = Workspace::take(self.operator, targets);
        let mut columns = self.begin(&sizes, &mut work);
        for _ in 0..STEPS {
            if columns.iter().all(Option::is_none) || self.stop.load(SeqCst) {
                break;
            }
            self.step(factor, (targets, &sizes), &mut columns, answers, &mut work);
        }
        work.give(self.operator);
        if self.stop.load(SeqCst) {
            let columns = columns.iter_mut().zip(answers);
            for (column, answer) in columns {
                let found = column.as_mut();
                *answer = found
                    .map(|column| self.solution(column, Outcome::Interrupted))
                    .or(answer.take());
            }
        }
    }

    /// The targets at the start; `None` for what is left to others at once.
    fn begin(&self, sizes: &[f64], work: &mut Workspace) -> Vec<Option<Column>> {
        let Start {
            p,
            z,
            squares,
            mean,
            square_mean,
            ridge_gradient,
            ..
        } = &self.start;
        let lanes = work.lanes;
        let size = |lane: usize| sizes.get(lane).copied().unwrap_or(0.0);
        self.operator
            .fill_several(lanes, &mut work.z, |block, (): &mut ()| {
                for (place, z) in block.place.chunks_exact_mut(lanes).zip(&z[block.rows]) {
                    place.fill(*z);
                }
            });
        let (targets, level) = (&work.targets, self.operator.level());
        let (parts, projections) = self.operator.fill_and_project_plainly(
            lanes,
            &mut work.q,
            |block: Block<'_>, sums: &mut Vec<Starts>| {
                sums.resize(lanes / GROUP, Starts::NOTHING);
                let targets = &targets[block.rows.start * lanes..block.rows.end * lanes];
                add_starts(level, &p[block.rows], targets, block.place, sums);
            },
        );
        let mut totals = vec![Starts::NOTHING; lanes / GROUP];
        for part in parts {
            for (total, part) in totals.iter_mut().zip(&part) {
                total.add(part);
            }
        }
        let enough = LARGEST_CURVATURE * self.ridge.sizes().least_weight;
        (0..sizes.len())
            .map(|lane| {
                let sums = &totals[lane / GROUP];
                let [planted, distance, curvature] =
                    [sums.planted, sums.distance, sums.curvature].map(|sums| sums[lane % GROUP]);
                let agreement = squares - planted;
                let gradient: Vec<f64> = (0..self.problem.columns())
                    .map(|j| {
                        let loss = square_mean[j] - projections[j * lanes + lane];
                        (loss - agreement * mean[j]) + ridge_gradient[j]
                    })
                    .collect();
                let gradient_norm = norm(&gradient);
                let loss = 0.5 * distance + self.start.ridge_loss;
                let suits = size(lane) <= LARGEST_TARGET
                    && curvature <= enough
                    && loss.is_finite()
                    && gradient_norm.is_finite()
                    && gradient_norm > 0.0;
                suits.then(|| Column {
                    x: self.start.x.clone(),
                    loss,
                    gradient,
                    gradient_norm,
                    start_gradient_norm: gradient_norm,
                    trace: Vec::new(),
                })
            })
            .collect()
    }

    /// One step of every target that is still on its way.
    fn step(
        &self,
        factor: &Cholesky,
        (targets, sizes): (&[f64], &[f64]),
        columns: &mut [Option<Column>],
        answers: &mut [Option<Solution>],
        work: &mut Workspace,
    ) {
        let (n, d, lanes) = (self.problem.rows(), self.problem.columns(), work.lanes);
        let mut x = vec![0.0; d * lanes];
        for (lane, column) in columns.iter_mut().enumerate() {
            let Some(column) = column else { continue };
            let step = factor.solve(&column.gradient);
            for (entry, step) in column.x.iter_mut().zip(&step) {
                *entry -= step;
            }
            for (place, entry) in x.iter_mut().skip(lane).step_by(lanes).zip(&column.x) {
                *place = *entry;
            }
        }
        let several = Several {
            operator: self.operator,
            squared_weights: self.problem.squared_weights().as_slice(),
            sizes: self.ridge.sizes(),
        };
        let found = several.at(&x, sizes, work);
        let targets = targets.chunks_exact(n);
        let lanes = columns.iter_mut().zip(answers).zip(found).zip(targets);
        for (((place, answer), found), target) in lanes {
            let (Some(mut column), Some(found)) = (place.take(), found) else {
                continue;
            };
            match self.judge(&mut column, found, target) {
                Judged::GoesOn => *place = Some(column),
                Judged::Ends(solution) => *answer = Some(*solution),
                Judged::Left => {}
            }
        }
    }

    /// Looks at the point that a step has led to.
    fn judge(&self, column: &mut Column, found: Found, target: &[f64]) -> Judged {
        let Found {
            facts,
            loss,
            largest_logit,
            way,
        } = found;
        let before = column.gradient_norm;
        let gradient_norm = norm(&facts.gradient);
        let steps = column.trace.len() as f64 + 1.0;
        column.trace.push(TraceEntry {
            iteration: column.trace.len(),
            loss: column.loss,
            gradient_norm: before,
            step_norm: way,
            step_length: 1.0,
            method: self.method.as_str(),
            distinct_rows: 0,
            shift: 0.0,
            passes: self.start.passes + 2.0 * steps,
        });
        // Below this resolution the loss cannot judge a step.
        let falls = loss <= column.loss + self.settings.loss_resolution * column.loss.abs();
        let away = has_run_away(largest_logit, self.start.largest_logit, self.settings);
        if !falls || away || self.ridge.spread(&facts).is_none() {
            return Judged::Left;
        }
        column.loss = loss;
        column.gradient_norm = gradient_norm;
        if gradient_norm <= self.settings.tolerance * column.start_gradient_norm {
            return self.end(column, &facts, target);
        }
        let good = gradient_norm <= CONTRACTION * before;
        if !good || column.trace.len() >= self.settings.max_iterations {
            return Judged::Left;
        }
        column.gradient = facts.gradient;
        Judged::GoesOn
    }

    /// The answer of a target whose gradient is small, with its bound where one is asked for.
    fn end(&self, column: &mut Column, facts: &SoftmaxFacts, target: &[f64]) -> Judged {
        let mut solution = self.solution(column, Outcome::Converged);
        if self.settings.certify {
            let target = DVector::from_column_slice(target);
            let posed = self.problem.with_target(target).ok();
            let found = posed.and_then(|posed| self.ridge.bound(&posed, &solution.x, facts));
            let Some(found) = found.filter(|found| found.error.bound.is_some()) else {
                return Judged::Left;
            };
            solution.gradient_noise = found.noise;
            solution.error_bound = found.error.bound;
            solution.error_bound_basis = found.error.basis;
        }
        Judged::Ends(Box::new(solution))
    }

    /// What is handed back of a target that ends where it is, before a bound is computed.
    fn solution(&self, column: &mut Column, outcome: Outcome) -> Solution {
        let error_bound_basis = if self.settings.certify {
            format!("no bound: the run ended as {outcome}")
        } else {
            "no bound: none was asked for".to_owned()
        };
        Solution {
            outcome,
            x: DVector::from_vec(std::mem::take(&mut column.x)),
            loss: column.loss,
            gradient_norm: column.gradient_norm,
            start_gradient_norm: column.start_gradient_norm,
            gradient_noise: None,
            iterations: column.trace.len(),
            error_bound: None,
            error_bound_basis,
            labels_read: None,
            warnings: Vec::new(),
            trace: std::mem::take(&mut column.trace),
        }
    }
}

#[cfg(test)]
mod tests;
