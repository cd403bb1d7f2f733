//! What a run is told from outside, and what it hands back.

use std::ops::ControlFlow;

use crate::production::outcome::{Observer, Outcome, TraceEntry};

/// Keeps the trace of a run and asks the observer whether to go on.
pub(crate) struct Watch<'a> {
    observer: &'a mut Observer<'a>,
    trace: Vec<TraceEntry>,
}

impl<'a> Watch<'a> {
    /// Nothing seen so far.
    pub(super) fn new(observer: &'a mut Observer<'a>) -> Self {
        Self {
            observer,
            trace: Vec::new(),
        }
    }

    /// Records an iteration; whether the run is to stop here.
    pub(super) fn sees(&mut self, entry: TraceEntry) -> bool {
        let verdict = (self.observer)(&entry);
        self.trace.push(entry);
        verdict == ControlFlow::Break(())
    }

    /// Every iteration so far.
    pub(super) fn trace(self) -> Vec<TraceEntry> {
        self.trace
    }
}

/// Where a run ended.
pub(crate) struct Reached {
    /// How it ended.
    pub(super) outcome: Outcome,
    /// The unknowns as one vector.
    pub(super) x: Vec<f64>,
    /// The loss there.
    pub(super) loss: f64,
    /// The norm of its gradient there.
    pub(super) gradient_norm: f64,
    /// The norm of the gradient that the tolerance is relative to.
    pub(super) start_gradient_norm: f64,
    /// The rounding level of `gradient_norm`, where it was computed.
    pub(super) gradient_noise: Option<f64>,
    /// Accepted steps.
    pub(super) iterations: usize,
    /// A proven bound on the distance to a minimiser, and what it rests on; or why there is none.
    pub(super) error_bound: (Option<f64>, String),
    /// Labels that were read, of a system that counts them.
    pub(super) labels_read: Option<usize>,
    /// What the user should know, one sentence each.
    pub(super) warnings: Vec<String>,
}
