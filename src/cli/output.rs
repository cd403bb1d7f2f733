//! What the subcommands print.

use std::io::{ErrorKind, Write};

use serde::Serialize;

use crate::cli::CliError;

/// Writes to standard output. A reader that has gone away (`attreg ... | head`) is not an error.
pub(super) fn print(text: &str) -> Result<(), CliError> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(CliError::Output(error)),
        _ => Ok(()),
    }
}

/// One value as one line of JSON.
pub(super) fn json_line(value: &impl Serialize) -> String {
    // Our values are structs of strings, numbers and lists; none of them can fail to serialise.
    let mut line = serde_json::to_string(value).unwrap_or_default();
    line.push('\n');
    line
}

/// Lines of `name  value`, names padded to the longest.
pub(super) fn table(rows: &[(String, String)]) -> String {
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    rows.iter()
        .map(|(name, value)| format!("{name:width$}  {value}\n"))
        .collect()
}
