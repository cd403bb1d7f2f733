//! The text format of svmlight and libsvm: a line for each row, its label and its entries, columns counted from 1.
//!
//! ```text
//! 0.25 1:0.5 7:-1.25    # a comment
//! ```
//!
//! As a matrix it has as many columns as its largest index says, as a vector it is the labels. `qid:3` is passed over.

use std::path::Path;

use nalgebra::DVector;

use super::entries::Entries;
use super::source::read_file;
use crate::instance::{CompressedRows, DesignMatrix, InstanceError};

/// Reads the entries.
pub(super) fn read_matrix(path: &Path) -> Result<DesignMatrix, InstanceError> {
    let text = read_file(path)?;
    let refuse = |error| InstanceError::format(path, error);
    let lines: Vec<(usize, &str)> = rows(&text).collect();
    let mut columns = 0;
    let mut listed = Vec::new();
    for (row, (line, content)) in lines.iter().enumerate() {
        for pair in content.split_ascii_whitespace().skip(1) {
            if let Some((column, value)) = entry(pair, *line).map_err(refuse)? {
                columns = columns.max(column);
                listed.push((row, column - 1, value));
            }
        }
    }
    let mut entries = Entries::new([lines.len(), columns], listed.len());
    for (row, column, value) in listed {
        entries.push(row, column, value);
    }
    let matrix = entries.into_rows().into_matrix();
    matrix.map_err(|error| error.in_file(path))
}

/// Reads the labels.
pub(super) fn read_vector(path: &Path) -> Result<DVector<f64>, InstanceError> {
    let text = read_file(path)?;
    let labels: Result<Vec<f64>, String> = rows(&text)
        .map(|(line, content)| {
            let label = content.split_ascii_whitespace().next().unwrap_or_default();
            label
                .parse()
                .map_err(|_| format!("line {line}: {label:?} is no number"))
        })
        .collect();
    let labels = labels.map_err(|message| InstanceError::format(path, message))?;
    if let Some(k) = labels.iter().position(|label| !label.is_finite()) {
        let error = InstanceError::NotFinite {
            part: "label",
            place: k.to_string(),
            value: labels[k],
        };
        return Err(error.in_file(path));
    }
    Ok(DVector::from_vec(labels))
}

/// The lines that hold a row, with their numbers, without comments.
fn rows(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().enumerate();
    lines.filter_map(|(k, line)| {
        let content = line.split('#').next().unwrap_or_default().trim();
        (!content.is_empty()).then_some((k + 1, content))
    })
}

/// The column, counted from 1, and the value of `7:-1.25`; none of `qid:3`.
fn entry(pair: &str, line: usize) -> Result<Option<(usize, f64)>, String> {
    let wrong = || format!("line {line}: {pair:?} is no column:value");
    let (column, value) = pair.split_once(':').ok_or_else(wrong)?;
    if column == "qid" {
        return Ok(None);
    }
    let column: usize = column.parse().map_err(|_| wrong())?;
    if column == 0 || column > CompressedRows::LONGEST_SIDE {
        return Err(format!(
            "line {line}: column {column}: columns count from 1 to {}",
            CompressedRows::LONGEST_SIDE
        ));
    }
    Ok(Some((column, value.parse().map_err(|_| wrong())?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instance::files::test_support;

    fn written<T>(text: &str, read: fn(&Path) -> Result<T, InstanceError>) -> Result<T, String> {
        test_support::written("a.svm", text, read)
    }

    #[test]
    fn entries_and_labels_come_from_the_same_file() {
        let text = "# of two rows\n0.25 qid:1 3:0.5 1:-2 # the first\n\n-1\n+1 2:1e-3\n";
        let matrix = written(text, read_matrix).unwrap();
        assert!(matches!(matrix, DesignMatrix::Sparse(_)));
        let expected = nalgebra::DMatrix::from_row_slice(
            3,
            3,
            &[-2.0, 0.0, 0.5, 0.0, 0.0, 0.0, 0.0, 1e-3, 0.0],
        );
        assert_eq!(matrix.to_dense(), expected);
        let labels = written(text, read_vector).unwrap();
        assert_eq!(labels.as_slice(), [0.25, -1.0, 1.0]);
    }

    #[test]
    fn what_does_not_fit_is_named_with_its_line() {
        for (text, expected) in [
            (
                "1 0:2\n",
                "line 1: column 0: columns count from 1 to 134217728",
            ),
            ("1 1:2\n1 x:2\n", "line 2: \"x:2\" is no column:value"),
            // As an editor counts them.
            (
                "# rows\n\n1 1:2\n  # more\n1 x:2\n",
                "line 5: \"x:2\" is no column:value",
            ),
            ("1 1:y\n", "line 1: \"1:y\" is no column:value"),
            ("1 12\n", "line 1: \"12\" is no column:value"),
            ("1 1:inf\n", "data[0] is inf: every entry must be finite"),
            (
                "1\n",
                "matrix is 1 x 0: at least one row and one column are needed",
            ),
        ] {
            assert_eq!(written(text, read_matrix).unwrap_err(), expected, "{text}");
        }
        for (text, line) in [("1\nz 1:2\n", 2), ("\n# rows\n1\n\nz 1:2\n", 5)] {
            let error = written(text, read_vector).unwrap_err();
            assert_eq!(error, format!("line {line}: \"z\" is no number"));
        }
        let error = written("1\nnan\n", read_vector).unwrap_err();
        assert_eq!(error, "label[1] is NaN: every entry must be finite");
    }
}
