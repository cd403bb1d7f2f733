//! Greedy D-optimality: each point is the one that makes the determinant of `sum v_i v_i'` largest.
//!
//! ```text
//! rank points by pivoting: the row of V that is farthest from the span of those before
//! then    max v_i' N^-1 v_i,    N = sum of v v' over the points so far,    N + v v' updated by one product
//! ```
//!
//! Each point at most once, ties to the first. All labels weigh the same. Nothing is drawn, and nothing is proven about labels that an
//! adversary sets: noise of equal variance is what it is good for.

use nalgebra::{Cholesky, DMatrix, DVector};
use rayon::prelude::*;

use super::design::Design;
use super::pool::{Pool, squares};
use crate::instance::row_major::RowMajor;
use crate::production::systems::error::Refusal;

/// As many points as the budget has labels.
pub(super) fn choose(pool: &Pool, budget: usize) -> Result<Design, Refusal> {
    let rank = pool.rank();
    let values = without_roots(pool);
    let mut run = Run {
        heights: squares(&values),
        values: &values,
        free: pool.roots.iter().map(|root| *root > 0.0).collect(),
        points: Vec::new(),
    };
    let failed = Refusal::Factorisation { name: "pool" };
    run.pivot(rank);
    if run.points.len() < rank {
        return Err(failed);
    }
    let mut gram = DMatrix::zeros(rank, rank);
    for i in &run.points {
        let row = run.row(*i);
        gram.ger(1.0, &row, &row, 1.0);
    }
    let mut inverse = Cholesky::new(gram).ok_or(failed)?.inverse();
    run.heights = (0..values.rows())
        .into_par_iter()
        .map(|i| {
            let row = run.row(i);
            row.dot(&(&inverse * &row))
        })
        .collect();
    while run.points.len() < budget {
        let Some(i) = run.highest() else { break };
        let direction = &inverse * run.row(i);
        let scale = (1.0 + run.row(i).dot(&direction)).sqrt().recip();
        let step = direction * scale;
        run.take(i, &step);
        inverse.ger(-1.0, &step, &step, 1.0);
    }
    run.points.sort_unstable();
    let weight = pool.total() / run.points.len() as f64;
    Ok(Design {
        weights: vec![weight; run.points.len()],
        how: format!("{} points, greedily D-optimal", run.points.len()),
        points: run.points,
    })
}

struct Run<'a> {
    values: &'a RowMajor,
    /// What is maximised.
    heights: Vec<f64>,
    /// Points that may be taken.
    free: Vec<bool>,
    points: Vec<usize>,
}

impl Run<'_> {
    fn row(&self, i: usize) -> DVector<f64> {
        DVector::from_row_slice(self.values.row(i))
    }

    /// The first of the highest free points.
    fn highest(&self) -> Option<usize> {
        let mut best: Option<usize> = None;
        for (i, free) in self.free.iter().enumerate() {
            if *free && best.is_none_or(|best| self.heights[i] > self.heights[best]) {
                best = Some(i);
            }
        }
        best
    }

    /// Takes a point, and lowers every height by the square of the product with `step`.
    fn take(&mut self, i: usize, step: &DVector<f64>) {
        self.points.push(i);
        self.free[i] = false;
        let values = self.values;
        self.heights
            .par_iter_mut()
            .enumerate()
            .for_each(|(i, height)| {
                let row = values.row(i).iter().zip(step.iter());
                let product: f64 = row.map(|(v, s)| v * s).sum();
                *height -= product * product;
            });
    }

    /// So many points by pivoting; fewer where all others lie in their span.
    fn pivot(&mut self, rank: usize) {
        let mut basis: Vec<DVector<f64>> = Vec::new();
        while basis.len() < rank {
            let Some(i) = self.highest() else { return };
            let mut direction = self.row(i);
            // Twice is enough.
            for _ in 0..2 {
                for known in &basis {
                    let part = known.dot(&direction);
                    direction.axpy(-part, known, 1.0);
                }
            }
            let norm = direction.norm();
            if norm.is_nan() || norm <= 0.0 {
                return;
            }
            direction /= norm;
            self.take(i, &direction);
            basis.push(direction);
        }
    }
}

/// V: the rows of U, each over the root of its measure; 0 where that is 0.
fn without_roots(pool: &Pool) -> RowMajor {
    let mut values = pool.rows().clone();
    for i in pool.support() {
        for entry in values.row_mut(i) {
            *entry /= pool.roots[i];
        }
    }
    values
}
