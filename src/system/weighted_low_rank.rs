//! Weighted low-rank approximation (arXiv 2306.04169).

use crate::system::row::{Asks, System};
use crate::system::slot::{Rule, Slot};

/// `0.5 || W o (M - X Y') ||_F^2 = 0.5 sum_ij W_ij^2 (M_ij - <x_i, y_j>)^2` with X n x k and Y m x k free.
///
/// The weights enter by their squares, as the abstract's norm has them. An entry of M may be missing (NaN, `null`) where
/// W is 0: it is not looked at.
pub static WEIGHTED_LOW_RANK: System = System {
    key: "weighted-low-rank",
    formula: "0.5 || W o (M - X Y') ||_F^2",
    given: &[
        Slot::required("M", &[&["n", "m"]]).with_rule(Rule::FiniteUnlessHidden("W")),
        Slot::required("W", &[&["n", "m"]]).with_rule(Rule::NonNegative),
        Slot::required("rank", &[&[]]).with_rule(Rule::Dimension("k")),
    ],
    unknowns: &[
        Slot::required("X", &[&["n", "k"]]),
        Slot::required("Y", &[&["m", "k"]]),
    ],
    asks: Asks::Loss,
    logit: false,
};
