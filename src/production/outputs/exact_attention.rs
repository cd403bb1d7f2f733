//! Exact attention by streaming.

use rayon::prelude::*;

use crate::production::kernels::Level;
use crate::production::kernels::attention::{Buffers, Memory, QUERIES, Queries, attend};
use crate::production::outputs::attention_bound::{Column, Query};
use crate::production::outputs::error::OutputsError;
use crate::production::outputs::evaluated::Outputs;
use crate::production::summation::norm;
use crate::system::{Array, Given};

/// Logits beyond are refused: sums of products on the way to them may overflow.
const LARGEST_LOGIT: f64 = 1e300;
/// Values beyond are multiplied by [`SHRINK`] on their way in, so that sums of them stay finite.
const LARGE_VALUE: f64 = 1e200;
/// A power of two: `2^-80`, more than there are values.
const SHRINK: f64 = 1.0 / (1u128 << 80) as f64;

/// `D^-1 exp(Q K' / s) V`, each entry within the range of its column of V.
pub(super) fn evaluate(given: &Given) -> Result<Outputs, OutputsError> {
    let size = |dimension| given.size(dimension);
    let (queries, keys, d, m) = (size("nq"), size("nk"), size("d"), size("m"));
    let entries = |name| given.array(name).map(Array::values).unwrap_or_default();
    let (key_entries, value_entries) = (entries("K"), entries("V"));
    let scale = given.scalar("scale");
    let causal = given.scalar("causal") != 0.0;
    let seen: Vec<usize> = (0..queries)
        .map(|i| if causal { keys.min(i + 1) } else { keys })
        .collect();
    let query_entries = entries("Q");
    let facts = facts(query_entries, key_entries, d, scale, &seen)?;
    let largest_value = value_entries.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
    let factor = if largest_value > LARGE_VALUE {
        SHRINK
    } else {
        1.0
    };
    let memory = Memory {
        keys: key_entries,
        values: value_entries,
        width: d,
        columns: m,
        factor,
    };
    let level = Level::best();
    let mut values = vec![0.0; queries * m];
    values
        .par_chunks_mut(QUERIES * m)
        .zip(query_entries.par_chunks(QUERIES * d))
        .zip(seen.par_chunks(QUERIES))
        .for_each_init(Buffers::default, |buffers, ((outputs, entries), seen)| {
            let queries = Queries {
                entries,
                scale,
                seen,
            };
            attend(level, memory, queries, buffers, outputs);
        });
    let mut bounds = Vec::with_capacity(values.len());
    let mut columns = Columns::of(value_entries, m);
    for (row, query) in values.chunks_exact_mut(m).zip(&facts) {
        for (value, column) in row.iter_mut().zip(columns.of_first(query.seen)) {
            // A mean lies between the least and the largest: what rounding moved out of there moves back.
            *value = (*value / factor).clamp(column.least, column.largest);
            bounds.push(query.bound(*column));
        }
    }
    let shaped = |entries| Array::new(vec![queries, m], entries).unwrap_or(Array::scalar(f64::NAN));
    Ok(Outputs {
        values: shaped(values),
        error_bounds: shaped(bounds),
        error_bound_basis: "rounding of logits, exponentials and sums, from ||Q_i|| max ||K|| / scale and the range of V",
        method: "streaming",
    })
}

/// What the bound of each query depends on; an error where a logit may be beyond f64.
fn facts(
    queries: &[f64],
    keys: &[f64],
    width: usize,
    scale: f64,
    seen: &[usize],
) -> Result<Vec<Query>, OutputsError> {
    let mut keys = keys.chunks_exact(width);
    let (mut largest_key, mut counted) = (0.0_f64, 0);
    let rows = queries.chunks_exact(width).zip(seen).enumerate();
    rows.map(|(row, (query, &seen))| {
        for key in keys.by_ref().take(seen - counted) {
            largest_key = largest_key.max(norm(key));
        }
        counted = seen;
        let scaled: Vec<f64> = query.iter().map(|entry| entry / scale).collect();
        if let Some(column) = scaled.iter().position(|entry| !entry.is_finite()) {
            return Err(OutputsError::Query { row, column });
        }
        let largest_logit = norm(&scaled) * largest_key;
        if largest_logit > LARGEST_LOGIT || largest_logit.is_nan() {
            return Err(OutputsError::Logits {
                row,
                largest: largest_logit,
            });
        }
        Ok(Query {
            width,
            seen,
            largest_logit,
            largest_key,
        })
    })
    .collect()
}

/// The ranges of the columns of the first rows of V, for more and more rows.
struct Columns<'a> {
    values: &'a [f64],
    columns: Vec<Column>,
    rows: usize,
}

impl<'a> Columns<'a> {
    fn of(values: &'a [f64], columns: usize) -> Self {
        let none = Column {
            least: f64::INFINITY,
            largest: f64::NEG_INFINITY,
        };
        Self {
            values,
            columns: vec![none; columns],
            rows: 0,
        }
    }

    /// Of the first `rows` rows, at least as many as before.
    fn of_first(&mut self, rows: usize) -> &[Column] {
        let m = self.columns.len();
        for row in self.values[self.rows * m..rows * m].chunks_exact(m) {
            for (column, value) in self.columns.iter_mut().zip(row) {
                column.least = column.least.min(*value);
                column.largest = column.largest.max(*value);
            }
        }
        self.rows = rows;
        &self.columns
    }
}

#[cfg(test)]
mod tests;
