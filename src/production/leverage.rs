//! Leverage scores, and the sampling of rows in proportion to them.
//!
//! ```text
//! l_i = s_i^2 a_i (A' diag(s^2) A)^-1 a_i'        the leverage score of row i of diag(s) A: in [0, 1], sum d
//! u_i >= l_i                                      an overestimate, which is all that sampling needs
//! ```
//!
//! | what | cost | guarantee |
//! |---|---|---|
//! | [`leverage_scores`] | `O(n d^2)`, dense QR | `l_i` to rounding |
//! | [`sketched_scores`] | `O(nnz(A) log n + d^3)` | `u_i >= l_i` for all rows with probability `1 - 1e-4` |
//! | [`corrected_scores`] | `O(n)` | turns overestimates for one diagonal into overestimates for another |
//! | [`draw`] | `O(n)` | `(1-eps) A'DA <= A'D~A <= (1+eps) A'DA` with probability `1 - delta`, rows at most once |
//! | [`subsample`] | `O(n d^2)` | the same by the papers' draws with replacement |
//!
//! The derivations stand in `docs/numerics.md`, "Sample size".

mod embedding;
mod exact;
mod extremes;
mod gaussian;
mod replacement;
mod sample;
mod scaled_rows;
mod sketched;
#[cfg(test)]
mod tests;

pub use exact::leverage_scores;
pub(crate) use gaussian::Gaussian;
pub(crate) use replacement::times_drawn;
pub use replacement::{Subsample, sample_count, subsample};
pub use sample::{RowSample, SampleSize, corrected_scores, draw, draw_sized, oversampling};
pub use sketched::{SCORES_FAILURE, SketchedScores, sketch, sketched_scores};

/// Why leverage scores or a sample could not be had.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LeverageError {
    /// The matrix has not full column rank, to rounding.
    #[error(
        "matrix is {rows} x {columns} and has not full column rank: smallest to largest singular value is {ratio:e}"
    )]
    RankDeficient {
        /// Rows n.
        rows: usize,
        /// Columns d.
        columns: usize,
        /// `sigma_min / sigma_max` after scaling the columns to unit size.
        ratio: f64,
    },
    /// An entry is NaN or infinite.
    #[error("matrix[{row}, {column}] is {value}: every entry must be finite")]
    NotFinite {
        /// Row.
        row: usize,
        /// Column.
        column: usize,
        /// What was found.
        value: f64,
    },
    /// A diagonal entry is not positive and finite.
    #[error("diagonal[{index}] is {value}: every entry must be positive and finite")]
    NotPositive {
        /// Where.
        index: usize,
        /// What was found.
        value: f64,
    },
    /// A row scale is negative or not finite.
    #[error("row scale [{index}] is {value}: every one must be finite and not negative")]
    Scale {
        /// Where.
        index: usize,
        /// What was found.
        value: f64,
    },
    /// A score is outside [0, 1].
    #[error("score[{index}] is {value}: every score must lie in [0, 1]")]
    Score {
        /// Where.
        index: usize,
        /// What was found.
        value: f64,
    },
    /// The diagonal has not one entry for each row, or no draws were asked for.
    #[error("{part} is {found}, expected {expected}")]
    Shape {
        /// Which part.
        part: &'static str,
        /// What it is.
        found: usize,
        /// What would fit.
        expected: String,
    },
    /// The singular values of the triangular factor did not converge.
    #[error("the singular values did not converge")]
    NoConvergence,
}
