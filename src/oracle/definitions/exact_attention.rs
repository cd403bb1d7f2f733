//! Exact attention (the thesis, Definition 1.0.1).

use super::attention_row::{arguments, logits, mean, terms};
use super::definition::OutputsDefinition;
use crate::oracle::expression::{Graph, Node};
use crate::system::Given;

/// `D^-1 A V`, `A = exp(Q K' / s)`, D the diagonal matrix of the row sums of A. The variables of row i are `Q_i`, then the rows
/// of K that query i sees, then those of V.
pub(super) struct ExactAttention;

/// How many keys query `i` sees.
fn seen(given: &Given, i: usize) -> usize {
    let keys = given.size("nk");
    if given.scalar("causal") == 0.0 {
        keys
    } else {
        keys.min(i + 1)
    }
}

impl OutputsDefinition for ExactAttention {
    fn row(&self, graph: &mut Graph, given: &Given, i: usize) -> Vec<Node> {
        let logits = logits(graph, given, seen(given, i));
        let row: Vec<Node> = logits.into_iter().map(|z| graph.exp(z)).collect();
        let total = graph.sum(&row);
        mean(graph, given, &row, total)
    }

    fn arguments(&self, given: &Given, i: usize) -> Vec<f64> {
        arguments(given, i, seen(given, i))
    }

    fn terms(&self, given: &Given, i: usize) -> u64 {
        terms(given, seen(given, i))
    }

    fn form(&self, given: &Given, i: usize) -> usize {
        seen(given, i)
    }
}
