//! What an evaluation refuses, one line each.

/// Why there are no outputs.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum OutputsError {
    /// The system asks about a loss.
    #[error("system \"{system}\" has unknowns: it is solved, not evaluated")]
    Unknowns {
        /// The system's key.
        system: &'static str,
    },
    /// No row has outputs.
    #[error("{}{first}", if *.rows > 1 { format!("none of the {rows} rows has outputs: ") } else { String::new() })]
    NoRows {
        /// Why the first has none.
        first: RefusedRow,
        /// How many there are.
        rows: usize,
    },
    /// Somebody asked the evaluation to stop.
    #[error("stopped before the outputs were computed")]
    Interrupted,
}

/// Why a row has no outputs.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RefusedRow {
    /// A quotient of the query by the scale is beyond f64.
    #[error("Q[{row}, {column}] / scale is beyond the range of f64")]
    Query {
        /// The query.
        row: usize,
        /// The entry.
        column: usize,
    },
    /// The bound on the logits of the query is so large that a logit may be beyond f64.
    #[error(
        "logits of query {row} may be as large as ||Q_{row}|| max ||K|| / scale = {largest:e}: beyond the range of f64"
    )]
    Logits {
        /// The query.
        row: usize,
        /// The bound.
        largest: f64,
    },
    /// The powers of the row add up to 0, or to what rounding cannot tell from it.
    #[error(
        "row {row}: its powers of degree {degree} add up to what f64 cannot tell from 0, and its outputs are divided by that"
    )]
    RowSum {
        /// The query.
        row: usize,
        /// The degree.
        degree: u32,
    },
    /// An output is beyond f64.
    #[error("outputs[{row}, {column}] is beyond the range of f64")]
    Output {
        /// The query.
        row: usize,
        /// The column of the values.
        column: usize,
    },
}

impl RefusedRow {
    /// Its number.
    pub fn row(&self) -> usize {
        match self {
            Self::Query { row, .. }
            | Self::Logits { row, .. }
            | Self::RowSum { row, .. }
            | Self::Output { row, .. } => *row,
        }
    }
}
