//! Claims as curves, for pictures: the quantity that a claim bounds, over what it depends on, by the same oracle and the same forms.
//!
//! | file | what |
//! |---|---|
//! | `contraction` | how much nearer a step comes to the minimiser, over the condition number |
//! | `samples` | how likely a sample misses its accuracy, over its size |
//! | `limits` | where rounds of local steps come to rest, over the number of local steps |
//! | `entropy` | how even the weights of a real attention head are, at both scales |
//! | `degrees` | how likely polynomial attention fires, over its degree |
//!
//! Nothing is drawn at random: the same program gives the same numbers.

mod contraction;
mod degrees;
mod entropy;
mod limits;
mod samples;

pub use contraction::{Contraction, contraction};
pub use degrees::{Degrees, degrees};
pub use entropy::{HeadEntropy, head_entropy};
pub use limits::{LocalLimit, LocalLimits, local_limits};
pub use samples::{BadSample, BadSamples, bad_samples};

/// Points `(x, y)` from left to right.
pub type Points = Vec<(f64, f64)>;
