//! LSZ23, "Solving Regularized Exp, Cosh and Sinh Regression Problems".

use crate::claims::Claim;

/// The claims of this paper, in the order in which it states them.
pub fn claims() -> Vec<Claim> {
    Vec::new()
}
