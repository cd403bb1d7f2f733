//! The distribution of a sum of random signs.

use super::error::SeparationError;
use crate::scalar::rounding::unit_of_high;
use crate::scalar::{Ball, High};

/// So many signs at most: a table of their tails takes seconds beyond.
const MOST: u64 = 1_000_000;

/// `S = s_1 + .. + s_k`, every sign +1 or -1 with probability 1/2, independent: `(S + k) / 2` is binomial.
#[derive(Clone, Debug)]
pub struct SignSums {
    count: i64,
    /// `P[(S + k) / 2 >= first + i]` at place i, down to the single outcome k.
    tails: Vec<High>,
    /// The least number of plus signs whose tail is tabulated: the first above `k / 2`.
    first: i64,
    /// How far off any entry is, relative to itself.
    error: High,
}

impl SignSums {
    /// Of so many signs, from 0 to a million.
    pub fn of(count: u64) -> Result<Self, SeparationError> {
        let count = SeparationError::counted("the number of signs", count, 0, MOST)? as i64;
        let first = count / 2 + 1;
        let mut tails = Vec::with_capacity((count - first + 1).max(0) as usize);
        // 2^-k, then down: C(k, j - 1) = C(k, j) j / (k - j + 1).
        let mut probability = High::ratio(1, 2).powi(count);
        let mut tail = High::ZERO;
        for j in (first..=count).rev() {
            tail += probability;
            tails.push(tail);
            probability = probability * High::int(j) / High::int(count - j + 1);
        }
        tails.reverse();
        Ok(Self {
            count,
            tails,
            first,
            // All terms are positive: k roundings of the power, two a step, one a sum, each below a unit.
            error: High::int(4 * count + 4) * unit_of_high(),
        })
    }

    /// `P[S > x]` for every x of the ball: an enclosure of both ends where a possible value of S lies within.
    pub fn beyond(&self, x: Ball) -> Ball {
        if x.is_poisoned() {
            return Ball::unknown(High::POISONED);
        }
        let half = Ball::exact(High::ratio(1, 2));
        let needed = (x + Ball::exact(High::int(self.count))) * half;
        // More than the rounding of an end.
        let reach = needed.radius() + needed.largest().shifted(-38);
        let (least, least_error) = self.at_least(self.above(needed.midpoint() + reach));
        let (most, most_error) = self.at_least(self.above(needed.midpoint() - reach));
        let two = High::int(2);
        let apart = (most - least).abs();
        Ball::new(
            (most + least) / two,
            apart + least_error.max(most_error) + most.shifted(-38),
        )
    }

    /// The least whole number above x, within -1 and k + 1.
    fn above(&self, x: High) -> i64 {
        if x < High::ZERO {
            return 0;
        }
        if x >= High::int(self.count) {
            return self.count + 1;
        }
        // Within 1 of it, and then exactly.
        let mut whole = x.to_f64() as i64;
        while High::int(whole) > x {
            whole -= 1;
        }
        while High::int(whole + 1) <= x {
            whole += 1;
        }
        whole + 1
    }

    /// `P[(S + k) / 2 >= plus]` and its error.
    fn at_least(&self, plus: i64) -> (High, High) {
        let tabulated = |plus: i64| {
            let at = usize::try_from(plus - self.first).ok();
            at.and_then(|at| self.tails.get(at)).copied()
        };
        if plus <= 0 {
            return (High::ONE, High::ZERO);
        }
        if plus > self.count {
            return (High::ZERO, High::ZERO);
        }
        // By symmetry: fewer than `plus` plus signs are as likely as more than `k - plus`.
        match (tabulated(plus), tabulated(self.count - plus + 1)) {
            (Some(tail), _) => (tail, tail * self.error),
            (None, Some(other)) => (High::ONE - other, other * self.error + unit_of_high()),
            (None, None) => (High::ratio(1, 2), High::ratio(1, 2)),
        }
    }
}
