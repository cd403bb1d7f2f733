//! Linear regression, which a quantum computer may sample by leverage scores (arXiv 2311.14823).

use crate::system::row::{Asks, System};
use crate::system::slot::{Rule, Slot};

/// `0.5 || A x - b ||_F^2 + 0.5 lambda || x ||_F^2`, with one right side or N of them:
///
/// ```text
/// A: n x d    b: n or n x N    x: d or d x N    lambda >= 0 (0)
/// accuracy eps, delta in (0, 1): an answer x is to have a loss of at most (1 + eps) times the least, with probability 1 - delta
/// ```
///
/// The abstract asks for `|| A x - b ||^2 <= (1 + eps) min`, so its eps is one of squares and the factor 1/2 changes nothing. Loss
/// and minimiser do not depend on eps and delta.
pub static LEVERAGE_REGRESSION: System = System {
    key: "leverage-regression",
    formula: "0.5 || A x - b ||_F^2 + 0.5 lambda || x ||_F^2",
    given: &[
        Slot::required("matrix", &[&["n", "d"]]),
        Slot::required("target", &[&["n"], &["n", "N"]]),
        Slot::required("ridge", &[&[]])
            .with_rule(Rule::NonNegative)
            .with_default(0.0),
        Slot::required("accuracy", &[&[]])
            .with_rule(Rule::Share)
            .with_default(0.1),
        Slot::required("delta", &[&[]])
            .with_rule(Rule::Share)
            .with_default(0.01),
    ],
    unknowns: &[Slot::required("x", &[&["d"], &["d", "N"]])],
    asks: Asks::Loss,
    logit: false,
};
