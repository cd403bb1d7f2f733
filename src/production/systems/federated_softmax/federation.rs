//! The clients, and their sum as one problem.

use std::sync::Arc;

use nalgebra::{DMatrix, DVector};
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use super::descent::Descent;
use crate::instance::{DesignMatrix, InstanceError};
use crate::production::error_bound::{ErrorBound, bound_error};
use crate::production::kernels::operator::Gram;
use crate::production::losses::loss_of;
use crate::production::stacked::Stacked;
use crate::production::step::eigen;
use crate::production::systems::error::{Refusal, SystemError};
use crate::production::{Problem, ProblemError};
use crate::system::{Given, clients};

/// Entries of the low-rank part of the Hessian of the sum, n x 2 N, at most.
const MOST_ENTRIES: usize = 1 << 25;

/// Clients, ready to be asked.
pub(super) struct Federation {
    /// Each client's problem.
    pub clients: Vec<Problem>,
    /// `A_c' W_c^2 A_c` of each.
    ridges: Vec<Gram>,
    /// `sum_c L_c`, whose minimiser is that of the mean.
    pub sum: Problem,
    /// By the sharp constants of softmax regression, from eigenvalues in f64: all L_c have curvature in `[mu, L]`. `mu` may be
    /// negative.
    pub curvature: [f64; 2],
}

fn refused(error: InstanceError) -> ProblemError {
    ProblemError::Parts {
        reason: error.to_string(),
    }
}

/// `[mu, L]` of one client, from the eigenvalues of `A'A` in f64; infinite where squares overflow.
fn curvature(problem: &Problem) -> [f64; 2] {
    let gram = problem.operator().gram(&vec![1.0; problem.rows()]);
    let d = problem.columns();
    let Some(eigen) = eigen(&DMatrix::from_fn(d, d, |i, j| gram.entry(i, j))) else {
        return [f64::NEG_INFINITY, f64::INFINITY];
    };
    let size = eigen.eigenvalues.max();
    let least = if problem.rows() < d {
        0.0
    } else {
        eigen.eigenvalues.min().max(0.0)
    };
    let (weights, loss) = (problem.squared_weights(), problem.loss());
    let floor = loss
        .curvature_floor()
        .map_or(f64::NEG_INFINITY, |floor| weights.min() + floor);
    let ceiling = loss
        .curvature_ceiling()
        .map_or(f64::INFINITY, |ceiling| weights.max() + ceiling);
    // What is below 0 has its worst where A is largest.
    let lowest = if floor > 0.0 { least } else { size };
    [floor * lowest, ceiling * size]
}

/// The clients, and the sum of their losses. An error where the low-rank parts of all clients together would be too large, or a square of
/// a weight overflows.
pub(super) fn problems(given: &Given) -> Result<(Vec<Problem>, Problem), SystemError> {
    takes(given)?;
    let instances = clients(given).map_err(refused)?;
    let problems: Result<Vec<Problem>, _> = instances.iter().map(Problem::from_instance).collect();
    let losses = instances
        .iter()
        .map(|client| loss_of(client.loss(), client.target().clone()))
        .collect();
    let weights: Vec<f64> = instances
        .iter()
        .flat_map(|client| client.weights().as_slice().to_vec())
        .collect();
    let matrix = DesignMatrix::dense(given.matrix("matrix", "n", "d")).map_err(refused)?;
    let sum = Problem::with_loss(
        Arc::new(Stacked::new(losses)),
        matrix,
        &DVector::from_vec(weights),
    )?;
    Ok((problems?, sum))
}

impl Federation {
    /// Of a given problem; errors as for [`problems`].
    pub(super) fn of(given: &Given) -> Result<Self, SystemError> {
        let (problems, sum) = problems(given)?;
        let curvatures: Vec<[f64; 2]> = problems.par_iter().map(curvature).collect();
        let extremes = |of: fn(f64, f64) -> f64, k: usize| {
            curvatures
                .iter()
                .map(|own| own[k])
                .reduce(of)
                .unwrap_or(0.0)
        };
        let ridges = problems
            .par_iter()
            .map(|client| client.operator().gram(client.squared_weights().as_slice()));
        Ok(Self {
            ridges: ridges.collect(),
            clients: problems,
            sum,
            curvature: [extremes(f64::min, 0), extremes(f64::max, 1)],
        })
    }

    /// N.
    pub(super) fn count(&self) -> f64 {
        self.clients.len() as f64
    }

    /// The step of the problem, or `2 / (mu + L)`, the best constant step of gradient descent; `1 / L` where `mu` is not positive. 0
    /// where the losses are constant, refused where L is beyond the range of f64.
    pub(super) fn step(&self, given: &Given) -> Result<f64, Refusal> {
        let [mu, largest] = self.curvature;
        match given.scalar("step") {
            step if step > 0.0 => Ok(step),
            _ if !largest.is_finite() => Err(Refusal::Range {
                what: "the largest curvature",
                exponent: 1024,
            }),
            _ if largest <= 0.0 => Ok(0.0),
            _ if mu > 0.0 => Ok(2.0 / (mu + largest)),
            _ => Ok(1.0 / largest),
        }
    }

    /// Gradients of one client along a run.
    pub(super) fn descent(&self, client: usize) -> Descent<'_> {
        let problem = &self.clients[client];
        // Every client's loss is softmax.
        let target = problem.loss().softmax_target().unwrap_or_default();
        Descent::new(problem, target, &self.ridges[client])
    }

    /// A bound on the distance to a minimiser.
    pub(super) fn bound(&self, x: &DVector<f64>) -> ErrorBound {
        bound_error(&self.sum, x)
    }
}

/// Whether the clients fit into memory as one problem.
pub(super) fn takes(given: &Given) -> Result<(), Refusal> {
    let [n, clients] = ["n", "N"].map(|dimension| given.size(dimension));
    if n.saturating_mul(2 * clients) > MOST_ENTRIES {
        return Err(Refusal::Clients {
            clients,
            rows: n,
            limit: MOST_ENTRIES / 2,
        });
    }
    Ok(())
}
