//! What the methods for systems refuse, one line each.

use crate::production::{EvaluationError, ProblemError, SettingsError, SolveError};

/// Why a method does not take a problem.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// It is for another system.
    #[error("it solves {solves} only")]
    System {
        /// The key of the system that it solves.
        solves: &'static str,
    },
    /// It would need a symmetric matrix of too high an order.
    #[error("{what} is {order}: at most {limit} are solved by a dense Hessian")]
    Order {
        /// What the order is.
        what: &'static str,
        /// The order.
        order: usize,
        /// The largest that is taken.
        limit: usize,
    },
    /// The rank asked for is larger than the matrix allows.
    #[error("rank is {rank}, but M is {rows} x {columns}")]
    Rank {
        /// The rank asked for.
        rank: usize,
        /// Rows of M.
        rows: usize,
        /// Columns of M.
        columns: usize,
    },
    /// `(max W)^2 (max |M|)^2`, the size of the loss, is not a normal f64.
    #[error("(W o M)^2 is about {value:e}: the loss is beyond the range of f64")]
    Scale {
        /// Its value.
        value: f64,
    },
    /// It is for other kinds of the system.
    #[error("kind is \"{kind}\": it solves {solves} only")]
    Kind {
        /// The kind that is given.
        kind: &'static str,
        /// What it solves.
        solves: &'static str,
    },
    /// A without full column rank takes singular values, and there are too many.
    #[error(
        "the columns of A are dependent, and it has {order} singular values: at most {limit} are computed"
    )]
    Singular {
        /// How many there are.
        order: usize,
        /// How many are computed.
        limit: usize,
    },
    /// Nothing can be proven about a loss whose A has dependent columns.
    #[error("the columns of A are dependent to rounding, and no ridge is above it")]
    Dependent,
    /// A row of A beyond what exponents of its exponential hold.
    #[error("the square of row {row} of A is {square:e}: at most 2^41 is solved")]
    Long {
        /// The row.
        row: usize,
        /// Its square.
        square: f64,
    },
    /// A kernel of too many rows.
    #[error("A has {rows} distinct rows: at most {limit} are solved by {how}")]
    Rows {
        /// How many.
        rows: usize,
        /// The largest number.
        limit: usize,
        /// The way.
        how: &'static str,
    },
    /// More products than a run makes.
    #[error("power is {power}: at most {limit} is solved")]
    Power {
        /// The power asked for.
        power: u64,
        /// The largest that is taken.
        limit: u64,
    },
    /// What is asked for is beyond the range of f64.
    #[error("{what} is about 2^{exponent}: beyond the range of f64")]
    Range {
        /// What it is.
        what: &'static str,
        /// Its binary exponent.
        exponent: i64,
    },
    /// More components than orthogonal vectors.
    #[error("components is {components}, but n is {side}: at most n vectors are orthogonal")]
    Components {
        /// How many are asked for.
        components: usize,
        /// The side of T.
        side: usize,
    },
    /// The low-rank parts of all clients together are too large.
    #[error(
        "{clients} clients have {rows} rows together: a product of both of at most {limit} is solved"
    )]
    Clients {
        /// How many clients.
        clients: usize,
        /// Their rows.
        rows: usize,
        /// The largest product of both.
        limit: usize,
    },
    /// No round can be made of so many clients.
    #[error(
        "participants is {participants}, but there are {clients} clients: from 1 to all of them take part in a round"
    )]
    Participants {
        /// How many are asked for.
        participants: usize,
        /// How many there are.
        clients: usize,
    },
    /// Nobody would be waited for.
    #[error(
        "stragglers is {stragglers}, but {participants} clients take part in a round: at least one has to be waited for"
    )]
    Stragglers {
        /// How many are late.
        stragglers: usize,
        /// How many take part.
        participants: usize,
    },
    /// Nothing would be left of the differences.
    #[error("trimmed is {trimmed} at both ends, but a round waits for {waited_for} clients only")]
    Trimmed {
        /// How many come in.
        waited_for: usize,
        /// How many are left out at each end.
        trimmed: usize,
    },
    /// A basis without functions.
    #[error("the basis has no functions: at least 1 is needed")]
    NoFunctions,
    /// Fewer labels than the functions of a pool have dimensions.
    #[error("budget is {budget}: at least {rank} labels are needed, the rank of the pool")]
    Budget {
        /// Labels that may be read.
        budget: usize,
        /// The rank of the pool.
        rank: usize,
    },
    /// Too few labels for draws between barriers.
    #[error(
        "budget is {budget}: randomised BSS needs more labels than that for a pool of rank {rank}"
    )]
    Barriers {
        /// Labels that may be read.
        budget: usize,
        /// The rank of the pool.
        rank: usize,
    },
    /// No sample had full rank.
    #[error(
        "none of {tries} samples of {draws} draws had the rank {rank} of the pool: more labels are needed"
    )]
    NoSample {
        /// Draws of each sample.
        draws: usize,
        /// Samples.
        tries: u64,
        /// The rank of the pool.
        rank: usize,
    },
    /// More work than a method is for.
    #[error("n d^2 budget is {work:e}: at most {limit:e} is scored by this method")]
    Work {
        /// Multiply-adds.
        work: f64,
        /// The largest number.
        limit: f64,
    },
    /// A label that is no number.
    #[error("label {index} is {value}: every label must be finite")]
    Label {
        /// Its place in the order of reading.
        index: usize,
        /// Its value.
        value: f64,
    },
    /// A singular value decomposition did not converge.
    #[error("a factorisation of {name} did not converge")]
    Factorisation {
        /// The array.
        name: &'static str,
    },
    /// The arrays cannot be used in f64.
    #[error(transparent)]
    Arrays(#[from] EvaluationError),
}

/// Bad input to [`solve_system`](crate::production::solve_system). Everything after a good start is an
/// [`Outcome`](crate::production::Outcome) instead.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SystemError {
    /// A setting outside its range.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// No method of this name takes the problem.
    #[error("method {method} does not take this: {refusal}")]
    Method {
        /// Its name.
        method: String,
        /// Why not.
        refusal: Refusal,
    },
    /// There is no method of this name for systems.
    #[error("method {method} is for losses of logits: system \"{system}\" is solved by {known}")]
    NoMethod {
        /// The name.
        method: String,
        /// The system's key.
        system: &'static str,
        /// The methods that solve it.
        known: String,
    },
    /// The problem cannot be set up.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// No method of this name makes rounds.
    #[error("method {method} makes no rounds: {known} do")]
    NoRounds {
        /// The name.
        method: String,
        /// The methods that make some.
        known: String,
    },
    /// The arrays make no problem of logits.
    #[error(transparent)]
    Problem(#[from] ProblemError),
    /// The solver of losses of logits refuses it.
    #[error(transparent)]
    Solve(#[from] SolveError),
    /// The start has another number of entries, or one that is not finite.
    #[error("start: {0}")]
    Start(String),
    /// The loss or a derivative leaves the range of f64 at the start.
    #[error("start: {0}")]
    Evaluation(#[from] EvaluationError),
}
