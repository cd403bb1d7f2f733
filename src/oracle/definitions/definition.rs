//! What a definition is, for systems with unknowns of any shape.

use crate::oracle::expression::{Graph, Node};
use crate::oracle::matrix::Matrix;
use crate::system::{Given, Layout};

/// What a system asks about, transcribed from its definition.
#[derive(Clone, Copy)]
pub(super) enum Quantity {
    /// A loss of unknowns.
    Loss(&'static dyn Definition),
    /// An array that the given ones determine.
    Outputs(&'static dyn OutputsDefinition),
}

/// Outputs, row by row: each row depends on some of the given numbers only. These are the variables of its expressions, so
/// that an evaluation carries the rounding of every operation.
pub(in crate::oracle) trait OutputsDefinition: Sync {
    /// The entries of row `i` as expressions.
    fn row(&self, graph: &mut Graph, given: &Given, i: usize) -> Vec<Node>;

    /// The numbers that the variables stand for.
    fn arguments(&self, given: &Given, i: usize) -> Vec<f64>;

    /// A bound on the number of nodes and terms of [`row`](Self::row), known before it is built.
    fn terms(&self, given: &Given, i: usize) -> u64;

    /// Rows of the same form have the same expressions.
    fn form(&self, given: &Given, i: usize) -> usize;
}

/// A system's loss, transcribed from its definition.
pub(super) trait Definition: Sync {
    /// The loss as an expression in the unknowns.
    fn loss(&self, graph: &mut Graph, given: &Given, unknowns: &Unknowns) -> Node;

    /// Given numbers that enter as variables behind the unknowns, so that an evaluation carries the rounding of operations on
    /// them; a constant of the graph would be computed once and taken as exact.
    fn parameters(&self, _given: &Given) -> Vec<f64> {
        Vec::new()
    }

    /// A bound on the number of nodes and terms of [`loss`](Self::loss), known before it is built.
    fn terms(&self, given: &Given) -> u64;

    /// How many of these one unknown enters, at most.
    fn terms_of_one(&self, given: &Given) -> u64 {
        self.terms(given)
    }
}

/// The unknowns as variables of a graph, by [`Layout`].
pub(super) struct Unknowns(Layout);

impl Unknowns {
    /// The unknowns that a layout orders.
    pub(super) fn new(layout: Layout) -> Self {
        Self(layout)
    }

    /// An unknown matrix by its name; a vector is one column.
    pub(super) fn matrix(&self, graph: &mut Graph, name: &str) -> Matrix {
        let found = self.0.parts().find(|(part, ..)| *part == name);
        let (rows, columns, first) = found.map_or((0, 0, 0), |(_, shape, range)| {
            let columns = shape.get(1).copied().unwrap_or(1);
            (range.len() / columns.max(1), columns, range.start)
        });
        Matrix::unknown(graph, rows, columns, first)
    }

    /// The first of the [`parameters`](Definition::parameters) as a matrix.
    pub(super) fn parameters(&self, graph: &mut Graph, rows: usize, columns: usize) -> Matrix {
        Matrix::unknown(graph, rows, columns, self.0.dimension())
    }
}
