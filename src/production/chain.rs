//! A chain of gradient blocks, and how likely a dishonest one catches up.
//!
//! | file | what lives there |
//! |---|---|
//! | `digest` | SHA-256 of numbers |
//! | `catch_up` | the probability that an attacker catches up, to 30 digits |

mod catch_up;
mod digest;

pub use catch_up::{CatchUp, CatchUpError, catch_up, poisson_form};
pub use digest::{Digest, digest_of};
