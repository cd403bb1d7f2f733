//! Exact attention by streaming.

use std::sync::atomic::AtomicBool;

use crate::production::kernels::attention::Weights;
use crate::production::outputs::attention_bound::Query;
use crate::production::outputs::columns::Columns;
use crate::production::outputs::error::OutputsError;
use crate::production::outputs::evaluated::Outputs;
use crate::production::outputs::stream::{Arrays, Streamed};
use crate::system::Given;

/// What the bounds rest on.
const BASIS: &str =
    "rounding of logits, exponentials and sums, from ||Q_i|| max ||K|| / scale and the range of V";

/// `D^-1 exp(Q K' / s) V`, each entry within the range of its column of V.
pub(super) fn evaluate(given: &Given, stop: &AtomicBool) -> Result<Outputs, OutputsError> {
    let arrays = Arrays::of(given);
    let [queries, keys, width, m] = arrays.shape;
    let causal = given.scalar("causal") != 0.0;
    let seen: Vec<usize> = (0..queries)
        .map(|i| if causal { keys.min(i + 1) } else { keys })
        .collect();
    let mut columns = Columns::of(arrays.values, m);
    let finish = |row: Streamed<'_>| {
        let query = Query {
            width,
            seen: row.seen,
            reach: row.reach,
        };
        let columns = columns.of_first(row.seen);
        for (value, column) in row.outputs.iter_mut().zip(columns) {
            // A mean lies between the least and the largest: what rounding moved out of there moves back.
            *value = value.clamp(column.least, column.largest);
        }
        Ok(query.bounds(columns))
    };
    arrays.evaluate(Weights::Exponential, &seen, stop, BASIS, finish)
}

#[cfg(test)]
mod tests;
