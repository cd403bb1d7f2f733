//! What can be wrong with an instance: every variant names the part, the place and the value.

use std::fmt::Display;
use std::path::{Path, PathBuf};

/// Why an instance was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InstanceError {
    /// A file could not be read or written.
    #[error("{}: {source}", one_line(path.display()))]
    Io {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// A file was read but is not what it should be.
    #[error("{}: {message}", one_line(path.display()))]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong, with row or byte where known.
        message: String,
    },
    /// An entry is NaN or infinite.
    #[error("{part}[{place}] is {value}: every entry must be finite")]
    NotFinite {
        /// Which array.
        part: &'static str,
        /// Index, `i` or `i, j`.
        place: String,
        /// The value found.
        value: f64,
    },
    /// An entry of an index array does not fit.
    #[error("{part}[{place}] is {value}, expected {expected}")]
    Index {
        /// Which array.
        part: &'static str,
        /// Its index.
        place: usize,
        /// The entry found.
        value: usize,
        /// What it must be.
        expected: String,
    },
    /// Two shapes that must agree do not.
    #[error("{part} has {found}, expected {expected}")]
    Shape {
        /// Which array.
        part: &'static str,
        /// What it has.
        found: String,
        /// What it must have.
        expected: String,
    },
    /// The matrix has no row or no column.
    #[error("matrix is {rows} x {columns}: at least one row and one column are needed")]
    Empty {
        /// Rows found.
        rows: usize,
        /// Columns found.
        columns: usize,
    },
    /// The loss is not one that this version knows.
    #[error("unknown loss {name:?}: known losses are {known}")]
    UnknownLoss {
        /// The name found.
        name: String,
        /// The names that would be accepted.
        known: String,
    },
    /// The activation is not one that this version knows.
    #[error("activation: unknown {name:?}: known activations are {known}")]
    UnknownActivation {
        /// The name found.
        name: String,
        /// The names that would be accepted.
        known: String,
    },
    /// The loss needs a field that is not there.
    #[error("missing field `{field}`: loss \"{loss}\" needs it")]
    MissingField {
        /// The field.
        field: &'static str,
        /// The loss.
        loss: &'static str,
    },
    /// The loss has no use for a field that is there.
    #[error("superfluous field `{field}`: loss \"{loss}\" has no use for it")]
    SuperfluousField {
        /// The field.
        field: &'static str,
        /// The loss.
        loss: &'static str,
    },
    /// Something inside a file is wrong.
    #[error("{}: {source}", one_line(path.display()))]
    InFile {
        /// The file.
        path: PathBuf,
        /// What is wrong in it.
        source: Box<InstanceError>,
    },
}

impl InstanceError {
    /// A file that is not what it should be.
    pub(crate) fn format(path: &Path, message: impl Into<String>) -> Self {
        Self::Format {
            path: path.to_owned(),
            message: one_line(message.into()),
        }
    }

    /// A file that could not be read or written.
    pub(crate) fn io(path: &Path, source: std::io::Error) -> Self {
        Self::Io {
            path: path.to_owned(),
            source,
        }
    }

    /// The array that does not fit, where one is to blame.
    pub(crate) fn part(&self) -> Option<&'static str> {
        match self {
            Self::NotFinite { part, .. } | Self::Shape { part, .. } | Self::Index { part, .. } => {
                Some(part)
            }
            _ => None,
        }
    }

    /// Says in which file this happened. An error that names a file already is left alone.
    pub(crate) fn in_file(self, path: &Path) -> Self {
        match self {
            Self::Io { .. } | Self::Format { .. } | Self::InFile { .. } => self,
            other => Self::InFile {
                path: path.to_owned(),
                source: Box::new(other),
            },
        }
    }
}

/// Text from outside with its control characters escaped, so that no file can break a message into two lines or colour a
/// terminal.
fn one_line(text: impl Display) -> String {
    let mut line = String::new();
    for letter in text.to_string().chars() {
        if letter.is_control() {
            line.extend(letter.escape_default());
        } else {
            line.push(letter);
        }
    }
    line
}
