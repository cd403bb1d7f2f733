//! Linear regression from few labels (2306.03356): the definition knows them all.

use super::definition::{Definition, Unknowns};
use super::terms::lifted;
use crate::oracle::expression::{Graph, Node};
use crate::scalar::High;
use crate::system::{Array, Given};

/// `0.5 sum_i D_i (p_i x - y_i)^2`. The entries of P and D are parameters, since the Hessian multiplies them.
pub(super) struct ActiveLearning;

impl Definition for ActiveLearning {
    fn loss(&self, graph: &mut Graph, given: &Given, unknowns: &Unknowns) -> Node {
        let (n, d) = (given.size("n"), given.size("d"));
        // The last column holds D.
        let parameters = unknowns.parameters(graph, n, d + 1);
        let x = unknowns.matrix(graph, "x");
        let half = High::ratio(1, 2);
        let labels = given.array("labels").map_or(&[][..], Array::values);
        let terms: Vec<(High, Node)> = parameters
            .entries()
            .chunks_exact(d + 1)
            .zip(labels)
            .map(|(row, &label)| {
                let mut products: Vec<(High, Node)> = row[..d]
                    .iter()
                    .zip(x.entries())
                    .map(|(&p, &x)| (High::ONE, graph.product(p, x)))
                    .collect();
                products.push((-High::ONE, graph.constant(lifted(label))));
                let residual = graph.weighted_sum(&products);
                let square = graph.power(residual, 2);
                (half, graph.product(row[d], square))
            })
            .collect();
        graph.weighted_sum(&terms)
    }

    fn parameters(&self, given: &Given) -> Vec<f64> {
        let (n, d) = (given.size("n"), given.size("d"));
        let measure = given.repeated("measure", n);
        let pool = given.array("pool").map_or(&[][..], Array::values);
        (0..n)
            .flat_map(|i| {
                let row = pool[i * d..(i + 1) * d].iter().copied();
                row.chain([measure[i]])
            })
            .collect()
    }

    /// A variable for each entry of P and D; for each residual d products and their sum, y, a square, its product and its term.
    fn terms(&self, given: &Given) -> u64 {
        let [n, d] = ["n", "d"].map(|dimension| given.size(dimension) as u64);
        n.saturating_mul(4 * d + 10).saturating_add(d + 4)
    }
}
