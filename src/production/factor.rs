//! Factorisations of positive definite d x d matrices, behind one trait, and what is found with them.
//!
//! | module | matrix | its root |
//! |---|---|---|
//! | `cholesky` | any, of d x d entries | L with `L L' = M`, by blocks |
//! | `householder` | `B'B` for a tall B, without forming it | `R'` with `B = Q R`, by blocks of reflections |
//! | `spectral` | an indefinite one made definite by the absolute values of its eigenvalues | `V diag(sqrt e)` |
//! | `lowest` | any | the lowest eigenvalue, by the factors of a few shifted matrices |
//! | `lanczos` | any, by its products | a tridiagonal matrix on a subspace |

pub(crate) mod cholesky;
pub(crate) mod householder;
pub(crate) mod lanczos;
pub(crate) mod lowest;
pub(crate) mod spectral;

/// A factorisation `M = C C'` of a positive definite d x d matrix. Vectors have d entries.
pub(crate) trait Factor {
    /// `C^-1 v`.
    fn root_solve(&self, v: &[f64]) -> Vec<f64>;

    /// `C'^-1 v`.
    fn transposed_root_solve(&self, v: &[f64]) -> Vec<f64>;

    /// The solution of `M s = v`.
    fn solve(&self, v: &[f64]) -> Vec<f64> {
        self.transposed_root_solve(&self.root_solve(v))
    }
}

#[cfg(test)]
pub(crate) mod test_support {
    use super::Factor;
    use crate::production::summation::dot;

    /// What every factorisation of M promises, to within `allowed`: `M s = v` is solved, and `||C^-1 v||^2 = v' M^-1 v` and
    /// `||M C'^-1 v||_{M^-1} = ||v||`, which a root and its transpose taken for each other would break.
    pub(crate) fn keeps_its_promises(
        factor: &dyn Factor,
        multiply: &dyn Fn(&[f64]) -> Vec<f64>,
        v: &[f64],
        allowed: f64,
    ) {
        let close = |a: f64, b: f64, what: &str| {
            assert!((a - b).abs() <= allowed, "{what}: {a} instead of {b}");
        };
        let solution = factor.solve(v);
        for (found, expected) in multiply(&solution).iter().zip(v) {
            close(*found, *expected, "M s = v");
        }
        let half = factor.root_solve(v);
        close(dot(&half, &half), dot(v, &solution), "C^-1 v");
        let other = factor.transposed_root_solve(v);
        close(dot(&other, &multiply(&other)), dot(v, v), "C'^-1 v");
        let both = factor.transposed_root_solve(&half);
        for (found, expected) in both.iter().zip(&solution) {
            close(*found, *expected, "C'^-1 C^-1 v");
        }
    }
}
