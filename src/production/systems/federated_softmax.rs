//! Softmax regression over several clients (GradientCoin, arXiv 2308.10502).
//!
//! ```text
//! f(x) = 1/N sum_c L_c(x)     mu_c = (min w_c^2 - lambda) sigma_min(A_c)^2     L_c = (max w_c^2 + Lambda) sigma_max(A_c)^2
//! ```
//!
//! | file | what lives there |
//! |---|---|
//! | `federation` | the clients, their sum as one problem, steps, what a run ends with |
//! | `descent` | gradients of one client along a run, by fused sweeps |
//! | `newton` | Newton's method on the sum, which takes `d (d + 1) / 2 + d` numbers of each client a step |
//! | `rounds` | rounds of local steps, plain or corrected, and their ends |
//! | `maker` | what one round makes of a common x |
//! | `chained` | rounds one by one, for a chain of blocks |
//! | `journal` | such a chain in a file |
//! | `schedule` | who takes part in a round, and who is not waited for |
//! | `aggregate` | means, medians and trimmed means of what clients send |

mod aggregate;
mod chained;
mod descent;
mod federation;
mod journal;
mod maker;
mod newton;
mod rounds;
mod schedule;
#[cfg(test)]
mod tests;

pub use chained::ChainedRounds;
pub use journal::{ChainReport, ChainStatus, check_chain, make_chain};
pub(crate) use newton::FederatedNewton;
pub(crate) use rounds::{CORRECTED, FEDAVG, MEDIAN, TRIMMED};

/// The key of the system.
const KEY: &str = "federated-softmax";
