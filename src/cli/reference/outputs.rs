//! What the oracle found about outputs.

use crate::cli::{CliError, Exit, output};
use crate::oracle::Ball;
use crate::scalar::certified;
use crate::system::{Layout, as_json};

/// As JSON under their name, or a row for each.
pub(super) fn print(layout: &Layout, values: &[Ball], json: bool) -> Result<Exit, CliError> {
    let texts: Vec<String> = values
        .iter()
        .map(|ball| certified(ball.midpoint(), ball.radius()))
        .collect();
    output::print(&if json {
        output::json_report(&as_json(layout, &texts))
    } else {
        let entries = texts.into_iter().enumerate();
        let rows: Vec<(String, String)> = entries
            .map(|(k, text)| (layout.entry(k).unwrap_or_default(), text))
            .collect();
        output::table(&rows)
    })?;
    Ok(Exit::Success)
}
