//! What the oracle found about outputs.

use serde::Serialize;
use serde_json::Value;

use crate::cli::{CliError, Exit, output};
use crate::oracle::{Ball, OracleError, OutputsReference};
use crate::scalar::certified;
use crate::system::{Layout, as_json};

/// Rows with and without values.
pub(super) struct Found {
    /// None for those without.
    rows: Vec<Option<Vec<Ball>>>,
    /// Why the first has none.
    first: Option<OracleError>,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report {
    /// The outputs under their name, as the system's table has it.
    #[serde(flatten)]
    outputs: Value,
    /// The rows without values, null there; absent where all have some.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    refused_rows: Vec<usize>,
    /// How many, and why the first has none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

impl Found {
    /// All rows. An error that is not about one row only, or where no row has a value.
    pub(super) fn of(reference: &OutputsReference<'_>) -> Result<Self, OracleError> {
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

    /// As JSON under their name, or a row for each.
    pub(super) fn print(&self, layout: &Layout, json: bool) -> Result<Exit, CliError> {
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
            .map(|first| output::rows_without_outputs(refused_rows.len(), self.rows.len(), first));
        output::print(&if json {
            output::json_report(&Report {
                outputs: as_json(layout, &texts),
                refused_rows,
                warnings: warning.into_iter().collect(),
            })
        } else {
            let warnings = warning.into_iter().map(|text| ("warning".to_owned(), text));
            let entries = texts.into_iter().enumerate().map(|(k, text)| {
                let shown = text.unwrap_or_else(|| output::NONE.to_owned());
                (layout.entry(k).unwrap_or_default(), shown)
            });
            output::table(&warnings.chain(entries).collect::<Vec<_>>())
        })?;
        Ok(Exit::of(self.first.is_none()))
    }
}
