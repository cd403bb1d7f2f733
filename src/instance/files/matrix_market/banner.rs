//! The first line: `%%MatrixMarket matrix coordinate real general`.

use std::io::Read;

use super::lines::Lines;
use crate::instance::InstanceError;

/// What the first line says about the rest.
pub(super) struct Banner {
    /// Listed entries or all of them.
    pub(super) layout: Layout,
    /// What a value may look like.
    pub(super) field: Field,
    /// Whether only the lower triangle is stored.
    pub(super) symmetric: bool,
}

/// How entries are stored.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// `row column value`.
    Coordinate,
    /// All values, column after column.
    Array,
}

/// The type of a value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    /// Any decimal number.
    Real,
    /// Integers only.
    Integer,
}

impl Banner {
    /// Reads the first line. Upper and lower case are the same.
    pub(super) fn read(lines: &mut Lines<'_, impl Read>) -> Result<Self, InstanceError> {
        if !lines.next_line()? {
            return Err(lines.error("the file is empty"));
        }
        let text = lines.text()?.to_ascii_lowercase();
        let words: Vec<&str> = text.split_ascii_whitespace().collect();
        let ["%%matrixmarket", object, layout, field, symmetry] = words[..] else {
            return Err(lines.error(
                "not a Matrix Market file: the first line must be \
                 \"%%MatrixMarket matrix coordinate|array real|integer general|symmetric\"",
            ));
        };
        if object != "matrix" {
            return Err(unknown(lines, "object", object, "matrix"));
        }
        Ok(Self {
            layout: match layout {
                "coordinate" => Layout::Coordinate,
                "array" => Layout::Array,
                other => return Err(unknown(lines, "layout", other, "coordinate, array")),
            },
            field: match field {
                "real" => Field::Real,
                "integer" => Field::Integer,
                other => return Err(unknown(lines, "field", other, "real, integer")),
            },
            symmetric: match symmetry {
                "general" => false,
                "symmetric" => true,
                other => return Err(unknown(lines, "symmetry", other, "general, symmetric")),
            },
        })
    }
}

fn unknown(lines: &Lines<'_, impl Read>, what: &str, found: &str, known: &str) -> InstanceError {
    lines.error(format!("{what} \"{found}\" is not one of {known}"))
}
