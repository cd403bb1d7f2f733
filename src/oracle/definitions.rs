//! The losses, transcribed once from their definitions: no derivative and no rearrangement for speed or stability.
//!
//! One file per paper. A new loss of logits is a file with a function that gives `l(z)`, one more arm in [`loss_of_logits`], and
//! one in [`per_derivative`]; any other system is a file with a [`Definition`](definition::Definition) and a line in `system.rs`.

mod active_learning;
mod attention_kernel_regression;
mod attention_row;
mod definition;
mod entrywise;
mod estimate;
mod exact_attention;
mod federated_softmax;
mod leverage_regression;
mod polynomial_attention;
mod residual_softmax;
mod single_layer_attention;
mod softmax;
mod system;
mod tensor_power;
mod terms;
mod two_layer;
mod weighted_low_rank;

use crate::instance::{Instance, LossKind};
use crate::oracle::OracleError;
use crate::oracle::expression::{Graph, Node};
use crate::scalar::High;

pub(super) use definition::OutputsDefinition;
pub use estimate::Estimate;
pub(super) use estimate::LIMIT_BYTES;
pub use system::estimate_of;
pub(super) use system::{outputs_of, system_loss, system_parameters};
use terms::half_squared_norm;
pub(super) use terms::lifted;

/// Bounds the size of the graph that [`Reference::new`](crate::oracle::Reference::new) would build, in constant time.
///
/// With `s` stored entries of `A`, `d` columns and `n` rows, the loss and its gradient have a number of nodes and terms
/// proportional to `n + s`; each of the `d` derivatives of the `n` entries of the gradient in the logits takes a few
/// nodes and terms, and the lower triangle of the Hessian sums `s (d + 1) / 2` of them.
pub fn estimate(instance: &Instance) -> Estimate {
    let n = instance.rows() as u64;
    let d = instance.columns() as u64;
    let stored = instance.matrix().stored() as u64;
    let per_derivative = per_derivative(instance.loss());
    let first_order = per_derivative
        .saturating_mul(n)
        .saturating_add(stored.saturating_mul(4));
    let second_order = per_derivative
        .saturating_mul(n)
        .saturating_mul(d)
        .saturating_add(stored.saturating_mul(d + 1) / 2);
    Estimate::of(first_order.saturating_add(second_order).saturating_add(64))
}

/// Nodes and terms that one logit adds to each first derivative; counted on graphs, with the test
/// `the_estimate_bounds_the_graph_and_is_not_far_off`.
fn per_derivative(loss: &LossKind) -> u64 {
    match loss {
        LossKind::Softmax => softmax::PER_DERIVATIVE,
        LossKind::Exp | LossKind::Cosh | LossKind::Sinh => entrywise::PER_DERIVATIVE,
        LossKind::ResidualSoftmax => residual_softmax::PER_DERIVATIVE,
        LossKind::TwoLayer { second_layer, .. } => two_layer::per_derivative(second_layer.nrows()),
    }
}

/// `L(x) = l(A x) + 0.5 sum_i (w_i z_i)^2`, `z = A x`, as an expression in `x_0 .. x_(d-1)`.
///
/// Zero entries of `A` and zero weights give no terms. The target may hold any finite values. Refuses an instance whose
/// graph with its derivatives would exceed 8 GiB by [`estimate`].
pub fn loss_graph(graph: &mut Graph, instance: &Instance) -> Result<Node, OracleError> {
    refuse_too_large(instance, estimate(instance))?;
    Ok(loss_of_instance(graph, instance))
}

/// [`loss_graph`] of any size.
fn loss_of_instance(graph: &mut Graph, instance: &Instance) -> Node {
    let logits = logits(graph, instance);
    let fit = loss_of_logits(graph, instance, &logits);
    let ridge = ridge(graph, instance, &logits);
    graph.sum(&[fit, ridge])
}

fn refuse_too_large(instance: &Instance, expected: Estimate) -> Result<(), OracleError> {
    if expected.bytes > LIMIT_BYTES {
        return Err(OracleError::TooLarge {
            rows: instance.rows(),
            columns: instance.columns(),
            nodes: expected.nodes,
            mebibytes: expected.bytes >> 20,
            limit: LIMIT_BYTES >> 20,
        });
    }
    Ok(())
}

/// `z_i = sum_j A_ij x_j`.
fn logits(graph: &mut Graph, instance: &Instance) -> Vec<Node> {
    (0..instance.rows())
        .map(|i| {
            let terms: Vec<(High, Node)> = instance
                .matrix()
                .row_entries(i)
                .into_iter()
                .filter(|&(_, value)| value != 0.0)
                .map(|(j, value)| (lifted(value), graph.variable(j)))
                .collect();
            graph.weighted_sum(&terms)
        })
        .collect()
}

/// `l(z)`.
fn loss_of_logits(graph: &mut Graph, instance: &Instance, logits: &[Node]) -> Node {
    match instance.loss() {
        LossKind::Softmax => softmax::loss(graph, instance.target(), logits),
        LossKind::Exp => entrywise::loss(graph, instance.target(), logits, Graph::exp),
        LossKind::Cosh => entrywise::loss(graph, instance.target(), logits, Graph::cosh),
        LossKind::Sinh => entrywise::loss(graph, instance.target(), logits, Graph::sinh),
        LossKind::ResidualSoftmax => residual_softmax::loss(graph, instance.target(), logits),
        LossKind::TwoLayer {
            second_layer,
            activation,
        } => two_layer::loss(graph, instance.target(), logits, second_layer, *activation),
    }
}

/// `0.5 sum_i (w_i z_i)^2`.
fn ridge(graph: &mut Graph, instance: &Instance, logits: &[Node]) -> Node {
    let weighted: Vec<Node> = logits
        .iter()
        .zip(instance.weights().iter())
        .filter(|&(_, &w)| w != 0.0)
        .map(|(&z, &w)| graph.weighted_sum(&[(lifted(w), z)]))
        .collect();
    half_squared_norm(graph, &weighted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::DVector;

    use crate::instance::DesignMatrix;

    /// Three rows, two columns, no zero entry.
    fn softmax() -> Instance {
        let rows = [vec![1.0, 2.0], vec![3.0, 4.0], vec![5.0, 6.0]];
        Instance::new(
            LossKind::Softmax,
            DesignMatrix::from_rows(&rows).unwrap(),
            DVector::from_vec(vec![0.5, 0.25, 0.25]),
            DVector::from_element(3, 1.0),
        )
        .unwrap()
    }

    /// The estimate decides what is refused; its parts are those of its derivation.
    #[test]
    fn the_estimate_adds_up_the_logits_the_entries_and_the_lower_triangle() {
        // 32 for each of 3 logits, and again for each of 2 derivatives; 4 for each of the s = 6 stored entries, and
        // s (d + 1) / 2 = 9 for the Hessian; 64 for the rest.
        let nodes = 32 * 3 + 32 * 3 * 2 + 4 * 6 + 9 + 64;
        let bytes = 256 * nodes;
        assert_eq!(estimate(&softmax()), Estimate { nodes, bytes });
    }

    /// A graph of just 8 GiB is built; one node more is refused, in the unit that the error text names.
    #[test]
    fn the_limit_is_eight_gibibytes_and_the_error_counts_mebibytes() {
        let refused = |nodes: u64| {
            let bytes = 256 * nodes;
            refuse_too_large(&softmax(), Estimate { nodes, bytes })
        };
        assert!(refused(1 << 25).is_ok());
        assert!(refused((1 << 25) + 1).is_err());
        // 40 000 000 nodes of 256 bytes are 9765.625 MiB.
        assert_eq!(
            refused(40_000_000).unwrap_err().to_string(),
            "the graph for n = 3, d = 2 would need about 40000000 nodes (9765 MiB), the limit is 8192 MiB"
        );
    }
}
