//! Residual softmax: softmax with a skip connection (2309.13482).

use nalgebra::DVector;

use super::terms::half_squared_distance;
use crate::oracle::expression::{Graph, Node};

/// See [`per_derivative`](super::per_derivative).
pub(super) const PER_DERIVATIVE: u64 = 36;

/// `0.5 sum_i (u_i / alpha - b_i)^2` with `u_i = exp(z_i) + z_i` and `alpha = sum_k u_k`.
///
/// `alpha` may be negative, and there is a pole where it is zero: an evaluation where it cannot be told from zero is refused.
pub(super) fn loss(graph: &mut Graph, target: &DVector<f64>, logits: &[Node]) -> Node {
    let sums: Vec<Node> = logits
        .iter()
        .map(|&z| {
            let exponential = graph.exp(z);
            graph.sum(&[exponential, z])
        })
        .collect();
    let normaliser = graph.sum(&sums);
    graph.require_nonzero(
        normaliser,
        "alpha = <exp(z) + z, 1>",
        "the residual softmax has a pole where it is zero",
    );
    let outputs: Vec<Node> = sums
        .iter()
        .map(|&u| graph.quotient(u, normaliser))
        .collect();
    half_squared_distance(graph, &outputs, target)
}
