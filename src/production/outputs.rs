//! Systems without unknowns: their outputs, each entry with a bound of its error.
//!
//! | file | what lives there |
//! |---|---|
//! | `table` | what evaluates which system |
//! | `evaluated` | what comes back |
//! | `exact_attention` | blocks of queries against blocks of keys, in memory that grows with their number only |
//! | `attention_bound` | how far off such an attention can be |
//! | `error` | what is refused |

mod attention_bound;
mod error;
mod evaluated;
mod exact_attention;
mod table;

pub use error::OutputsError;
pub use evaluated::Outputs;
pub use table::evaluate;
