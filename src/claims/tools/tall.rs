//! Tall instances for the claims at scale, made inside a check: `A = G S` with G of many rows from the case's seed and S the
//! triangular factor of the case's own matrix, so that the case's condition number is that of A up to the one of G.

use nalgebra::{Cholesky, DMatrix, DVector, Dyn};
use rand::Rng;

use crate::claims::{Case, CheckError};
use crate::instance::sample::{self, Stream};
use crate::production::leverage::RowSample;

/// Singular values of S below this part of the largest count as zero: the families' condition numbers end at 1e6.
const RANK_TOLERANCE: f64 = 1e-12;

/// Entries between the reciprocal of this number and this number square and add up without leaving f64.
const LARGE: f64 = 1e100;

/// The triangular factor S (d x d) of the case's matrix; None without full column rank. Where the squares of the entries of A
/// would leave f64, S is the factor of A times a power of two, which has the same condition number.
pub fn shape(case: &Case) -> Option<DMatrix<f64>> {
    let mut a = case.instance.matrix().to_dense();
    if a.nrows() < a.ncols() {
        return None;
    }
    let size = a.amax();
    if size > 0.0 && !(1.0 / LARGE..=LARGE).contains(&size) {
        // Half of the exponent at a time: the power itself may be beyond f64.
        let exponent = -size.log2().floor();
        let half = (exponent / 2.0).trunc();
        a = a * half.exp2() * (exponent - half).exp2();
    }
    let factor = a.qr().r();
    let values = factor.singular_values();
    (values.min() > RANK_TOLERANCE * values.max()).then_some(factor)
}

/// How many kinds of rows there are; one may ask for the first of them only.
pub const KINDS: u64 = 3;

/// G (n x d) with dyadic entries, of one of the first `kinds` kinds, picked by the case's seed: rows alike; rows of sizes over
/// six decades; rows alike but for one column that lives in a single row, whose leverage score is then 1.
pub fn rows(case: &Case, n: usize, d: usize, kinds: u64) -> DMatrix<f64> {
    let mut rng = case.stream("tall");
    let kind = case.seed % kinds;
    // Column by column: the order in which the entries are stored.
    let mut g = DMatrix::from_fn(n, d, |_, _| sample::dyadic(&mut rng, 1));
    match kind {
        1 => {
            for mut row in g.row_iter_mut() {
                row /= f64::from(1u32 << (rng.next_u32() % 21));
            }
        }
        2 => {
            g.fill_column(0, 0.0);
            let heavy = sample::integer(&mut rng, 0, n as i64 - 1) as usize;
            g[(heavy, 0)] = 1.0;
        }
        _ => {}
    }
    g
}

/// A positive diagonal (n): `base` plus eighths up to `base`, exact in f64 for a whole number below 2^40.
pub fn diagonal(rng: &mut Stream, n: usize, base: f64) -> Vec<f64> {
    (0..n)
        .map(|_| base + base * f64::from(rng.next_u32() % 9) / 8.0)
        .collect()
}

/// `G' diag(D) G`.
pub fn gram(g: &DMatrix<f64>, diagonal: &[f64]) -> DMatrix<f64> {
    weighted_gram(g.clone(), diagonal)
}

/// `G' D~ G` for a sampled D~.
pub fn sampled_gram(g: &DMatrix<f64>, drawn: &RowSample) -> DMatrix<f64> {
    weighted_gram(g.select_rows(&drawn.rows), &drawn.weights)
}

fn weighted_gram(mut rows: DMatrix<f64>, weights: &[f64]) -> DMatrix<f64> {
    let roots: Vec<f64> = weights.iter().map(|weight| weight.sqrt()).collect();
    for mut column in rows.column_iter_mut() {
        for (entry, root) in column.iter_mut().zip(&roots) {
            *entry *= root;
        }
    }
    // Column against column: the storage runs along the rows, and d is small.
    let d = rows.ncols();
    let mut gram = DMatrix::zeros(d, d);
    for j in 0..d {
        for i in 0..=j {
            let product = rows.column(i).dot(&rows.column(j));
            gram[(i, j)] = product;
            gram[(j, i)] = product;
        }
    }
    gram
}

/// The Cholesky factor of a Gram matrix, or why there is none.
pub fn factor(gram: DMatrix<f64>) -> Result<Cholesky<f64, Dyn>, CheckError> {
    Cholesky::new(gram).ok_or_else(|| CheckError::Other("a Gram matrix is singular".to_owned()))
}

/// `|| L^-1 K~ L^-T - I ||` for `K = L L'`: the largest relative deviation of the quadratic form in any direction.
pub fn deviation(exact: &Cholesky<f64, Dyn>, sampled: &DMatrix<f64>) -> Result<f64, CheckError> {
    let l = exact.l();
    let singular = || CheckError::Other("a triangular factor is singular".to_owned());
    let half = l.solve_lower_triangular(sampled).ok_or_else(singular)?;
    let whole = l
        .solve_lower_triangular(&half.transpose())
        .ok_or_else(singular)?;
    let d = l.nrows();
    let centred = (&whole + whole.transpose()) * 0.5 - DMatrix::identity(d, d);
    Ok(centred.symmetric_eigenvalues().amax())
}

/// The slope of the least-squares line through `(ln x, ln y)`.
pub fn logarithmic_slope(points: &[(f64, f64)]) -> f64 {
    let count = points.len() as f64;
    let logs: Vec<(f64, f64)> = points.iter().map(|(x, y)| (x.ln(), y.ln())).collect();
    let mean = logs.iter().fold((0.0, 0.0), |sum, point| {
        (sum.0 + point.0 / count, sum.1 + point.1 / count)
    });
    let covariance: f64 = logs.iter().map(|p| (p.0 - mean.0) * (p.1 - mean.1)).sum();
    let variance: f64 = logs.iter().map(|p| (p.0 - mean.0).powi(2)).sum();
    covariance / variance
}

/// `S v` and back, for vectors.
pub fn solve_upper(s: &DMatrix<f64>, y: &DVector<f64>) -> Result<DVector<f64>, CheckError> {
    s.solve_upper_triangular(y)
        .ok_or_else(|| CheckError::Other("a triangular factor is singular".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slope_of_a_power_is_its_exponent() {
        let points: Vec<(f64, f64)> = [1.0, 2.0, 5.0, 10.0]
            .map(|x: f64| (x, 3.0 * x.powi(2)))
            .to_vec();
        assert!((logarithmic_slope(&points) - 2.0).abs() < 1e-14);
    }

    #[test]
    fn a_matrix_scaled_by_a_tenth_deviates_by_a_tenth() {
        let gram = DMatrix::from_row_slice(2, 2, &[2.0, 1.0, 1.0, 3.0]);
        let exact = factor(gram.clone()).unwrap();
        assert!((deviation(&exact, &(gram * 0.9)).unwrap() - 0.1).abs() < 1e-14);
    }
}
