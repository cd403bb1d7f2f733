//! The kernels of a problem for benches and for solvers of one's own.

use crate::production::Problem;
use crate::production::kernels::operator::Operator;

/// Products with the design matrix of a problem, on all threads of the current pool; the same bits for any number of them.
pub struct Kernels<'a> {
    operator: &'a Operator,
    target: Option<&'a [f64]>,
}

impl<'a> Kernels<'a> {
    /// The kernels of a problem with n rows and d columns.
    pub fn of(problem: &'a Problem) -> Self {
        Self {
            operator: problem.operator(),
            target: problem.loss().softmax_target(),
        }
    }

    /// `z = A x`. Panics unless x has d entries and z has n.
    pub fn multiply(&self, x: &[f64], z: &mut [f64]) {
        self.check(x.len(), z.len());
        self.operator.multiply(x, z);
    }

    /// `A' u`, d entries. Panics unless u has n entries.
    pub fn transpose_multiply(&self, u: &[f64]) -> Vec<f64> {
        self.check(self.operator.columns(), u.len());
        self.operator.transpose_multiply(u)
    }

    /// `A' diag(weights) A`, d columns of d entries, for n weights of any sign. Panics unless there are n.
    pub fn gram(&self, weights: &[f64]) -> Vec<Vec<f64>> {
        let d = self.operator.columns();
        self.check(d, weights.len());
        let gram = self.operator.gram(weights);
        (0..d)
            .map(|j| (0..d).map(|i| gram.entry(i, j)).collect())
            .collect()
    }

    /// One sweep over A at x for softmax: the logits go to z; returns `A' q` for `q = exp(A x) / n`, one of the three
    /// products that the sweep makes. `None` for other losses. Panics unless x has d entries and z has n.
    pub fn softmax_pass(&self, x: &[f64], z: &mut [f64]) -> Option<Vec<f64>> {
        self.check(x.len(), z.len());
        let shift = (z.len() as f64).ln();
        let target = self.target?;
        let pass = self.operator.softmax_pass(Some(x), shift, target, z);
        let [_, _, mean] = pass.projections;
        Some(mean)
    }

    fn check(&self, columns: usize, rows: usize) {
        assert_eq!(columns, self.operator.columns(), "entries for the columns");
        assert_eq!(rows, self.operator.rows(), "entries for the rows");
    }
}
