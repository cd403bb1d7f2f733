//! A case lifted to 40 digits: what the checks ask for again and again, each from the definition through the oracle.

use nalgebra::{DMatrix, DVector};

use crate::claims::{Case, CheckError};
use crate::instance::Instance;
use crate::oracle::{self, Evaluation, Reference, spectrum};
use crate::scalar::{Allowance, High};

/// One rounding at 40 digits.
pub use crate::scalar::rounding::unit_of_high as unit;

/// An instance and one point at 40 digits.
#[derive(Clone, Debug)]
pub struct Exact {
    /// The instance, in f64 as it was given.
    pub instance: Instance,
    /// `A`, lifted exactly (n x d).
    pub a: DMatrix<High>,
    /// `b` (n).
    pub b: DVector<High>,
    /// `w` (n).
    pub w: DVector<High>,
    /// `x` (d).
    pub x: DVector<High>,
    /// `z = A x` (n).
    pub z: DVector<High>,
    /// `p = exp(z) / <exp(z), 1>` straight from the definition (n): `High` needs no shift.
    pub p: DVector<High>,
}

impl Exact {
    /// The case at its `x`.
    pub fn of(case: &Case) -> Result<Self, CheckError> {
        Self::at(&case.instance, oracle::lift_vector(&case.x()))
    }

    /// The instance at a point of 40 digits.
    pub fn at(instance: &Instance, x: DVector<High>) -> Result<Self, CheckError> {
        let a = oracle::lift_matrix(&instance.matrix().to_dense());
        let z = &a * &x;
        let u = z.map(High::exp);
        let total: High = u.iter().copied().sum();
        let p = u / total;
        if p.iter().any(|entry| entry.is_poisoned()) {
            return Err(CheckError::Other(
                "softmax left the range of the arithmetic".to_owned(),
            ));
        }
        Ok(Self {
            b: oracle::lift_vector(instance.target()),
            w: oracle::lift_vector(instance.weights()),
            instance: instance.clone(),
            a,
            x,
            z,
            p,
        })
    }

    /// Loss, gradient and Hessian in `x`, from the oracle.
    pub fn evaluation(&self) -> Result<Evaluation, CheckError> {
        Ok(Reference::new(&self.instance)?.evaluate(&self.x)?)
    }

    /// Loss, gradient and Hessian (`B`, n x n) of `l` in the logits, from the oracle.
    pub fn logit_evaluation(&self) -> Result<Evaluation, CheckError> {
        Ok(Reference::new(&self.instance.in_logits())?.evaluate(&self.z)?)
    }

    /// `w_i^2` (n).
    pub fn squared_weights(&self) -> DVector<High> {
        self.w.map(High::square)
    }

    /// The least `w_i^2`.
    pub fn lightest(&self) -> High {
        let squares = self.squared_weights();
        squares
            .iter()
            .copied()
            .reduce(High::min)
            .unwrap_or(High::ZERO)
    }

    /// `||b||_1`.
    pub fn target_norm(&self) -> High {
        self.b.iter().map(|entry| entry.abs()).sum()
    }

    /// `||A||` and `sigma_min(A)` (the d-th singular value: 0 if n < d).
    pub fn singular_range(&self) -> Result<(High, High), CheckError> {
        let values = spectrum::singular_values(&self.a)?;
        let largest = values.first().copied().unwrap_or(High::ZERO);
        let smallest = if self.a.nrows() < self.a.ncols() {
            High::ZERO
        } else {
            values.last().copied().unwrap_or(High::ZERO)
        };
        Ok((largest, smallest))
    }

    /// Error bound for a quantity that the oracle or a closed form computes from this point, whose terms have
    /// magnitudes adding up to about `scale`: `64 (n + d) (1 + max_i sum_j |A_ij x_j|)` roundings. Each logit carries up
    /// to `d` roundings of `sum_j |A_ij x_j|` (not of `|z_i|`, which may have cancelled), which enter `p` as a relative
    /// error, and every entry is a sum of fewer than `64 (n + d)` products of such numbers (docs/numerics.md, "The
    /// oracle").
    pub fn error(&self, scale: High) -> Allowance<High> {
        let size = 64 * (self.a.nrows() + self.a.ncols()) as i64;
        let reach = (0..self.a.nrows())
            .map(|i| {
                self.a
                    .row(i)
                    .iter()
                    .zip(self.x.iter())
                    .map(|(entry, x)| (*entry * *x).abs())
                    .sum::<High>()
            })
            .fold(High::ZERO, High::max);
        Allowance::new(
            High::int(size) * (High::ONE + reach) * unit() * scale,
            "64 (n + d) (1 + max_i sum_j |A_ij x_j|) roundings of the terms",
        )
    }
}

/// What an eigenvalue decomposition is off by, which its residual proves.
pub fn of_eigenvalues(bound: High) -> Allowance<High> {
    Allowance::new(bound, "the residual of the eigenvalue decomposition")
}

/// What the singular values of a matrix with at most `k` of them are off by, `norm` being its Frobenius norm or that of the
/// matrices whose difference it is.
pub fn of_singular_values(k: usize, norm: High) -> Allowance<High> {
    Allowance::new(
        High::int(64 * k as i64) * unit() * norm,
        "64 k roundings of a singular value",
    )
}

/// The entry of largest magnitude of the difference, as (row, column), for matrices of the same shape.
pub fn worst_entry(left: &DMatrix<High>, right: &DMatrix<High>) -> (usize, usize) {
    let mut worst = (0, 0);
    let mut size = High::ZERO;
    for i in 0..left.nrows() {
        for j in 0..left.ncols() {
            let off = (left[(i, j)] - right[(i, j)]).abs();
            if off > size || off.is_poisoned() {
                (worst, size) = ((i, j), off);
            }
        }
    }
    worst
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instance::{DesignMatrix, LossKind};

    #[test]
    fn the_worst_entry_is_the_first_of_largest_magnitude() {
        let zero = DMatrix::from_element(2, 3, High::ZERO);
        let matrix = |entries: [i64; 6]| DMatrix::from_row_slice(2, 3, &entries.map(High::int));
        assert_eq!(worst_entry(&matrix([1, -3, 2, 3, 0, 3]), &zero), (0, 1));
        assert_eq!(worst_entry(&zero, &matrix([1, 2, 3, 0, 0, -4])), (1, 2));
        // Equal matrices: the first entry.
        assert_eq!(worst_entry(&zero, &zero), (0, 0));
        let mut poisoned = matrix([9, 0, 0, 0, 0, 0]);
        poisoned[(1, 1)] = High::POISONED;
        assert_eq!(worst_entry(&poisoned, &zero), (1, 1));
    }

    /// By hand: one row `(3, 4)` is 5 long and has a kernel, the column is 5 long and has none.
    #[test]
    fn a_matrix_with_more_columns_than_rows_has_the_least_singular_value_zero() {
        for (rows, columns, least) in [(1, 2, 0), (2, 1, 5)] {
            let matrix = DMatrix::from_row_slice(rows, columns, &[3.0, 4.0]);
            let instance = Instance::new(
                LossKind::Softmax,
                DesignMatrix::dense(matrix).unwrap(),
                DVector::repeat(rows, 0.5),
                DVector::repeat(rows, 1.0),
            );
            let exact = Exact::at(&instance.unwrap(), DVector::zeros(columns)).unwrap();
            let (largest, smallest) = exact.singular_range().unwrap();
            for (found, expected) in [(largest, 5), (smallest, least)] {
                let off = (found - High::int(expected)).abs();
                assert!(off <= High::ONE.shifted(-36), "{rows} x {columns}: {found}");
            }
        }
    }
}
