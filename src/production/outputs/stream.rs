//! The arrays of an attention, and the one pass over its keys.

use rayon::prelude::*;

use crate::production::kernels::Level;
use crate::production::kernels::attention::{
    Buffers, Memory, QUERIES, Queries, Sums, Weights, attend,
};
use crate::production::outputs::error::OutputsError;
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

    /// How large the logits of each query can be, with the keys that it sees, of which there are more and more; an error where
    /// a logit may be beyond f64.
    pub(super) fn reaches(&self, seen: &[usize]) -> Result<Vec<Reach>, OutputsError> {
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
                return Err(OutputsError::Query { row, column });
            }
            let largest_logit = norm(&scaled) * largest_key;
            if largest_logit > LARGEST_LOGIT || largest_logit.is_nan() {
                return Err(OutputsError::Logits {
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

    /// The outputs (nq x m, row by row) for queries that see so many keys each, and what is kept of each query.
    pub(super) fn attend(&self, weights: Weights, seen: &[usize]) -> (Vec<f64>, Vec<Sums>) {
        let [queries, _, width, columns] = self.shape;
        let largest = self.values.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
        let factor = if largest > LARGE_VALUE { SHRINK } else { 1.0 };
        let memory = Memory {
            weights,
            keys: self.keys,
            values: self.values,
            width,
            columns,
            factor,
        };
        let level = Level::best();
        let mut outputs = vec![0.0; queries * columns];
        let mut sums = vec![Sums::default(); queries];
        outputs
            .par_chunks_mut(QUERIES * columns)
            .zip(sums.par_chunks_mut(QUERIES))
            .zip(self.queries.par_chunks(QUERIES * width))
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
        for output in &mut outputs {
            *output /= factor;
        }
        (outputs, sums)
    }
}
