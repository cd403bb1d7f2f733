//! A pool in orthonormal coordinates. No label is looked at.
//!
//! ```text
//! U = D^1/2 P M,  U'U = I      l_i = || u_i ||^2, the leverage score of point i;  sum_i l_i = rank
//! ```
//!
//! M is the inverse of a triangular factor of P'DP, or, where columns are dependent, right singular vectors over their values. Two passes
//! over P give the scores, one for P'DP and one for U, of which no more than a block of rows is kept unless all of it is asked for.

use std::sync::{Arc, OnceLock};

use rayon::prelude::*;

use crate::instance::DesignMatrix;
use crate::instance::row_major::RowMajor;
use crate::production::factor::Factor;
use crate::production::systems::error::SystemError;
use crate::production::systems::linear::scaled::{Scaled, exponent, largest, times_power};
use crate::production::systems::linear::singular::SingularValues;
use crate::production::systems::linear::triangular::{Triangular, squared_rows, times};
use crate::system::{Array, Given};

/// A pool whose points are measured by `unit root_i^2`.
pub(super) struct Pool {
    /// D^1/2 P, divided by a power of two where that is far from 1.
    weighted: Arc<DesignMatrix>,
    /// M by rows.
    coordinates: Vec<f64>,
    rank: usize,
    /// U, n x rank, once it is asked for.
    rows: OnceLock<RowMajor>,
    /// Roots of the measure, the largest from 1 to 2; all 1 where the measure is the same everywhere.
    pub(super) roots: Vec<f64>,
    /// What their squares are multiplied by.
    pub(super) unit: Scaled,
    /// Leverage scores.
    pub(super) scores: Vec<f64>,
}

impl Pool {
    /// Of an instance; refused where columns are dependent and there are too many singular values.
    pub(super) fn of(given: &Given, seed: u64) -> Result<Self, SystemError> {
        let (n, d) = (given.size("n"), given.size("d"));
        let (roots, unit) = roots(&given.repeated("measure", n));
        let weighted = Arc::new(DesignMatrix::Dense(weighted(given, &roots)));
        let factor = Triangular::new(&weighted, seed, false);
        let columns: Vec<Vec<f64>> = match factor {
            Some(factor) => {
                let unit = |j: usize| -> Vec<f64> {
                    (0..d).map(|k| f64::from(u8::from(k == j))).collect()
                };
                (0..d)
                    .map(|j| factor.transposed_root_solve(&unit(j)))
                    .collect()
            }
            None => SingularValues::of(dense(&weighted))?
                .above_rounding()
                .map(|(value, direction)| direction.iter().map(|entry| entry / value).collect())
                .collect(),
        };
        let rank = columns.len();
        let m: Vec<f64> = (0..d)
            .flat_map(|k| columns.iter().map(move |column| column[k]))
            .collect();
        let scores = squared_rows(dense(&weighted), &m, rank);
        Ok(Self {
            weighted,
            coordinates: m,
            rank,
            rows: OnceLock::new(),
            roots,
            unit,
            scores,
        })
    }

    /// The rank of the pool where the measure is not 0.
    pub(super) fn rank(&self) -> usize {
        self.rank
    }

    /// U, which takes as much memory as the pool.
    pub(super) fn rows(&self) -> &RowMajor {
        self.rows
            .get_or_init(|| times(dense(&self.weighted), &self.coordinates, self.rank))
    }

    /// Row i of U.
    pub(super) fn row(&self, i: usize) -> Vec<f64> {
        let mut row = vec![0.0; self.rank];
        if self.rank > 0 {
            let factors = dense(&self.weighted).row(i);
            for (factor, terms) in factors.iter().zip(self.coordinates.chunks_exact(self.rank)) {
                for (sum, term) in row.iter_mut().zip(terms) {
                    *sum += factor * term;
                }
            }
        }
        row
    }

    /// The points of a measure that is not 0.
    pub(super) fn support(&self) -> impl Iterator<Item = usize> {
        let points = self.roots.iter().enumerate();
        points.filter(|(_, root)| **root > 0.0).map(|(i, _)| i)
    }

    /// Whether the measure is the same everywhere.
    pub(super) fn is_uniform(&self) -> bool {
        self.roots.iter().all(|root| *root == 1.0)
    }

    /// The measure of the whole domain, in its unit.
    pub(super) fn total(&self) -> f64 {
        self.roots.iter().map(|root| root * root).sum()
    }
}

/// D^1/2 P: the entries of the pool where they lie if that is a matter of a power of two near 1, else a copy with a largest entry near 1.
fn weighted(given: &Given, roots: &[f64]) -> RowMajor {
    /// Squares of these, summed and divided by each other, stay in the range of f64.
    const NEAR: i64 = 100;
    let (n, d) = (given.size("n"), given.size("d"));
    let pool = given.array("pool");
    let entries = pool.map_or(&[][..], Array::values);
    if roots.iter().all(|root| *root == 1.0)
        && exponent(largest(entries)).abs() <= NEAR
        && let Some(shared) = pool.and_then(|pool| RowMajor::shared(n, d, pool.shared()))
    {
        return shared;
    }
    let row = |i: usize| &entries[i * d..(i + 1) * d];
    // A quarter of the root keeps the product within the range of f64.
    let size = (0..n).fold(0.0_f64, |most, i| {
        most.max(largest(row(i)) * (0.25 * roots[i]))
    });
    let shift = exponent(size) + 2;
    let mut weighted = RowMajor::zeros(n, d);
    for (i, root) in roots.iter().enumerate() {
        if *root > 0.0 {
            for (place, entry) in weighted.row_mut(i).iter_mut().zip(row(i)) {
                *place = times_power(*entry, -shift) * root;
            }
        }
    }
    weighted
}

fn dense(weighted: &DesignMatrix) -> &RowMajor {
    match weighted {
        DesignMatrix::Dense(rows) => rows,
        DesignMatrix::Sparse(_) => unreachable!("`Pool::of` makes it dense"),
    }
}

/// The squared norms of rows.
pub(super) fn squares(rows: &RowMajor) -> Vec<f64> {
    (0..rows.rows())
        .into_par_iter()
        .map(|i| rows.row(i).iter().map(|entry| entry * entry).sum())
        .collect()
}

/// Roots of a measure, the largest from 1 to 2, and the unit of their squares: 1 and the measure itself where that is the same
/// everywhere.
fn roots(measure: &[f64]) -> (Vec<f64>, Scaled) {
    let most = largest(measure);
    if most > 0.0 && measure.iter().all(|weight| *weight == most) {
        return (vec![1.0; measure.len()], Scaled::of(most));
    }
    // Roots first: the weights themselves may be too far apart for f64.
    let half = exponent(most).div_euclid(2);
    let root = |weight: &f64| times_power(weight.sqrt(), -half);
    let unit = Scaled {
        value: 1.0,
        exponent: 2 * half,
    };
    (measure.iter().map(root).collect(), unit)
}
