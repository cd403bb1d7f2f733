//! Everything that ends with status 2.

use std::path::{Path, PathBuf};

use crate::instance::InstanceError;
use crate::oracle::OracleError;

/// Bad usage or bad input, as one line.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The arguments cannot be used.
    #[error("{0}")]
    Usage(String),
    /// A file cannot be read, written or used.
    #[error(transparent)]
    Instance(#[from] InstanceError),
    /// An instance is valid, but this command cannot take it.
    #[error("{}: {message}", path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// Why.
        message: String,
    },
    /// The oracle gives no answer.
    #[error("{}: {source}", path.display())]
    Oracle {
        /// The instance's file.
        path: PathBuf,
        /// Why.
        source: OracleError,
    },
    /// Standard output cannot be written.
    #[error("standard output: {0}")]
    Output(std::io::Error),
}

impl CliError {
    /// This file or directory cannot be read or written.
    pub(super) fn io(path: &Path, source: std::io::Error) -> Self {
        InstanceError::io(path, source).into()
    }

    /// This instance cannot be taken because of `reason`.
    pub(super) fn refused(path: &Path, reason: impl std::fmt::Display) -> Self {
        Self::Refused {
            path: path.to_owned(),
            message: reason.to_string(),
        }
    }
}
