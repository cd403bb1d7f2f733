//! What shows a run while it goes on, what is written about each iteration, and how Ctrl-C ends it.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Instant;

use indicatif::ProgressBar;
use serde::Serialize;

use crate::cli::output;
use crate::production::TraceEntry;

/// Follows a run from its beginning.
pub(super) struct Follower<'a> {
    stop: &'a AtomicBool,
    progress: ProgressBar,
    clock: Instant,
    lines: String,
    /// What one pass is called on the progress line, where that says something.
    passes: Option<&'static str>,
}

impl<'a> Follower<'a> {
    /// Of a run that begins now and ends early once `stop` is set.
    pub(super) fn of(stop: &'a AtomicBool, passes: Option<&'static str>) -> Self {
        Self {
            stop,
            progress: output::progress_line(),
            clock: Instant::now(),
            lines: String::new(),
            passes,
        }
    }

    /// Takes down an iteration; says whether to go on.
    pub(super) fn sees(&mut self, entry: &TraceEntry) -> ControlFlow<()> {
        let seconds = self.clock.elapsed().as_secs_f64();
        self.lines
            .push_str(&output::json_report(&TraceLine::new(entry, seconds)));
        let passes = self
            .passes
            .map(|what| format!(", {:.1} {what}", entry.passes))
            .unwrap_or_default();
        self.progress.set_message(format!(
            "iteration {}: loss {:.6e}, gradient {:.1e}{passes}",
            entry.iteration, entry.loss, entry.gradient_norm
        ));
        if self.stop.load(SeqCst) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }

    /// The seconds since the beginning, and the trace.
    pub(super) fn end(self) -> (f64, String) {
        let seconds = self.clock.elapsed().as_secs_f64();
        self.progress.finish_and_clear();
        (seconds, self.lines)
    }
}

/// A line of `--trace`.
#[derive(Serialize)]
struct TraceLine {
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
    fn new(entry: &TraceEntry, seconds: f64) -> Self {
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
