//! Executable oracle and solver for attention-inspired regression.
//!
//! Every loss of this family is a loss of the logits `z = A x` plus a weighted ridge in the same logits,
//!
//! ```text
//! L(x) = l(A x) + 0.5 || diag(w) A x ||^2        A: n x d,  x: d,  w: n
//! softmax regression:  l(z) = 0.5 || p - b ||^2,  p = exp(z) / <exp(z), 1>,  b: n
//! ```
//!
//! # The house
//!
//! A module imports only from lower floors, and the two halves of floor 2 never import each other
//! (`tests/house` reads the `use` lines and enforces it).
//!
//! | floor | module | what lives there |
//! |---|---|---|
//! | 0 | [`scalar`] | the oracle's 40-digit number and tolerances with a reason |
//! | 0 | [`memory`] | large arrays on large pages |
//! | 1 | [`instance`] | design matrices, validated instances, their files, seeded generators |
//! | 1 | [`system`] | all systems as a table: what each is given and looks for; manifests of any of them |
//! | 1 | [`certificate`] | proofs of the sharp constants, checked in exact or outward-rounded arithmetic |
//! | 2a | [`production`] | f64: losses, Newton's method, leverage scores, error certificate |
//! | 2b | [`oracle`] | 40 digits: the loss as a symbolic graph, derivatives by rule, minimiser, spectra |
//! | 3 | [`claims`] | every claim of the papers as data with a check |
//! | 4 | [`campaign`] | runs claims over instances: seeds, workers, journal |
//! | 5 | [`report`] | verdicts as a table, as JSON, as failure blocks with a re-run line |
//! | 5 | [`judge`] | how many digits of somebody else's answer are right, and which known mistake explains the rest |
//! | 6 | [`cli`] | one file per subcommand of `attreg` |

#![deny(missing_docs)]
#![deny(unsafe_code)]

pub mod campaign;
pub mod certificate;
pub mod claims;
pub mod cli;
pub mod instance;
pub mod judge;
pub mod memory;
pub mod oracle;
pub mod production;
pub mod report;
pub mod scalar;
pub mod system;
