//! Methods for the systems that are no losses of logits.
//!
//! | file | what lives there |
//! |---|---|
//! | `method` | what a method is: what it takes, at what cost, and how it runs |
//! | `table` | every method, and the one that `auto` means |
//! | `curvature` | second derivatives as a matrix or by products, steps by them, and what kind of point they say this is |
//! | `trust_region` | Levenberg-Marquardt on a loss from which its linear unknowns are eliminated |
//! | `attention` | single-layer attention: variable projection on whitened logits |
//! | `low_rank` | weighted low rank: variable projection on subspaces, and alternating least squares |
//! | `kernel_regression` | attention kernel regression: powers by a triangular factor, the kernel by Cholesky or conjugate gradients |
//! | `tensor_power` | components of a symmetric tensor: starts from a random contraction and simultaneous steps, and deflation |
//! | `leverage_regression` | linear regression: a triangular factor, conjugate gradients, a sample of rows; how far a loss is above the least |
//! | `federated_softmax` | softmax regression over clients: Newton's method on their sum, rounds of local steps |
//! | `active_learning` | linear regression from few labels: which points to label, the fit, whole domains |
//! | `linear` | what linear systems share: exponents, factors of `A'A`, how an answer is handed back |
//! | `reached`, `error` | how a run ends, and what is refused |

mod active_learning;
mod attention;
mod curvature;
mod error;
mod federated_softmax;
mod kernel_regression;
mod leverage_regression;
mod linear;
mod low_rank;
mod method;
mod reached;
mod table;
mod tensor_power;
mod trust_region;

pub use active_learning::{
    ContinuousBasis, ContinuousFit, LabelDesign, choose_points, fit_continuous,
};
pub use error::{Refusal, SystemError};
pub use federated_softmax::{ChainReport, ChainStatus, ChainedRounds, check_chain, make_chain};
pub use leverage_regression::{Excess, bound_excess, rows_for_mean, rows_for_probability};
pub use method::AUTO;
pub use table::{has_error_bounds, ignores_seed, method_names, method_names_of, solve_system};
