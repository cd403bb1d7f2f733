//! The Hessian of softmax regression at x with a bound on its error, for the rows that [`softmax_rows`] has judged.
//!
//! [`softmax_rows`]: super::softmax_rows::softmax_rows

use crate::production::Problem;
use crate::production::error_bound::by_gram::squared_row_norms;
use crate::production::error_bound::positive_definite::Bounded;
use crate::production::error_bound::rounding::{MIDDLE, SLACK};
use crate::production::error_bound::softmax_rows::SoftmaxRows;
use crate::production::kernels::softmax::shifted_exponentials;
use crate::production::kernels::softmax_bounds::row;
use crate::production::ranks::Numbers;
use crate::production::summation::norm;
use crate::scalar::rounding::UNIT;

/// Sums over the rows.
#[derive(Default)]
struct Sums {
    /// `sum |w^2 + delta| ||a||^2`, and of its errors in the place of the weights.
    trace: f64,
    trace_error: f64,
    /// `sum e ||a||` for the errors e of p, of delta and of v.
    off: [f64; 3],
    /// `sum p ||a||`, `sum |delta| ||a||`.
    lengths: [f64; 2],
    /// `<p, p>` and its error.
    squares: [f64; 2],
}

impl Numbers for Sums {
    fn write(&self, to: &mut Vec<f64>) {
        [self.trace, self.trace_error].write(to);
        self.off.write(to);
        self.lengths.write(to);
        self.squares.write(to);
    }

    fn read(from: &mut &[f64]) -> Self {
        let [trace, trace_error] = Numbers::read(from);
        Self {
            trace,
            trace_error,
            off: Numbers::read(from),
            lengths: Numbers::read(from),
            squares: Numbers::read(from),
        }
    }
}

/// `A' (diag(w^2 + delta) - delta p' - p delta' + <p, p> pp') A` for a target b (of the rows that are here), and the rounding level of the gradient at a point of
/// this length; `None` where they are out of range.
pub(super) fn softmax_hessian(
    problem: &Problem,
    target: &[f64],
    rows: &SoftmaxRows,
    length_of_x: f64,
) -> Option<(Bounded, f64)> {
    let operator = problem.operator();
    let (n, level) = (problem.rows(), operator.level());
    let share = problem.share();
    let weights = share.part(problem.squared_weights().as_slice());
    let norms = squared_row_norms(problem.matrix());
    let mut p = operator.pool().take(weights.len());
    operator.fill_rows(&mut p, |block, q, scratch| {
        shifted_exponentials(level, &rows.z[block], rows.shared.top, q, scratch);
    });
    let mut delta = operator.pool().take(weights.len());
    let add_rows = |sums: &mut Sums| {
        for i in 0..weights.len() {
            let [[probability, p_error], [curvature, error], [_, v_error]] =
                row([rows.z[i], target[i], weights[i], p[i]], &rows.shared);
            (p[i], delta[i]) = (probability, curvature);
            let (square, length) = (norms[i], norms[i].sqrt());
            sums.trace += (weights[i] + curvature.abs()) * square;
            sums.trace_error += (error + 2.0 * UNIT * weights[i]) * square;
            sums.off[0] += p_error * length;
            sums.off[1] += error * length;
            sums.off[2] += v_error * length;
            sums.lengths[0] += probability * length;
            sums.lengths[1] += curvature.abs() * length;
            sums.squares[0] += probability * probability;
            sums.squares[1] += p_error * (2.0 * probability + p_error);
        }
    };
    let sums = share.in_turn_on(Sums::default(), add_rows);
    // Every sum is of n terms that are not negative, each with a few roundings of its own.
    let length = 1.0 + (n + 8) as f64 * 2.0 * UNIT;
    let [core, core_error] = sums.squares.map(|sum| sum * length);
    let trace = sums.trace * length;
    if !MIDDLE.contains(&trace) {
        return None;
    }
    let units = (operator.gram_additions() as f64 + 4.0) * UNIT;
    let additions = operator.product_additions() as f64 * UNIT;
    // A' p and A' delta, their lengths and how far they are off: the sums, and what p and delta inherit.
    let projected = [&p, &delta];
    let [mean, tilt] = std::array::from_fn(|k| {
        let vector = operator.transpose_multiply(projected[k]);
        let size = norm(&vector) * SLACK;
        let off = (additions * sums.lengths[k] * length
            + sums.off[k] * length
            + n as f64 * f64::MIN_POSITIVE * vector.len() as f64)
            * SLACK;
        (vector, size + off, off)
    });
    for (place, w2) in delta.iter_mut().zip(weights.iter()) {
        *place += w2;
    }
    let mut matrix = operator.gram(&delta);
    operator.pool().give(p);
    operator.pool().give(delta);
    matrix.add_symmetric(-2.0, &tilt.0, &mean.0);
    matrix.add_symmetric(core, &mean.0, &mean.0);
    // The core is off by its own error and by what its length was rounded up by.
    let core_error = core_error + 2.0 * (n + 8) as f64 * 2.0 * UNIT * core;
    let low_rank = 2.0 * (mean.2 * tilt.1 + tilt.2 * mean.1)
        + core * 2.0 * mean.2 * mean.1
        + core_error * mean.1 * mean.1
        // The products, whose factors are halved exactly.
        + 8.0 * UNIT * (2.0 * mean.1 * tilt.1 + core * mean.1 * mean.1);
    let size: f64 = (0..matrix.order).map(|j| norm(matrix.column(j))).sum();
    // Two additions of two terms each, to entries whose sizes in between are at most those of all parts.
    let added = 6.0 * UNIT * (2.0 * size + 2.0 * mean.1 * tilt.1 * 2.0 + core * mean.1 * mean.1);
    let error = units * trace + sums.trace_error * length + low_rank + added;
    // One rounding of each entry of x moves a logit by at most u ||a|| ||x||; `|| |A|' f ||` is at most `sum f ||a||`.
    let [means, tilts] = sums.lengths;
    let felt = trace + means * (2.0 * tilts + core * means);
    let noise = (sums.off[2] + UNIT * length_of_x * felt + rows.facts.summed) * length * SLACK;
    let hessian = Bounded {
        matrix,
        error: error * SLACK,
    };
    Some((hessian, noise))
}
