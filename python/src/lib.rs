//! `attreg._attreg`: arrays in, arrays and JSON out. What users see is written in Python on top of it (`attreg/`).

#![deny(missing_docs)]

mod arrays;
mod attended;
mod command;
mod counted;
mod errors;
mod ledger;
mod posed;
mod solved;
mod table;

use pyo3::prelude::*;

/// The extension module.
#[pymodule]
mod _attreg {
    #[pymodule_export]
    use crate::command::main;
    #[pymodule_export]
    use crate::counted::{catch_up, check_chain_of, degree_window, make_chain_of, row_queries};
    #[pymodule_export]
    use crate::ledger::{claims, kit, verify};
    #[pymodule_export]
    use crate::posed::{Posed, round_to};
    #[pymodule_export]
    use crate::table::{settings, systems};
}
