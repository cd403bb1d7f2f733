//! Puts the switches of many mutants into one source text. Everything else stays byte for byte.

use std::ops::Range;

use crate::sites::Edit;

/// A mutant to switch: its index among all chosen mutants, and its edit.
pub struct Switch<'e> {
    pub mutant: usize,
    pub edit: &'e Edit,
}

/// A text with its switches.
#[derive(Debug, Default)]
pub struct Rewritten {
    pub text: String,
    /// Mutant, its switch's number, and where its own text stands.
    pub placed: Vec<Placed>,
    /// Where an expression with switches stands, and the mutants switched there.
    pub hosts: Vec<(Range<usize>, Vec<usize>)>,
}

/// Where one mutant has come to stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    pub mutant: usize,
    pub number: u32,
    pub range: Range<usize>,
}

/// The switches at one place: they share a test, so their numbers follow each other.
struct Node<'e> {
    at: Range<usize>,
    kind: Kind,
    alternatives: Vec<(usize, &'e str)>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Return,
    Switch,
    Guard,
}

/// `source` with `switches`, numbered from `first`; `path` names the module of the switches.
///
/// Only one mutant is active at a time, so the text of a mutant has no switches inside.
pub fn rewrite(source: &str, switches: &[Switch<'_>], path: &str, first: u32) -> Rewritten {
    let mut writer = Writer {
        source,
        path,
        next: first,
        out: Rewritten::default(),
    };
    writer.write(0..source.len(), &nodes(switches));
    writer.out
}

fn nodes<'e>(switches: &[Switch<'e>]) -> Vec<Node<'e>> {
    let mut nodes: Vec<Node<'e>> = Vec::new();
    for switch in switches {
        let (at, kind, text) = match switch.edit {
            Edit::Return { at, value } => (*at..*at, Kind::Return, value.as_str()),
            Edit::Guard { at } => (*at..*at, Kind::Guard, ""),
            Edit::Switch { host, text } => (host.clone(), Kind::Switch, text.as_str()),
        };
        match nodes
            .iter_mut()
            .find(|node| node.at == at && node.kind == kind)
        {
            Some(node) => node.alternatives.push((switch.mutant, text)),
            None => nodes.push(Node {
                at,
                kind,
                alternatives: vec![(switch.mutant, text)],
            }),
        }
    }
    // Outer before inner; a body's return before the expression that the body begins with.
    nodes.sort_by_key(|node| (node.at.start, node.kind, std::cmp::Reverse(node.at.end)));
    nodes
}

struct Writer<'w> {
    source: &'w str,
    path: &'w str,
    next: u32,
    out: Rewritten,
}

impl Writer<'_> {
    fn push(&mut self, text: &str) {
        self.out.text.push_str(text);
    }

    /// Numbers for the alternatives of a node: the first and the last.
    fn numbers(&mut self, count: usize) -> (u32, u32) {
        let first = self.next;
        self.next += u32::try_from(count).expect("fewer switches than 2^32");
        (first, self.next - 1)
    }

    fn place(&mut self, mutant: usize, number: u32, text: &str) {
        let start = self.out.text.len();
        self.push(text);
        self.out.placed.push(Placed {
            mutant,
            number,
            range: start..self.out.text.len(),
        });
    }

    /// Writes the source of `range`, in which all of `nodes` stand.
    fn write(&mut self, range: Range<usize>, nodes: &[Node<'_>]) {
        let mut at = range.start;
        let mut rest = nodes;
        while let Some((node, after)) = rest.split_first() {
            self.push(&self.source[at..node.at.start]);
            let inside = after
                .iter()
                .take_while(|inner| node.kind == Kind::Switch && inner.at.end <= node.at.end)
                .count();
            let (inner, following) = after.split_at(inside);
            self.node(node, inner);
            at = node.at.end;
            rest = following;
        }
        self.push(&self.source[at..range.end]);
    }

    fn node(&mut self, node: &Node<'_>, inner: &[Node<'_>]) {
        let path = self.path;
        let (first, last) = self.numbers(node.alternatives.len());
        let start = self.out.text.len();
        match node.kind {
            Kind::Return => {
                self.push(&format!("if !{path}::off({first}, {last}) {{ "));
                for (number, (mutant, value)) in (first..).zip(&node.alternatives) {
                    self.push(&format!("if {path}::on({number}) {{ return "));
                    self.place(*mutant, number, value);
                    self.push("; } ");
                }
                self.push("} ");
            }
            Kind::Guard => {
                self.place(
                    node.alternatives[0].0,
                    first,
                    &format!(" if {path}::off({first}, {last})"),
                );
            }
            Kind::Switch => {
                self.push(&format!("(if {path}::off({first}, {last}) {{ "));
                self.write(node.at.clone(), inner);
                for (number, (mutant, text)) in (first..).zip(&node.alternatives) {
                    if number == last {
                        self.push(" } else { ");
                    } else {
                        self.push(&format!(" }} else if {path}::on({number}) {{ "));
                    }
                    self.place(*mutant, number, text);
                }
                self.push(" })");
            }
        }
        let mutants = node
            .alternatives
            .iter()
            .map(|(mutant, _)| *mutant)
            .collect();
        self.out.hosts.push((start..self.out.text.len(), mutants));
    }
}

#[cfg(test)]
mod tests;
