//! Components of a symmetric tensor (arXiv 2306.00406).

use crate::system::row::{Asks, System};
use crate::system::slot::{Rule, Slot};

/// k pairs of a number and a unit vector with `T(v, .., v, .) = lambda v`, T symmetric of order p = 3, 4, 5 or 6:
///
/// ```text
/// T(v, .., v, .)_i = sum T[i, i2, .., ip] v_i2 .. v_ip
/// 0.5 sum_j ( || T(v_j, .., v_j, .) - lambda_j v_j ||^2 + ((1 - v_j'v_j) / 2)^2 ) = 0
/// values: k    vectors: n x k, v_j its column j
/// ```
///
/// The bracket is the squared gradient of the Lagrange function `T(v, .., v) / p - lambda (v'v - 1) / 2`. A tensor that is a
/// sum of `lambda_j` times powers of orthonormal `v_j` has these among its pairs, and others besides (one or more for every set of
/// components). Pairs come with a sign: `(-lambda, -v)` is as good for odd p, `(lambda, -v)` for even p. Nothing keeps two
/// columns from being the same pair.
pub static TENSOR_POWER: System = System {
    key: "tensor-power",
    formula: "0.5 sum_j ( || T(v_j, .., v_j, .) - lambda_j v_j ||^2 + ((1 - v_j'v_j) / 2)^2 ) = 0",
    given: &[
        Slot::required(
            "T",
            &[
                &["n", "n", "n"],
                &["n", "n", "n", "n"],
                &["n", "n", "n", "n", "n"],
                &["n", "n", "n", "n", "n", "n"],
            ],
        )
        .with_rule(Rule::Symmetric),
        Slot::required("components", &[&[]]).with_rule(Rule::Dimension("k")),
    ],
    unknowns: &[
        Slot::required("values", &[&["k"]]),
        Slot::required("vectors", &[&["n", "k"]]),
    ],
    asks: Asks::Zero,
    logit: false,
};
