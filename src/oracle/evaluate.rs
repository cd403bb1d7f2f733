//! A graph compiled for evaluation: the nodes that the wanted outputs need, level by level, for any arithmetic.
//!
//! A level holds nodes whose operands all lie on lower levels, so its nodes are independent of each other. One forward
//! sweep computes every node once; wide levels are divided among threads. Each node is computed by the same operations in
//! the same order whatever the number of threads, so the digits do not depend on it.

use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

use crate::oracle::OracleError;
use crate::oracle::arithmetic::{Arithmetic, Scale};
use crate::oracle::enclosure::Enclosed;
use crate::oracle::expression::{Coefficient, Graph, Node, Operation};
use crate::scalar::Ball;
use crate::scalar::High;

/// A node of a plan: as [`Operation`], with places in the sweep instead of places in the graph.
#[derive(Clone, Copy, Debug)]
enum Step {
    Constant(Coefficient),
    Variable(u32),
    Linear { first: u32, count: u32 },
    Product(u32, u32),
    Quotient(u32, u32),
    Exp(u32),
    Ln(u32),
    Ln1p(u32),
    Sqrt(u32),
    Cosh(u32),
    Sinh(u32),
    Tanh(u32),
    PositivePart(u32),
    Jump(u32),
    Power(u32, i64),
}

/// Steps that do not depend on each other.
#[derive(Clone, Debug)]
struct Level {
    steps: Range<usize>,
    /// Is there enough work to divide it among threads?
    wide: bool,
}

/// A level is divided among threads from this much work on, in units of one multiplication (about 0.4 microseconds), so
/// from 2 milliseconds: where the other threads are busy, waiting for one costs up to a scheduler's slice, and the
/// smaller levels gain nothing (measured: n = 64, d = 8 is as fast on one thread).
const WIDE_LEVEL: u64 = 5_000;

/// The smallest piece that a thread takes, in steps: a handful of arithmetic steps still outweighs the handing over.
const SMALLEST_PIECE: usize = 16;

/// Everything needed to compute some outputs of a graph at a point.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    steps: Vec<Step>,
    terms: Vec<(Coefficient, u32)>,
    constants: Arc<[High]>,
    levels: Vec<Level>,
    outputs: Vec<u32>,
    /// What must not be zero where the outputs are computed, if anything.
    watch: Option<Box<Watch>>,
}

/// Quantities that must not be zero, and how to compute them.
#[derive(Clone, Debug)]
struct Watch {
    /// Its outputs are the quantities.
    plan: Plan,
    /// Name and consequence of each.
    texts: Vec<(String, &'static str)>,
}

impl Watch {
    /// The requirements that apply where `order` is computed; those of a quantity itself apply there too, so that a quantity's
    /// own plan has none.
    fn new(graph: &Graph, constants: &Arc<[High]>, order: &[(u32, Node)]) -> Option<Box<Self>> {
        if graph.requirements().is_empty() {
            return None;
        }
        let mut needed = vec![false; graph.len()];
        for &(_, node) in order {
            needed[node.index()] = true;
        }
        let (quantities, texts): (Vec<Node>, Vec<_>) = graph
            .requirements()
            .iter()
            .filter(|requirement| needed[requirement.user.index()])
            .map(|requirement| {
                let text = (requirement.name.clone(), requirement.consequence);
                (requirement.quantity, text)
            })
            .unzip();
        if quantities.is_empty() {
            return None;
        }
        let order = ordered(graph, &quantities);
        let plan = Plan::ordered(graph, constants, &quantities, &order, None);
        Some(Box::new(Self { plan, texts }))
    }

    /// An error for the first quantity that may be zero at `point`.
    fn check(&self, point: &[Ball]) -> Result<(), OracleError> {
        let values = self.plan.sweep(point);
        for (&place, (name, consequence)) in self.plan.outputs.iter().zip(&self.texts) {
            let value = values[place as usize];
            // A poisoned one is reported with the outputs that it poisons.
            if !value.is_poisoned() && value.may_be_zero() {
                return Err(OracleError::Vanishes {
                    quantity: name.clone(),
                    largest: value.largest().scientific(3),
                    consequence,
                });
            }
        }
        Ok(())
    }
}

impl Plan {
    /// Selects what `outputs` need and sorts it into levels. `constants` are the graph's, shared between its plans.
    pub(super) fn new(graph: &Graph, constants: &Arc<[High]>, outputs: &[Node]) -> Self {
        let order = ordered(graph, outputs);
        let watch = Watch::new(graph, constants, &order);
        Self::ordered(graph, constants, outputs, &order, watch)
    }

    /// The plan for nodes in a given order.
    fn ordered(
        graph: &Graph,
        constants: &Arc<[High]>,
        outputs: &[Node],
        order: &[(u32, Node)],
        watch: Option<Box<Watch>>,
    ) -> Self {
        let mut place = vec![0u32; graph.len()];
        for (position, &(_, node)) in order.iter().enumerate() {
            // A graph has at most 2^32 nodes.
            place[node.index()] = position as u32;
        }
        let mut plan = Self {
            steps: Vec::with_capacity(order.len()),
            terms: Vec::new(),
            constants: Arc::clone(constants),
            levels: Vec::new(),
            outputs: outputs.iter().map(|node| place[node.index()]).collect(),
            watch,
        };
        let mut start = 0;
        let mut work = 0;
        for (position, &(depth, node)) in order.iter().enumerate() {
            let step = plan.translated(graph, graph.operation(node), &place);
            plan.steps.push(step);
            work += work_of(step);
            let last_of_level = order
                .get(position + 1)
                .is_none_or(|&(next, _)| next != depth);
            if last_of_level {
                plan.levels.push(Level {
                    steps: start..position + 1,
                    wide: work >= WIDE_LEVEL,
                });
                start = position + 1;
                work = 0;
            }
        }
        plan
    }

    fn translated(&mut self, graph: &Graph, operation: Operation, place: &[u32]) -> Step {
        let at = |node: Node| place[node.index()];
        match operation {
            Operation::Constant(c) => Step::Constant(c),
            Operation::Variable(j) => Step::Variable(j),
            Operation::Linear { first, count } => {
                let start = self.terms.len() as u32;
                let terms = graph.linear_terms(first, count).iter();
                self.terms
                    .extend(terms.map(|term| (term.coefficient, at(term.node))));
                Step::Linear {
                    first: start,
                    count,
                }
            }
            Operation::Product(a, b) => Step::Product(at(a), at(b)),
            Operation::Quotient(a, b) => Step::Quotient(at(a), at(b)),
            Operation::Exp(a) => Step::Exp(at(a)),
            Operation::Ln(a) => Step::Ln(at(a)),
            Operation::Ln1p(a) => Step::Ln1p(at(a)),
            Operation::Sqrt(a) => Step::Sqrt(at(a)),
            Operation::Cosh(a) => Step::Cosh(at(a)),
            Operation::Sinh(a) => Step::Sinh(at(a)),
            Operation::Tanh(a) => Step::Tanh(at(a)),
            Operation::PositivePart(a) => Step::PositivePart(at(a)),
            Operation::Step(a) => Step::Jump(at(a)),
            Operation::Power(a, k) => Step::Power(at(a), k),
        }
    }

    /// How many nodes are computed.
    pub(super) fn nodes(&self) -> usize {
        self.steps.len()
    }

    /// How many terms their linear combinations have.
    pub(super) fn terms(&self) -> usize {
        self.terms.len()
    }

    /// The outputs at `point`, in the order in which they were asked for.
    ///
    /// `name(k)` names output `k`; it is called for the first output that is poisoned, which is an error. So is a quantity that
    /// the graph requires not to be zero and that may be. The point must have an entry for every variable of the graph.
    pub(super) fn evaluate<T: Enclosed>(
        &self,
        point: &[T],
        name: impl Fn(usize) -> String,
    ) -> Result<Vec<T>, OracleError> {
        if let Some(watch) = &self.watch {
            let enclosed: Vec<Ball> = point.iter().map(|&entry| entry.enclosed()).collect();
            watch.check(&enclosed)?;
        }
        let values = self.sweep(point);
        let outputs: Vec<T> = self.outputs.iter().map(|&k| values[k as usize]).collect();
        match outputs.iter().position(|value| value.is_poisoned()) {
            None => Ok(outputs),
            Some(k) => Err(OracleError::Poisoned {
                quantity: name(k),
                reason: self.first_failure(&values),
            }),
        }
    }

    fn sweep<T: Arithmetic>(&self, point: &[T]) -> Vec<T> {
        let mut values = vec![T::constant(High::ZERO); self.steps.len()];
        for level in &self.levels {
            let (done, rest) = values.split_at_mut(level.steps.start);
            let steps = &self.steps[level.steps.clone()];
            let targets = &mut rest[..steps.len()];
            if level.wide {
                targets
                    .par_iter_mut()
                    .zip(steps.par_iter())
                    .with_min_len(SMALLEST_PIECE)
                    .for_each(|(target, &step)| *target = self.computed(step, done, point));
            } else {
                for (target, &step) in targets.iter_mut().zip(steps) {
                    *target = self.computed(step, done, point);
                }
            }
        }
        values
    }

    fn computed<T: Arithmetic>(&self, step: Step, done: &[T], point: &[T]) -> T {
        let at = |k: u32| done[k as usize];
        match step {
            Step::Constant(c) => T::constant(self.constants[c.index()]),
            Step::Variable(j) => point[j as usize],
            Step::Linear { first, count } => T::linear(
                self.terms[first as usize..first as usize + count as usize]
                    .iter()
                    .map(|&(coefficient, k)| (self.scale(coefficient), at(k))),
            ),
            Step::Product(a, b) => at(a).product(at(b)),
            Step::Quotient(a, b) => at(a).quotient(at(b)),
            Step::Exp(a) => at(a).exp(),
            Step::Ln(a) => at(a).ln(),
            Step::Ln1p(a) => at(a).ln_1p(),
            Step::Sqrt(a) => at(a).sqrt(),
            Step::Cosh(a) => at(a).cosh(),
            Step::Sinh(a) => at(a).sinh(),
            Step::Tanh(a) => at(a).tanh(),
            Step::PositivePart(a) => at(a).positive_part(),
            Step::Jump(a) => at(a).step(),
            Step::Power(a, k) => at(a).power(k),
        }
    }

    fn scale(&self, coefficient: Coefficient) -> Scale {
        match coefficient {
            Coefficient::ONE => Scale::One,
            Coefficient::MINUS_ONE => Scale::MinusOne,
            _ => Scale::Other(self.constants[coefficient.index()]),
        }
    }

    /// Which operation was the first to have no answer.
    fn first_failure<T: Arithmetic>(&self, values: &[T]) -> String {
        let failed = values.iter().position(|value| value.is_poisoned());
        let operation = match failed.map(|k| self.steps[k]) {
            Some(Step::Constant(_)) => "a constant is not a number",
            Some(Step::Variable(_)) => "the point is not a number",
            Some(Step::Linear { .. }) => "a sum leaves the range of exponents",
            Some(Step::Product(..)) => "a product leaves the range of exponents",
            Some(Step::Quotient(..)) => "a quotient has a divisor that may be zero",
            Some(Step::Exp(_)) => "exp leaves the range of exponents",
            Some(Step::Ln(_)) => "ln of a number that may not be positive",
            Some(Step::Ln1p(_)) => "ln(1 + a) where a may not be above -1",
            Some(Step::Sqrt(_)) => {
                "sqrt of a number that may be negative, or not differentiable there"
            }
            Some(Step::Cosh(_)) => "cosh leaves the range of exponents",
            Some(Step::Sinh(_)) => "sinh leaves the range of exponents",
            Some(Step::Tanh(_)) => "tanh has no answer",
            Some(Step::PositivePart(_)) => "the positive part has no answer",
            Some(Step::Jump(_)) => {
                "the positive part has no derivative where its operand may be zero"
            }
            Some(Step::Power(_, k)) if k < 0 => "division by a number that may be zero",
            Some(Step::Power(..)) => "a power leaves the range of exponents",
            None => "unknown",
        };
        operation.to_owned()
    }
}

/// The nodes under `outputs` with their levels, lowest first; within a level in the graph's order.
fn ordered(graph: &Graph, outputs: &[Node]) -> Vec<(u32, Node)> {
    let mut needed = vec![false; graph.len()];
    for output in outputs {
        needed[output.index()] = true;
    }
    // Operands come before operators: downwards, every node is marked before it is looked at.
    for index in (0..graph.len()).rev() {
        if needed[index] {
            graph.for_each_operand(Node::at(index), |operand| needed[operand.index()] = true);
        }
    }
    let mut depth = vec![0u32; graph.len()];
    let mut order = Vec::new();
    for index in (0..graph.len()).filter(|&index| needed[index]) {
        let node = Node::at(index);
        let mut own = 0;
        graph.for_each_operand(node, |operand| own = own.max(depth[operand.index()] + 1));
        depth[index] = own;
        order.push((own, node));
    }
    order.sort_unstable();
    order
}

/// What a step costs, in multiplications of [`High`]; only the order of magnitude matters.
fn work_of(step: Step) -> u64 {
    match step {
        Step::Constant(_) | Step::Variable(_) | Step::PositivePart(_) | Step::Jump(_) => 0,
        Step::Linear { count, .. } => 2 * u64::from(count),
        Step::Product(..) => 1,
        Step::Quotient(..) => 3,
        Step::Power(_, k) => 3 + u64::from(k.unsigned_abs().checked_ilog2().unwrap_or(0)),
        Step::Exp(_)
        | Step::Ln(_)
        | Step::Ln1p(_)
        | Step::Sqrt(_)
        | Step::Cosh(_)
        | Step::Sinh(_)
        | Step::Tanh(_) => 40,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle::Reference;
    use nalgebra::DVector;

    /// Is the second level, above that of the variables, divided among threads?
    fn divided(build: impl Fn(&mut Graph) -> Vec<Node>) -> bool {
        let mut graph = Graph::new();
        let outputs = build(&mut graph);
        let plan = Plan::new(&graph, &graph.constants().into(), &outputs);
        assert_eq!(plan.levels.len(), 2);
        assert_eq!(plan.levels[1].steps.len(), outputs.len());
        assert!(!plan.levels[0].wide, "variables are free");
        plan.levels[1].wide
    }

    /// Threads pay from 5000 multiplications on: 40 for a transcendental function, two for a term of a linear
    /// combination, and for a power one per bit besides three.
    #[test]
    fn a_level_is_divided_among_threads_from_two_milliseconds_of_work_on() {
        let exponentials = |count: usize| {
            move |g: &mut Graph| -> Vec<Node> {
                let variables: Vec<Node> = (0..count).map(|j| g.variable(j)).collect();
                variables.into_iter().map(|x| g.exp(x)).collect()
            }
        };
        assert!(!divided(exponentials(124)));
        assert!(divided(exponentials(125)));
        let sums = |count: i64| {
            move |g: &mut Graph| -> Vec<Node> {
                let variables: Vec<Node> = (0..100).map(|j| g.variable(j)).collect();
                (0..count)
                    .map(|i| {
                        let coefficient = High::int(i + 2);
                        let terms: Vec<_> = variables.iter().map(|&x| (coefficient, x)).collect();
                        g.weighted_sum(&terms)
                    })
                    .collect()
            }
        };
        assert!(!divided(sums(24)));
        assert!(divided(sums(25)));
        let powers = |count: usize| {
            move |g: &mut Graph| -> Vec<Node> {
                let variables: Vec<Node> = (0..count).map(|j| g.variable(j)).collect();
                variables.into_iter().map(|x| g.power(x, 8)).collect()
            }
        };
        // 3 + log2 8 = 6 each.
        assert!(!divided(powers(833)));
        assert!(divided(powers(834)));
    }

    /// The size that a campaign reports is what is computed, parts that the derivatives share counted once.
    #[test]
    fn a_reference_counts_the_nodes_that_it_computes() {
        let mut g = Graph::new();
        let x = g.variable(0);
        let loss = g.exp(x);
        // exp x is its own derivative, twice: x and exp x are all there is.
        let reference = Reference::from_graph(g, loss, 1);
        assert_eq!((reference.nodes(), reference.terms()), (2, 0));
        let mut g = Graph::new();
        let (x, y) = (g.variable(0), g.variable(1));
        let loss = g.product(x, y);
        // x, y, x y, and the constants 0 and 1 in the Hessian.
        let reference = Reference::from_graph(g, loss, 2);
        assert_eq!((reference.nodes(), reference.terms()), (5, 0));
    }

    /// Adding and subtracting a number is not charged with a multiplication: only the partial sums are rounded, by
    /// 0.51 units of their sizes.
    #[test]
    fn the_coefficients_one_and_minus_one_cost_no_rounding() {
        let loss = |sign: i64| {
            let mut g = Graph::new();
            let (x, y) = (g.variable(0), g.variable(1));
            let sum = g.weighted_sum(&[(High::ONE, x), (High::int(sign), y)]);
            Reference::from_graph(g, sum, 2)
        };
        let at = DVector::from_vec(vec![High::ONE, High::int(3)]);
        // Partial sums 1 and 4, and 1 and -2.
        for (sign, value, sizes) in [(1, 4, 5), (-1, -2, 3)] {
            let found = loss(sign).enclose_loss(&at).unwrap();
            assert_eq!(found.midpoint(), High::int(value));
            let charge = High::ratio(51 * sizes, 100).shifted(-39);
            assert!(found.radius() >= charge, "{found:?}");
            assert!(
                found.radius() <= charge + charge.shifted(-29),
                "{found:?} is charged more than {charge:?}"
            );
        }
    }

    /// The reader of the error learns whether to move away from a pole or towards smaller numbers.
    #[test]
    fn a_failed_power_is_told_apart_from_a_division_by_zero() {
        let reason = |exponent: i64, x: High| {
            let mut g = Graph::new();
            let variable = g.variable(0);
            let power = g.power(variable, exponent);
            let plan = Plan::new(&g, &g.constants().into(), &[power]);
            plan.evaluate(&[x], |k| format!("output {k}"))
                .unwrap_err()
                .to_string()
        };
        assert_eq!(
            reason(-2, High::ZERO),
            "output 0 is not a number at this point: division by a number that may be zero"
        );
        // 10^(3 4e18) has an exponent beyond 64 bits.
        assert_eq!(
            reason(3, High::ONE.shifted(4_000_000_000_000_000_000)),
            "output 0 is not a number at this point: a power leaves the range of exponents"
        );
    }
}
