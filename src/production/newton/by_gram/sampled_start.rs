//! A start for tall softmax problems with weak weights: the problem solved roughly on a sample of its rows.
//!
//! Where the first Hessian is indefinite, the way to the minimiser's neighbourhood is long, and every step of it reads all of
//! A. A sample of 20 d rows shows the same way at a fraction of the price:
//!
//! ```text
//! q_i = 0.9 |b_i| / sum |b| + 0.1 / n        (near the minimiser p is near b: rows that matter are taken for certain)
//! pi_i = min(1, c q_i), sum pi = 20 d        row i is drawn with probability pi_i and stands for 1 / pi_i rows
//! ```
//!
//! The answer is a start like any other: it is kept only if it lowers the loss over all rows. Where its loss there is far
//! above that on the sample, the sample has missed rows that have become heavy, and a second one takes them in.
//!
//! It may lead to another minimum than a start from all rows would; where one row holds much of the target it has been seen to
//! lead to a worse one, so such problems do not get it.

use std::ops::ControlFlow;
use std::sync::Arc;

use nalgebra_sparse::{CooMatrix, CsrMatrix};
use rand::RngExt;

use crate::instance::{DesignMatrix, RowMajor, sample};
use crate::production::factor::cholesky::Cholesky;
use crate::production::kept_gram::{KeptGram, RunGram};
use crate::production::kernels::operator::Operator;
use crate::production::newton::by_gram::importance::Importance;
use crate::production::newton::by_gram::objective::{SampledStart, State};
use crate::production::newton::by_gram::run::{Data, Orders, Run};
use crate::production::newton::by_gram::softmax::{FusedSoftmax, Parts};
use crate::production::newton::iterate;
use crate::production::{Method, Settings};

/// Problems with fewer rows for each column are not sampled: the sample would be a large part of them.
const LEAST_ROWS_PER_COLUMN: usize = 100;
/// Rows of a sample for each column.
const ROWS_PER_COLUMN: usize = 20;
/// The part of the probability that follows the target (and, in a second sample, p); the rest is even.
const MIX: f64 = 0.9;
/// Targets of which one row holds more than this are not sampled.
const DOMINANT: f64 = 0.25;
/// Iterations on the sample at most.
const ITERATIONS: usize = 40;
/// The run on the sample ends when a Newton step promises to lower the loss by less than this fraction.
const COARSE: f64 = 1e-3;
/// A loss over all rows above this multiple of that on the sample means that the sample has missed something.
const MISSED: f64 = 2.0;
/// Samples at most.
const ROUNDS: u64 = 2;
/// Passes that find c: each settles which rows are certain, given the last c.
const THRESHOLD_PASSES: usize = 8;

/// Some rows, ascending, and how many rows each stands for.
struct Draw {
    /// Those that are here.
    rows: Vec<usize>,
    /// Of all that have been drawn, those of other ranks as well.
    importance: Vec<f64>,
}

/// Tries to start from samples; `None` if the problem is not one for it or no sample led to a lower loss. `z` gets the
/// logits of the result.
pub(crate) fn sampled_start(
    objective: &FusedSoftmax<'_>,
    matrix: &DesignMatrix,
    state: &State,
    z: &mut [f64],
    settings: &Settings,
) -> Option<SampledStart> {
    let (n, d) = (objective.operator().all_rows(), matrix.columns());
    if n < LEAST_ROWS_PER_COLUMN * d {
        return None;
    }
    let sizes: Vec<f64> = objective.target().iter().map(|b| b.abs()).collect();
    let total = objective.operator().sum(&sizes);
    let largest = objective.operator().largest(&sizes);
    if !(total > 0.0 && largest <= DOMINANT * total) {
        return None;
    }
    let ridge = Cholesky::new(objective.ridge())?.transposed_rows();
    let mut emphasis: Vec<f64> = sizes.iter().map(|size| size / total).collect();
    let mut best: Option<State> = None;
    let mut in_place = false;
    let mut rows = 0;
    for round in 0..ROUNDS {
        let mut rng = sample::stream(settings.seed, "sampled-start", round);
        let drawn = draw(
            objective.operator(),
            &emphasis,
            ROWS_PER_COLUMN * d,
            rng.random(),
        );
        rows += drawn.importance.len();
        let from = best.as_ref().unwrap_or(state);
        let Some(reduced) = solve_sample(objective, matrix, &ridge, &drawn, from, settings) else {
            break;
        };
        let log_sum = Parts::of(&reduced).log_sum;
        in_place = false;
        let Ok(trial) = objective.evaluate_shifted(reduced.x.clone(), z, log_sum) else {
            break;
        };
        let missed = trial.loss > MISSED * reduced.loss;
        if missed && round + 1 < ROUNDS {
            let mut p = vec![0.0; emphasis.len()];
            objective
                .operator()
                .probabilities(z, Parts::of(&trial).log_sum, &mut p);
            for (emphasis, p) in emphasis.iter_mut().zip(&p) {
                *emphasis = 0.5 * (*emphasis + p);
            }
        }
        if trial.loss < from.loss {
            best = Some(trial);
            in_place = true;
        }
        if !missed {
            break;
        }
    }
    let mut state = best?;
    if !in_place {
        let log_sum = Parts::of(&state).log_sum;
        state = objective.evaluate_shifted(state.x, z, log_sum).ok()?;
    }
    Some(SampledStart { state, rows })
}

/// Draws about `count` rows by systematic sampling: with probabilities `min(1, c q)`, q a mixture of `emphasis` (which sums to
/// about 1) and the even one, and `offset` in [0, 1).
fn draw(operator: &Operator, emphasis: &[f64], count: usize, offset: f64) -> Draw {
    let even = (1.0 - MIX) / operator.all_rows() as f64;
    let wanted = |emphasis: f64| MIX * emphasis + even;
    let mut factor = count as f64;
    for _ in 0..THRESHOLD_PASSES {
        let parts = operator.sweep_rows(|rows, _, _, (certain, rest): &mut (f64, f64)| {
            for emphasis in &emphasis[rows] {
                let q = wanted(*emphasis);
                if factor * q >= 1.0 {
                    *certain += 1.0;
                } else {
                    *rest += q;
                }
            }
        });
        let (certain, rest) = parts
            .iter()
            .fold((0.0, 0.0), |sum, part| (sum.0 + part.0, sum.1 + part.1));
        if rest == 0.0 || certain >= count as f64 {
            break;
        }
        factor = (count as f64 - certain) / rest;
    }
    let mut drawn = Draw {
        rows: Vec::new(),
        importance: Vec::new(),
    };
    operator.share().in_turn_on(offset, |reached| {
        for (i, emphasis) in emphasis.iter().enumerate() {
            let probability = (factor * wanted(*emphasis)).min(1.0);
            *reached += probability;
            if *reached >= 1.0 {
                *reached -= 1.0;
                drawn.rows.push(i);
                drawn.importance.push(1.0 / probability);
            }
        }
    });
    drawn.importance = operator.share().gather(drawn.importance);
    drawn
}

/// Solves the problem on a sample, roughly; `None` if that fails.
fn solve_sample(
    objective: &FusedSoftmax<'_>,
    matrix: &DesignMatrix,
    ridge: &[Vec<f64>],
    drawn: &Draw,
    from: &State,
    settings: &Settings,
) -> Option<State> {
    let share = objective.operator().share();
    let chosen = share.rows_of_all(matrix.select_rows(&drawn.rows));
    let reduced = Arc::new(with_ridge(&chosen, ridge)?);
    let operator = Operator::new(&reduced, objective.operator().level());
    let target = drawn.rows.iter().map(|i| objective.target()[*i]);
    let target = share.gather(target.collect());
    let squared_weights: Vec<f64> = std::iter::repeat_n(0.0, target.len())
        .chain(std::iter::repeat_n(1.0, ridge.len()))
        .collect();
    let part = Importance {
        operator: &operator,
        target: &target,
        importance: &drawn.importance,
    };
    let settings = Settings {
        max_iterations: ITERATIONS,
        ..settings.clone()
    };
    let orders = Orders {
        settings: &settings,
        method: Method::Exact,
        coarse: Some(COARSE),
        observer: &mut |_| ControlFlow::Continue(()),
    };
    let kept = KeptGram::default();
    let gram = RunGram::of(&kept);
    let data = Data {
        operator: &operator,
        matrix: &reduced,
        squared_weights: &squared_weights,
        ridge: &gram,
        sampler: None,
    };
    let mut run = Run::begin(&part, data, from.x.clone(), orders).ok()?;
    iterate(&mut run).ok()?;
    let state = run.into_state();
    objective.operator().count_with(&operator);
    Some(state)
}

/// The chosen rows and below them the rows of R; sparse if they are.
fn with_ridge(chosen: &DesignMatrix, ridge: &[Vec<f64>]) -> Option<DesignMatrix> {
    let (m, d) = (chosen.rows(), chosen.columns());
    match chosen {
        DesignMatrix::Dense(chosen) => {
            let mut whole = RowMajor::zeros(m + d, d);
            let rows = chosen.iter().chain(ridge.iter().map(Vec::as_slice));
            for (i, row) in rows.enumerate() {
                whole.row_mut(i).copy_from_slice(row);
            }
            DesignMatrix::dense(whole).ok()
        }
        DesignMatrix::Sparse(chosen) => {
            let mut whole = CooMatrix::new(m + d, d);
            for (i, j, entry) in chosen.triplet_iter() {
                whole.push(i, j, *entry);
            }
            for (i, row) in ridge.iter().enumerate() {
                for (j, entry) in row.iter().enumerate().filter(|(_, entry)| **entry != 0.0) {
                    whole.push(m + i, j, *entry);
                }
            }
            DesignMatrix::sparse(CsrMatrix::from(&whole)).ok()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::production::kernels::Level;
    use crate::production::newton::by_gram::objective::Objective;
    use nalgebra::{DMatrix, DVector};

    const N: usize = 5_000;

    fn operator() -> Operator {
        let matrix = DMatrix::from_fn(N, 1, |i, _| (i % 3) as f64);
        Operator::new(&Arc::new(DesignMatrix::Dense(matrix.into())), Level::best())
    }

    /// Seven rows hold half of the target, the others share the rest.
    fn emphasis() -> Vec<f64> {
        (0..N)
            .map(|i| {
                if i % 700 == 0 && i < 4900 {
                    0.5 / 7.0
                } else {
                    0.5 / (N - 7) as f64
                }
            })
            .collect()
    }

    #[test]
    fn heavy_rows_are_drawn_for_certain_and_the_others_evenly() {
        let operator = operator();
        for offset in [0.0, 0.3, 0.999] {
            let drawn = draw(&operator, &emphasis(), 100, offset);
            assert!(drawn.rows.len().abs_diff(100) <= 1, "{}", drawn.rows.len());
            assert!(drawn.rows.is_sorted_by(|a, b| a < b));
            let mut light = None;
            for (row, importance) in drawn.rows.iter().zip(&drawn.importance) {
                if row % 700 == 0 && *row < 4900 {
                    assert_eq!(*importance, 1.0);
                } else {
                    // 93 of 4993 rows.
                    assert!(
                        (importance * 93.0 / 4993.0 - 1.0).abs() < 1e-9,
                        "{importance}"
                    );
                    assert_eq!(*light.get_or_insert(*importance), *importance);
                }
            }
            assert_eq!(drawn.importance.iter().filter(|r| **r == 1.0).count(), 7);
        }
    }

    /// Over all offsets every row is drawn as often as its probability says.
    #[test]
    fn a_row_stands_for_as_many_as_its_probability_is_small() {
        let operator = operator();
        let emphasis: Vec<f64> = (0..N)
            .map(|i| (1 + i % 5) as f64 / (3 * N) as f64)
            .collect();
        let mut stands_for = vec![0.0; N];
        const OFFSETS: usize = 2_000;
        for k in 0..OFFSETS {
            let drawn = draw(&operator, &emphasis, 500, (k as f64 + 0.5) / OFFSETS as f64);
            for (row, importance) in drawn.rows.iter().zip(&drawn.importance) {
                stands_for[*row] += importance / OFFSETS as f64;
            }
        }
        // One offset more or less at both ends of an interval: importance is at most 22 here.
        for (row, mean) in stands_for.iter().enumerate() {
            assert!(
                (mean - 1.0).abs() <= 2.0 * 22.0 / OFFSETS as f64,
                "{row}: {mean}"
            );
        }
    }

    #[test]
    fn the_rows_of_the_ridge_have_its_gram_matrix() {
        let matrix = DMatrix::from_fn(40, 3, |i, j| ((i * 5 + j * 7) % 11) as f64 - 5.0);
        let dense = DesignMatrix::Dense(matrix.clone().into());
        let sparse = DesignMatrix::Sparse(CsrMatrix::from(&matrix));
        let weights = vec![2.0; 40];
        let gram = Operator::new(&Arc::new(dense.clone()), Level::best()).gram(&weights);
        let ridge = Cholesky::new(&gram).unwrap().transposed_rows();
        let rows = [3, 17, 18];
        let expected = matrix.tr_mul(&matrix) * 2.0;
        for matrix in [dense, sparse] {
            let whole = with_ridge(&matrix.select_rows(&rows), &ridge).unwrap();
            assert_eq!(
                matches!(whole, DesignMatrix::Sparse(_)),
                matches!(matrix, DesignMatrix::Sparse(_))
            );
            let whole = whole.to_dense();
            assert_eq!(whole.shape(), (6, 3));
            assert_eq!(whole.rows(0, 3), matrix.to_dense().select_rows(&rows));
            let below = whole.rows(3, 3).into_owned();
            let error = (below.tr_mul(&below) - &expected).amax() / expected.amax();
            assert!(error < 1e-14, "{error:e}");
            assert_eq!(
                below.lower_triangle() - DMatrix::from_diagonal(&DVector::from(below.diagonal())),
                DMatrix::zeros(3, 3)
            );
        }
    }

    /// q is nine parts the emphasis and one part even: rows of 5 and of 1 thirds of the mean are wanted as 1.6 to 0.4.
    #[test]
    fn a_tenth_of_the_probability_is_even() {
        let emphasis: Vec<f64> = (0..N)
            .map(|i| (1 + i % 5) as f64 / (3 * N) as f64)
            .collect();
        let operator = operator();
        // Which rows are drawn depends on the offset, what they stand for does not.
        let drawn: Vec<Draw> = (0..50)
            .map(|k| draw(&operator, &emphasis, 500, 0.01 + 0.02 * f64::from(k)))
            .collect();
        let importance = |kind: usize| {
            drawn
                .iter()
                .flat_map(|draw| draw.rows.iter().zip(&draw.importance))
                .find(|(row, _)| *row % 5 == kind)
                .map(|(_, importance)| *importance)
                .unwrap()
        };
        assert!((importance(0) / importance(4) - 4.0).abs() < 1e-12);
        // 500 of 5000 rows, those of the mean emphasis with probability 1/10.
        assert!((importance(2) - 10.0).abs() < 1e-9);
    }

    /// 32 of 128 parts of the target on one row, 96 on as many others, nothing on the rest.
    #[test]
    fn a_start_from_a_sample_is_for_tall_problems_without_a_dominant_row() {
        let attempt = |n: usize, first: f64, others: f64| {
            let matrix = DMatrix::from_fn(n, 1, |i, _| match i {
                0 => 1.5,
                1..=96 => 1.0,
                _ => -1.0,
            });
            let target: Vec<f64> = (0..n)
                .map(|i| match i {
                    0 => first / 128.0,
                    1..=96 => others / 128.0,
                    _ => 0.0,
                })
                .collect();
            let shared = DesignMatrix::Dense(matrix.clone().into());
            let operator = Operator::new(&Arc::new(shared.clone()), Level::best());
            let ridge = operator.gram(&vec![1e-4; n]);
            let objective = FusedSoftmax::new(&operator, &target, &ridge);
            let mut z = vec![0.0; n];
            let origin = objective.evaluate(vec![0.0], &mut z, None).unwrap();
            let passes = operator.passes();
            let settings = Settings::default();
            let found = sampled_start(&objective, &shared, &origin, &mut z, &settings)?;
            assert!(operator.passes() > passes + 1.0);
            assert!(found.state.loss < origin.loss);
            assert_eq!(z, (matrix * found.state.x[0]).as_slice());
            Some(found.rows)
        };
        let rows = attempt(128, 32.0, 1.0).unwrap();
        // One sample of 20 rows, or two.
        assert!((19..=42).contains(&rows), "{rows}");
        assert!(attempt(128, 33.0, 1.0).is_none());
        // A quarter of a target that sums to 2.
        assert!(attempt(128, 64.0, 2.0).is_some());
        assert!(attempt(128, 0.0, 0.0).is_none());
        assert!(attempt(100, 32.0, 1.0).is_some());
        assert!(attempt(99, 32.0, 1.0).is_none());
    }

    /// What a start from samples gives, and how many passes it takes.
    fn attempt(matrix: DMatrix<f64>, target: &[f64]) -> (Option<SampledStart>, State, f64) {
        let (n, d) = matrix.shape();
        let shared = DesignMatrix::Dense(matrix.into());
        let operator = Operator::new(&Arc::new(shared.clone()), Level::best());
        let ridge = operator.gram(&vec![1e-16; n]);
        let objective = FusedSoftmax::new(&operator, target, &ridge);
        let mut z = vec![0.0; n];
        let origin = objective.evaluate(vec![0.0; d], &mut z, None).unwrap();
        let passes = operator.passes();
        let settings = Settings::default();
        let found = sampled_start(&objective, &shared, &origin, &mut z, &settings);
        (found, origin, operator.passes() - passes)
    }

    /// 1000 rows 1 hold three quarters of the target, 1000 rows -1 the rest: a sample of them leads to x = ln(3) / 2, where the row
    /// 20, which no sample finds but by chance, has 6e4 of 6.2e4 parts of p. It is certain in the second sample, where p counts
    /// half: with it the minimum is near x = 0.1, where its p is 0.004 and the loss three quarters of that at the origin.
    #[test]
    fn a_row_that_the_first_sample_missed_is_in_the_second() {
        let n = 2_001;
        let matrix = DMatrix::from_fn(n, 1, |i, _| match i {
            700 => 20.0,
            _ if i % 2 == 0 => 1.0,
            _ => -1.0,
        });
        let target: Vec<f64> = (0..n)
            .map(|i| match i {
                700 => 0.0,
                _ if i % 2 == 0 => 0.75e-3,
                _ => 0.25e-3,
            })
            .collect();
        let (found, origin, _) = attempt(matrix, &target);
        let found = found.unwrap();
        assert!((39..=42).contains(&found.rows), "{}", found.rows);
        let (x, share) = (found.state.x[0], found.state.loss / origin.loss);
        assert!((0.03..0.2).contains(&x) && share < 0.9, "{x}: {share}");
    }

    /// Four rows hold all of the target, which sums to 2^-10: they are certain whatever its size, and all others are alike. By hand
    /// the four are wanted at p = b + 5e-4, half as much again as at the origin: x is about ln(1.5) / 2.
    #[test]
    fn rows_count_by_their_share_of_the_target_whatever_its_size() {
        let n = 2_000;
        let heavy = |i: usize| i % 500 == 77;
        let matrix = DMatrix::from_fn(n, 1, |i, _| if heavy(i) { 1.0 } else { -1.0 });
        let target: Vec<f64> = (0..n)
            .map(|i| if heavy(i) { 2f64.powi(-12) } else { 0.0 })
            .collect();
        let (found, origin, passes) = attempt(matrix, &target);
        let found = found.unwrap();
        assert!((19..=21).contains(&found.rows), "{}", found.rows);
        let x = found.state.x[0];
        assert!((0.1..0.3).contains(&x), "{x}");
        assert!(found.state.loss < origin.loss);
        // One sweep over all rows, and small ones over a hundredth of them.
        assert!((1.0..1.9).contains(&passes), "{passes}");
    }

    /// All rows and all targets alike: nothing is better than the start.
    #[test]
    fn a_start_that_does_not_lower_the_loss_is_not_taken() {
        let (found, ..) = attempt(DMatrix::from_element(128, 1, 1.0), &[1.0 / 128.0; 128]);
        assert!(found.is_none());
    }

    /// 100 rows for each column, 20 of them drawn.
    #[test]
    fn the_size_of_a_sample_follows_the_number_of_columns() {
        let two = |n: usize| {
            let matrix = DMatrix::from_fn(n, 2, |i, j| match (j, i % 2) {
                (0, 0) => 1.0,
                (0, _) => -1.0,
                _ => ((i / 2) % 3) as f64 / 4.0,
            });
            let target: Vec<f64> = (0..n)
                .map(|i| if i % 2 == 0 { 2.0 / n as f64 } else { 0.0 })
                .collect();
            attempt(matrix, &target).0.map(|found| found.rows)
        };
        assert_eq!(two(199), None);
        let rows = two(200).unwrap();
        assert!(
            (39..=41).contains(&rows) || (78..=82).contains(&rows),
            "{rows}"
        );
    }
}
