//! Systems without unknowns: their outputs, each entry with a bound of its error.
//!
//! | file | what lives there |
//! |---|---|
//! | `table` | what evaluates which system |
//! | `evaluated` | what comes back |
//! | `exact_attention`, `polynomial_attention` | one file a system |
//! | `stream` | blocks of queries against blocks of keys, in memory that grows with their number only |
//! | `columns` | the ranges of the columns of V |
//! | `attention_bound`, `power_bound` | how far off the outputs can be |
//! | `error` | what is refused |

mod attention_bound;
mod columns;
mod error;
mod evaluated;
mod exact_attention;
mod polynomial_attention;
mod power_bound;
mod stream;
mod table;
#[cfg(test)]
mod test_support;

pub use error::{OutputsError, RefusedRow};
pub use evaluated::Outputs;
pub use table::{evaluate, evaluate_interruptible};
