//! Gradient and curvature of softmax regression at x with bounds on every rounding, by two sweeps over A and two over its rows.
//!
//! Let `q = exp(z - top)` as computed, and rho the sum of all that is wrong with the argument of an exponential: the logit
//! (`u |z|` and second-order terms), its difference to the top (`u |z - top|`), and exp itself (2 units in the last place, seen as
//! a perturbation of its argument). As in `docs/numerics.md`, "Softmax",
//!
//! ```text
//! |log p_i - log (q_i / sum q)|  <=  exp(2 max rho) (rho_i + <p, rho>)
//! ```
//!
//! and normalising rounds by at most `4.1 u`: sum 2, quotient 1, product 1. Everything that follows is sums and products.

use crate::production::Problem;
use crate::production::error_bound::rounding::{SLACK, UNDERFLOW};
use crate::production::kernels::softmax_bounds::{Masses, Reach, Shared, masses, reach};
use crate::production::summation::norm;
use crate::scalar::rounding::UNIT;

/// Perturbations of logits are taken for small up to this: products of two of them are covered by [`MARGIN`].
const SMALL: f64 = 1e-4;
/// Targets beyond this are left to others: a probability that underflows, below 4e-308, moves s by as much times its target, which
/// [`UNDERFLOW`] covers up to here.
const LARGEST_RESIDUAL: f64 = 1e60;
/// Covers second-order terms and the roundings of these formulas.
const MARGIN: f64 = 1.01;

/// Bounds of sizes of A in the metric of the ridge.
#[derive(Clone, Copy)]
pub(crate) struct Sizes {
    /// `||diag(w) A||` in the Frobenius norm, at most.
    pub weighted: f64,
    /// `min w^2`, at least; `> 0`.
    pub least_weight: f64,
}

impl Sizes {
    /// `||A||` in the Frobenius norm, at most.
    pub fn plain(self) -> f64 {
        self.weighted / self.least_weight.sqrt() * SLACK
    }
}

/// What is proven at x. The exact gradient of L is `A' V`, v is V as computed.
pub(crate) struct SoftmaxFacts {
    /// `A' v` as computed (d).
    pub gradient: Vec<f64>,
    /// How far that is from `A' v`, in norm.
    pub summed: f64,
    /// `|| diag(w)^-1 (V - v) ||`, at most.
    pub dual: f64,
    /// `Hess l(z) >= -below I`.
    pub below: f64,
    /// `Hess l(z) <= above I`.
    pub above: f64,
    /// The norm of `|diag(delta)| + |delta| p' + p |delta|' + <p, p> pp'`, at most.
    pub felt: f64,
    /// `max |c - s|`, at most.
    pub centred: f64,
    /// `||c||`, at most.
    pub residual: f64,
}

/// The facts at x, and the rows that they are of.
pub(super) struct SoftmaxRows {
    /// The logits (of the rows that are here), from the pool of the operator.
    pub z: Vec<f64>,
    /// `q = exp(z - top)` is all that rows need beside this.
    pub shared: Shared,
    /// What is proven.
    pub facts: SoftmaxFacts,
}

/// The facts at x (d entries), for a target b (of the rows that are here); `None` where logits are so large, or so far apart, that rounding moves p
/// by more than a little, or something overflows. All weights are positive.
pub(super) fn softmax_rows(
    problem: &Problem,
    x: &[f64],
    target: &[f64],
    sizes: Sizes,
) -> Option<SoftmaxRows> {
    let operator = problem.operator();
    let level = operator.level();
    let d = problem.columns() as f64;
    let mut z = operator.pool().take(target.len());
    operator.multiply_doubled(x, &mut z);
    let top = operator.top(&z)?;
    let mut v = operator.pool().take(target.len());
    let parts = operator.fill_and_sum(&mut v, |rows, q, scratch, sums: &mut Masses| {
        sums.add(&masses(
            level,
            &z[rows.clone()],
            &target[rows],
            top,
            q,
            scratch,
        ));
    });
    let mut sums = Masses::default();
    parts.iter().for_each(|part| sums.add(part));
    // Second order of the logits: (|A| |x|)_i <= ||a_i|| ||x||.
    let second = 4.0 * (d + 1.0).powi(2) * UNIT * UNIT * sizes.plain() * norm(x) * SLACK
        + d * f64::MIN_POSITIVE;
    let shared = normalised(&sums, top, second)?;
    let weights = problem.share().part(problem.squared_weights().as_slice());
    let parts = operator.fill_and_sum(&mut v, |rows, q, _, sums: &mut Reach| {
        let (z, b, w2) = (&z[rows.clone()], &target[rows.clone()], &weights[rows]);
        sums.add(&reach(level, z, b, w2, shared, q));
    });
    let mut reached = Reach::default();
    parts.iter().for_each(|part| reached.add(part));
    let gradient = operator.transpose_multiply_doubled(&v);
    operator.pool().give(v);
    let additions = operator.doubled_additions() as f64;
    // Over the columns: || |A|' |v| || <= ||A|| ||v||.
    let length = reached.sums[1].sqrt() * SLACK;
    let second = 4.0 * (additions + 1.0).powi(2) * UNIT * UNIT * sizes.plain() * length;
    let facts = facts(problem.rows(), gradient, second, (&sums, &shared), &reached)?;
    Some(SoftmaxRows { z, shared, facts })
}

/// What follows from both sweeps over n rows, and from a gradient (d) that is off by at most a unit of itself, `second` in norm, and what
/// underflows; `None` where something overflows.
pub(super) fn facts(
    n: usize,
    gradient: Vec<f64>,
    second: f64,
    (sums, shared): (&Masses, &Shared),
    reached: &Reach,
) -> Option<SoftmaxFacts> {
    let (n, d) = (n as f64, gradient.len() as f64);
    let [squares, _, deltas, residuals] = reached.sums.map(|sum| sum.sqrt() * SLACK);
    let [below, above, centred] = reached.largest;
    let summed = (UNIT * norm(&gradient) + second + n * d * f64::MIN_POSITIVE) * MARGIN;

    // Hess l = (I - p 1') diag(delta) (I - 1 p'), and || I - 1 p' ||^2 = n <p, p>; or by its three terms.
    let p_squares = sums.doubled[1].iter().sum::<f64>() * shared.scale * shared.scale * MARGIN;
    let cross = 2.0 * deltas * p_squares.sqrt() * SLACK;
    let oblique = n * p_squares;
    let rank_one = p_squares * p_squares;
    let facts = SoftmaxFacts {
        gradient,
        summed,
        dual: squares + UNDERFLOW,
        below: (below * oblique).min(below + cross) * SLACK,
        above: (above * oblique).min(above + cross + rank_one) * SLACK,
        felt: (below.max(above) + cross + rank_one) * SLACK,
        centred,
        residual: residuals,
    };
    let finite = [summed, facts.dual, facts.felt, centred];
    (finite.iter().all(|x| x.is_finite()) && residuals < LARGEST_RESIDUAL).then_some(facts)
}

/// The probabilities' common factor, s, and the errors that all rows share; `second` bounds what is wrong with a logit beyond
/// `1.01 u |z|`.
pub(super) fn normalised(sums: &Masses, top: f64, second: f64) -> Option<Shared> {
    let [total, squares, planted] = sums.doubled.map(|[head, tail]| head + tail);
    let [moved, moved_squares, moved_target, target] = sums.plain;
    // rho_i <= slope m_i + each.
    let (slope, each) = (1.01 * UNIT, 4.1 * UNIT + second);
    let small = slope * sums.largest + each <= SMALL;
    let scale = total.recip();
    let mean_moved = slope * moved * scale + each;
    let relative = (mean_moved + each + 4.1 * UNIT) * MARGIN;
    let (p_squares, p_planted) = (squares * scale * scale, planted * scale);
    let p_target = target * scale;
    // s = <p, p> - <p, b>. By the errors of p; then roundings: squares and products 1, sums 2, scale 3 (twice), products 1 or 2 and the
    // difference 1.
    let from_squares = 2.0 * (relative * squares + slope * moved_squares) * scale * scale;
    let from_target = (relative * target + slope * moved_target) * scale;
    let rounded = UNIT * (13.0 * p_squares + 8.0 * p_target);
    let mean_error = (from_squares + from_target + rounded) * MARGIN + f64::MIN_POSITIVE;
    let shared = Shared {
        scale,
        top,
        mean: p_squares - p_planted,
        mean_error,
        relative,
        slope,
        logit_error: second * MARGIN,
    };
    (small && mean_error.is_finite()).then_some(shared)
}

#[cfg(test)]
mod tests;
