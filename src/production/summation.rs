//! Sums whose rounding does not grow with their length.

use nalgebra::DVectorView;

/// Norms below this and above its reciprocal have squares that are normal numbers.
const SQUARES_FINE: f64 = 1e150;
/// Entries that one accumulator chain of [`dot`] adds before the tree takes over.
pub(crate) const LEAF: usize = 64;
/// Independent accumulators in a leaf: enough for the compiler to use vector registers.
const LANES: usize = 8;

/// Sum by Neumaier's compensated algorithm.
///
/// `|result - sum| <= u |sum| + (n u)^2 sum |terms|` to first order, `u = 2^-53` (Ogita, Rump, Oishi 2005, Sum2).
pub(crate) fn compensated_sum(terms: impl IntoIterator<Item = f64>) -> f64 {
    let mut sum = 0.0_f64;
    let mut lost = 0.0_f64;
    for term in terms {
        let next = sum + term;
        lost += if sum.abs() >= term.abs() {
            (sum - next) + term
        } else {
            (term - next) + sum
        };
        sum = next;
    }
    // An infinite sum makes `lost` NaN: hand back the infinity, which callers test for.
    if lost.is_finite() { sum + lost } else { sum }
}

/// `||x||_2`, also where the squares of the entries over- or underflow; NaN if an entry is.
pub(crate) fn norm(x: &[f64]) -> f64 {
    let x = DVectorView::from_slice(x, x.len());
    let plain = x.norm();
    if plain.is_normal() && plain < SQUARES_FINE && plain > 1.0 / SQUARES_FINE {
        return plain;
    }
    let largest = x.amax();
    if largest == 0.0 || !largest.is_finite() {
        return if plain.is_nan() { plain } else { largest };
    }
    largest * (x / largest).norm()
}

/// The least and the largest of some numbers, of which none is NaN; infinities where there are none.
pub(crate) fn extremes(x: &[f64]) -> [f64; 2] {
    let mut lanes = [[f64::INFINITY; LANES], [f64::NEG_INFINITY; LANES]];
    let (groups, rest) = x.as_chunks::<LANES>();
    let mut look = |lane: usize, x: f64| {
        if x < lanes[0][lane] {
            lanes[0][lane] = x;
        }
        if x > lanes[1][lane] {
            lanes[1][lane] = x;
        }
    };
    for group in groups {
        for (lane, x) in group.iter().enumerate() {
            look(lane, *x);
        }
    }
    for x in rest {
        look(0, *x);
    }
    let [least, largest] = lanes;
    [
        least.into_iter().fold(f64::INFINITY, f64::min),
        largest.into_iter().fold(f64::NEG_INFINITY, f64::max),
    ]
}

/// `sum_i x_i y_i` by a binary tree over leaves of 64: at most [`dot_units`]`(n)` roundings per term.
pub(crate) fn dot(x: &[f64], y: &[f64]) -> f64 {
    let n = x.len();
    if n <= LEAF {
        let mut lanes = [0.0_f64; LANES];
        let mut left = x.chunks_exact(LANES);
        let mut right = y.chunks_exact(LANES);
        for (a, b) in left.by_ref().zip(right.by_ref()) {
            for lane in 0..LANES {
                lanes[lane] += a[lane] * b[lane];
            }
        }
        for (lane, (a, b)) in left.remainder().iter().zip(right.remainder()).enumerate() {
            lanes[lane] += a * b;
        }
        return ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6]))
            + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]));
    }
    let half = dot_split(n);
    dot(&x[..half], &y[..half]) + dot(&x[half..], &y[half..])
}

/// Where [`dot`] cuts more than [`LEAF`] entries: at a multiple of the leaf, so that the tree depends on the length alone.
pub(crate) fn dot_split(n: usize) -> usize {
    (n / 2).div_ceil(LEAF) * LEAF
}

/// `x y` as `head + tail`, exactly unless it under- or overflows (Veltkamp's splitting and Dekker's product). No fused
/// multiply-add: without the hardware instruction it would be a slow library call.
#[inline(always)]
pub(crate) fn two_product(x: f64, y: f64) -> (f64, f64) {
    const SPLITTER: f64 = 134_217_729.0; // 2^27 + 1
    let split = |value: f64| {
        let scaled = SPLITTER * value;
        let high = scaled - (scaled - value);
        (high, value - high)
    };
    let head = x * y;
    let (x_high, x_low) = split(x);
    let (y_high, y_low) = split(y);
    let tail = x_low * y_low - (((head - x_high * y_high) - x_low * y_high) - x_high * y_low);
    (head, tail)
}

/// `x + y` as `head + tail`, exactly (Knuth).
#[inline(always)]
pub(crate) fn two_sum(x: f64, y: f64) -> (f64, f64) {
    let head = x + y;
    let from_y = head - x;
    (head, (x - (head - from_y)) + (y - from_y))
}

/// `sums[i] + lost[i] += column[i] * factor` as if in twice the precision (Ogita, Rump, Oishi 2005, Dot2).
pub(crate) fn add_multiple(sums: &mut [f64], lost: &mut [f64], column: &[f64], factor: f64) {
    for ((sum, lost), entry) in sums.iter_mut().zip(lost.iter_mut()).zip(column) {
        let (product, product_tail) = two_product(*entry, factor);
        let (next, sum_tail) = two_sum(*sum, product);
        *sum = next;
        *lost += product_tail + sum_tail;
    }
}

/// Most roundings that any term of [`dot`] over `n` terms meets: the product, 8 additions in its lane, 3 to merge the
/// lanes, and one for each level of the tree (at most `log2(n / 64) + 2`).
pub(crate) fn dot_units(n: usize) -> f64 {
    let leaves = n.div_ceil(LEAF).max(1);
    let levels = if leaves <= 1 { 0 } else { leaves.ilog2() + 2 };
    12.0 + f64::from(levels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_and_the_largest_are_found_wherever_they_stand() {
        for length in 1..20_usize {
            for place in 0..length {
                let mut values = vec![0.5; length];
                values[place] = -3.0;
                values[(place + 1) % length] = 7.0;
                let least = if length == 1 { 7.0 } else { -3.0 };
                assert_eq!(extremes(&values), [least, 7.0], "{length}, {place}");
            }
        }
        assert_eq!(extremes(&[]), [f64::INFINITY, f64::NEG_INFINITY]);
    }

    #[test]
    fn a_norm_whose_squares_overflow_or_underflow_is_still_right() {
        for scale in [1e-300, 1e-160, 1.0, 1e160, 1e307] {
            let x = [3.0 * scale, 0.0, -4.0 * scale];
            assert!((norm(&x) / (5.0 * scale) - 1.0).abs() < 1e-15, "{scale}");
        }
        assert_eq!(norm(&[0.0; 2]), 0.0);
        assert_eq!(norm(&[1.0, f64::NEG_INFINITY]), f64::INFINITY);
        assert!(norm(&[f64::NAN, 1.0]).is_nan());
    }

    #[test]
    fn a_compensated_sum_keeps_what_a_plain_sum_loses() {
        let terms = [1e16, 1.0, -1e16, 1.0];
        assert_eq!(terms.iter().sum::<f64>(), 1.0);
        assert_eq!(compensated_sum(terms), 2.0);
    }

    #[test]
    fn a_dot_product_of_integers_is_exact_at_every_length() {
        // sum k^2 for k < n is (n-1) n (2n-1) / 6, below 2^53 here: no rounding may occur.
        for n in [0usize, 1, 7, 8, 63, 64, 65, 127, 128, 129, 1000, 4097] {
            let x: Vec<f64> = (0..n).map(|k| k as f64).collect();
            let expected = if n == 0 {
                0.0
            } else {
                ((n - 1) * n * (2 * n - 1) / 6) as f64
            };
            assert_eq!(dot(&x, &x), expected, "n = {n}");
        }
    }

    #[test]
    fn an_infinite_sum_stays_infinite() {
        assert_eq!(compensated_sum([f64::MAX, f64::MAX]), f64::INFINITY);
    }

    #[test]
    fn a_norm_whose_squares_are_exact_is_exact() {
        // Pythagorean triples: no rounding may occur where the squares are in range.
        for m in 2..=20u32 {
            for k in 1..m {
                let (a, b, c) = (m * m - k * k, 2 * m * k, m * m + k * k);
                assert_eq!(norm(&[f64::from(a), -f64::from(b)]), f64::from(c));
            }
        }
    }

    #[test]
    fn the_count_of_roundings_of_a_dot_product_grows_with_the_levels_of_its_tree() {
        // 12 in a leaf of 64, and at most log2(leaves) + 2 levels.
        let expected = [
            (1, 12.0),
            (64, 12.0),
            (65, 15.0),
            (192, 15.0),
            (193, 16.0),
            (256, 16.0),
            (257, 16.0),
            (1024, 18.0),
        ];
        for (n, units) in expected {
            assert_eq!(dot_units(n), units, "n = {n}");
        }
    }

    #[test]
    fn products_and_sums_split_into_head_and_tail_without_loss() {
        let (x, y) = (9_007_199_254_740_991.0, -6_004_799_503_160_661.0);
        let (head, tail) = two_product(x, y);
        assert_eq!(head as i128 + tail as i128, x as i128 * y as i128);
        assert_ne!(tail, 0.0);
        for (x, y) in [
            (2f64.powi(60), 3.0),
            (3.0, -(2f64.powi(60))),
            (2f64.powi(53), 1.0),
        ] {
            let (head, tail) = two_sum(x, y);
            assert_eq!(head, x + y);
            assert_eq!(head as i128 + tail as i128, x as i128 + y as i128);
        }
    }
}
