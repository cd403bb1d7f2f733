//! A Gram matrix that is made once and then kept.

use std::cell::Cell;
use std::sync::OnceLock;

use crate::production::factor::cholesky::Cholesky;
use crate::production::kernels::operator::{Gram, Operator, SingleGram};

/// A Gram matrix with products in single precision serves where its error is proven to be below this part of its lowest eigenvalue:
/// what is proven of it then still says something about the exact one, and a step by it contracts. Its error is far below the bound,
/// which no rounding meets another of the same sign in; on the instances of `benches/generate.py` a step falls short by some 1e-6.
const SPREAD: f64 = 0.45;

/// `A' diag(weights) A` as it was made.
pub(crate) struct Ridge {
    pub gram: Gram,
    /// Where its products were rounded to single precision, a bound on the spectral norm of its error.
    pub single: Option<f64>,
}

impl Ridge {
    /// Products in single precision where that is good enough and pays, else in double; with a b the rows' sums, if they came along.
    fn new(operator: &Operator, weights: &[f64], along: Option<&[f64]>) -> (Self, Vec<Vec<f64>>) {
        let found = operator.gram_in_single(weights, along, good);
        let (gram, single, sums) = match found {
            Some(SingleGram {
                gram,
                error,
                products,
            }) => (gram, Some(error), products),
            None => (operator.gram(weights), None, Vec::new()),
        };
        (Self { gram, single }, sums)
    }
}

/// The lowest eigenvalue of a part of the rows may be below its share of that of all by this factor: so it is for four rows a column that
/// are drawn at random (Marchenko and Pastur).
const PART: f64 = 0.25;

/// Whether `error < SPREAD lambda_min`: what is left of the matrix without `error / SPREAD` of the identity is positive definite. Of a
/// matrix of a part of the rows, whether that can be hoped for of all.
fn good(found: &SingleGram, part: f64) -> bool {
    let spread = if part < 1.0 { SPREAD / PART } else { SPREAD };
    let mut less = found.gram.clone();
    for j in 0..less.order {
        less.column_mut(j)[0] -= found.error / spread;
    }
    Cholesky::new(&less).is_some()
}

/// `A' diag(weights) A` of one operator and one set of weights, once it is wanted.
#[derive(Default)]
pub(crate) struct KeptGram(OnceLock<Ridge>);

impl KeptGram {
    /// The matrix; `operator` and `weights` are the same for every call, and make the same bits.
    pub fn get(&self, operator: &Operator, weights: &[f64]) -> &Ridge {
        self.get_along(operator, weights, None).0
    }

    /// [`get`](Self::get) and [`Operator::row_sums`], if they came along with the matrix; empty if not.
    fn get_along(
        &self,
        operator: &Operator,
        weights: &[f64],
        along: Option<&[f64]>,
    ) -> (&Ridge, Vec<Vec<f64>>) {
        if let Some(ridge) = self.0.get() {
            return (ridge, Vec::new());
        }
        // Not under the lock: a thread that waits for its share of the work may take up another solve, which asks here again.
        let (ridge, sums) = Ridge::new(operator, weights, along);
        (self.0.get_or_init(|| ridge), sums)
    }

    /// The matrix where somebody has wanted it.
    pub fn made(&self) -> Option<&Ridge> {
        self.0.get()
    }
}

/// A kept Gram matrix as one run uses it. A run that finds it made counts it as if it had made it, so that equal runs count alike.
pub(crate) struct RunGram<'a> {
    kept: &'a KeptGram,
    asked: Cell<bool>,
}

impl<'a> RunGram<'a> {
    /// For a run that begins.
    pub fn of(kept: &'a KeptGram) -> Self {
        Self {
            kept,
            asked: Cell::new(false),
        }
    }

    /// [`KeptGram::get`].
    pub fn get(&self, operator: &Operator, weights: &[f64]) -> &'a Ridge {
        self.get_along(operator, weights, None).0
    }

    /// [`get`](Self::get) and [`Operator::row_sums`], if they came along with the matrix; empty if not.
    pub fn get_along(
        &self,
        operator: &Operator,
        weights: &[f64],
        along: Option<&[f64]>,
    ) -> (&'a Ridge, Vec<Vec<f64>>) {
        if !self.asked.replace(true) && self.kept.made().is_some() {
            operator.count_pass();
        }
        self.kept.get_along(operator, weights, along)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use nalgebra::DMatrix;

    use super::*;
    use crate::instance::DesignMatrix;
    use crate::production::kernels::Level;

    /// 48 columns, of which the last differs from the first by a part of it.
    fn operator(part: f64) -> Operator {
        let matrix = DMatrix::from_fn(21_000, 48, |i, j| {
            let entry = |j: usize| ((i * 31 + j * 17 + i * j) as f64).sin();
            if j == 47 {
                entry(0) + part * entry(j)
            } else {
                entry(j)
            }
        });
        Operator::new(&Arc::new(DesignMatrix::Dense(matrix.into())), Level::best())
    }

    /// Two columns of angle e have an eigenvalue of some `e^2 / 2` of a column: less than what single precision may lose of it for
    /// 1e-4, far more for 0.1.
    #[test]
    fn single_precision_serves_where_it_resolves_the_lowest_eigenvalue() {
        let weights = vec![1.0; 21_000];
        let (fine, bad) = (operator(0.1), operator(1e-4));
        let single = Ridge::new(&fine, &weights, None).0;
        assert_eq!(single.single.is_some(), Level::best().has_vectors());
        let double = Ridge::new(&bad, &weights, None).0;
        assert_eq!(double.single, None);
        assert_eq!(double.gram.entries, bad.gram(&weights).entries);
    }
}
