//! Columns that are dependent to rounding: the minimiser of least norm, by singular vectors.
//!
//! With `A = U S V'` of rank r, `x = V_r (S_r^2 + lambda)^-1 V_r' A'b`: singular values below a rounding of the largest count as zero.

use nalgebra::DVector;

use super::problem::{Problem, by_rows};
use crate::production::Outcome;
use crate::production::systems::error::SystemError;
use crate::production::systems::linear::answer::{self, Ending, unknowns};
use crate::production::systems::linear::singular::SingularValues;
use crate::production::systems::linear::vector::{Map, ScaledVector};
use crate::production::systems::reached::Reached;

/// The minimiser of least norm.
pub(super) fn solve(problem: &Problem, map: &Map<'_>) -> Result<Reached, SystemError> {
    let decomposed = SingularValues::of(problem.rows())?;
    let d = problem.shape()[1];
    let mut by_columns = Vec::new();
    for c in 0..problem.targets.len() {
        let (v, _) = problem.projected(map, c, true);
        let right = DVector::from_column_slice(&v.vector.high);
        let mut y = DVector::zeros(d);
        for (value, direction) in decomposed.above_rounding() {
            let size = problem.shrink() * value * value + problem.lambda;
            y.axpy(direction.dot(&right) / size, &direction, 1.0);
        }
        by_columns.push(unknowns(y.as_slice(), v.exponent - 2 * problem.exponent)?);
    }
    let x: Vec<ScaledVector> = by_columns
        .iter()
        .map(|column| ScaledVector::of(column))
        .collect();
    let values = problem.values(map, &x, true);
    let rank = decomposed.rank();
    let (why, warning) = if problem.lambda > 0.0 {
        (
            "none: the ridge is below the rounding of A'A",
            format!(
                "A has {d} columns and rank {rank} to rounding, and the ridge is below the rounding of A'A: x is the answer on \
                 the directions that A sees"
            ),
        )
    } else {
        (
            "none: the minimiser is not unique",
            format!("A has {d} columns and rank {rank}: x is the minimiser of least norm"),
        )
    };
    let ending = Ending {
        outcome: Outcome::Singular,
        x: by_rows(&by_columns),
        iterations: 1,
        error_bound: None,
        basis: why.to_owned(),
        warnings: vec![warning],
    };
    Ok(answer::reached(&values, ending))
}
