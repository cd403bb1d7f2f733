//! Normal equations `N y = v`, refined with residuals in twice the precision.

use super::triangular::Triangular;
use crate::production::double::Double;
use crate::production::error_bound::SLACK;
use crate::production::factor::Factor;

/// Refinements of one solve at most; each gains at least a bit, or the last.
const REFINEMENTS: usize = 60;
/// A refined solve is good enough where what is left changes the answer by less than this: far below a rounding of f64.
const ENOUGH: f64 = 1.0 / (1_u64 << 60) as f64;

/// N, positive definite.
pub(in crate::production::systems) struct Normal<'a> {
    /// `N y` in twice the precision.
    pub(in crate::production::systems) product: &'a dyn Fn(&Double) -> Double,
    /// What that is off by, for each unit of the norm of y.
    pub(in crate::production::systems) rounding: f64,
    /// A bound of the norm of N.
    pub(in crate::production::systems) size: f64,
}

impl Normal<'_> {
    /// `N^-1 v` by a factor of N, and a bound of the norm of `v - N y`; infinite where no refinement is asked for.
    pub(in crate::production::systems) fn solve(
        &self,
        factor: &Triangular,
        v: &Double,
        refined: bool,
    ) -> (Double, f64) {
        let mut y = Double::of(factor.solve(&v.high));
        if !refined {
            return (y, f64::INFINITY);
        }
        let (mut rest, mut bound) = self.residual(v, &y);
        for _ in 0..REFINEMENTS {
            if bound <= ENOUGH * factor.lowest * y.norm() {
                break;
            }
            let better = y.plus(1.0, &Double::of(factor.solve(&rest.high)));
            let (next, smaller) = self.residual(v, &better);
            if smaller.is_nan() || smaller > 0.5 * bound {
                if smaller < bound {
                    (y, bound) = (better, smaller);
                }
                break;
            }
            (y, rest, bound) = (better, next, smaller);
        }
        (y, bound)
    }

    /// `v - N y`, and a bound of its norm.
    fn residual(&self, v: &Double, y: &Double) -> (Double, f64) {
        let rest = v.plus(-1.0, &(self.product)(y));
        let size = y.norm();
        let rounding = self.rounding * size + Double::sum_error(v.norm(), self.size * size);
        let bound = (rest.norm() + rest.tail() + rounding * SLACK) * SLACK;
        (rest, bound)
    }
}
