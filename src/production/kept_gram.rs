//! A Gram matrix that is made once and then kept.

use std::cell::Cell;
use std::sync::OnceLock;

use crate::production::kernels::operator::{Gram, Operator};

/// `A' diag(weights) A` of one operator and one set of weights, once it is wanted.
#[derive(Default)]
pub(crate) struct KeptGram(OnceLock<Gram>);

impl KeptGram {
    /// The matrix; `operator` and `weights` are the same for every call, and make the same bits.
    pub fn get(&self, operator: &Operator, weights: &[f64]) -> &Gram {
        if let Some(gram) = self.0.get() {
            return gram;
        }
        // Not under the lock: a thread that waits for its share of the work may take up another solve, which asks here again.
        let gram = operator.gram(weights);
        self.0.get_or_init(|| gram)
    }
}

/// A kept Gram matrix as one run uses it. A run that finds it made counts it as if it had made it, so that equal runs count alike.
pub(crate) struct RunGram<'a> {
    kept: &'a KeptGram,
    asked: Cell<bool>,
}

impl<'a> RunGram<'a> {
    /// For a run that begins.
    pub fn of(kept: &'a KeptGram) -> Self {
        Self {
            kept,
            asked: Cell::new(false),
        }
    }

    /// [`KeptGram::get`].
    pub fn get(&self, operator: &Operator, weights: &[f64]) -> &'a Gram {
        if !self.asked.replace(true) && self.kept.0.get().is_some() {
            operator.count_pass();
        }
        self.kept.get(operator, weights)
    }
}
