//! Polynomial attention by streaming.

use crate::production::kernels::attention::Weights;
use crate::production::outputs::columns::Columns;
use crate::production::outputs::error::OutputsError;
use crate::production::outputs::evaluated::Outputs;
use crate::production::outputs::power_bound::Row;
use crate::production::outputs::stream::Arrays;
use crate::system::Given;

/// `D^-1 (Q K' / s)^beta V`; for an even degree each entry within the range of its column of V.
pub(super) fn evaluate(given: &Given) -> Result<Outputs, OutputsError> {
    let arrays = Arrays::of(given);
    let [queries, keys, width, m] = arrays.shape;
    // A whole number up to 2^32 - 1 by the rule of its slot.
    let degree = given.scalar("degree") as u32;
    let seen = vec![keys; queries];
    let reaches = arrays.reaches(&seen)?;
    let (mut values, kept) = arrays.attend(Weights::Power(degree), &seen);
    let mut bounds = Vec::with_capacity(values.len());
    let mut columns = Columns::of(arrays.values, m);
    let columns = columns.of_first(keys);
    for (i, ((outputs, kept), reach)) in values
        .chunks_exact_mut(m)
        .zip(kept)
        .zip(reaches)
        .enumerate()
    {
        let row = Row::of(degree, (width, keys), reach, kept)
            .ok_or(OutputsError::RowSum { row: i, degree })?;
        for (c, (value, column)) in outputs.iter_mut().zip(columns).enumerate() {
            if degree.is_multiple_of(2) {
                // Weights of one sign: a mean lies between the least and the largest.
                *value = value.clamp(column.least, column.largest);
            }
            if !value.is_finite() {
                return Err(OutputsError::Output { row: i, column: c });
            }
            bounds.push(row.bound(*value, *column));
        }
    }
    Ok(Outputs {
        values: Outputs::shaped(queries, m, values),
        error_bounds: Outputs::shaped(queries, m, bounds),
        error_bound_basis: "rounding of logits, powers and sums, from ||Q_i|| max ||K|| / scale, the sum of the powers and the range of V",
        method: "streaming",
    })
}

#[cfg(test)]
mod tests;
