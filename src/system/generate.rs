//! Kinds of instances of the systems that are no losses of logits, one file a system.
//!
//! Entries are dyadic, or sums of products of such numbers by basic IEEE operations: the same seed and index give the same
//! bits on every machine.

mod active_learning;
mod attention;
mod attention_kernel_regression;
mod exact_attention;
mod federated_softmax;
mod kind;
mod leverage_regression;
mod low_rank;
mod polynomial_attention;
mod tensor_power;

pub use kind::{Generator, Sizes};

/// Every kind.
pub static GENERATORS: &[&Generator] = &[
    &attention::HULL,
    &attention::RIDGED,
    &low_rank::WEIGHTED,
    &low_rank::MASKED,
    &exact_attention::PLAIN,
    &exact_attention::CAUSAL,
    &polynomial_attention::EVEN,
    &attention_kernel_regression::EVEN,
    &attention_kernel_regression::ODD,
    &attention_kernel_regression::KERNEL,
    &tensor_power::ODD,
    &tensor_power::EVEN,
    &tensor_power::TIED,
    &tensor_power::OBLIQUE,
    &leverage_regression::ONE,
    &leverage_regression::RIDGED,
    &federated_softmax::HETEROGENEOUS,
    &federated_softmax::ALIKE,
    &federated_softmax::DISHONEST,
    &active_learning::ROWS,
    &active_learning::LEGENDRE,
    &active_learning::TRIGONOMETRIC,
];

/// The kind of this name.
pub fn generator(kind: &str) -> Option<&'static Generator> {
    GENERATORS
        .iter()
        .copied()
        .find(|generator| generator.kind == kind)
}

#[cfg(test)]
mod tests;
