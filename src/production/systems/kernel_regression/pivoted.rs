//! A randomly pivoted Cholesky factor as a preconditioner (Chen, Epperly, Tropp and Webber, arXiv 2207.06503).
//!
//! `M ~ F F' + mu I` with F of k columns, each that of a row drawn with the probability of what is left on the diagonal, and mu the mean
//! of what is left there at the end; its inverse by Woodbury's formula takes a matrix of order k.

use rand::Rng;

use super::equilibrated::Equilibrated;
use crate::instance::sample;
use crate::production::factor::Factor;
use crate::production::factor::cholesky::Cholesky;
use crate::production::kernels::operator::Gram;
use crate::production::summation::dot;

/// Columns of F at most.
const RANK: usize = 128;
/// mu at least, relative to the diagonal of M, which is 1.
const LEAST: f64 = 1e-12;

/// The preconditioner.
pub(super) struct Pivoted {
    /// F by columns.
    columns: Vec<Vec<f64>>,
    mu: f64,
    /// Of `mu I + F'F`.
    inner: Option<Cholesky>,
}

impl Pivoted {
    /// Of M, drawn from a seed.
    pub(super) fn of(problem: &Equilibrated, seed: u64) -> Self {
        let order = problem.order();
        let mut stream = sample::stream(seed, "pivots", 0);
        let mut left = vec![1.0; order];
        let mut columns: Vec<Vec<f64>> = Vec::new();
        for _ in 0..RANK.min(order) {
            let total: f64 = left.iter().sum();
            if total.is_nan() || total <= LEAST * order as f64 {
                break;
            }
            let drawn = (stream.next_u64() >> 11) as f64 * f64::EPSILON * 0.5 * total;
            let mut sum = 0.0;
            let pivot = left
                .iter()
                .position(|share| {
                    sum += share;
                    sum > drawn && *share > 0.0
                })
                .unwrap_or(0);
            let mut column: Vec<f64> = (0..order).map(|i| problem.matrix.entry(i, pivot)).collect();
            for known in &columns {
                let share = known[pivot];
                for (entry, known) in column.iter_mut().zip(known) {
                    *entry -= share * known;
                }
            }
            let root = column[pivot].sqrt();
            if root.is_nan() || root <= 0.0 {
                left[pivot] = 0.0;
                continue;
            }
            for (entry, left) in column.iter_mut().zip(&mut left) {
                *entry /= root;
                *left = (*left - *entry * *entry).max(0.0);
            }
            left[pivot] = 0.0;
            columns.push(column);
        }
        let mu = (left.iter().sum::<f64>() / order as f64).max(LEAST);
        let inner = Gram::from_lower(columns.len(), |i, j| {
            dot(&columns[j], &columns[i]) + if i == j { mu } else { 0.0 }
        });
        Self {
            inner: Cholesky::new(&inner),
            columns,
            mu,
        }
    }

    /// `(F F' + mu I)^-1 r`.
    pub(super) fn solve(&self, r: &[f64]) -> Vec<f64> {
        let Some(inner) = &self.inner else {
            return r.to_vec();
        };
        let shares: Vec<f64> = self.columns.iter().map(|column| dot(column, r)).collect();
        let shares = inner.solve(&shares);
        let mut solution = r.to_vec();
        for (column, share) in self.columns.iter().zip(shares) {
            for (entry, f) in solution.iter_mut().zip(column) {
                *entry -= share * f;
            }
        }
        for entry in &mut solution {
            *entry /= self.mu;
        }
        solution
    }
}
