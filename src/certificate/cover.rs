//! Positivity of a polynomial on the feasible part of a five-dimensional box: Bernstein coefficients in f64 with a proven
//! rounding bound, bisection, and boxes thrown away where a constraint rules every point out.

use crate::scalar::{Ball, Interval};

/// How many variables range over a box.
pub const AXES: usize = 5;

/// A box: the range of each variable. Its ends are dyadic rationals with few bits; [`Cover::is_positive`] gives up on a
/// box that it cannot halve exactly.
pub type Ranges = [Interval; AXES];

/// Bisections allowed in a row; the accepted certificates need less than half of it.
const DEPTH_LIMIT: usize = 60;

/// Boxes allowed for one cover: a hundred times what the median cover of the certificate takes. Without a limit a wrong
/// certificate could keep the machine busy for hours.
const BOX_LIMIT: usize = 100_000;

/// Every so many bisections the widest axis is cut instead of the steepest: a polynomial can be flat along an axis on
/// which a constraint is decided.
const WIDEST_EVERY: usize = 4;

/// A polynomial over a box, as Bernstein coefficients that are right to within `slack`.
pub struct Cover {
    degrees: [usize; AXES],
    coefficients: Vec<f64>,
    slack: f64,
}

/// One term: exponents and coefficient.
pub type Term = ([usize; AXES], Interval);

impl Cover {
    /// The Bernstein coefficients of the sum of `terms` over a box, in interval arithmetic.
    pub fn new(terms: &[Term], ranges: &Ranges) -> Self {
        let mut degrees = [0; AXES];
        for (exponents, _) in terms {
            for (degree, exponent) in degrees.iter_mut().zip(exponents) {
                *degree = (*degree).max(*exponent);
            }
        }
        let size = degrees.iter().map(|degree| degree + 1).product();
        let mut dense = vec![Interval::point(0.0); size];
        for (exponents, value) in terms {
            let place = exponents
                .iter()
                .zip(&degrees)
                .fold(0, |place, (exponent, degree)| {
                    place * (degree + 1) + exponent
                });
            dense[place] = dense[place] + *value;
        }
        for (axis, range) in ranges.iter().enumerate() {
            dense = transformed(&dense, &degrees, axis, *range);
        }
        let balls: Vec<Ball<f64>> = dense.iter().map(|interval| interval.ball()).collect();
        let coefficients: Vec<f64> = balls.iter().map(|ball| ball.midpoint()).collect();
        let radius = balls
            .iter()
            .fold(0.0, |radius: f64, ball| radius.max(ball.radius()));
        let largest = dense.iter().fold(0.0, |largest: f64, interval| {
            largest.max(interval.low.abs()).max(interval.high.abs())
        });
        // Every bisection replaces a coefficient by at most `degree` averages in a row; halving is exact and the sum of
        // two numbers of size at most C is rounded by at most C EPSILON, so an average by C EPSILON / 2. Averages do not
        // grow. The factor 2 that is left over covers second-order terms.
        let averages = DEPTH_LIMIT * degrees.iter().max().copied().unwrap_or(0);
        let slack = (radius + averages as f64 * f64::EPSILON * largest).next_up();
        Self {
            degrees,
            coefficients,
            slack,
        }
    }

    /// Whether the polynomial is positive at every point of the box that is not `impossible`; the number of boxes
    /// examined, or a box on which the bisection gave up: too deep, too many, or with a middle that f64 would round.
    ///
    /// `impossible` answers true only if *no* point of the box is feasible.
    pub fn is_positive(
        &self,
        ranges: &Ranges,
        impossible: impl Fn(&Ranges) -> bool,
    ) -> Result<usize, Ranges> {
        let mut boxes = 0;
        let mut open = vec![(self.coefficients.clone(), *ranges, 0)];
        while let Some((coefficients, ranges, depth)) = open.pop() {
            boxes += 1;
            if coefficients.iter().all(|&value| value > self.slack) || impossible(&ranges) {
                continue;
            }
            if depth == DEPTH_LIMIT || boxes >= BOX_LIMIT {
                return Err(ranges);
            }
            let axis = if depth % WIDEST_EVERY == WIDEST_EVERY - 1 {
                widest_axis(&ranges)
            } else {
                self.steepest_axis(&coefficients)
            };
            // The coefficients are those of the two exact halves, so the ranges must be halved exactly as well.
            let Some(middle) = exact_middle(&ranges[axis]) else {
                return Err(ranges);
            };
            let (left, right) = self.halves(&coefficients, axis);
            let (mut lower, mut upper) = (ranges, ranges);
            lower[axis].high = middle;
            upper[axis].low = middle;
            open.push((left, lower, depth + 1));
            open.push((right, upper, depth + 1));
        }
        Ok(boxes)
    }

    fn stride(&self, axis: usize) -> usize {
        self.degrees[axis + 1..]
            .iter()
            .map(|degree| degree + 1)
            .product()
    }

    /// The axis along which neighbouring coefficients differ most.
    fn steepest_axis(&self, coefficients: &[f64]) -> usize {
        let mut best = (0, f64::NEG_INFINITY);
        for axis in 0..AXES {
            let (stride, length) = (self.stride(axis), self.degrees[axis] + 1);
            let mut steps = 0.0;
            for block in coefficients.chunks_exact(stride * length) {
                steps += block
                    .iter()
                    .zip(&block[stride..])
                    .map(|(here, next)| (next - here).abs())
                    .sum::<f64>();
            }
            if steps > best.1 {
                best = (axis, steps);
            }
        }
        best.0
    }

    /// De Casteljau's algorithm at the middle of an axis.
    fn halves(&self, coefficients: &[f64], axis: usize) -> (Vec<f64>, Vec<f64>) {
        let (stride, degree) = (self.stride(axis), self.degrees[axis]);
        let mut left = coefficients.to_vec();
        let mut right = coefficients.to_vec();
        let block = stride * (degree + 1);
        for (left, right) in left
            .chunks_exact_mut(block)
            .zip(right.chunks_exact_mut(block))
        {
            // `right` is averaged in place; after round k its first entry is the left half's k-th.
            for round in 1..=degree {
                for index in 0..=(degree - round) {
                    for lane in 0..stride {
                        let here = index * stride + lane;
                        right[here] = 0.5 * (right[here] + right[here + stride]);
                    }
                }
                left[round * stride..(round + 1) * stride].copy_from_slice(&right[..stride]);
            }
        }
        (left, right)
    }
}

/// The middle of a range, or `None` if f64 rounds it: the error of `low + high` (Knuth's TwoSum) is zero and so is that of
/// halving the sum.
fn exact_middle(range: &Interval) -> Option<f64> {
    let Interval { low, high } = *range;
    let sum = low + high;
    let from_high = sum - low;
    let lost = (low - (sum - from_high)) + (high - from_high);
    let middle = 0.5 * sum;
    (lost == 0.0 && middle + middle == sum).then_some(middle)
}

/// The axis along which the box is widest.
fn widest_axis(ranges: &Ranges) -> usize {
    let width = |axis: &usize| ranges[*axis].high - ranges[*axis].low;
    (0..AXES)
        .max_by(|one, other| width(one).total_cmp(&width(other)))
        .unwrap_or(0)
}

/// Power coefficients to Bernstein coefficients along one axis: with `x = low + width s`, `sum_i c_i x^i = sum_k b_k s^k`
/// has the Bernstein coefficients `sum_k b_k C(m,k)/C(n,k)`.
fn transformed(
    dense: &[Interval],
    degrees: &[usize; AXES],
    axis: usize,
    range: Interval,
) -> Vec<Interval> {
    let degree = degrees[axis];
    let stride: usize = degrees[axis + 1..]
        .iter()
        .map(|degree| degree + 1)
        .product();
    let start = Interval::point(range.low);
    let width = Interval::point(range.high) + Interval::point(-range.low);
    let zero = Interval::point(0.0);
    let mut matrix = vec![zero; (degree + 1) * (degree + 1)];
    for m in 0..=degree {
        for i in 0..=degree {
            matrix[m * (degree + 1) + i] = (0..=m.min(i)).fold(zero, |sum, k| {
                let weight = Interval::point(binomial(m, k) * binomial(i, k))
                    * Interval::point(binomial(degree, k)).reciprocal_of_positive();
                sum + weight * start.power(i - k) * width.power(k)
            });
        }
    }
    let mut result = vec![zero; dense.len()];
    let block = stride * (degree + 1);
    for (target, source) in result
        .chunks_exact_mut(block)
        .zip(dense.chunks_exact(block))
    {
        for m in 0..=degree {
            for i in 0..=degree {
                let factor = matrix[m * (degree + 1) + i];
                if factor == zero {
                    continue;
                }
                for lane in 0..stride {
                    let sum = &mut target[m * stride + lane];
                    *sum = *sum + factor * source[i * stride + lane];
                }
            }
        }
    }
    result
}

/// `n` choose `k`, exact: n is a degree, far below the 50 or so where f64 would round.
fn binomial(n: usize, k: usize) -> f64 {
    num_integer::binomial(n as u64, k as u64) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit() -> Ranges {
        [Interval {
            low: 0.0,
            high: 1.0,
        }; AXES]
    }

    /// `x0^2 - x0 + offset + x1`: smallest at x0 = 1/2, x1 = 0, with value offset - 1/4.
    fn bowl(offset: f64) -> Cover {
        Cover::new(
            &[
                ([2, 0, 0, 0, 0], Interval::point(1.0)),
                ([1, 0, 0, 0, 0], Interval::point(-1.0)),
                ([0, 1, 0, 0, 0], Interval::point(1.0)),
                ([0; AXES], Interval::point(offset)),
            ],
            &unit(),
        )
    }

    #[test]
    fn positive_polynomials_are_accepted_and_others_are_not() {
        assert!(bowl(0.26).is_positive(&unit(), |_| false).unwrap() > 1);
        let refused = bowl(0.24).is_positive(&unit(), |_| false).unwrap_err();
        // It gave up where the polynomial is negative: near x0 = 1/2, x1 = 0.
        assert!(refused[0].low < 0.61 && refused[0].high > 0.39 && refused[1].low < 0.02);
        // Zero is not positive, however small the boxes get.
        assert!(bowl(0.25).is_positive(&unit(), |_| false).is_err());
    }

    #[test]
    fn a_box_that_cannot_be_halved_exactly_is_given_up() {
        let range = |low: f64, high: f64| Interval { low, high };
        let smallest = f64::from_bits(1);
        for (low, high, middle) in [
            (0.0, 1.0, Some(0.5)),
            (1.0, 1.0 + 2.0 * f64::EPSILON, Some(1.0 + f64::EPSILON)),
            (1.0, 1.0 + f64::EPSILON, None),
            // The differences to the rounded middle -1/2 are both 1/2 in f64.
            (-1.0, 1e-20, None),
            (0.0, smallest, None),
        ] {
            assert_eq!(exact_middle(&range(low, high)), middle, "[{low}, {high}]");
        }
        // One bisection is exact, the next would round.
        let narrow = range(1.0, 1.0 + 2.0 * f64::EPSILON);
        let ranges = [narrow; AXES];
        let negative = Cover::new(&[([1, 0, 0, 0, 0], Interval::point(-1.0))], &ranges);
        let mut examined = Vec::new();
        let examine = std::cell::RefCell::new(&mut examined);
        let refused = negative.is_positive(&ranges, |ranges| {
            examine.borrow_mut().push(*ranges);
            false
        });
        assert!(refused.is_err());
        let ends = |ranges: &Ranges| ranges.map(|range| [range.low, range.high]).concat();
        let grid = |end: f64| ((end - 1.0) / f64::EPSILON).fract() == 0.0;
        assert!(examined.len() > 1 && examined.len() < DEPTH_LIMIT);
        assert!(examined.iter().flat_map(ends).all(grid));
    }

    #[test]
    fn impossible_boxes_do_not_count() {
        let far_from_the_bottom = |ranges: &Ranges| ranges[1].high < 0.125;
        assert!(bowl(0.24).is_positive(&unit(), far_from_the_bottom).is_ok());
    }

    #[test]
    fn corner_coefficients_are_values() {
        let cover = bowl(0.25);
        let largest = cover.coefficients.iter().copied().fold(0.0, f64::max);
        assert!((largest - 1.25).abs() <= cover.slack, "{largest}");
        assert!(cover.slack > 0.0 && cover.slack < 1e-12);
    }

    /// 60 bisections along an axis of degree 2 are 120 averages in a row, each with a rounding of up to the largest
    /// coefficient, 1.25.
    #[test]
    fn the_slack_pays_for_all_averages_of_the_deepest_box() {
        let slack = bowl(0.25).slack;
        let averages = 120.0 * f64::EPSILON * 1.25;
        assert!(slack >= averages, "{slack:e} is below {averages:e}");
        assert!(slack <= 1.5 * averages, "{slack:e}");
    }
}
