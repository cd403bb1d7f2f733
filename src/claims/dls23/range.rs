//! The range of the eigenvalues of `B`, and the numbers that bound it.

use nalgebra::{DMatrix, DVector};

use crate::claims::CheckError;
use crate::claims::tools::exact::{Exact, of_eigenvalues};
use crate::oracle::spectrum;
use crate::scalar::{Allowance, High};

/// Extreme eigenvalues, both right to within `error`.
pub(super) struct Range {
    pub(super) low: High,
    pub(super) high: High,
    pub(super) error: Allowance<High>,
}

/// The extreme eigenvalues of a matrix made of the terms of `B` (n x n). The magnitudes of the terms of one entry add up
/// to at most `10 + 6 ||b||_1`, the error of a matrix is at most n times that of its entries, and by Weyl's inequality it
/// moves no eigenvalue further.
pub(super) fn range_of(matrix: &DMatrix<High>, exact: &Exact) -> Result<Range, CheckError> {
    let (low, high, rounding) = spectrum::extremes_with_bound(matrix)?;
    let rows = High::int(exact.b.len() as i64);
    Ok(Range {
        low,
        high,
        error: of_eigenvalues(rounding) + exact.error(entry_scale(exact)) * rows,
    })
}

/// `10 + 6 ||b||_1`: bounds the sum of the magnitudes of the terms of an entry of `B`.
pub(super) fn entry_scale(exact: &Exact) -> High {
    High::int(10) + High::int(6) * exact.target_norm()
}

/// `lambda` and `Lambda`, the two numbers `(55 sqrt(33) -+ 39) / 1152`.
pub(super) fn sharp_range() -> (High, High) {
    let root = High::int(55) * High::int(33).sqrt();
    let scale = High::int(1152);
    (
        (root - High::int(39)) / scale,
        (root + High::int(39)) / scale,
    )
}

/// `max b - min b`, for at least one entry.
pub(super) fn target_range(b: &DVector<High>) -> High {
    let top = b.iter().fold(b[0], |top, entry| top.max(*entry));
    let bottom = b.iter().fold(b[0], |bottom, entry| bottom.min(*entry));
    top - bottom
}

/// `sqrt(3) / 9 = 0.19245..`.
pub(super) fn target_slope() -> High {
    High::int(3).sqrt() / High::int(9)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::{SPECTRUM_CERTIFICATE, check_spectrum};

    #[test]
    fn the_sharp_range_is_the_one_that_the_certificate_proves() {
        let proof = check_spectrum(SPECTRUM_CERTIFICATE).unwrap();
        let (lowest, highest) = sharp_range();
        for (ours, proven) in [(lowest, proof.lower), (highest, proof.upper)] {
            let proven = High::parse(&proven.digits(45)).unwrap();
            assert!((ours - proven).abs() < High::ONE.shifted(-38));
        }
    }
}
