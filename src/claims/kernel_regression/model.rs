//! Attention kernel regression at 40 digits, from its closed forms. The oracle, which decides, knows none of them.

use nalgebra::{Cholesky, DMatrix, DVector};

use crate::claims::tools::exact::unit;
use crate::claims::{Case, CheckError};
use crate::oracle::{Reference, lift_matrix, lift_vector};
use crate::scalar::{Allowance, Ball, High};
use crate::system::{Array, Given};

/// Why closed forms are granted so much.
const ROUNDINGS: &str = "64 (n + d) (2 j + 2) roundings of the terms, exponents included";

/// An instance.
#[derive(Clone, Debug)]
pub struct Model {
    /// A (n x d).
    pub a: DMatrix<High>,
    /// b.
    pub b: DVector<High>,
    /// lambda.
    pub ridge: High,
    /// j.
    pub power: u64,
    /// `even`, `odd` or `kernel`.
    pub kind: &'static str,
}

impl Model {
    /// Of a case.
    pub fn of(case: &Case<Given>) -> Self {
        Self::new(&case.instance)
    }

    /// Of an instance.
    pub fn new(given: &Given) -> Self {
        let lifted = |value: f64| High::lift(value).unwrap_or(High::POISONED);
        let target = given.array("target").map_or(&[][..], Array::values);
        Self {
            a: lift_matrix(&given.matrix("matrix", "n", "d")),
            b: DVector::from_iterator(target.len(), target.iter().copied().map(lifted)),
            ridge: lifted(given.scalar("ridge")),
            power: given.scalar("power") as u64,
            kind: given.word("kind"),
        }
    }

    /// `A'A`.
    pub fn gram(&self) -> DMatrix<High> {
        self.a.tr_mul(&self.a)
    }

    /// K, without lambda.
    pub fn k(&self) -> DMatrix<High> {
        if self.kind == "kernel" {
            return (&self.a * self.a.transpose()).map(High::exp);
        }
        let mut power = DMatrix::identity(self.a.ncols(), self.a.ncols());
        for _ in 0..self.power {
            power = self.gram() * power;
        }
        if self.kind == "odd" {
            &self.a * power
        } else {
            power
        }
    }

    /// `K + lambda I`.
    pub fn ridged(&self) -> DMatrix<High> {
        let mut k = self.k();
        for i in 0..k.nrows().min(k.ncols()) {
            k[(i, i)] += self.ridge;
        }
        k
    }

    /// Magnitudes of the terms of K.
    pub fn sizes(&self) -> DMatrix<High> {
        let absolute = Self {
            a: self.a.abs(),
            ..self.clone()
        };
        if self.kind == "kernel" {
            // An exponent carries roundings of its terms, which enter relative to the exponential.
            let exponents = &absolute.a * absolute.a.transpose();
            return self.k().zip_map(&exponents, |k, z| k * (High::ONE + z));
        }
        absolute.k()
    }

    /// Magnitudes of the terms of `K + lambda I`.
    pub fn ridged_sizes(&self) -> DMatrix<High> {
        let mut sizes = self.sizes();
        for i in 0..sizes.nrows().min(sizes.ncols()) {
            sizes[(i, i)] += self.ridge;
        }
        sizes
    }

    /// Half the squares of the rows.
    pub fn half_squares(&self) -> Vec<High> {
        let half = High::ratio(1, 2);
        self.a
            .row_iter()
            .map(|row| half * row.iter().map(|a| a.square()).sum::<High>())
            .collect()
    }

    /// Half the squared distances of the rows (n x n), by differences.
    pub fn distances(&self) -> DMatrix<High> {
        let n = self.a.nrows();
        let half = High::ratio(1, 2);
        DMatrix::from_fn(n, n, |i, k| {
            let pairs = self.a.row(i).transpose();
            let other = self.a.row(k).transpose();
            half * (pairs - other).iter().map(|t| t.square()).sum::<High>()
        })
    }

    /// `G_ik = exp(-||a_i - a_k||^2 / 2)`.
    pub fn gaussian(&self) -> DMatrix<High> {
        self.distances().map(|t| (-t).exp())
    }

    /// `N^-k v`, and the ratio of the extreme pivots of N; `None` where N is not definite to 10^-25.
    pub fn solved(&self, v: &DVector<High>, times: u64) -> Option<(DVector<High>, High)> {
        let factor = Cholesky::new(self.gram())?;
        let pivots = factor.l_dirty().diagonal();
        let least = pivots.iter().copied().reduce(High::min)?;
        let ratio = (pivots.iter().copied().reduce(High::max)? / least).square();
        if ratio > High::ONE.shifted(25) {
            return None;
        }
        let mut y = v.clone();
        for _ in 0..times {
            y = factor.solve(&y);
        }
        Some((y, ratio))
    }

    /// One rounding for each of the operations behind an entry, at most.
    pub fn roundings(&self) -> Allowance<High> {
        let sides = (self.a.nrows() + self.a.ncols()) as i64;
        let products = 2 * self.power as i64 + 2;
        Allowance::new(High::int(64 * sides * products) * unit(), ROUNDINGS)
    }
}

/// The loss of an instance at a point of 40 digits, from the oracle.
pub fn loss(given: &Given, x: &DVector<High>) -> Result<Ball, CheckError> {
    Ok(Reference::of(given)?.enclose_loss(x)?)
}

/// The first point at 40 digits.
pub fn point(case: &Case<Given>) -> DVector<High> {
    lift_vector(&DVector::from_vec(case.instance.start()))
}

/// The nearest f64 of each entry, lifted again.
pub fn rounded(x: &DVector<High>) -> Result<DVector<High>, CheckError> {
    let entries: Result<Vec<High>, _> = x.iter().map(|x| High::lift(x.to_f64())).collect();
    Ok(DVector::from_vec(entries?))
}
