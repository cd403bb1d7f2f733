//! A sample of rows, solved in their stead.
//!
//! ```text
//! p_i in proportion to the leverage scores of [A b]    x' = argmin sum over m draws of (a_i x - b_i)^2 / (m p_i) + lambda || x ||^2
//! ```
//!
//! with so many draws as [`rows`](super::rows) says, twice as many where the loss at x' is not proven to be within the accuracy of the
//! least one. That proof takes a Gram matrix of all rows, which is the price of an exact answer to one right side: what is
//! saved is the work on many of them.

use super::by_factor::{self, ByFactor};
use super::problem::{Problem, columns, right_sides};
use super::rows::rows_for_probability;
use super::{KEY, excess};
use crate::instance::DesignMatrix;
use crate::instance::row_major::RowMajor;
use crate::instance::sample;
use crate::production::Outcome;
use crate::production::leverage::{sketched_scores, times_drawn};
use crate::production::settings::Settings;
use crate::production::systems::error::{Refusal, SystemError};
use crate::production::systems::linear::answer::{self, Ending, begin, entry};
use crate::production::systems::linear::triangular::Triangular;
use crate::production::systems::linear::vector::Map;
use crate::production::systems::method::{Cost, Method};
use crate::production::systems::reached::{Reached, Watch};
use crate::system::{Array, Given, LEVERAGE_REGRESSION};

/// Samples of rows.
pub(crate) struct BySample;

const NAME: &str = "sampled-rows";

impl Method for BySample {
    fn name(&self) -> &'static str {
        NAME
    }

    fn solves(&self) -> &'static str {
        KEY
    }

    fn proves(&self) -> bool {
        true
    }

    /// More than an exact answer, so that it runs only where it is asked for: its answer is no minimiser.
    fn takes(&self, given: &Given) -> Result<Cost, Refusal> {
        ByFactor.takes(given).map(|cost| 2.0 * cost)
    }

    /// It draws rows.
    fn ignores_seed(&self, _given: &Given, _has_start: bool) -> Option<&'static str> {
        None
    }

    fn run(
        &self,
        given: &Given,
        start: Option<&[f64]>,
        settings: &Settings,
        watch: &mut Watch<'_>,
    ) -> Result<Reached, SystemError> {
        let problem = Problem::of(given);
        let [n, d] = problem.shape();
        let [accuracy, delta] = ["accuracy", "delta"].map(|name| given.scalar(name));
        let first = rows_for_probability(d + 1, accuracy, delta);
        let factor = if first < n {
            problem.factor(settings.seed, true)
        } else {
            None
        };
        let Some(factor) = factor else {
            let mut reached = ByFactor.run(given, start, settings, watch)?;
            if first >= n {
                reached.warnings.push(format!(
                    "{first} draws are needed and there are {n} rows: all rows were taken"
                ));
            }
            return Ok(reached);
        };
        let map = problem.map();
        let zero = vec![0.0; given.layout().dimension()];
        let values = problem.values(&map, &columns(&zero, right_sides(given)), false);
        if begin(watch, NAME, values.loss.get(), values.start.get()) {
            return Ok(answer::reached(&values, answer::interrupted(zero)));
        }
        let scores = scores(&problem, settings.seed);
        let run = Run {
            given,
            problem: &problem,
            map: &map,
            factor: &factor,
            scores: &scores,
        };
        let mut draws = first;
        let mut tries = 0;
        while draws < n {
            let index = tries as u64;
            tries += 1;
            if let Some(found) = run.sample(draws, index, settings.seed, accuracy) {
                let values = problem.values(&map, &columns(&found.x, right_sides(given)), false);
                let shown = [values.loss.get(), values.gradient.get(), 0.0];
                watch.sees(entry(NAME, tries, shown, 2.0 * tries as f64));
                let ending = Ending {
                    outcome: Outcome::WithinAccuracy,
                    x: found.x,
                    iterations: tries,
                    error_bound: None,
                    basis: "none: x is near the least loss, not near the minimiser".to_owned(),
                    warnings: vec![format!(
                        "{draws} draws of {} distinct rows of {n}, sample {tries}: the loss is proven to be at most (1 + {:.3e}) \
                         times the least",
                        found.distinct, found.excess
                    )],
                };
                return Ok(answer::reached(&values, ending));
            }
            draws = draws.saturating_mul(2);
        }
        let mut reached = ByFactor.run(given, start, settings, watch)?;
        reached.warnings.push(format!(
            "no sample of fewer than {n} draws was proven to be within the accuracy of {accuracy}: all rows were taken"
        ));
        Ok(reached)
    }
}

/// What samples are drawn from and held against.
struct Run<'a> {
    given: &'a Given,
    problem: &'a Problem,
    map: &'a Map<'a>,
    factor: &'a Triangular,
    scores: &'a [f64],
}

/// A sample's answer that is within the accuracy.
struct Accepted {
    x: Vec<f64>,
    distinct: usize,
    excess: f64,
}

impl Run<'_> {
    /// The answer of one sample, where it is proven to be within the accuracy.
    fn sample(&self, draws: usize, index: u64, seed: u64, accuracy: f64) -> Option<Accepted> {
        let mut rng = sample::stream(seed, "sampled-rows", index);
        let times = times_drawn(self.scores, draws, &mut rng);
        let total: f64 = self.scores.iter().sum();
        let weight = |i: usize| {
            let share = self.scores[i] / total;
            (times[i] as f64 / (draws as f64 * share)).sqrt()
        };
        let chosen: Vec<usize> = (0..times.len()).filter(|i| times[*i] > 0).collect();
        let sampled = self.rows(&chosen, weight)?;
        let problem = Problem::of(&sampled);
        let factor = problem.factor(seed, false)?;
        let found = by_factor::solve(&problem, &problem.map(), &factor, false).ok()?;
        let excess = excess::of(self.problem, self.map, self.factor, &found.columns())?;
        let most = excess.relative[1];
        (most <= accuracy).then(|| Accepted {
            x: found.x(),
            distinct: chosen.len(),
            excess: most,
        })
    }

    /// These rows of A and b, each times its weight; `None` where that leaves the range of f64.
    fn rows(&self, chosen: &[usize], weight: impl Fn(usize) -> f64) -> Option<Given> {
        let scaled = |name: &str| {
            let array = self.given.array(name)?;
            let width = array.values().len() / self.given.size("n").max(1);
            let rows = chosen.iter().flat_map(|&i| {
                let weight = weight(i);
                array.values()[i * width..(i + 1) * width]
                    .iter()
                    .map(move |value| value * weight)
            });
            let mut shape = array.shape().to_vec();
            shape[0] = chosen.len();
            Some((name.to_owned(), Array::new(shape, rows.collect())?))
        };
        let ridge = Array::scalar(self.given.scalar("ridge"));
        let arrays = vec![
            scaled("matrix")?,
            scaled("target")?,
            ("ridge".to_owned(), ridge),
        ];
        Given::new(&LEVERAGE_REGRESSION, arrays).ok()
    }
}

/// What rows are drawn in proportion to: overestimates of the leverage scores of [A b], or, of several right sides, those of A with as
/// much again by the squares of the rows of b. Scores of 1 where there are none.
fn scores(problem: &Problem, seed: u64) -> Vec<f64> {
    let [n, d] = problem.shape();
    let of = |targets: usize| -> Option<Vec<f64>> {
        let mut rows = RowMajor::zeros(n, d + targets);
        for i in 0..n {
            let row = rows.row_mut(i);
            row[..d].copy_from_slice(problem.rows().row(i));
            for (place, target) in row[d..].iter_mut().zip(&problem.targets) {
                *place = target.vector.high[i];
            }
        }
        sketched_scores(&DesignMatrix::Dense(rows), &vec![1.0; n], seed).ok()
    };
    let single = problem.targets.len() == 1;
    // b in the range of A makes [A b] deficient.
    let found = single.then(|| of(1)).flatten().or_else(|| of(0));
    let mut scores = found.unwrap_or_else(|| vec![1.0; n]);
    if !single {
        let squares: Vec<f64> = (0..n)
            .map(|i| {
                let entries = problem.targets.iter().map(|target| target.vector.high[i]);
                entries.map(|b| b * b).sum()
            })
            .collect();
        let (all, total): (f64, f64) = (scores.iter().sum(), squares.iter().sum());
        if total > 0.0 {
            for (score, square) in scores.iter_mut().zip(&squares) {
                *score += square * (all / total);
            }
        }
    }
    scores
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::production::systems::linear::test_support::given;

    /// 300 x 3, and two right sides with entries of sizes over twelve powers of two, the largest of both 1.
    fn regression(factor: f64) -> Given {
        let mut rng = sample::stream(7, "scores-of-targets", 0);
        let matrix: Vec<Vec<f64>> = (0..300)
            .map(|_| (0..3).map(|_| sample::dyadic(&mut rng, 1)).collect())
            .collect();
        let target: Vec<Vec<f64>> = (0..300)
            .map(|i| {
                let size = factor * 2f64.powi(-(i % 13));
                let other = if i == 0 {
                    1.0
                } else {
                    sample::dyadic(&mut rng, 1)
                };
                vec![size, size * other]
            })
            .collect();
        let text = serde_json::json!({"system": "leverage-regression", "matrix": matrix, "target": target});
        given(&text.to_string())
    }

    /// `s_i + b_i b_i' (sum s) / || B ||_F^2`: rows of right sides weigh as much as those of A together, in every unit.
    #[test]
    fn right_sides_are_given_as_many_draws_as_the_matrix() {
        let given = regression(1.0);
        let found = scores(&Problem::of(&given), 5);
        let zero = Array::new(vec![300, 2], vec![0.0; 600]).unwrap();
        let of_matrix = scores(&Problem::of(&given.with_array("target", zero).unwrap()), 5);
        let total: f64 = of_matrix.iter().sum();
        let squares = given
            .array("target")
            .unwrap()
            .values()
            .chunks(2)
            .map(|b| b[0] * b[0] + b[1] * b[1]);
        let squares: Vec<f64> = squares.collect();
        let all: f64 = squares.iter().sum();
        for i in 0..300 {
            let expected = of_matrix[i] + total * squares[i] / all;
            assert!(
                (found[i] / expected - 1.0).abs() < 1e-12,
                "{i}: {} {expected}",
                found[i]
            );
        }
        for exponent in [-100, 100] {
            assert_eq!(
                scores(&Problem::of(&regression(2f64.powi(exponent))), 5),
                found
            );
        }
    }
}
