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
    let n = squared_weights.len();
    let budget = budget(operator, n, boost);
    let mut kappa = 0.0;
    let mut heavy = Selection::default();
    for _ in 0..2 {
        heavy = select(operator, squared_weights, diagonal, kappa);
        if budget as f64 >= WHOLE * n as f64 && heavy.rows.len() as f64 >= WHOLE * n as f64 {
            return exact(operator, squared_weights, diagonal);
        }
        if heavy.rows.len() > budget {
            cut(&mut heavy, squared_weights, diagonal, kappa, budget);
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
    Model {
        hessian,
        rows: heavy.rows.len(),
        cut: heavy.cut,
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
        rows: weights.len(),
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

#[derive(Default)]
struct Selection {
    rows: Vec<usize>,
    cut: bool,
}

/// All heavy rows, in order.
fn select(operator: &Operator, squared_weights: &[f64], diagonal: &[f64], kappa: f64) -> Selection {
    let threshold = TAU * (1.0 + kappa);
    let rows = operator
        .sweep_rows(|block, _, _, rows: &mut Vec<usize>| {
            rows.extend(block.filter(|&i| {
                (diagonal[i] - kappa * squared_weights[i]).abs() > threshold * squared_weights[i]
            }));
        })
        .concat();
    Selection { rows, cut: false }
}

/// Keeps the heaviest `budget` rows, the first ones among equals; weights are compared to seven bits.
fn cut(
    heavy: &mut Selection,
    squared_weights: &[f64],
    diagonal: &[f64],
    kappa: f64,
    budget: usize,
) {
    // The exponent and six bits of the fraction of a positive number: ordered as the numbers are.
    let key =
        |i: usize| ((diagonal[i] - kappa * squared_weights[i]).abs().to_bits() >> 46) as usize;
    let mut counts = vec![0usize; 1 << 17];
    for &i in &heavy.rows {
        counts[key(i)] += 1;
    }
    let (mut above, mut bucket) = (0, counts.len());
    while bucket > 0 && above + counts[bucket - 1] <= budget {
        bucket -= 1;
        above += counts[bucket];
    }
    let mut spare = budget - above;
    heavy.rows.retain(|&i| {
        let key = key(i);
        if key >= bucket {
            true
        } else if key + 1 == bucket && spare > 0 {
            spare -= 1;
            true
        } else {
            false
        }
    });
    heavy.cut = true;
}

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
    use nalgebra::{DMatrix, DVector, SymmetricEigen};
    use std::sync::Arc;

    fn full(gram: &Gram) -> DMatrix<f64> {
        DMatrix::from_fn(gram.order, gram.order, |i, j| gram.entry(i, j))
    }

    #[test]
    fn an_uncut_model_is_within_its_fraction_of_the_ridge_in_loewner_order() {
        let mut rng = sample::stream(11, "model", 0);
        let (n, d) = (60_000, 5);
        let a = sample::conditioned_matrix(&mut rng, n, d, 10.0, 10.0);
        let operator = Operator::new(&Arc::new(DesignMatrix::Dense(a)), Level::best());
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
        let operator = Operator::new(&Arc::new(DesignMatrix::Dense(a)), Level::best());
        let w2 = vec![1.0; n];
        let mut heavy = Selection {
            rows: (0..1000).collect(),
            cut: false,
        };
        let diagonal: Vec<f64> = (0..n).map(|i| 2f64.powi((i % 10) as i32)).collect();
        cut(&mut heavy, &w2, &diagonal, 0.0, 150);
        assert!(heavy.cut && heavy.rows.len() == 150);
        // The 100 rows of 2^9 and the first 50 of 2^8.
        assert_eq!(heavy.rows.iter().filter(|i| *i % 10 == 9).count(), 100);
        assert_eq!(heavy.rows.iter().filter(|i| *i % 10 == 8).max(), Some(&498));
        assert_eq!(
            light_mean(&operator, &w2, &vec![0.25; n], &heavy.rows),
            0.25
        );
        assert_eq!(DVector::from_vec(w2).sum(), n as f64);
    }
}
