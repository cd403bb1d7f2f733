//! Matrix Market files, read line by line.
//!
//! Coordinate files become sparse matrices (entries that occur twice are added, as SciPy does), array files dense ones;
//! values are real or integer, matrices general or symmetric. Memory follows the entries that are there, never the
//! number of entries that the size line announces.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use nalgebra::DMatrix;
use nalgebra_sparse::{CooMatrix, CsrMatrix};

use crate::instance::{DesignMatrix, InstanceError};

mod banner;
mod lines;

use banner::{Banner, Field, Layout};
use lines::Lines;

/// Longest side that is read: a row or column without entries costs memory that no line of the file pays for.
const LONGEST_SIDE: usize = 1 << 27;

/// Reads a matrix; every entry finite, at least one row and one column.
pub fn read_matrix(path: &Path) -> Result<DesignMatrix, InstanceError> {
    let file = File::open(path).map_err(|error| InstanceError::io(path, error))?;
    parse_matrix(BufReader::new(file), path)
}

/// [`read_matrix`] from any source; `name` is the file that messages mention.
pub fn parse_matrix(source: impl Read, name: &Path) -> Result<DesignMatrix, InstanceError> {
    let mut lines = Lines::new(BufReader::new(source), name);
    let banner = Banner::read(&mut lines)?;
    let matrix = match banner.layout {
        Layout::Coordinate => coordinate(&mut lines, &banner)?,
        Layout::Array => array(&mut lines, &banner)?,
    };
    matrix.map_err(|error: InstanceError| error.in_file(name))
}

/// What a body parser gives: errors of the file outside, errors of the finished matrix inside.
type Parsed = Result<Result<DesignMatrix, InstanceError>, InstanceError>;

/// `row column value`, counted from 1.
fn coordinate(lines: &mut Lines<'_, impl Read>, banner: &Banner) -> Parsed {
    let [rows, columns, announced] = sizes(lines, "rows columns entries")?;
    check_sides(lines, rows, columns, banner)?;
    let (mut is, mut js, mut values) = (Vec::new(), Vec::new(), Vec::new());
    let mut push = |i, j, value| {
        is.push(i);
        js.push(j);
        values.push(value);
    };
    for read in 0..announced {
        if !lines.next_data()? {
            return Err(ends_early(lines, read, announced));
        }
        let [i, j, value] = lines.words("row column value")?;
        let i = index(lines, "row", i, rows)?;
        let j = index(lines, "column", j, columns)?;
        let value = number(lines, value, banner.field)?;
        push(i, j, value);
        if banner.symmetric {
            if j > i {
                return Err(lines.error(format!(
                    "entry ({}, {}) of a symmetric file is above the diagonal",
                    i + 1,
                    j + 1
                )));
            }
            if i != j {
                push(j, i, value);
            }
        }
    }
    refuse_more(lines, announced)?;
    let entries = CooMatrix::try_from_triplets(rows, columns, is, js, values)
        .map_err(|error| lines.error(error.to_string()))?;
    Ok(DesignMatrix::sparse(CsrMatrix::from(&entries)))
}

/// One value a line, column after column; of a symmetric matrix the lower triangle only.
fn array(lines: &mut Lines<'_, impl Read>, banner: &Banner) -> Parsed {
    let [rows, columns] = sizes(lines, "rows columns")?;
    check_sides(lines, rows, columns, banner)?;
    let mut values: Vec<f64> = Vec::new();
    // Sides are at most 2^27, so the product fits.
    let announced = if banner.symmetric {
        rows * (rows + 1) / 2
    } else {
        rows * columns
    };
    for read in 0..announced {
        if !lines.next_data()? {
            return Err(ends_early(lines, read, announced));
        }
        let [value] = lines.words("value")?;
        values.push(number(lines, value, banner.field)?);
    }
    refuse_more(lines, announced)?;
    let matrix = if banner.symmetric {
        let mut matrix = DMatrix::zeros(rows, rows);
        let mut values = values.into_iter();
        for j in 0..rows {
            for (i, value) in (j..rows).zip(values.by_ref()) {
                matrix[(i, j)] = value;
                matrix[(j, i)] = value;
            }
        }
        matrix
    } else {
        DMatrix::from_vec(rows, columns, values)
    };
    Ok(DesignMatrix::dense(matrix))
}

/// The size line.
fn sizes<const N: usize>(
    lines: &mut Lines<'_, impl Read>,
    what: &str,
) -> Result<[usize; N], InstanceError> {
    if !lines.next_data()? {
        return Err(lines.error(format!("file ends before the size line ({what})")));
    }
    let words: [&str; N] = lines.words(what)?;
    let mut sizes = [0; N];
    for (size, word) in sizes.iter_mut().zip(words) {
        *size = word
            .parse()
            .map_err(|_| lines.error(format!("\"{word}\" in the size line is not a count")))?;
    }
    Ok(sizes)
}

fn check_sides(
    lines: &Lines<'_, impl Read>,
    rows: usize,
    columns: usize,
    banner: &Banner,
) -> Result<(), InstanceError> {
    if rows.max(columns) > LONGEST_SIDE {
        return Err(lines.error(format!(
            "{rows} x {columns} is too large: a side may have {LONGEST_SIDE}"
        )));
    }
    if banner.symmetric && rows != columns {
        return Err(lines.error(format!("a symmetric matrix cannot be {rows} x {columns}")));
    }
    Ok(())
}

fn index(
    lines: &Lines<'_, impl Read>,
    what: &str,
    word: &str,
    limit: usize,
) -> Result<usize, InstanceError> {
    match word.parse::<usize>() {
        Ok(index) if (1..=limit).contains(&index) => Ok(index - 1),
        _ => Err(lines.error(format!("{what} {word} is not one of 1 to {limit}"))),
    }
}

fn number(lines: &Lines<'_, impl Read>, word: &str, field: Field) -> Result<f64, InstanceError> {
    if field == Field::Integer && word.parse::<i64>().is_err() {
        return Err(lines.error(format!("\"{word}\" is not an integer")));
    }
    match word.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        Ok(_) => Err(lines.error(format!("value {word}: every entry must be a finite number"))),
        Err(_) => Err(lines.error(format!("\"{word}\" is not a number"))),
    }
}

fn ends_early(lines: &Lines<'_, impl Read>, read: usize, announced: usize) -> InstanceError {
    lines.error(format!(
        "truncated: the file ends after {read} of {announced} entries"
    ))
}

fn refuse_more(lines: &mut Lines<'_, impl Read>, announced: usize) -> Result<(), InstanceError> {
    if lines.next_data()? {
        return Err(lines.error(format!("more than the announced {announced} entries")));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
