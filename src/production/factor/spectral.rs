//! A symmetric matrix made positive definite by its eigenvalues, and the step that leaves a saddle.

use nalgebra::linalg::SymmetricEigen;
use nalgebra::{DMatrix, DVector, Dyn};

use crate::production::factor::Factor;
use crate::production::factor::lanczos::Lanczos;
use crate::production::kernels::operator::Gram;
use crate::production::step::eigen;
use crate::production::summation::norm;

/// Up to this order all eigenvectors are found. Above it a Krylov space takes less time, and the step may be wanted again at
/// every iteration.
const DENSE: usize = 64;
/// Dimensions of the Krylov space after which it is asked whether they are enough; the last ones are.
const STEPS: [usize; 5] = [16, 32, 64, 128, 256];
/// They are enough when the last half of them changes the solution by less than this, relative.
const SETTLED: f64 = 1e-10;

/// `V diag(max(|e|, least)) V'` for a symmetric matrix `V diag(e) V'`.
pub(crate) struct Absolute {
    eigen: SymmetricEigen<f64, Dyn>,
    least: f64,
}

impl Absolute {
    /// `None` if the matrix is not finite or the iteration fails; `least` must be positive. The lower triangle is read.
    pub(crate) fn new(matrix: &DMatrix<f64>, least: f64) -> Option<Self> {
        let eigen = eigen(matrix)?;
        Some(Self { eigen, least })
    }

    /// The k-th eigenvalue of the matrix that is factored.
    fn value(&self, k: usize) -> f64 {
        self.eigen.eigenvalues[k].abs().max(self.least)
    }
}

impl Factor for Absolute {
    fn root_solve(&self, v: &[f64]) -> Vec<f64> {
        let columns = self.eigen.eigenvectors.column_iter();
        let v = DVector::from_column_slice(v);
        columns
            .enumerate()
            .map(|(k, column)| column.dot(&v) / self.value(k).sqrt())
            .collect()
    }

    fn transposed_root_solve(&self, v: &[f64]) -> Vec<f64> {
        let scaled = DVector::from_fn(v.len(), |k, _| v[k] / self.value(k).sqrt());
        (&self.eigen.eigenvectors * scaled).data.into()
    }

    /// As in the trait, without the roots.
    fn solve(&self, v: &[f64]) -> Vec<f64> {
        let v = DVector::from_column_slice(v);
        let mut rotated = self.eigen.eigenvectors.tr_mul(&v);
        for (k, entry) in rotated.iter_mut().enumerate() {
            *entry /= self.value(k);
        }
        (&self.eigen.eigenvectors * rotated).data.into()
    }
}

/// `V diag(1 / max(|e|, LEAST)) V' g` for the eigenvalues e and eigenvectors V of H in the metric M: `H V = M V diag(e)`,
/// `V' M V = I`. Above an order of [`DENSE`] approximately. Its negative descends whatever the signs of e. `None` if g is zero,
/// something is not finite or the iteration fails.
pub(crate) fn absolute_step(
    hessian: &Gram,
    metric: &impl Factor,
    gradient: &[f64],
) -> Option<Vec<f64>> {
    /// Smaller eigenvalues, relative to the metric, are raised to this: the step stays within reason.
    const LEAST: f64 = 1e-2;
    // C^-1 H C'^-1 has the eigenvalues e.
    let product =
        |v: &[f64]| metric.root_solve(&hessian.multiply(&metric.transposed_root_solve(v)));
    let right = metric.root_solve(gradient);
    let size = norm(&right);
    if size.is_nan() || size <= 0.0 {
        return None;
    }
    let solution = if hessian.order <= DENSE {
        Absolute::new(&matrix_of(hessian.order, product), LEAST)?.solve(&right)
    } else {
        in_krylov_space(product, right, LEAST)?
    };
    let step = metric.transposed_root_solve(&solution);
    step.iter().all(|entry| entry.is_finite()).then_some(step)
}

/// The matrix of a linear map of d-vectors.
fn matrix_of(d: usize, product: impl Fn(&[f64]) -> Vec<f64>) -> DMatrix<f64> {
    let columns = (0..d).flat_map(|j| {
        let mut unit = vec![0.0; d];
        unit[j] = 1.0;
        product(&unit)
    });
    DMatrix::from_iterator(d, d, columns)
}

/// `|M|^-1 v` with absolute eigenvalues of at least `least`, by the Galerkin approximation `W |W'MW|^-1 W' v` of the Krylov
/// space W of v. The product with v is positive at any dimension, since `|W'MW|` is positive definite and v is in the space.
/// (Higham 2008, Functions of Matrices, section 13.2.)
fn in_krylov_space(
    product: impl Fn(&[f64]) -> Vec<f64>,
    v: Vec<f64>,
    least: f64,
) -> Option<Vec<f64>> {
    let size = norm(&v);
    let mut lanczos = Lanczos::new(DVector::from_vec(v));
    let mut before: Vec<f64> = Vec::new();
    for steps in STEPS {
        lanczos.advance_to(steps, &product);
        let mut first = vec![0.0; lanczos.len()];
        first[0] = size;
        let shares = Absolute::new(&lanczos.tridiagonal(), least)?.solve(&first);
        before.resize(shares.len(), 0.0);
        let change: Vec<f64> = shares.iter().zip(&before).map(|(a, b)| a - b).collect();
        before = shares;
        if lanczos.complete() || norm(&change) <= SETTLED * norm(&before) {
            break;
        }
    }
    Some(lanczos.combine(&before))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instance::sample;
    use crate::production::factor::cholesky::Cholesky;
    use crate::production::factor::test_support::keeps_its_promises;
    use crate::production::summation::dot;

    /// [[1, 2], [2, 1]] has eigenvalues 3 and -1 along (1, 1) and (1, -1): its absolute value is [[2, 1], [1, 2]].
    #[test]
    fn the_absolute_value_of_a_matrix_is_factored() {
        let matrix = DMatrix::from_row_slice(2, 2, &[1.0, 2.0, 2.0, 1.0]);
        let absolute = Gram::from_lower(2, |i, j| if i == j { 2.0 } else { 1.0 });
        let factor = Absolute::new(&matrix, 0.1).unwrap();
        keeps_its_promises(&factor, &|v| absolute.multiply(v), &[1.0, -3.0], 1e-14);
        // With eigenvalues of at least 3 it is 3 I.
        let raised = Absolute::new(&matrix, 3.0).unwrap();
        let thrice = |v: &[f64]| v.iter().map(|v| 3.0 * v).collect();
        keeps_its_promises(&raised, &thrice, &[1.0, -3.0], 1e-14);
        assert!(Absolute::new(&DMatrix::from_element(2, 2, f64::NAN), 0.1).is_none());
    }

    #[test]
    fn the_absolute_step_is_newtons_where_the_matrix_is_definite_and_descends_elsewhere() {
        let metric =
            Cholesky::new(&Gram::from_lower(2, |i, j| if i == j { 2.0 } else { 0.5 })).unwrap();
        let definite = Gram::from_lower(2, |i, j| if i == j { 3.0 } else { 1.0 });
        let gradient = [1.0, -2.0];
        let newton = Cholesky::new(&definite).unwrap().solve(&gradient);
        let step = absolute_step(&definite, &metric, &gradient).unwrap();
        assert!((step[0] - newton[0]).abs() < 1e-14 && (step[1] - newton[1]).abs() < 1e-14);
        // diag(2, -2) in the metric of the identity: |H| = 2 I.
        let identity =
            Cholesky::new(&Gram::from_lower(2, |i, j| f64::from(u8::from(i == j)))).unwrap();
        let saddle = Gram::from_lower(2, |i, j| if i != j { 0.0 } else { 2.0 - 4.0 * i as f64 });
        let step = absolute_step(&saddle, &identity, &gradient).unwrap();
        assert!((step[0] - 0.5).abs() < 1e-15 && (step[1] + 1.0).abs() < 1e-15);
        assert!(absolute_step(&saddle, &identity, &[0.0, 0.0]).is_none());
        assert!(absolute_step(&saddle, &identity, &[f64::NAN, 0.0]).is_none());
    }

    /// H = diag(2, -3), M = diag(4, 1): |H|^-1 g whatever the metric; an eigenvalue of 0.001 is raised to 0.01 in it.
    #[test]
    fn the_absolute_step_raises_small_eigenvalues_in_the_metric() {
        let diagonal =
            |entries: [f64; 2]| Gram::from_lower(2, |i, j| if i == j { entries[i] } else { 0.0 });
        let metric = Cholesky::new(&diagonal([4.0, 1.0])).unwrap();
        let step = absolute_step(&diagonal([2.0, -3.0]), &metric, &[1.0, 6.0]).unwrap();
        assert!((step[0] - 0.5).abs() < 1e-14 && (step[1] - 2.0).abs() < 1e-14);
        let step = absolute_step(&diagonal([0.004, -3.0]), &metric, &[1.0, 6.0]).unwrap();
        assert!((step[0] - 25.0).abs() < 1e-12 && (step[1] - 2.0).abs() < 1e-14);
    }

    /// `H = Q diag(e) Q'`, M = I: `|H|^-1 g = Q diag(1 / |e|) Q' g`. Most of the spectrum is around 1, as in the metric of a
    /// stand-in, some of it negative, near zero, or both.
    #[test]
    fn the_step_of_a_large_saddle_is_that_of_all_its_eigenvectors() {
        let d = 150;
        let value = |k: usize| match k {
            3 => -0.5,
            50 => -0.02,
            77 => 0.03,
            120 => -0.001,
            _ => 0.8 + k as f64 / 400.0,
        };
        let mut rng = sample::stream(12, "absolute", 0);
        let q = sample::conditioned_matrix(&mut rng, d, d, 1.0, 1.0);
        let values = DVector::from_fn(d, |k, _| value(k));
        let full = &q * DMatrix::from_diagonal(&values) * q.transpose();
        let hessian = Gram::from_lower(d, |i, j| full[(i, j)]);
        let identity =
            Cholesky::new(&Gram::from_lower(d, |i, j| f64::from(u8::from(i == j)))).unwrap();
        // A share of the negative directions that is only just there.
        let shares = DVector::from_fn(d, |k, _| if value(k) < 0.0 { 1e-6 } else { 1.0 });
        let gradient = &q * &shares;
        let step = absolute_step(&hessian, &identity, gradient.as_slice()).unwrap();
        let inverse = shares.zip_map(&values, |share, value| share / value.abs().max(1e-2));
        let expected = &q * inverse;
        let off = (DVector::from_vec(step) - &expected).norm() / expected.norm();
        assert!(off < 1e-9, "{off:e}");
    }

    /// An even spectrum of [-1, 1] is more than the space resolves: the step is approximate, and descends all the same.
    #[test]
    fn a_step_from_a_space_that_is_too_small_descends() {
        let d = 400;
        let value = |k: usize| 2.0 * k as f64 / (d - 1) as f64 - 1.0;
        let hessian = Gram::from_lower(d, |i, j| if i == j { value(i) } else { 0.0 });
        let identity =
            Cholesky::new(&Gram::from_lower(d, |i, j| f64::from(u8::from(i == j)))).unwrap();
        let gradient: Vec<f64> = (0..d).map(|k| (k as f64).sin()).collect();
        let step = absolute_step(&hessian, &identity, &gradient).unwrap();
        // Its length between those of 1 / 1 and 1 / 0.01.
        assert!(dot(&step, &gradient) > dot(&gradient, &gradient));
        assert!(norm(&step) < 100.0 * norm(&gradient));
    }
}
