//! Files of one array of any shape.

use std::path::Path;

use super::suffix::has_suffix;
use super::{npy, safetensors};
use crate::instance::InstanceError;

/// Whether the file's name says that it holds one array of any shape: `.npy` or `.safetensors`.
pub fn holds_one_array(path: &Path) -> bool {
    has_suffix(path, "npy") || has_suffix(path, "safetensors")
}

/// The shape and the numbers, row by row, finite or not, of a file of [`holds_one_array`].
pub fn read_shaped(path: &Path) -> Result<(Vec<usize>, Vec<f64>), InstanceError> {
    if has_suffix(path, "safetensors") {
        safetensors::read_shaped(path)
    } else {
        npy::read_shaped(path)
    }
}
