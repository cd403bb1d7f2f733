//! A pool in orthonormal coordinates. No label is looked at.
//!
//! ```text
//! U = D^1/2 P M,  U'U = I      l_i = || u_i ||^2, the leverage score of point i;  sum_i l_i = rank
//! ```
//!
//! M is the inverse of a triangular factor of P'DP, or, where columns are dependent, right singular vectors over their values.

use std::sync::Arc;

use rayon::prelude::*;

use crate::instance::DesignMatrix;
use crate::instance::row_major::RowMajor;
use crate::production::factor::Factor;
use crate::production::systems::error::SystemError;
use crate::production::systems::linear::scaled::{Scaled, exponent, largest, times_power};
use crate::production::systems::linear::singular::SingularValues;
use crate::production::systems::linear::triangular::{Triangular, times};
use crate::system::{Array, Given};

/// A pool whose points are measured by `unit root_i^2`.
pub(super) struct Pool {
    /// U, n x rank.
    pub(super) rows: RowMajor,
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
        let entries = given.array("pool").map_or(&[][..], Array::values);
        let mut weighted = RowMajor::zeros(n, d);
        let row = |i: usize| &entries[i * d..(i + 1) * d];
        // A quarter of the root keeps the product within the range of f64.
        let size = (0..n).fold(0.0_f64, |most, i| {
            most.max(largest(row(i)) * (0.25 * roots[i]))
        });
        let shift = exponent(size) + 2;
        for (i, root) in roots.iter().enumerate() {
            if *root > 0.0 {
                for (place, entry) in weighted.row_mut(i).iter_mut().zip(row(i)) {
                    *place = times_power(*entry, -shift) * root;
                }
            }
        }
        let weighted = Arc::new(DesignMatrix::Dense(weighted));
        let factor = Triangular::new(&weighted, seed, false);
        let DesignMatrix::Dense(weighted) = weighted.as_ref() else {
            unreachable!("made dense above")
        };
        let columns: Vec<Vec<f64>> = match factor {
            Some(factor) => {
                let unit = |j: usize| -> Vec<f64> {
                    (0..d).map(|k| f64::from(u8::from(k == j))).collect()
                };
                (0..d)
                    .map(|j| factor.transposed_root_solve(&unit(j)))
                    .collect()
            }
            None => SingularValues::of(weighted)?
                .above_rounding()
                .map(|(value, direction)| direction.iter().map(|entry| entry / value).collect())
                .collect(),
        };
        let rank = columns.len();
        let m: Vec<f64> = (0..d)
            .flat_map(|k| columns.iter().map(move |column| column[k]))
            .collect();
        let rows = times(weighted, &m, rank);
        let scores = squares(&rows);
        Ok(Self {
            rows,
            roots,
            unit,
            scores,
        })
    }

    /// The rank of the pool where the measure is not 0.
    pub(super) fn rank(&self) -> usize {
        self.rows.columns()
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
