//! How far off a computed attention can be.
//!
//! Exact weights `p_k` of a query are proportional to `exp(z_k)`. The computed ones are proportional to `exp(z_k + e_k)` with
//! `|e_k| <= eta`, where with `rho = ||q|| max ||k|| / s >= |z_k|`, u = 2^-53, N blocks of keys and exponentials good to
//! `EXPONENTIAL` u
//!
//! ```text
//! the quotient by s and the product      (d + 1) u rho
//! the difference to the largest logit    2 u rho
//! the rescalings, which telescope        2 u rho + N EXPONENTIAL u
//! the exponential                        EXPONENTIAL u
//! ```
//!
//! and two such families of weights differ by `2 tanh(eta / 2)` in the sum of absolute values at most, with differences of total
//! 0, so that the mean of the values moves by `tanh(eta / 2) (max V_c - min V_c)`. (Proof: `p'_k / p_k` lies in an interval
//! `[a, b]` with `ln(b / a) <= 2 eta` that holds 1; the largest total variation is that of two weights.) The sums of one entry
//! are chains of at most KEYS + 2 N + 1 roundings, relative to sums of products that are at most `max |V_c|` times the total.
//! Weights below e^-707 may be dropped. The factor MORE pays for second order and for the rounding of the bound itself.

use crate::production::kernels::attention::KEYS;
use crate::production::kernels::exponential::ULPS;
use crate::production::outputs::columns::Column;
use crate::production::outputs::stream::Reach;

/// Half a unit in the last place of 1.
const UNIT: f64 = f64::EPSILON / 2.0;
/// An error of the exponential in units of [`UNIT`]: a unit in the last place is two of them at most.
const EXPONENTIAL: f64 = 2.0 * ULPS;
/// Second order and the rounding of the bound.
const MORE: f64 = 1.01;
/// More than `e^-707`, the largest weight that may be dropped, times a sum of exponentials.
const DROPPED: f64 = 1e-300;

/// What a bound of one query depends on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Query {
    /// Entries of a query.
    pub(super) width: usize,
    /// Keys that it sees.
    pub(super) seen: usize,
    /// How large its logits can be.
    pub(super) reach: Reach,
}

impl Query {
    /// How far each logit may seem to be off.
    fn perturbation(self) -> f64 {
        let width = self.width as f64;
        let blocks = self.seen.div_ceil(KEYS) as f64;
        let underflow = width * f64::from_bits(1) * (1.0 + self.reach.largest_key);
        MORE * ((width + 5.0) * UNIT * self.reach.largest_logit
            + (blocks + 1.0) * EXPONENTIAL * UNIT
            + underflow)
    }

    /// `|computed - exact|` of the entries in these columns of values.
    pub(super) fn bounds(self, columns: &[Column]) -> Vec<f64> {
        let keys = self.seen as f64;
        let blocks = self.seen.div_ceil(KEYS) as f64;
        let moved = 2.0 * (self.perturbation() / 2.0).tanh();
        // Numerator and denominator, their quotient, and the factor on the way in and out.
        let roundings = (2.0 * (KEYS as f64 + 2.0 * blocks + 1.0) + 3.0) * UNIT;
        let dropped = keys * DROPPED;
        let underflow = (keys + 2.0 * blocks + 3.0) * f64::from_bits(1);
        let bound = |column: &Column| {
            let size = column.size();
            let relative = moved * column.half_range() + roundings * size + dropped * size;
            (MORE * relative + underflow).min(f64::MAX)
        };
        columns.iter().map(bound).collect()
    }
}
