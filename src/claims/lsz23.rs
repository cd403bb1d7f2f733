//! LSZ23, "Solving Regularized Exp, Cosh and Sinh Regression Problems".
//!
//! Only its abstract, and two lemmas that the thesis on DLS23 prints as its own, were read: everything else attributed to
//! it is labelled so.

use crate::claims::Claim;

mod definiteness;
mod derivatives;
pub(crate) mod forms;
mod lipschitz;
mod newton;
mod sampling;

/// The claims of this paper, in the order in which it states them.
pub fn claims() -> Vec<Claim> {
    [
        derivatives::claims(),
        definiteness::claims(),
        lipschitz::claims(),
        newton::claims(),
        sampling::claims(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
