//! Linear regression from few labels (arXiv 2306.03356).

use crate::system::row::{Asks, System};
use crate::system::slot::{Rule, Slot};

/// `0.5 sum_i D_i (p_i x - y_i)^2`, of which a method may read some of the labels y only:
///
/// ```text
/// pool P: n x d, the values of d basis functions at n points    labels y: n    budget: labels that may be read, at least 1
/// measure D: a number or n, none negative (1); it need not add up to 1
/// ```
///
/// The minimiser does not depend on the budget, which says what an answer may cost. A point with `D_i = 0` is no part of the loss.
pub static ACTIVE_LEARNING: System = System {
    key: "active-learning",
    formula: "0.5 sum_i D_i (p_i x - y_i)^2",
    given: &[
        Slot::required("pool", &[&["n", "d"]]),
        Slot::required("labels", &[&["n"]]),
        Slot::required("budget", &[&[]]).with_rule(Rule::Dimension("budget")),
        Slot::required("measure", &[&[], &["n"]])
            .with_rule(Rule::NonNegative)
            .with_default(1.0),
    ],
    unknowns: &[Slot::required("x", &[&["d"]])],
    asks: Asks::Loss,
    logit: false,
};
