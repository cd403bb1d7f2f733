//! Floor 5: judges somebody else's numbers. How many digits are right, how many f64 can be asked for on this instance,
//! and which known mistake a wrong answer matches. Nothing here knows production, but for `approximation`.
//!
//! | file | what lives there |
//! |---|---|
//! | `answer` | an answer as it arrives: JSON, numpy arrays, decimal strings |
//! | `truth` | the oracle's values with what f64 rounding makes of them: the required digits and their reason |
//! | `digits` | correct digits of a whole quantity |
//! | `score` | a quantity judged: its digits, those of each entry, and the worst entry |
//! | `verdict` | a whole answer judged |
//! | `minimiser` | a minimiser judged, also one that belongs to another local minimum |
//! | `approximation` | an answer that is to be near the least loss only, judged by a proof |
//! | `diagnosis` | the known mistakes, recomputed at 40 digits and compared with a wrong answer |
//! | `system` | answers about systems whose unknowns have names |
//! | `outputs` | answers about systems without unknowns |
//! | `posed` | an answer about any system: who reads and who judges it |
//! | `precision` | what an answer in a lower precision is asked for, and the data as it sees them |
//! | `reader` | the numbers of such answers, arranged as the system names them |
//! | [`kit`] | the conformance kit: its instances, its manifest, and how a directory of answers is scored |

mod answer;
mod approximation;
mod closed_forms;
mod diagnosis;
mod digits;
pub mod kit;
mod minimiser;
mod outputs;
mod posed;
mod precision;
mod reader;
mod score;
mod system;
mod truth;
mod verdict;

pub use answer::{Answer, parse_answer, read_answer, read_exact_point};
pub use approximation::Approximation;
pub use diagnosis::Diagnosis;
pub use outputs::{judge_outputs, parse_outputs, read_outputs};
pub use posed::PosedAnswer;
pub use precision::{Asked, Precision};
pub use score::{OwnDigits, Score, Worst};
pub use system::{NamedAnswer, judge_system, parse_named_answer, read_named_answer};
pub use verdict::{Judgement, judge};

#[cfg(test)]
mod tests;
