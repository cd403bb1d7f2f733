//! Randomised BSS (Lee and Sun; Chen and Price): draws between two barriers that move with every draw.
//!
//! ```text
//! B = 0, u = 2 d / g, l = -2 d / g;  while u - l < 8 d / g:
//!   E = (u I - B)^-1 + (B - l I)^-1,  F = tr E,  a point with probability u_i' E u_i / F
//!   B += g u_i u_i' / (u_i' E u_i),  u += g / (F (1 - g)),  l += g / (F (1 + g))
//! ```
//!
//! `l I < B < u I` throughout, whatever is drawn: the new part is at most `g E^-1`, and the lower barrier moves by less than 1 / F. At the
//! end the squares of every function over the sample are within `(1 -+ 2 g) / (1 - g^2)` of those over the pool, up to the last move; what
//! is random is the number of draws, below `2 d / g^2` in all cases of the claims. g is taken as small as the budget allows.

use nalgebra::{DMatrix, SymmetricEigen};

use super::design::Design;
use super::pool::{Pool, squares};
use crate::instance::sample::{self, Stream};
use crate::production::leverage::times_drawn;
use crate::production::systems::error::Refusal;
use crate::production::systems::linear::triangular::times;

/// Multiply-adds of the scores of all draws, at most.
pub(super) const MOST_WORK: f64 = 1e12;
/// By how much g grows from one run to the next.
const GROWTH: f64 = 1.1;
/// The largest g.
const LARGEST: f64 = 0.95;

/// The draws of the smallest g of a list that stay within the budget.
pub(super) fn choose(pool: &Pool, budget: usize, seed: u64) -> Result<Design, Refusal> {
    let rank = pool.rank();
    let mut gamma = (rank as f64 / budget as f64).sqrt();
    let mut attempt = 0;
    while gamma < LARGEST {
        let mut rng = sample::stream(seed, "randomised-bss", attempt);
        attempt += 1;
        if let Some(design) = run(pool, gamma, budget, &mut rng)?
            && design.has_full_rank(pool)
        {
            return Ok(design);
        }
        gamma *= GROWTH;
    }
    Err(Refusal::Barriers { budget, rank })
}

/// One run; `None` as soon as it needs more labels than the budget has.
fn run(
    pool: &Pool,
    gamma: f64,
    budget: usize,
    rng: &mut Stream,
) -> Result<Option<Design>, Refusal> {
    let n = pool.roots.len();
    let d = pool.rank();
    let size = d as f64;
    let (mut upper, mut lower) = (2.0 * size / gamma, -2.0 * size / gamma);
    let middle = 4.0 * size / gamma / (1.0 / (1.0 - gamma) - 1.0 / (1.0 + gamma));
    let mut sum = DMatrix::zeros(d, d);
    let mut sums = vec![0.0; n];
    let (mut draws, mut labels) = (0, 0);
    while upper - lower < 8.0 * size / gamma {
        let (root, potential) = between(&sum, upper, lower)?;
        let scores = squares(&times(pool.rows(), &root, d));
        let times = times_drawn(&scores, 1, rng);
        let i = times.iter().position(|times| *times > 0).unwrap_or(0);
        draws += 1;
        labels += usize::from(sums[i] == 0.0);
        if labels > budget {
            return Ok(None);
        }
        let weight = gamma / scores[i];
        let row = nalgebra::DVectorView::from_slice(pool.rows().row(i), d);
        sum.ger(weight, &row, &row, 1.0);
        sums[i] += weight;
        upper += gamma / (potential * (1.0 - gamma));
        lower += gamma / (potential * (1.0 + gamma));
    }
    let points: Vec<usize> = (0..n).filter(|i| sums[*i] > 0.0).collect();
    let weight = |i: &usize| pool.roots[*i].powi(2) * sums[*i] / middle;
    let [least, most] = [lower / middle, upper / middle];
    let window = if least > 0.0 {
        format!("{least:.3} to {most:.3} times that over the pool")
    } else {
        format!("at most {most:.3} times that over the pool, too few labels for a bound from below")
    };
    Ok(Some(Design {
        weights: points.iter().map(weight).collect(),
        how: format!(
            "{draws} draws of randomised BSS, {} distinct, g = {gamma:.4}: the sum of squares of any function over the points is {window}",
            points.len()
        ),
        points,
    }))
}

/// A root of E by rows, `F F' = E`, and its trace.
fn between(sum: &DMatrix<f64>, upper: f64, lower: f64) -> Result<(Vec<f64>, f64), Refusal> {
    const ITERATIONS: usize = 100_000;
    let d = sum.nrows();
    let eigen = SymmetricEigen::try_new(sum.clone(), f64::EPSILON, ITERATIONS)
        .ok_or(Refusal::Factorisation { name: "pool" })?;
    let values: Vec<f64> = eigen
        .eigenvalues
        .iter()
        .map(|value| (upper - value).recip() + (value - lower).recip())
        .collect();
    let root = (0..d * d).map(|k| eigen.eigenvectors[(k / d, k % d)] * values[k % d].sqrt());
    Ok((root.collect(), values.iter().sum()))
}
