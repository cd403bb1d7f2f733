//! Differentiation by rule. [`partials`] is the only place that knows how a primitive is differentiated; forward and
//! reverse accumulation are two ways to apply the chain rule to it.
//!
//! An expression that does not contain a variable has derivative 0 with respect to it and gets no node. Where that
//! expression is undefined its derivative is too, but then so is the expression that was differentiated, and
//! [`Reference`](crate::oracle::Reference) evaluates and checks that together with the derivatives.

use std::collections::HashMap;

use crate::oracle::expression::{Coefficient, Graph, Node, Operation, Term};
use crate::scalar::High;

/// `d node / d x_variable`, by forward accumulation.
///
/// The result is an expression of the same graph and can be differentiated again. Results are kept in the graph, so
/// derivatives of expressions that share parts share the derivatives of these parts. 0 where `node` does not contain
/// the variable; undefined at least where `node` is undefined (see the rule of each primitive: `sqrt` at 0).
pub fn derivative(graph: &mut Graph, node: Node, variable: usize) -> Node {
    match forward(graph, node, variable) {
        Some(derivative) => derivative,
        None => graph.int(0),
    }
}

/// All of `d node / d x_j`, `j = 0 .. dimension`, by reverse accumulation: the number of new nodes is proportional to
/// the number of nodes under `node`, whatever the dimension.
///
/// Every partial derivative agrees with [`derivative`] as a function; the expression is another one.
pub fn gradient(graph: &mut Graph, node: Node, dimension: usize) -> Vec<Node> {
    let one = graph.int(1);
    let mut contributions: HashMap<Node, Vec<Term>> = HashMap::new();
    contributions.insert(node, vec![term(Coefficient::ONE, one)]);
    let mut gradient = vec![graph.int(0); dimension];
    // Operands come before operators, so downwards every node is met after all that use it.
    for index in (0..=node.index()).rev() {
        let current = Node::at(index);
        let Some(received) = contributions.remove(&current) else {
            continue;
        };
        let adjoint = graph.linear(received);
        if let Operation::Variable(variable) = graph.operation(current) {
            if let Some(entry) = gradient.get_mut(variable as usize) {
                *entry = adjoint;
            }
            continue;
        }
        for (operand, partial) in partials(graph, current) {
            if let Operation::Constant(_) = graph.operation(operand) {
                continue;
            }
            let contribution = applied(graph, partial, adjoint);
            contributions.entry(operand).or_default().push(contribution);
        }
    }
    gradient
}

/// A local partial derivative: a constant for linear combinations, an expression for everything else.
#[derive(Clone, Copy)]
enum Partial {
    Constant(Coefficient),
    Expression(Node),
}

/// The differentiation rules: each operand of `node` with `d node / d operand`.
///
/// ```text
/// sum_k c_k y_k : c_k          exp a : exp a            sqrt a : 1 / (2 sqrt a)     tanh a : 1 / cosh^2 a
/// a b           : b, a         ln a  : 1 / a            cosh a : sinh a             a^k    : k a^(k-1)
/// q = a / b     : 1/b, -q/b     ln(1+a) : 1 / (1 + a)   sinh a : cosh a
/// max(a, 0)     : step a        step a  : 0
/// ```
fn partials(graph: &mut Graph, node: Node) -> Vec<(Node, Partial)> {
    use Partial::{Constant, Expression};
    match graph.operation(node) {
        Operation::Constant(_) | Operation::Variable(_) => Vec::new(),
        Operation::Linear { first, count } => graph
            .linear_terms(first, count)
            .iter()
            .map(|term| (term.node, Constant(term.coefficient)))
            .collect(),
        Operation::Product(a, b) => vec![(a, Expression(b)), (b, Expression(a))],
        Operation::Quotient(a, b) => {
            let reciprocal = graph.power(b, -1);
            let scaled = graph.product(node, reciprocal);
            let scaled = graph.negate(scaled);
            vec![(a, Expression(reciprocal)), (b, Expression(scaled))]
        }
        Operation::Exp(a) => vec![(a, Expression(node))],
        Operation::Ln(a) => vec![(a, Expression(graph.power(a, -1)))],
        Operation::Ln1p(a) => {
            let one = graph.int(1);
            let sum = graph.sum(&[one, a]);
            vec![(a, Expression(graph.power(sum, -1)))]
        }
        Operation::PositivePart(a) => vec![(a, Expression(graph.step(a)))],
        // Zero wherever it is defined; where it is not, whatever was differentiated is undefined too.
        Operation::Step(_) => Vec::new(),
        Operation::Sqrt(a) => {
            let reciprocal = graph.power(node, -1);
            let half = graph.weighted_sum(&[(High::ratio(1, 2), reciprocal)]);
            vec![(a, Expression(half))]
        }
        Operation::Cosh(a) => vec![(a, Expression(graph.sinh(a)))],
        Operation::Sinh(a) => vec![(a, Expression(graph.cosh(a)))],
        // Not 1 - tanh^2, which cancels where tanh saturates.
        Operation::Tanh(a) => {
            let cosh = graph.cosh(a);
            vec![(a, Expression(graph.power(cosh, -2)))]
        }
        Operation::Power(a, exponent) => {
            vec![(a, Expression(power_rule(graph, node, a, exponent)))]
        }
    }
}

fn power_rule(graph: &mut Graph, node: Node, a: Node, exponent: i64) -> Node {
    let lowered = match exponent.checked_sub(1) {
        Some(lower) => graph.power(a, lower),
        None => graph.quotient(node, a),
    };
    graph.weighted_sum(&[(High::int(exponent), lowered)])
}

/// `partial * factor` as a term of a linear combination.
fn applied(graph: &mut Graph, partial: Partial, factor: Node) -> Term {
    match partial {
        Partial::Constant(coefficient) => term(coefficient, factor),
        Partial::Expression(expression) => {
            term(Coefficient::ONE, graph.product(expression, factor))
        }
    }
}

fn term(coefficient: Coefficient, node: Node) -> Term {
    Term { coefficient, node }
}

/// The derivative, `None` where it is identically zero. No recursion: an expression may be millions of nodes deep.
fn forward(graph: &mut Graph, root: Node, variable: usize) -> Option<Node> {
    let Ok(variable) = u32::try_from(variable) else {
        return None;
    };
    let mut pending = vec![root];
    while let Some(&node) = pending.last() {
        if graph.derivatives.contains_key(&(node, variable)) {
            pending.pop();
            continue;
        }
        let before = pending.len();
        let known = &graph.derivatives;
        graph.for_each_operand(node, |operand| {
            if !known.contains_key(&(operand, variable)) {
                pending.push(operand);
            }
        });
        if pending.len() > before {
            continue;
        }
        pending.pop();
        let result = chain_rule(graph, node, variable);
        graph.derivatives.insert((node, variable), result);
    }
    graph.derivatives[&(root, variable)]
}

/// `sum over operands: d node / d operand * d operand / d x`, the operands' derivatives being known.
fn chain_rule(graph: &mut Graph, node: Node, variable: u32) -> Option<Node> {
    if let Operation::Variable(own) = graph.operation(node) {
        return (own == variable).then(|| graph.int(1));
    }
    let mut depends = false;
    graph.for_each_operand(node, |operand| {
        depends |= graph.derivatives[&(operand, variable)].is_some();
    });
    if !depends {
        return None;
    }
    let mut terms = Vec::new();
    for (operand, partial) in partials(graph, node) {
        if let Some(inner) = graph.derivatives[&(operand, variable)] {
            terms.push(applied(graph, partial, inner));
        }
    }
    (!terms.is_empty()).then(|| graph.linear(terms))
}
