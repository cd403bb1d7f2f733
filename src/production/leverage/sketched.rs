//! Leverage scores in input-sparsity time: sketch, factor, project, and a certificate of how far off they can be.

use super::LeverageError;
use super::embedding::precondition;
use super::extremes::smallest_eigenvalue_bound;
use super::gaussian::Gaussian;
use super::scaled_rows::ScaledRows;
use crate::instance::{DesignMatrix, sample};
use crate::production::factor::Factor;

/// The probability that some score of [`sketch`] is below the leverage score: half of it for the certificate of the
/// embedding, half for the projection.
pub const SCORES_FAILURE: f64 = 1e-4;

/// What the projection may take off a squared length: scores are divided by `1 - PROJECTION_LOSS`.
const PROJECTION_LOSS: f64 = 0.5;

/// Overestimates of all leverage scores, with what they are worth and what they cost.
#[derive(Clone, Debug, PartialEq)]
pub struct SketchedScores {
    /// `u_i`, n entries in [0, 1].
    pub scores: Vec<f64>,
    /// The certified lower bound of the smallest eigenvalue of `(B R^-1)' B R^-1`; 1 where no sketch was needed.
    pub floor: f64,
    /// Columns of the Johnson-Lindenstrauss projection; d where none was needed.
    pub projected_columns: usize,
    /// Multiply-adds of all steps, counted where they are done.
    pub multiply_adds: u64,
}

/// Scores `u_i >= l_i` for every row of `diag(row_scales) A`, with probability at least `1 -` [`SCORES_FAILURE`]: see
/// [`sketch`].
pub fn sketched_scores(
    matrix: &DesignMatrix,
    row_scales: &[f64],
    seed: u64,
) -> Result<Vec<f64>, LeverageError> {
    Ok(sketch(matrix, row_scales, seed)?.scores)
}

/// Scores `u_i` in [0, 1] with `u_i >= l_i`, `l_i` the leverage scores of `B = diag(row_scales) A`, for all rows at once with
/// probability at least `1 -` [`SCORES_FAILURE`], whatever A; in `O(nnz(A) log n + d^3)`.
///
/// ```text
/// S B = Q R                                      S a sparse sign embedding of 16 d rows
/// f <= lambda_min(R^-T B'B R^-1)                 Lanczos, with an explicit probability of failure
/// u_i = min(1, || b_i R^-1 G ||^2 / (f (1 - e)))     G: d x q standard normal / sqrt q, e = 1/2; or G = I, e = 0 if d <= q
/// ```
///
/// Why they are overestimates: `f R'R <= B'B`, so `l_i = b_i (B'B)^-1 b_i' <= b_i (R'R)^-1 b_i' / f`; and a chi-square variable
/// with q degrees of freedom falls below `(1 - e) q` with probability at most `exp(-q (-ln(1 - e) - e) / 2)`, from which q
/// follows by a union bound over the n rows. The sum of the scores is about `1.7 d`, or `3.4 d` with a projection.
///
/// Roundings perturb a score by about `d eps / ratio` relative, `ratio` that of smallest to largest singular value after
/// scaling the columns; below `4 n eps` it is refused as rank-deficient. Row scales must be finite and `>= 0`. The result
/// depends on the seed, not on the number of threads.
pub fn sketch(
    matrix: &DesignMatrix,
    row_scales: &[f64],
    seed: u64,
) -> Result<SketchedScores, LeverageError> {
    let rows = ScaledRows::new(matrix, row_scales)?;
    let (n, d) = (rows.rows(), rows.columns());
    let preconditioner = precondition(&rows, seed)?;
    let r = &preconditioner.factor;
    let mut multiply_adds = preconditioner.multiply_adds;
    let floor = if preconditioner.exact {
        1.0
    } else {
        let mut gaussian = Gaussian::new(sample::stream(seed, "certificate", 0));
        let (floor, products) =
            smallest_eigenvalue_bound(d, SCORES_FAILURE / 2.0, &mut gaussian, |v| {
                r.root_solve(&rows.gram_product(&r.transposed_root_solve(v)))
            })?;
        multiply_adds += products as u64 * (2 * rows.stored() + (d * d) as u64);
        if floor.is_nan() || floor <= 0.0 {
            // The embedding lost a direction: with 16 d rows a sign of dependent columns.
            return Err(rows.deficient(0.0));
        }
        floor
    };
    let q = projected_columns(n);
    let (factor, q, kept) = if q < d {
        (projected(r.inverse(), d, q, seed), q, 1.0 - PROJECTION_LOSS)
    } else {
        (r.inverse().to_vec(), d, 1.0)
    };
    if q < d {
        multiply_adds += (d * d * q / 2) as u64;
    }
    let mut scores = rows.squared_images(&factor, q);
    multiply_adds += (rows.stored() + n as u64) * q as u64;
    for score in &mut scores {
        *score = (*score / (floor * kept)).min(1.0);
    }
    Ok(SketchedScores {
        scores,
        floor,
        projected_columns: q,
        multiply_adds,
    })
}

/// q with `n exp(-q (-ln(1 - e) - e) / 2) <= SCORES_FAILURE / 2`.
fn projected_columns(n: usize) -> usize {
    let rate = (-(-PROJECTION_LOSS).ln_1p() - PROJECTION_LOSS) / 2.0;
    ((2.0 * n as f64 / SCORES_FAILURE).ln() / rate).ceil() as usize
}

/// `R^-1 G`, d x q in row-major order.
fn projected(inverse: &[f64], d: usize, q: usize, seed: u64) -> Vec<f64> {
    let mut gaussian = Gaussian::new(sample::stream(seed, "projection", 0));
    let size = (q as f64).sqrt().recip();
    let g: Vec<f64> = (0..d * q).map(|_| size * gaussian.next()).collect();
    let mut product = vec![0.0; d * q];
    for (i, out) in product.chunks_exact_mut(q).enumerate() {
        for (j, row) in g.chunks_exact(q).enumerate().skip(i) {
            let factor = inverse[i * d + j];
            for (sum, entry) in out.iter_mut().zip(row) {
                *sum += factor * entry;
            }
        }
    }
    product
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::DMatrix;

    fn cost(n: usize, d: usize) -> (usize, u64) {
        let mut rng = sample::stream(3, "sketched", 0);
        let a = DMatrix::from_fn(n, d, |_, _| sample::dyadic(&mut rng, 1));
        let found = sketch(&DesignMatrix::Dense(a.into()), &vec![1.0; n], 7).unwrap();
        (found.projected_columns, found.multiply_adds)
    }

    /// Factors and inverses as in `embedding`; Lanczos takes d products of 2 n d + d^2; each image n d + n.
    #[test]
    fn the_cost_of_all_steps_is_counted() {
        assert_eq!(cost(100, 3), (3, 2 * 100 * 9 + 9 + 400 * 3));
        let factor = 8 * 12_000 + 2 * 512 * 16 + 21;
        assert_eq!(cost(3_000, 4), (4, factor + 4 * (24_000 + 16) + 15_000 * 4));
        // ln(2e4 n) / ((ln 2 - 1/2) / 2) = 161.6 for n = 300: a projection to 162 columns, of half of d^2 each.
        let factor = 2 * 300 * 40_000 + 2_666_666;
        assert_eq!(
            cost(300, 200),
            (162, factor + 40_000 * 162 / 2 + 60_300 * 162)
        );
    }

    #[test]
    fn a_projection_multiplies_the_triangle_with_one_gaussian_matrix() {
        let (d, q) = (3, 5);
        let identity = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
        let t = [2.0, -3.0, 0.5, 0.0, 5.0, 7.0, 0.0, 0.0, -1.5];
        let g = DMatrix::from_row_slice(d, q, &projected(&identity, d, q, 4));
        let product = DMatrix::from_row_slice(d, q, &projected(&t, d, q, 4));
        assert!((product - DMatrix::from_row_slice(d, d, &t) * &g).amax() < 1e-14);
        assert!(g.row_iter().all(|row| row.amax() > 0.0));
    }

    /// For 300 rows a projection would have 162 columns: as many columns of A are taken as they are, and their scores sum to 162.
    #[test]
    fn a_projection_that_would_save_nothing_is_not_made() {
        let mut rng = sample::stream(3, "sketched", 1);
        let a = DMatrix::from_fn(300, 162, |_, _| sample::dyadic(&mut rng, 1));
        let found = sketch(&DesignMatrix::Dense(a.into()), &[1.0; 300], 7).unwrap();
        assert_eq!(found.projected_columns, 162);
        let sum: f64 = found.scores.iter().sum();
        assert!((sum - 162.0).abs() < 1e-9, "{sum}");
    }

    /// With 40 columns 32 steps of Lanczos do not end: what they may miss, with half of the failure probability and half of that for
    /// either end, is (ln(1.648 root(40) / 2.5e-5) / 63)^2 = 0.0422. The eigenvalues are those of the image itself.
    #[test]
    fn the_floor_spends_half_of_the_failure_probability() {
        let (n, d) = (1_000, 40);
        let mut rng = sample::stream(3, "sketched", 2);
        let a = DMatrix::from_fn(n, d, |_, _| sample::dyadic(&mut rng, 1));
        let matrix = DesignMatrix::Dense(a.clone().into());
        let ones = vec![1.0; n];
        let found = sketch(&matrix, &ones, 7).unwrap();
        let rows = ScaledRows::new(&matrix, &ones).unwrap();
        let factor = precondition(&rows, 7).unwrap().factor;
        let mut b = a;
        for mut column in b.column_iter_mut() {
            let norm = column.norm();
            column /= norm;
        }
        let values = (b * DMatrix::from_row_slice(d, d, factor.inverse())).singular_values();
        let (low, high) = (values.min().powi(2), values.max().powi(2));
        let missed = ((1.648 * 40f64.sqrt() / 2.5e-5).ln() / 63.0).powi(2);
        let top = high / (1.0 - missed);
        let floor = top - (top - low) / (1.0 - missed);
        // 0.038 and 0.034 instead of 0.042 would raise it by more than 0.008.
        assert!(
            (found.floor - floor).abs() < 2e-3,
            "{} {floor}",
            found.floor
        );
    }
}
