//! Exact attention (the thesis, Definitions 1.0.1 and 1.0.2; arXiv 2302.13214).

use crate::system::row::{Asks, System};
use crate::system::slot::{Rule, Slot};

/// `D^-1 A V` with `A = exp(Q K' / s)` entry by entry and D the diagonal matrix of its row sums:
///
/// ```text
/// row i: sum_k p_ik V_k    p_i = softmax(K q_i / s)
/// Q: nq x d    K: nk x d    V: nk x m    s > 0 (d)    causal (false)
/// ```
///
/// The scale is data: the thesis prints s = d, models use `sqrt(d)`. A causal query sees the keys 0 to its own index, so that
/// every query sees one.
pub static EXACT_ATTENTION: System = System {
    key: "exact-attention",
    formula: "D^-1 A V, A = exp(Q K' / s), D = diag(A 1)",
    given: &[
        Slot::required("Q", &[&["nq", "d"]]),
        Slot::required("K", &[&["nk", "d"]]),
        Slot::required("V", &[&["nk", "m"]]),
        Slot::required("scale", &[&[]])
            .with_rule(Rule::Positive)
            .with_default_size("d"),
        Slot::required("causal", &[&[]])
            .with_rule(Rule::Switch)
            .with_default(0.0),
    ],
    unknowns: &[],
    asks: Asks::Outputs(&Slot::required("outputs", &[&["nq", "m"]])),
    logit: false,
};
