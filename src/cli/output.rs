//! What the subcommands print.

use std::io::{ErrorKind, Write};

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use crate::cli::CliError;
use crate::instance::files::FORMAT_VERSION;

/// Writes to standard output. A reader that has gone away (`attreg ... | head`) is not an error.
pub(super) fn print(text: &str) -> Result<(), CliError> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(CliError::Output(error)),
        _ => Ok(()),
    }
}

/// A report as programs read it: one line of JSON, an object whose first field says which version of the format it has.
pub(super) fn json_report(report: &impl Serialize) -> String {
    #[derive(Serialize)]
    struct Versioned<'a, T> {
        format_version: u32,
        #[serde(flatten)]
        report: &'a T,
    }
    json_line(&Versioned {
        format_version: FORMAT_VERSION,
        report,
    })
}

/// Prints a report as JSON, or as the text that people read.
pub(super) fn print_report(
    json: bool,
    report: &impl Serialize,
    text: impl FnOnce() -> String,
) -> Result<(), CliError> {
    print(&if json { json_report(report) } else { text() })
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

/// A line on the terminal that follows a run; nothing where standard error is not a terminal.
pub(super) fn progress_line() -> ProgressBar {
    /// A run that ends sooner shows nothing.
    const TICK: std::time::Duration = std::time::Duration::from_millis(200);
    let line = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed} {msg}") {
        line.set_style(style);
    }
    line.enable_steady_tick(TICK);
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The fields behind the version are those of the report, byte for byte.
    #[test]
    fn a_report_begins_with_the_version_of_its_format() {
        #[derive(Serialize)]
        struct Report {
            x: [f64; 3],
            #[serde(skip_serializing_if = "Option::is_none")]
            absent: Option<u8>,
            name: &'static str,
            none: Option<f64>,
        }
        let report = Report {
            x: [0.1, -1e300, 5e-324],
            absent: None,
            name: "\"a\"",
            none: None,
        };
        let plain = json_line(&report);
        let expected = plain.replacen('{', "{\"format_version\":1,", 1);
        assert_eq!(json_report(&report), expected);
    }
}
