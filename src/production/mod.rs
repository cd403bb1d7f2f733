//! Floor 2a: f64, fast, and honest about its error. Nothing here knows the oracle.
//!
//! ```text
//! min_x  L(x) = l(A x) + 0.5 || diag(w) A x ||^2
//! grad L = A' (grad l(z) + w^2 o z)        Hess L = A' (Hess l(z) + diag(w^2)) A        z = A x
//! ```
//!
//! A [`LogitLoss`] gives `l`, its gradient and its Hessian as a [`DiagonalPlusLowRank`]; a [`Problem`] adds the design
//! matrix and the ridge; [`solve`] minimises it by Newton's method and returns a [`Solution`] with an [`Outcome`] and,
//! where one can be proven, a bound on `||x - x*||`. The roundings are derived in `docs/numerics.md`.
//!
//! | file | what lives there |
//! |---|---|
//! | `logit_loss`, `diagonal_plus_low_rank` | what is asked of a loss of logits, and the shape of its Hessian |
//! | `softmax`, `residual_softmax`, `entrywise`, `two_layer`, `losses` | the losses, and the one of an instance |
//! | `stacked` | a sum of losses, each of logits of its own |
//! | `problem` | a loss with its design matrix and ridge |
//! | `solve`, `method`, `settings`, `outcome`, `error` | the front door, the table of methods, what may be set, how it ends, what is refused |
//! | `targets` | many targets over one matrix and the same weights |
//! | `newton`, `endings` | the loop of Newton's method and the table of its endings; the runs in QR coordinates and through Gram matrices |
//! | `logit_coordinates`, `step`, `exponential_slope`, `kinks`, `row_samples` | QR coordinates, cubic steps, the way down exponentials and off kinks, the samples of a run |
//! | `factor` | factorisations behind one trait, extreme eigenvalues |
//! | `error_bound` | proven bounds on the error of an answer |
//! | [`leverage`], [`kernels`] | leverage scores and samples; products with A |
//! | [`chain`] | a chain of gradient blocks, and how likely a dishonest one catches up |
//! | [`ranks`] | several processes that share the rows |
//! | [`queries`] | row queries of a quantum computer, counted |
//! | `systems`, `outputs` | systems that are no losses of logits: methods, and systems without unknowns |
//! | `summation`, `double`, `running_error`, `probabilities` | sums, vectors of twice the precision, numbers with an error, softmax |

#[cfg(feature = "argmin")]
mod argmin;
pub mod chain;
mod diagonal_plus_low_rank;
mod double;
mod endings;
mod entrywise;
mod error;
mod error_bound;
mod exponential_slope;
mod factor;
#[cfg(test)]
mod iteration_tests;
mod kept_gram;
pub mod kernels;
mod kinks;
pub mod leverage;
mod logit_coordinates;
mod logit_loss;
#[cfg(test)]
mod loss_tests;
mod losses;
mod method;
mod newton;
mod outcome;
mod outputs;
mod probabilities;
mod problem;
pub mod queries;
pub mod ranks;
mod residual_softmax;
mod row_samples;
mod running_error;
mod settings;
mod softmax;
mod solve;
mod stacked;
mod step;
mod summation;
mod systems;
mod targets;
#[cfg(test)]
mod test_support;
#[cfg(test)]
mod tests;
mod two_layer;

pub use diagonal_plus_low_rank::DiagonalPlusLowRank;
pub use entrywise::{Entrywise, Function};
pub use error::{EvaluationError, ProblemError, SettingsError, SolveError};
pub use error_bound::{ErrorBound, bound_error};
pub use logit_loss::{LogitErrorBounds, LogitLoss};
pub use method::Method;
pub use outcome::{Observer, Outcome, Solution, TraceEntry};
pub use outputs::{Outputs, OutputsError, RefusedRow, evaluate, evaluate_interruptible};
pub use problem::Problem;
pub use residual_softmax::ResidualSoftmax;
pub use settings::Settings;
pub use softmax::Softmax;
pub use solve::{solve, solve_interruptible, solve_observed};
pub use systems::{
    AUTO, ChainReport, ChainStatus, ChainedRounds, ContinuousBasis, ContinuousFit, Excess,
    LabelDesign, Refusal, SystemError, bound_excess, check_chain, choose_points, fit_continuous,
    has_error_bounds, ignores_seed, make_chain, method_names, method_names_of, rows_for_mean,
    rows_for_probability, solve_system,
};
pub use targets::{TargetsError, solve_targets};
pub use two_layer::TwoLayer;
