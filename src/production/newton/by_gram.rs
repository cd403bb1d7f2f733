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

//!
//! | file | what lives there |
//! |---|---|
//! | `objective` | what is asked of a loss over a design matrix |
//! | `softmax`, `importance`, `general` | softmax by fused sweeps, softmax on a sample of the rows, any loss by separate sweeps |
//! | `run` | one run: state, iterations, ending |
//! | `line_search` | the best length along a direction, in the logits |
//! | `model` | the Hessian model of an iteration |
//! | `sampled_start` | a start from a sample of the rows |

mod general;
mod importance;
mod line_search;
mod model;
pub(crate) mod objective;
mod run;
mod sampled_start;
mod softmax;

use crate::production::kept_gram::RunGram;
use crate::production::newton::by_gram::general::General;
use crate::production::newton::by_gram::objective::{Objective, State};
use crate::production::newton::by_gram::run::{Data, Run};
use crate::production::newton::by_gram::sampled_start::sampled_start;
use crate::production::{EvaluationError, Problem, Settings};

pub(crate) use run::{End, Orders};
pub(crate) use softmax::FusedSoftmax;

/// Minimises from a start that fits. Errors are those of an evaluation at the start.
pub(crate) fn minimise(
    problem: &Problem,
    start: Vec<f64>,
    orders: Orders<'_>,
) -> Result<End, EvaluationError> {
    launch(problem, start, orders, Extent::Whole)
}

/// Only the start from a sample of the rows; its trace is empty where there is none.
pub(crate) fn sampled_start_only(
    problem: &Problem,
    start: Vec<f64>,
    orders: Orders<'_>,
) -> Result<End, EvaluationError> {
    launch(problem, start, orders, Extent::SampledStart)
}

/// How much of a run is made.
#[derive(Clone, Copy)]
enum Extent {
    Whole,
    SampledStart,
}

fn launch(
    problem: &Problem,
    start: Vec<f64>,
    orders: Orders<'_>,
    extent: Extent,
) -> Result<End, EvaluationError> {
    let operator = problem.operator().counted_anew();
    let share = operator.share();
    let squared_weights = problem.squared_weights().as_slice();
    let ridge = RunGram::of(problem.ridge());
    let data = Data {
        operator: &operator,
        matrix: problem.matrix(),
        squared_weights: share.part(squared_weights),
        ridge: &ridge,
        sampler: None,
    };
    let loss = problem.loss();
    let Some(target) = loss.softmax_target() else {
        let objective = General::new(&operator, loss, squared_weights);
        return launch_on(&objective, data, start, orders, extent);
    };
    let target = share.part(target);
    // A run from 0 needs sums of the rows first.
    let along = start.iter().all(|entry| *entry == 0.0).then_some(target);
    let (ridge, sums) = ridge.get_along(&operator, data.squared_weights, along);
    let mut objective = FusedSoftmax::new(&operator, target, &ridge.gram);
    if ridge.single.is_some() {
        objective = objective.with_rough_ridge(data.squared_weights, sums);
    }
    let sampler = |state: &State, z: &mut [f64], settings: &Settings| {
        sampled_start(&objective, data.matrix, state, z, settings)
    };
    let data = Data {
        sampler: Some(&sampler),
        ..data
    };
    launch_on(&objective, data, start, orders, extent)
}

fn launch_on<O: Objective>(
    objective: &O,
    data: Data<'_>,
    start: Vec<f64>,
    orders: Orders<'_>,
    extent: Extent,
) -> Result<End, EvaluationError> {
    let run = Run::begin(objective, data, start, orders)?;
    Ok(match extent {
        Extent::Whole => run.finish(),
        Extent::SampledStart => run.finish_sampled_start(),
    })
}

#[cfg(test)]
mod objective_tests;
#[cfg(test)]
mod run_tests;
#[cfg(test)]
mod single_tests;
#[cfg(test)]
pub(crate) mod test_loss;
