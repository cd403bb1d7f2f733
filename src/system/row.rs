//! A row of the table: one system.

use crate::system::slot::{Rule, Slot};

/// What is asked about a system.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Asks {
    /// The least value of a loss of the unknowns, and where it is taken.
    Loss,
    /// Unknowns at which a loss, half the sum of the squares of equations, is 0. A point where it is stationary and not 0 is no answer.
    Zero,
    /// The values of this array, which the given ones determine: there are no unknowns.
    Outputs(&'static Slot),
}

/// A system: a row of the table.
#[derive(Debug)]
pub struct System {
    /// Its name in manifests, reports and pages.
    pub key: &'static str,
    /// What is asked, as a formula in the names of its arrays.
    pub formula: &'static str,
    /// The arrays it is given.
    pub given: &'static [Slot],
    /// The arrays it looks for.
    pub unknowns: &'static [Slot],
    /// What is asked about it.
    pub asks: Asks,
    /// Whether it is a loss of the logits `z = A x`, whose arrays an [`Instance`](crate::instance::Instance) holds.
    pub logit: bool,
}

impl System {
    /// Whether a list of parts may stand for this array: where an array names the rows of the parts, for those with as many rows.
    pub fn is_listed(&self, slot: &Slot) -> bool {
        self.given.iter().any(|parts| match parts.rule {
            Rule::Parts(dimension) => slot.by_rows_of(dimension),
            Rule::Finite
            | Rule::NonNegative
            | Rule::Positive
            | Rule::Symmetric
            | Rule::Share
            | Rule::Count
            | Rule::Switch
            | Rule::FiniteUnlessHidden(_)
            | Rule::Dimension(_)
            | Rule::Word(_)
            | Rule::Variant(_) => false,
        })
    }
}
