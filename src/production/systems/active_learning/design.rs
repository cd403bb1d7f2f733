//! Which points are labelled.

use nalgebra::{Cholesky, DMatrix, DVector, Dyn};

use super::pool::Pool;

/// Points, each with a weight: `sum of weight_i (p_i x - y_i)^2` over them stands for the sum over the pool.
pub(super) struct Design {
    /// Ascending, each once.
    pub(super) points: Vec<usize>,
    /// In the unit of the pool's measure.
    pub(super) weights: Vec<f64>,
    /// How it came about, for the user.
    pub(super) how: String,
}

impl Design {
    /// Every point of a measure that is not 0, with that as its weight.
    pub(super) fn whole(pool: &Pool) -> Self {
        let points: Vec<usize> = pool.support().collect();
        Self {
            weights: points.iter().map(|i| pool.roots[*i].powi(2)).collect(),
            how: format!(
                "the budget reaches all {} points: every label is read",
                points.len()
            ),
            points,
        }
    }

    /// `sum w_i v_i v_i'` over the points, in orthonormal coordinates, for v the values without the root of the measure; `power` of
    /// the weights.
    fn gram(&self, pool: &Pool, power: i32) -> DMatrix<f64> {
        let rank = pool.rank();
        let mut gram = DMatrix::zeros(rank, rank);
        for (i, weight) in self.points.iter().zip(&self.weights) {
            let row = DVector::from_vec(pool.row(*i)) / pool.roots[*i];
            gram.ger(weight.powi(power), &row, &row, 1.0);
        }
        gram
    }

    /// What noise of equal variance at every point makes: the mean of `sum_i D_i (p_i (x - x0))^2`, for labels `p_i x0` and noise, over
    /// the mean of the sum of `D_i` times the square of the noise; infinite where the points have not the rank of the pool.
    pub(super) fn mean_excess(&self, pool: &Pool) -> f64 {
        let Some(factor) = definite(self.gram(pool, 1)) else {
            return f64::INFINITY;
        };
        let inner = factor.solve(&self.gram(pool, 2));
        factor.solve(&inner.transpose()).trace() / pool.total()
    }

    /// Whether the points have the rank of the pool.
    pub(super) fn has_full_rank(&self, pool: &Pool) -> bool {
        definite(self.gram(pool, 1)).is_some()
    }
}

/// A factor of a Gram matrix; `None` where a pivot is a rounding of the trace.
fn definite(gram: DMatrix<f64>) -> Option<Cholesky<f64, Dyn>> {
    /// Far above the rounding of orthonormal coordinates.
    const ROUNDING: f64 = 1e-12;
    let limit = ROUNDING * gram.trace();
    let factor = Cholesky::new(gram)?;
    let pivots = factor.l_dirty().diagonal();
    let clear = pivots.iter().all(|pivot| pivot * pivot > limit);
    clear.then_some(factor)
}
