//! Seeded generators. Everything is made from integers by basic IEEE operations, so the same seed gives the same bits
//! on every machine: targets, weights and points are dyadic rationals, matrices are products of rational reflections.

use nalgebra::{DMatrix, DVector};
use rand::{Rng, SeedableRng};

/// The generator behind every random choice: a ChaCha stream addressed by seed, label and index.
pub type Stream = rand_chacha::ChaCha8Rng;

/// The stream for one piece of work. Different labels or indices give independent streams, so the order in which
/// threads take up the work cannot matter.
pub fn stream(seed: u64, label: &str, index: u64) -> Stream {
    let mut key = [0u8; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(&index.to_le_bytes());
    key[16..].copy_from_slice(&fnv1a(label).to_le_bytes());
    Stream::from_seed(key)
}

/// FNV-1a, 128 bits: labels become part of a key, nothing here is secret.
fn fnv1a(label: &str) -> u128 {
    label
        .bytes()
        .fold(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d, |hash, byte| {
            (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b)
        })
}

/// A uniform integer in `low..=high`.
///
/// # Panics
/// If `low > high`.
pub fn integer(rng: &mut Stream, low: i64, high: i64) -> i64 {
    assert!(low <= high, "integer range {low}..={high} is empty");
    let span = (high - low) as u128 + 1;
    // Multiply-shift on 64 random bits: the bias is below span / 2^64.
    low + ((u128::from(rng.next_u64()) * span) >> 64) as i64
}

/// A dyadic rational `k / 1024` in `[-limit, limit]`.
pub fn dyadic(rng: &mut Stream, limit: i64) -> f64 {
    integer(rng, -1024 * limit, 1024 * limit) as f64 / 1024.0
}

/// A vector of `length` dyadic rationals in `[-limit, limit]`.
pub fn dyadic_vector(rng: &mut Stream, length: usize, limit: i64) -> DVector<f64> {
    DVector::from_fn(length, |_, _| dyadic(rng, limit))
}

/// Dyadic entries that are non-negative and add up to exactly 1 (multiples of 2^-20): a probability vector with
/// `||b||_1 = 1` exactly. Some entries may be 0.
pub fn probability(rng: &mut Stream, length: usize) -> DVector<f64> {
    const UNITS: i64 = 1 << 20;
    let mut cuts: Vec<i64> = (1..length).map(|_| integer(rng, 0, UNITS)).collect();
    cuts.sort_unstable();
    cuts.push(UNITS);
    let mut last = 0;
    DVector::from_iterator(
        length,
        cuts.into_iter().map(|cut| {
            let part = (cut - last) as f64 / UNITS as f64;
            last = cut;
            part
        }),
    )
}

/// A vector with entries of both signs and `||b||_1 = 1` exactly.
pub fn signed_unit_target(rng: &mut Stream, length: usize) -> DVector<f64> {
    probability(rng, length).map(|part| if rng.next_u32() & 1 == 0 { part } else { -part })
}

/// A matrix `n x d` whose singular values run geometrically (by repeated multiplication, no transcendental call) from
/// `largest` down to about `largest / condition`, between two random orthogonal factors made of rational reflections.
///
/// The realised condition number differs from `condition` by rounding only; measure it where it matters.
///
/// # Panics
/// If `n`, `d` is 0, or `condition < 1`.
pub fn conditioned_matrix(
    rng: &mut Stream,
    n: usize,
    d: usize,
    largest: f64,
    condition: f64,
) -> DMatrix<f64> {
    assert!(
        n > 0 && d > 0 && condition >= 1.0,
        "n, d >= 1 and condition >= 1"
    );
    let rank = n.min(d);
    let mut a = DMatrix::zeros(n, d);
    for k in 0..rank {
        // Linear interpolation in 1/sigma keeps every value inside the range and needs no logarithm.
        let fraction = if rank == 1 {
            0.0
        } else {
            k as f64 / (rank - 1) as f64
        };
        let sigma = if k + 1 == rank && rank > 1 {
            largest / condition
        } else {
            largest / (1.0 + fraction * fraction * (condition - 1.0))
        };
        a[(k, k)] = sigma;
    }
    for _ in 0..2 {
        let left = integer_direction(rng, n);
        let projection = (left.transpose() * &a) * (2.0 / left.norm_squared());
        a -= &left * projection;
        let right = integer_direction(rng, d);
        let projection = (&a * &right) * (2.0 / right.norm_squared());
        a -= projection * right.transpose();
    }
    a
}

/// A non-zero vector of small integers: the normal of a rational reflection.
fn integer_direction(rng: &mut Stream, length: usize) -> DVector<f64> {
    let mut direction = DVector::from_fn(length, |_, _| integer(rng, -8, 8) as f64);
    if direction.iter().all(|entry| *entry == 0.0) {
        direction[0] = 1.0;
    }
    direction
}
