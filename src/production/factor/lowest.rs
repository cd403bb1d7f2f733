//! The lowest eigenvalue of a symmetric d x d matrix, alone or relative to a metric, at the price of a few factorisations.
//!
//! Lanczos for the inverse of `H - s I`, which is positive definite for every s below the lowest eigenvalue; whether it is,
//! its Cholesky factorisation tells (Ericsson and Ruhe 1980, "The spectral transformation Lanczos method"). A dense method
//! would find all d eigenvalues, in many times the time.

use nalgebra::{DMatrix, DVector};

use crate::instance::sample;
use crate::production::factor::Factor;
use crate::production::factor::cholesky::Cholesky;
use crate::production::factor::lanczos::Lanczos;
use crate::production::kernels::operator::Gram;
use crate::production::step::eigen;
use crate::production::summation::{dot, norm};

/// Up to this order all eigenvalues are found: it costs no more, and an eigenvector is exact where the matrix is diagonal.
const DENSE: usize = 32;
/// Lanczos vectors after which it is asked whether they are enough; the last ones are.
const STEPS: [usize; 3] = [16, 32, 64];
/// They are enough when the residual is this small, relative to the eigenvalue of the inverse.
const SETTLED: f64 = 1e-10;
/// The first shift below zero in units of `d eps size`, and the factor from one to the next.
const SHIFT: (f64, f64) = (16.0, 64.0);
/// Shifts at most: the last is `-64 d size`, far below every eigenvalue.
const SHIFTS: usize = 10;
/// How often a shift is brought closer to the eigenvalue, by this fraction of their distance.
const APPROACHES: usize = 4;
const APPROACH: f64 = 0.9;

/// The smallest eigenvalue of a symmetric matrix and a unit eigenvector. Both are approximate where the lowest eigenvalues
/// lie close together; the value is the vector's own quotient `v' H v`, so never below the smallest eigenvalue by more than
/// rounding. `None` if the matrix is not finite or the iteration fails.
pub(crate) fn lowest_eigenpair(matrix: &Gram) -> Option<(f64, Vec<f64>)> {
    let d = matrix.order;
    let mut entries = (0..d).flat_map(|j| matrix.column(j));
    let size = entries.try_fold(0.0, |size: f64, entry| {
        entry.is_finite().then(|| size.max(entry.abs()))
    })?;
    if d <= DENSE {
        let eigen = eigen(&DMatrix::from_fn(d, d, |i, j| matrix.entry(i, j)))?;
        let lowest = eigen.eigenvalues.imin();
        let vector = eigen.eigenvectors.column(lowest);
        return Some((eigen.eigenvalues[lowest], vector.iter().copied().collect()));
    }
    if size == 0.0 {
        let mut vector = vec![0.0; d];
        vector[0] = 1.0;
        return Some((0.0, vector));
    }
    let pair = |factor: &Cholesky| {
        let mut vector = largest(d, |v| factor.solve(v))?.1;
        let length = norm(&vector);
        vector.iter_mut().for_each(|entry| *entry /= length);
        Some((dot(&vector, &matrix.multiply(&vector)), vector))
    };
    if let Some(factor) = Cholesky::new(matrix) {
        return pair(&factor);
    }
    let definite = |shift: f64| Cholesky::new(&shifted(matrix, shift));
    let first = SHIFT.0 * d as f64 * f64::EPSILON * size;
    let mut shifts = (0..SHIFTS).map(|k| -first * SHIFT.1.powi(k as i32));
    let (mut shift, factor) = shifts.find_map(|shift| Some((shift, definite(shift)?)))?;
    let mut best = pair(&factor)?;
    for _ in 0..APPROACHES {
        let closer = shift + APPROACH * (best.0 - shift);
        let Some(factor) = definite(closer) else {
            break;
        };
        shift = closer;
        let found = pair(&factor)?;
        if found.0 < best.0 {
            best = found;
        }
    }
    Some(best)
}

/// The smallest e with `H v = e M v` for positive definite H and M, or `None` if H is not.
pub(crate) fn lowest_relative(hessian: &Gram, metric: &Gram) -> Option<f64> {
    let factor = Cholesky::new(hessian)?;
    // For H = C C' the eigenvalues of C^-1 M C'^-1 are 1 / e.
    let inverse = |y: &[f64]| factor.root_solve(&metric.multiply(&factor.transposed_root_solve(y)));
    let (largest, _) = largest(hessian.order, inverse)?;
    Some(largest.recip())
}

fn shifted(matrix: &Gram, shift: f64) -> Gram {
    let mut shifted = matrix.clone();
    for j in 0..matrix.order {
        shifted.column_mut(j)[0] -= shift;
    }
    shifted
}

/// The largest eigenvalue of a positive definite d x d matrix that is known by its products, and an eigenvector. From a
/// direction that is the same for every matrix of this order and, being drawn at random, orthogonal to none that matters.
fn largest(d: usize, product: impl Fn(&[f64]) -> Vec<f64>) -> Option<(f64, Vec<f64>)> {
    let mut stream = sample::stream(0, "lowest-eigenvalue", d as u64);
    // Multiples of 1/1024 and something in between: never zero.
    let start = DVector::from_fn(d, |_, _| sample::dyadic(&mut stream, 1) + 1.0 / 4096.0);
    let mut lanczos = Lanczos::new(start);
    let mut found = None;
    for steps in STEPS {
        lanczos.advance_to(steps, &product);
        let ritz = eigen(&lanczos.tridiagonal())?;
        let top = ritz.eigenvalues.imax();
        let value = ritz.eigenvalues[top];
        let shares = ritz.eigenvectors.column(top);
        let residual = lanczos.rest() * shares[lanczos.len() - 1].abs();
        found = Some((value, shares.into_owned()));
        if lanczos.complete() || residual <= SETTLED * value {
            break;
        }
    }
    found.map(|(value, shares)| (value, lanczos.combine(&shares)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `Q diag(values) Q'` for a fixed orthonormal Q.
    fn with_eigenvalues(values: &[f64]) -> (Gram, DMatrix<f64>) {
        let d = values.len();
        let mut rng = sample::stream(11, "lowest", d as u64);
        let q = sample::conditioned_matrix(&mut rng, d, d, 1.0, 1.0);
        let full = &q * DMatrix::from_diagonal(&DVector::from_column_slice(values)) * q.transpose();
        (Gram::from_lower(d, |i, j| full[(i, j)]), q)
    }

    #[test]
    fn the_lowest_eigenpair_is_that_of_a_known_matrix() {
        // [[2, 1], [1, 2]] has eigenvalues 1 and 3, the first along (1, -1).
        let (value, vector) =
            lowest_eigenpair(&Gram::from_lower(2, |i, j| if i == j { 2.0 } else { 1.0 })).unwrap();
        assert!((value - 1.0).abs() < 1e-14 && (vector[0] + vector[1]).abs() < 1e-14);
        assert!((vector[0].abs() - 0.5f64.sqrt()).abs() < 1e-14);
        // [[1, 2], [2, 1]] has -1 along (1, -1).
        let (value, vector) =
            lowest_eigenpair(&Gram::from_lower(2, |i, j| if i == j { 1.0 } else { 2.0 })).unwrap();
        assert!((value + 1.0).abs() < 1e-12 && (vector[0] + vector[1]).abs() < 1e-7);
        // [[0, 1], [1, 0]] has -1 along (1, -1), and nothing on its diagonal.
        let (value, vector) =
            lowest_eigenpair(&Gram::from_lower(2, |i, j| if i == j { 0.0 } else { 1.0 })).unwrap();
        assert!((value + 1.0).abs() < 1e-12 && (vector[0] + vector[1]).abs() < 1e-7);
        for d in [2, 40] {
            assert!(lowest_eigenpair(&Gram::from_lower(d, |_, _| f64::NAN)).is_none());
            assert_eq!(lowest_eigenpair(&Gram::zeros(d)).unwrap().0, 0.0);
        }
    }

    /// Eigenvalues as they were put in: definite, indefinite by a little and by much, alone among many and in a crowd.
    #[test]
    fn the_lowest_of_many_is_found_whatever_its_sign_and_distance() {
        for d in [3, 20, 90] {
            for lowest in [1e-9, 1e-3, 0.5, -1e-9, -1e-3, -0.5, -50.0] {
                let mut values: Vec<f64> = (0..d).map(|k| 1.0 + k as f64 / d as f64).collect();
                values[d / 2] = lowest;
                let (matrix, q) = with_eigenvalues(&values);
                let (value, vector) = lowest_eigenpair(&matrix).unwrap();
                let off = (value - lowest).abs();
                assert!(
                    off < 1e-13 * d as f64 * lowest.abs().max(1.0),
                    "{d} {lowest}: {value}"
                );
                let along: f64 = (0..d).map(|i| vector[i] * q[(i, d / 2)]).sum();
                assert!(1.0 - along.abs() < 1e-6, "{d} {lowest}: {along}");
            }
            // Nothing stands out: half of them negative.
            let values: Vec<f64> = (0..d).map(|k| k as f64 / d as f64 - 0.5).collect();
            let (value, _) = lowest_eigenpair(&with_eigenvalues(&values).0).unwrap();
            assert!(value < -0.49 && value > -0.5 - 1e-12, "{d}: {value}");
        }
    }

    #[test]
    fn relative_eigenvalues_are_those_of_the_pencil() {
        // det [[1 - 2 e, -e], [-e, 4 - 2 e]] = 3 e^2 - 10 e + 4.
        let metric = Gram::from_lower(2, |i, j| if i == j { 2.0 } else { 1.0 });
        let hessian = Gram::from_lower(2, |i, j| if i != j { 0.0 } else { [1.0, 4.0][i] });
        let lowest = lowest_relative(&hessian, &metric).unwrap();
        assert!((lowest - (10.0 - 52f64.sqrt()) / 6.0).abs() < 1e-14);
        let saddle = Gram::from_lower(2, |i, j| if i != j { 0.0 } else { [1.0, -4.0][i] });
        assert!(lowest_relative(&saddle, &metric).is_none());
    }

    /// diag(1, .., d) in the metric diag(2, 4, .., 2 d) is 1/2 throughout; one entry is lowered to 1/4.
    #[test]
    fn the_lowest_relative_eigenvalue_of_many_is_found() {
        let d = 90;
        let diagonal = |i: usize, j: usize, entry: f64| if i == j { entry } else { 0.0 };
        let metric = Gram::from_lower(d, |i, j| diagonal(i, j, 2.0 * (i + 1) as f64));
        let lowered = |i: usize| if i == 40 { 0.5 } else { 1.0 };
        let hessian = Gram::from_lower(d, |i, j| diagonal(i, j, lowered(i) * (i + 1) as f64));
        let lowest = lowest_relative(&hessian, &metric).unwrap();
        assert!((lowest - 0.25).abs() < 1e-12, "{lowest}");
    }
}
