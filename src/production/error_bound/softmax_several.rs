//! What [`softmax_rows`](super::softmax_rows) proves, for several targets at once: two sweeps over A for all of them.
//!
//! Arrays for rows, or for unknowns, have an entry for each target, side by side. Nothing of one target enters what is found of another.

use crate::production::error_bound::rounding::SLACK;
use crate::production::error_bound::softmax_rows::{Sizes, SoftmaxFacts, facts, normalised};
use crate::production::kernels::anchored::{GROUP, anchor, lost};
use crate::production::kernels::operator::Operator;
use crate::production::kernels::operator::several::Block;
use crate::production::kernels::softmax_bounds::{Masses, Shared};
use crate::production::kernels::softmax_lanes::{
    LaneSums, Moves, SharedRows, add_masses, add_moves, add_reaches, masses_of, reach_of,
};
use crate::production::summation::norm;

/// Targets b of softmax regressions over the same A and the same weights, all positive.
pub(crate) struct Several<'a> {
    /// A, all rows of it here.
    pub operator: &'a Operator,
    /// `w^2` (n).
    pub squared_weights: &'a [f64],
    /// Sizes of A in the metric of the ridge.
    pub sizes: Sizes,
}

/// Arrays for n rows and a number of lanes.
pub(crate) struct Workspace {
    /// A multiple of [`GROUP`].
    pub lanes: usize,
    /// The targets.
    pub targets: Vec<f64>,
    /// The logits.
    pub z: Vec<f64>,
    /// Exponentials, and what is made of them.
    pub q: Vec<f64>,
}

impl Workspace {
    /// For so many targets of n entries, which are copied: columns that follow each other.
    pub fn take(operator: &Operator, targets: &[f64]) -> Self {
        let n = operator.rows();
        let lanes = (targets.len() / n).next_multiple_of(GROUP);
        let take = || operator.pool().take(n * lanes);
        let mut by_rows = take();
        operator.fill_several(lanes, &mut by_rows, |block, (): &mut ()| {
            let of = |lane: usize| {
                let first = lane * n + block.rows.start;
                targets.get(first..first + block.rows.len())
            };
            let nothing = vec![0.0; block.rows.len()];
            for first in (0..lanes).step_by(GROUP) {
                let group: [&[f64]; GROUP] =
                    std::array::from_fn(|k| of(first + k).unwrap_or(&nothing));
                for (i, row) in block.place.chunks_exact_mut(lanes).enumerate() {
                    for (place, target) in row[first..first + GROUP].iter_mut().zip(group) {
                        *place = target[i];
                    }
                }
            }
        });
        Self {
            lanes,
            targets: by_rows,
            z: take(),
            q: take(),
        }
    }

    /// Hands the arrays back.
    pub fn give(self, operator: &Operator) {
        for array in [self.targets, self.z, self.q] {
            operator.pool().give(array);
        }
    }
}

/// What is found at a point for one of the targets.
pub(crate) struct Found {
    /// What is proven.
    pub facts: SoftmaxFacts,
    /// L.
    pub loss: f64,
    /// The largest logit, in magnitude.
    pub largest_logit: f64,
    /// How far the logits have moved, in norm.
    pub way: f64,
}

impl Several<'_> {
    /// What is found at X (d rows), where the logits of the workspace are those that X was reached from; they are those at X afterwards. `None`
    /// for a target as [`softmax_rows`](super::softmax_rows::softmax_rows) says.
    pub fn at(&self, x: &[f64], target_sizes: &[f64], work: &mut Workspace) -> Vec<Option<Found>> {
        let Self {
            operator,
            squared_weights,
            sizes,
        } = *self;
        let (n, d, lanes) = (operator.rows(), operator.columns(), work.lanes);
        let lengths = lengths(x, lanes);
        // (|A| |x|)_i <= ||A|| ||x||.
        let anchors: Vec<Option<f64>> = lengths
            .iter()
            .map(|length| anchor(sizes.plain() * length * SLACK))
            .collect();
        let first = self.move_to(x, &or_any(&anchors), work);
        let Workspace { targets, z, q, .. } = work;
        let (targets, z) = (&**targets, &**z);
        let place = |block: &Block<'_>| block.rows.start * lanes..block.rows.end * lanes;
        let tops: Vec<f64> = first.iter().flat_map(|first| first.top).collect();
        let way = |lane: usize| first[lane / GROUP].way[lane % GROUP];
        let level = operator.level();
        let parts = operator.fill_several(lanes, q, |block, sums: &mut LaneSums| {
            let place = place(&block);
            let rows = [&z[place.clone()], &targets[place]];
            add_masses(level, rows, &tops, block.place, block.scratch, sums);
        });
        let masses: Vec<Masses> = (0..lanes)
            .map(|lane| masses_of(&parts, lanes, lane))
            .collect();
        let shared: Vec<Option<Shared>> = (0..lanes)
            .map(|lane| {
                let second = lost(d, d, anchors[lane]?);
                let sound = tops[lane].is_finite() && way(lane).is_finite();
                normalised(&masses[lane], tops[lane], second).filter(|_| sound)
            })
            .collect();
        // ||v|| <= ||p o t|| + ||w^2 o z||, |t| <= ||c|| + |s|; not proven, but looked at when v is there.
        let reaches: Vec<f64> = (0..lanes)
            .map(|lane| {
                shared[lane].map_or(0.0, |shared| {
                    let p = masses[lane].doubled[1][0].sqrt() * shared.scale;
                    let t = p + target_sizes.get(lane).copied().unwrap_or(0.0) + shared.mean.abs();
                    1.01 * (p * t + first[lane / GROUP].ridge[lane % GROUP].sqrt())
                })
            })
            .collect();
        let anchors: Vec<Option<f64>> = reaches
            .iter()
            .map(|reach| anchor(sizes.plain() * reach * SLACK))
            .collect();
        let rows = SharedRows::of(&shared);
        let (parts, gradients) = operator.fill_and_project(
            &or_any(&anchors),
            q,
            |block: Block<'_>, sums: &mut LaneSums| {
                let place = place(&block);
                let weights = &squared_weights[block.rows];
                let in_rows = [&z[place.clone()], &targets[place]];
                add_reaches(level, in_rows, weights, &rows, block.place, sums);
            },
        );
        let additions = operator.anchored_additions();
        (0..lanes)
            .map(|lane| {
                let shared = shared[lane]?;
                let (reached, [residual, ridge]) = reach_of(&parts, lanes, lane);
                // Otherwise sums may have left the place of their anchor; nor where v is no number.
                let kept = reached.sums[1].sqrt() * SLACK <= reaches[lane];
                let lost = lost(n, additions, anchors[lane]?) * (d as f64).sqrt() * SLACK;
                let gradient = gradients
                    .iter()
                    .skip(lane)
                    .step_by(lanes)
                    .copied()
                    .collect();
                let facts = facts(n, gradient, lost, (&masses[lane], &shared), &reached)?;
                let loss = residual + ridge;
                (kept && loss.is_finite()).then_some(Found {
                    facts,
                    loss,
                    largest_logit: first[lane / GROUP].largest[lane % GROUP],
                    way: way(lane).sqrt(),
                })
            })
            .collect()
    }

    /// Moves the logits to those at X.
    fn move_to(&self, x: &[f64], anchors: &[f64], work: &mut Workspace) -> Vec<Moves> {
        let (lanes, level) = (work.lanes, self.operator.level());
        let parts = self.operator.multiply_several(
            x,
            anchors,
            &mut work.z,
            |block, sums: &mut Vec<Moves>| {
                sums.resize(lanes / GROUP, Moves::NOTHING);
                let Block {
                    rows,
                    place,
                    scratch,
                } = block;
                let weights = &self.squared_weights[rows];
                add_moves(level, [place, scratch], weights, sums);
                place.copy_from_slice(scratch);
            },
        );
        let mut total = vec![Moves::NOTHING; lanes / GROUP];
        for part in parts {
            for (total, part) in total.iter_mut().zip(&part) {
                total.add(part);
            }
        }
        total
    }
}

/// The anchors, and any where there is none: nothing is said of these lanes.
fn or_any(anchors: &[Option<f64>]) -> Vec<f64> {
    anchors.iter().map(|anchor| anchor.unwrap_or(1.0)).collect()
}

/// The norm of each lane.
fn lengths(rows: &[f64], lanes: usize) -> Vec<f64> {
    (0..lanes)
        .map(|lane| {
            let entries: Vec<f64> = rows.iter().skip(lane).step_by(lanes).copied().collect();
            norm(&entries)
        })
        .collect()
}

#[cfg(test)]
mod tests;
