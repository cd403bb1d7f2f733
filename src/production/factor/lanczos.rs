//! Lanczos' tridiagonal matrix of a symmetric matrix that is known by its products.

use nalgebra::{DMatrix, DVector};

/// An orthonormal basis of `span(v, M v, .., M^(k-1) v)` and the tridiagonal matrix of M in it.
pub(crate) struct Lanczos {
    basis: Vec<DVector<f64>>,
    diagonal: Vec<f64>,
    /// Between a basis vector and the next, that of the last with `next` included.
    coupling: Vec<f64>,
    next: DVector<f64>,
    complete: bool,
}

impl Lanczos {
    /// From a direction, which must not be zero.
    pub(crate) fn new(start: DVector<f64>) -> Self {
        let length = start.norm();
        Self {
            basis: Vec::new(),
            diagonal: Vec::new(),
            coupling: Vec::new(),
            next: start / length,
            complete: false,
        }
    }

    /// One product more. Not to be called once the basis is complete.
    pub(crate) fn advance(&mut self, product: impl Fn(&[f64]) -> Vec<f64>) {
        let current = std::mem::replace(&mut self.next, DVector::zeros(0));
        let mut image = DVector::from_vec(product(current.as_slice()));
        let d = current.len();
        self.diagonal.push(image.dot(&current));
        self.basis.push(current);
        // Against the whole basis, twice: the recurrence alone loses orthogonality.
        for _ in 0..2 {
            for vector in &self.basis {
                let share = image.dot(vector);
                image.axpy(-share, vector, 1.0);
            }
        }
        let rest = image.norm();
        let sizes = self.diagonal.iter().map(|entry| entry.abs());
        let scale = sizes.fold(0.0, f64::max);
        self.complete = self.len() == d || rest <= f64::EPSILON * d as f64 * scale;
        self.coupling.push(rest);
        self.next = image / rest;
    }

    /// [`Lanczos::advance`] until the basis has so many vectors or is complete.
    pub(crate) fn advance_to(&mut self, steps: usize, product: impl Fn(&[f64]) -> Vec<f64>) {
        while !self.complete && self.len() < steps {
            self.advance(&product);
        }
    }

    /// The number k of basis vectors.
    pub(crate) fn len(&self) -> usize {
        self.basis.len()
    }

    /// Whether the span is mapped into itself, to rounding: eigenvalues of the tridiagonal matrix are some of M's.
    pub(crate) fn complete(&self) -> bool {
        self.complete
    }

    /// The norm of what M makes of the last basis vector outside of the span.
    pub(crate) fn rest(&self) -> f64 {
        self.coupling.last().copied().unwrap_or(0.0)
    }

    /// The k x k tridiagonal matrix.
    pub(crate) fn tridiagonal(&self) -> DMatrix<f64> {
        let k = self.len();
        DMatrix::from_fn(k, k, |i, j| match i.abs_diff(j) {
            0 => self.diagonal[i],
            1 => self.coupling[i.min(j)],
            _ => 0.0,
        })
    }

    /// The combination of the basis vectors with these shares, of which there are k.
    pub(crate) fn combine<'a>(&self, shares: impl IntoIterator<Item = &'a f64>) -> Vec<f64> {
        let mut sum = DVector::zeros(self.next.len());
        for (share, vector) in shares.into_iter().zip(&self.basis) {
            sum.axpy(*share, vector, 1.0);
        }
        sum.data.into()
    }
}

/// The ratio of the extreme eigenvalues of the tridiagonal matrix that conjugate gradients make, from the length of each step and
/// the factor by which its direction enters the next: an estimate of the condition number, from below.
pub(crate) fn condition_of_tridiagonal(coefficients: &[(f64, f64)]) -> f64 {
    let k = coefficients.len();
    let matrix = DMatrix::from_fn(k, k, |i, j| {
        let (length, _) = coefficients[i];
        let (before, share) = coefficients[i.max(j).saturating_sub(1)];
        match i.abs_diff(j) {
            0 if i == 0 => length.recip(),
            0 => length.recip() + share / before,
            1 => share.sqrt() / before,
            _ => 0.0,
        }
    });
    let values = matrix.symmetric_eigenvalues();
    values.max() / values.min()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two steps on diag(1, 4) from (1, 1), by hand: lengths 2/5 and 5/8, factor 9/25; T = [[5/2, 3/2], [3/2, 5/2]].
    #[test]
    fn two_steps_know_two_eigenvalues() {
        let found = condition_of_tridiagonal(&[(0.4, 0.36), (0.625, 0.0)]);
        assert!((found - 4.0).abs() < 1e-14, "{found}");
    }

    /// M = diag(1, 2, 4) from (1, 1, 0): the span is that of the first two axes. By hand: `T = [[1.5, 0.5], [0.5, 1.5]]`.
    #[test]
    fn a_span_that_is_mapped_into_itself_ends_the_basis() {
        let product = |v: &[f64]| vec![v[0], 2.0 * v[1], 4.0 * v[2]];
        let mut lanczos = Lanczos::new(DVector::from_vec(vec![1.0, 1.0, 0.0]));
        lanczos.advance_to(1, product);
        assert!(!lanczos.complete() && (lanczos.rest() - 0.5).abs() < 1e-15);
        lanczos.advance_to(3, product);
        assert!(lanczos.complete() && lanczos.len() == 2);
        let expected = DMatrix::from_row_slice(2, 2, &[1.5, 0.5, 0.5, 1.5]);
        assert!((lanczos.tridiagonal() - expected).amax() < 1e-15);
        // (1, 1, 0) / root 2 and (-1, 1, 0) / root 2.
        let sum = lanczos.combine(&[2f64.sqrt(), 2f64.sqrt()]);
        assert!(sum[0].abs() < 1e-15 && (sum[1] - 2.0).abs() < 1e-15 && sum[2] == 0.0);
    }

    /// Eigenvalues over sixteen decades: each image lies nearly within the span, and what one pass leaves of it is a rounding of the image,
    /// which is millions of times what is outside.
    #[test]
    fn the_basis_is_orthonormal_however_far_the_eigenvalues_are_apart() {
        for decades in [4, 8, 16] {
            let value = |i: usize| 10f64.powf(f64::from(decades) * i as f64 / 23.0);
            let product = |v: &[f64]| v.iter().enumerate().map(|(i, v)| value(i) * v).collect();
            let mut lanczos = Lanczos::new(DVector::from_fn(24, |i, _| 1.0 / (1.0 + i as f64)));
            lanczos.advance_to(16, product);
            assert!(lanczos.len() >= 4);
            for (i, one) in lanczos.basis.iter().enumerate() {
                for (j, other) in lanczos.basis.iter().enumerate() {
                    let expected = f64::from(u8::from(i == j));
                    assert!(
                        (one.dot(other) - expected).abs() < 1e-14,
                        "{decades}: {i} {j} {:e}",
                        one.dot(other)
                    );
                }
            }
        }
    }
}
