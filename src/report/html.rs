//! Pages that a browser shows, whole in one file: no request leaves them.
//!
//! | file | what lives there |
//! |---|---|
//! | `formula` | LaTeX to MathML |

mod formula;

pub use formula::{FormulaError, mathml};
