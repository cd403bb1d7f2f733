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
    /// Which part is stored.
    pub(super) symmetry: Symmetry,
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
    /// Integers that are not negative, as SciPy writes unsigned arrays.
    UnsignedInteger,
    /// No value: every listed entry is 1.
    Pattern,
}

/// What is stored of a matrix.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Symmetry {
    /// All of it.
    General,
    /// The lower triangle with the diagonal.
    Symmetric,
    /// The lower triangle without the diagonal, which is 0; the upper has the other sign.
    SkewSymmetric,
}

impl Symmetry {
    /// The word of the first line.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::General => "general",
            Self::Symmetric => "symmetric",
            Self::SkewSymmetric => "skew-symmetric",
        }
    }

    /// The factor of the mirrored entry, if there is one.
    pub(super) fn mirror(self) -> Option<f64> {
        match self {
            Self::General => None,
            Self::Symmetric => Some(1.0),
            Self::SkewSymmetric => Some(-1.0),
        }
    }
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
                 \"%%MatrixMarket matrix coordinate|array real|integer|unsigned-integer|pattern \
                 general|symmetric|skew-symmetric\"",
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
                "unsigned-integer" => Field::UnsignedInteger,
                "pattern" => Field::Pattern,
                "complex" => {
                    return Err(lines.error(
                        "field \"complex\": expected real numbers: mmwrite(file, A.real) if the \
                         imaginary part is 0",
                    ));
                }
                other => {
                    let known = "real, integer, unsigned-integer, pattern";
                    return Err(unknown(lines, "field", other, known));
                }
            },
            symmetry: match symmetry {
                "general" => Symmetry::General,
                "symmetric" => Symmetry::Symmetric,
                "skew-symmetric" => Symmetry::SkewSymmetric,
                other => {
                    let known = "general, symmetric, skew-symmetric";
                    return Err(unknown(lines, "symmetry", other, known));
                }
            },
        })
    }
}

fn unknown(lines: &Lines<'_, impl Read>, what: &str, found: &str, known: &str) -> InstanceError {
    lines.error(format!("{what} \"{found}\" is not one of {known}"))
}
