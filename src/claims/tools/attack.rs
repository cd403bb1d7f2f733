//! A maximiser for adversarial searches: Nelder and Mead's simplex, restarted from its best point, in f64.
//!
//! It only finds hard cases; what a case proves is decided at 40 digits by the claim's check.

use crate::instance::sample::{self, Stream};

/// How long one search from one cold start may take.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Evaluations of the objective for each simplex.
    pub evaluations: usize,
    /// How many simplices, each around the best point of the one before, with an edge a quarter as long.
    pub restarts: usize,
    /// Edge of the first simplex.
    pub edge: f64,
}

impl Effort {
    /// Enough for a smooth objective in up to about ten unknowns.
    pub const USUAL: Self = Self {
        evaluations: 1200,
        restarts: 5,
        edge: 1.0,
    };
}

/// A cold start: `length` dyadic numbers in [-limit, limit].
pub fn cold_start(rng: &mut Stream, length: usize, limit: i64) -> Vec<f64> {
    (0..length).map(|_| sample::dyadic(rng, limit)).collect()
}

/// The best of `draws` points after a first one, which stays where none has a value.
pub fn best_of<T>(draws: usize, mut draw: impl FnMut() -> T, value: impl Fn(&T) -> f64) -> T {
    let mut best = (draw(), f64::NEG_INFINITY);
    for _ in 0..draws {
        let point = draw();
        let value = value(&point);
        // False for a value that is not a number.
        if value > best.1 {
            best = (point, value);
        }
    }
    best.0
}

/// The best of so many cold starts, for an objective that is nearly flat around most of them.
pub fn best_start(
    rng: &mut Stream,
    starts: usize,
    length: usize,
    limit: i64,
    objective: &dyn Fn(&[f64]) -> f64,
) -> Vec<f64> {
    best_of(
        starts,
        || cold_start(rng, length, limit),
        |start| objective(start),
    )
}

/// A size from 10^-3 to 10^7 for a free number: three decades for each unit of it.
pub fn size(free: f64) -> f64 {
    10f64.powf((3.0 * free).clamp(-3.0, 7.0))
}

/// The best point found and its value. A value of the objective that is not finite counts as minus infinity. An empty
/// start is returned with its value.
///
/// The objective costs microseconds: one compiled search for all of them is worth an indirect call.
pub fn maximise(
    objective: &dyn Fn(&[f64]) -> f64,
    start: Vec<f64>,
    effort: Effort,
) -> (Vec<f64>, f64) {
    let cost = |point: &[f64]| {
        let value = objective(point);
        if value.is_finite() {
            -value
        } else {
            f64::INFINITY
        }
    };
    let mut best = (cost(&start), start);
    let mut edge = effort.edge;
    for _ in 0..=effort.restarts {
        best = simplex(&cost, best, edge, effort.evaluations);
        edge /= 4.0;
    }
    (best.1, -best.0)
}

/// One Nelder-Mead run with the usual coefficients (1, 2, 1/2, 1/2).
fn simplex(
    cost: &dyn Fn(&[f64]) -> f64,
    start: (f64, Vec<f64>),
    edge: f64,
    evaluations: usize,
) -> (f64, Vec<f64>) {
    let dimension = start.1.len();
    if dimension == 0 {
        return start;
    }
    let mut corners = vec![start.clone()];
    for axis in 0..dimension {
        let mut point = start.1.clone();
        point[axis] += edge;
        corners.push((cost(&point), point));
    }
    let mut spent = dimension;
    while spent < evaluations {
        corners.sort_by(|a, b| a.0.total_cmp(&b.0));
        let worst = corners[dimension].clone();
        let centre: Vec<f64> = (0..dimension)
            .map(|axis| {
                corners[..dimension]
                    .iter()
                    .map(|corner| corner.1[axis])
                    .sum::<f64>()
                    / dimension as f64
            })
            .collect();
        let along = |factor: f64| -> (f64, Vec<f64>) {
            let point: Vec<f64> = centre
                .iter()
                .zip(&worst.1)
                .map(|(middle, far)| middle + factor * (middle - far))
                .collect();
            (cost(&point), point)
        };
        let reflected = along(1.0);
        spent += 1;
        if reflected.0 < corners[0].0 {
            let expanded = along(2.0);
            spent += 1;
            corners[dimension] = if expanded.0 < reflected.0 {
                expanded
            } else {
                reflected
            };
        } else if reflected.0 < corners[dimension - 1].0 {
            corners[dimension] = reflected;
        } else {
            let contracted = along(if reflected.0 < worst.0 { 0.5 } else { -0.5 });
            spent += 1;
            if contracted.0 < worst.0.min(reflected.0) {
                corners[dimension] = contracted;
            } else {
                let centre = corners[0].1.clone();
                for corner in &mut corners[1..] {
                    for (entry, best) in corner.1.iter_mut().zip(&centre) {
                        *entry = best + 0.5 * (*entry - best);
                    }
                    corner.0 = cost(&corner.1);
                }
                spent += dimension;
            }
        }
    }
    corners.sort_by(|a, b| a.0.total_cmp(&b.0));
    corners.swap_remove(0)
}

/// A weight with `w^2 > base`, by about `2^-29` relative; 0 for base 0.
pub fn just_above(base: f64) -> f64 {
    base.sqrt() * (1.0 + 1.0 / f64::from(1u32 << 30))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_smooth_maximum_is_found_from_a_cold_start() {
        // -(x-1)^2 - 10 (y+2)^2 has its maximum 0 at (1, -2), by hand.
        let objective = |point: &[f64]| -(point[0] - 1.0).powi(2) - 10.0 * (point[1] + 2.0).powi(2);
        let (point, value) = maximise(&objective, vec![5.0, 5.0], Effort::USUAL);
        assert!(value > -1e-12, "found {value} at {point:?}");
    }

    #[test]
    fn values_that_are_not_numbers_are_never_the_best() {
        let objective = |point: &[f64]| if point[0] > 1.0 { f64::NAN } else { point[0] };
        let (point, value) = maximise(&objective, vec![0.0], Effort::USUAL);
        assert!(
            value <= 1.0 && value > 0.999_999,
            "found {value} at {point:?}"
        );
    }

    #[test]
    fn the_best_start_is_the_largest_that_was_drawn() {
        let seen = std::cell::RefCell::new(Vec::new());
        let objective = |point: &[f64]| {
            // Half of them say nothing.
            let value = if point[0] > 0.0 { f64::NAN } else { point[0] };
            seen.borrow_mut().push(value);
            value
        };
        let mut rng = sample::stream(1, "starts", 0);
        let best = best_start(&mut rng, 40, 2, 1, &objective);
        let seen = seen.into_inner();
        assert_eq!(seen.len(), 40);
        let largest = seen.into_iter().fold(f64::NEG_INFINITY, f64::max);
        assert_eq!(best[0], largest);
    }

    #[test]
    fn sizes_run_over_ten_decades() {
        for (free, expected) in [(-2.0, 1e-3), (0.0, 1.0), (1.0, 1e3), (5.0, 1e7)] {
            let found = size(free);
            assert!((found / expected - 1.0).abs() < 1e-12, "{free}: {found}");
        }
    }

    /// One step of the simplex on a line, from 0 (cost as given) and 1: where the cost was asked for, and the best point.
    fn one_step(cost: impl Fn(f64) -> f64) -> (Vec<f64>, f64) {
        let asked = std::cell::RefCell::new(Vec::new());
        let recorded = |point: &[f64]| {
            asked.borrow_mut().push(point[0]);
            cost(point[0])
        };
        let (_, best) = simplex(&recorded, (cost(0.0), vec![0.0]), 1.0, 2);
        (asked.into_inner(), best[0])
    }

    #[test]
    fn a_step_reflects_expands_contracts_and_shrinks_as_nelder_and_mead_say() {
        // Downhill to the right: from 0 the reflection in 1 is 2, better than 1, and 3 is better still.
        assert_eq!(one_step(|x| -x), (vec![1.0, 2.0, 3.0], 3.0));
        // The expanded point is no better than the reflected one, which stays.
        assert_eq!(one_step(|x| (x - 2.0).abs()), (vec![1.0, 2.0, 3.0], 2.0));
        // The reflection in 0 is better than the worst corner 1: contract on its side.
        assert_eq!(
            one_step(|x| (x + 0.375).abs()),
            (vec![1.0, -1.0, -0.5], -0.5)
        );
        // It is worse: contract on the side of the worst corner, and keep that point if it is the best.
        assert_eq!(one_step(|x| (x - 0.375).abs()), (vec![1.0, -1.0, 0.5], 0.5));
        // An expanded point that is as good as the reflected one is not taken.
        let step = |x: f64| if x < 2.0 { 1.0 - x } else { -1.0 };
        assert_eq!(one_step(step), (vec![1.0, 2.0, 3.0], 2.0));
        // Nor is any point that is as good as the corner it has to beat.
        assert_eq!(one_step(|_| 0.0), (vec![1.0, -1.0, 0.5, 0.5], 0.0));
        // Nothing is better: shrink towards the best corner.
        let table = |x: f64| match x {
            0.0 => 0.0,
            1.0 => 1.0,
            _ => 4.0,
        };
        assert_eq!(one_step(table), (vec![1.0, -1.0, 0.5, 0.5], 0.0));
    }

    #[test]
    fn a_run_ends_with_the_step_that_uses_up_its_evaluations() {
        let smooth = |point: &[f64]| -> f64 {
            let terms = point.iter().zip([1.0, 5.0, 25.0]);
            terms.map(|(x, size)| size * (x - size).powi(2)).sum()
        };
        // With waves on it, so that simplices shrink as well.
        let rough = |point: &[f64]| {
            smooth(point) + 9.0 * point.iter().map(|x| (40.0 * x).sin()).sum::<f64>()
        };
        type Cost<'a> = &'a dyn Fn(&[f64]) -> f64;
        for cost in [&smooth as Cost<'_>, &rough] {
            for budget in [1, 3, 4, 5, 6, 60, 61, 62, 63, 64, 400] {
                let asked = std::cell::Cell::new(0);
                let counted = |point: &[f64]| {
                    asked.set(asked.get() + 1);
                    cost(point)
                };
                let _ = simplex(&counted, (cost(&[0.0; 3]), vec![0.0; 3]), 1.0, budget);
                // The first simplex takes three; a step takes two more, and three to shrink, at most.
                let least = budget.max(3);
                assert!(asked.get() >= least, "{} of {budget}", asked.get());
                assert!(asked.get() < least + 5, "{} of {budget}", asked.get());
            }
        }
    }

    #[test]
    fn each_simplex_has_an_edge_a_quarter_as_long_as_the_one_before() {
        let asked = std::cell::RefCell::new(Vec::new());
        let effort = Effort {
            evaluations: 1,
            restarts: 3,
            edge: 2.0,
        };
        let flat = |point: &[f64]| {
            asked.borrow_mut().push(point[0]);
            0.0
        };
        assert_eq!(maximise(&flat, vec![8.0], effort), (vec![8.0], 0.0));
        assert_eq!(asked.into_inner(), [8.0, 10.0, 8.5, 8.125, 8.03125]);
    }

    #[test]
    fn a_weight_just_above_is_above_by_a_trifle() {
        for base in [0.240_408_806_91, 1.0, 4.0, 100.0, 3e6] {
            let excess = just_above(base).powi(2) / base - 1.0;
            assert!(excess > 0.0 && excess < 2f64.powi(-28), "{base}: {excess}");
        }
        assert_eq!(just_above(0.0), 0.0);
    }
}
