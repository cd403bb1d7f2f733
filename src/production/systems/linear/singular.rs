//! Singular values of A where its columns are dependent.

use nalgebra::{DMatrix, DVector};

use crate::instance::row_major::RowMajor;
use crate::production::factor::householder::{Householder, Tall};
use crate::production::step::PIVOT_TOLERANCE;
use crate::production::systems::error::Refusal;

/// The largest number of singular values that are computed.
const LARGEST_ORDER: usize = 2048;

/// Singular values, and the right singular vectors as rows.
pub(in crate::production::systems) struct SingularValues {
    values: Vec<f64>,
    directions: DMatrix<f64>,
    limit: f64,
}

impl SingularValues {
    /// Of a matrix n x d; refused where there are too many, or they do not converge.
    pub(in crate::production::systems) fn of(rows: &RowMajor) -> Result<Self, Refusal> {
        let (n, d) = (rows.rows(), rows.columns());
        if n.min(d) > LARGEST_ORDER {
            return Err(Refusal::Singular {
                order: n.min(d),
                limit: LARGEST_ORDER,
            });
        }
        let matrix = if n >= d {
            Householder::triangular_factor(Tall::scaled(rows, &vec![1.0; d]))
        } else {
            rows.to_matrix()
        };
        let (values, directions) = decomposed(matrix)?;
        let most = values.iter().copied().fold(0.0_f64, f64::max);
        Ok(Self {
            limit: PIVOT_TOLERANCE * n.max(d) as f64 * f64::EPSILON * most,
            values,
            directions,
        })
    }

    /// Those above a rounding of the largest, each with its direction.
    pub(in crate::production::systems) fn above_rounding(
        &self,
    ) -> impl Iterator<Item = (f64, DVector<f64>)> {
        self.values
            .iter()
            .enumerate()
            .filter(|(_, value)| **value > self.limit)
            .map(|(k, value)| (*value, self.directions.row(k).transpose()))
    }

    /// How many of them there are.
    pub(in crate::production::systems) fn rank(&self) -> usize {
        let above = |value: &&f64| **value > self.limit;
        self.values.iter().filter(above).count()
    }
}

/// Singular values, and the right singular vectors as rows.
fn decomposed(matrix: DMatrix<f64>) -> Result<(Vec<f64>, DMatrix<f64>), Refusal> {
    const ITERATIONS: usize = 100_000;
    if matrix.is_empty() {
        return Ok((Vec::new(), DMatrix::zeros(0, matrix.ncols())));
    }
    let failed = Refusal::Factorisation { name: "matrix" };
    let svd = matrix
        .clone()
        .try_svd(false, true, f64::EPSILON, ITERATIONS)
        .ok_or(failed.clone())?;
    let vectors = svd.v_t.ok_or(failed)?;
    // Of two nearly dependent columns nalgebra's largest singular value may be off by a sixth, while its vectors are right.
    let images = &matrix * vectors.transpose();
    let values = images.column_iter().map(|image| image.norm()).collect();
    Ok((values, vectors))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// (1, 2, 3)' (1, .., 1) has the one singular value sqrt(14 d), along (1, .., 1).
    #[test]
    fn equal_columns_have_one_singular_value() {
        for d in 2..5 {
            let mut rows = RowMajor::zeros(3, d);
            for i in 0..3 {
                rows.row_mut(i).fill((i + 1) as f64);
            }
            let found = SingularValues::of(&rows).unwrap();
            assert_eq!(found.rank(), 1);
            let (value, direction) = found.above_rounding().next().unwrap();
            let exact = (14.0 * d as f64).sqrt();
            assert!((value / exact - 1.0).abs() < 1e-14, "{d}: {value}");
            let share = (d as f64).sqrt().recip();
            assert!(
                direction
                    .iter()
                    .all(|entry| (entry.abs() - share).abs() < 1e-14)
            );
        }
    }
}
