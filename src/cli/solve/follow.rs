//! What shows a run while it goes on, and what is written about each iteration.

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use crate::production::TraceEntry;

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

/// A line of `--trace`.
#[derive(Serialize)]
pub(super) struct TraceLine {
    iteration: usize,
    loss: f64,
    gradient_norm: f64,
    step_norm: f64,
    step_length: f64,
    method: &'static str,
    distinct_rows: usize,
    shift: f64,
    passes: f64,
    seconds: f64,
}

impl TraceLine {
    pub(super) fn new(entry: &TraceEntry, seconds: f64) -> Self {
        Self {
            iteration: entry.iteration,
            loss: entry.loss,
            gradient_norm: entry.gradient_norm,
            step_norm: entry.step_norm,
            step_length: entry.step_length,
            method: entry.method,
            distinct_rows: entry.distinct_rows,
            shift: entry.shift,
            passes: entry.passes,
            seconds,
        }
    }
}
