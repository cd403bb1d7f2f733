//! Closed forms of the residual softmax loss of the logits, for any real scalar. The oracle, which decides, knows none of
//! them.
//!
//! Letters: `e = exp(z)`, `u = e + z`, `v = e + 1`, `alpha = <u, 1>`, `f = u / alpha`, `k = v / alpha`, `c = f - b`,
//! `g = c - <c, f> 1`.

use nalgebra::{DMatrix, DVector, RealField};

use crate::claims::tools::exact::Exact;
use crate::scalar::High;

/// Everything about the model at some logits.
#[derive(Clone, Debug)]
pub struct Model<T: RealField> {
    /// `e` (n).
    pub e: DVector<T>,
    /// `u` (n).
    pub u: DVector<T>,
    /// `v` (n).
    pub v: DVector<T>,
    /// `alpha`.
    pub alpha: T,
    /// `f` (n).
    pub f: DVector<T>,
    /// `k` (n).
    pub k: DVector<T>,
}

impl<T: RealField + Copy> Model<T> {
    /// The model at `z` (n); infinite or poisoned entries where `alpha` is zero.
    pub fn at(z: &DVector<T>) -> Self {
        let e = z.map(|entry| entry.exp());
        let u = &e + z;
        let v = e.map(|entry| entry + T::one());
        let alpha = u.iter().fold(T::zero(), |sum, entry| sum + *entry);
        Self {
            f: u.map(|entry| entry / alpha),
            k: v.map(|entry| entry / alpha),
            e,
            u,
            v,
            alpha,
        }
    }

    /// `g = c - <c, f> 1` (n).
    pub fn residual(&self, b: &DVector<T>) -> DVector<T> {
        let c = &self.f - b;
        let mean = c.dot(&self.f);
        c.map(|entry| entry - mean)
    }

    /// The diagonal `k o k + alpha^-1 e o g` of the Hessian's splitting (n).
    pub fn diagonal(&self, b: &DVector<T>) -> DVector<T> {
        let g = self.residual(b);
        self.k.component_mul(&self.k) + self.e.component_mul(&g) / self.alpha
    }

    /// `<3f - 2b, f> kk' - ((2f - b) o k)k' - k((2f - b) o k)'` (n x n).
    pub fn low_rank_part(&self, b: &DVector<T>) -> DMatrix<T> {
        let two = T::one() + T::one();
        let q = (&self.f * (two + T::one()) - b * two).dot(&self.f);
        let a = (&self.f * two - b).component_mul(&self.k);
        let k = &self.k;
        k * k.transpose() * q - &a * k.transpose() - k * a.transpose()
    }

    /// `B`, the Hessian of the loss in the logits (n x n).
    pub fn hessian(&self, b: &DVector<T>) -> DMatrix<T> {
        DMatrix::from_diagonal(&self.diagonal(b)) + self.low_rank_part(b)
    }
}

/// Magnitudes of the terms that the closed forms add up, each with the factor by which the normaliser's cancellation
/// enlarges a relative error: rounding errors are in proportion to them.
pub struct Sizes {
    f: DVector<High>,
    k: DVector<High>,
    e: DVector<High>,
    c: DVector<High>,
    cancellation: High,
}

impl Sizes {
    /// The sizes at a case's point.
    pub fn of(exact: &Exact, model: &Model<High>) -> Self {
        let alpha = model.alpha.abs();
        let reach = exact.a.map(High::abs) * exact.x.map(High::abs);
        let u = &model.e + reach;
        let total: High = u.iter().copied().sum();
        let f = u / alpha;
        Self {
            c: &f + exact.b.map(High::abs),
            k: &model.v / alpha,
            e: &model.e / alpha,
            f,
            cancellation: High::ONE + total / alpha,
        }
    }

    /// Of `df_i/dz_j = k_j (delta_ij - f_i)`, times `|A|` (n x d).
    pub fn slope(&self, a: &DMatrix<High>) -> DMatrix<High> {
        let size = DMatrix::from_diagonal(&self.k) + &self.f * self.k.transpose();
        size * a.map(High::abs) * self.cancellation
    }

    /// Of `k o (c - <c, f> 1)` (n).
    pub fn gradient(&self) -> DVector<High> {
        let mean = self.c.dot(&self.f);
        self.k.component_mul(&self.c.map(|c| c + mean)) * self.cancellation
    }

    /// Of the entries of `B` (n x n).
    pub fn hessian(&self) -> DMatrix<High> {
        let mean = self.c.dot(&self.f);
        let three = High::int(3);
        let n = self.k.len();
        DMatrix::from_fn(n, n, |i, j| {
            let low_rank = self.k[i] * self.k[j] * (self.c[i] + self.c[j] + mean) * three;
            let own = if i == j {
                self.k[i].square() + self.e[i] * (self.c[i] + mean)
            } else {
                High::ZERO
            };
            (low_rank + own) * self.cancellation
        })
    }
}
/// These logits, shifted together so that `<u, 1> = alpha`, to about 15 digits of the shift: `<u, 1>` grows with it. For searches.
pub(super) fn with_normaliser(z: &DVector<f64>, alpha: f64) -> DVector<f64> {
    let sum = |shift: f64| -> f64 {
        z.iter()
            .map(|entry| (entry + shift).exp() + entry + shift)
            .sum()
    };
    // Below -max z - 1 every u_i is negative, and above alpha - min z every one is larger than alpha.
    let (mut low, mut high) = (-z.max() - 1.0, alpha.max(0.0) - z.min());
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if sum(middle) > alpha {
            high = middle;
        } else {
            low = middle;
        }
    }
    z.add_scalar(high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logits_are_shifted_to_the_normaliser_asked_for() {
        for alpha in [1e-3, 0.5, 100.0] {
            let z = DVector::from_vec(vec![-0.5, 2.0, 0.25]);
            let shifted = with_normaliser(&z, alpha);
            let found = Model::at(&shifted).alpha;
            assert!((found / alpha - 1.0).abs() < 1e-10, "{found} for {alpha}");
            assert!(((shifted[1] - shifted[0]) - 2.5).abs() < 1e-12);
        }
    }
}
