//! Exp, cosh and sinh regression (LSZ23).

use nalgebra::DVector;

use super::terms::half_squared_distance;
use crate::oracle::expression::{Graph, Node};

/// See [`per_derivative`](super::per_derivative).
pub(super) const PER_DERIVATIVE: u64 = 20;

/// `0.5 sum_i (phi(z_i) - b_i)^2`.
pub(super) fn loss(
    graph: &mut Graph,
    target: &DVector<f64>,
    logits: &[Node],
    phi: fn(&mut Graph, Node) -> Node,
) -> Node {
    let outputs: Vec<Node> = logits.iter().map(|&z| phi(graph, z)).collect();
    half_squared_distance(graph, &outputs, target)
}
