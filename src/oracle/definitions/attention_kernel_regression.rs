//! Attention kernel regression (2308.14304).

use super::definition::{Definition, Unknowns};
use super::terms::{half_squared_norm, lifted};
use crate::oracle::expression::{Graph, Node};
use crate::scalar::High;
use crate::system::{Array, Given};

/// `0.5 || (K + lambda I) x - b ||^2`: K is `(A'A)^j`, `A (A'A)^j`, each product carried out one after the other from the
/// right, or `exp(A A')` entry by entry. The entries of A are parameters.
pub(super) struct AttentionKernelRegression;

impl Definition for AttentionKernelRegression {
    fn loss(&self, graph: &mut Graph, given: &Given, unknowns: &Unknowns) -> Node {
        let a = unknowns.parameters(graph, given.size("n"), given.size("d"));
        let transposed = a.transposed();
        let x = unknowns.matrix(graph, "x");
        let image = if given.word("kind") == "kernel" {
            let kernel = a
                .times(graph, &transposed)
                .each_row(|row| row.iter().map(|&z| graph.exp(z)).collect());
            kernel.times(graph, &x)
        } else {
            let mut image = x.clone();
            for _ in 0..given.scalar("power") as u64 {
                let next = a.times(graph, &image);
                image = transposed.times(graph, &next);
            }
            if given.word("kind") == "odd" {
                a.times(graph, &image)
            } else {
                image
            }
        };
        let target = given.array("target").map_or(&[][..], Array::values);
        let ridge = lifted(given.scalar("ridge"));
        let residual: Vec<Node> = image
            .entries()
            .iter()
            .zip(target)
            .enumerate()
            .map(|(i, (&image, &b))| {
                let b = graph.constant(lifted(b));
                let mut terms = vec![(High::ONE, image), (-High::ONE, b)];
                if !ridge.is_zero() {
                    terms.push((ridge, x.entries()[i]));
                }
                graph.weighted_sum(&terms)
            })
            .collect();
        half_squared_norm(graph, &residual)
    }

    fn parameters(&self, given: &Given) -> Vec<f64> {
        given
            .array("matrix")
            .map_or_else(Vec::new, |matrix| matrix.values().to_vec())
    }

    /// For each entry of K, or of A in each product, a product and its term, and for each row of what is multiplied a sum;
    /// the products under the exponentials; a variable for each entry of A; for each residual three terms, its square and the term of that.
    fn terms(&self, given: &Given) -> u64 {
        let [n, d] = ["n", "d"].map(|dimension| given.size(dimension) as u64);
        let one = n.saturating_mul(d).saturating_mul(4);
        if given.word("kind") == "kernel" {
            let entries = n.saturating_mul(n);
            return entries
                .saturating_mul(3 * d + 8)
                .saturating_add(8 * n + one);
        }
        let products = (given.scalar("power") as u64)
            .saturating_mul(2)
            .saturating_add(u64::from(given.word("kind") == "odd"));
        products
            .saturating_mul(one.saturating_add(2 * (n + d)))
            .saturating_add(6 * given.size("rows of K") as u64 + 4)
    }
}
