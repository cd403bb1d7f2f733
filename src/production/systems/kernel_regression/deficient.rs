//! Powers of A without full column rank: the minimiser of least norm, by singular vectors.
//!
//! With `A = U S V'` of rank r, `(N^+)^J v = V_r S_r^(-2J) V_r' v`: singular values below a rounding of the largest count as zero.

use nalgebra::DVector;

use super::products::Products;
use crate::production::Outcome;
use crate::production::systems::error::SystemError;
use crate::production::systems::linear::answer::{self, Ending, Values, unknowns};
use crate::production::systems::linear::scaled::Scaled;
use crate::production::systems::linear::singular::SingularValues;
use crate::production::systems::linear::vector::ScaledVector;
use crate::production::systems::reached::Reached;
use crate::scalar::rounding::UNIT;

/// The minimiser of least norm.
pub(super) fn solve(
    products: &Products<'_>,
    target: &ScaledVector,
    solves: u64,
    start: Scaled,
) -> Result<Reached, SystemError> {
    let rows = products.a().rows();
    let d = rows.columns();
    let decomposed = SingularValues::of(rows)?;
    let rank = decomposed.rank();
    let from = if products.odd {
        products.backward(target, true)
    } else {
        target.clone()
    };
    let v = DVector::from_column_slice(&from.vector.high);
    // Shares times powers of singular values, whose logarithms keep them within range.
    let shares: Vec<(f64, f64, DVector<f64>)> = decomposed
        .above_rounding()
        .map(|(value, direction)| {
            let share = direction.dot(&v);
            (share, -2.0 * solves as f64 * value.log2(), direction)
        })
        .collect();
    let top = shares
        .iter()
        .filter(|(share, ..)| *share != 0.0)
        .fold(f64::NEG_INFINITY, |top, (_, power, _)| top.max(*power));
    let mut y = DVector::zeros(d);
    for (share, power, direction) in shares.iter().filter(|(share, ..)| *share != 0.0) {
        let factor = share * (power - top.floor()).exp2();
        y.axpy(factor, direction, 1.0);
    }
    let shift = if top.is_finite() {
        top.floor() as i64
    } else {
        0
    };
    let scale = from.exponent - 2 * solves as i64 * products.a().exponent + shift;
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
