//! What the oracle found about outputs.

use serde::Serialize;
use serde_json::Value;

use crate::oracle::{Ball, OracleError, OutputsReference};
use crate::scalar::certified;
use crate::system::{Layout, as_json};

/// Rows with and without values.
#[derive(Debug)]
pub struct ReferenceOutputs {
    /// None for those without.
    rows: Vec<Option<Vec<Ball>>>,
    /// Why the first has none.
    first: Option<OracleError>,
}

/// What `attreg reference --json` prints about outputs.
#[derive(Debug, Serialize)]
pub struct OutputsReport {
    /// The outputs under their name, as the system's table has it.
    #[serde(flatten)]
    outputs: Value,
    /// The rows without values, null there; absent where all have some.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    refused_rows: Vec<usize>,
    /// How many, and why the first has none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
    #[serde(skip)]
    entries: Vec<(String, String)>,
}

impl ReferenceOutputs {
    /// All rows. An error that is not about one row only, or where no row has a value.
    pub fn of(reference: &OutputsReference<'_>) -> Result<Self, OracleError> {
        let mut found = Self {
            rows: Vec::with_capacity(reference.rows()),
            first: None,
        };
        for row in reference.enclosures() {
            found.rows.push(match row {
                Ok(values) => Some(values),
                Err(error @ OracleError::Vanishes { .. }) => {
                    found.first.get_or_insert(error);
                    None
                }
                Err(error) => return Err(error),
            });
        }
        match found
            .first
            .take_if(|_| found.rows.iter().all(Option::is_none))
        {
            Some(error) => Err(error),
            None => Ok(found),
        }
    }

    /// The report: as many digits of each output as are certified, by the names of the layout.
    pub fn report(&self, layout: &Layout) -> OutputsReport {
        let columns = layout.dimension() / self.rows.len().max(1);
        let texts: Vec<Option<String>> = self
            .rows
            .iter()
            .flat_map(|row| match row {
                Some(values) => values
                    .iter()
                    .map(|ball| Some(certified(ball.midpoint(), ball.radius())))
                    .collect(),
                None => vec![None; columns],
            })
            .collect();
        let missing = self
            .rows
            .iter()
            .enumerate()
            .filter(|(_, row)| row.is_none());
        let refused_rows: Vec<usize> = missing.map(|(i, _)| i).collect();
        let warning = self
            .first
            .as_ref()
            .map(|first| rows_without_outputs(refused_rows.len(), self.rows.len(), first));
        let entries = texts.iter().enumerate().map(|(k, text)| {
            let shown = text.clone().unwrap_or_else(|| NONE.to_owned());
            (layout.entry(k).unwrap_or_default(), shown)
        });
        OutputsReport {
            outputs: as_json(layout, &texts),
            refused_rows,
            warnings: warning.into_iter().collect(),
            entries: entries.collect(),
        }
    }
}

impl OutputsReport {
    /// Whether every row has its outputs.
    pub fn is_whole(&self) -> bool {
        self.refused_rows.is_empty()
    }

    /// What is to be said first, and a row for each output.
    pub fn table(&self) -> Vec<(String, String)> {
        let warnings = self.warnings.iter().cloned();
        let warnings = warnings.map(|text| ("warning".to_owned(), text));
        warnings.chain(self.entries.iter().cloned()).collect()
    }
}

/// What stands in a table for a value that is not there.
pub const NONE: &str = "none";

/// The line about rows without outputs.
pub fn rows_without_outputs(count: usize, rows: usize, first: &impl std::fmt::Display) -> String {
    let have = if count == 1 { "has" } else { "have" };
    format!("{count} of {rows} rows {have} no outputs, the first because of this: {first}")
}
