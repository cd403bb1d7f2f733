//! Floor 1: what a problem is. Design matrices, validated instances, the files they come from, and how to draw them.

mod compressed_rows;
mod error;
pub mod files;
#[allow(clippy::module_inception)]
mod instance;
mod instance_rows;
pub mod kinds;
mod loss_kind;
mod matrix;
pub mod models;
mod row_block;
pub(crate) mod row_major;
pub mod sample;

pub use compressed_rows::CompressedRows;
pub use error::InstanceError;
pub use instance::Instance;
pub(crate) use instance::check_target;
pub use instance_rows::InstanceRows;
pub use loss_kind::{Activation, LossKind};
pub use matrix::DesignMatrix;
pub use row_block::{Choice, Outline, RowBlock};
pub use row_major::{RowMajor, SharedEntries};
