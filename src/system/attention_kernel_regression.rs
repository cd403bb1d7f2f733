//! Attention kernel regression (arXiv 2308.14304).

use crate::system::row::{Asks, System};
use crate::system::slot::{Rule, Slot, Variant};

/// `0.5 || (K + lambda I) x - b ||^2` with x free, K one of
///
/// ```text
/// even:   (A'A)^j            d x d    b: d    x: d
/// odd:    A (A'A)^j          n x d    b: n    x: d
/// kernel: exp(A A') entrywise n x n   b: n    x: n    lambda >= 0
/// A: n x d    j = 0, 1, 2, .. (1)
/// ```
///
/// The abstract has one "response vector b" for all of them, no factor 1/2 and no lambda; the factor is the convention of this
/// family, lambda that of arXiv 2604.25138. Only the kernel has a lambda, and it has no power.
pub static ATTENTION_KERNEL_REGRESSION: System = System {
    key: "attention-kernel-regression",
    formula: "0.5 || (K + lambda I) x - b ||^2, K = (A'A)^j, A (A'A)^j or exp(A A') entrywise",
    given: &[
        Slot::required("matrix", &[&["n", "d"]]),
        Slot::required("kind", &[&[]]).with_rule(Rule::Variant(&[EVEN, ODD, KERNEL])),
        Slot::required("power", &[&[]])
            .with_rule(Rule::Count)
            .with_default(1.0),
        Slot::required("target", &[&["rows of K"]]),
        Slot::required("ridge", &[&[]])
            .with_rule(Rule::NonNegative)
            .with_default(0.0),
    ],
    unknowns: &[Slot::required("x", &[&["columns of K"]])],
    asks: Asks::Loss,
    logit: false,
};

const EVEN: Variant = Variant {
    word: "even",
    dimensions: &[("rows of K", "d"), ("columns of K", "d")],
    fixed: &[("ridge", 0.0)],
};
const ODD: Variant = Variant {
    word: "odd",
    dimensions: &[("rows of K", "n"), ("columns of K", "d")],
    fixed: &[("ridge", 0.0)],
};
const KERNEL: Variant = Variant {
    word: "kernel",
    dimensions: &[("rows of K", "n"), ("columns of K", "n")],
    fixed: &[("power", 1.0)],
};
