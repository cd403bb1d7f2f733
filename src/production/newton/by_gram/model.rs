//! The Hessian model of an iteration: one fixed Gram matrix, a correction on the heavy rows, and the exact low-rank part.
//!
//! ```text
//! A' (W^2 + diag(D)) A  ~  (1 + kappa) A' W^2 A  +  sum over S of (D_i - kappa w_i^2) a_i a_i'
//! ```
//!
//! S holds the rows with `|D_i - kappa w_i^2| > tau (1 + kappa) w_i^2`, kappa is the mean of D over the others in units of
//! their w^2. Where S is not cut by its budget, the model is within `tau (1 + kappa) A' W^2 A` of the Hessian in Loewner
//! order. For softmax few rows are heavy, as the probabilities sum to one; where many are, the whole Gram matrix is made
//! anew and nothing is approximated.

use rayon::iter::{IntoParallelRefMutIterator, ParallelIterator};
use rayon::slice::ParallelSlice;

use crate::production::kernels::operator::{Gram, Operator};
use crate::production::kernels::partition::Rows;

/// A light row's curvature differs from its share of the fixed Gram matrix by at most this fraction of it.
const TAU: f64 = 0.005;
/// Budget of heavy rows: this fraction of all rows, but some rows for each column.
const BUDGET: f64 = 0.03;
const ROWS_PER_COLUMN: f64 = 6.0;
/// Matrices with fewer entries get a whole Gram matrix whenever half of the rows are heavy: it costs next to nothing.
const SMALL: usize = 200_000;
/// From this fraction of heavy rows on, a whole Gram matrix is cheaper.
const WHOLE: f64 = 0.5;
/// Rows that are asked together whether one of them is heavy: most often none is.
const TOGETHER: usize = 32;
/// The fixed Gram matrix is not scaled below a tenth of itself.
const LEAST_KAPPA: f64 = -0.9;

/// A model and how it was made.
pub(crate) struct Model {
    pub hessian: Gram,
    /// Rows of A whose own curvature entered.
    pub rows: usize,
    /// Whether the budget left out rows that are heavy.
    pub cut: bool,
}

/// Makes the model from the diagonal D; `boost >= 1` multiplies the budget.
pub(crate) fn reused_gram(
    operator: &Operator,
    squared_weights: &[f64],
    ridge: &Gram,
    diagonal: &[f64],
    boost: f64,
) -> Model {
    let n = operator.all_rows();
    let budget = budget(operator, n, boost);
    let mut kappa = 0.0;
    let mut heavy = Selection::default();
    for _ in 0..2 {
        let candidates = Candidates {
            operator,
            squared_weights,
            diagonal,
            kappa,
        };
        heavy = candidates.heaviest(budget);
        if budget as f64 >= WHOLE * n as f64 && heavy.candidates as f64 >= WHOLE * n as f64 {
            return exact(operator, squared_weights, diagonal);
        }
        kappa = light_mean(operator, squared_weights, diagonal, &heavy.rows);
    }
    let weights: Vec<f64> = heavy
        .rows
        .iter()
        .map(|i| diagonal[*i] - kappa * squared_weights[*i])
        .collect();
    let mut hessian = ridge.clone();
    for entry in &mut hessian.entries {
        *entry *= 1.0 + kappa;
    }
    operator.add_gram(Rows::List(&heavy.rows), &weights, &mut hessian);
    let rows = operator.share().counts(heavy.rows.len()).iter().sum();
    Model {
        hessian,
        rows,
        cut: rows < heavy.candidates,
    }
}

/// The whole diagonal part, nothing approximated.
pub(crate) fn exact(operator: &Operator, squared_weights: &[f64], diagonal: &[f64]) -> Model {
    let weights: Vec<f64> = squared_weights
        .iter()
        .zip(diagonal)
        .map(|(w2, d)| w2 + d)
        .collect();
    Model {
        hessian: operator.gram(&weights),
        rows: operator.all_rows(),
        cut: false,
    }
}

fn budget(operator: &Operator, n: usize, boost: f64) -> usize {
    let entries = operator.stored();
    if entries <= SMALL {
        return n;
    }
    let rows = (BUDGET * n as f64).max(ROWS_PER_COLUMN * operator.columns() as f64) * boost;
    (rows as usize).min(n)
}

/// Heavy rows that enter the model, ascending.
#[derive(Default)]
struct Selection {
    /// Those that are here.
    rows: Vec<usize>,
    /// Heavy rows altogether, those of other ranks as well.
    candidates: usize,
}

/// Where heavy rows are looked for.
struct Candidates<'a> {
    operator: &'a Operator,
    squared_weights: &'a [f64],
    diagonal: &'a [f64],
    kappa: f64,
}

impl Candidates<'_> {
    /// By how much the curvature of row i differs from its share.
    #[inline]
    fn excess_of(&self, i: usize) -> f64 {
        self.excess(self.diagonal[i], self.squared_weights[i])
    }

    #[inline]
    fn excess(&self, curvature: f64, squared_weight: f64) -> f64 {
        (curvature - self.kappa * squared_weight).abs()
    }

    /// The heaviest rows, `budget` at most; the first ones among equals, and they are compared to five bits.
    fn heaviest(&self, budget: usize) -> Selection {
        let threshold = TAU * (1.0 + self.kappa);
        let is_heavy = |(d, w2): (&f64, &f64)| self.excess(*d, *w2) > threshold * w2;
        let mut parts = self
            .operator
            .sweep_own_rows(|block, _, _, heavy: &mut Vec<usize>| {
                for first in block.clone().step_by(TOGETHER) {
                    let rows = first..(first + TOGETHER).min(block.end);
                    let entries = || {
                        let weights = &self.squared_weights[rows.clone()];
                        self.diagonal[rows.clone()].iter().zip(weights)
                    };
                    // Without a branch, so that several rows are compared at once.
                    if entries().fold(false, |any, entry| any | is_heavy(entry)) {
                        let found = rows.clone().zip(entries());
                        heavy.extend(found.filter(|(_, entry)| is_heavy(*entry)).map(|(i, _)| i));
                    }
                }
            });
        let share = self.operator.share();
        let here = parts.iter().map(Vec::len).sum();
        let candidates = share.counts(here).iter().sum();
        if candidates <= budget {
            return Selection {
                rows: parts.concat(),
                candidates,
            };
        }
        let Least { key: least, spare } = self.least_key(&parts, budget);
        parts
            .par_iter_mut()
            .for_each(|rows| rows.retain(|i| key(self.excess_of(*i)) >= least));
        let mut rows = parts.concat();
        share.in_turn_on(spare, |spare| {
            rows.retain(|i| {
                let above = key(self.excess_of(*i)) > least;
                let taken = above || *spare > 0;
                *spare -= usize::from(taken && !above);
                taken
            });
        });
        Selection { rows, candidates }
    }

    /// The least key of which not all rows fit the budget, which is below their number.
    fn least_key(&self, parts: &[Vec<usize>], budget: usize) -> Least {
        // Counts are whole numbers: their sums are the same in any order.
        let counts: Vec<Vec<usize>> = parts
            .par_chunks(PARTS_PER_COUNT)
            .map(|parts| {
                let mut counts = vec![0; KEYS];
                for i in parts.iter().flatten() {
                    counts[key(self.excess_of(*i))] += 1;
                }
                counts
            })
            .collect();
        let here = |key: usize| counts.iter().map(|counts| counts[key]).sum::<usize>();
        let share = self.operator.share();
        let everywhere = (!share.is_whole()).then(|| {
            share.in_turn(vec![0.0; KEYS], |totals| {
                for (key, total) in totals.iter_mut().enumerate() {
                    *total += here(key) as f64;
                }
            })
        });
        let mut least = Least {
            key: 0,
            spare: budget,
        };
        for key in (0..KEYS).rev() {
            let here = everywhere
                .as_ref()
                .map_or_else(|| here(key), |totals| totals[key] as usize);
            least.key = key;
            if here > least.spare {
                break;
            }
            least.spare -= here;
        }
        least
    }
}

/// Which keys are taken: all above this one, and some of it.
struct Least {
    key: usize,
    /// How many of this key.
    spare: usize,
}

/// Exponent and four bits of the fraction of a positive number: ordered as the numbers are.
fn key(excess: f64) -> usize {
    (excess.to_bits() >> 48) as usize
}

/// One more than the largest [`key`].
const KEYS: usize = 1 << 15;
/// Chunks of rows that share a table of counts: a table for each would take longer to clear than to fill.
const PARTS_PER_COUNT: usize = 16;

/// The mean of D over the rows that are not heavy, in units of the mean of w^2 there.
fn light_mean(
    operator: &Operator,
    squared_weights: &[f64],
    diagonal: &[f64],
    heavy: &[usize],
) -> f64 {
    let parts = operator.sweep_rows(|block, _, _, sums: &mut [f64; 2]| {
        // Heavy rows are sorted: those of this block are one run.
        let first = heavy.partition_point(|i| *i < block.start);
        let mut skipped = heavy[first..].iter().copied().peekable();
        for i in block {
            if skipped.next_if_eq(&i).is_none() {
                sums[0] += diagonal[i];
                sums[1] += squared_weights[i];
            }
        }
    });
    let [curvature, weight] = parts.iter().fold([0.0; 2], |total, part| {
        [total[0] + part[0], total[1] + part[1]]
    });
    if weight > 0.0 {
        (curvature / weight).max(LEAST_KAPPA)
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instance::{DesignMatrix, sample};
    use crate::production::kernels::Level;
    use nalgebra::{DMatrix, SymmetricEigen};
    use std::sync::Arc;

    fn full(gram: &Gram) -> DMatrix<f64> {
        DMatrix::from_fn(gram.order, gram.order, |i, j| gram.entry(i, j))
    }

    #[test]
    fn an_uncut_model_is_within_its_fraction_of_the_ridge_in_loewner_order() {
        let mut rng = sample::stream(11, "model", 0);
        let (n, d) = (60_000, 5);
        let a = sample::conditioned_matrix(&mut rng, n, d, 10.0, 10.0);
        let operator = Operator::new(&Arc::new(DesignMatrix::Dense(a.into())), Level::best());
        let w2: Vec<f64> = (0..n).map(|i| 1.0 + (i % 5) as f64).collect();
        // Few heavy rows, the others below tau.
        let diagonal: Vec<f64> = (0..n)
            .map(|i| {
                if i % 100 == 0 {
                    30.0
                } else {
                    0.004 * w2[i] * ((i % 7) as f64 / 6.0)
                }
            })
            .collect();
        let ridge = operator.gram(&w2);
        let model = reused_gram(&operator, &w2, &ridge, &diagonal, 1.0);
        assert!(!model.cut && model.rows == n / 100);
        let whole = exact(&operator, &w2, &diagonal);
        let cholesky = full(&ridge).cholesky().unwrap();
        let inverse = cholesky.l().try_inverse().unwrap();
        let relative =
            &inverse * (full(&model.hessian) - full(&whole.hessian)) * inverse.transpose();
        let spread = SymmetricEigen::new(relative).eigenvalues.amax();
        // kappa is below 0.01 here.
        assert!(spread <= TAU * 1.01, "{spread}");
        // Not exact either: otherwise the test says nothing.
        assert!(spread > 1e-6);
    }

    #[test]
    fn a_budget_keeps_the_heaviest_rows_and_says_so() {
        let (n, d) = (50_000, 2);
        let a = DMatrix::from_fn(n, d, |i, j| 1.0 + ((i + j) % 3) as f64);
        let operator = Operator::new(&Arc::new(DesignMatrix::Dense(a.into())), Level::best());
        let w2 = vec![1.0; n];
        // Rows from 1000 on have no curvature.
        let diagonal: Vec<f64> = (0..n)
            .map(|i| {
                if i < 1000 {
                    2f64.powi((i % 10) as i32)
                } else {
                    0.0
                }
            })
            .collect();
        let candidates = Candidates {
            operator: &operator,
            squared_weights: &w2,
            diagonal: &diagonal,
            kappa: 0.0,
        };
        let heavy = candidates.heaviest(150);
        assert_eq!((heavy.rows.len(), heavy.candidates), (150, 1000));
        assert!(heavy.rows.is_sorted());
        // The 100 rows of 2^9 and the first 50 of 2^8.
        assert_eq!(heavy.rows.iter().filter(|i| *i % 10 == 9).count(), 100);
        assert_eq!(heavy.rows.iter().filter(|i| *i % 10 == 8).max(), Some(&498));
        assert_eq!(
            light_mean(&operator, &w2, &vec![0.25; n], &heavy.rows),
            0.25
        );
        // A budget that suffices takes all of them, and one of 200 ends between two keys.
        assert_eq!(
            candidates.heaviest(1000).rows,
            (0..1000).collect::<Vec<_>>()
        );
        assert_eq!(candidates.heaviest(n).rows.len(), 1000);
        let two = candidates.heaviest(200).rows;
        assert!(two.len() == 200 && two.iter().all(|i| i % 10 >= 8));
    }

    #[test]
    fn the_budget_is_a_share_of_the_rows_but_some_for_each_column() {
        let budget_of = |n: usize, d: usize, boost: f64| {
            let a = DMatrix::from_element(n, d, 1.0);
            let operator = Operator::new(&Arc::new(DesignMatrix::Dense(a.into())), Level::best());
            budget(&operator, n, boost)
        };
        assert_eq!(budget_of(2_000, 100, 1.0), 2_000);
        assert_eq!(budget_of(50_000, 5, 1.0), 1_500);
        assert_eq!(budget_of(50_000, 5, 2.0), 3_000);
        assert_eq!(budget_of(2_000, 101, 1.0), 606);
        assert_eq!(budget_of(2_000, 101, 10.0), 2_000);
    }

    /// Weights 2, curvatures 0.008 on eight rows (kappa = 0.004, light) and 8 on two: 1.004 G and 8 - 0.008 on those two.
    #[test]
    fn few_heavy_rows_correct_a_scaled_gram_matrix() {
        let a = DMatrix::from_fn(10, 2, |i, j| ((3 * i + 5 * j) % 7) as f64 - 3.0);
        let operator = Operator::new(&Arc::new(DesignMatrix::Dense(a.into())), Level::best());
        let w2 = vec![2.0; 10];
        let ridge = operator.gram(&w2);
        let mut diagonal = vec![0.008; 10];
        (diagonal[3], diagonal[8]) = (8.0, 8.0);
        let model = reused_gram(&operator, &w2, &ridge, &diagonal, 1.0);
        assert_eq!((model.rows, model.cut), (2, false));
        let whole = exact(&operator, &w2, &diagonal);
        assert_eq!((whole.rows, whole.cut), (10, false));
        assert!((full(&model.hessian) - full(&whole.hessian)).amax() < 1e-12);
        // Half of the rows: no reuse.
        diagonal[..5].fill(8.0);
        diagonal[8] = 0.008;
        assert_eq!(reused_gram(&operator, &w2, &ridge, &diagonal, 1.0).rows, 10);
        assert_eq!(light_mean(&operator, &w2, &[-1.9; 10], &[]), LEAST_KAPPA);
        assert_eq!(light_mean(&operator, &w2, &[-1.5; 10], &[3]), -0.75);
        assert_eq!(light_mean(&operator, &[0.0; 10], &[1.0; 10], &[]), 0.0);
    }
}
