//! Matrix Market files, read line by line.
//!
//! Coordinate files become sparse matrices (entries that occur twice are added, as SciPy does), array files dense ones;
//! values are real, integer or unsigned-integer, or 1 in a pattern; matrices are general, symmetric or skew-symmetric; a matrix
//! of one column or one row can be read as a vector. A file that ends in `.gz` is unpacked as it is read. Memory follows the
//! entries that are there, never the number of entries that the size line announces.

use std::fs::File;
use std::io::{BufReader, Read};
use std::ops::Range;
use std::path::Path;

use flate2::read::MultiGzDecoder;
use nalgebra::{DMatrix, DVector};

use super::entries::Entries;
use super::integer;
use super::suffix::has_suffix;
use crate::instance::kinds::MOST_ENTRIES;
use crate::instance::{Choice, CompressedRows, DesignMatrix, InstanceError, Outline, RowBlock};
use crate::memory::reading::Reading;

mod banner;
mod lines;

use banner::{Banner, Field, Layout, Symmetry};
use lines::Lines;

/// Longest side that is read.
const LONGEST_SIDE: usize = CompressedRows::LONGEST_SIDE;
/// Entries that room is made for because the size line says so.
const BELIEVED: usize = 1 << 20;

/// Reads a matrix; every entry finite, at least one row and one column.
pub fn read_matrix(path: &Path) -> Result<DesignMatrix, InstanceError> {
    read_rows(path, &all_rows).map(|block| block.matrix)
}

/// Reads some rows of a matrix and keeps no others. All lines are looked at.
pub(super) fn read_rows(path: &Path, choose: Choice) -> Result<RowBlock, InstanceError> {
    let _reading = Reading::begin(path);
    let file = File::open(path).map_err(|error| InstanceError::io(path, error))?;
    if has_suffix(path, "gz") {
        return parse_rows(MultiGzDecoder::new(BufReader::new(file)), path, choose);
    }
    parse_rows(file, path, choose)
}

fn all_rows(outline: &Outline) -> Range<usize> {
    0..outline.rows
}

/// Reads a vector: a matrix of one column or one row, listed or not.
pub fn read_vector(path: &Path) -> Result<DVector<f64>, InstanceError> {
    let _reading = Reading::begin(path);
    let matrix = read_matrix(path)?;
    let (rows, columns) = (matrix.rows(), matrix.columns());
    if rows.min(columns) != 1 || rows.max(columns) > MOST_ENTRIES {
        return Err(InstanceError::format(
            path,
            format!("a {rows} x {columns} matrix, expected a vector: one column or one row"),
        ));
    }
    Ok(match matrix {
        // Of one column or one row: the entries in their order.
        DesignMatrix::Dense(matrix) => {
            DVector::from_iterator(rows.max(columns), matrix.iter().flatten().copied())
        }
        DesignMatrix::Sparse(matrix) => {
            let mut vector = DVector::zeros(rows.max(columns));
            for (i, j, value) in matrix.triplet_iter() {
                vector[i.max(j)] = *value;
            }
            vector
        }
    })
}

/// [`read_matrix`] from any source; `name` is the file that messages mention.
pub fn parse_matrix(source: impl Read, name: &Path) -> Result<DesignMatrix, InstanceError> {
    parse_rows(source, name, &all_rows).map(|block| block.matrix)
}

/// [`read_rows`] from any source.
pub(super) fn parse_rows(
    source: impl Read,
    name: &Path,
    choose: Choice,
) -> Result<RowBlock, InstanceError> {
    let mut lines = Lines::new(BufReader::new(source), name);
    let banner = Banner::read(&mut lines)?;
    let block = match banner.layout {
        Layout::Coordinate => coordinate(&mut lines, &banner, choose)?,
        Layout::Array => array(&mut lines, &banner, choose)?,
    };
    block.map_err(|error: InstanceError| error.in_file(name))
}

/// What a body parser gives: errors of the file outside, errors of the finished matrix inside.
type Parsed = Result<Result<RowBlock, InstanceError>, InstanceError>;

/// `row column value`, counted from 1; without a value in a pattern.
fn coordinate(lines: &mut Lines<'_, impl Read>, banner: &Banner, choose: Choice) -> Parsed {
    let [rows, columns, announced] = sizes(lines, "rows columns entries")?;
    check_sides(lines, rows, columns, banner)?;
    let outline = Outline {
        rows,
        columns,
        sparse: true,
        stored: match banner.symmetry {
            Symmetry::General => announced,
            Symmetry::Symmetric => announced.saturating_mul(2) - announced.min(rows),
            Symmetry::SkewSymmetric => announced.saturating_mul(2),
        },
    };
    let own = outline.chosen(choose);
    let expected = announced.min(BELIEVED) / rows.max(1) * own.len();
    let mut entries = Entries::new([own.len(), columns], expected);
    let mut keep = |i: usize, j: usize, value: f64| {
        if own.contains(&i) {
            entries.push(i - own.start, j, value);
        }
    };
    for read in 0..announced {
        if !lines.next_data()? {
            return Err(ends_early(lines, read, announced));
        }
        let (i, j, value) = match banner.field {
            Field::Pattern => {
                let [i, j] = lines.words("row column")?;
                (i, j, 1.0)
            }
            field => {
                let [i, j, value] = lines.words("row column value")?;
                (i, j, number(lines, value, field)?)
            }
        };
        let i = index(lines, "row", i, rows)?;
        let j = index(lines, "column", j, columns)?;
        keep(i, j, value);
        if let Some(sign) = banner.symmetry.mirror() {
            if j > i || (j == i && banner.symmetry == Symmetry::SkewSymmetric) {
                return Err(lines.error(format!(
                    "entry ({}, {}) of a {} file is {} the diagonal",
                    i + 1,
                    j + 1,
                    banner.symmetry.name(),
                    if j > i { "above" } else { "on" }
                )));
            }
            if i != j {
                keep(j, i, sign * value);
            }
        }
    }
    refuse_more(lines, announced)?;
    Ok(RowBlock::sparse(entries.into_rows(), 0, own, outline))
}

/// One value a line, column after column; of a symmetric matrix the lower triangle only, of a skew-symmetric one that
/// without the diagonal.
fn array(lines: &mut Lines<'_, impl Read>, banner: &Banner, choose: Choice) -> Parsed {
    let [rows, columns] = sizes(lines, "rows columns")?;
    check_sides(lines, rows, columns, banner)?;
    if banner.field == Field::Pattern {
        return Err(lines.error("an array file cannot be a pattern"));
    }
    // Sides are at most 2^27, so the products fit.
    let announced = match banner.symmetry {
        Symmetry::General => rows * columns,
        Symmetry::Symmetric => rows * (rows + 1) / 2,
        Symmetry::SkewSymmetric => rows * rows.saturating_sub(1) / 2,
    };
    let outline = Outline::dense(rows, columns);
    // A matrix with a symmetry has as many columns as rows: its rows are cut out when all of it is there.
    let own = match banner.symmetry {
        Symmetry::General => outline.chosen(choose),
        Symmetry::Symmetric | Symmetry::SkewSymmetric => 0..rows,
    };
    let expected = announced.min(BELIEVED) / rows.max(1) * own.len();
    let mut values: Vec<f64> = Vec::with_capacity(expected);
    for read in 0..announced {
        if !lines.next_data()? {
            return Err(ends_early(lines, read, announced));
        }
        let [value] = lines.words("value")?;
        let value = number(lines, value, banner.field)?;
        if banner.symmetry != Symmetry::General || own.contains(&(read % rows)) {
            values.push(value);
        }
    }
    refuse_more(lines, announced)?;
    let Some(sign) = banner.symmetry.mirror() else {
        let matrix = DMatrix::from_vec(own.len(), columns, values);
        return Ok(outline
            .refuse_empty()
            .map(|()| RowBlock::dense(matrix.into(), own, outline)));
    };
    let mut matrix = DMatrix::zeros(rows, rows);
    let mut values = values.into_iter();
    let below = usize::from(banner.symmetry == Symmetry::SkewSymmetric);
    for j in 0..rows {
        for (i, value) in (j + below..rows).zip(values.by_ref()) {
            matrix[(j, i)] = sign * value;
            matrix[(i, j)] = value;
        }
    }
    Ok(DesignMatrix::dense(matrix).map(|whole| RowBlock::of(whole, choose)))
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
    if banner.symmetry != Symmetry::General && rows != columns {
        return Err(lines.error(format!(
            "a {} matrix cannot be {rows} x {columns}",
            banner.symmetry.name()
        )));
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
        Err(_) if !integer::is_integer(word) => {
            Err(lines.error(format!("{what} {word} is not an integer")))
        }
        _ => Err(lines.error(format!("{what} {word} is not one of 1 to {limit}"))),
    }
}

/// The nearest f64 of a real number; of an integer that number itself.
fn number(lines: &Lines<'_, impl Read>, word: &str, field: Field) -> Result<f64, InstanceError> {
    let wrong = match field {
        Field::Integer => (!integer::is_integer(word)).then_some("an integer"),
        Field::UnsignedInteger => {
            let counts = integer::is_integer(word) && !word.starts_with('-');
            (!counts).then_some("an integer that is not negative")
        }
        Field::Real | Field::Pattern => None,
    };
    if let Some(expected) = wrong {
        return Err(lines.error(format!("\"{word}\" is not {expected}")));
    }
    match word.parse::<f64>() {
        Ok(value) if !value.is_finite() => {
            Err(lines.error(format!("value {word}: every entry must be a finite number")))
        }
        Ok(_) if field != Field::Real && !integer::is_exact(word) => Err(lines.error(format!(
            "value {word}, which no f64 is: call the field real in line 1 if the nearest is meant"
        ))),
        Ok(value) => Ok(value),
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
