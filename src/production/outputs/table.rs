//! What evaluates which system.

use std::sync::atomic::AtomicBool;

use crate::production::outputs::error::OutputsError;
use crate::production::outputs::evaluated::Outputs;
use crate::production::outputs::{exact_attention, polynomial_attention};
use crate::system::Given;

/// What evaluates a system.
type Evaluator = fn(&Given, &AtomicBool) -> Result<Outputs, OutputsError>;

/// By the keys of the systems.
static EVALUATORS: &[(&str, Evaluator)] = &[
    ("exact-attention", exact_attention::evaluate),
    ("polynomial-attention", polynomial_attention::evaluate),
];

/// The outputs of a system without unknowns, in f64; the same bits for any number of threads.
///
/// A row whose numbers are beyond what f64 can compute with, or whose weights add up to what it cannot tell from 0, has no outputs:
/// [`Outputs::refused`] says which and why. [`OutputsError::NoRows`] where that is so of every row;
/// [`OutputsError::Unknowns`] for a system that has some.
pub fn evaluate(given: &Given) -> Result<Outputs, OutputsError> {
    evaluate_interruptible(given, &AtomicBool::new(false))
}

/// [`evaluate`] that gives up soon after `stop` is set, from another thread or a signal: [`OutputsError::Interrupted`].
pub fn evaluate_interruptible(given: &Given, stop: &AtomicBool) -> Result<Outputs, OutputsError> {
    let system = given.system().key;
    let found = EVALUATORS.iter().find(|(key, _)| *key == system);
    let (_, evaluator) = found.ok_or(OutputsError::Unknowns { system })?;
    evaluator(given, stop)
}
