//! The arrays of an attention, and the one pass over its keys.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use rayon::prelude::*;

use crate::production::kernels::Level;
use crate::production::kernels::attention::{
    Buffers, Memory, QUERIES, Queries, Sums, Weights, attend, keys_in_blocks, padded_values,
};
use crate::production::outputs::error::{OutputsError, RefusedRow};
use crate::production::outputs::evaluated::Outputs;
use crate::production::summation::norm;
use crate::system::{Array, Given};

/// Logits beyond are refused: sums of products on the way to them may overflow.
const LARGEST_LOGIT: f64 = 1e300;
/// Values beyond are multiplied by [`SHRINK`] on their way in, so that sums of them stay finite.
const LARGE_VALUE: f64 = 1e200;
/// A power of two: `2^-80`, more than there are values.
const SHRINK: f64 = 1.0 / (1u128 << 80) as f64;

/// Q, K, V and the scale, row by row.
pub(super) struct Arrays<'a> {
    queries: &'a [f64],
    keys: &'a [f64],
    /// V.
    pub(super) values: &'a [f64],
    /// nq, nk, d, m.
    pub(super) shape: [usize; 4],
    scale: f64,
}

/// How large the logits of a query can be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reach {
    /// `||q|| max ||k|| / s`.
    pub(super) largest_logit: f64,
    /// `max ||k||`, by which what underflows in `q / s` is multiplied.
    pub(super) largest_key: f64,
}

impl<'a> Arrays<'a> {
    /// Of an instance.
    pub(super) fn of(given: &'a Given) -> Self {
        let entries = |name| given.array(name).map(Array::values).unwrap_or_default();
        Self {
            queries: entries("Q"),
            keys: entries("K"),
            values: entries("V"),
            shape: ["nq", "nk", "d", "m"].map(|side| given.size(side)),
            scale: given.scalar("scale"),
        }
    }

    /// How large the logits of each query can be, with the keys that it sees, of which there are more and more; a refusal
    /// where a logit may be beyond f64.
    fn reaches(&self, seen: &[usize]) -> Vec<Result<Reach, RefusedRow>> {
        let [_, _, width, _] = self.shape;
        let mut keys = self.keys.chunks_exact(width);
        let (mut largest_key, mut counted) = (0.0_f64, 0);
        let rows = self.queries.chunks_exact(width).zip(seen).enumerate();
        rows.map(|(row, (query, &seen))| {
            for key in keys.by_ref().take(seen - counted) {
                largest_key = largest_key.max(norm(key));
            }
            counted = seen;
            let scaled: Vec<f64> = query.iter().map(|entry| entry / self.scale).collect();
            if let Some(column) = scaled.iter().position(|entry| !entry.is_finite()) {
                return Err(RefusedRow::Query { row, column });
            }
            let largest_logit = norm(&scaled) * largest_key;
            if largest_logit > LARGEST_LOGIT || largest_logit.is_nan() {
                return Err(RefusedRow::Logits {
                    row,
                    largest: largest_logit,
                });
            }
            Ok(Reach {
                largest_logit,
                largest_key,
            })
        })
        .collect()
    }

    /// The outputs for queries that see so many keys each. `finish` has the last word on each row that can be streamed: it
    /// gives the bounds of its outputs, or refuses it.
    pub(super) fn evaluate(
        &self,
        weights: Weights,
        seen: &[usize],
        stop: &AtomicBool,
        error_bound_basis: &'static str,
        mut finish: impl FnMut(Streamed<'_>) -> Result<Vec<f64>, RefusedRow>,
    ) -> Result<Outputs, OutputsError> {
        let [rows, _, _, m] = self.shape;
        let reaches = self.reaches(seen);
        let (mut values, kept) =
            self.attend(weights, seen, &self.queries_within(&reaches), stop)?;
        let mut bounds = Vec::with_capacity(values.len());
        let mut refused = Vec::new();
        let each = values.chunks_exact_mut(m).zip(kept).zip(seen).zip(reaches);
        for (row, (((outputs, kept), seen), reach)) in each.enumerate() {
            let finished = reach.and_then(|reach| {
                finish(Streamed {
                    row,
                    seen: *seen,
                    reach,
                    kept,
                    outputs,
                })
            });
            match finished {
                Ok(found) => bounds.extend(found),
                Err(reason) => {
                    outputs.fill(f64::NAN);
                    bounds.extend(std::iter::repeat_n(f64::NAN, m));
                    refused.push(reason);
                }
            }
        }
        match refused.first() {
            Some(first) if refused.len() == rows => Err(OutputsError::NoRows {
                first: first.clone(),
                rows,
            }),
            _ => Ok(Outputs {
                values: Outputs::shaped(rows, m, values),
                error_bounds: Outputs::shaped(rows, m, bounds),
                refused,
                error_bound_basis,
                method: "streaming",
            }),
        }
    }

    /// The queries, with 0 for those whose logits are beyond f64.
    fn queries_within(&self, reaches: &[Result<Reach, RefusedRow>]) -> Cow<'a, [f64]> {
        let mut queries = Cow::Borrowed(self.queries);
        let [_, _, width, _] = self.shape;
        for (row, reach) in reaches.iter().enumerate() {
            if reach.is_err() {
                queries.to_mut()[row * width..(row + 1) * width].fill(0.0);
            }
        }
        queries
    }

    /// The outputs of these queries (nq x m, row by row), which see so many keys each, and what is kept of each query.
    fn attend(
        &self,
        weights: Weights,
        seen: &[usize],
        queries: &[f64],
        stop: &AtomicBool,
    ) -> Result<(Vec<f64>, Vec<Sums>), OutputsError> {
        let [rows, _, width, columns] = self.shape;
        let largest = self.values.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
        let factor = if largest > LARGE_VALUE { SHRINK } else { 1.0 };
        let memory = Memory {
            weights,
            keys: &keys_in_blocks(self.keys, width),
            values: &padded_values(self.values, columns, factor),
            width,
            columns,
            stop,
        };
        let level = Level::best();
        let mut outputs = vec![0.0; rows * columns];
        let mut sums = vec![Sums::default(); rows];
        outputs
            .par_chunks_mut(QUERIES * columns)
            .zip(sums.par_chunks_mut(QUERIES))
            .zip(queries.par_chunks(QUERIES * width))
            .zip(seen.par_chunks(QUERIES))
            .for_each_init(
                Buffers::default,
                |buffers, (((outputs, sums), entries), seen)| {
                    let queries = Queries {
                        entries,
                        scale: self.scale,
                        seen,
                    };
                    attend(level, memory, queries, buffers, outputs, sums);
                },
            );
        if stop.load(Relaxed) {
            return Err(OutputsError::Interrupted);
        }
        for output in &mut outputs {
            *output /= factor;
        }
        Ok((outputs, sums))
    }
}

/// A row that has been streamed.
pub(super) struct Streamed<'a> {
    /// Its number.
    pub(super) row: usize,
    /// Keys that it sees.
    pub(super) seen: usize,
    /// How large its logits can be.
    pub(super) reach: Reach,
    /// What is kept of it beside its outputs.
    pub(super) kept: Sums,
    /// Its outputs.
    pub(super) outputs: &'a mut [f64],
}
