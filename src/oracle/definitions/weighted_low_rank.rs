//! Weighted low-rank approximation (2306.04169).

use super::definition::{Definition, Unknowns};
use super::terms::half_squared_norm;
use crate::oracle::expression::{Graph, Node};
use crate::oracle::matrix::Matrix;
use crate::system::Given;

/// `0.5 || W o (M - X Y') ||_F^2`; an entry whose weight is 0 gives no term.
pub(super) struct WeightedLowRank;

impl Definition for WeightedLowRank {
    fn loss(&self, graph: &mut Graph, given: &Given, unknowns: &Unknowns) -> Node {
        let weights = given.matrix("W", "n", "m");
        // An entry that is not looked at may be NaN, which must not reach the graph.
        let target = given
            .matrix("M", "n", "m")
            .zip_map(&weights, |m, w| if w == 0.0 { 0.0 } else { m });
        let (target, weights) = (
            Matrix::lifted(graph, &target),
            Matrix::lifted(graph, &weights),
        );
        let x = unknowns.matrix(graph, "X");
        let y = unknowns.matrix(graph, "Y").transposed();
        let product = x.times(graph, &y);
        let residual = target.minus(graph, &product);
        let weighted = weights.hadamard(graph, &residual);
        half_squared_norm(graph, weighted.entries())
    }

    /// For each entry of M: k products and their sum, a difference, a weight, a square and its term.
    fn terms(&self, given: &Given) -> u64 {
        let entries = (given.size("n") as u64).saturating_mul(given.size("m") as u64);
        entries.saturating_mul(3 * given.size("k") as u64 + 8)
    }

    /// An entry of X enters one row of the residual, an entry of Y one column.
    fn terms_of_one(&self, given: &Given) -> u64 {
        let longest = given.size("n").max(given.size("m")) as u64;
        longest.saturating_mul(3 * given.size("k") as u64 + 8)
    }
}
