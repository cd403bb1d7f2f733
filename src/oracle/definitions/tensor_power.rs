//! Components of a symmetric tensor (2306.00406).

use super::definition::{Definition, Unknowns};
use super::terms::{half_squared_norm, lifted};
use crate::oracle::expression::{Graph, Node};
use crate::scalar::High;
use crate::system::Given;

/// `0.5 sum_j ( || T(v_j, .., v_j, .) - lambda_j v_j ||^2 + ((1 - v_j'v_j) / 2)^2 )`; T is contracted with `v_j` along its last
/// axis until one is left.
pub(super) struct TensorPower;

/// One axis less: each row of n entries times v.
fn contracted(graph: &mut Graph, entries: &[Node], v: &[Node]) -> Vec<Node> {
    entries
        .chunks(v.len())
        .map(|row| {
            let products: Vec<Node> = row
                .iter()
                .zip(v)
                .map(|(&t, &v)| graph.product(t, v))
                .collect();
            graph.sum(&products)
        })
        .collect()
}

impl Definition for TensorPower {
    fn loss(&self, graph: &mut Graph, given: &Given, unknowns: &Unknowns) -> Node {
        let n = given.size("n");
        let values = unknowns.matrix(graph, "values");
        let vectors = unknowns.matrix(graph, "vectors").transposed();
        let tensor = given.array("T");
        let entries: Vec<Node> = tensor
            .iter()
            .flat_map(|tensor| tensor.values())
            .map(|t| graph.constant(lifted(*t)))
            .collect();
        let order = tensor.map_or(0, |tensor| tensor.shape().len());
        let mut left = Vec::new();
        for (&lambda, v) in values
            .entries()
            .iter()
            .zip(vectors.entries().chunks(n.max(1)))
        {
            let mut image = entries.clone();
            for _ in 1..order {
                image = contracted(graph, &image, v);
            }
            for (&image, &v) in image.iter().zip(v) {
                let scaled = graph.product(lambda, v);
                left.push(graph.weighted_sum(&[(High::ONE, image), (-High::ONE, scaled)]));
            }
            let half = High::ratio(1, 2);
            let squares: Vec<Node> = v.iter().map(|&v| graph.power(v, 2)).collect();
            let mut length = vec![(half, graph.int(1))];
            length.extend(squares.into_iter().map(|square| (-half, square)));
            left.push(graph.weighted_sum(&length));
        }
        half_squared_norm(graph, &left)
    }

    /// For each pair: a product and its term for every entry that a contraction reads, a sum for every entry that it leaves; then
    /// for each of the n + 1 equations two products, four terms, a square and its term.
    fn terms(&self, given: &Given) -> u64 {
        self.terms_of_one(given)
            .saturating_mul(given.size("k") as u64)
            .saturating_add(
                given
                    .array("T")
                    .map_or(0, |tensor| tensor.values().len() as u64),
            )
    }

    /// Those of its pair.
    fn terms_of_one(&self, given: &Given) -> u64 {
        let n = given.size("n") as u64;
        let entries = given
            .array("T")
            .map_or(0, |tensor| tensor.values().len() as u64);
        // n^p + n^(p - 1) + .. is at most twice as much for n above 1, and p for n = 1.
        entries.saturating_mul(6).saturating_add(24 * (n + 1))
    }
}
