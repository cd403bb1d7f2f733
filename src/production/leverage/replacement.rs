//! The papers' SUBSAMPLE: draws with replacement, in proportion to the exact leverage scores.

use nalgebra::{DMatrix, DVector};
use rand::Rng;

use super::{LeverageError, leverage_scores};
use crate::instance::sample::Stream;

/// `ceil(C eps^-2 d ln(2 d / delta))`: draws after which `(1-eps) A'DA <= A'D~A <= (1+eps) A'DA` fails with probability
/// at most about delta. At least 1; saturates at `usize::MAX` (also for arguments out of range: the caller checks them).
pub fn sample_count(d: usize, epsilon: f64, delta: f64, constant: f64) -> usize {
    let d = d as f64;
    let count = (constant * d * (2.0 * d / delta).ln() / (epsilon * epsilon)).ceil();
    // A float-to-integer cast saturates and sends NaN to 0.
    (count as usize).max(1)
}

/// A sparse diagonal that stands for a dense one.
#[derive(Clone, Debug, PartialEq)]
pub struct Subsample {
    /// `D~`, n entries `>= 0`, most of them 0 when n is large.
    pub diagonal: DVector<f64>,
    /// How many entries are not 0.
    pub distinct_rows: usize,
}

/// Draws `count` rows, independently and with replacement, row i with probability `p_i = sigma_i(sqrt(D) A) / d`, and
/// gives each draw the weight `D_i / (count p_i)`; the expectation of `A' D~ A` is `A' D A`.
///
/// `diagonal` is D (n positive finite entries), `a` is n x d with full column rank. Deterministic in the state of `rng`.
pub fn subsample(
    diagonal: &DVector<f64>,
    a: &DMatrix<f64>,
    count: usize,
    rng: &mut Stream,
) -> Result<Subsample, LeverageError> {
    let n = a.nrows();
    if diagonal.len() != n {
        return Err(LeverageError::Shape {
            part: "length of the diagonal",
            found: diagonal.len(),
            expected: n.to_string(),
        });
    }
    if count == 0 {
        return Err(LeverageError::Shape {
            part: "number of draws",
            found: 0,
            expected: "at least 1".to_string(),
        });
    }
    if let Some(index) = diagonal
        .iter()
        .position(|entry| !(entry.is_finite() && *entry > 0.0))
    {
        return Err(LeverageError::NotPositive {
            index,
            value: diagonal[index],
        });
    }
    let mut weighted = a.clone();
    for mut column in weighted.column_iter_mut() {
        for (entry, d) in column.iter_mut().zip(diagonal.iter()) {
            *entry *= d.sqrt();
        }
    }
    let scores = leverage_scores(&weighted)?;
    let draws = times_drawn(scores.as_slice(), count, rng);
    let total = scores.sum();
    let mut sampled = DVector::zeros(n);
    let mut distinct_rows = 0;
    for (i, times) in draws.iter().enumerate() {
        if *times > 0 {
            distinct_rows += 1;
            sampled[i] = diagonal[i] * (*times as f64 / count as f64) * (total / scores[i]);
        }
    }
    Ok(Subsample {
        diagonal: sampled,
        distinct_rows,
    })
}

/// How often each index comes up in `count` draws with probabilities in proportion to `scores`.
pub(crate) fn times_drawn(scores: &[f64], count: usize, rng: &mut Stream) -> Vec<usize> {
    let mut cumulative = Vec::with_capacity(scores.len());
    let mut total = 0.0;
    for score in scores {
        total += score;
        cumulative.push(total);
    }
    let mut times = vec![0; scores.len()];
    for _ in 0..count {
        // 53 random bits: uniform on the multiples of 2^-53 in [0, 1), so `target < total`.
        let target = (rng.next_u64() >> 11) as f64 * (f64::EPSILON / 2.0) * total;
        // The first index whose cumulative sum exceeds the target: a score of 0 is never drawn.
        let index = cumulative.partition_point(|sum| *sum <= target);
        times[index.min(scores.len() - 1)] += 1;
    }
    times
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instance::sample;

    #[test]
    fn each_fault_in_the_input_has_its_own_error() {
        let a = DMatrix::from_fn(4, 2, |i, j| {
            ((i + 1) * (j + 1) + i * j) as f64 + f64::from(i == j)
        });
        let ones = DVector::repeat(4, 1.0);
        let mut rng = sample::stream(1, "leverage-faults", 0);
        assert!(subsample(&ones, &a, 3, &mut rng).is_ok());
        let short = DVector::repeat(3, 1.0);
        assert!(matches!(
            subsample(&short, &a, 3, &mut rng),
            Err(LeverageError::Shape { .. })
        ));
        assert!(matches!(
            subsample(&ones, &a, 0, &mut rng),
            Err(LeverageError::Shape { .. })
        ));
        for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let mut diagonal = ones.clone();
            diagonal[2] = bad;
            assert!(matches!(
                subsample(&diagonal, &a, 3, &mut rng),
                Err(LeverageError::NotPositive { index: 2, .. })
            ));
        }
        let mut broken = a.clone();
        broken[(1, 0)] = f64::NAN;
        assert!(matches!(
            subsample(&ones, &broken, 3, &mut rng),
            Err(LeverageError::NotFinite {
                row: 1,
                column: 0,
                ..
            })
        ));
    }

    #[test]
    fn the_sample_count_is_the_formula() {
        // 4 * 0.5^-2 * 2 * ln(4 / 0.1) = 32 ln 40 = 118.04...
        assert_eq!(sample_count(2, 0.5, 0.1, 4.0), 119);
        assert_eq!(sample_count(2, 1e-300, 0.1, 4.0), usize::MAX);
    }

    #[test]
    fn one_draw_of_a_single_row_gives_the_diagonal_back() {
        let mut rng = sample::stream(1, "leverage-one", 0);
        let sampled = subsample(
            &DVector::repeat(1, 3.5),
            &DMatrix::from_element(1, 1, -2.0),
            1,
            &mut rng,
        )
        .unwrap();
        assert_eq!(sampled.distinct_rows, 1);
        assert!((sampled.diagonal[0] - 3.5).abs() < 1e-14);
    }

    #[test]
    fn the_mean_of_many_draws_approaches_the_gram_matrix_and_a_wrong_weight_is_caught() {
        let mut rng = sample::stream(1, "leverage-mean", 0);
        let a = sample::conditioned_matrix(&mut rng, 60, 3, 1.0, 10.0);
        let diagonal = DVector::from_fn(60, |i, _| 1.0 + i as f64 / 7.0);
        let gram = |d: &DVector<f64>| a.transpose() * DMatrix::from_diagonal(d) * &a;
        let exact = gram(&diagonal);
        let whiten = exact.clone().cholesky().unwrap().l().try_inverse().unwrap();
        let sampled = subsample(&diagonal, &a, 20_000, &mut rng).unwrap();
        let deviation = |d: &DVector<f64>| {
            let centred = &whiten * gram(d) * whiten.transpose() - DMatrix::identity(3, 3);
            centred.symmetric_eigenvalues().amax()
        };
        // eps = sqrt(4 d ln(2 d / delta) / s) = 0.09 for delta = 1e-4.
        assert!(deviation(&sampled.diagonal) < 0.09);
        // Planted fault: the weight without the 1 / p_i.
        let wrong = sampled
            .diagonal
            .map(|entry| if entry > 0.0 { 1.0 } else { 0.0 });
        assert!(deviation(&wrong) > 0.09);
    }

    #[test]
    fn the_same_seed_draws_the_same_rows() {
        let a = DMatrix::from_fn(30, 2, |i, j| (i * (j + 1)) as f64 + 1.0 / (1.0 + i as f64));
        let ones = DVector::repeat(30, 1.0);
        let run = |seed| subsample(&ones, &a, 10, &mut sample::stream(seed, "same", 3)).unwrap();
        assert_eq!(run(5), run(5));
        assert_ne!(run(5), run(6));
    }

    /// D = (9, 1) over A = (1, 1)': scores 9/10 and 1/10, so one draw gives the row that it hits the weight 10 = A'DA, whichever
    /// it is.
    #[test]
    fn scores_are_those_of_the_weighted_rows() {
        let diagonal = DVector::from_column_slice(&[9.0, 1.0]);
        let a = DMatrix::from_element(2, 1, 1.0);
        for seed in 0..20 {
            let mut rng = sample::stream(seed, "leverage-two", 0);
            let sampled = subsample(&diagonal, &a, 1, &mut rng).unwrap();
            assert_eq!(sampled.distinct_rows, 1);
            assert!((sampled.diagonal.sum() - 10.0).abs() < 1e-13);
        }
    }
}
