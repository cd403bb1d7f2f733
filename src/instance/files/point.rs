//! Points and other vectors: in files of their own, or written out on the command line.

use std::path::Path;

use nalgebra::DVector;
use serde::de::DeserializeOwned;

use super::decimal::{self, Decimal};
use super::npy::Values;
use super::source::{self, read_file, read_text};
use super::suffix::{has_suffix, is_matrix_market, is_svmlight};
use super::{csv, json, matrix_market, npy, npz, safetensors, svmlight};
use crate::instance::InstanceError;

/// Reads a point of R^d: a JSON array of numbers or decimal strings, in a file, on standard input (`-`) or written out
/// (`[0.1, "0.2"]`); or a file of the kinds that hold a vector: `.npy`, `.npz` of one array, `.mtx`, `.mtx.gz`,
/// `.safetensors`, `.csv`, or the labels of an `.svm`.
pub fn read_point(path: &Path, d: usize) -> Result<DVector<f64>, InstanceError> {
    let point = match inline(path) {
        None if holds_an_array(path) => npz::as_vector(read_array(path)?),
        _ => DVector::from_vec(decimal::plain(read_json_array::<Decimal>(path)?)),
    };
    if point.len() != d {
        return Err(InstanceError::Shape {
            part: "point",
            found: format!("{} entries", point.len()),
            expected: d.to_string(),
        }
        .in_file(shown_array(path)));
    }
    Ok(point)
}

/// Reads a JSON array: from a file, from standard input (`-`), or from the argument itself if it begins with a bracket
/// (a file of such a name is `./[...`).
pub fn read_json_array<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>, InstanceError> {
    match inline(path) {
        Some(text) => json::parse(text, shown_array(path)),
        None => json::parse(&read_text(path)?, shown_array(path)),
    }
}

/// Reads a vector of any length from a file, or one value for all its entries.
pub(super) fn read_values(path: &Path) -> Result<Values, InstanceError> {
    if holds_an_array(path) {
        return read_array(path);
    }
    let values: Vec<f64> = json::parse(&read_file(path)?, path)?;
    Ok(Values::Many(DVector::from_vec(values)))
}

/// Reads a point of any length from a file: [`read_values`], where the numbers of JSON may be decimal strings.
pub(super) fn read_start(path: &Path) -> Result<DVector<f64>, InstanceError> {
    if holds_an_array(path) {
        return read_array(path).map(npz::as_vector);
    }
    let values: Vec<Decimal> = json::parse(&read_file(path)?, path)?;
    Ok(DVector::from_vec(decimal::plain(values)))
}

/// Whether the file's name says that it is no JSON.
pub fn holds_an_array(path: &Path) -> bool {
    let suffixes = ["npy", "npz", "safetensors", "csv"];
    suffixes.iter().any(|suffix| has_suffix(path, suffix))
        || is_matrix_market(path)
        || is_svmlight(path)
}

fn read_array(path: &Path) -> Result<Values, InstanceError> {
    if has_suffix(path, "npy") {
        npy::read_values(path)
    } else if has_suffix(path, "npz") {
        npz::read_values(path)
    } else if has_suffix(path, "safetensors") {
        safetensors::read_values(path)
    } else if has_suffix(path, "csv") {
        csv::read_vector(path).map(Values::Many)
    } else if is_svmlight(path) {
        svmlight::read_vector(path).map(Values::Many)
    } else {
        matrix_market::read_vector(path).map(Values::Many)
    }
}

/// The text of an array that is written out where a file could be named.
fn inline(path: &Path) -> Option<&str> {
    path.to_str()
        .map(str::trim)
        .filter(|text| text.starts_with('['))
}

/// The name that messages give to it: an array that is written out has none.
pub fn shown_array(path: &Path) -> &Path {
    match inline(path) {
        Some(_) => Path::new("array on the command line"),
        None => source::shown(path),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

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
    fn a_point_may_be_written_out_and_its_numbers_be_decimal_strings() {
        let point = |text: &str| {
            read_point(Path::new(text), 2)
                .map(|point| point.as_slice().to_vec())
                .map_err(|error| error.to_string())
        };
        assert_eq!(point("[0.1, -2]"), Ok(vec![0.1, -2.0]));
        assert_eq!(point(" [\"0.1\", \"-2e0\"] "), Ok(vec![0.1, -2.0]));
        for (text, expected) in [
            ("[0.1]", "point has 1 entries, expected 2"),
            (
                "[0.1, NaN]",
                "[1] is NaN: every entry must be a finite number",
            ),
            (
                "[0.1, \"NaN\"]",
                "[1]: \"NaN\" is not a finite decimal number",
            ),
            (
                "[0.1, \"1e999\"]",
                "[1]: \"1e999\" is not a finite decimal number",
            ),
            ("[0.1, \"x\"]", "[1]: \"x\" is not a finite decimal number"),
            ("[0.1, 2", "EOF while parsing a list"),
        ] {
            let found = point(text).unwrap_err();
            let expected = format!("array on the command line: {expected}");
            assert!(found.starts_with(&expected), "{found}");
        }
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = read_point(Path::new("no-such-file.json"), 1).unwrap_err();
        assert!(error.to_string().starts_with("no-such-file.json: "));
    }
}
