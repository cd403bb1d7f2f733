//! The library's errors as exceptions: the same one line.

use std::fmt::Display;
use std::io::ErrorKind;

use attention_regression::instance::InstanceError;
use attention_regression::oracle::OracleError;
use pyo3::PyErr;
use pyo3::exceptions::{
    PyFileExistsError, PyFileNotFoundError, PyIsADirectoryError, PyMemoryError, PyOSError,
    PyPermissionError, PyValueError,
};

/// Bad input.
pub(crate) fn value<E: Display>(error: E) -> PyErr {
    PyValueError::new_err(error.to_string())
}

/// What is wrong with an instance, a point or an answer: `OSError` where a file could not be read, else `ValueError`.
pub(crate) fn instance(error: InstanceError) -> PyErr {
    let line = error.to_string();
    match &error {
        InstanceError::Io { source, .. } => match source.kind() {
            ErrorKind::NotFound => PyFileNotFoundError::new_err(line),
            ErrorKind::AlreadyExists => PyFileExistsError::new_err(line),
            ErrorKind::PermissionDenied => PyPermissionError::new_err(line),
            ErrorKind::IsADirectory => PyIsADirectoryError::new_err(line),
            ErrorKind::OutOfMemory => PyMemoryError::new_err(line),
            _ => PyOSError::new_err(line),
        },
        _ => PyValueError::new_err(line),
    }
}

/// Why the oracle gives no answer: `MemoryError` where its graph would not fit, else `ValueError`.
pub(crate) fn oracle(error: OracleError) -> PyErr {
    let line = error.to_string();
    match error {
        OracleError::TooLarge { .. }
        | OracleError::SystemTooLarge { .. }
        | OracleError::RowTooLarge { .. } => PyMemoryError::new_err(line),
        _ => PyValueError::new_err(line),
    }
}
