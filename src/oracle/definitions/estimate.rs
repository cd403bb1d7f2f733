//! What a graph would take, and how much is too much.

/// What an instance's graph with gradient and Hessian would take, to be known before it is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Estimate {
    /// Nodes of the graph and terms of their linear combinations, together.
    pub nodes: u64,
    /// Bytes of memory while it is built and evaluated.
    pub bytes: u64,
}

impl Estimate {
    /// What so many nodes take.
    pub(in crate::oracle) fn of(nodes: u64) -> Self {
        Self {
            nodes,
            bytes: nodes.saturating_mul(BYTES_PER_NODE),
        }
    }
}

/// The largest graph that is built.
pub(in crate::oracle) const LIMIT_BYTES: u64 = 8 << 30;

/// Bytes per node or term. A node takes 24 bytes in the graph, 32 in its index, up to 64 among the known derivatives
/// (hash maps at half load), 24 in the plan, and 48 per value in the sweep, some 200 together; a term takes 8 bytes in
/// the graph, 8 in the plan and, where its coefficient is new, 48 for that and 32 for its index. Nodes and terms are
/// about equally many in a graph of logits; vectors may hold twice what they need while they grow.
const BYTES_PER_NODE: u64 = 256;
