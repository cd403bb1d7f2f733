//! Exact attention (the thesis, Definition 1.0.1).

use super::definition::OutputsDefinition;
use super::terms::lifted;
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
        let (d, m, keys) = (given.size("d"), given.size("m"), seen(given, i));
        let scale = graph.constant(lifted(given.scalar("scale")));
        let row: Vec<Node> = (0..keys)
            .map(|k| {
                let terms: Vec<Node> = (0..d)
                    .map(|j| {
                        let (q, key) = (graph.variable(j), graph.variable(d + k * d + j));
                        graph.product(q, key)
                    })
                    .collect();
                let product = graph.sum(&terms);
                let logit = graph.quotient(product, scale);
                graph.exp(logit)
            })
            .collect();
        let total = graph.sum(&row);
        (0..m)
            .map(|c| {
                let terms: Vec<Node> = row
                    .iter()
                    .enumerate()
                    .map(|(k, entry)| {
                        let value = graph.variable(d + keys * d + k * m + c);
                        graph.product(*entry, value)
                    })
                    .collect();
                let sum = graph.sum(&terms);
                graph.quotient(sum, total)
            })
            .collect()
    }

    fn arguments(&self, given: &Given, i: usize) -> Vec<f64> {
        let (d, m, keys) = (given.size("d"), given.size("m"), seen(given, i));
        let rows = |name, range: std::ops::Range<usize>| {
            given
                .array(name)
                .and_then(|array| array.values().get(range))
                .unwrap_or_default()
        };
        [
            rows("Q", i * d..(i + 1) * d),
            rows("K", 0..keys * d),
            rows("V", 0..keys * m),
        ]
        .concat()
    }

    /// A product and a term for each entry of the keys and values, a variable for each, and three nodes for each key.
    fn terms(&self, given: &Given, i: usize) -> u64 {
        let [d, m] = ["d", "m"].map(|dimension| given.size(dimension) as u64);
        let keys = seen(given, i) as u64;
        keys.saturating_mul(3 * (d + m) + 4)
            .saturating_add(d + 3 * m + 4)
    }

    fn form(&self, given: &Given, i: usize) -> usize {
        seen(given, i)
    }
}
