//! Unknowns in which Newton's method does not see the condition number of A.
//!
//! With a thin QR factorisation `A S^-1 = Q R` (S: powers of two that scale the columns) and `y = R S x`, lengths of y
//! are lengths of logits, `A x = Q y`. The Newton step is the same in any coordinates, but `Q' (.) Q` has the condition
//! of the loss alone where `A' (.) A` has that of A squared on top, and a multiple of I there is a multiple of the Gram
//! matrix in x.
//!
//! nalgebra factors a copy of A by columns in its place; what is kept are the factors.

use nalgebra::{DMatrix, DVector};

use crate::production::{Problem, SolveError};

/// Singular values below this multiple of `max(n, d) eps sigma_max` (columns scaled to size 1) count as zero.
pub(crate) const RANK_TOLERANCE: f64 = 4.0;
/// The vector of ones counts as a combination of the columns when it is within this relative distance of one.
const ONES_TOLERANCE: f64 = 1e-12;
/// Limit of nalgebra's SVD iterations: far above what any matrix of full precision needs.
const SVD_ITERATIONS: usize = 10_000;
/// Exponents of the column scales stay inside this range, so that a scale and its inverse are both normal numbers.
const SCALE_EXPONENT: i32 = 1000;

/// The factors of a matrix of full column rank.
pub(crate) struct LogitCoordinates {
    /// Q, n x d, orthonormal columns.
    pub q: DMatrix<f64>,
    /// R, d x d, upper triangular.
    pub r: DMatrix<f64>,
    /// The diagonal of S.
    pub scale: DVector<f64>,
}

impl LogitCoordinates {
    /// The factors of a dense matrix with n >= d; the caller has checked the rank.
    fn new(a: &DMatrix<f64>) -> Self {
        let (scaled, scale) = scale_columns(a);
        let qr = scaled.qr();
        Self {
            q: qr.q(),
            r: qr.r(),
            scale,
        }
    }

    /// `S^-1 R^-1 y`: a step in y as a step in x. `None` if R is singular.
    pub fn to_unknowns(&self, y: &DVector<f64>) -> Option<DVector<f64>> {
        let solved = self.r.solve_upper_triangular(y)?;
        Some(solved.component_div(&self.scale))
    }
}

/// What of `R^d` the loss can see.
pub(crate) enum Visible {
    /// Everything: A has full column rank and no direction is invisible.
    All(LogitCoordinates),
    /// Only the span of the columns of `basis` (d x r, orthonormal; r may be 0).
    Part {
        /// The visible directions.
        basis: DMatrix<f64>,
        /// Why there are others.
        reason: String,
    },
}

/// Finds the visible directions of a problem.
pub(crate) fn visible(problem: &Problem) -> Result<Visible, SolveError> {
    let a = problem.matrix().to_dense();
    let (n, d) = a.shape();
    let mut reasons = Vec::new();
    let row_space = row_space(&a)?;
    let (basis, reduced) = if row_space.ncols() == d && n >= d {
        (None, a)
    } else {
        reasons.push(format!(
            "the matrix has rank {} to rounding, but {d} columns",
            row_space.ncols()
        ));
        let reduced = &a * &row_space;
        (Some(row_space), reduced)
    };
    if reduced.ncols() == 0 {
        return Ok(Visible::Part {
            basis: DMatrix::zeros(d, 0),
            reason: reasons.join("; "),
        });
    }
    let coordinates = LogitCoordinates::new(&reduced);
    let invisible = invisible_shift(problem, &coordinates);
    Ok(match (basis, invisible) {
        (None, None) => Visible::All(coordinates),
        (Some(basis), None) => Visible::Part {
            basis,
            reason: reasons.join("; "),
        },
        (basis, Some(direction)) => {
            reasons.push(
                "the loss does not change when all logits move by the same amount, the weights are 0, \
                 and a combination of the columns does just that"
                    .to_string(),
            );
            let rest = orthogonal_complement(&direction);
            Visible::Part {
                basis: basis.map_or_else(|| rest.clone(), |basis| basis * &rest),
                reason: reasons.join("; "),
            }
        }
    })
}

/// `h` with `A h = 1`, where the loss is blind for it.
fn invisible_shift(problem: &Problem, coordinates: &LogitCoordinates) -> Option<DVector<f64>> {
    if !problem.loss().is_shift_invariant() || problem.squared_weights().iter().any(|w2| *w2 != 0.0)
    {
        return None;
    }
    let n = coordinates.q.nrows();
    let ones = DVector::repeat(n, 1.0);
    let projected = coordinates.q.tr_mul(&ones);
    let distance = (&ones - &coordinates.q * &projected).norm();
    if distance > ONES_TOLERANCE * (n as f64).sqrt() {
        return None;
    }
    coordinates
        .to_unknowns(&projected)
        .filter(|h| h.iter().all(|entry| entry.is_finite()) && h.amax() > 0.0)
}

/// An orthonormal basis (d x (d - 1)) of the vectors orthogonal to `direction`: a Householder reflection without the
/// column that carries the direction.
fn orthogonal_complement(direction: &DVector<f64>) -> DMatrix<f64> {
    let d = direction.len();
    let mut normal = direction / direction.amax();
    normal /= normal.norm();
    normal[0] += if normal[0] >= 0.0 { 1.0 } else { -1.0 };
    let factor = 2.0 / normal.norm_squared();
    let reflection = DMatrix::identity(d, d) - (&normal * normal.transpose()) * factor;
    reflection.columns(1, d - 1).clone_owned()
}

/// An orthonormal basis (d x rank) of the row space of A, rank counted to rounding.
fn row_space(a: &DMatrix<f64>) -> Result<DMatrix<f64>, SolveError> {
    let (n, d) = a.shape();
    let (scaled, scale) = scale_columns(a);
    // The triangular factor has the singular values and right singular vectors of the matrix, and is smaller.
    let compact = if n > d { scaled.qr().r() } else { scaled };
    let svd = nalgebra::SVD::try_new(compact, false, true, f64::EPSILON, SVD_ITERATIONS).ok_or(
        SolveError::Factorisation {
            iterations: SVD_ITERATIONS,
        },
    )?;
    let threshold = RANK_TOLERANCE * n.max(d) as f64 * f64::EPSILON * svd.singular_values.max();
    let kept: Vec<usize> = (0..svd.singular_values.len())
        .filter(|k| svd.singular_values[*k] > threshold)
        .collect();
    if kept.len() == d {
        return Ok(DMatrix::identity(d, d));
    }
    let Some(right) = svd.v_t else {
        return Ok(DMatrix::zeros(d, 0));
    };
    if kept.is_empty() {
        return Ok(DMatrix::zeros(d, 0));
    }
    // A = A_s S, so the rows of A span S times what the rows of A_s span.
    let largest = scale.max();
    let mut span = DMatrix::zeros(d, kept.len());
    for (column, k) in kept.iter().enumerate() {
        for j in 0..d {
            span[(j, column)] = right[(*k, j)] * (scale[j] / largest);
        }
    }
    Ok(span.qr().q())
}

/// `A S^-1` and the diagonal of S: powers of two near the largest entry of each column (1 for a column of zeros).
fn scale_columns(a: &DMatrix<f64>) -> (DMatrix<f64>, DVector<f64>) {
    let scale = DVector::from_fn(a.ncols(), |j, _| {
        let largest = a.column(j).amax();
        if largest == 0.0 {
            return 1.0;
        }
        let exponent = (largest.log2().floor() as i32).clamp(-SCALE_EXPONENT, SCALE_EXPONENT);
        2f64.powi(exponent)
    });
    let mut scaled = a.clone();
    for (j, mut column) in scaled.column_iter_mut().enumerate() {
        column /= scale[j];
    }
    (scaled, scale)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instance::{DesignMatrix, Instance, LossKind, sample};

    fn problem(a: DMatrix<f64>, weight: f64) -> Problem {
        let n = a.nrows();
        let instance = Instance::new(
            LossKind::Softmax,
            DesignMatrix::Dense(a.into()),
            DVector::repeat(n, 1.0 / n as f64),
            DVector::repeat(n, weight),
        )
        .unwrap();
        Problem::from_instance(&instance).unwrap()
    }

    fn visible_rank(a: &DMatrix<f64>, weight: f64) -> usize {
        match visible(&problem(a.clone(), weight)).unwrap() {
            Visible::All(_) => a.ncols(),
            Visible::Part { basis, .. } => {
                let gram = basis.tr_mul(&basis);
                assert!((gram - DMatrix::identity(basis.ncols(), basis.ncols())).amax() < 1e-14);
                basis.ncols()
            }
        }
    }

    #[test]
    fn the_visible_rank_is_the_rank_of_the_matrix_less_an_invisible_shift() {
        let mut rng = sample::stream(3, "visible", 0);
        let a = sample::conditioned_matrix(&mut rng, 9, 4, 1.0, 1e6);
        assert_eq!(visible_rank(&a, 1.0), 4);
        assert_eq!(visible_rank(&a, 0.0), 4);
        let mut repeated = a.clone();
        let sum = a.column(0) + a.column(1) * 3.0;
        repeated.set_column(2, &sum);
        assert_eq!(visible_rank(&repeated, 1.0), 3);
        let mut shifted = a.clone();
        shifted.set_column(3, &DVector::repeat(9, 2.0));
        assert_eq!(visible_rank(&shifted, 1.0), 4);
        assert_eq!(visible_rank(&shifted, 0.0), 3);
        assert_eq!(visible_rank(&DMatrix::zeros(3, 2), 1.0), 0);
        assert_eq!(visible_rank(&DMatrix::from_element(1, 3, 2.0), 1.0), 1);
        assert_eq!(visible_rank(&DMatrix::from_element(1, 3, 2.0), 0.0), 0);
        // Columns of wildly different size are independent all the same.
        let graded = DMatrix::from_row_slice(3, 2, &[1e200, 0.0, 1e200, 1e-200, 0.0, 1e-200]);
        assert_eq!(visible_rank(&graded, 1.0), 2);
    }

    #[test]
    fn a_step_in_logit_coordinates_moves_the_logits_by_its_length() {
        let mut rng = sample::stream(3, "coordinates", 0);
        let a = sample::conditioned_matrix(&mut rng, 12, 3, 5.0, 1e4);
        let coordinates = LogitCoordinates::new(&a);
        let y = DVector::from_column_slice(&[0.5, -1.0, 0.25]);
        let x = coordinates.to_unknowns(&y).unwrap();
        assert!(((&a * x).norm() - y.norm()).abs() < 1e-11);
    }

    #[test]
    fn the_row_space_holds_the_rows_whatever_the_scale_of_the_columns() {
        // Rank 1, columns of size 1 to 1024: only the multiples of the row itself are visible.
        let row = [1.0, 5.0, -40.0, 1024.0];
        let a = DMatrix::from_fn(2, 4, |i, j| row[j] * (i + 1) as f64);
        let basis = row_space(&a).unwrap();
        assert_eq!(basis.ncols(), 1);
        let direction = DVector::from_column_slice(&row).normalize();
        let cosine = basis.column(0).dot(&direction);
        assert!((cosine.abs() - 1.0).abs() < 1e-14, "{cosine}");
    }

    #[test]
    fn the_orthogonal_complement_is_orthonormal_and_orthogonal() {
        for direction in [
            [2.0, 3.0, -4.0],
            [-2.0, 3.0, 5.0],
            [0.0, 3.0, 4.0],
            [1e300, -1e300, 0.0],
            [5.0, 0.0, 0.0],
            [-5.0, 0.0, 0.0],
        ] {
            let direction = DVector::from_column_slice(&direction);
            let rest = orthogonal_complement(&direction);
            assert_eq!(rest.shape(), (3, 2));
            assert!((rest.tr_mul(&rest) - DMatrix::identity(2, 2)).amax() < 1e-14);
            let unit = (&direction / direction.amax()).normalize();
            assert!(rest.tr_mul(&unit).amax() < 1e-14);
        }
    }

    #[test]
    fn columns_are_scaled_by_powers_of_two_near_their_size() {
        let a = DMatrix::from_row_slice(
            2,
            5,
            &[3.0, -0.3, 0.0, 1e305, 1e-305, -5.0, 0.1, 0.0, 0.0, 0.0],
        );
        let (scaled, scale) = scale_columns(&a);
        let power = |exponent| 2f64.powi(exponent);
        assert_eq!(
            scale.as_slice(),
            [4.0, 0.25, 1.0, power(1000), power(-1000)]
        );
        for (j, column) in scaled.column_iter().enumerate() {
            assert_eq!(column * scale[j], a.column(j));
        }
    }

    /// A column 1 + delta, 1 - delta, ... is delta root(n) away from the ones, which are root(n) long.
    #[test]
    fn ones_are_a_combination_of_the_columns_to_a_part_in_a_million_million() {
        let column = |delta: f64| {
            DMatrix::from_fn(100, 1, |i, _| 1.0 + if i % 2 == 0 { delta } else { -delta })
        };
        assert_eq!(visible_rank(&column(0.9e-12), 0.0), 0);
        assert_eq!(visible_rank(&column(1.1e-12), 0.0), 1);
        // The x that would move all logits by 1 is beyond f64.
        assert_eq!(visible_rank(&DMatrix::from_element(4, 1, 1e-310), 0.0), 1);
    }

    /// Columns 1 and 1 +- delta: the singular values are in the ratio delta / 2, and 4 * 64 eps = 5.7e-14 is the limit.
    #[test]
    fn singular_values_count_from_a_multiple_of_the_rounding_on() {
        for (exponent, rank) in [(-42, 2), (-44, 1)] {
            let delta = 2f64.powi(exponent);
            let a = DMatrix::from_fn(64, 2, |i, j| match (j, i % 2) {
                (0, _) => 1.0,
                (_, 0) => 1.0 + delta,
                _ => 1.0 - delta,
            });
            assert_eq!(row_space(&a).unwrap().ncols(), rank, "{exponent}");
        }
    }

    #[test]
    fn the_row_space_of_huge_entries_does_not_overflow() {
        let a = DMatrix::from_row_slice(2, 2, &[1e200, 3e200, 2e200, 6e200]);
        let basis = row_space(&a).unwrap();
        assert_eq!(basis.ncols(), 1);
        let direction = DVector::from_column_slice(&[1.0, 3.0]).normalize();
        assert!((basis.column(0).dot(&direction).abs() - 1.0).abs() < 1e-14);
    }
}
