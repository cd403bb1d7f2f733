//! All starts at once: eigenvectors of `T(w, .., w, ., .)` for a random w.
//!
//! For orthonormal components that matrix is `sum_j lambda_j <v_j, w>^(p - 2) v_j v_j'`: the components themselves are eigenvectors,
//! apart from each other unless two of its eigenvalues happen to be equal.

use nalgebra::{DMatrix, SymmetricEigen};

use super::packed::Packed;
use super::pairs::Pairs;
use crate::instance::sample::{self, Stream};
use crate::production::summation::{dot, norm};

/// A random vector of length 1.
pub(super) fn random_unit(stream: &mut Stream, n: usize) -> Vec<f64> {
    loop {
        let v = sample::dyadic_vector(stream, n, 1);
        let length = norm(v.as_slice());
        if length > 0.0 {
            return (v / length).as_slice().to_vec();
        }
    }
}

/// Eigenvectors of one contraction.
pub(super) struct Starts {
    /// As many columns as were asked for, by the sizes of their eigenvalues.
    pub(super) vectors: DMatrix<f64>,
    /// Whether the next eigenvalue is not well below the last one that was taken: components may be missing.
    pub(super) doubtful: bool,
}

/// The `wanted` largest eigenvectors of the contraction with a random vector, after the pairs that are known are taken off.
/// `None` where the eigenvalues do not converge.
pub(super) fn starts(
    tensor: &Packed,
    known: Option<&Pairs>,
    wanted: usize,
    stream: &mut Stream,
) -> Option<Starts> {
    /// An eigenvalue above this share of the last one is in doubt.
    const DOUBT: f64 = 0.25;
    /// Sweeps for each eigenvalue.
    const SWEEPS: usize = 100;
    let n = tensor.side;
    let w = random_unit(stream, n);
    let mut matrix = tensor.matrix(&w);
    for j in 0..known.map_or(0, Pairs::count) {
        let Some(pairs) = known else { continue };
        let v = pairs.vector(j);
        let factor = pairs.values[j] * dot(v, &w).powi(tensor.order as i32 - 2);
        for b in 0..n {
            for a in 0..n {
                matrix[(a, b)] -= factor * v[a] * v[b];
            }
        }
    }
    let eigen = SymmetricEigen::try_new(matrix, f64::EPSILON, SWEEPS * n)?;
    let mut places: Vec<usize> = (0..n).collect();
    let size = |place: &usize| eigen.eigenvalues[*place].abs();
    places.sort_by(|a, b| size(b).total_cmp(&size(a)));
    let wanted = wanted.min(n);
    let doubtful = match (places.get(wanted), wanted.checked_sub(1)) {
        (Some(next), Some(last)) => size(next) > DOUBT * size(&places[last]),
        _ => false,
    };
    let mut vectors = eigen.eigenvectors.select_columns(&places[..wanted]);
    for mut column in vectors.column_iter_mut() {
        let length = norm(column.as_slice());
        column /= length;
    }
    Some(Starts { vectors, doubtful })
}
