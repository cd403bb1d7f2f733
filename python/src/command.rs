//! The command `attreg` inside the wheel.

use std::ffi::OsString;

use attention_regression::cli::{self, Cli, Exit};
use pyo3::prelude::*;

/// Runs the command with these arguments, the program's name first, as the program does; the exit status.
#[pyfunction]
pub(crate) fn main(py: Python<'_>, arguments: Vec<OsString>) -> u8 {
    py.detach(|| {
        let status = Cli::from_arguments(arguments).and_then(|arguments| match arguments {
            Some(arguments) => cli::run(arguments),
            None => Ok(Exit::Success),
        });
        match status {
            Ok(exit) => exit.status(),
            Err(error) => {
                error.print();
                2
            }
        }
    })
}
