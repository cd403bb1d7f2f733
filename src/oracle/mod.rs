//! Floor 2b: the high-precision reference. It knows only each loss's definition; gradient and Hessian come from
//! symbolic differentiation of that definition. Nothing here knows production.
//!
//! | file | what lives there |
//! |---|---|
//! | `expression` | the hash-consed graph of scalar primitives and its simplifications |
//! | `matrix` | matrices of expressions, so that a definition reads like the paper |
//! | `differentiate` | one table of local partial derivatives; forward and reverse accumulation over it |
//! | `definitions` | the losses, transcribed from the papers into graphs |
//! | `evaluate` | a graph compiled to a sweep, for any arithmetic |
//! | `enclosure` | an arithmetic of balls: a midpoint at 40 digits with a proven radius |
//! | `reference` | loss, gradient and Hessian of an instance at a point |
//! | `outputs` | the outputs of a system without unknowns, row by row |
//! | `equilibrate` | a loss in unknowns of like scale, by exact powers of ten |
//! | `minimum` | what a minimiser with a proven error says |
//! | `minimiser` | Newton's method at 40 digits with a proof of its own error |
//! | `local_steps` | rounds of local gradient steps, and where they come to rest |
//! | [`separation`] | when a network of polynomial attention separates its data sets: exact probabilities, degrees |
//! | [`spectrum`] | eigenvalues and singular values, at 40 digits and in f64 with a certificate |

mod arithmetic;
mod definitions;
mod differentiate;
mod enclosure;
mod equilibrate;
mod error;
mod evaluate;
mod expression;
mod local_steps;
mod matrix;
mod minimiser;
mod minimum;
mod outputs;
mod reference;
pub mod separation;
pub mod spectrum;

pub use crate::scalar::Ball;
pub use definitions::{Estimate, estimate, estimate_of, loss_graph};
pub use differentiate::{derivative, gradient};
pub use error::OracleError;
pub use expression::{Graph, Node};
pub use local_steps::{LocalSteps, RestPoint};
pub use minimiser::minimise;
pub use minimum::Minimiser;
pub use outputs::OutputsReference;
pub use reference::{Enclosure, Evaluation, Reference, lift_matrix, lift_vector, values};

#[cfg(test)]
mod tests;
