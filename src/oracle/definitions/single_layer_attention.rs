//! Single-layer attention regression (2309.07418).

use super::definition::{Definition, Unknowns};
use super::softmax::probabilities;
use super::terms::{half_squared_norm, lifted};
use crate::oracle::expression::{Graph, Node};
use crate::oracle::matrix::Matrix;
use crate::scalar::High;
use crate::system::Given;

/// `0.5 || F A3 Y - B ||_F^2 + 0.5 || w o Z ||_F^2 + 0.5 mu || A3 Y ||_F^2`, `Z = A1 X A2'`, F the softmax of each row of Z.
pub(super) struct SingleLayerAttention;

impl Definition for SingleLayerAttention {
    fn loss(&self, graph: &mut Graph, given: &Given, unknowns: &Unknowns) -> Node {
        let mut array = |name, columns| Matrix::lifted(graph, &given.matrix(name, "n", columns));
        let (a1, a2, a3) = (array("A1", "d1"), array("A2", "d2"), array("A3", "d3"));
        let (b, weights) = (array("B", "m"), array("weights", "n"));
        let x = unknowns.matrix(graph, "X");
        let y = unknowns.matrix(graph, "Y");
        let logits = a1.times(graph, &x).times(graph, &a2.transposed());
        let values = a3.times(graph, &y);
        let attention = logits.each_row(|row| probabilities(graph, row));
        let residual = attention.times(graph, &values).minus(graph, &b);
        let fit = half_squared_norm(graph, residual.entries());
        let weighted = weights.hadamard(graph, &logits);
        let ridge = half_squared_norm(graph, weighted.entries());
        let shrinkage = half_squared_norm(graph, values.entries());
        graph.weighted_sum(&[
            (High::ONE, fit),
            (High::ONE, ridge),
            (lifted(given.scalar("ridge")), shrinkage),
        ])
    }

    /// Two products for the logits, one each for `A3 Y` and `F (A3 Y)`, and for each logit its probability and its ridge.
    fn terms(&self, given: &Given) -> u64 {
        let [n, d1, d2, d3, m] =
            ["n", "d1", "d2", "d3", "m"].map(|dimension| given.size(dimension) as u64);
        let products = d1 * d2 + n * d2 + d3 * m + n * m;
        n.saturating_mul(3 * products + 16 * n + 8 * m)
    }
}
