//! Pages that a browser shows, whole in one file: no request leaves them, and what comes from instances is text, never markup.
//!
//! | file | what lives there |
//! |---|---|
//! | `page` | the page about a run, or about the claims without one |
//! | `front`, `findings` | counts by paper, what matters most |
//! | `told` | what a run found about a claim, or what is on record |
//! | `claim`, `slack_plot`, `shared` | one claim with everything that is known about it |
//! | `chart` | curves over axes, with levels and bands |
//! | `pictures` | what claims say as charts |
//! | `solver_times` | solvers beside each other, as bars |
//! | `documents` | the pictures of docs/, as files |
//! | `spectrum` | the picture of the spectrum, with its slider |
//! | `formula` | LaTeX to MathML |
//! | `compact` | the same markup in fewer bytes |

mod chart;
mod claim;
mod compact;
mod documents;
mod findings;
mod formula;
mod front;
mod page;
mod pictures;
mod shared;
mod slack_plot;
mod solver_times;
mod spectrum;
mod told;

pub use documents::{CrossoverRow, CrossoverTimes, documents};
pub use formula::{FormulaError, mathml};
pub use page::{PageError, catalogue_page, page};
