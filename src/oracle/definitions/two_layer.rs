//! Two-layer regression with a softmax first layer (2311.15390).

use nalgebra::{DMatrix, DVector};

use super::softmax;
use super::terms::{half_squared_distance, lifted};
use crate::instance::Activation;
use crate::oracle::expression::{Graph, Node};
use crate::scalar::High;

/// See [`per_derivative`](super::per_derivative): each of `outputs` rows of `A2` adds a few terms for each logit.
pub(super) fn per_derivative(outputs: usize) -> u64 {
    (outputs as u64).saturating_mul(12).saturating_add(40)
}

/// `0.5 sum_k (phi(y_k) - b_k)^2` with `y = A2 softmax(z)`.
///
/// With `relu` an evaluation of derivatives where an entry of `y` cannot be told from zero is refused.
pub(super) fn loss(
    graph: &mut Graph,
    target: &DVector<f64>,
    logits: &[Node],
    second_layer: &DMatrix<f64>,
    activation: Activation,
) -> Node {
    let p = softmax::probabilities(graph, logits);
    let outputs: Vec<Node> = second_layer
        .row_iter()
        .enumerate()
        .map(|(k, row)| {
            let terms: Vec<(High, Node)> = row
                .iter()
                .zip(&p)
                .filter(|&(&entry, _)| entry != 0.0)
                .map(|(&entry, &p)| (lifted(entry), p))
                .collect();
            let y = graph.weighted_sum(&terms);
            activated(graph, y, activation, k)
        })
        .collect();
    half_squared_distance(graph, &outputs, target)
}

/// `phi(y)`, `y` being entry `k` of `A2 p`.
fn activated(graph: &mut Graph, y: Node, activation: Activation, k: usize) -> Node {
    match activation {
        Activation::Relu => graph.positive_part(y, &format!("(A2 p)[{k}]")),
        // ln(1 + e) as one primitive: 1 + e would lose an e that is small.
        Activation::Softplus => {
            let e = graph.exp(y);
            graph.ln_1p(e)
        }
        Activation::Tanh => graph.tanh(y),
        Activation::Identity => y,
    }
}
