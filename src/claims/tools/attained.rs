//! Bounds that whole kinds of instances attain.

use crate::claims::Verdict;
use crate::scalar::{Allowance, High};

/// The verdict on `observed <= allowed` for a bound that whole kinds of instances attain: what exceeds it by no more than the
/// error of both is equal to it.
pub fn at_most_or_equal(
    quantity: &str,
    observed: High,
    allowed: High,
    granted: Allowance<High>,
) -> Verdict {
    let allowed = allowed + granted.size();
    Verdict::at_most(quantity, observed, allowed, Allowance::NOTHING)
}
