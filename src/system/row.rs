//! A row of the table: one system.

use crate::system::slot::Slot;

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
