//! Instances and points on disk: manifests (JSON), numpy arrays, SciPy's sparse matrices, Matrix Market, safetensors, CSV and svmlight files, and files that are written whole.
//!
//! Everything that arrives here is foreign. Whatever the bytes are, the answer is a value or an [`InstanceError`] that
//! names the file and the place in it; sizes that a file announces are believed only as far as its length supports them.
//!
//! [`InstanceError`]: crate::instance::InstanceError

mod compressed_block;
mod csv;
pub(crate) mod decimal;
mod entries;
mod integer;
pub(crate) mod json;
pub(crate) mod manifest;
pub mod matrix_market;
mod names;
pub mod npy;
pub mod npz;
mod outputs;
mod point;
#[cfg(test)]
mod row_tests;
mod safetensors;
mod shaped;
mod source;
mod suffix;
mod svmlight;
#[cfg(test)]
mod test_support;
mod whole;

pub use json::FORMAT_VERSION;
pub use manifest::{
    parse_instance, parse_instance_and_files, parse_instance_rows, read_instance,
    read_instance_and_files, read_instance_rows, render_instance, write_instance,
};
pub use outputs::refuse_overlap;
pub use point::{holds_an_array, read_json_array, read_point, shown_array};
pub use shaped::{holds_one_array, read_shaped};
pub use source::{is_standard_input, read_text, refuse_two_readers, shown};
pub use suffix::has_suffix;
pub use whole::{check_directory, write_whole};
