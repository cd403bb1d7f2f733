//! Leverage scores by Householder QR: exact to rounding, `O(n d^2)`.

use nalgebra::{DMatrix, DVector};

use super::LeverageError;

/// Singular values below this multiple of `max(n, d) eps sigma_max` (columns scaled to unit size) count as zero.
pub(super) const RANK_TOLERANCE: f64 = 4.0;

/// `sigma_i = a_i (A'A)^-1 a_i'` for each of the n rows of A (n x d, full column rank): in [0, 1], sum d.
///
/// By Householder QR after scaling the columns (which changes no score): `sigma_i = ||row i of Q||^2`. An error if A is
/// empty, not finite, or rank-deficient to rounding.
pub fn leverage_scores(a: &DMatrix<f64>) -> Result<DVector<f64>, LeverageError> {
    let q = orthonormal_basis(a)?;
    Ok(DVector::from_fn(a.nrows(), |i, _| {
        q.row(i).norm_squared().min(1.0)
    }))
}

/// An orthonormal basis (n x d) of the columns of A, or why there is none.
fn orthonormal_basis(a: &DMatrix<f64>) -> Result<DMatrix<f64>, LeverageError> {
    let (n, d) = a.shape();
    for j in 0..d {
        for i in 0..n {
            if !a[(i, j)].is_finite() {
                return Err(LeverageError::NotFinite {
                    row: i,
                    column: j,
                    value: a[(i, j)],
                });
            }
        }
    }
    let deficient = |ratio| LeverageError::RankDeficient {
        rows: n,
        columns: d,
        ratio,
    };
    if d == 0 || n < d {
        return Err(deficient(0.0));
    }
    let mut scaled = a.clone();
    for mut column in scaled.column_iter_mut() {
        let largest = column.amax();
        if largest == 0.0 {
            return Err(deficient(0.0));
        }
        // Dividing twice keeps the scale of a subnormal column representable; rounding here is one unit per entry.
        column.iter_mut().for_each(|entry| *entry /= largest);
        let norm = column.norm();
        column.iter_mut().for_each(|entry| *entry /= norm);
    }
    let qr = scaled.qr();
    let singular = nalgebra::SVD::try_new(qr.r(), false, false, f64::EPSILON, 10_000)
        .ok_or(LeverageError::NoConvergence)?
        .singular_values;
    let (largest, smallest) = (singular.max(), singular.min());
    let threshold = RANK_TOLERANCE * n.max(d) as f64 * f64::EPSILON;
    if smallest.is_nan() || smallest <= threshold * largest {
        return Err(deficient(smallest / largest));
    }
    Ok(qr.q())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instance::sample;

    #[test]
    fn the_scores_of_a_column_are_its_squared_shares() {
        // d = 1: sigma_i = a_i^2 / ||a||^2. For (3, 4): 9/25 and 16/25.
        let scores = leverage_scores(&DMatrix::from_column_slice(2, 1, &[3.0, 4.0])).unwrap();
        assert!((scores[0] - 0.36).abs() < 1e-15 && (scores[1] - 0.64).abs() < 1e-15);
    }

    #[test]
    fn scores_lie_in_the_unit_interval_and_sum_to_d_whatever_the_condition() {
        for (k, condition) in [1.0, 1e3, 1e6, 1e9].into_iter().enumerate() {
            let mut rng = sample::stream(1, "leverage", k as u64);
            let a = sample::conditioned_matrix(&mut rng, 40, 5, 1.0, condition);
            let scores = leverage_scores(&a).unwrap();
            assert!(scores.iter().all(|s| (0.0..=1.0).contains(s)));
            assert!((scores.sum() - 5.0).abs() < 1e-12);
        }
    }

    #[test]
    fn a_square_matrix_has_all_scores_one_and_scaling_columns_changes_none() {
        let a = DMatrix::from_row_slice(2, 2, &[1.0, 2.0, 3.0, 4.0]);
        let scaled = DMatrix::from_row_slice(2, 2, &[1e-200, 2e200, 3e-200, 4e200]);
        for matrix in [a, scaled] {
            let scores = leverage_scores(&matrix).unwrap();
            assert!(scores.iter().all(|s| (s - 1.0).abs() < 1e-13));
        }
    }

    #[test]
    fn a_rank_deficient_matrix_is_refused() {
        let repeated = DMatrix::from_fn(5, 2, |i, _| (i + 1) as f64);
        let wide = DMatrix::from_element(1, 2, 1.0);
        let zero_column = DMatrix::from_fn(3, 2, |i, j| if j == 0 { i as f64 } else { 0.0 });
        for matrix in [repeated, wide, zero_column] {
            assert!(matches!(
                leverage_scores(&matrix),
                Err(LeverageError::RankDeficient { .. })
            ));
        }
    }

    /// Columns e_1, e_1 + delta e_2 and 1 (512 rows), each of unit size: the ratio of singular values is about delta / 2, and the
    /// limit 4 * 512 eps = 4.5e-13. That the third column is 22 times as long does not count.
    #[test]
    fn the_rank_is_that_of_columns_of_unit_size() {
        for (exponent, full) in [(-42, false), (-35, true)] {
            let delta = 2f64.powi(exponent);
            let a = DMatrix::from_fn(512, 3, |i, j| match (i, j) {
                (_, 2) | (0, _) => 1.0,
                (1, 1) => delta,
                _ => 0.0,
            });
            assert_eq!(leverage_scores(&a).is_ok(), full, "{exponent}");
        }
    }
}
