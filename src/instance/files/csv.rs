//! Numbers separated by commas: a dense matrix, a record a row, or a vector, one column or one row. The first record is a header
//! if none of its fields is a number.

use std::path::Path;

use nalgebra::DVector;

use crate::instance::{DesignMatrix, InstanceError};

/// Reads a matrix; every entry finite, at least one row and one column.
pub(super) fn read_matrix(path: &Path) -> Result<DesignMatrix, InstanceError> {
    let table = table(path)?;
    DesignMatrix::from_row_major(table.rows, table.columns, table.entries)
        .map_err(|error| error.in_file(path))
}

/// Reads a vector: one column, or one row.
pub(super) fn read_vector(path: &Path) -> Result<DVector<f64>, InstanceError> {
    let table = table(path)?;
    if table.rows.min(table.columns) != 1 {
        let (rows, columns) = (table.rows, table.columns);
        return Err(InstanceError::format(
            path,
            format!("a {rows} x {columns} table, expected a vector: one column or one row"),
        ));
    }
    Ok(DVector::from_vec(table.entries))
}

/// The numbers, row after row; without the feature none is ever made.
#[cfg_attr(not(feature = "csv"), allow(dead_code))]
struct Table {
    rows: usize,
    columns: usize,
    entries: Vec<f64>,
}

#[cfg(not(feature = "csv"))]
fn table(path: &Path) -> Result<Table, InstanceError> {
    let message = "csv files are read by builds with the feature `csv`";
    Err(InstanceError::format(path, message))
}

#[cfg(feature = "csv")]
fn table(path: &Path) -> Result<Table, InstanceError> {
    use csv::{ReaderBuilder, Trim};

    let text = super::source::read_file(path)?;
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(Trim::All)
        .from_reader(text.as_bytes());
    let mut table = Table {
        rows: 0,
        columns: 0,
        entries: Vec::new(),
    };
    for (k, record) in reader.records().enumerate() {
        let record = record.map_err(|error| InstanceError::format(path, error.to_string()))?;
        let line = record.position().map_or(0, |begin| {
            // Where the record before ended: empty lines follow.
            let rest = text.as_bytes().get(begin.byte() as usize..);
            let ends = rest.unwrap_or_default().iter();
            let ends = ends.take_while(|byte| matches!(byte, b'\r' | b'\n'));
            begin.line() + ends.filter(|byte| **byte == b'\n').count() as u64
        });
        let refuse = |message: String| InstanceError::format(path, format!("line {line}{message}"));
        let numbers: Vec<Result<f64, _>> = record.iter().map(str::parse).collect();
        if k == 0 && numbers.iter().all(Result::is_err) {
            // A header.
            continue;
        }
        if table.rows == 0 {
            table.columns = record.len();
        } else if record.len() != table.columns {
            let (found, expected) = (record.len(), table.columns);
            return Err(refuse(format!(" has {found} fields, expected {expected}")));
        }
        for (j, (field, number)) in record.iter().zip(numbers).enumerate() {
            table.entries.push(
                number.map_err(|_| refuse(format!(", field {}: {field:?} is no number", j + 1)))?,
            );
        }
        table.rows += 1;
    }
    Ok(table)
}

#[cfg(all(test, feature = "csv"))]
mod tests {
    use super::*;
    use crate::instance::files::test_support;

    fn written<T>(text: &str, read: fn(&Path) -> Result<T, InstanceError>) -> Result<T, String> {
        test_support::written("a.csv", text, read)
    }

    #[test]
    fn tables_with_and_without_a_header_are_read() {
        for text in [
            "1,2.5\n-3e2,0.1\n",
            "\u{feff}a, b\r\n1 , 2.5\r\n\r\n-3e2,\"0.1\"\r\n",
        ] {
            let DesignMatrix::Dense(matrix) = written(text, read_matrix).unwrap() else {
                panic!("a table is dense");
            };
            assert_eq!(
                (matrix.row(0), matrix.row(1)),
                (&[1.0, 2.5][..], &[-300.0, 0.1][..])
            );
        }
        let expected = DVector::from_vec(vec![1.0, 2.0]);
        for text in ["1,2\n", "y\n1\n2\n"] {
            assert_eq!(written(text, read_vector).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_table_of_numbers_is_named_with_its_line() {
        for (text, expected) in [
            ("a,b\n1,x\n", "line 2, field 2: \"x\" is no number"),
            ("\na,b\n\n\n1,x\n", "line 5, field 2: \"x\" is no number"),
            ("1,x\n2,3\n", "line 1, field 2: \"x\" is no number"),
            ("1,2\n3\n", "line 2 has 1 fields, expected 2"),
            ("1,nan\n", "matrix[0, 1] is NaN: every entry must be finite"),
            ("1,\n", "line 1, field 2: \"\" is no number"),
            (
                "",
                "matrix is 0 x 0: at least one row and one column are needed",
            ),
            (
                "a,b\n",
                "matrix is 0 x 0: at least one row and one column are needed",
            ),
        ] {
            assert_eq!(written(text, read_matrix).unwrap_err(), expected, "{text}");
        }
        let error = written("1,2\n3,4\n", read_vector).unwrap_err();
        assert_eq!(
            error,
            "a 2 x 2 table, expected a vector: one column or one row"
        );
    }
}
