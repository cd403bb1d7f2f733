//! What an evaluation gives.

use crate::production::outputs::error::RefusedRow;
use crate::system::Array;

/// The outputs of a system without unknowns.
#[derive(Clone, Debug)]
pub struct Outputs {
    /// In the shape that the system's table gives them; NaN in the rows that are refused, as in a manifest a missing entry.
    pub values: Array,
    /// How far each can be off, proven; entry by entry as `values`, NaN as there.
    pub error_bounds: Array,
    /// The rows without outputs, in order, each with its reason; never all of them.
    pub refused: Vec<RefusedRow>,
    /// What the bounds rest on.
    pub error_bound_basis: &'static str,
    /// How they were computed.
    pub method: &'static str,
}

impl Outputs {
    /// So many rows and columns of numbers, row by row.
    pub(super) fn shaped(rows: usize, columns: usize, entries: Vec<f64>) -> Array {
        // As many as there are by construction; were they not, no number would pass for one.
        Array::new(vec![rows, columns], entries).unwrap_or(Array::scalar(f64::NAN))
    }
}
