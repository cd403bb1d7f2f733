//! What bounds of errors are charged for their own rounding, and norms of matrices that are bounded from above.

use nalgebra::DMatrix;

use crate::production::summation::norm;

/// Covers the roundings made in combining a handful of non-negative bounds.
pub(crate) const SLACK: f64 = 1.0 + 1e-10;
/// Added to what a gradient is off by: a norm loses what is smaller than the root of the smallest f64, about 1e-154.
pub(crate) const UNDERFLOW: f64 = 1e-140;

/// Traces of Gram matrices and squares of weights that are judged: far from where squares of entries, or products with their
/// inverses, under- or overflow. Roundings are charged relative to what was computed, and nothing is left of that there.
pub(super) const MIDDLE: std::ops::Range<f64> = 1e-140..1e140;

/// The Frobenius norm, also where the squares of entries over- or underflow; NaN if an entry is.
pub(crate) fn size(m: &DMatrix<f64>) -> f64 {
    norm(m.as_slice())
}

/// Upper bound of the spectral norm: the smaller of the Frobenius norm and `sqrt(||M||_1 ||M||_inf)`.
pub(crate) fn norm_bound(m: &DMatrix<f64>) -> f64 {
    let columns = m
        .column_iter()
        .map(|column| column.lp_norm(1))
        .fold(0.0, f64::max);
    let rows = m.row_iter().map(|row| row.lp_norm(1)).fold(0.0, f64::max);
    size(m).min(columns.sqrt() * rows.sqrt()) * SLACK
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::production::test_support::covers;

    #[test]
    fn a_frobenius_norm_is_right_where_squares_are_not() {
        for scale in [2f64.powi(-600), 1.0, 2f64.powi(600)] {
            let m = DMatrix::from_row_slice(2, 2, &[1.0, 2.0, -2.0, 4.0]) * scale;
            assert_eq!(size(&m), 5.0 * scale);
        }
    }

    #[test]
    fn a_spectral_norm_is_bounded_by_the_smaller_of_two_norms() {
        let of = |rows: usize, entries: &[f64]| {
            norm_bound(&DMatrix::from_row_slice(
                rows,
                entries.len() / rows,
                entries,
            ))
        };
        // Frobenius: root 30 < root(6 * 7).
        covers(of(2, &[1.0, -2.0, 3.0, 4.0]), 30f64.sqrt(), 1.1e-10);
        // Columns 2, 2, 3, rows 2, 2, 3: 3 < root 17.
        covers(
            of(3, &[2.0, 0.0, 0.0, 0.0, -2.0, 0.0, 0.0, 0.0, 3.0]),
            3.0,
            1.1e-10,
        );
        // Columns 2, 2, rows 1, 1, 1, 1: root 2 < 2.
        covers(
            of(4, &[1.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, -1.0]),
            2f64.sqrt(),
            1.1e-10,
        );
    }
}
