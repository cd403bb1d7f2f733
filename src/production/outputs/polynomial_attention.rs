//! Polynomial attention by streaming.

use std::sync::atomic::AtomicBool;

use crate::production::kernels::attention::Weights;
use crate::production::outputs::columns::Columns;
use crate::production::outputs::error::{OutputsError, RefusedRow};
use crate::production::outputs::evaluated::Outputs;
use crate::production::outputs::power_bound::Row;
use crate::production::outputs::stream::{Arrays, Streamed};
use crate::system::Given;

/// What the bounds rest on.
const BASIS: &str = "rounding of logits, powers and sums, from ||Q_i|| max ||K|| / scale, the sum of the powers and the range of V";

/// `D^-1 (Q K' / s)^beta V`; for an even degree each entry within the range of its column of V.
pub(super) fn evaluate(given: &Given, stop: &AtomicBool) -> Result<Outputs, OutputsError> {
    let arrays = Arrays::of(given);
    let [queries, keys, width, m] = arrays.shape;
    // A whole number up to 2^32 - 1 by the rule of its slot.
    let degree = given.scalar("degree") as u32;
    let seen = vec![keys; queries];
    let mut columns = Columns::of(arrays.values, m);
    let columns = columns.of_first(keys);
    let finish = |streamed: Streamed<'_>| {
        let row = streamed.row;
        let known = Row::of(degree, (width, keys), streamed.reach, streamed.kept)
            .ok_or(RefusedRow::RowSum { row, degree })?;
        for (value, range) in streamed.outputs.iter_mut().zip(columns) {
            if degree.is_multiple_of(2) {
                // Weights of one sign: a mean lies between the least and the largest.
                *value = value.clamp(range.least, range.largest);
            }
        }
        if let Some(column) = streamed.outputs.iter().position(|value| !value.is_finite()) {
            return Err(RefusedRow::Output { row, column });
        }
        let entries = streamed.outputs.iter().zip(columns);
        Ok(entries
            .map(|(value, column)| known.bound(*value, *column))
            .collect())
    };
    arrays.evaluate(Weights::Power(degree), &seen, stop, BASIS, finish)
}

#[cfg(test)]
mod tests;
