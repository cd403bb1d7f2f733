//! Pages that a browser shows, whole in one file: no request leaves them, and what comes from instances is text, never markup.
//!
//! | file | what lives there |
//! |---|---|
//! | `page` | the page about a run |
//! | `front`, `findings` | counts by paper, what matters most |
//! | `claim`, `slack_plot`, `shared` | one claim with everything that is known about it |
//! | `spectrum` | the picture of the spectrum, with its slider |
//! | `formula` | LaTeX to MathML |
//! | `compact` | the same markup in fewer bytes |

mod claim;
mod compact;
mod findings;
mod formula;
mod front;
mod page;
mod shared;
mod slack_plot;
mod spectrum;

pub use formula::{FormulaError, mathml};
pub use page::{PageError, page};
