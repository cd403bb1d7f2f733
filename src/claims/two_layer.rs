//! "Local Convergence of Approximate Newton Method for Two Layer Nonlinear Regression".

use crate::claims::Claim;

/// The claims of this paper, in the order in which it states them.
pub fn claims() -> Vec<Claim> {
    Vec::new()
}
