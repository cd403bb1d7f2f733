//! The systems that are no losses of logits: each definition gives a graph of its own.

use super::active_learning::ActiveLearning;
use super::attention_kernel_regression::AttentionKernelRegression;
use super::definition::{Definition, OutputsDefinition, Quantity, Unknowns};
use super::estimate::{Estimate, LIMIT_BYTES};
use super::exact_attention::ExactAttention;
use super::federated_softmax::FederatedSoftmax;
use super::leverage_regression::LeverageRegression;
use super::polynomial_attention::PolynomialAttention;
use super::single_layer_attention::SingleLayerAttention;
use super::tensor_power::TensorPower;
use super::weighted_low_rank::WeightedLowRank;
use crate::oracle::OracleError;
use crate::oracle::expression::{Graph, Node};
use crate::system::Given;

/// Every definition by the key of its system.
static DEFINITIONS: &[(&str, Quantity)] = &[
    (
        "single-layer-attention",
        Quantity::Loss(&SingleLayerAttention),
    ),
    ("weighted-low-rank", Quantity::Loss(&WeightedLowRank)),
    ("exact-attention", Quantity::Outputs(&ExactAttention)),
    (
        "polynomial-attention",
        Quantity::Outputs(&PolynomialAttention),
    ),
    (
        "attention-kernel-regression",
        Quantity::Loss(&AttentionKernelRegression),
    ),
    ("tensor-power", Quantity::Loss(&TensorPower)),
    ("leverage-regression", Quantity::Loss(&LeverageRegression)),
    ("federated-softmax", Quantity::Loss(&FederatedSoftmax)),
    ("active-learning", Quantity::Loss(&ActiveLearning)),
];

/// Nodes and terms that differentiation may add to each of the loss, for the gradient and for each column of the Hessian;
/// counted on graphs, with the test `the_estimate_bounds_the_graphs_of_all_systems`.
const PER_DERIVATIVE: u64 = 6;

/// What the graph of a system with its derivatives would take, known before it is built; `None` where there is no loss.
pub fn estimate_of(given: &Given) -> Option<Estimate> {
    let definition = loss_of(given)?;
    let unknowns = given.layout().dimension() as u64;
    let columns = unknowns.saturating_mul(definition.terms_of_one(given));
    let nodes = definition
        .terms(given)
        .saturating_mul(2)
        .saturating_add(columns)
        .saturating_mul(PER_DERIVATIVE);
    Some(Estimate::of(nodes))
}

fn quantity(given: &Given) -> Option<Quantity> {
    DEFINITIONS
        .iter()
        .find(|(key, _)| *key == given.system().key)
        .map(|(_, quantity)| *quantity)
}

fn loss_of(given: &Given) -> Option<&'static dyn Definition> {
    match quantity(given)? {
        Quantity::Loss(definition) => Some(definition),
        Quantity::Outputs(_) => None,
    }
}

/// The outputs of a system that asks about outputs.
pub(in crate::oracle) fn outputs_of(given: &Given) -> Option<&'static dyn OutputsDefinition> {
    match quantity(given)? {
        Quantity::Outputs(definition) => Some(definition),
        Quantity::Loss(_) => None,
    }
}

/// The numbers of the variables behind the unknowns in [`system_loss`].
pub(in crate::oracle) fn system_parameters(given: &Given) -> Vec<f64> {
    loss_of(given).map_or_else(Vec::new, |definition| definition.parameters(given))
}

/// The loss of a system in the variables of its [`Layout`], and behind them those of [`system_parameters`]. Refuses what would take more than 8 GiB by [`estimate_of`], and
/// a system that has no loss here.
pub(in crate::oracle) fn system_loss(
    graph: &mut Graph,
    given: &Given,
) -> Result<Node, OracleError> {
    let (Some(definition), Some(expected)) = (loss_of(given), estimate_of(given)) else {
        return Err(OracleError::NoDefinition {
            system: given.system().key,
        });
    };
    if expected.bytes > LIMIT_BYTES {
        return Err(OracleError::SystemTooLarge {
            system: given.system().key,
            unknowns: given.layout().dimension(),
            nodes: expected.nodes,
            mebibytes: expected.bytes >> 20,
            limit: LIMIT_BYTES >> 20,
        });
    }
    Ok(definition.loss(graph, given, &Unknowns::new(given.layout())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::SYSTEMS;

    #[test]
    fn every_system_has_a_definition() {
        for system in SYSTEMS.iter().filter(|system| !system.logit) {
            assert!(
                DEFINITIONS.iter().any(|(key, _)| *key == system.key),
                "{}",
                system.key
            );
        }
    }
}
