//! Rows drawn independently, each at most once: `D~_i = D_i / p_i` with probability `p_i = min(1, c u_i)`, else 0.

use rand::Rng;

use super::LeverageError;
use crate::instance::sample;

/// A sparse diagonal that stands for a dense one.
#[derive(Clone, Debug, PartialEq)]
pub struct RowSample {
    /// The rows that were kept, ascending, each once.
    pub rows: Vec<usize>,
    /// `D~` on those rows.
    pub weights: Vec<f64>,
    /// `sum p_i` rounded up: how many rows the guarantee asks for on average.
    pub draws: usize,
}

/// The c in `p_i = min(1, c u_i)`: with `u_i >= l_i` the sampled `A' D~ A` is outside `(1 -+ epsilon) A'DA` with
/// probability at most delta.
///
/// `c = ln(2 d / delta) / h`, `h = (1 + eps) ln(1 + eps) - eps`: Tropp's matrix Chernoff bound for summands of norm at most
/// `1 / c` and mean I (`docs/numerics.md`, "Sample size"). Between `2 eps^-2 ln(2d/delta)` and `2 (1 + eps/3)` times
/// `eps^-2 ln(2d/delta)`.
pub fn oversampling(columns: usize, epsilon: f64, delta: f64) -> f64 {
    let h = (1.0 + epsilon) * epsilon.ln_1p() - epsilon;
    // Below h, and all that rounding leaves of it for a tiny epsilon.
    let bernstein = epsilon * epsilon / (2.0 + 2.0 * epsilon / 3.0);
    (2.0 * columns as f64 / delta).ln() / h.max(bernstein)
}

/// Overestimates of the leverage scores of `diag(D)^1/2 A` from such of `diag(E)^1/2 A`: `min(1, u_i r_i / theta)` with
/// `r_i = D_i / E_i` and theta the smallest `r_i`.
///
/// Proof: `D >= theta E`, so `A'DA >= theta A'EA` and `D_i a_i (A'DA)^-1 a_i' <= (r_i / theta) E_i a_i (A'EA)^-1 a_i'`, whose
/// last factor is at most `u_i`; no score exceeds 1. Rows with `u_i = 0` have `a_i = 0` or `E_i = 0`; they say nothing of theta,
/// and get 0 or, where `E_i = 0`, 1.
///
/// `reference` is E (finite, `>= 0`: the squares of the row scales), `diagonal` is D (positive, finite); n entries each.
pub fn corrected_scores(
    scores: &[f64],
    reference: &[f64],
    diagonal: &[f64],
) -> Result<Vec<f64>, LeverageError> {
    check(scores, diagonal)?;
    if reference.len() != scores.len() {
        return Err(LeverageError::Shape {
            part: "length of the reference diagonal",
            found: reference.len(),
            expected: scores.len().to_string(),
        });
    }
    if let Some(index) = reference.iter().position(|e| !(e.is_finite() && *e >= 0.0)) {
        return Err(LeverageError::Scale {
            index,
            value: reference[index],
        });
    }
    let theta = scores
        .iter()
        .zip(reference)
        .zip(diagonal)
        .filter(|((score, e), _)| **score > 0.0 && **e > 0.0)
        .map(|((_, e), d)| d / e)
        .fold(f64::INFINITY, f64::min);
    Ok(scores
        .iter()
        .zip(reference)
        .zip(diagonal)
        .map(|((score, e), d)| {
            if *e == 0.0 {
                1.0
            } else if *score == 0.0 {
                0.0
            } else {
                // A ratio may overflow, and theta underflow to 0: then every row counts as important.
                let corrected = score * (d / e / theta);
                if corrected < 1.0 { corrected } else { 1.0 }
            }
        })
        .collect())
}

/// How large a sample is.
#[derive(Clone, Copy, Debug)]
pub struct SampleSize {
    /// `eps` of the guarantee.
    pub epsilon: f64,
    /// Failure probability of all samples of a run together.
    pub delta: f64,
    /// Multiplies what [`oversampling`] asks for; below 1 nothing is guaranteed. Finite and `> 0`.
    pub constant: f64,
}

/// Draws a sparse `D~` for the diagonal D: `(1-eps) A'DA <= A'D~A <= (1+eps) A'DA`, provided `u_i >= l_i` for the leverage
/// scores `l_i` of `diag(D)^1/2 A`.
///
/// The guarantee holds for all samples of a run together (`iteration` 0, 1, ...) with probability at least `1 - delta`: sample
/// t fails with probability at most `delta / ((t + 1) (t + 2))`, which add up to delta. `diagonal` is D (n positive finite
/// entries), `columns` is d. Deterministic in `seed` and `iteration`.
pub fn draw(
    scores: &[f64],
    diagonal: &[f64],
    epsilon: f64,
    delta: f64,
    seed: u64,
    iteration: usize,
    columns: usize,
) -> Result<RowSample, LeverageError> {
    let size = SampleSize {
        epsilon,
        delta,
        constant: 1.0,
    };
    draw_sized(scores, diagonal, size, seed, iteration, columns)
}

/// [`draw`] with another constant: `p_i = min(1, constant c u_i)`.
pub fn draw_sized(
    scores: &[f64],
    diagonal: &[f64],
    size: SampleSize,
    seed: u64,
    iteration: usize,
    columns: usize,
) -> Result<RowSample, LeverageError> {
    check(scores, diagonal)?;
    let t = iteration as f64;
    let share = size.delta / ((t + 1.0) * (t + 2.0));
    let c = size.constant * oversampling(columns, size.epsilon, share);
    let mut stream = sample::stream(seed, "row-sample", iteration as u64);
    let mut drawn = RowSample {
        rows: Vec::new(),
        weights: Vec::new(),
        draws: 0,
    };
    let mut expected = 0.0;
    for (i, (score, entry)) in scores.iter().zip(diagonal).enumerate() {
        // 53 random bits, drawn for every row: uniform on the multiples of 2^-53 in [0, 1).
        let uniform = (stream.next_u64() >> 11) as f64 * (f64::EPSILON / 2.0);
        if *score == 0.0 {
            continue;
        }
        // An infinite c (epsilon next to 0) keeps every row.
        let p = (c * score).min(1.0);
        expected += p;
        if uniform < p {
            drawn.rows.push(i);
            drawn.weights.push(entry / p);
        }
    }
    drawn.draws = expected.ceil() as usize;
    Ok(drawn)
}

fn check(scores: &[f64], diagonal: &[f64]) -> Result<(), LeverageError> {
    if diagonal.len() != scores.len() {
        return Err(LeverageError::Shape {
            part: "length of the diagonal",
            found: diagonal.len(),
            expected: scores.len().to_string(),
        });
    }
    if let Some(index) = scores.iter().position(|u| !(*u >= 0.0 && *u <= 1.0)) {
        return Err(LeverageError::Score {
            index,
            value: scores[index],
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
    Ok(())
}
