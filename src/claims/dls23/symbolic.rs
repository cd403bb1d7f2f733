//! The papers' auxiliary quantities as expressions in `x`, transcribed from their definitions (DLS23 section 5, thesis
//! Definition 2.2.3). Derivatives come from the oracle's rules alone.

use nalgebra::{DMatrix, DVector};

use crate::claims::CheckError;
use crate::claims::tools::exact::Exact;
use crate::oracle::{self, Graph, Node};
use crate::scalar::High;

/// `z = A x`, `u = exp(z)`, `alpha = <u, 1>` and `f = alpha^-1 u`.
pub struct Symbols {
    /// The graph that the expressions belong to.
    pub graph: Graph,
    /// `z` (n).
    pub z: Vec<Node>,
    /// `u` (n).
    pub u: Vec<Node>,
    /// `alpha`.
    pub alpha: Node,
    /// `alpha^-1`.
    pub inverse: Node,
    /// `f` (n).
    pub f: Vec<Node>,
    x: DVector<High>,
}

impl Symbols {
    /// The quantities for the `A` of a case, to be evaluated at its `x`.
    pub fn of(exact: &Exact) -> Self {
        let mut graph = Graph::new();
        let variables: Vec<Node> = (0..exact.a.ncols()).map(|j| graph.variable(j)).collect();
        let z: Vec<Node> = (0..exact.a.nrows())
            .map(|i| {
                let terms: Vec<(High, Node)> = exact
                    .a
                    .row(i)
                    .iter()
                    .copied()
                    .zip(variables.iter().copied())
                    .collect();
                graph.weighted_sum(&terms)
            })
            .collect();
        let u: Vec<Node> = z.iter().map(|&logit| graph.exp(logit)).collect();
        let alpha = graph.sum(&u);
        let inverse = graph.power(alpha, -1);
        let f = u.iter().map(|&u| graph.product(inverse, u)).collect();
        Self {
            graph,
            z,
            u,
            alpha,
            inverse,
            f,
            x: exact.x.clone(),
        }
    }

    /// The Jacobian (k x d) of `k` expressions.
    pub fn jacobian(&mut self, expressions: &[Node]) -> Result<DMatrix<High>, CheckError> {
        let slopes: Vec<Node> = expressions
            .iter()
            .flat_map(|&expression| self.slopes(expression))
            .collect();
        let values = oracle::values(&self.graph, &slopes, &self.x)?;
        Ok(DMatrix::from_row_slice(
            expressions.len(),
            self.x.len(),
            &values,
        ))
    }

    /// The Hessian (d x d) of an expression: each first derivative differentiated again, no symmetry assumed.
    pub fn hessian(&mut self, expression: Node) -> Result<DMatrix<High>, CheckError> {
        let slopes = self.slopes(expression);
        self.jacobian(&slopes)
    }

    fn slopes(&mut self, expression: Node) -> Vec<Node> {
        (0..self.x.len())
            .map(|j| oracle::derivative(&mut self.graph, expression, j))
            .collect()
    }
}
