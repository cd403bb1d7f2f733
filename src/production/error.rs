//! What production refuses: every variant names the quantity, the place and the value.

/// Why a loss, gradient or Hessian could not be evaluated at a point.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EvaluationError {
    /// A vector has the wrong length.
    #[error("{part} has {found} entries, expected {expected}")]
    Shape {
        /// Which vector.
        part: &'static str,
        /// Its length.
        found: usize,
        /// The length that fits.
        expected: usize,
    },
    /// An entry of the point is NaN or infinite.
    #[error("{part}[{index}] is {value}: every entry must be finite")]
    NotFinite {
        /// Which vector.
        part: &'static str,
        /// Where.
        index: usize,
        /// What was found.
        value: f64,
    },
    /// The loss has a pole, and the point cannot be told from it.
    #[error(
        "{quantity} is {value:e}, which cannot be told from zero (its error is up to {error:e}): the loss has a pole there"
    )]
    Pole {
        /// What must not be zero.
        quantity: &'static str,
        /// Its computed value.
        value: f64,
        /// The bound of its error.
        error: f64,
    },
    /// A finite input led to a result outside the range of f64.
    #[error("{quantity}[{index}] overflows f64 (it came out as {value})")]
    Overflow {
        /// What was computed.
        quantity: &'static str,
        /// Its first entry that is not finite.
        index: usize,
        /// The value found there.
        value: f64,
    },
}

/// Why a [`Problem`](crate::production::Problem) cannot be set up.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ProblemError {
    /// Parts that do not fit together or are not finite.
    #[error("{reason}")]
    Parts {
        /// What [`InstanceError`](crate::instance::InstanceError) says of them.
        reason: String,
    },
    /// `w_i^2` overflows.
    #[error("weights[{index}] is {value:?}: its square overflows f64")]
    WeightTooLarge {
        /// Where.
        index: usize,
        /// The weight.
        value: f64,
    },
    /// The loss, the matrix and the weights do not fit together.
    #[error("{part} has {found} entries, expected {expected}")]
    Shape {
        /// Which part.
        part: &'static str,
        /// Its length.
        found: usize,
        /// The length that fits.
        expected: usize,
    },
    /// The ranks that are to share the rows have no vector instructions in common.
    #[error(
        "the ranks have processors of different kinds ({levels}): their results would have different bits"
    )]
    Processors {
        /// The best level of each rank.
        levels: String,
    },
    /// A weight is NaN or infinite.
    #[error("{part}[{index}] is {value}: every entry must be finite")]
    NotFinite {
        /// Which part.
        part: &'static str,
        /// Where.
        index: usize,
        /// What was found.
        value: f64,
    },
}

/// A setting outside its range.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{setting} is {value}: must be {range}")]
pub struct SettingsError {
    /// The field of [`Settings`](crate::production::Settings).
    pub setting: &'static str,
    /// The value found.
    pub value: f64,
    /// What is allowed.
    pub range: &'static str,
}

/// Bad input to [`solve`](crate::production::solve). Everything that happens after a good start is an
/// [`Outcome`](crate::production::Outcome) instead.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SolveError {
    /// A setting outside its range.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The start is not usable: wrong length, not finite, or the loss overflows there.
    #[error("start: {0}")]
    Start(#[from] EvaluationError),
    /// More columns than a Gram matrix can have.
    #[error("the matrix has {columns} columns: at most {limit} are solved through a Gram matrix")]
    TooManyColumns {
        /// The number of columns d.
        columns: usize,
        /// The largest that is taken.
        limit: usize,
    },
    /// Several ranks share the rows, and this method needs all of them together.
    #[error("the method {method} does not run on several ranks: its sample is one of all rows")]
    NotInParts {
        /// Its name.
        method: &'static str,
    },
    /// A factorisation of the design matrix did not converge.
    #[error("a factorisation of the design matrix did not converge in {iterations} iterations")]
    Factorisation {
        /// The iteration limit.
        iterations: usize,
    },
}
