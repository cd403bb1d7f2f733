//! Powers of A without full column rank: the minimiser of least norm, by singular vectors.
//!
//! With `A = U S V'` of rank r, `(N^+)^J v = V_r S_r^(-2J) V_r' v`: singular values below a rounding of the largest count as zero.

use nalgebra::{DMatrix, DVector};

use super::answer::{self, Ending, Values, unknowns};
use super::products::{Products, ScaledVector};
use super::scaled::Scaled;
use crate::production::Outcome;
use crate::production::factor::householder::{Householder, Tall};
use crate::production::step::PIVOT_TOLERANCE;
use crate::production::systems::error::{Refusal, SystemError};
use crate::production::systems::reached::Reached;
use crate::scalar::rounding::UNIT;

/// The largest number of singular values that are computed.
const LARGEST_ORDER: usize = 2048;

/// The minimiser of least norm.
pub(super) fn solve(
    products: &Products<'_>,
    target: &ScaledVector,
    solves: u64,
    start: Scaled,
) -> Result<Reached, SystemError> {
    let rows = products.a.rows();
    let (n, d) = (rows.rows(), rows.columns());
    if n.min(d) > LARGEST_ORDER {
        return Err(Refusal::Singular {
            order: n.min(d),
            limit: LARGEST_ORDER,
        }
        .into());
    }
    let tall = n >= d;
    let matrix = if tall {
        Householder::triangular_factor(Tall::scaled(rows, &vec![1.0; d]))
    } else {
        rows.to_matrix()
    };
    let (values, directions) = decomposed(matrix)?;
    let most = values.iter().copied().fold(0.0_f64, f64::max);
    let limit = PIVOT_TOLERANCE * n.max(d) as f64 * f64::EPSILON * most;
    let rank = values.iter().filter(|value| **value > limit).count();
    let from = if products.odd {
        products.backward(target, true)
    } else {
        target.clone()
    };
    let v = DVector::from_column_slice(&from.vector.high);
    // Shares times powers of singular values, whose logarithms keep them within range.
    let shares: Vec<(f64, f64, usize)> = values
        .iter()
        .enumerate()
        .filter(|(_, value)| **value > limit)
        .map(|(k, value)| {
            let share = directions.row(k).transpose().dot(&v);
            (share, -2.0 * solves as f64 * value.log2(), k)
        })
        .collect();
    let top = shares
        .iter()
        .filter(|(share, ..)| *share != 0.0)
        .fold(f64::NEG_INFINITY, |top, (_, power, _)| top.max(*power));
    let mut y = DVector::zeros(d);
    for (share, power, k) in shares.iter().filter(|(share, ..)| *share != 0.0) {
        let factor = share * (power - top.floor()).exp2();
        y.axpy(factor, &directions.row(*k).transpose(), 1.0);
    }
    let shift = if top.is_finite() {
        top.floor() as i64
    } else {
        0
    };
    let scale = from.exponent - 2 * solves as i64 * products.a.exponent + shift;
    let x = unknowns(y.as_slice(), scale)?;
    let rounded = ScaledVector::of(&x);
    let residual = products.image(&rounded, true).minus(target);
    let unit: Vec<f64> = x.iter().map(|entry| entry * UNIT).collect();
    let noise = products.transposed(&products.image(&ScaledVector::of(&unit), false));
    let values = Values {
        loss: residual.half_square(),
        gradient: products.transposed(&residual).norm(),
        start,
        noise: noise.norm(),
    };
    let ending = Ending {
        outcome: Outcome::Singular,
        x,
        iterations: 1,
        error_bound: None,
        basis: "none: the minimiser is not unique".to_owned(),
        warnings: vec![format!(
            "A has {d} columns and rank {rank}: x is the minimiser of least norm"
        )],
    };
    Ok(answer::reached(&values, ending))
}

/// Singular values, and the right singular vectors as rows.
fn decomposed(matrix: DMatrix<f64>) -> Result<(Vec<f64>, DMatrix<f64>), Refusal> {
    const ITERATIONS: usize = 100_000;
    if matrix.is_empty() {
        return Ok((Vec::new(), DMatrix::zeros(0, matrix.ncols())));
    }
    let failed = Refusal::Factorisation { name: "matrix" };
    let svd = matrix
        .try_svd(false, true, f64::EPSILON, ITERATIONS)
        .ok_or(failed.clone())?;
    let vectors = svd.v_t.ok_or(failed)?;
    Ok((svd.singular_values.as_slice().to_vec(), vectors))
}
