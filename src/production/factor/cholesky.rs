//! Cholesky factors of d x d matrices.

use crate::production::factor::Factor;
use crate::production::kernels::operator::Gram;
use crate::production::kernels::{Level, cholesky};
use crate::production::step::PIVOT_TOLERANCE;

/// The factor L of a positive definite matrix `L L'`.
pub(crate) struct Cholesky {
    factor: Gram,
}

impl Cholesky {
    /// Factors a matrix; `None` if it is not positive definite beyond rounding, or not finite.
    pub fn new(matrix: &Gram) -> Option<Self> {
        let mut matrix = matrix.clone();
        let d = matrix.order;
        let stride = matrix.stride;
        let scale: Vec<f64> = (0..d).map(|j| matrix.column(j)[0]).collect();
        if !scale.iter().all(|pivot| *pivot > 0.0 && pivot.is_finite()) {
            return None;
        }
        if !cholesky::factor(Level::best(), &mut matrix.entries, d, stride) {
            return None;
        }
        // Relative to the diagonal of the matrix, so that the scale of a column does not count.
        let limit = PIVOT_TOLERANCE * d as f64 * f64::EPSILON;
        let definite = (0..d).all(|j| {
            let pivot = matrix.column(j)[0];
            pivot * pivot > limit * scale[j]
        });
        definite.then_some(Self { factor: matrix })
    }

    /// The rows of `L'`: their Gram matrix is `L L'`.
    pub fn transposed_rows(&self) -> Vec<Vec<f64>> {
        (0..self.factor.order)
            .map(|j| {
                let zeros = std::iter::repeat_n(0.0, j);
                zeros.chain(self.factor.column(j).iter().copied()).collect()
            })
            .collect()
    }

    fn in_place(&self, v: &[f64], solve: fn(Level, &[f64], usize, usize, &mut [f64])) -> Vec<f64> {
        let Gram {
            entries,
            order,
            stride,
        } = &self.factor;
        let mut solution = v.to_vec();
        solution.resize(*stride, 0.0);
        solve(Level::best(), entries, *order, *stride, &mut solution);
        solution.truncate(*order);
        solution
    }
}

impl Factor for Cholesky {
    fn root_solve(&self, v: &[f64]) -> Vec<f64> {
        self.in_place(v, cholesky::forward)
    }

    fn transposed_root_solve(&self, v: &[f64]) -> Vec<f64> {
        self.in_place(v, cholesky::backward)
    }

    fn solve(&self, v: &[f64]) -> Vec<f64> {
        self.in_place(v, cholesky::solve)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::production::factor::test_support::keeps_its_promises;

    #[test]
    fn a_definite_system_is_solved_and_others_are_refused() {
        for d in [1, 2, 9, 70] {
            // Lehmer's matrix: positive definite, (i, j) is min / max.
            let lehmer = Gram::from_lower(d, |i, j| (j + 1) as f64 / (i + 1) as f64);
            let x: Vec<f64> = (0..d).map(|j| (j % 3) as f64 - 1.0).collect();
            let v = lehmer.multiply(&x);
            let found = Cholesky::new(&lehmer).unwrap().solve(&v);
            assert!(
                found.iter().zip(&x).all(|(a, b)| (a - b).abs() < 1e-9),
                "{d}"
            );
        }
        let ones = Gram::from_lower(3, |_, _| 1.0);
        assert!(Cholesky::new(&ones).is_none());
        assert!(
            Cholesky::new(&Gram::from_lower(2, |i, j| if i == j { 1.0 } else { 2.0 })).is_none()
        );
        assert!(Cholesky::new(&Gram::from_lower(2, |_, _| f64::NAN)).is_none());
        // Columns of wildly different size are independent all the same.
        let graded = Gram::from_lower(2, |i, j| {
            if i == j {
                10f64.powi(-12 * i as i32)
            } else {
                0.0
            }
        });
        assert!(Cholesky::new(&graded).is_some());
    }

    /// [[2, 1], [1, 2]] = L L' with L' = [[root 2, 1 / root 2], [0, root 3/2]], by hand.
    #[test]
    fn the_factor_is_the_one_worked_out_by_hand() {
        let matrix = Gram::from_lower(2, |i, j| if i == j { 2.0 } else { 1.0 });
        let factor = Cholesky::new(&matrix).unwrap();
        let root = 2f64.sqrt();
        let rows = factor.transposed_rows();
        assert!((rows[0][0] - root).abs() < 1e-15 && (rows[0][1] - 1.0 / root).abs() < 1e-15);
        assert!(rows[1][0] == 0.0 && (rows[1][1] - 1.5f64.sqrt()).abs() < 1e-15);
        // L^-1 (2, 4) = (root 2, 3 / root(3/2)).
        let half = factor.root_solve(&[2.0, 4.0]);
        assert!((half[0] - root).abs() < 1e-15 && (half[1] - 6f64.sqrt()).abs() < 1e-15);
        keeps_its_promises(&factor, &|v| matrix.multiply(v), &[1.0, -2.0], 1e-14);
    }
}
