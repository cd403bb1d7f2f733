//! A proven bound on `||x - x*||`, or why there is none.
//!
//! | file | what lives there |
//! |---|---|
//! | `bound` | what a bound is |
//! | `choose` | through the Gram matrix of the ridge, through others, in QR coordinates, or not at all |
//! | `interruptible` | a bound that is not waited for once somebody asks for an end |
//! | `in_qr`, `factors`, `newton_step` | in the coordinates of a QR factorisation, whose factors are verified |
//! | `by_ridge`, `softmax_rows`, `softmax_hessian` | softmax in the metric of its ridge, through the Gram matrix that the solve has made |
//! | `softmax_several` | the rows of several targets at once |
//! | `by_gram`, `hessian_facts` | through Gram matrices of A and of the Hessian |
//! | `better` | strong convexity against Newton and Kantorovich |
//! | `kantorovich` | the theorem, in the metric of the Hessian |
//! | `positive_definite` | Rump's test by a Cholesky factorisation |
//! | `rounding` | what bounds are charged for their own rounding |

mod better;
mod bound;
mod by_gram;
mod by_ridge;
mod choose;
mod factors;
mod hessian_facts;
mod in_qr;
mod interruptible;
mod kantorovich;
mod newton_step;
mod positive_definite;
mod rounding;
mod softmax_hessian;
mod softmax_rows;
mod softmax_several;

pub(crate) use bound::Certificate;
pub use bound::ErrorBound;
pub(crate) use by_ridge::ProvenRidge;
pub use choose::bound_error;
pub(crate) use choose::certify;
pub(crate) use in_qr::bound_in;
pub(crate) use interruptible::{Stop, bound_until};
pub(crate) use positive_definite::{Bounded, lost};
pub(crate) use rounding::{SLACK, norm_bound, size};
pub(crate) use softmax_rows::SoftmaxFacts;
pub(crate) use softmax_several::{Found, Several, Workspace};
