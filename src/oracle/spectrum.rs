//! Eigenvalues and singular values: at 40 digits, and in f64 with a certificate for the sizes where 40 digits take too
//! long.

use nalgebra::{DMatrix, RealField, SymmetricEigen};

use crate::oracle::OracleError;
use crate::scalar::High;

/// QR iterations allowed per row of a matrix; about two per eigenvalue are usual.
const SWEEPS_PER_ROW: usize = 64;

/// The eigenvalues of a symmetric matrix (k x k, k >= 1), ascending. Reads the lower triangle.
///
/// Errs by a small multiple of `k 10^-39 max |lambda|`; [`extremes_with_bound`] says by how much.
/// [`OracleError::Factorisation`] for a matrix that is not square or empty, has a poisoned entry, or does not converge.
pub fn eigenvalues(matrix: &DMatrix<High>) -> Result<Vec<High>, OracleError> {
    let decomposition = decomposed(matrix)?;
    let mut values: Vec<High> = decomposition.eigenvalues.iter().copied().collect();
    sort_ascending(&mut values);
    Ok(values)
}

/// Smallest and largest eigenvalue of a symmetric matrix; as [`eigenvalues`].
pub fn extremes(matrix: &DMatrix<High>) -> Result<(High, High), OracleError> {
    let values = eigenvalues(matrix)?;
    // There is at least one: an empty matrix has been refused.
    Ok((values[0], values[values.len() - 1]))
}

/// Smallest and largest eigenvalue of a symmetric matrix, and a proven bound of the error of both; the derivation stands
/// at [`extremes_f64`]. Errors as for [`eigenvalues`].
pub fn extremes_with_bound(matrix: &DMatrix<High>) -> Result<(High, High, High), OracleError> {
    let decomposition = decomposed(matrix)?;
    // The unit is a power of ten and `lift` is exact to 40 digits; twice the rounding bound of one operation.
    let unit = High::ONE.shifted(-39);
    certified(&lower_mirrored(matrix), &decomposition, unit)
        .ok_or_else(|| OracleError::Factorisation("the eigenvectors are not orthogonal".to_owned()))
}

/// The singular values of any matrix with at least one entry, descending: `min(rows, columns)` of them.
///
/// [`OracleError::Factorisation`] for an empty matrix, a poisoned entry, or no convergence.
pub fn singular_values(matrix: &DMatrix<High>) -> Result<Vec<High>, OracleError> {
    refuse_unusable(matrix)?;
    let rounds = SWEEPS_PER_ROW * matrix.nrows().max(matrix.ncols());
    let decomposition = matrix
        .clone()
        .try_svd_unordered(false, false, High::ONE.shifted(-40), rounds)
        .ok_or_else(|| not_converged("singular values"))?;
    let mut values: Vec<High> = decomposition.singular_values.iter().copied().collect();
    sort_ascending(&mut values);
    values.reverse();
    Ok(values)
}

/// The largest singular value, `||M||`; errors as for [`singular_values`].
pub fn spectral_norm(matrix: &DMatrix<High>) -> Result<High, OracleError> {
    // There is at least one: an empty matrix has been refused.
    Ok(singular_values(matrix)?[0])
}

/// Smallest and largest eigenvalue of a symmetric f64 matrix, and a proven bound of the error of both.
///
/// Reads the lower triangle. `None` if the matrix is empty, not square, not finite, or the decomposition fails to be a
/// decomposition. No assumption is made on how it was computed.
///
/// *Derivation.* Let the computed decomposition be `V`, `L = diag(l)`, not assumed accurate, and
/// `E = V'V - I`, `R = B V - V L`, `e >= ||E||`, `r >= ||R||`, `m = max |l|`. If `e < 1` then:
///
/// 1. `V' B V = V' V L + V' R = L + (E L + V' R)` is symmetric and differs from `L` by at most
///    `delta = e m + sqrt(1 + e) r`; by Weyl its k-th eigenvalue is within `delta` of the k-th of `l`.
/// 2. By Ostrowski the k-th eigenvalue of `V' B V` is `theta lambda_k(B)` with `theta` between the extreme
///    eigenvalues of `V'V`, so `|theta - 1| <= e`.
/// 3. Hence `|lambda_k - l_k| <= |theta - 1| |lambda_k| + delta <= e (m + delta) / (1 - e) + delta`.
///
/// *Rounding.* Norms are bounded by Frobenius norms. The dot products of `B V - V L` have `k + 2` operations, those of
/// `V'V - I` have `k + 1`, so with `u` the unit and `K = (k + 3) u / (1 - (k + 3) u)` the computed `R` is within
/// `K (||B||_F ||V||_F + m ||V||_F)` and the computed `E` within `K (||V||_F^2 + sqrt k)`. The norms and the last formula
/// are computed with relative errors below `(k^2 + 20) u`, which a final factor covers. Underflow adds less than the
/// smallest normal number per operation and is covered by a final summand; overflow gives `None`.
pub fn extremes_f64(matrix: &DMatrix<f64>) -> Option<(f64, f64, f64)> {
    if matrix.is_empty() || !matrix.is_square() || matrix.iter().any(|x| !x.is_finite()) {
        return None;
    }
    let size = matrix.nrows();
    let decomposition =
        SymmetricEigen::try_new(matrix.clone(), f64::EPSILON, SWEEPS_PER_ROW * size)?;
    let (low, high, bound) = certified(&lower_mirrored(matrix), &decomposition, f64::EPSILON)?;
    // 4 k^3 operations at most, and the eigenvectors have entries of at most 2.
    let count = 8.0 * (size * size * size) as f64;
    let bound = bound + count * f64::MIN_POSITIVE;
    (low.is_finite() && high.is_finite() && bound.is_finite()).then_some((low, high, bound))
}

/// See [`extremes_f64`]; `unit` bounds the relative error of one operation (twice over).
pub(super) fn certified<T: RealField + Copy>(
    matrix: &DMatrix<T>,
    decomposition: &SymmetricEigen<T, nalgebra::Dyn>,
    unit: T,
) -> Option<(T, T, T)> {
    let one = T::one();
    let size = matrix.nrows();
    let count = integer::<T>(size);
    let vectors = &decomposition.eigenvectors;
    let values = &decomposition.eigenvalues;

    let residual = matrix * vectors - vectors * DMatrix::from_diagonal(values);
    let defect = vectors.tr_mul(vectors) - DMatrix::identity(size, size);
    let largest = values.iter().fold(T::zero(), |m, l| larger(m, l.abs()));
    let vector_norm = vectors.norm();

    let operations = (count + integer::<T>(3)) * unit;
    if operations >= one {
        return None;
    }
    let accumulated = operations / (one - operations);
    let r = residual.norm() + accumulated * (matrix.norm() + largest) * vector_norm;
    let e = defect.norm() + accumulated * (vector_norm * vector_norm + count.sqrt());
    let inflation = one + (count * count + integer::<T>(20)) * unit;
    let (r, e) = (r * inflation, e * inflation);
    // A comparison with NaN or poison is refused too.
    let orthogonal_enough = e < one / integer::<T>(2);
    if !orthogonal_enough {
        return None;
    }
    let delta = e * largest + (one + e).sqrt() * r;
    let bound = (e * (largest + delta) / (one - e) + delta) * inflation;
    let low = values.iter().fold(values[0], |m, &l| smaller(m, l));
    let high = values.iter().fold(values[0], |m, &l| larger(m, l));
    Some((low, high, bound))
}

fn decomposed(matrix: &DMatrix<High>) -> Result<SymmetricEigen<High, nalgebra::Dyn>, OracleError> {
    if !matrix.is_square() {
        return Err(OracleError::Factorisation(format!(
            "a {} x {} matrix has no eigenvalues",
            matrix.nrows(),
            matrix.ncols()
        )));
    }
    refuse_unusable(matrix)?;
    let rounds = SWEEPS_PER_ROW * matrix.nrows();
    SymmetricEigen::try_new(matrix.clone(), High::ONE.shifted(-40), rounds)
        .ok_or_else(|| not_converged("eigenvalues"))
}

fn refuse_unusable(matrix: &DMatrix<High>) -> Result<(), OracleError> {
    if matrix.is_empty() {
        return Err(OracleError::Factorisation(
            "an empty matrix has no spectrum".to_owned(),
        ));
    }
    if matrix.iter().any(|entry| entry.is_poisoned()) {
        return Err(OracleError::Factorisation(
            "the matrix has an entry that is not a number".to_owned(),
        ));
    }
    Ok(())
}

fn not_converged(what: &str) -> OracleError {
    OracleError::Factorisation(format!("the iteration for the {what} does not converge"))
}

fn lower_mirrored<T: RealField + Copy>(matrix: &DMatrix<T>) -> DMatrix<T> {
    DMatrix::from_fn(matrix.nrows(), matrix.ncols(), |i, j| {
        matrix[(i.max(j), i.min(j))]
    })
}

/// For sizes, which an f64 holds exactly.
fn integer<T: RealField>(value: usize) -> T {
    nalgebra::convert(value as f64)
}

fn larger<T: RealField>(a: T, b: T) -> T {
    if a < b { b } else { a }
}

fn smaller<T: RealField>(a: T, b: T) -> T {
    if b < a { b } else { a }
}

fn sort_ascending(values: &mut [High]) {
    // The matrix had no poisoned entry and the decomposition converged; were a value poisoned all the same, it keeps its
    // place and stays visible.
    values.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
}
