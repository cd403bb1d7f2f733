//! Linear regression (2311.14823).

use super::definition::{Definition, Unknowns};
use super::terms::{half_squared_norm, lifted};
use crate::oracle::expression::{Graph, Node};
use crate::scalar::High;
use crate::system::{Array, Given};

/// `0.5 || A x - b ||_F^2 + 0.5 lambda || x ||_F^2`. The entries of A are parameters, since the Hessian multiplies them.
pub(super) struct LeverageRegression;

impl Definition for LeverageRegression {
    fn loss(&self, graph: &mut Graph, given: &Given, unknowns: &Unknowns) -> Node {
        let a = unknowns.parameters(graph, given.size("n"), given.size("d"));
        let x = unknowns.matrix(graph, "x");
        let image = a.times(graph, &x);
        let target = given.array("target").map_or(&[][..], Array::values);
        let residual: Vec<Node> = image
            .entries()
            .iter()
            .zip(target)
            .map(|(&image, &b)| {
                let b = graph.constant(lifted(b));
                graph.weighted_sum(&[(High::ONE, image), (-High::ONE, b)])
            })
            .collect();
        let loss = half_squared_norm(graph, &residual);
        let ridge = lifted(given.scalar("ridge"));
        if ridge.is_zero() {
            return loss;
        }
        let size = half_squared_norm(graph, x.entries());
        graph.weighted_sum(&[(High::ONE, loss), (ridge, size)])
    }

    fn parameters(&self, given: &Given) -> Vec<f64> {
        given
            .array("matrix")
            .map_or_else(Vec::new, |matrix| matrix.values().to_vec())
    }

    /// A variable for each entry of A; for each residual d products and their sum, b, a difference, a square and its term; for each
    /// unknown a variable, its square and the term of that.
    fn terms(&self, given: &Given) -> u64 {
        let [n, d] = ["n", "d"].map(|dimension| given.size(dimension) as u64);
        let right = given.layout().dimension() as u64 / d.max(1);
        n.saturating_mul(right)
            .saturating_mul(3 * d + 8)
            .saturating_add(n.saturating_mul(d))
            .saturating_add(d.saturating_mul(right).saturating_mul(4) + 4)
    }

    /// An unknown enters one residual of every row, and the ridge.
    fn terms_of_one(&self, given: &Given) -> u64 {
        let [n, d] = ["n", "d"].map(|dimension| given.size(dimension) as u64);
        n.saturating_mul(3 * d + 8) + 8
    }
}
