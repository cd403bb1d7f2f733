//! Exact attention by streaming.

use crate::production::kernels::attention::Weights;
use crate::production::outputs::attention_bound::Query;
use crate::production::outputs::columns::Columns;
use crate::production::outputs::error::OutputsError;
use crate::production::outputs::evaluated::Outputs;
use crate::production::outputs::stream::Arrays;
use crate::system::Given;

/// `D^-1 exp(Q K' / s) V`, each entry within the range of its column of V.
pub(super) fn evaluate(given: &Given) -> Result<Outputs, OutputsError> {
    let arrays = Arrays::of(given);
    let [queries, keys, width, m] = arrays.shape;
    let causal = given.scalar("causal") != 0.0;
    let seen: Vec<usize> = (0..queries)
        .map(|i| if causal { keys.min(i + 1) } else { keys })
        .collect();
    let reaches = arrays.reaches(&seen)?;
    let (mut values, _) = arrays.attend(Weights::Exponential, &seen);
    let mut bounds = Vec::with_capacity(values.len());
    let mut columns = Columns::of(arrays.values, m);
    for ((row, &seen), reach) in values.chunks_exact_mut(m).zip(&seen).zip(reaches) {
        let query = Query { width, seen, reach };
        for (value, column) in row.iter_mut().zip(columns.of_first(seen)) {
            // A mean lies between the least and the largest: what rounding moved out of there moves back.
            *value = value.clamp(column.least, column.largest);
            bounds.push(query.bound(*column));
        }
    }
    Ok(Outputs {
        values: Outputs::shaped(queries, m, values),
        error_bounds: Outputs::shaped(queries, m, bounds),
        error_bound_basis: "rounding of logits, exponentials and sums, from ||Q_i|| max ||K|| / scale and the range of V",
        method: "streaming",
    })
}

#[cfg(test)]
mod tests;
