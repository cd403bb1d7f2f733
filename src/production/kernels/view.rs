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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instance::{DesignMatrix, LossKind};
    use nalgebra::{DMatrix, DVector};

    fn problem(loss: LossKind) -> Problem {
        let matrix = DMatrix::from_row_slice(3, 2, &[1.0, 2.0, -3.0, 4.0, 5.0, -6.0]);
        let matrix = DesignMatrix::dense(matrix).unwrap();
        let target = DVector::repeat(3, 0.25);
        Problem::new(loss, matrix, target, DVector::zeros(3)).unwrap()
    }

    #[test]
    fn products_with_small_integers_are_exact() {
        let problem = problem(LossKind::Exp);
        let kernels = Kernels::of(&problem);
        let mut z = [0.0; 3];
        kernels.multiply(&[7.0, -1.0], &mut z);
        assert_eq!(z, [5.0, -25.0, 41.0]);
        assert_eq!(kernels.transpose_multiply(&[1.0, 2.0, -1.0]), [-10.0, 16.0]);
        let gram = kernels.gram(&[1.0, -1.0, 2.0]);
        assert_eq!(gram, [[42.0, -46.0], [-46.0, 60.0]]);
        assert!(kernels.softmax_pass(&[0.0, 0.0], &mut z).is_none());
    }

    #[test]
    fn a_sweep_for_softmax_gives_the_logits_and_the_mean() {
        let problem = problem(LossKind::Softmax);
        let kernels = Kernels::of(&problem);
        let mut z = [9.0; 3];
        // All logits 0: q = 1/3.
        let mean = kernels.softmax_pass(&[0.0, 0.0], &mut z).unwrap();
        assert_eq!(z, [0.0; 3]);
        assert!((mean[0] - 1.0).abs() < 1e-15 && mean[1].abs() < 1e-15);
    }

    #[test]
    #[should_panic(expected = "entries for the columns")]
    fn a_vector_of_another_length_than_a_row_is_refused() {
        Kernels::of(&problem(LossKind::Exp)).multiply(&[1.0; 3], &mut [0.0; 3]);
    }

    #[test]
    #[should_panic(expected = "entries for the rows")]
    fn a_vector_of_another_length_than_a_column_is_refused() {
        Kernels::of(&problem(LossKind::Exp)).gram(&[1.0; 2]);
    }
}
