//! Expressions as a hash-consed graph of scalar primitives: equal expressions are one node.
//!
//! # What simplification may do
//!
//! Every constructor returns a canonical form. A rewriting is allowed only if the two sides are equal as real numbers
//! wherever either is defined, *and* are defined at the same points:
//!
//! - `x + 0 = x`, `1 x = x`, `x / 1 = x`, `x^1 = x`: always.
//! - `a (b x) = (a b) x` and `a x + b x = (a + b) x` for constants `a`, `b`. Each side is one or two roundings of the same
//!   real number, and the right side has fewer.
//! - An operation on constants is carried out, unless its result is poisoned: it is the operation that evaluation would do.
//! - `0 x = 0` and `x^0 = 1` only where `x` is a variable or a constant. A general `x` may be undefined (`0 ln(-1)`), and
//!   dropping it would turn an undefined value into a plausible number.
//! - Operands of sums and products are sorted, so that `a + b` and `b + a` are one node. This fixes an order of summation;
//!   any order is equally valid.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::scalar::High;

/// An expression of a [`Graph`]. Belongs to the graph that made it; with another graph it names another expression or
/// none (then the graph's methods panic, as indexing does).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Node(u32);

impl Node {
    /// The place in the graph's list, which lists operands before operators.
    pub(super) fn index(self) -> usize {
        self.0 as usize
    }

    pub(super) fn at(index: usize) -> Self {
        Self(narrow(index))
    }
}

/// A constant of the graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Coefficient(u32);

impl Coefficient {
    /// The graph's first constant.
    pub(super) const ONE: Self = Self(0);
    /// The graph's second constant.
    pub(super) const MINUS_ONE: Self = Self(1);

    pub(super) fn index(self) -> usize {
        self.0 as usize
    }
}

/// One term `coefficient * node` of a linear combination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Term {
    pub(super) coefficient: Coefficient,
    pub(super) node: Node,
}

/// What a node computes. Everything is scalar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Operation {
    Constant(Coefficient),
    Variable(u32),
    /// `sum_k c_k y_k`: the terms are `count` entries of the graph's term list from `first` on.
    Linear {
        first: u32,
        count: u32,
    },
    Product(Node, Node),
    Quotient(Node, Node),
    Exp(Node),
    Ln(Node),
    /// `ln(1 + a)`.
    Ln1p(Node),
    Sqrt(Node),
    Cosh(Node),
    Sinh(Node),
    Tanh(Node),
    /// `max(a, 0)`.
    PositivePart(Node),
    /// 1 where `a > 0`, 0 where `a < 0`, undefined at 0: the derivative of the positive part.
    Step(Node),
    Power(Node, i64),
}

/// What a definition demands of a point: wherever `user` is computed, `quantity` must not be zero. Whether it is, is decided by
/// enclosing it: a number that is computed with rounding may come out on the wrong side.
#[derive(Clone, Debug)]
pub(super) struct Requirement {
    pub(super) user: Node,
    pub(super) quantity: Node,
    pub(super) name: String,
    pub(super) consequence: &'static str,
}

/// A growing set of scalar expressions in the variables `x_0, x_1, ...`.
///
/// Built by its methods, differentiated by [`derivative`](crate::oracle::derivative) and
/// [`gradient`](crate::oracle::gradient), evaluated through a [`Reference`](crate::oracle::Reference).
#[derive(Clone, Debug)]
pub struct Graph {
    operations: Vec<Operation>,
    terms: Vec<Term>,
    constants: Vec<High>,
    /// Hash of an operation to its node; a collision moves on to the next key.
    nodes_by_hash: HashMap<u64, Node>,
    /// The same for constants.
    constants_by_hash: HashMap<u64, Coefficient>,
    /// `(node, variable)` to the derivative, `None` where it is identically zero.
    pub(super) derivatives: HashMap<(Node, u32), Option<Node>>,
    requirements: Vec<Requirement>,
}

impl Default for Graph {
    fn default() -> Self {
        Self::new()
    }
}

impl Graph {
    /// The graph without expressions.
    pub fn new() -> Self {
        let mut graph = Self {
            operations: Vec::new(),
            terms: Vec::new(),
            constants: Vec::new(),
            nodes_by_hash: HashMap::new(),
            constants_by_hash: HashMap::new(),
            derivatives: HashMap::new(),
            requirements: Vec::new(),
        };
        // `Coefficient::ONE` and `Coefficient::MINUS_ONE` rely on this order.
        graph.coefficient(High::ONE);
        graph.coefficient(-High::ONE);
        graph
    }

    /// How many distinct expressions there are, those no longer needed included.
    pub fn len(&self) -> usize {
        self.operations.len()
    }

    /// Is there no expression yet?
    pub fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }

    /// Terms of all linear combinations together: the part of the graph's size that [`len`](Self::len) does not count.
    pub fn terms(&self) -> usize {
        self.terms.len()
    }

    /// `value`. A poisoned constant is accepted and poisons whatever uses it.
    pub fn constant(&mut self, value: High) -> Node {
        let coefficient = self.coefficient(value);
        self.intern(Operation::Constant(coefficient))
    }

    /// `k`, exactly.
    pub fn int(&mut self, k: i64) -> Node {
        self.constant(High::int(k))
    }

    /// `x_index`.
    pub fn variable(&mut self, index: usize) -> Node {
        self.intern(Operation::Variable(narrow(index)))
    }

    /// The sum of the nodes; 0 for none. A node may occur several times.
    pub fn sum(&mut self, nodes: &[Node]) -> Node {
        let terms = nodes.iter().map(|&node| Term {
            coefficient: Coefficient::ONE,
            node,
        });
        self.linear(terms.collect())
    }

    /// `sum_k c_k y_k`; 0 for no terms.
    pub fn weighted_sum(&mut self, terms: &[(High, Node)]) -> Node {
        let terms = terms
            .iter()
            .map(|&(value, node)| Term {
                coefficient: self.coefficient(value),
                node,
            })
            .collect();
        self.linear(terms)
    }

    /// `a b`.
    pub fn product(&mut self, a: Node, b: Node) -> Node {
        let (left, a) = self.split(a);
        let (right, b) = self.split(b);
        let coefficient = self.multiplied(left, right);
        match (a, b) {
            (None, None) => self.intern(Operation::Constant(coefficient)),
            (Some(node), None) | (None, Some(node)) => {
                self.linear(vec![Term { coefficient, node }])
            }
            (Some(a), Some(b)) => {
                let node = if a == b {
                    self.power(a, 2)
                } else {
                    self.intern(Operation::Product(a.min(b), a.max(b)))
                };
                self.linear(vec![Term { coefficient, node }])
            }
        }
    }

    /// `a / b`. Undefined where `b = 0`.
    pub fn quotient(&mut self, a: Node, b: Node) -> Node {
        if let (Some(p), Some(q)) = (self.value(a), self.value(b)) {
            return self.folded(p / q, Operation::Quotient(a, b));
        }
        if self.is_one(b) {
            return a;
        }
        let (coefficient, numerator) = self.split(a);
        match numerator {
            Some(numerator) => {
                let node = self.intern(Operation::Quotient(numerator, b));
                self.linear(vec![Term { coefficient, node }])
            }
            None => self.intern(Operation::Quotient(a, b)),
        }
    }

    /// `-a`.
    pub fn negate(&mut self, a: Node) -> Node {
        self.linear(vec![Term {
            coefficient: Coefficient::MINUS_ONE,
            node: a,
        }])
    }

    /// `exp(a)`.
    pub fn exp(&mut self, a: Node) -> Node {
        self.unary(a, High::exp, Operation::Exp(a))
    }

    /// `ln(a)`. Undefined where `a <= 0`.
    pub fn ln(&mut self, a: Node) -> Node {
        self.unary(a, High::ln, Operation::Ln(a))
    }

    /// `ln(1 + a)`, relatively accurate for small `a`. Undefined where `a <= -1`.
    pub fn ln_1p(&mut self, a: Node) -> Node {
        self.unary(a, High::ln_1p, Operation::Ln1p(a))
    }

    /// `sqrt(a)`. Undefined where `a < 0`; its derivative is undefined at 0 too.
    pub fn sqrt(&mut self, a: Node) -> Node {
        self.unary(a, High::sqrt, Operation::Sqrt(a))
    }

    /// `cosh(a)`.
    pub fn cosh(&mut self, a: Node) -> Node {
        self.unary(a, High::cosh, Operation::Cosh(a))
    }

    /// `sinh(a)`.
    pub fn sinh(&mut self, a: Node) -> Node {
        self.unary(a, High::sinh, Operation::Sinh(a))
    }

    /// `tanh(a)`.
    pub fn tanh(&mut self, a: Node) -> Node {
        self.unary(a, High::tanh, Operation::Tanh(a))
    }

    /// `max(a, 0)`. Its derivatives are undefined where `a = 0`; an evaluation of them where `a` cannot be told from zero is
    /// refused with [`OracleError::Vanishes`](crate::oracle::OracleError::Vanishes), which mentions `name`.
    pub fn positive_part(&mut self, a: Node, name: &str) -> Node {
        let node = self.unary(a, |x| x.max(High::ZERO), Operation::PositivePart(a));
        if let Operation::PositivePart(_) = self.operation(node) {
            let user = self.intern(Operation::Step(a));
            self.requirements.push(Requirement {
                user,
                quantity: a,
                name: name.to_owned(),
                consequence: "the loss has a kink where it is zero, and no derivatives there",
            });
        }
        node
    }

    /// The derivative of [`positive_part`](Self::positive_part), as long as `a` is not constant.
    pub(super) fn step(&mut self, a: Node) -> Node {
        self.intern(Operation::Step(a))
    }

    /// Refuses every evaluation that needs `a` where `a` cannot be told from zero, with an
    /// [`OracleError::Vanishes`](crate::oracle::OracleError::Vanishes) that mentions `name` and `consequence`.
    pub fn require_nonzero(&mut self, a: Node, name: &str, consequence: &'static str) {
        self.requirements.push(Requirement {
            user: a,
            quantity: a,
            name: name.to_owned(),
            consequence,
        });
    }

    pub(super) fn requirements(&self) -> &[Requirement] {
        &self.requirements
    }

    /// `a^exponent`, with `a^0 = 1` wherever `a` is defined. Undefined where `a = 0` and the exponent is negative.
    pub fn power(&mut self, a: Node, exponent: i64) -> Node {
        match exponent {
            1 => a,
            0 if self.is_always_defined(a) => self.int(1),
            _ => self.unary(a, |x| x.powi(exponent), Operation::Power(a, exponent)),
        }
    }

    pub(super) fn operation(&self, node: Node) -> Operation {
        self.operations[node.index()]
    }

    pub(super) fn constants(&self) -> &[High] {
        &self.constants
    }

    pub(super) fn linear_terms(&self, first: u32, count: u32) -> &[Term] {
        let first = first as usize;
        &self.terms[first..first + count as usize]
    }

    /// Calls `visit` with every operand of `node`.
    pub(super) fn for_each_operand(&self, node: Node, mut visit: impl FnMut(Node)) {
        match self.operation(node) {
            Operation::Constant(_) | Operation::Variable(_) => {}
            Operation::Linear { first, count } => {
                for term in self.linear_terms(first, count) {
                    visit(term.node);
                }
            }
            Operation::Product(a, b) | Operation::Quotient(a, b) => {
                visit(a);
                visit(b);
            }
            Operation::Exp(a)
            | Operation::Ln(a)
            | Operation::Ln1p(a)
            | Operation::Sqrt(a)
            | Operation::Cosh(a)
            | Operation::Sinh(a)
            | Operation::Tanh(a)
            | Operation::PositivePart(a)
            | Operation::Step(a)
            | Operation::Power(a, _) => visit(a),
        }
    }

    /// `sum_k c_k y_k` in canonical form: nested single terms and constants absorbed, sorted, like terms collected.
    pub(super) fn linear(&mut self, mut terms: Vec<Term>) -> Node {
        let mut constant = High::ZERO;
        let mut kept = 0;
        for k in 0..terms.len() {
            let mut term = terms[k];
            if let Operation::Linear { first, count: 1 } = self.operation(term.node) {
                let inner = self.linear_terms(first, 1)[0];
                term = Term {
                    coefficient: self.multiplied(term.coefficient, inner.coefficient),
                    node: inner.node,
                };
            }
            let scale = self.constants[term.coefficient.index()];
            match self.value(term.node) {
                Some(value) => constant += scale * value,
                None => {
                    terms[kept] = term;
                    kept += 1;
                }
            }
        }
        terms.truncate(kept);
        terms.sort_unstable_by_key(|term| term.node);
        self.collect_like_terms(&mut terms);
        terms.retain(|term| {
            !(self.constants[term.coefficient.index()].is_zero()
                && self.is_always_defined(term.node))
        });
        if terms.is_empty() {
            return self.constant(constant);
        }
        if !constant.is_zero() {
            let node = self.constant(constant);
            terms.push(Term {
                coefficient: Coefficient::ONE,
                node,
            });
        }
        if let [single] = terms[..]
            && single.coefficient == Coefficient::ONE
        {
            return single.node;
        }
        self.intern_linear(&terms)
    }

    /// Adds the coefficients of equal nodes of a sorted list.
    fn collect_like_terms(&mut self, terms: &mut Vec<Term>) {
        if terms.windows(2).all(|pair| pair[0].node != pair[1].node) {
            return;
        }
        let mut collected: Vec<Term> = Vec::with_capacity(terms.len());
        for &term in terms.iter() {
            match collected.last_mut() {
                Some(last) if last.node == term.node => {
                    let total = self.constants[last.coefficient.index()]
                        + self.constants[term.coefficient.index()];
                    last.coefficient = self.coefficient(total);
                }
                _ => collected.push(term),
            }
        }
        *terms = collected;
    }

    /// `node = coefficient * rest`; no rest for a constant.
    fn split(&self, node: Node) -> (Coefficient, Option<Node>) {
        match self.operation(node) {
            Operation::Constant(coefficient) => (coefficient, None),
            Operation::Linear { first, count: 1 } => {
                let term = self.linear_terms(first, 1)[0];
                (term.coefficient, Some(term.node))
            }
            _ => (Coefficient::ONE, Some(node)),
        }
    }

    fn multiplied(&mut self, a: Coefficient, b: Coefficient) -> Coefficient {
        if a == Coefficient::ONE {
            b
        } else if b == Coefficient::ONE {
            a
        } else {
            self.coefficient(self.constants[a.index()] * self.constants[b.index()])
        }
    }

    /// The value of a constant that is not poisoned.
    fn value(&self, node: Node) -> Option<High> {
        match self.operation(node) {
            Operation::Constant(coefficient) => {
                let value = self.constants[coefficient.index()];
                (!value.is_poisoned()).then_some(value)
            }
            _ => None,
        }
    }

    fn is_one(&self, node: Node) -> bool {
        self.operation(node) == Operation::Constant(Coefficient::ONE)
    }

    /// Variables are: a point with a poisoned entry is refused before anything is evaluated.
    fn is_always_defined(&self, node: Node) -> bool {
        matches!(self.operation(node), Operation::Variable(_)) || self.value(node).is_some()
    }

    fn unary(&mut self, a: Node, fold: impl Fn(High) -> High, operation: Operation) -> Node {
        match self.value(a) {
            Some(value) => self.folded(fold(value), operation),
            None => self.intern(operation),
        }
    }

    /// The constant `value`, or the operation itself where it has no value: its node can say later what went wrong.
    fn folded(&mut self, value: High, operation: Operation) -> Node {
        if value.is_poisoned() {
            self.intern(operation)
        } else {
            self.constant(value)
        }
    }

    /// The constant's place in the list, added if new.
    pub(super) fn coefficient(&mut self, value: High) -> Coefficient {
        let mut key = hash_of(&value.to_f64().to_bits());
        loop {
            match self.constants_by_hash.get(&key) {
                Some(&known) if self.constants[known.index()] == value => return known,
                Some(_) => key = key.wrapping_add(1),
                None => break,
            }
        }
        let new = Coefficient(narrow(self.constants.len()));
        self.constants.push(value);
        self.constants_by_hash.insert(key, new);
        new
    }

    fn intern(&mut self, operation: Operation) -> Node {
        let mut key = hash_of(&operation);
        loop {
            match self.nodes_by_hash.get(&key) {
                Some(&known) if self.operation(known) == operation => return known,
                Some(_) => key = key.wrapping_add(1),
                None => return self.push(key, operation),
            }
        }
    }

    /// As [`intern`](Self::intern), comparing the terms themselves instead of their place.
    fn intern_linear(&mut self, terms: &[Term]) -> Node {
        let mut key = hash_of(terms);
        loop {
            match self.nodes_by_hash.get(&key) {
                Some(&known) => {
                    if let Operation::Linear { first, count } = self.operation(known)
                        && self.linear_terms(first, count) == terms
                    {
                        return known;
                    }
                    key = key.wrapping_add(1);
                }
                None => {
                    let first = narrow(self.terms.len());
                    self.terms.extend_from_slice(terms);
                    let count = narrow(terms.len());
                    return self.push(key, Operation::Linear { first, count });
                }
            }
        }
    }

    fn push(&mut self, key: u64, operation: Operation) -> Node {
        let node = Node::at(self.operations.len());
        self.operations.push(operation);
        self.nodes_by_hash.insert(key, node);
        node
    }
}

/// A fixed hash (no random keys): the graph's layout must not differ between runs.
fn hash_of<T: Hash + ?Sized>(value: &T) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// Places are 32 bits wide, which halves the graph's memory.
///
/// # Panics
/// Beyond 2^32 entries, which need 32 GiB and more.
fn narrow(index: usize) -> u32 {
    assert!(
        index <= u32::MAX as usize,
        "an expression graph holds at most 2^32 entries"
    );
    index as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two keys of 64 bits can coincide. Then the newcomer takes the next key: it must not become the other expression.
    #[test]
    fn a_collision_of_hashes_joins_no_two_expressions() {
        let mut g = Graph::new();
        let x = g.variable(0);
        let other = g.tanh(x);
        g.nodes_by_hash.insert(hash_of(&Operation::Exp(x)), other);
        let e = g.exp(x);
        assert_eq!(g.operation(e), Operation::Exp(x));
        assert_eq!(g.exp(x), e);
        // 3 x + 5 exp x
        let terms = [(3, x), (5, e)].map(|(k, node)| Term {
            coefficient: g.coefficient(High::int(k)),
            node,
        });
        g.nodes_by_hash.insert(hash_of(&terms[..]), other);
        let combination = g.linear(terms.to_vec());
        assert!(matches!(
            g.operation(combination),
            Operation::Linear { count: 2, .. }
        ));
        assert_eq!(g.linear(terms.to_vec()), combination);
    }

    /// Constants are found by their f64: those that differ beyond it share a key and must stay apart.
    #[test]
    fn constants_that_agree_in_double_precision_stay_apart() {
        let mut g = Graph::new();
        let near = High::ONE + High::ONE.shifted(-30);
        let (one, other) = (g.int(1), g.constant(near));
        assert_ne!(one, other);
        assert_eq!(g.value(other), Some(near));
        assert_eq!(g.constant(near), other);
    }

    #[test]
    fn a_graph_counts_its_expressions_and_terms() {
        let mut g = Graph::new();
        assert!(g.is_empty());
        assert_eq!((g.len(), g.terms()), (0, 0));
        let (x, y) = (g.variable(0), g.variable(1));
        assert!(!g.is_empty());
        assert_eq!((g.len(), g.terms()), (2, 0));
        g.weighted_sum(&[(High::int(3), x), (High::int(-2), y)]);
        assert_eq!((g.len(), g.terms()), (3, 2));
        g.negate(x);
        assert_eq!((g.len(), g.terms()), (4, 3));
    }

    /// What is known when the graph is built gets no node of its own.
    #[test]
    fn constants_are_divided_at_once_and_the_zeroth_power_of_a_variable_is_one() {
        let mut g = Graph::new();
        let (seven, four) = (g.int(7), g.int(4));
        let quotient = g.quotient(seven, four);
        assert_eq!(g.value(quotient), Some(High::ratio(7, 4)));
        let (x, one) = (g.variable(0), g.int(1));
        assert_eq!(g.power(x, 0), one);
        assert_eq!(g.power(seven, 0), one);
        // ln may be undefined, and then its zeroth power is.
        let ln = g.ln(x);
        let power = g.power(ln, 0);
        assert_eq!(g.operation(power), Operation::Power(ln, 0));
    }
}
