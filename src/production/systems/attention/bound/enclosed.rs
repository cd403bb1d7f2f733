//! Matrices of f64 with a radius for each entry: the exact matrix is within it of the midpoint.
//!
//! A product of inner length k is off by `k u / (1 - k u) |A| |B|`, whatever the order of its additions (Higham, 3.5), and by as
//! much as the radii of the factors can move it; two products of matrices more bound both.

use nalgebra::DMatrix;

use crate::production::error_bound::SLACK;
use crate::scalar::Ball;
use crate::scalar::rounding::UNIT;

/// Midpoints and radii.
#[derive(Clone, Debug)]
pub(super) struct Enclosed {
    pub(super) mid: DMatrix<f64>,
    pub(super) rad: DMatrix<f64>,
}

impl Enclosed {
    /// No radius.
    pub(super) fn exact(mid: DMatrix<f64>) -> Self {
        let rad = DMatrix::zeros(mid.nrows(), mid.ncols());
        Self { mid, rad }
    }

    /// Entry by entry.
    pub(super) fn of_balls(
        rows: usize,
        columns: usize,
        ball: impl Fn(usize, usize) -> Ball<f64>,
    ) -> Self {
        let mut out = Self::exact(DMatrix::zeros(rows, columns));
        for j in 0..columns {
            for i in 0..rows {
                let ball = ball(i, j);
                out.mid[(i, j)] = ball.midpoint();
                out.rad[(i, j)] = ball.radius();
            }
        }
        out
    }

    /// One entry.
    pub(super) fn ball(&self, i: usize, j: usize) -> Ball<f64> {
        Ball::new(self.mid[(i, j)], self.rad[(i, j)])
    }

    /// `A B`.
    pub(super) fn times(&self, other: &Self) -> Self {
        let k = self.mid.ncols() as f64;
        let unit = k * UNIT / (1.0 - k * UNIT);
        let (left, right) = (self.mid.map(f64::abs), other.mid.map(f64::abs));
        let mut rad = left * (&other.rad + &right * unit) + &self.rad * (right + &other.rad);
        // A product of small factors loses at most the smallest normal number.
        rad.apply(|entry| *entry = (*entry + k * f64::MIN_POSITIVE) * SLACK);
        Self {
            mid: &self.mid * &other.mid,
            rad,
        }
    }

    /// The transpose.
    pub(super) fn transposed(&self) -> Self {
        Self {
            mid: self.mid.transpose(),
            rad: self.rad.transpose(),
        }
    }

    /// `A + B`.
    pub(super) fn plus(&self, other: &Self) -> Self {
        self.entrywise(other, |a, b| a + b)
    }

    /// `A - B`.
    pub(super) fn minus(&self, other: &Self) -> Self {
        self.entrywise(other, |a, b| a - b)
    }

    /// `A o B`.
    pub(super) fn hadamard(&self, other: &Self) -> Self {
        self.entrywise(other, |a, b| a * b)
    }

    /// Each entry times a number.
    pub(super) fn scaled(&self, factor: Ball<f64>) -> Self {
        Self::of_balls(self.mid.nrows(), self.mid.ncols(), |i, j| {
            self.ball(i, j) * factor
        })
    }

    /// Each row times its entry of a column.
    pub(super) fn rows_scaled(&self, factors: &Self) -> Self {
        Self::of_balls(self.mid.nrows(), self.mid.ncols(), |i, j| {
            self.ball(i, j) * factors.ball(i, 0)
        })
    }

    fn entrywise(&self, other: &Self, f: impl Fn(Ball<f64>, Ball<f64>) -> Ball<f64>) -> Self {
        Self::of_balls(self.mid.nrows(), self.mid.ncols(), |i, j| {
            f(self.ball(i, j), other.ball(i, j))
        })
    }

    /// Row i as a column.
    pub(super) fn row(&self, i: usize) -> Self {
        Self {
            mid: self.mid.rows(i, 1).transpose(),
            rad: self.rad.rows(i, 1).transpose(),
        }
    }

    /// The softmax of each row. Every entry is charged for the whole error of its row's sum.
    pub(super) fn softmax_of_rows(&self) -> Self {
        let (rows, columns) = self.mid.shape();
        let mut out = Self::exact(DMatrix::zeros(rows, columns));
        for i in 0..rows {
            let largest = Ball::exact(self.mid.row(i).max());
            let powers: Vec<Ball<f64>> = (0..columns)
                .map(|j| (self.ball(i, j) - largest).exp())
                .collect();
            let total = powers
                .iter()
                .fold(Ball::exact(0.0), |sum, power| sum + *power);
            for (j, power) in powers.into_iter().enumerate() {
                let share = power / total;
                out.mid[(i, j)] = share.midpoint();
                out.rad[(i, j)] = share.radius();
            }
        }
        out
    }

    /// A bound of the Frobenius norm.
    pub(super) fn norm_bound(&self) -> f64 {
        (self.mid.map(f64::abs) + &self.rad).norm() * SLACK + UNDERFLOW
    }

    /// A bound of the Frobenius norm of what the midpoints are off by.
    pub(super) fn radius_norm(&self) -> f64 {
        self.rad.norm() * SLACK + UNDERFLOW
    }

    /// The largest norm of a row, or a little more.
    pub(super) fn longest_row(&self) -> f64 {
        let sizes = self.mid.map(f64::abs) + &self.rad;
        let longest = sizes.row_iter().map(|row| row.norm()).fold(0.0, f64::max);
        longest * SLACK + UNDERFLOW
    }
}

/// What a norm may lose to underflow of squares.
const UNDERFLOW: f64 = 1e-150;

/// A bound of the spectral norm, the root of the largest row sum of A'A: sharp where columns are nearly orthogonal.
pub(super) fn spectral_norm(matrix: &Enclosed) -> f64 {
    let gram = matrix.transposed().times(matrix);
    let sizes = gram.mid.map(f64::abs) + &gram.rad;
    let largest = sizes.row_iter().map(|row| row.sum()).fold(0.0, f64::max);
    largest.sqrt() * SLACK + UNDERFLOW
}
