//! Loss, gradient and Hessian of one problem at any point, at 40 digits, with or without proven error radii.

use std::sync::Arc;

use nalgebra::{DMatrix, DVector};

use crate::instance::Instance;
use crate::oracle::OracleError;
use crate::oracle::definitions::{lifted, loss_graph, system_loss, system_parameters};
use crate::oracle::differentiate::{derivative, gradient};
use crate::oracle::evaluate::Plan;
use crate::oracle::expression::{Graph, Node};
use crate::scalar::Ball;
use crate::scalar::High;
use crate::system::Given;

/// Everything about a loss at one point, rounded to 40 digits at every operation.
#[derive(Clone, Debug)]
pub struct Evaluation {
    /// `L(x)`.
    pub loss: High,
    /// `grad L(x)`, d entries.
    pub gradient: DVector<High>,
    /// `Hess L(x)`, d x d, exactly symmetric.
    pub hessian: DMatrix<High>,
}

/// Everything about a loss on a box of points: each value comes with a radius that bounds both its variation over the
/// box and all rounding.
#[derive(Clone, Debug)]
pub struct Enclosure {
    /// Contains `L(x)`.
    pub loss: Ball,
    /// Contain the entries of `grad L(x)`.
    pub gradient: Vec<Ball>,
    /// Contain the entries of `Hess L(x)`, row by row, d x d.
    pub hessian: Vec<Ball>,
}

/// A loss with its derivatives, compiled: built once, evaluated anywhere.
#[derive(Clone, Debug)]
pub struct Reference {
    dimension: usize,
    /// The numbers of the variables behind the unknowns.
    parameters: Vec<High>,
    loss: Plan,
    first_order: Plan,
    second_order: Plan,
}

impl Reference {
    /// The loss of an instance, from its definition, with gradient and Hessian by symbolic differentiation.
    ///
    /// `x` has `d` entries. [`OracleError::TooLarge`] before anything is built if the graph would not fit.
    pub fn new(instance: &Instance) -> Result<Self, OracleError> {
        let mut graph = Graph::new();
        let loss = loss_graph(&mut graph, instance)?;
        Ok(Self::from_graph(graph, loss, instance.columns()))
    }

    /// The loss of any other system, in its unknowns as [`Layout`](crate::system::Layout) orders them, with gradient and Hessian
    /// by symbolic differentiation.
    ///
    /// [`OracleError::SystemTooLarge`] before anything is built if the graph would not fit, [`OracleError::NoDefinition`]
    /// for a system of logits, whose arrays an [`Instance`] holds.
    pub fn of(given: &Given) -> Result<Self, OracleError> {
        let mut graph = Graph::new();
        let loss = system_loss(&mut graph, given)?;
        let reference = Self::from_graph(graph, loss, given.layout().dimension());
        Ok(Self {
            parameters: system_parameters(given).into_iter().map(lifted).collect(),
            ..reference
        })
    }

    /// Any expression of a graph as a loss in the variables `x_0 .. x_(dimension - 1)`.
    ///
    /// # Panics
    /// If `loss` contains a variable beyond these, when it is evaluated; if `loss` belongs to another graph.
    pub fn from_graph(mut graph: Graph, loss: Node, dimension: usize) -> Self {
        let slopes = gradient(&mut graph, loss, dimension);
        let mut second_order = vec![loss];
        second_order.extend(&slopes);
        // Column by column of the lower triangle: what one variable's derivatives share is dropped with its column.
        for j in 0..dimension {
            for slope in &slopes[j..] {
                second_order.push(derivative(&mut graph, *slope, j));
            }
            graph.derivatives.clear();
        }
        let constants: Arc<[High]> = Arc::from(graph.constants());
        Self {
            dimension,
            parameters: Vec::new(),
            loss: Plan::new(&graph, &constants, &second_order[..1]),
            first_order: Plan::new(&graph, &constants, &second_order[..=dimension]),
            second_order: Plan::new(&graph, &constants, &second_order),
        }
    }

    /// `d`, the number of unknowns.
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// How many nodes loss, gradient and Hessian have together. Grows like `n d`.
    pub fn nodes(&self) -> usize {
        self.second_order.nodes()
    }

    /// How many terms the linear combinations among these nodes have. Grows like `n d^2`.
    pub fn terms(&self) -> usize {
        self.second_order.terms()
    }

    /// Loss, gradient and Hessian at `x` (d entries).
    ///
    /// [`OracleError::Shape`] for another number of entries; [`OracleError::Poisoned`], naming the entry, where the loss or
    /// a derivative is undefined or leaves the range of [`High`].
    pub fn evaluate(&self, x: &DVector<High>) -> Result<Evaluation, OracleError> {
        let values = self.run(&self.second_order, x.as_slice())?;
        let d = self.dimension;
        Ok(Evaluation {
            loss: values[0],
            gradient: DVector::from_column_slice(&values[1..=d]),
            hessian: DMatrix::from_fn(d, d, |i, j| values[self.hessian_output(i, j)]),
        })
    }

    /// `L(x)`. Errors as for [`evaluate`](Self::evaluate).
    pub fn loss(&self, x: &DVector<High>) -> Result<High, OracleError> {
        Ok(self.run(&self.loss, x.as_slice())?[0])
    }

    /// `L(x)` and `grad L(x)`. Errors as for [`evaluate`](Self::evaluate).
    pub fn loss_and_gradient(
        &self,
        x: &DVector<High>,
    ) -> Result<(High, DVector<High>), OracleError> {
        let values = self.run(&self.first_order, x.as_slice())?;
        Ok((values[0], DVector::from_column_slice(&values[1..])))
    }

    /// Loss, gradient and Hessian over the box `|y_j - x_j| <= radius`, rounding included. About four times the cost of
    /// [`evaluate`](Self::evaluate), whose values are the midpoints when the radius is zero.
    ///
    /// Errors as for `evaluate`; also [`OracleError::Poisoned`] where an operation is undefined *somewhere* in the box or
    /// the enclosure is too coarse to exclude that.
    pub fn enclose(&self, x: &DVector<High>, radius: High) -> Result<Enclosure, OracleError> {
        self.enclose_box(x, &DVector::from_element(x.len(), radius))
    }

    /// [`enclose`](Self::enclose) with a radius for each entry.
    pub(super) fn enclose_box(
        &self,
        x: &DVector<High>,
        radii: &DVector<High>,
    ) -> Result<Enclosure, OracleError> {
        let boxed: Vec<Ball> = x
            .iter()
            .zip(radii)
            .map(|(&entry, &radius)| Ball::new(entry, radius))
            .collect();
        let values = self.run(&self.second_order, &boxed)?;
        let d = self.dimension;
        Ok(Enclosure {
            loss: values[0],
            gradient: values[1..=d].to_vec(),
            hessian: (0..d * d)
                .map(|k| values[self.hessian_output(k / d, k % d)])
                .collect(),
        })
    }

    /// `L(x)` with a bound of its rounding error. Errors as for [`enclose`](Self::enclose).
    pub fn enclose_loss(&self, x: &DVector<High>) -> Result<Ball, OracleError> {
        let point: Vec<Ball> = x.iter().map(|&x| Ball::new(x, High::ZERO)).collect();
        Ok(self.run(&self.loss, &point)?[0])
    }

    fn run<T: super::enclosure::Enclosed>(
        &self,
        plan: &Plan,
        point: &[T],
    ) -> Result<Vec<T>, OracleError> {
        if point.len() != self.dimension {
            return Err(OracleError::Shape {
                found: point.len(),
                expected: self.dimension,
            });
        }
        if let Some(j) = point.iter().position(|entry| entry.is_poisoned()) {
            return Err(OracleError::Poisoned {
                quantity: format!("x[{j}]"),
                reason: "the point is not a number".to_owned(),
            });
        }
        if self.parameters.is_empty() {
            return plan.evaluate(point, |k| self.output_name(k));
        }
        let parameters = self.parameters.iter().map(|&value| T::constant(value));
        let all: Vec<T> = point.iter().copied().chain(parameters).collect();
        plan.evaluate(&all, |k| self.output_name(k))
    }

    /// Where entry (i, j) of the Hessian stands among the outputs: after the loss and the gradient, column by column of
    /// the lower triangle.
    fn hessian_output(&self, i: usize, j: usize) -> usize {
        let (row, column) = (i.max(j), i.min(j));
        let before = column * self.dimension - column * column.saturating_sub(1) / 2;
        1 + self.dimension + before + (row - column)
    }

    fn output_name(&self, k: usize) -> String {
        let d = self.dimension;
        match k {
            0 => "loss".to_owned(),
            _ if k <= d => format!("gradient[{}]", k - 1),
            _ => (0..d)
                .flat_map(|j| (j..d).map(move |i| (i, j)))
                .find(|&(i, j)| self.hessian_output(i, j) == k)
                .map_or_else(
                    || format!("output {k}"),
                    |(i, j)| format!("hessian[{i}, {j}]"),
                ),
        }
    }
}

/// The values of any expressions of a graph at `x`, rounded to 40 digits at every operation, in the order asked for.
///
/// [`OracleError::Poisoned`], naming the place in `expressions`, where one is undefined or leaves the range of [`High`].
///
/// # Panics
/// If an expression contains a variable for which `x` has no entry; if one belongs to another graph.
pub fn values(
    graph: &Graph,
    expressions: &[Node],
    x: &DVector<High>,
) -> Result<Vec<High>, OracleError> {
    let constants: Arc<[High]> = Arc::from(graph.constants());
    Plan::new(graph, &constants, expressions).evaluate(x.as_slice(), |k| format!("expression {k}"))
}

/// The vector at its binary value. An entry that is not finite becomes poisoned, which every consumer refuses.
pub fn lift_vector(vector: &DVector<f64>) -> DVector<High> {
    vector.map(lifted)
}

/// The matrix at its binary value. An entry that is not finite becomes poisoned, which every consumer refuses.
pub fn lift_matrix(matrix: &DMatrix<f64>) -> DMatrix<High> {
    matrix.map(lifted)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `1 / (x y)` at `x = 10^-(10^18)`, `y = 10^-(4 10^18)`: with exponents in units of `10^18` the loss is 5, the slopes
    /// 6 and 9, the second derivatives 7 and 10 and 13, and an exponent beyond 9.22 is refused. The error names the
    /// first derivative that is.
    #[test]
    fn an_error_names_the_entry_of_the_hessian_that_has_no_answer() {
        let mut g = Graph::new();
        let inverses: Vec<Node> = (0..2)
            .map(|j| {
                let x = g.variable(j);
                g.power(x, -1)
            })
            .collect();
        let loss = g.product(inverses[0], inverses[1]);
        let reference = Reference::from_graph(g, loss, 2);
        let x = [1, 4].map(|k| High::ONE.shifted(-k * 1_000_000_000_000_000_000));
        let x = DVector::from_row_slice(&x);
        let (loss, gradient) = reference.loss_and_gradient(&x).unwrap();
        assert_eq!(loss.exponent10(), Some(5_000_000_000_000_000_000));
        assert_eq!(gradient[1].exponent10(), Some(9_000_000_000_000_000_000));
        match reference.evaluate(&x) {
            Err(OracleError::Poisoned { quantity, .. }) => assert_eq!(quantity, "hessian[1, 0]"),
            other => panic!("{other:?}"),
        }
    }

    /// Expressions are evaluated in the order asked for, and an error counts them in that order.
    #[test]
    fn the_values_of_expressions_come_in_the_order_asked_for() {
        let mut g = Graph::new();
        let (x, y) = (g.variable(0), g.variable(1));
        let (product, quotient) = (g.product(x, y), g.quotient(x, y));
        let at = |y: i64| DVector::from_vec(vec![High::int(3), High::int(y)]);
        let found = values(&g, &[quotient, product, x], &at(4)).unwrap();
        assert_eq!(found, [High::ratio(3, 4), High::int(12), High::int(3)]);
        let error = values(&g, &[product, quotient], &at(0)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "expression 1 is not a number at this point: a quotient has a divisor that may be zero"
        );
    }
}
