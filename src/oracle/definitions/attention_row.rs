//! What the rows of attentions are made of. The variables are a query (d), then the keys (d each), then the values (m each).

use super::terms::lifted;
use crate::oracle::expression::{Graph, Node};
use crate::system::Given;

/// `<q, k> / s` for each of the first `keys` keys.
pub(super) fn logits(graph: &mut Graph, given: &Given, keys: usize) -> Vec<Node> {
    let d = given.size("d");
    let scale = graph.constant(lifted(given.scalar("scale")));
    (0..keys)
        .map(|k| {
            let terms: Vec<Node> = (0..d)
                .map(|j| {
                    let (q, key) = (graph.variable(j), graph.variable(d + k * d + j));
                    graph.product(q, key)
                })
                .collect();
            let product = graph.sum(&terms);
            graph.quotient(product, scale)
        })
        .collect()
}

/// `sum_k a_k v_k / total` for each column of the values.
pub(super) fn mean(graph: &mut Graph, given: &Given, row: &[Node], total: Node) -> Vec<Node> {
    let (d, m) = (given.size("d"), given.size("m"));
    let first = d + row.len() * d;
    (0..m)
        .map(|c| {
            let terms: Vec<Node> = row
                .iter()
                .enumerate()
                .map(|(k, entry)| {
                    let value = graph.variable(first + k * m + c);
                    graph.product(*entry, value)
                })
                .collect();
            let sum = graph.sum(&terms);
            graph.quotient(sum, total)
        })
        .collect()
}

/// The numbers that the variables stand for: query `i`, the first `keys` keys and values.
pub(super) fn arguments(given: &Given, i: usize, keys: usize) -> Vec<f64> {
    let (d, m) = (given.size("d"), given.size("m"));
    let entries = |name, range: std::ops::Range<usize>| {
        given
            .array(name)
            .and_then(|array| array.values().get(range))
            .unwrap_or_default()
    };
    [
        entries("Q", i * d..(i + 1) * d),
        entries("K", 0..keys * d),
        entries("V", 0..keys * m),
    ]
    .concat()
}

/// A product and a term for each entry of the keys and values, a variable for each, and three nodes for each key.
pub(super) fn terms(given: &Given, keys: usize) -> u64 {
    let [d, m] = ["d", "m"].map(|dimension| given.size(dimension) as u64);
    (keys as u64)
        .saturating_mul(3 * (d + m) + 4)
        .saturating_add(d + 3 * m + 4)
}
