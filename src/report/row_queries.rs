//! How many rows a regression by leverage scores reads.

use serde::Serialize;

use crate::production::queries::{QueryError, RowQueries};

/// What `attreg row-queries --json` prints.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RowQueriesReport {
    /// n.
    pub rows: u64,
    /// d.
    pub columns: u64,
    /// The rows of the printed sample.
    pub printed_sample: u64,
    /// Queries that find them.
    pub printed_queries: u64,
    /// Rows that are enough.
    pub needed_sample: u64,
    /// Queries that find them.
    pub needed_queries: u64,
    /// Rows that are read without queries.
    pub classical_rows: u64,
    /// Rows from which queries are faster than reading all rows, for the rows that are enough.
    pub needed_break_even: f64,
    /// The same for the printed sample.
    pub printed_break_even: f64,
}

impl RowQueriesReport {
    /// The counts for n `rows` of d `columns`, a loss within `1 + accuracy` of the least but for a probability of `delta`, and a query
    /// that takes `slowdown` times as long as reading a row. Refuses what [`RowQueries`] refuses.
    pub fn new(
        rows: u64,
        columns: u64,
        accuracy: f64,
        delta: f64,
        slowdown: f64,
    ) -> Result<Self, QueryError> {
        let counts = RowQueries::new(rows, columns, accuracy, delta)?;
        let [needed_break_even, printed_break_even] = counts.break_even(slowdown)?;
        Ok(Self {
            rows,
            columns,
            printed_sample: counts.printed_rows,
            printed_queries: counts.printed,
            needed_sample: counts.needed_rows,
            needed_queries: counts.needed,
            classical_rows: counts.classical(),
            needed_break_even,
            printed_break_even,
        })
    }

    /// A row for each number that was not given.
    pub fn table(&self) -> Vec<(String, String)> {
        let row = |name: &str, value: String| (name.to_owned(), value);
        vec![
            row(
                "rows of the printed sample",
                self.printed_sample.to_string(),
            ),
            row("  queries", self.printed_queries.to_string()),
            row(
                "  faster from rows",
                format!("{:.3e}", self.printed_break_even),
            ),
            row("rows that are enough", self.needed_sample.to_string()),
            row("  queries", self.needed_queries.to_string()),
            row(
                "  faster from rows",
                format!("{:.3e}", self.needed_break_even),
            ),
            row("rows read without queries", self.classical_rows.to_string()),
        ]
    }
}
