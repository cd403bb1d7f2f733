//! Softmax regression (DLS23).

use nalgebra::DVector;

use super::terms::half_squared_distance;
use crate::oracle::expression::{Graph, Node};

/// See [`per_derivative`](super::per_derivative).
pub(super) const PER_DERIVATIVE: u64 = 32;

/// `0.5 sum_i (p_i - b_i)^2` with `p = softmax(z)`.
pub(super) fn loss(graph: &mut Graph, target: &DVector<f64>, logits: &[Node]) -> Node {
    let outputs = probabilities(graph, logits);
    half_squared_distance(graph, &outputs, target)
}

/// `p_i = exp(z_i) / sum_k exp(z_k)`.
///
/// Not shifted: the exponents of [`High`](crate::scalar::High) hold `exp` of every logit that occurs.
pub(super) fn probabilities(graph: &mut Graph, logits: &[Node]) -> Vec<Node> {
    let exponentials: Vec<Node> = logits.iter().map(|&z| graph.exp(z)).collect();
    let normaliser = graph.sum(&exponentials);
    exponentials
        .iter()
        .map(|&e| graph.quotient(e, normaliser))
        .collect()
}
