//! How far off a computed polynomial attention can be.
//!
//! The exact weights of a query are `w_k = r_k^beta` with `r_k = z_k / L`, L the largest computed logit in size; any number does
//! for L. The computed ones start from `|r'_k - r_k| <= e`, with `rho = ||q|| max ||k|| / s >= |z_k|` and u = 2^-53
//!
//! ```text
//! e = ((d + 1) u rho + underflow) / L + u
//! |r'^beta - r^beta| <= beta e (|r'| + e)^(beta - 1) <= beta e (3 |r'|^(beta - 1) + ((beta + 1) e)^(beta - 1))
//! ```
//!
//! (where `e <= |r'| / beta` the first power grows by `(1 + 1/beta)^(beta - 1) < 3` at most, elsewhere `|r'| < beta e`); powers and
//! the rescalings of N blocks of keys add `(beta + N (2 beta + 2)) u` of their own size. Summed over the keys, with
//! `H = sum |r'_k|^(beta - 1) >= sum |w'_k|`, this is W. With T the sum of the weights and `C = KEYS + 2 N + 1` additions in a row,
//!
//! ```text
//! |computed - exact| <= R + W (max |v - out| + R) / (|T| - C u H - W)      R = C u H (max |V_c| + |out|) / (|T| - C u H - W) + u |out|
//! ```
//!
//! because `sum w_k (v_k - out) = 0` for the exact weights. There is no bound, and no output, where the denominator is not positive: an odd
//! degree may have weights of both signs, whose sum cannot be told from 0. The factor MORE pays for second order and for the
//! rounding of the bound itself.

use crate::production::kernels::attention::{KEYS, Sums};
use crate::production::outputs::columns::Column;
use crate::production::outputs::stream::Reach;

/// Half a unit in the last place of 1.
const UNIT: f64 = f64::EPSILON / 2.0;
/// Second order and the rounding of the bound.
const MORE: f64 = 1.01;
/// Relative errors of powers up to here are of first order.
const FIRST_ORDER: f64 = 1e-3;
/// More than what underflows in a power, times a sum of powers.
const DROPPED: f64 = 1e-300;

/// What the bounds of one query rest on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    /// `C u H`.
    sums: f64,
    /// W.
    weights: f64,
    /// `|T| - C u H - W`.
    total: f64,
}

impl Row {
    /// Of a query of `width` entries that sees `keys` keys; `None` where the sum of its weights cannot be told from 0.
    pub(super) fn of(
        degree: u32,
        (width, keys): (usize, usize),
        reach: Reach,
        kept: Sums,
    ) -> Option<Self> {
        let blocks = keys.div_ceil(KEYS) as f64;
        let chain = KEYS as f64 + 2.0 * blocks + 1.0;
        let (width, keys) = (width as f64, keys as f64);
        if degree == 0 {
            // Every weight is 1, exactly.
            return Some(Self {
                sums: chain * UNIT * keys,
                weights: 0.0,
                total: keys,
            });
        }
        let beta = f64::from(degree);
        let slopes = MORE * kept.slopes;
        let underflow = width * f64::from_bits(1) * (1.0 + reach.largest_key);
        let off =
            MORE * (((width + 1.0) * UNIT * reach.largest_logit + underflow) / kept.largest + UNIT);
        let own = (beta + blocks * (2.0 * beta + 2.0)) * UNIT;
        let small = ((beta + 1.0) * off).powf(beta - 1.0);
        let weights =
            MORE * (beta * off * (3.0 * slopes + keys * small) + own * slopes) + keys * DROPPED;
        let sums = MORE * chain * UNIT * slopes;
        let total = kept.total.abs() - sums - weights;
        (own <= FIRST_ORDER && total > 0.0).then_some(Self {
            sums,
            weights,
            total,
        })
    }

    /// `|computed - exact|` of this output in this column of values.
    pub(super) fn bound(self, output: f64, column: Column) -> f64 {
        let size = column.size();
        let rounded = self.sums / self.total * (size + output.abs()) + UNIT * output.abs();
        let apart = (column.largest - output)
            .abs()
            .max((output - column.least).abs());
        let bound = rounded + self.weights / self.total * (apart + rounded) + f64::MIN_POSITIVE;
        (MORE * bound).min(f64::MAX)
    }
}
