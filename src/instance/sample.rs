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

/// A matrix `n x d` whose singular values run from `largest` down to `largest / condition`, number `k` of `r = min(n, d)`
/// being `largest / (1 + (k / (r - 1))^2 (condition - 1))`, between two random orthogonal factors made of rational
/// reflections. A single singular value is `largest`.
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
        // Interpolation in 1/sigma keeps every value inside the range and needs no logarithm.
        let fraction = if rank == 1 {
            0.0
        } else {
            k as f64 / (rank - 1) as f64
        };
        // The last divisor is `condition` itself: up to 2^53 neither subtraction nor addition rounds.
        a[(k, k)] = largest / (1.0 + fraction * fraction * (condition - 1.0));
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Instances are named by seed and index in reports and must be drawn again from these alone. The numbers come from
    /// `fixtures/instances/second_implementation.py`, which gives the published key stream of the zero key.
    #[test]
    fn the_same_seed_gives_the_numbers_of_an_independent_implementation() {
        let mut rng = stream(0x0102_0304_0506_0708, "a label", 0x1112_1314_1516_1718);
        let words = [(); 3].map(|()| rng.next_u64());
        let expected = [
            0xf5fa_d277_9346_5d2f,
            0xdfb7_c001_15f1_b117,
            0x9568_6d2d_63d0_b8b1,
        ];
        assert_eq!(words, expected);

        let mut rng = stream(7, "check", 3);
        let integers = [(); 6].map(|()| integer(&mut rng, -3, 1000));
        assert_eq!(integers, [527, 178, 569, 375, 327, 235]);
        let expected = [610.0, -1339.0, -707.0, 172.0];
        assert_eq!(
            (dyadic_vector(&mut rng, 4, 2) * 1024.0).as_slice(),
            expected
        );
        let expected = [431_480.0, 263_427.0, 263_576.0, 61_045.0, 29_048.0];
        let units = f64::from(1 << 20);
        assert_eq!((probability(&mut rng, 5) * units).as_slice(), expected);
        let expected = [-239_820.0, -19_512.0, -400_132.0, 111_139.0, -277_973.0];
        assert_eq!(
            (signed_unit_target(&mut rng, 5) * units).as_slice(),
            expected
        );
    }

    /// The values that the authors of FNV publish for these texts.
    #[test]
    fn labels_are_hashed_as_published() {
        assert_eq!(fnv1a(""), 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d);
        assert_eq!(fnv1a("a"), 0xd228_cb69_6f1a_8caf_7891_2b70_4e4a_8964);
        assert_eq!(fnv1a("foobar"), 0x343e_1662_793c_64bf_6f0d_3597_ba44_6f18);
    }

    #[test]
    fn integers_take_every_value_of_their_range_equally_often() {
        let mut rng = stream(1, "integer", 0);
        let mut counts = [0u32; 6];
        for _ in 0..6000 {
            let drawn = integer(&mut rng, -2, 3);
            counts[usize::try_from(drawn + 2).unwrap()] += 1;
        }
        // Expected 1000 each, standard deviation 29.
        assert!(
            counts.iter().all(|count| count.abs_diff(1000) < 150),
            "{counts:?}"
        );
        assert_eq!(integer(&mut rng, 5, 5), 5);
        // The widest range: neither end overflows.
        let wide = integer(&mut rng, -(1 << 62), (1 << 62) - 1);
        assert!((-(1 << 62)..1 << 62).contains(&wide));
    }

    #[test]
    #[should_panic(expected = "integer range 3..=2 is empty")]
    fn an_empty_range_is_a_mistake_of_the_caller() {
        integer(&mut stream(0, "integer", 0), 3, 2);
    }

    #[test]
    fn dyadic_numbers_are_whole_multiples_of_their_unit_up_to_both_limits() {
        let mut rng = stream(2, "dyadic", 0);
        let drawn: Vec<f64> = (0..20_000).map(|_| dyadic(&mut rng, 3)).collect();
        assert!(
            drawn
                .iter()
                .all(|x| (x * 1024.0).fract() == 0.0 && x.abs() <= 3.0)
        );
        // 6145 values, so each end is missed with probability exp(-3.25) at most; here the neighbourhood is asked for.
        assert!(drawn.iter().any(|x| *x > 2.99) && drawn.iter().any(|x| *x < -2.99));
    }

    #[test]
    fn probabilities_are_not_negative_and_add_up_to_exactly_one() {
        for length in [1usize, 2, 7, 50] {
            for index in 0..50 {
                let mut rng = stream(3, "probability", index);
                let part = probability(&mut rng, length);
                assert_eq!(part.len(), length);
                assert!(part.min() >= 0.0);
                assert_eq!(part.sum(), 1.0);
                assert!(part.iter().all(|x| (x * f64::from(1 << 20)).fract() == 0.0));
                let signed = signed_unit_target(&mut rng, length);
                assert_eq!(signed.lp_norm(1), 1.0);
            }
        }
        let mut rng = stream(3, "signs", 0);
        let many = signed_unit_target(&mut rng, 50);
        assert!(many.min() < 0.0 && many.max() > 0.0);
    }

    /// Singular values worked out by hand: with r = 5 and condition 9 the divisors are 1 + 8 (k/4)^2 = 1, 1.5, 3, 5.5, 9.
    #[test]
    fn the_singular_values_are_exactly_those_asked_for() {
        let expected = [3.0, 2.0, 1.0, 6.0 / 11.0, 1.0 / 3.0];
        for (n, d) in [(7, 5), (5, 5), (5, 8)] {
            for index in 0..10 {
                let mut rng = stream(4, "matrix", index);
                let a = conditioned_matrix(&mut rng, n, d, 3.0, 9.0);
                assert_eq!((a.nrows(), a.ncols()), (n, d));
                let mut found = a.singular_values().as_slice().to_vec();
                found.sort_by(|x, y| y.total_cmp(x));
                for (found, expected) in found.iter().zip(expected) {
                    assert!((found - expected).abs() < 1e-13, "{found} for {expected}");
                }
            }
        }
    }

    #[test]
    fn a_single_singular_value_is_the_largest_and_condition_one_is_allowed() {
        let mut rng = stream(5, "matrix", 0);
        for (n, d) in [(1, 1), (6, 1), (1, 4)] {
            let a = conditioned_matrix(&mut rng, n, d, 3.0, 9.0);
            assert!((a.norm() - 3.0).abs() < 1e-14);
        }
        let a = conditioned_matrix(&mut rng, 4, 3, 2.0, 1.0);
        let gram = a.tr_mul(&a);
        assert!((gram - DMatrix::identity(3, 3) * 4.0).amax() < 1e-14);
    }

    /// A factor that was left out would leave one of the Gram matrices diagonal.
    #[test]
    fn the_singular_vectors_are_those_of_neither_side_s_axes() {
        let a = conditioned_matrix(&mut stream(6, "matrix", 0), 4, 3, 1.0, 5.0);
        for gram in [a.tr_mul(&a), &a * a.transpose()] {
            assert!(gram[(0, 1)].abs() > 1e-3 && gram[(1, 2)].abs() > 1e-3);
        }
    }

    #[test]
    fn a_matrix_without_rows_or_columns_or_with_condition_below_one_is_a_mistake_of_the_caller() {
        for (n, d, condition) in [(0, 2, 4.0), (2, 0, 4.0), (2, 2, 0.75), (2, 2, f64::NAN)] {
            let drawn = std::panic::catch_unwind(|| {
                conditioned_matrix(&mut stream(0, "matrix", 0), n, d, 1.0, condition)
            });
            let panic = drawn.unwrap_err();
            let message = panic.downcast_ref::<&str>();
            assert_eq!(message, Some(&"n, d >= 1 and condition >= 1"));
        }
    }

    /// The normal of a reflection must not be zero, and every integer from -8 to 8 occurs.
    #[test]
    fn normals_are_small_integers_and_never_zero() {
        let mut rng = stream(7, "direction", 0);
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..1000 {
            let direction = integer_direction(&mut rng, 1);
            assert_ne!(direction[0], 0.0);
            seen.insert(direction[0] as i64);
        }
        let expected: Vec<i64> = (-8..=8).filter(|k| *k != 0).collect();
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), expected);
        let mut second = 0.0;
        for _ in 0..100 {
            let direction = integer_direction(&mut rng, 3);
            assert!(direction.amax() <= 8.0 && direction.amax() >= 1.0);
            second += f64::from(u8::from(direction[1] == 0.0));
        }
        // An entry may be zero as long as another is not: some 6 of 100 are.
        assert!(second > 0.0 && second < 30.0);
    }
}
