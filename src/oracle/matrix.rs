//! Matrices of expressions, so that a definition reads like the paper.

use nalgebra::DMatrix;

use crate::oracle::expression::{Graph, Node};
use crate::scalar::High;

/// A matrix whose entries are nodes of a graph, row by row.
#[derive(Clone, Debug)]
pub(super) struct Matrix {
    rows: usize,
    columns: usize,
    entries: Vec<Node>,
}

impl Matrix {
    /// A matrix of numbers, each at its binary value.
    pub(super) fn lifted(graph: &mut Graph, matrix: &DMatrix<f64>) -> Self {
        let entries = matrix
            .transpose()
            .iter()
            .map(|value| graph.constant(super::definitions::lifted(*value)))
            .collect();
        Self {
            rows: matrix.nrows(),
            columns: matrix.ncols(),
            entries,
        }
    }

    /// The variables `x_first, x_(first + 1), ...`, row by row.
    pub(super) fn unknown(graph: &mut Graph, rows: usize, columns: usize, first: usize) -> Self {
        let entries = (first..first + rows * columns)
            .map(|index| graph.variable(index))
            .collect();
        Self {
            rows,
            columns,
            entries,
        }
    }

    /// The entries, row by row.
    pub(super) fn entries(&self) -> &[Node] {
        &self.entries
    }

    fn at(&self, i: usize, j: usize) -> Node {
        self.entries[i * self.columns + j]
    }

    /// The transposed matrix.
    pub(super) fn transposed(&self) -> Self {
        let entries = (0..self.columns)
            .flat_map(|j| (0..self.rows).map(move |i| self.at(i, j)))
            .collect();
        Self {
            rows: self.columns,
            columns: self.rows,
            entries,
        }
    }

    /// The matrix product. Its sides must fit.
    pub(super) fn times(&self, graph: &mut Graph, other: &Self) -> Self {
        let mut entries = Vec::with_capacity(self.rows * other.columns);
        for i in 0..self.rows {
            for j in 0..other.columns {
                let terms: Vec<Node> = (0..self.columns)
                    .map(|k| graph.product(self.at(i, k), other.at(k, j)))
                    .collect();
                entries.push(graph.sum(&terms));
            }
        }
        Self {
            rows: self.rows,
            columns: other.columns,
            entries,
        }
    }

    /// `self - other`, entry by entry.
    pub(super) fn minus(&self, graph: &mut Graph, other: &Self) -> Self {
        self.paired(other, |a, b| {
            graph.weighted_sum(&[(High::ONE, a), (-High::ONE, b)])
        })
    }

    /// `self o other`, entry by entry.
    pub(super) fn hadamard(&self, graph: &mut Graph, other: &Self) -> Self {
        self.paired(other, |a, b| graph.product(a, b))
    }

    /// Every row by itself through `f`, which keeps its length.
    pub(super) fn each_row(&self, mut f: impl FnMut(&[Node]) -> Vec<Node>) -> Self {
        let entries = self
            .entries
            .chunks(self.columns.max(1))
            .flat_map(&mut f)
            .collect();
        Self {
            rows: self.rows,
            columns: self.columns,
            entries,
        }
    }

    fn paired(&self, other: &Self, f: impl FnMut(Node, Node) -> Node) -> Self {
        let mut f = f;
        let entries = self
            .entries
            .iter()
            .zip(&other.entries)
            .map(|(a, b)| f(*a, *b))
            .collect();
        Self {
            rows: self.rows,
            columns: self.columns,
            entries,
        }
    }
}
