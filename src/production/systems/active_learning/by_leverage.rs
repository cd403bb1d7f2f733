//! Draws by leverage scores.
//!
//! ```text
//! i with probability l_i / d, independently    weight D_i t_i d / (m l_i) for a point drawn t_i times in m draws
//! ```
//!
//! The mean of the excess is `d / m` to first order, whatever the labels; a sample that has not the rank of the pool is drawn again,
//! which costs no label.

use super::design::Design;
use super::pool::Pool;
use crate::instance::sample;
use crate::production::leverage::times_drawn;
use crate::production::systems::error::Refusal;

/// Samples until one has the rank of the pool, at most.
const TRIES: u64 = 100;

/// As many draws as the budget has labels.
pub(super) fn choose(pool: &Pool, budget: usize, seed: u64) -> Result<Design, Refusal> {
    let total: f64 = pool.scores.iter().sum();
    for attempt in 0..TRIES {
        let mut rng = sample::stream(seed, "leverage-draws", attempt);
        let times = times_drawn(&pool.scores, budget, &mut rng);
        let points: Vec<usize> = (0..times.len()).filter(|i| times[*i] > 0).collect();
        let weight = |i: &usize| {
            let share = pool.scores[*i] / total;
            pool.roots[*i].powi(2) * times[*i] as f64 / (budget as f64 * share)
        };
        let design = Design {
            weights: points.iter().map(weight).collect(),
            how: format!(
                "{budget} draws by leverage, {} distinct; {attempt} samples before had not the rank of the pool",
                points.len()
            ),
            points,
        };
        if design.has_full_rank(pool) {
            return Ok(design);
        }
    }
    Err(Refusal::NoSample {
        draws: budget,
        tries: TRIES,
        rank: pool.rank(),
    })
}
