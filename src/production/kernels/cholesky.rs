//! `U'U = M` for a positive definite matrix, by rows of U, vectorised.

use pulp::{Simd, WithSimd};

use crate::instance::row_major::LINE;
use crate::production::kernels::Level;
use crate::production::kernels::subtract::{Buffers, Factors, Source, Target, subtract_product};

/// Rows of U that are made before all rows below them are brought up to date.
const BLOCK: usize = 32;

/// Replaces the upper triangle of M (d x d, rows `stride` apart, a multiple of 8, of which there are as many) by U. False if a
/// pivot is not positive; the entries are arbitrary then. Entries left of the diagonal are neither read nor kept.
pub(crate) fn factor(level: Level, entries: &mut [f64], d: usize, stride: usize) -> bool {
    let mut buffers = Buffers::default();
    for first in (0..d).step_by(BLOCK) {
        let last = (first + BLOCK).min(stride);
        for row in (first..last).step_by(LINE) {
            let (above, rows) = entries.split_at_mut(row * stride);
            let above = &above[first * stride..];
            subtract_product(
                level,
                Target {
                    entries: &mut *rows,
                    stride,
                    rows: LINE,
                    columns: row..stride,
                    triangular: true,
                },
                Factors {
                    entries: above.get(row..).unwrap_or_default(),
                    row_step: 1,
                    source_step: stride,
                },
                Source {
                    entries: above,
                    stride,
                    rows: row - first,
                },
                &mut buffers,
            );
            let group = Group {
                rows: &mut rows[..LINE * stride],
                stride,
                first: row,
                count: LINE.min(d - row),
            };
            if !level.dispatch(group) {
                return false;
            }
        }
        if last >= d {
            break;
        }
        let (above, rows) = entries.split_at_mut(last * stride);
        let above = &above[first * stride..];
        subtract_product(
            level,
            Target {
                entries: rows,
                stride,
                rows: stride - last,
                columns: last..stride,
                triangular: true,
            },
            Factors {
                entries: &above[last..],
                row_step: 1,
                source_step: stride,
            },
            Source {
                entries: above,
                stride,
                rows: last - first,
            },
            &mut buffers,
        );
    }
    true
}

/// Rows of U that are right up to each other's share.
struct Group<'a> {
    rows: &'a mut [f64],
    stride: usize,
    /// The column of the first row's diagonal.
    first: usize,
    /// Rows with a diagonal; the others are padding.
    count: usize,
}

impl WithSimd for Group<'_> {
    type Output = bool;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> bool {
        let Self {
            rows,
            stride,
            first,
            count,
        } = self;
        let mut square = [[0.0; LINE]; LINE];
        for (row, entries) in square.iter_mut().zip(rows.chunks(stride)) {
            row.copy_from_slice(&entries[first..first + LINE]);
        }
        for r in 0..count {
            let pivot = square[r][r];
            if pivot.is_nan() || pivot <= 0.0 {
                return false;
            }
            let root = pivot.sqrt();
            square[r][r] = root;
            for entry in &mut square[r][r + 1..] {
                *entry /= root;
            }
            let made = square[r];
            for (s, row) in square.iter_mut().enumerate().skip(r + 1) {
                for c in s..LINE {
                    row[c] -= made[s] * made[c];
                }
            }
        }
        for (row, entries) in square.iter().zip(rows.chunks_mut(stride)) {
            entries[first..first + LINE].copy_from_slice(row);
        }
        if count < LINE {
            // The last group: what lies to the right is padding.
            return true;
        }
        let mut lines = rows.chunks_exact_mut(stride);
        let lines: [&mut [S::f64s]; LINE] = std::array::from_fn(|_| {
            let line = lines.next().unwrap_or_default();
            S::as_mut_simd_f64s(&mut line[first + LINE..]).0
        });
        let vectors = lines[0].len();
        // One vector of all eight rows after the other: an iterator would go along a row.
        #[allow(clippy::needless_range_loop)]
        for v in 0..vectors {
            let mut made = [simd.splat_f64s(0.0); LINE];
            for r in 0..LINE {
                let mut sum = lines[r][v];
                for m in 0..r {
                    let factor = simd.splat_f64s(-square[m][r]);
                    sum = simd.mul_add_e_f64s(made[m], factor, sum);
                }
                made[r] = simd.div_f64s(sum, simd.splat_f64s(square[r][r]));
                lines[r][v] = made[r];
            }
        }
        true
    }
}

/// The solution of `U'U s = v` in place of v, which has `stride` entries, those from d on zero.
pub(crate) fn solve(level: Level, entries: &[f64], d: usize, stride: usize, v: &mut [f64]) {
    forward(level, entries, d, stride, v);
    backward(level, entries, d, stride, v);
}

/// The solution of `U' y = v` in place of v, as in [`solve`].
pub(crate) fn forward(level: Level, entries: &[f64], d: usize, stride: usize, v: &mut [f64]) {
    level.dispatch(Forward(Triangle { entries, d, stride }, v));
}

/// The solution of `U s = y` in place of y, as in [`solve`].
pub(crate) fn backward(level: Level, entries: &[f64], d: usize, stride: usize, y: &mut [f64]) {
    level.dispatch(Backward(Triangle { entries, d, stride }, y));
}

/// U by rows.
struct Triangle<'a> {
    entries: &'a [f64],
    d: usize,
    stride: usize,
}

struct Forward<'a>(Triangle<'a>, &'a mut [f64]);

impl WithSimd for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self(Triangle { entries, d, stride }, v) = self;
        for (j, row) in entries.chunks_exact(stride).take(d).enumerate() {
            let share = v[j] / row[j];
            v[j] = share;
            let aligned = (j + 1).next_multiple_of(LINE);
            for (v, entry) in v[j + 1..aligned].iter_mut().zip(&row[j + 1..aligned]) {
                *v -= share * entry;
            }
            let factor = simd.splat_f64s(-share);
            let rest = S::as_mut_simd_f64s(&mut v[aligned..]).0;
            for (v, entry) in rest.iter_mut().zip(S::as_simd_f64s(&row[aligned..]).0) {
                *v = simd.mul_add_e_f64s(*entry, factor, *v);
            }
        }
    }
}

struct Backward<'a>(Triangle<'a>, &'a mut [f64]);

impl WithSimd for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self(Triangle { entries, d, stride }, y) = self;
        for (j, row) in entries.chunks_exact(stride).take(d).enumerate().rev() {
            let aligned = (j + 1).next_multiple_of(LINE);
            let mut sums = simd.splat_f64s(0.0);
            let known = S::as_simd_f64s(&y[aligned..]).0;
            for (y, entry) in known.iter().zip(S::as_simd_f64s(&row[aligned..]).0) {
                sums = simd.mul_add_e_f64s(*entry, *y, sums);
            }
            let near = y[j + 1..aligned].iter().zip(&row[j + 1..aligned]);
            let near: f64 = near.map(|(y, entry)| y * entry).sum();
            y[j] = (y[j] - simd.reduce_sum_f64s(sums) - near) / row[j];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::DMatrix;

    /// Lehmer's matrix, `min(i, j) / max(i, j)` counted from 1, has the factor `U[j, i] = root(2 j - 1) / i` for `j <= i`, by hand:
    /// the sum of `2 k - 1` for k up to m is `m^2`.
    ///
    /// In f64 `|U'U - M| <= g root(M_ii M_jj) = g` with `g = (d + 1) u / (1 - (d + 1) u)`, whatever the order of the operations
    /// (Higham 2002, Accuracy and Stability, theorem 10.3). To first order such an E changes U' by `U' tril(U'^-1 E U^-1)`, half of the
    /// diagonal. `U'^-1` has the entries `i / root(2 i - 1)` and, left of it, `-(i - 1) / root(2 i - 1)`, so
    /// that entry (k, j) in between is below `g root((2 k - 1)(2 j - 1))` and the change of `U[j, i]` below
    /// `g U[j, i] (i^2 - (j - 1)^2)`.
    #[test]
    fn the_factor_is_the_known_one_and_solves_on_every_level() {
        for level in Level::all() {
            for d in [1usize, 2, 7, 8, 9, 31, 32, 33, 40, 64, 65, 100] {
                let stride = d.next_multiple_of(LINE);
                let lehmer =
                    DMatrix::from_fn(d, d, |i, j| (i.min(j) + 1) as f64 / (i.max(j) + 1) as f64);
                // What is left of the diagonal, and below it in the padding, must not count.
                let mut entries = vec![f64::NAN; stride * stride];
                for i in 0..d {
                    for j in i..stride {
                        entries[i * stride + j] = if j < d { lehmer[(i, j)] } else { 0.0 };
                    }
                }
                assert!(factor(level, &mut entries, d, stride));
                let unit = 0.5 * f64::EPSILON;
                // One rounding of an entry of M, and two of an expected one.
                let g = (d + 2) as f64 * unit / (1.0 - (d + 2) as f64 * unit);
                for (i, k) in (0..d).flat_map(|j| (j..d).map(move |i| (j, i))) {
                    let (row, column) = ((i + 1) as f64, (k + 1) as f64);
                    let expected = (2.0 * row - 1.0).sqrt() / column;
                    let sensitivity = column * column - (row - 1.0).powi(2);
                    let off = (entries[i * stride + k] - expected).abs();
                    let allowed = expected * (g * sensitivity + 4.0 * unit);
                    assert!(off <= allowed, "{} {d}: {i}, {k}: {off:e}", level.name());
                    let product: f64 = (0..=i)
                        .map(|m| entries[m * stride + i] * entries[m * stride + k])
                        .sum();
                    // The product itself rounds as much again.
                    let off = (product - lehmer[(i, k)]).abs();
                    assert!(off <= 2.0 * g, "{} {d}: {i}, {k}: {off:e}", level.name());
                }
                let x = DMatrix::from_fn(d, 1, |i, _| (i % 5) as f64 - 2.0);
                let mut v = (&lehmer * &x).as_slice().to_vec();
                v.resize(stride, 0.0);
                solve(level, &entries, d, stride, &mut v);
                for (found, expected) in v.iter().zip(x.iter()) {
                    assert!((found - expected).abs() < 1e-9, "{d}: {found}");
                }
            }
        }
    }

    /// The identity but for one pivot.
    #[test]
    fn a_pivot_that_is_not_positive_is_found_at_any_place() {
        for d in [1usize, 5, 8, 40, 70] {
            let stride = d.next_multiple_of(LINE);
            for bad in [0, d / 2, d - 1] {
                for pivot in [0.0, -1.0, f64::NAN] {
                    let mut entries = vec![0.0; stride * stride];
                    for i in 0..d {
                        entries[i * stride + i] = if i == bad { pivot } else { 1.0 };
                    }
                    assert!(!factor(Level::best(), &mut entries, d, stride), "{d} {bad}");
                }
            }
        }
    }
}
