//! Products with a symmetric matrix of which the upper triangle is stored by rows.

use pulp::{Simd, WithSimd};

use crate::instance::row_major::LINE;
use crate::production::kernels::Level;

/// Rows that pass over the vectors together.
const ROWS: usize = 4;

/// Adds to `product` what the entries on and right of the diagonal in the given rows, and their mirror images, make of x. Rows are
/// `stride` apart, a multiple of 8; `x` and `product` have `stride` entries, those from the order on zero.
pub(crate) fn add_product(
    level: Level,
    entries: &[f64],
    stride: usize,
    rows: std::ops::Range<usize>,
    x: &[f64],
    product: &mut [f64],
) {
    level.dispatch(Symmetric {
        entries,
        stride,
        rows,
        x,
        product,
    });
}

struct Symmetric<'a> {
    entries: &'a [f64],
    stride: usize,
    rows: std::ops::Range<usize>,
    x: &'a [f64],
    product: &'a mut [f64],
}

impl WithSimd for Symmetric<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self {
            entries,
            stride,
            rows,
            x,
            product,
        } = self;
        let mut first = rows.start;
        while first < rows.end {
            let count = ROWS.min(rows.end - first);
            // To the next line the triangle, entry by entry; whole vectors from there on.
            let aligned = (first + count).next_multiple_of(LINE).min(stride);
            for j in first..first + count {
                let row = &entries[j * stride..j * stride + aligned];
                product[j] += row[j] * x[j];
                for i in j + 1..aligned {
                    product[j] += row[i] * x[i];
                    product[i] += row[i] * x[j];
                }
            }
            let own: [&[f64]; ROWS] = std::array::from_fn(|k| {
                let j = first + k.min(count - 1);
                &entries[j * stride + aligned..(j + 1) * stride]
            });
            let factors: [f64; ROWS] =
                std::array::from_fn(|k| if k < count { x[first + k] } else { 0.0 });
            let sums = across(simd, own, factors, &x[aligned..], &mut product[aligned..]);
            for (k, sum) in sums.into_iter().enumerate().take(count) {
                product[first + k] += sum;
            }
            first += count;
        }
    }
}

/// `product += factors rows`; the products of the rows with x.
#[inline(always)]
fn across<S: Simd>(
    simd: S,
    rows: [&[f64]; ROWS],
    factors: [f64; ROWS],
    x: &[f64],
    product: &mut [f64],
) -> [f64; ROWS] {
    let factors = factors.map(|factor| simd.splat_f64s(factor));
    let rows = rows.map(|row| S::as_simd_f64s(row).0);
    let mut sums = [simd.splat_f64s(0.0); ROWS];
    let x = S::as_simd_f64s(x).0;
    let product = S::as_mut_simd_f64s(product).0;
    let length = x.len();
    let rows = rows.map(|row| &row[..length]);
    for (i, (x, product)) in x.iter().zip(product).enumerate() {
        let mut total = *product;
        for k in 0..ROWS {
            let entry = rows[k][i];
            total = simd.mul_add_e_f64s(entry, factors[k], total);
            sums[k] = simd.mul_add_e_f64s(entry, *x, sums[k]);
        }
        *product = total;
    }
    sums.map(|sum| simd.reduce_sum_f64s(sum))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Small integers, whose sums are exact: the expected values by the definition.
    #[test]
    fn both_triangles_enter_once() {
        for level in Level::all() {
            for n in [1_usize, 3, 8, 13, 37] {
                let stride = n.next_multiple_of(8);
                let entry = |i: usize, j: usize| ((i.min(j) * 5 + i.max(j) * 3) % 11) as f64 - 5.0;
                // Left of the diagonal nothing may be read, right of the last column there are zeros.
                let mut entries = vec![f64::NAN; stride * stride];
                for j in 0..stride {
                    for i in j..stride {
                        entries[j * stride + i] = if i < n { entry(i, j) } else { 0.0 };
                    }
                }
                let mut x: Vec<f64> = (0..n).map(|i| (i % 4) as f64 - 1.0).collect();
                x.resize(stride, 0.0);
                for cut in [0, n / 3, n] {
                    let mut product = vec![0.0; stride];
                    add_product(level, &entries, stride, 0..cut, &x, &mut product);
                    add_product(level, &entries, stride, cut..n, &x, &mut product);
                    for (i, found) in product.iter().enumerate().take(n) {
                        let expected: f64 = (0..n).map(|j| entry(i, j) * x[j]).sum();
                        assert_eq!(*found, expected, "{} {n} {cut} {i}", level.name());
                    }
                }
            }
        }
    }
}
