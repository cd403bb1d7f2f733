//! How fast the Hessian changes: a bound of the third derivative of the loss along any direction of length one.
//!
//! Along (D, E), `|| D || = a`, `|| E || = b`, the logits of token j move by `d_j`, column i of H by `e_i`, with `sum ||d_j||^2 <= (nu1 nu2 a)^2`,
//! `||d_j|| <= alpha a`, `sum ||e_i||^2 <= (nu3 b)^2`, nu the spectral norms of U1, U2, U3 and `alpha = nu2 max_j ||a_j||`. For c = `<f, h> - b`,
//! rho = range(h), by the cumulants of f:
//!
//! ```text
//! |c'|   <= s rho ||d|| + |g . E_i|                        s = sqrt(2) / 4:  cov(h, d) <= sd(h) sd(d), sd(h) <= rho / 2, sd(d)^2 <= ||d||^2 / 2
//! |c''|  <= rho ||d||^2 / 4 + ||d|| ||e||                  S_f(h) is extreme at indicators of h; ||P_f|| <= 1/2
//! |c'''| <= 5/4 rho ||d||^3 + 3 sqrt(2) / 4 ||e|| ||d||^2   |cov(h, (d - Ed)^3)| <= (rho / 2)(2 sqrt(2) / 2) ||d||^3, 3 cov(h, d) var(d) <= 3 s rho ||d||^3 / 2
//! L'''   =  sum_ji 3 c' c'' + c c'''                       a^3 <= 1,  a^2 b, a b^2 <= 2 / (3 sqrt 3)
//! ```
//!
//! A trilinear form is largest where its three directions are the same (Banach). Weights and ridge are quadratic.

use super::Around;
use super::enclosed::spectral_norm;
use crate::production::error_bound::SLACK;

impl Around {
    /// A Lipschitz constant of the Hessian within `radius` of the point.
    pub(super) fn lipschitz(&self, radius: f64) -> f64 {
        let root = std::f64::consts::SQRT_2;
        let s = root / 4.0;
        let [nu1, nu2, nu3] = [0, 1, 2].map(|k| spectral_norm(&self.ranges[k]));
        let (moved, alpha) = (nu1 * nu2, nu2 * self.ranges[0].longest_row());
        // Within the ball: ranges, outputs' weights g_j, residuals.
        let ranges: Vec<f64> = (0..self.outputs.mid.ncols())
            .map(|i| {
                let (mid, rad) = (self.outputs.mid.column(i), self.outputs.rad.column(i));
                mid.max() - mid.min() + 2.0 * rad.max() + root * nu3 * radius
            })
            .collect();
        let all = ranges.iter().map(|range| range * range).sum::<f64>().sqrt();
        let seen = self.mixed.longest_row() + 0.5 * alpha * nu3 * radius;
        let seen_by_all = self.mixed.norm_bound() + 0.5 * moved * nu3 * radius;
        let (mut bent, mut longest) = (0.0_f64, 0.0_f64);
        for j in 0..self.residual.mid.nrows() {
            let (mut sum, mut square) = (0.0, 0.0);
            for (i, range) in ranges.iter().enumerate() {
                let size = self.residual.ball(j, i).largest() + radius * (s * range * alpha + seen);
                sum += size * range;
                square += size * size;
            }
            bent = bent.max(sum);
            longest = longest.max(square.sqrt());
        }
        let squared = moved * moved;
        let cubic = 0.75 * s * all * all * alpha * squared + 1.25 * bent * alpha * squared;
        let mixed = 3.0 * s * all * nu3 * squared
            + 0.75 * seen * all * squared
            + 3.0 * seen_by_all * moved * nu3
            + 0.75 * root * longest * nu3 * squared;
        (cubic + 2.0 / (3.0 * 3f64.sqrt()) * mixed) * SLACK * SLACK
    }
}
