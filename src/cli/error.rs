//! Everything that ends with status 2.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::instance::InstanceError;
use crate::oracle::OracleError;

/// Bad usage or bad input: one line, but for [`Arguments`](Self::Arguments).
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The arguments are not of the command's form: clap's message of several lines, with the usage.
    #[error(transparent)]
    Arguments(#[from] clap::Error),
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
    /// What is wrong has been said, by one rank for all.
    #[error("said by another rank")]
    Elsewhere,
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

    /// An option that changes nothing here, because of `reason`: whoever gives it expects that it does.
    pub(super) fn without_effect(option: &str, reason: &str) -> Self {
        Self::Usage(format!("{option} has no effect here: {reason}"))
    }

    /// Says on standard error what is wrong.
    pub fn print(&self) {
        // Where standard error is closed there is nobody to tell; the status says it still.
        let _ = match self {
            Self::Arguments(error) => error.print(),
            Self::Elsewhere => Ok(()),
            _ => writeln!(std::io::stderr(), "attreg: {self}"),
        };
    }
}
