//! Polynomial attention (arXiv 2310.20051).

use super::attention_row::{arguments, logits, mean, terms};
use super::definition::OutputsDefinition;
use crate::oracle::expression::{Graph, Node};
use crate::system::Given;

/// `D^-1 U V`, `U = (Q K' / s)^beta` entry by entry, D the diagonal matrix of the row sums of U. The variables of row i are
/// `Q_i`, then the rows of K, then those of V.
pub(super) struct PolynomialAttention;

impl OutputsDefinition for PolynomialAttention {
    fn row(&self, graph: &mut Graph, given: &Given, _i: usize) -> Vec<Node> {
        let degree = given.scalar("degree") as i64;
        let logits = logits(graph, given, given.size("nk"));
        let row: Vec<Node> = logits.into_iter().map(|z| graph.power(z, degree)).collect();
        let total = graph.sum(&row);
        graph.require_nonzero(
            total,
            "the sum of the powers",
            "the outputs of the row are divided by it",
        );
        mean(graph, given, &row, total)
    }

    fn arguments(&self, given: &Given, i: usize) -> Vec<f64> {
        arguments(given, i, given.size("nk"))
    }

    fn terms(&self, given: &Given, _i: usize) -> u64 {
        terms(given, given.size("nk"))
    }

    /// All rows have the same.
    fn form(&self, _given: &Given, _i: usize) -> usize {
        0
    }
}
