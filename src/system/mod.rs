//! Floor 1: the systems. *A system is a row of a table*: what it is given, what it looks for, what is asked about it.
//!
//! | file | what lives there |
//! |---|---|
//! | `slot` | one array of a system: its name, the shapes it may have, what its entries must be |
//! | `row` | one system: keys, arrays, what is asked |
//! | `table` | all systems |
//! | `array` | a scalar, vector or matrix as a manifest has it |
//! | `layout` | the unknowns as one vector, and the names of its entries |
//! | `given` | a system with its arrays and points, known to fit together |
//! | `manifest`, `render`, `parts` | the same as JSON, driven by the slots; lists of instances in it |
//! | `generate` | kinds of instances that can be drawn, one file a system |
//! | `single_layer_attention`, `weighted_low_rank`, `exact_attention`, `polynomial_attention`, `attention_kernel_regression`, `tensor_power`, `leverage_regression`, `federated_softmax`, `active_learning` | one file a system |
//!
//! The six losses of logits are rows of the table like the others; their arrays are held by an
//! [`Instance`](crate::instance::Instance).

mod active_learning;
mod array;
mod attention_kernel_regression;
mod exact_attention;
mod federated_softmax;
mod generate;
mod given;
mod layout;
mod leverage_regression;
mod manifest;
mod parts;
mod polynomial_attention;
mod render;
mod row;
mod single_layer_attention;
mod slot;
mod table;
mod tensor_power;
mod weighted_low_rank;

pub use active_learning::ACTIVE_LEARNING;
pub use array::Array;
pub(crate) use array::{by_rows, in_words};
pub use attention_kernel_regression::ATTENTION_KERNEL_REGRESSION;
pub use exact_attention::EXACT_ATTENTION;
pub use federated_softmax::{FEDERATED_SOFTMAX, arrays_of, clients};
pub use generate::{GENERATORS, Generator, Sizes, generator};
pub use given::Given;
pub use layout::{Layout, as_json};
pub use leverage_regression::LEVERAGE_REGRESSION;
pub use manifest::{
    Posed, named, parse, parse_unknowns, read, read_rows_with_files, read_unknowns, read_with_files,
};
pub use polynomial_attention::POLYNOMIAL_ATTENTION;
pub use render::{render, write};
pub use row::{Asks, System};
pub use single_layer_attention::SINGLE_LAYER_ATTENTION;
pub use slot::{Fill, Rule, Slot, Variant};
pub use table::{SYSTEMS, system};
pub use tensor_power::TENSOR_POWER;
pub use weighted_low_rank::WEIGHTED_LOW_RANK;
