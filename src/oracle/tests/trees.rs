//! Random expressions, and a plain interpreter of them that shares nothing with the graph.

use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, RngSeed};

use crate::oracle::arithmetic::{Arithmetic, Scale};
use crate::oracle::{Graph, Node};
use crate::scalar::Ball;
use crate::scalar::High;

/// Variables of a random expression.
pub(super) const VARIABLES: usize = 2;

#[derive(Clone, Debug)]
pub(super) enum Tree {
    Constant(i64),
    Variable(usize),
    Sum(Vec<Tree>),
    Product(Box<Tree>, Box<Tree>),
    Quotient(Box<Tree>, Box<Tree>),
    Negate(Box<Tree>),
    Unary(Function, Box<Tree>),
    Power(Box<Tree>, i64),
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Function {
    Exp,
    Ln,
    Ln1p,
    Sqrt,
    Cosh,
    Sinh,
    Tanh,
}

impl Tree {
    pub(super) fn build(&self, graph: &mut Graph) -> Node {
        match self {
            Tree::Constant(k) => graph.constant(High::ratio(*k, 16)),
            Tree::Variable(j) => graph.variable(*j),
            Tree::Sum(parts) => {
                let parts: Vec<Node> = parts.iter().map(|part| part.build(graph)).collect();
                graph.sum(&parts)
            }
            Tree::Product(a, b) => {
                let (a, b) = (a.build(graph), b.build(graph));
                graph.product(a, b)
            }
            Tree::Quotient(a, b) => {
                let (a, b) = (a.build(graph), b.build(graph));
                graph.quotient(a, b)
            }
            Tree::Negate(a) => {
                let a = a.build(graph);
                graph.negate(a)
            }
            Tree::Unary(function, a) => {
                let a = a.build(graph);
                match function {
                    Function::Exp => graph.exp(a),
                    Function::Ln => graph.ln(a),
                    Function::Ln1p => graph.ln_1p(a),
                    Function::Sqrt => graph.sqrt(a),
                    Function::Cosh => graph.cosh(a),
                    Function::Sinh => graph.sinh(a),
                    Function::Tanh => graph.tanh(a),
                }
            }
            Tree::Power(a, k) => {
                let a = a.build(graph);
                graph.power(a, *k)
            }
        }
    }

    /// The value as written: no sharing, no simplification.
    pub(super) fn interpret<T: Arithmetic>(&self, x: &[T]) -> T {
        match self {
            Tree::Constant(k) => T::constant(High::ratio(*k, 16)),
            Tree::Variable(j) => x[*j],
            Tree::Sum(parts) => T::linear(parts.iter().map(|part| (Scale::One, part.interpret(x)))),
            Tree::Product(a, b) => a.interpret(x).product(b.interpret(x)),
            Tree::Quotient(a, b) => a.interpret(x).quotient(b.interpret(x)),
            Tree::Negate(a) => T::linear([(Scale::MinusOne, a.interpret(x))].into_iter()),
            Tree::Unary(function, a) => {
                let a = a.interpret(x);
                match function {
                    Function::Exp => a.exp(),
                    Function::Ln => a.ln(),
                    Function::Ln1p => a.ln_1p(),
                    Function::Sqrt => a.sqrt(),
                    Function::Cosh => a.cosh(),
                    Function::Sinh => a.sinh(),
                    Function::Tanh => a.tanh(),
                }
            }
            Tree::Power(a, k) => a.interpret(x).power(*k),
        }
    }
}

/// Do two enclosures of the same number have a point in common, as they must?
pub(super) fn overlap(a: Ball, b: Ball) -> bool {
    (a.midpoint() - b.midpoint()).abs() <= (a.radius() + b.radius()) * High::int(2)
}

/// Expressions with dyadic constants `k / 16`, of moderate depth.
pub(super) fn tree() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![
        (-32i64..=32).prop_map(Tree::Constant),
        (0..VARIABLES).prop_map(Tree::Variable),
        (0..VARIABLES).prop_map(Tree::Variable),
    ];
    let function = prop_oneof![
        Just(Function::Exp),
        Just(Function::Ln),
        Just(Function::Ln1p),
        Just(Function::Sqrt),
        Just(Function::Cosh),
        Just(Function::Sinh),
        Just(Function::Tanh),
    ];
    leaf.prop_recursive(5, 24, 3, move |inner| {
        let boxed = inner.clone().prop_map(Box::new);
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(Tree::Sum),
            (boxed.clone(), boxed.clone()).prop_map(|(a, b)| Tree::Product(a, b)),
            (boxed.clone(), boxed.clone()).prop_map(|(a, b)| Tree::Quotient(a, b)),
            boxed.clone().prop_map(Tree::Negate),
            (function.clone(), boxed.clone()).prop_map(|(f, a)| Tree::Unary(f, a)),
            (boxed, -3i64..=4).prop_map(|(a, k)| Tree::Power(a, k)),
        ]
    })
}

/// A point with entries `k / 16`, positive more often than not: ln and sqrt want it.
pub(super) fn point() -> impl Strategy<Value = Vec<High>> {
    prop::collection::vec((-16i64..=48).prop_map(|k| High::ratio(k, 16)), VARIABLES)
}

/// The same cases in every run.
pub(super) fn fixed(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        max_global_rejects: 20 * cases,
        rng_algorithm: RngAlgorithm::ChaCha,
        rng_seed: RngSeed::Fixed(0x5eed),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}
