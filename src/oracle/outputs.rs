//! Outputs of a system without unknowns, row by row, at 40 digits, with or without proven error radii.

use std::sync::Arc;

use crate::oracle::OracleError;
use crate::oracle::definitions::{Estimate, LIMIT_BYTES, OutputsDefinition, lifted, outputs_of};
use crate::oracle::enclosure::Enclosed;
use crate::oracle::evaluate::Plan;
use crate::oracle::expression::Graph;
use crate::scalar::Ball;
use crate::scalar::High;
use crate::system::Given;

/// The outputs of one instance, from their definition.
pub struct OutputsReference<'a> {
    given: &'a Given,
    definition: &'static dyn OutputsDefinition,
    rows: usize,
}

/// A row's expressions, for all rows of the same form.
struct Compiled {
    form: usize,
    plan: Plan,
}

impl<'a> OutputsReference<'a> {
    /// Of an instance of a system that asks about outputs; [`OracleError::NoDefinition`] for another.
    pub fn of(given: &'a Given) -> Result<Self, OracleError> {
        let definition = outputs_of(given).ok_or(OracleError::NoDefinition {
            system: given.system().key,
        })?;
        let layout = given.outputs_layout();
        let rows = layout
            .parts()
            .next()
            .and_then(|(_, shape, _)| shape.first().copied())
            .unwrap_or(0);
        Ok(Self {
            given,
            definition,
            rows,
        })
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Row `i`, rounded to 40 digits at every operation.
    ///
    /// [`OracleError::Poisoned`], naming the entry, where the definition has no value there or leaves the range of [`High`];
    /// [`OracleError::RowTooLarge`] before anything is built if the graph would not fit.
    pub fn evaluate_row(&self, i: usize) -> Result<Vec<High>, OracleError> {
        let compiled = self.compiled(i)?;
        self.run(&compiled, i, |value| value)
    }

    /// Row `i`, each entry with a bound of its rounding error. Errors as for [`evaluate_row`](Self::evaluate_row).
    pub fn enclose_row(&self, i: usize) -> Result<Vec<Ball>, OracleError> {
        let compiled = self.compiled(i)?;
        self.run(&compiled, i, |value| Ball::new(value, High::ZERO))
    }

    /// All rows, one after the other, each entry with a bound of its rounding error. Errors as for
    /// [`evaluate_row`](Self::evaluate_row).
    pub fn enclose(&self) -> Result<Vec<Ball>, OracleError> {
        let mut all = Vec::new();
        for row in self.enclosures() {
            all.extend(row?);
        }
        Ok(all)
    }

    /// Row after row, each entry with a bound of its rounding error, or why the row has none: a row without a value leaves the
    /// others theirs. Errors as for [`evaluate_row`](Self::evaluate_row).
    pub fn enclosures(&self) -> impl Iterator<Item = Result<Vec<Ball>, OracleError>> {
        let mut last: Option<Compiled> = None;
        (0..self.rows).map(move |i| {
            let form = self.definition.form(self.given, i);
            let compiled = match last.take().filter(|last| last.form == form) {
                Some(same) => same,
                None => self.compiled(i)?,
            };
            let row = self.run(&compiled, i, |value| Ball::new(value, High::ZERO));
            last = Some(compiled);
            row
        })
    }

    /// Nodes and terms of row `i`: how many there are, and how many were expected.
    #[cfg(test)]
    pub(super) fn size_of_row(&self, i: usize) -> (u64, u64) {
        let mut graph = Graph::new();
        self.definition.row(&mut graph, self.given, i);
        let real = (graph.len() + graph.terms()) as u64;
        (real, self.definition.terms(self.given, i))
    }

    fn compiled(&self, i: usize) -> Result<Compiled, OracleError> {
        let expected = Estimate::of(self.definition.terms(self.given, i));
        if expected.bytes > LIMIT_BYTES {
            return Err(OracleError::RowTooLarge {
                system: self.given.system().key,
                row: i,
                nodes: expected.nodes,
                mebibytes: expected.bytes >> 20,
                limit: LIMIT_BYTES >> 20,
            });
        }
        let mut graph = Graph::new();
        let outputs = self.definition.row(&mut graph, self.given, i);
        let constants: Arc<[High]> = Arc::from(graph.constants());
        Ok(Compiled {
            form: self.definition.form(self.given, i),
            plan: Plan::new(&graph, &constants, &outputs),
        })
    }

    fn run<T: Enclosed>(
        &self,
        compiled: &Compiled,
        i: usize,
        number: impl Fn(High) -> T,
    ) -> Result<Vec<T>, OracleError> {
        let arguments = self.definition.arguments(self.given, i);
        let point: Vec<T> = arguments
            .iter()
            .map(|value| number(lifted(*value)))
            .collect();
        compiled
            .plan
            .evaluate(&point, |c| format!("outputs[{i}, {c}]"))
            .map_err(|error| match error {
                // Rows share their expressions, which cannot name one.
                OracleError::Vanishes {
                    quantity,
                    largest,
                    consequence,
                } => OracleError::Vanishes {
                    quantity: format!("row {i}: {quantity}"),
                    largest,
                    consequence,
                },
                other => other,
            })
    }
}
