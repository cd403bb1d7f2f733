//! A Gram matrix that is made once and then kept.

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
