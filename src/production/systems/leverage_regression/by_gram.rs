//! Well conditioned problems in two passes over A: a Gram matrix with its right sides, then residuals in pairs.
//!
//! ```text
//! M = D (A'A + lambda I) D,  L L' = M + F,  || F || <= f        D powers of two, M has a diagonal from 1 to 4
//! y = (L L')^-1 D A'b, x = D y
//! h = D (A' (b - A x) - lambda x), off by at most o             one pass, as if in twice the precision
//! dy = (L L')^-1 h, x + D dy                                    || y + dy - y* || <= (o + f || dy ||) / lambda_min(M)
//! ```
//!
//! since `M (y + dy - y*) = M dy - h` for the exact h. The pass that gives the correction gives the proof; it is repeated where the bound is above a
//! rounding of x, each time smaller by about `f / lambda_min`. Loss and gradient at the corrected x follow by the Gram matrix, which is
//! as good as a pass because the correction is small.
//!
//! Nothing is divided by powers of two but columns, so numbers far from 1 are left to the way by [`Problem`](super::problem::Problem),
//! as are a residual that vanishes beside what rounding makes of it, and a condition number that a Gram matrix cannot bear.

use std::sync::Arc;

use super::problem::{by_rows, right_sides};
use crate::instance::DesignMatrix;
use crate::instance::row_major::RowMajor;
use crate::production::error_bound::{SLACK, lost};
use crate::production::factor::Factor;
use crate::production::factor::cholesky::Cholesky;
use crate::production::kernels::Level;
use crate::production::kernels::operator::{Gram, NormalEquations, Operator, Residual, Targets};
use crate::production::summation::{dot, norm, two_product, two_sum};
use crate::production::systems::linear::answer::Values;
use crate::production::systems::linear::scaled::{Scaled, exponent};
use crate::production::systems::linear::triangular::{GRAM_LOSS, lowest_estimate, proven};
use crate::scalar::rounding::UNIT;
use crate::system::{Array, Given};

/// Squares of columns of A with lambda, and of right sides: what they are multiplied with stays in the range of f64.
const MIDDLE: std::ops::Range<f64> = 1e-120..1e120;
/// Passes with residuals at most; the condition number allows each to gain 20 bits.
const PASSES: usize = 4;
/// A correction is the last one where the bound is this share of x: far below a rounding.
const ENOUGH: f64 = UNIT / 32.0;
/// By how much the last correction may change the square of the residual.
const CHANGE: f64 = 1.0 / 1024.0;

/// Normal equations with a factor.
pub(super) struct ByGram<'a> {
    operator: Operator,
    targets: Targets<'a>,
    ridge: f64,
    equations: NormalEquations,
    /// D.
    scales: Vec<f64>,
    /// L.
    factor: Cholesky,
    /// At most the lowest eigenvalue of M; about that where no proof was wanted.
    lowest: f64,
    /// The traces of `D A'A D` and of M, as bounds.
    traces: [f64; 2],
    /// f, with what triangular solves lose.
    off: f64,
}

/// One right side at its x.
#[derive(Clone)]
struct Column {
    /// Head and tail.
    x: [Vec<f64>; 2],
    /// A bound of `|| D^-1 (x - x*) ||`.
    error: f64,
    /// `|| b - A x ||^2`, not the square of a rounding.
    square: f64,
    /// `A' (A x - b) + lambda x` at the head of x.
    gradient: Vec<f64>,
}

/// The answer.
pub(super) struct Found {
    /// x by rows.
    pub(super) x: Vec<f64>,
    /// There.
    pub(super) values: Values,
    /// A bound of `|| x - x* ||_F`, where a proof was wanted.
    pub(super) error_bound: Option<f64>,
    /// Passes over A, that of the Gram matrix included.
    pub(super) passes: usize,
}

/// What the bound rests on.
pub(super) const BASIS: &str = "residuals in twice the precision, over a proven lower bound of the lowest eigenvalue of A'A + lambda I with columns \
     divided by powers of two, factored by a Gram matrix";

impl<'a> ByGram<'a> {
    /// `None` where another way has to be taken.
    pub(super) fn of(given: &'a Given, certify: bool) -> Option<Self> {
        let (n, d) = (given.size("n"), given.size("d"));
        if d == 0 || n < d {
            return None;
        }
        let rows = RowMajor::shared(n, d, given.array("matrix")?.shared())?;
        let operator = Operator::new(&Arc::new(DesignMatrix::Dense(rows)), Level::best());
        let targets = Targets {
            entries: given.array("target").map(Array::values)?,
            count: right_sides(given),
        };
        let ridge = given.scalar("ridge");
        let equations = operator.normal_equations(targets)?;
        let diagonal: Vec<f64> = equations.gram.diagonal().map(|g| g + ridge).collect();
        let fits = |square: &f64| MIDDLE.contains(square);
        let zero = |c: usize| {
            targets
                .entries
                .iter()
                .skip(c)
                .step_by(targets.count)
                .all(|b| *b == 0.0)
        };
        let squares = equations.squares.iter().enumerate();
        if !diagonal.iter().all(fits)
            || !squares
                .into_iter()
                .all(|(c, square)| fits(square) || zero(c))
        {
            return None;
        }
        let scales: Vec<f64> = diagonal
            .iter()
            .map(|square| 2f64.powi(-exponent(*square).div_euclid(2) as i32))
            .collect();
        let gram = &equations.gram;
        let scaled = Gram::from_lower(d, |i, j| {
            let entry = if i == j {
                diagonal[j]
            } else {
                gram.entry(i, j)
            };
            entry * scales[i] * scales[j]
        });
        let squares = gram
            .diagonal()
            .zip(&scales)
            .map(|(g, scale)| g * scale * scale);
        let of_gram = squares.sum::<f64>() * SLACK;
        let trace = scaled.diagonal().sum::<f64>() * SLACK;
        // Every term of a Gram matrix, and the addition of lambda.
        let error = (operator.normal_additions() as f64 * of_gram + 2.0 * trace) * UNIT * SLACK;
        let factor = Cholesky::new(&scaled)?;
        let near = lowest_estimate(&factor, d);
        if error.is_nan() || error > GRAM_LOSS * near {
            return None;
        }
        let lowest = if certify {
            proven(scaled, error, near)
        } else {
            near
        };
        // A triangular solve is exact for an L that is off by d + 4 roundings of its norm.
        let off = (error + 2.0 * lost(d, trace)) * SLACK;
        (lowest > 0.0).then_some(Self {
            operator,
            targets,
            ridge,
            equations,
            scales,
            factor,
            lowest,
            traces: [of_gram, trace],
            off,
        })
    }

    /// Loss and gradient at x = 0.
    pub(super) fn start(&self) -> Values {
        let squares: f64 = self.equations.squares.iter().sum();
        let gradient = Scaled::of(self.start_gradient());
        Values {
            loss: Scaled::of(0.5 * squares),
            gradient,
            start: gradient,
            noise: Scaled::of(0.0),
        }
    }

    fn start_gradient(&self) -> f64 {
        norm(&self.equations.projected.concat())
    }

    /// The answer; `None` where it is not proven to be within a rounding, or its loss cannot be told from 0 for sure.
    pub(super) fn solve(&self, certify: bool) -> Option<Found> {
        let mut columns: Vec<Column> = (0..self.targets.count).map(|c| self.first(c)).collect();
        let mut passes = 1;
        while columns.iter().any(|column| !self.is_done(column)) {
            if passes > PASSES {
                return None;
            }
            let x: Vec<[&[f64]; 2]> = columns.iter().map(|c| [&c.x[0][..], &c.x[1][..]]).collect();
            let residuals = self.operator.residuals(&x, self.targets)?;
            let corrected = columns.iter().zip(&residuals).enumerate();
            columns = corrected
                .map(|(c, (column, residual))| self.corrected(c, column, residual))
                .collect::<Option<_>>()?;
            passes += 1;
        }
        let x: Vec<Vec<f64>> = columns.iter().map(|column| column.x[0].clone()).collect();
        let loss: f64 = columns.iter().map(|column| self.loss_of(column)).sum();
        if certify {
            let energy: f64 = columns.iter().map(|column| self.energy_of(column)).sum();
            let nothing = self.equations.squares.iter().all(|square| *square == 0.0);
            // (L - L*) / L* is finite for sure, so there is nothing to remark on it.
            if (energy.is_nan() || energy > 0.25 * loss) && !nothing {
                return None;
            }
        }
        let squares =
            |of: &dyn Fn(&Column) -> f64| columns.iter().map(|c| of(c).powi(2)).sum::<f64>();
        let most = self.scales.iter().copied().fold(0.0, f64::max);
        let error = squares(&|column| most * column.error + norm(&column.x[1])).sqrt() * SLACK;
        let noise = x
            .iter()
            .flat_map(|x| self.of_rounding(x))
            .collect::<Vec<_>>();
        let gradient: Vec<f64> = columns
            .into_iter()
            .flat_map(|column| column.gradient)
            .collect();
        let values = Values {
            loss: Scaled::of(0.5 * loss),
            gradient: Scaled::of(norm(&gradient)),
            start: Scaled::of(self.start_gradient()),
            noise: Scaled::of(norm(&noise)),
        };
        Some(Found {
            x: by_rows(&x),
            values,
            error_bound: (certify && error.is_finite()).then_some(error),
            passes,
        })
    }

    /// By the normal equations alone: nothing is known of it, but that 0 is the answer to 0.
    fn first(&self, c: usize) -> Column {
        let b = self.equations.squares[c];
        let v = times(&self.equations.projected[c], &self.scales);
        let x = times(&self.factor.solve(&v), &self.scales);
        let zero = vec![0.0; x.len()];
        Column {
            x: [x, zero.clone()],
            error: if b == 0.0 { 0.0 } else { f64::INFINITY },
            square: b,
            gradient: zero,
        }
    }

    fn is_done(&self, column: &Column) -> bool {
        let most = self.scales.iter().copied().fold(0.0, f64::max);
        column.error == 0.0 || most * column.error <= ENOUGH * norm(&column.x[0])
    }

    /// A step of refinement; `None` where the step changes the residual, or rounding made it what it is.
    fn corrected(&self, c: usize, column: &Column, residual: &Residual) -> Option<Column> {
        if self.equations.squares[c] == 0.0 {
            return Some(column.clone());
        }
        let [x, tail] = &column.x;
        let y = self.over_scales(x);
        let steepest = self.steepest(column, residual);
        let [head, rest] = [&steepest[0], &steepest[1]].map(|part| times(part, &self.scales));
        let [of_residual, of_steepest] = self.lost(c, norm(&y), residual, norm(&head));
        if of_residual.is_nan() || of_residual > 0.25 * residual.square.sqrt() {
            return None;
        }
        let dy = self.factor.solve(&head);
        let step = times(&dy, &self.scales);
        let pairs = x.iter().zip(tail).zip(&step).map(|((x, tail), step)| {
            let (sum, left) = two_sum(*x, *step);
            two_sum(sum, left + tail)
        });
        let (next, next_tail): (Vec<f64>, Vec<f64>) = pairs.unzip();
        // Of the pairs: two roundings of tails.
        let of_pairs = 4.0 * UNIT * UNIT * norm(&y) + f64::MIN_POSITIVE;
        let error = (of_steepest + norm(&rest) + self.off * norm(&dy)) / self.lowest + of_pairs;
        // To the head of the next x, where loss and gradient are wanted.
        let moved: Vec<f64> = (0..x.len()).map(|j| (next[j] - x[j]) - tail[j]).collect();
        let by_gram = self.equations.gram.multiply(&moved);
        let projected: Vec<f64> = sums(&residual.projected);
        let [linear, quadratic] = [&projected, &by_gram].map(|v| dot(&moved, v));
        let change = quadratic - 2.0 * linear;
        let size = 2.0 * linear.abs() + quadratic.abs();
        if size.is_nan() || size > CHANGE * residual.square {
            return None;
        }
        let gradient = (0..x.len())
            .map(|j| by_gram[j] + self.ridge * moved[j] - (steepest[0][j] + steepest[1][j]));
        Some(Column {
            gradient: gradient.collect(),
            x: [next, next_tail],
            error: error * SLACK,
            square: residual.square + change,
        })
    }

    /// `A' (b - A x) - lambda x` in pairs.
    fn steepest(&self, column: &Column, residual: &Residual) -> [Vec<f64>; 2] {
        let ([x, tail], [heads, tails]) = (&column.x, &residual.projected);
        let pairs = (0..x.len()).map(|j| {
            let (product, left) = two_product(self.ridge, x[j]);
            let (sum, lost) = two_sum(heads[j], -product);
            two_sum(sum, lost + (tails[j] - (left + self.ridge * tail[j])))
        });
        pairs.unzip().into()
    }

    /// Bounds of what `b - A x` and `D (A' (b - A x) - lambda x)` are off by, for norms of `D^-1 x` and of the latter.
    fn lost(&self, c: usize, y: f64, residual: &Residual, steepest: f64) -> [f64; 2] {
        let (n, d) = (self.operator.rows() as f64, self.operator.columns() as f64);
        let underflow = f64::MIN_POSITIVE * (n + 1.0) * (d + 1.0);
        let squared = 4.0 * UNIT * UNIT;
        let length = self.traces[0].sqrt();
        let terms = self.equations.squares[c].sqrt() + length * y;
        let of_residual = (squared * (d + 4.0).powi(2) * terms + underflow) * SLACK;
        let chain = (self.operator.residual_additions() as f64 + 2.0).powi(2);
        let of_sum = squared * chain * residual.square.sqrt() * SLACK;
        let of_ridge = 4.0 * squared * (steepest + self.traces[1] * y);
        let most = self.scales.iter().copied().fold(1.0, f64::max);
        let of_steepest = length * (of_residual + of_sum) + of_ridge + underflow * most;
        [of_residual, of_steepest * SLACK]
    }

    /// `|| b - A x ||^2 + lambda || x ||^2`.
    fn loss_of(&self, column: &Column) -> f64 {
        let size = norm(&column.x[0]);
        column.square + self.ridge * size * size
    }

    /// At least `|| A (x - x*) ||^2 + lambda || x - x* ||^2` for the head of x.
    fn energy_of(&self, column: &Column) -> f64 {
        let off = column.error + norm(&self.over_scales(&column.x[1]));
        self.traces[1] * off * off
    }

    /// `D^-1 v`.
    fn over_scales(&self, v: &[f64]) -> Vec<f64> {
        v.iter()
            .zip(&self.scales)
            .map(|(v, scale)| v / scale)
            .collect()
    }

    /// `A'A + lambda I` times what rounding x does, with signs in turn.
    fn of_rounding(&self, x: &[f64]) -> Vec<f64> {
        let signs = x.iter().enumerate();
        let off: Vec<f64> = signs
            .map(|(j, x)| if j % 2 == 0 { x * UNIT } else { -x * UNIT })
            .collect();
        let image = self.equations.gram.multiply(&off);
        image
            .iter()
            .zip(&off)
            .map(|(image, off)| image + self.ridge * off)
            .collect()
    }
}

fn times(v: &[f64], scales: &[f64]) -> Vec<f64> {
    v.iter().zip(scales).map(|(v, scale)| v * scale).collect()
}

fn sums([heads, tails]: &[Vec<f64>; 2]) -> Vec<f64> {
    heads
        .iter()
        .zip(tails)
        .map(|(head, tail)| head + tail)
        .collect()
}
