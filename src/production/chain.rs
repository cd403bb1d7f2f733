//! A chain of gradient blocks, and how likely a dishonest one catches up.
//!
//! | file | what lives there |
//! |---|---|
//! | `digest` | SHA-256 of numbers and texts |
//! | `block`, `follow` | a block as a line of a file; whether blocks follow each other |
//! | `catch_up` | the probability that an attacker catches up, to 30 digits |

mod block;
mod catch_up;
mod digest;
mod follow;

pub use block::{Block, LineError, hexadecimal};
pub use catch_up::{CatchUp, CatchUpError, DIGITS, catch_up, poisson_form};
pub use digest::{Digest, digest_of, digest_of_text};
pub use follow::{Chain, ChainError};
