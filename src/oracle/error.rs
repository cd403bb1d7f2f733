//! Why the oracle gives no answer.

/// Why the oracle refused or could not finish.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OracleError {
    /// An evaluation left the range of the arithmetic or hit an undefined operation.
    #[error("{quantity} is not a number at this point: {reason}")]
    Poisoned {
        /// What was being computed.
        quantity: String,
        /// Which operation, as far as known.
        reason: String,
    },
    /// A quantity that must not be zero cannot be told from zero: a pole, or a kink without derivative.
    #[error(
        "{quantity} cannot be told from zero here (its size is at most {largest}): {consequence}"
    )]
    Vanishes {
        /// The quantity, as a formula.
        quantity: String,
        /// Its largest possible size, to three digits.
        largest: String,
        /// What the definition has there.
        consequence: &'static str,
    },
    /// The expression graph would not fit in memory.
    #[error(
        "the graph for n = {rows}, d = {columns} would need about {nodes} nodes ({mebibytes} MiB), the limit is {limit} MiB"
    )]
    TooLarge {
        /// Rows of A.
        rows: usize,
        /// Columns of A.
        columns: usize,
        /// Estimated nodes.
        nodes: u64,
        /// Estimated memory.
        mebibytes: u64,
        /// The limit.
        limit: u64,
    },
    /// The expression graph of a system would not fit in memory.
    #[error(
        "the graph of {system} with {unknowns} unknowns would need about {nodes} nodes ({mebibytes} MiB), the limit is {limit} MiB"
    )]
    SystemTooLarge {
        /// The system.
        system: &'static str,
        /// Entries of its unknowns together.
        unknowns: usize,
        /// Estimated nodes.
        nodes: u64,
        /// Estimated memory.
        mebibytes: u64,
        /// The limit.
        limit: u64,
    },
    /// The expression graph of a row of outputs would not fit in memory.
    #[error(
        "the graph of row {row} of {system} would need about {nodes} nodes ({mebibytes} MiB), the limit is {limit} MiB"
    )]
    RowTooLarge {
        /// The system.
        system: &'static str,
        /// The row.
        row: usize,
        /// Estimated nodes.
        nodes: u64,
        /// Estimated memory.
        mebibytes: u64,
        /// The limit.
        limit: u64,
    },
    /// The system is not one that the oracle knows.
    #[error("system \"{system}\" has no definition in the oracle")]
    NoDefinition {
        /// The system.
        system: &'static str,
    },
    /// A point has the wrong number of entries.
    #[error("point has {found} entries, expected {expected}")]
    Shape {
        /// Entries found.
        found: usize,
        /// Entries needed.
        expected: usize,
    },
    /// Newton's method did not reach a minimiser with a provable error.
    #[error(
        "no minimiser: {reason} after {iterations} iterations (gradient norm {gradient_norm:e})"
    )]
    NoMinimiser {
        /// What stood in the way.
        reason: String,
        /// Steps taken.
        iterations: usize,
        /// Size of the last gradient.
        gradient_norm: f64,
    },
    /// A factorisation at 40 digits failed.
    #[error("{0}")]
    Factorisation(String),
}
