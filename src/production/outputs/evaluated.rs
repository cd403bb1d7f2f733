//! What an evaluation gives.

use crate::system::Array;

/// The outputs of a system without unknowns.
#[derive(Clone, Debug)]
pub struct Outputs {
    /// In the shape that the system's table gives them.
    pub values: Array,
    /// How far each can be off, proven; entry by entry as `values`.
    pub error_bounds: Array,
    /// What the bounds rest on.
    pub error_bound_basis: &'static str,
    /// How they were computed.
    pub method: &'static str,
}
