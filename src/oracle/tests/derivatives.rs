//! Differentiation against central differences and against each rule's textbook form.

use nalgebra::DVector;
use proptest::prelude::*;

use super::trees::{VARIABLES, fixed, overlap, point, tree};
use crate::oracle::{Graph, Node, OracleError, Reference, derivative, gradient};
use crate::scalar::Ball;
use crate::scalar::High;

/// What a central difference has to say about a proposed derivative.
#[derive(Debug, PartialEq)]
enum Finding {
    Agrees,
    Differs,
    /// The differences do not determine the derivative to 12 digits: too close to a singularity.
    Blind,
}

/// Compares a proposed value of `f'(0)` with `D(h) = (f(h) - f(-h)) / 2h`, `h = 10^-13`.
///
/// The allowance is derived, not chosen. Truncation: `D(h) - f' = c h^2 + O(h^4)` and `D(2h) - D(h) = 3 c h^2 + O(h^4)`,
/// so `|D(2h) - D(h)|` is three times the leading error. Rounding: the radii of the enclosures of `f`, divided by `h`.
/// With `|f| ~ |f'''| ~ 1` both are near `10^-26`.
fn compare(f: impl Fn(High) -> Result<Ball, OracleError>, proposed: High) -> Finding {
    let h = High::ONE.shifted(-13);
    let difference = |step: High| -> Option<(High, High)> {
        let (ahead, behind) = (f(step).ok()?, f(-step).ok()?);
        let slope = (ahead.midpoint() - behind.midpoint()) / (High::int(2) * step);
        Some((slope, (ahead.radius() + behind.radius()) / step))
    };
    let (Some((near, rounding)), Some((far, _))) = (difference(h), difference(h * High::int(2)))
    else {
        return Finding::Blind;
    };
    let allowance = (far - near).abs() + High::int(2) * rounding + near.abs().shifted(-36);
    if allowance > near.abs().max(High::ONE).shifted(-12) {
        Finding::Blind
    } else if (proposed - near).abs() <= allowance {
        Finding::Agrees
    } else {
        Finding::Differs
    }
}

/// A blind comparison is no evidence: the case is drawn anew, and too many of these fail the test.
fn check(finding: Finding) -> Result<(), TestCaseError> {
    match finding {
        Finding::Agrees => Ok(()),
        Finding::Differs => Err(TestCaseError::fail("differs from the central difference")),
        Finding::Blind => Err(TestCaseError::reject("too close to a singularity")),
    }
}

/// The value of a node, with an enclosure, at a point.
fn enclosed(graph: &Graph, node: Node, x: &[High]) -> Result<Ball, OracleError> {
    use crate::oracle::evaluate::Plan;
    let plan = Plan::new(graph, &graph.constants().into(), &[node]);
    let point: Vec<Ball> = x.iter().map(|&x| Ball::new(x, High::ZERO)).collect();
    Ok(plan.evaluate(&point, |_| "value".to_owned())?[0])
}

fn shifted(x: &[High], j: usize, by: High) -> Vec<High> {
    let mut moved = x.to_vec();
    moved[j] += by;
    moved
}

proptest! {
    #![proptest_config(fixed(400))]

    #[test]
    fn derivatives_of_random_expressions_match_central_differences(tree in tree(), x in point()) {
        let mut graph = Graph::new();
        let node = tree.build(&mut graph);
        let slopes = gradient(&mut graph, node, VARIABLES);
        for (j, slope) in slopes.into_iter().enumerate() {
            let forward = derivative(&mut graph, node, j);
            let (Ok(forward), Ok(reverse)) = (enclosed(&graph, forward, &x), enclosed(&graph, slope, &x)) else {
                return Err(TestCaseError::reject("undefined there"));
            };
            prop_assert!(overlap(forward, reverse), "forward {forward:?}, reverse {reverse:?}");
            prop_assume!(forward.radius() <= forward.largest().max(High::ONE).shifted(-28));
            let f = |step| enclosed(&graph, node, &shifted(&x, j, step));
            check(compare(f, forward.midpoint()))?;
        }
    }

    #[test]
    fn second_derivatives_of_random_expressions_match_differences_of_first_ones(tree in tree(), x in point()) {
        let mut graph = Graph::new();
        let node = tree.build(&mut graph);
        let first = derivative(&mut graph, node, 0);
        let second = derivative(&mut graph, first, 1);
        let Ok(value) = enclosed(&graph, second, &x) else {
            return Err(TestCaseError::reject("undefined there"));
        };
        prop_assume!(value.radius() <= value.largest().max(High::ONE).shifted(-28));
        let f = |step| enclosed(&graph, first, &shifted(&x, 1, step));
        check(compare(f, value.midpoint()))?;
    }
}

/// An expression of one variable, its derivative as printed in textbooks, and a point.
type Rule = (
    &'static str,
    fn(&mut Graph, Node) -> Node,
    fn(High) -> High,
    High,
);

fn rules() -> Vec<Rule> {
    vec![
        (
            "constant",
            |g, _| g.int(7),
            |_| High::ZERO,
            High::ratio(3, 4),
        ),
        ("variable", |_, x| x, |_| High::ONE, High::ratio(3, 4)),
        (
            "sum",
            |g, x| {
                let e = g.exp(x);
                g.sum(&[x, e, x])
            },
            |x| High::int(2) + x.exp(),
            High::ratio(3, 4),
        ),
        (
            "weighted sum",
            |g, x| {
                let e = g.exp(x);
                g.weighted_sum(&[(High::ratio(1, 3), x), (High::int(-5), e)])
            },
            |x| High::ratio(1, 3) - High::int(5) * x.exp(),
            High::ratio(3, 4),
        ),
        (
            "negation",
            |g, x| {
                let e = g.exp(x);
                g.negate(e)
            },
            |x| -x.exp(),
            High::ratio(3, 4),
        ),
        (
            "product",
            |g, x| {
                let e = g.exp(x);
                g.product(x, e)
            },
            |x| (High::ONE + x) * x.exp(),
            High::ratio(3, 4),
        ),
        (
            "ln(1 + x)",
            |g, x| g.ln_1p(x),
            |x| (High::ONE + x).recip(),
            High::ratio(3, 4),
        ),
        (
            "positive part, above its kink",
            |g, x| g.positive_part(x, "x"),
            |_| High::ONE,
            High::ratio(3, 4),
        ),
        (
            "positive part, below its kink",
            |g, x| g.positive_part(x, "x"),
            |_| High::ZERO,
            High::ratio(-3, 4),
        ),
        (
            "quotient, divisor varies",
            |g, x| {
                let c = g.int(3);
                g.quotient(c, x)
            },
            |x| -High::int(3) / x.square(),
            High::ratio(3, 4),
        ),
        (
            "quotient, both vary",
            |g, x| {
                let e = g.exp(x);
                g.quotient(e, x)
            },
            |x| x.exp() * (x - High::ONE) / x.square(),
            High::ratio(3, 4),
        ),
        ("exp", |g, x| g.exp(x), High::exp, High::ratio(-3, 4)),
        ("ln", |g, x| g.ln(x), High::recip, High::ratio(3, 4)),
        (
            "sqrt",
            |g, x| g.sqrt(x),
            |x| (High::int(2) * x.sqrt()).recip(),
            High::ratio(3, 4),
        ),
        ("cosh", |g, x| g.cosh(x), High::sinh, High::ratio(-3, 4)),
        ("sinh", |g, x| g.sinh(x), High::cosh, High::ratio(-3, 4)),
        (
            "tanh",
            |g, x| g.tanh(x),
            |x| High::ONE - x.tanh().square(),
            High::ratio(-3, 4),
        ),
        (
            "square",
            |g, x| g.power(x, 2),
            |x| High::int(2) * x,
            High::ratio(-3, 4),
        ),
        (
            "fifth power",
            |g, x| g.power(x, 5),
            |x| High::int(5) * x.powi(4),
            High::ratio(-3, 4),
        ),
        (
            "fifth power at 0",
            |g, x| g.power(x, 5),
            |_| High::ZERO,
            High::ZERO,
        ),
        (
            "reciprocal",
            |g, x| g.power(x, -1),
            |x| -x.square().recip(),
            High::ratio(-3, 4),
        ),
        (
            "negative power",
            |g, x| g.power(x, -3),
            |x| -High::int(3) * x.powi(-4),
            High::ratio(-3, 4),
        ),
        (
            "chain",
            |g, x| {
                let e = g.exp(x);
                let t = g.tanh(e);
                g.ln(t)
            },
            |x| {
                let e = x.exp();
                e / (e.sinh() * e.cosh())
            },
            High::ratio(-3, 4),
        ),
    ]
}

#[test]
fn every_rule_has_its_textbook_form() {
    for (name, build, expected, x) in rules() {
        let mut graph = Graph::new();
        let variable = graph.variable(0);
        let node = build(&mut graph, variable);
        let forward = derivative(&mut graph, node, 0);
        let reverse = gradient(&mut graph, node, 1)[0];
        let expected = expected(x);
        for derived in [forward, reverse] {
            let value = enclosed(&graph, derived, &[x]).unwrap().midpoint();
            let error = (value - expected).abs();
            // A handful of roundings on numbers of size 10.
            assert!(
                error <= High::ONE.shifted(-37),
                "{name}: {value:?} instead of {expected:?}"
            );
        }
    }
}

#[test]
fn a_wrong_rule_is_caught_by_central_differences() {
    for (name, build, right, x) in rules() {
        let mut graph = Graph::new();
        let variable = graph.variable(0);
        let node = build(&mut graph, variable);
        let f = |step| enclosed(&graph, node, &[x + step]);
        let right = right(x);
        assert_eq!(compare(f, right), Finding::Agrees, "{name}");
        let wrong = [
            right + High::ONE.shifted(-15),
            right * High::ratio(1_000_001, 1_000_000) + High::ONE.shifted(-9),
            -right + High::ONE.shifted(-9),
        ];
        for value in wrong {
            assert_eq!(compare(f, value), Finding::Differs, "{name}");
        }
    }
}

#[test]
fn a_loss_defined_elsewhere_gets_its_hessian_without_a_new_rule() {
    // 0.5 || tanh(A x) - b ||^2
    let rows = [[3, -2], [1, 5], [-4, 2]];
    let target = [1, -2, 3];
    let mut graph = Graph::new();
    let mut squares = Vec::new();
    for (row, b) in rows.iter().zip(target) {
        let terms: Vec<(High, Node)> = (0..2)
            .map(|j| (High::ratio(row[j], 8), graph.variable(j)))
            .collect();
        let z = graph.weighted_sum(&terms);
        let output = graph.tanh(z);
        let b = graph.constant(High::ratio(-b, 4));
        let residual = graph.sum(&[output, b]);
        squares.push((High::ratio(1, 2), graph.power(residual, 2)));
    }
    let loss = graph.weighted_sum(&squares);
    let reference = Reference::from_graph(graph, loss, 2);
    let x = [High::ratio(5, 16), High::ratio(-7, 16)];
    let hessian = reference
        .evaluate(&DVector::from_row_slice(&x))
        .unwrap()
        .hessian;
    for i in 0..2 {
        for j in 0..2 {
            let slope = |step| {
                let moved = DVector::from_vec(shifted(&x, j, step));
                Ok(reference.enclose(&moved, High::ZERO)?.gradient[i])
            };
            assert_eq!(compare(slope, hessian[(i, j)]), Finding::Agrees);
            assert_eq!(
                compare(slope, hessian[(i, j)] + High::ONE.shifted(-15)),
                Finding::Differs
            );
        }
    }
}
