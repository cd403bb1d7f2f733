//! Points: vectors in files of their own.

use std::fs;
use std::path::Path;

use nalgebra::DVector;

use super::{json, npy};
use crate::instance::InstanceError;

/// Reads a point of R^d: a JSON array of numbers, or a `.npy` file (float64, one dimension).
pub fn read_point(path: &Path, d: usize) -> Result<DVector<f64>, InstanceError> {
    let point = read_vector(path)?;
    if point.len() != d {
        return Err(InstanceError::Shape {
            part: "point",
            found: format!("{} entries", point.len()),
            expected: d.to_string(),
        }
        .in_file(path));
    }
    Ok(point)
}

/// Reads a vector of any length, as [`read_point`] does.
pub(super) fn read_vector(path: &Path) -> Result<DVector<f64>, InstanceError> {
    if has_extension(path, "npy") {
        return npy::read_vector(path);
    }
    let text = fs::read_to_string(path).map_err(|error| InstanceError::io(path, error))?;
    json::parse::<Vec<f64>>(&text, path).map(DVector::from_vec)
}

/// Whether the file name ends so, in upper or lower case.
pub(super) fn has_extension(path: &Path, wanted: &str) -> bool {
    path.extension()
        .is_some_and(|found| found.eq_ignore_ascii_case(wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_read_from_json_and_from_npy() {
        let directory = tempfile::tempdir().unwrap();
        let (text, array) = (
            directory.path().join("x.json"),
            directory.path().join("x.NPY"),
        );
        let point = DVector::from_vec(vec![0.1, -2.0]);
        fs::write(&text, "[0.1, -2]").unwrap();
        npy::write_vector(&array, &point).unwrap();
        assert_eq!(read_point(&text, 2).unwrap(), point);
        assert_eq!(read_point(&array, 2).unwrap(), point);
        let error = read_point(&text, 3).unwrap_err().to_string();
        assert!(
            error.ends_with("x.json: point has 2 entries, expected 3"),
            "{error}"
        );
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = read_point(Path::new("no-such-file.json"), 1).unwrap_err();
        assert!(error.to_string().starts_with("no-such-file.json: "));
    }
}
