//! A sparse sign embedding and the triangular factor that it gives.
//!
//! `S` has [`SIGNS`] signs `+-1/sqrt(SIGNS)` in each column, one in each of [`SIGNS`] bands of rows: `S B` costs `SIGNS nnz`
//! multiply-adds. `S B = Q R` makes `B R^-1` nearly orthonormal; how nearly is found out afterwards, since no proof with
//! explicit constants is known for so few rows.

use rand::Rng;
use rayon::prelude::*;

use super::LeverageError;
use super::exact::RANK_TOLERANCE;
use super::scaled_rows::ScaledRows;
use crate::instance::sample;
use crate::production::factor::householder::{Householder, Tall};

/// Signs in each column of S.
const SIGNS: usize = 8;
/// Rows of S for each column of A: the singular values of `S B` in an orthonormal basis then lie near `1 -+ 1/4`.
const ROWS_PER_COLUMN: usize = 16;
/// Rows of S at least: with few columns more cost nothing.
const LEAST_ROWS: usize = 512;

/// R and what it cost.
pub(super) struct Preconditioner {
    /// `R'R`, d x d.
    pub(super) factor: Householder,
    /// Whether R is the factor of B itself, so that `B R^-1` is orthonormal to rounding.
    pub(super) exact: bool,
    /// Multiply-adds.
    pub(super) multiply_adds: u64,
}

/// R from the sketch of `B`, or from `B` itself where that has no more rows than the sketch would have. An error if the
/// columns are dependent to rounding.
pub(super) fn precondition(rows: &ScaledRows, seed: u64) -> Result<Preconditioner, LeverageError> {
    let (n, d) = (rows.rows(), rows.columns());
    if n < d {
        return Err(rows.deficient(0.0));
    }
    let band = (ROWS_PER_COLUMN * d).max(LEAST_ROWS) / SIGNS;
    let exact = n <= band * SIGNS;
    let (sketch, mut multiply_adds) = if exact {
        let mut copy = Tall::zeros(n, d);
        rows.for_each(0, n, |i, j, entry| copy.row_mut(i)[j] = entry);
        (copy, 0)
    } else {
        (embed(rows, band, seed), SIGNS as u64 * rows.stored())
    };
    multiply_adds += (2 * sketch.rows() * d * d + d * d * d / 3) as u64;
    let factor = Householder::new(sketch);
    let ratio = factor.ratio();
    if ratio <= RANK_TOLERANCE * n as f64 * f64::EPSILON {
        return Err(rows.deficient(ratio));
    }
    Ok(Preconditioner {
        factor,
        exact,
        multiply_adds,
    })
}

/// `S B`, (SIGNS band) x d. Each band is summed by one thread in the order of the rows.
fn embed(rows: &ScaledRows, band: usize, seed: u64) -> Tall {
    let (n, d) = (rows.rows(), rows.columns());
    let bands: Vec<Vec<f64>> = (0..SIGNS)
        .into_par_iter()
        .map(|index| {
            let mut stream = sample::stream(seed, "sparse-signs", index as u64);
            let places: Vec<(u32, f64)> = (0..n)
                .map(|_| {
                    let bits = stream.next_u64();
                    // The upper half picks the row by multiply-shift, the lowest bit the sign.
                    let place = ((bits >> 32) * band as u64) >> 32;
                    (place as u32, if bits & 1 == 0 { 1.0 } else { -1.0 })
                })
                .collect();
            let mut sums = vec![0.0; band * d];
            rows.for_each(0, n, |i, j, entry| {
                let (place, sign) = places[i];
                sums[place as usize * d + j] += sign * entry;
            });
            sums
        })
        .collect();
    let size = (SIGNS as f64).sqrt().recip();
    let mut sketch = Tall::zeros(SIGNS * band, d);
    for (i, sums) in bands.iter().flat_map(|sums| sums.chunks(d)).enumerate() {
        for (entry, sum) in sketch.row_mut(i).iter_mut().zip(sums) {
            *entry = size * sum;
        }
    }
    sketch
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instance::DesignMatrix;
    use nalgebra::DMatrix;

    #[test]
    fn the_factor_of_the_sketch_makes_the_columns_nearly_orthonormal() {
        let mut rng = sample::stream(3, "embedding", 0);
        for (condition, d) in [(1.0, 1), (1e3, 4), (1e6, 12)] {
            let a = sample::conditioned_matrix(&mut rng, 3_000, d, 1.0, condition);
            let matrix = DesignMatrix::Dense(a.clone().into());
            let ones = vec![1.0; 3_000];
            let rows = ScaledRows::new(&matrix, &ones).unwrap();
            let found = precondition(&rows, 5).unwrap();
            assert!(!found.exact);
            let mut b = a;
            for mut column in b.column_iter_mut() {
                let norm = column.norm();
                column /= norm;
            }
            let image = b * DMatrix::from_row_slice(d, d, found.factor.inverse());
            let values = image.singular_values();
            // 1 / (1 -+ sqrt(d / 512)), with room for one draw.
            assert!(values.max() < 1.5 && values.min() > 0.7, "{values}");
        }
    }

    #[test]
    fn a_matrix_with_fewer_rows_than_its_sketch_is_factored_itself() {
        let mut rng = sample::stream(3, "embedding", 1);
        let a = sample::conditioned_matrix(&mut rng, 512, 3, 1.0, 10.0);
        let matrix = DesignMatrix::Dense(a.into());
        let ones = vec![1.0; 512];
        let rows = ScaledRows::new(&matrix, &ones).unwrap();
        assert!(precondition(&rows, 5).unwrap().exact);
    }

    /// The sketch takes 8 signs for each entry; a factor of h x d takes 2 h d^2, its inverse d^3 / 3.
    #[test]
    fn the_cost_is_counted_and_the_sketch_has_sixteen_rows_for_a_column() {
        let cost = |n: usize, d: usize| {
            let mut rng = sample::stream(3, "embedding", 2);
            let a = sample::conditioned_matrix(&mut rng, n, d, 1.0, 2.0);
            let matrix = DesignMatrix::Dense(a.into());
            let ones = vec![1.0; n];
            let rows = ScaledRows::new(&matrix, &ones).unwrap();
            let found = precondition(&rows, 5).unwrap();
            (found.exact, found.multiply_adds)
        };
        assert_eq!(cost(512, 3), (true, 2 * 512 * 9 + 9));
        assert_eq!(cost(513, 3), (false, 8 * 513 * 3 + 2 * 512 * 9 + 9));
        assert_eq!(cost(640, 40), (true, 2 * 640 * 1600 + 21_333));
        assert_eq!(
            cost(641, 40),
            (false, 8 * 641 * 40 + 2 * 640 * 1600 + 21_333)
        );
    }

    /// Columns 1 and 1 + delta (+-1): the ratio of singular values is delta / 2, and the limit 4 * 512 eps = 4.5e-13.
    #[test]
    fn columns_are_dependent_below_a_multiple_of_the_rounding() {
        for (exponent, full) in [(-42, false), (-38, true)] {
            let delta = 2f64.powi(exponent);
            let a = DMatrix::from_fn(512, 2, |i, j| {
                1.0 + if j == 0 {
                    0.0
                } else {
                    delta * (1.0 - 2.0 * (i % 2) as f64)
                }
            });
            let matrix = DesignMatrix::Dense(a.into());
            let ones = vec![1.0; 512];
            let rows = ScaledRows::new(&matrix, &ones).unwrap();
            assert_eq!(precondition(&rows, 5).is_ok(), full, "{exponent}");
        }
    }

    /// As many rows as columns are enough; with fewer, columns are dependent whatever their entries.
    #[test]
    fn a_square_matrix_has_a_factor_and_a_wide_one_has_none() {
        let attempt = |n: usize| {
            let a = DMatrix::from_fn(n, 3, |i, j| if i == j { 2.0 } else { 1.0 });
            let matrix = DesignMatrix::Dense(a.into());
            let ones = vec![1.0; n];
            let rows = ScaledRows::new(&matrix, &ones).unwrap();
            precondition(&rows, 5).map(|found| found.exact)
        };
        assert_eq!(attempt(3), Ok(true));
        assert_eq!(
            attempt(2),
            Err(LeverageError::RankDeficient {
                rows: 2,
                columns: 3,
                ratio: 0.0
            })
        );
    }

    /// Columns at an angle of delta: `||R|| ||R^-1||` is 2 / delta in the Frobenius norm, so that the ratio is that of the
    /// singular values.
    #[test]
    fn dependent_columns_are_refused_with_the_ratio_of_the_singular_values() {
        let delta = 2f64.powi(-42);
        let a = DMatrix::from_fn(512, 2, |i, j| match (j, i % 2) {
            (0, _) => 1.0,
            (_, 0) => 1.0 + delta,
            _ => 1.0 - delta,
        });
        let matrix = DesignMatrix::Dense(a.into());
        let ones = vec![1.0; 512];
        let rows = ScaledRows::new(&matrix, &ones).unwrap();
        let Err(LeverageError::RankDeficient { ratio, .. }) = precondition(&rows, 5) else {
            panic!("not refused");
        };
        // A rounding of R is a thousandth of delta.
        assert!((2.0 * ratio / delta - 1.0).abs() < 0.05, "{ratio:e}");
    }
}
