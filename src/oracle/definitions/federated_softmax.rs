//! Softmax regression over several clients (2308.10502).

use super::definition::{Definition, Unknowns};
use super::loss_of_instance;
use crate::oracle::expression::{Graph, Node};
use crate::system::{Given, clients};

/// `1/N sum_c L_c(x)`, `L_c` the loss of softmax regression; its unknowns are the variables 0 to d - 1 for every client.
pub(super) struct FederatedSoftmax;

impl Definition for FederatedSoftmax {
    fn loss(&self, graph: &mut Graph, given: &Given, _unknowns: &Unknowns) -> Node {
        // What a given problem holds was checked when it was made.
        let clients = clients(given).unwrap_or_default();
        let losses: Vec<Node> = clients
            .iter()
            .map(|client| loss_of_instance(graph, client))
            .collect();
        let total = graph.sum(&losses);
        let count = graph.int(losses.len() as i64);
        graph.quotient(total, count)
    }

    /// For each row d terms and a logit, an exponential, a quotient, a difference, a square, and the same for the ridge; a sum and two
    /// losses for each client.
    fn terms(&self, given: &Given) -> u64 {
        let [n, d, clients] = ["n", "d", "N"].map(|dimension| given.size(dimension) as u64);
        n.saturating_mul(d + 20).saturating_add(8 * clients + 8)
    }
}
