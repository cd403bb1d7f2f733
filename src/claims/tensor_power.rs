//! "Faster Robust Tensor Power Method for Arbitrary Order" (arXiv 2306.00406): components of `T = sum_j lambda_j v_j (x) .. (x) v_j + E`
//! with orthonormal `v_j` and order p >= 3. Only the abstract and public reviews were at hand: what is only recalled says so,
//! everything else is derived here.
//!
//! Letters: `theta_j = <v_j, u>`, `q_j = lambda_j |theta_j|^(p-2)`, a step `u <- T(u, .., u, .) / ||..||`.

use crate::claims::Claim;

mod cases;
mod derivatives;
mod model;
mod noise;
mod pairs;
mod steps;

/// The claims of this paper: derivatives, steps without noise, the pairs there are, noise.
pub fn claims() -> Vec<Claim> {
    [
        derivatives::claims(),
        steps::claims(),
        pairs::claims(),
        noise::claims(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
