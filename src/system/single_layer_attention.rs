//! Single-layer attention regression (arXiv 2309.07418).

use crate::system::row::{Asks, System};
use crate::system::slot::{Rule, Slot};

/// `F = row softmax(A1 X A2')`, `Z = A1 X A2'`; with X and Y free:
///
/// ```text
/// 0.5 || F A3 Y - B ||_F^2 + 0.5 sum_jk w_jk^2 Z_jk^2 + 0.5 mu || A3 Y ||_F^2
/// A1: n x d1    A2: n x d2    A3: n x d3    B: n x m    w: a number, n (one for each column of Z) or n x n    mu >= 0
/// ```
///
/// The abstract has no factor 1/2 and no regulariser; both are the convention of this family.
pub static SINGLE_LAYER_ATTENTION: System = System {
    key: "single-layer-attention",
    formula: "0.5 || F A3 Y - B ||_F^2 + 0.5 || w o Z ||_F^2 + 0.5 mu || A3 Y ||_F^2, Z = A1 X A2', F = row softmax(Z)",
    given: &[
        Slot::required("A1", &[&["n", "d1"]]),
        Slot::required("A2", &[&["n", "d2"]]),
        Slot::required("A3", &[&["n", "d3"]]),
        Slot::required("B", &[&["n", "m"]]),
        Slot::required("weights", &[&[], &["n"], &["n", "n"]]).with_default(0.0),
        Slot::required("ridge", &[&[]])
            .with_rule(Rule::NonNegative)
            .with_default(0.0),
    ],
    unknowns: &[
        Slot::required("X", &[&["d1", "d2"]]),
        Slot::required("Y", &[&["d3", "m"]]),
    ],
    asks: Asks::Loss,
    logit: false,
};
