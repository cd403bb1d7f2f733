//! Polynomial attention (arXiv 2310.20051, after 2310.01655).

use crate::system::row::{Asks, System};
use crate::system::slot::{Rule, Slot};

/// `D^-1 U V` with `U_jk = (<q_j, k_k> / s)^beta` and D the diagonal matrix of its row sums:
///
/// ```text
/// Q: nq x d    K: nk x d    V: nk x m    beta = 0, 1, 2, ..    s > 0 (1)
/// ```
///
/// An odd power keeps the sign of its logit: the weights of a row may be negative, and its sum 0. Then there are no outputs.
pub static POLYNOMIAL_ATTENTION: System = System {
    key: "polynomial-attention",
    formula: "D^-1 U V, U = (Q K' / s)^beta entrywise, D = diag(U 1)",
    given: &[
        Slot::required("Q", &[&["nq", "d"]]),
        Slot::required("K", &[&["nk", "d"]]),
        Slot::required("V", &[&["nk", "m"]]),
        Slot::required("degree", &[&[]]).with_rule(Rule::Count),
        Slot::required("scale", &[&[]])
            .with_rule(Rule::Positive)
            .with_default(1.0),
    ],
    unknowns: &[],
    asks: Asks::Outputs(&Slot::required("outputs", &[&["nq", "m"]])),
    logit: false,
};
