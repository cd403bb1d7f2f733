//! What evaluates which system.

use crate::production::outputs::error::OutputsError;
use crate::production::outputs::evaluated::Outputs;
use crate::production::outputs::{exact_attention, polynomial_attention};
use crate::system::Given;

/// What evaluates a system.
type Evaluator = fn(&Given) -> Result<Outputs, OutputsError>;

/// By the keys of the systems.
static EVALUATORS: &[(&str, Evaluator)] = &[
    ("exact-attention", exact_attention::evaluate),
    ("polynomial-attention", polynomial_attention::evaluate),
];

/// The outputs of a system without unknowns, in f64; the same bits for any number of threads.
///
/// [`OutputsError::Unknowns`] for a system that has some; another error where the numbers given are beyond what f64 can
/// compute with, naming the entry.
pub fn evaluate(given: &Given) -> Result<Outputs, OutputsError> {
    let system = given.system().key;
    let found = EVALUATORS.iter().find(|(key, _)| *key == system);
    let (_, evaluator) = found.ok_or(OutputsError::Unknowns { system })?;
    evaluator(given)
}
