//! The graph: sharing, simplification, depth, and what happens where an expression is undefined.

use nalgebra::DVector;
use proptest::prelude::*;

use super::trees::{fixed, overlap, point, tree};
use crate::oracle::enclosure::Enclosed;
use crate::oracle::evaluate::Plan;
use crate::oracle::{Graph, Node, OracleError, Reference};
use crate::scalar::Ball;
use crate::scalar::High;

fn value<T: Enclosed>(graph: &Graph, node: Node, x: &[T]) -> Option<T> {
    let plan = Plan::new(graph, &graph.constants().into(), &[node]);
    let values = plan.evaluate(x, |_| String::new()).ok()?;
    Some(values[0])
}

proptest! {
    #![proptest_config(fixed(600))]

    #[test]
    fn simplification_and_sharing_change_no_value(tree in tree(), x in point()) {
        let mut graph = Graph::new();
        let node = tree.build(&mut graph);
        let balls: Vec<Ball> = x.iter().map(|&x| Ball::new(x, High::ZERO)).collect();
        let plain = tree.interpret(&balls);
        prop_assume!(!plain.is_poisoned());
        let shared = value(&graph, node, &balls);
        prop_assert!(shared.is_some_and(|shared| overlap(shared, plain)), "{shared:?} {plain:?}");
    }

    #[test]
    fn an_undefined_expression_stays_undefined(tree in tree(), x in point()) {
        let mut graph = Graph::new();
        let node = tree.build(&mut graph);
        let plain: High = tree.interpret(&x);
        prop_assume!(plain.is_poisoned());
        prop_assert!(value(&graph, node, &x).is_none());
    }

    #[test]
    fn an_enclosure_contains_the_values_inside_its_box(tree in tree(), x in point(), k in -8i64..=8) {
        let radius = High::ratio(8, 1000);
        let boxed: Vec<Ball> = x.iter().map(|&x| Ball::new(x, radius)).collect();
        let whole = tree.interpret(&boxed);
        prop_assume!(!whole.is_poisoned());
        let inside: Vec<Ball> = x.iter().map(|&x| Ball::new(x + High::ratio(k, 1000), High::ZERO)).collect();
        prop_assert!(overlap_once(whole, tree.interpret(&inside)));
    }
}

/// The distance of the midpoints is at most the radius of the first and the tiny one of the second.
fn overlap_once(whole: Ball, part: Ball) -> bool {
    (whole.midpoint() - part.midpoint()).abs() <= whole.radius() + part.radius()
}

#[test]
fn equal_expressions_are_one_node() {
    let mut g = Graph::new();
    let (x, y) = (g.variable(0), g.variable(1));
    assert_eq!(g.sum(&[x, y]), g.sum(&[y, x]));
    assert_eq!(g.product(x, y), g.product(y, x));
    assert_eq!(g.product(x, x), g.power(x, 2));
    let three = g.int(3);
    let (a, b) = (g.product(three, x), g.sum(&[x, x, x]));
    assert_eq!(a, b);
    let before = g.len();
    g.exp(a);
    g.exp(b);
    assert_eq!(g.len(), before + 1);
}

#[test]
fn neutral_elements_vanish() {
    let mut g = Graph::new();
    let x = g.variable(0);
    let e = g.exp(x);
    let (zero, one) = (g.int(0), g.int(1));
    assert_eq!(g.sum(&[e, zero]), e);
    assert_eq!(g.product(one, e), e);
    assert_eq!(g.quotient(e, one), e);
    assert_eq!(g.power(e, 1), e);
    assert_eq!(g.product(zero, x), zero);
    assert_eq!(g.sum(&[]), zero);
    let minus = g.negate(e);
    assert_eq!(g.negate(minus), e);
    let minus_x = g.negate(x);
    assert_eq!(g.sum(&[x, minus_x]), zero);
}

#[test]
fn zero_times_an_undefined_expression_is_undefined() {
    let mut g = Graph::new();
    let x = g.variable(0);
    let ln = g.ln(x);
    let zero = g.int(0);
    let minus = g.negate(ln);
    let expressions = [
        g.product(zero, ln),
        g.power(ln, 0),
        g.sum(&[ln, minus]),
        g.quotient(zero, ln),
    ];
    for node in expressions {
        assert!(value(&g, node, &[-High::ONE]).is_none());
    }
    assert!(
        value(&g, expressions[0], &[High::int(2)])
            .unwrap()
            .is_zero()
    );
}

#[test]
fn a_poisoned_constant_poisons_its_users_only() {
    let mut g = Graph::new();
    let bad = g.constant(High::ONE / High::ZERO);
    let x = g.variable(0);
    let used = g.sum(&[x, bad]);
    let unused = g.exp(x);
    assert!(value(&g, used, &[High::ONE]).is_none());
    assert!(value(&g, unused, &[High::ONE]).is_some());
}

#[test]
fn an_error_names_the_quantity_and_the_operation() {
    let mut g = Graph::new();
    let x = g.variable(0);
    let root = g.sqrt(x);
    let reference = Reference::from_graph(g, root, 1);
    let at = |k: i64| reference.evaluate(&DVector::from_element(1, High::int(k)));
    assert!(at(4).is_ok());
    let message = |k| at(k).unwrap_err().to_string();
    assert!(
        message(-1).starts_with("loss is not a number"),
        "{}",
        message(-1)
    );
    assert!(message(-1).contains("sqrt"), "{}", message(-1));
    assert!(
        message(0).starts_with("gradient[0] is not"),
        "{}",
        message(0)
    );
    let poisoned = DVector::from_element(1, High::ONE / High::ZERO);
    assert!(
        matches!(reference.loss(&poisoned), Err(OracleError::Poisoned { quantity, .. }) if quantity == "x[0]")
    );
    assert!(matches!(
        reference.loss(&DVector::from_element(2, High::ONE)),
        Err(OracleError::Shape {
            found: 2,
            expected: 1
        })
    ));
}

#[test]
fn a_deep_graph_needs_no_stack() {
    // Horner's scheme of 1 + x + x^2 + ... at 1/2: value 2, slope 4, second derivative 16.
    let mut g = Graph::new();
    let x = g.variable(0);
    let one = g.int(1);
    let mut value = one;
    for _ in 0..50_000 {
        let product = g.product(value, x);
        value = g.sum(&[product, one]);
    }
    let reference = Reference::from_graph(g, value, 1);
    let at_half = reference
        .evaluate(&DVector::from_element(1, High::ratio(1, 2)))
        .unwrap();
    let near =
        |value: High, expected: i64| (value - High::int(expected)).abs() <= High::ONE.shifted(-36);
    assert!(near(at_half.loss, 2));
    assert!(near(at_half.gradient[0], 4));
    assert!(near(at_half.hessian[(0, 0)], 16));
}
