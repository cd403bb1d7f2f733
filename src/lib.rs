//! Executable oracle and solver for attention-inspired regression: f64 answers that say how far off they can be, a 40-digit
//! reference that knows only definitions, and every checkable claim of the papers as a program with a verdict ([`ledger`]).
//!
//! # The systems
//!
//! Six are losses of the logits `z = A x` with a ridge in the same logits, `A: n x d`, `x: d`, `w: n`:
//!
//! ```text
//! L(x) = l(A x) + 0.5 || diag(w) A x ||^2
//!
//! softmax            l(z) = 0.5 || p - b ||^2,         p = exp(z) / <exp(z), 1>
//! residual-softmax   l(z) = 0.5 || f - b ||^2,         f = u / <u, 1>,  u = exp(z) + z
//! exp, cosh, sinh    l(z) = 0.5 || phi(z) - b ||^2,    phi entrywise
//! two-layer          l(z) = 0.5 || phi(A2 p) - b ||^2, A2: m x n,  phi the identity, relu, softplus or tanh
//! ```
//!
//! The others have arrays of their own ([`system::SYSTEMS`]):
//!
//! ```text
//! single-layer-attention   0.5 || F A3 Y - B ||^2 + 0.5 || w o Z ||^2 + 0.5 mu || A3 Y ||^2,  Z = A1 X A2',  F = softmax of its rows
//! weighted-low-rank        0.5 || W o (M - X Y') ||^2
//! exact-attention          no unknowns: the outputs D^-1 A V,  A = exp(Q K' / s),  D = diag(A 1)
//! polynomial-attention     the same with A = (Q K' / s)^beta
//! attention-kernel-regression  0.5 || (K + lambda I) x - b ||^2,  K = (A'A)^j, A (A'A)^j or exp(A A') entrywise
//! tensor-power             pairs T(v, .., v, .) = lambda v,  v'v = 1,  of a symmetric T of order 3 to 6
//! leverage-regression          0.5 || A x - b ||_F^2 + 0.5 lambda || x ||_F^2
//! active-learning          0.5 sum_i D_i (p_i x - y_i)^2, few of the labels y read
//! ```
//!
//! # Ten lines
//!
//! ```
//! use attention_regression::instance::{DesignMatrix, LossKind};
//! use attention_regression::production::{Problem, Settings};
//! use nalgebra::{DMatrix, DVector};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let matrix = DesignMatrix::dense(DMatrix::from_row_slice(3, 1, &[1.0, 0.0, -1.0]))?;
//! let (target, weights) = (DVector::from_vec(vec![0.5, 0.25, 0.25]), DVector::repeat(3, 1.0));
//! let problem = Problem::new(LossKind::Softmax, matrix, target, weights)?;
//! let solution = problem.solve(&Settings::default())?;
//! assert!(solution.outcome.is_success());
//! // || x - x* || is at most:
//! assert!(solution.error_bound.is_some_and(|bound| bound < 1e-12));
//! # Ok(())
//! # }
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
//! | 6 | `cli` | one file per subcommand of `attreg` (feature `cli`, on by default) |
//!
//! # Features
//!
//! `cli` (default): the program, with clap, ctrlc, indicatif. `npz` (part of `cli`): archives of numpy arrays, with zip. `csv` (part of `cli`): numbers separated by commas. `safetensors` (part of `cli`): tensors of Hugging Face's libraries.
//! `argmin`: production losses as cost functions of argmin's optimisers.

#![deny(missing_docs)]
#![deny(unsafe_code)]

pub mod campaign;
pub mod certificate;
pub mod claims;
#[cfg(feature = "cli")]
pub mod cli;
pub mod instance;
pub mod judge;
pub mod memory;
pub mod oracle;
pub mod production;
pub mod report;
pub mod scalar;
pub mod system;

#[doc = include_str!("../docs/claims.md")]
pub mod ledger {}
