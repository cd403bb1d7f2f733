//! What several definitions are made of.

use nalgebra::DVector;

use crate::oracle::expression::{Graph, Node};
use crate::scalar::High;

/// `0.5 sum_i (y_i - b_i)^2`.
pub(super) fn half_squared_distance(
    graph: &mut Graph,
    outputs: &[Node],
    target: &DVector<f64>,
) -> Node {
    let residuals: Vec<Node> = outputs
        .iter()
        .zip(target.iter())
        .map(|(&y, &b)| {
            let b = graph.constant(lifted(b));
            graph.weighted_sum(&[(High::ONE, y), (-High::ONE, b)])
        })
        .collect();
    half_squared_norm(graph, &residuals)
}

/// `0.5 sum_i y_i^2`.
pub(super) fn half_squared_norm(graph: &mut Graph, entries: &[Node]) -> Node {
    let half = High::ratio(1, 2);
    let terms: Vec<(High, Node)> = entries.iter().map(|&y| (half, graph.power(y, 2))).collect();
    graph.weighted_sum(&terms)
}

/// The f64 at its binary value. An instance holds finite numbers only; were one not, everything computed from it would
/// be poisoned and refused.
pub(in crate::oracle) fn lifted(value: f64) -> High {
    High::lift(value).unwrap_or(High::POISONED)
}
