//! Rows of the Gaussian kernel `exp(-||a_i - a_j||^2 / 2)`.
//!
//! From differences of the rows, not from their squares: what two close rows have in common would cancel, and equal rows would not
//! give 1.

use pulp::{Simd, WithSimd};

use crate::instance::row_major::RowMajor;
use crate::production::kernels::Level;
use crate::production::kernels::exponential::exponentials_with;

/// Columns of a panel: whole vectors on every level.
const WIDTH: usize = 24;
/// Vectors of columns in a tile.
const WIDE: usize = 3;
/// Rows that pass over a panel together.
const ROWS: usize = 4;

/// The rows of A as columns, in panels of [`WIDTH`], the last filled up with zeros.
pub(crate) struct Transposed {
    panels: Vec<f64>,
    width: usize,
}

impl Transposed {
    /// Of all rows.
    pub fn of(a: &RowMajor) -> Self {
        let d = a.columns();
        let mut panels = vec![0.0; a.rows().div_ceil(WIDTH) * WIDTH * d];
        if d > 0 {
            for (panel, first) in panels.chunks_exact_mut(WIDTH * d).zip((0..).step_by(WIDTH)) {
                for i in first..(first + WIDTH).min(a.rows()) {
                    for (t, entry) in a.row(i).iter().enumerate() {
                        panel[t * WIDTH + i - first] = *entry;
                    }
                }
            }
        }
        Self { panels, width: d }
    }
}

/// Buffers of one thread.
#[derive(Default)]
pub(crate) struct Buffers {
    distances: Vec<f64>,
    scratch: Vec<f64>,
}

/// Row `first + k` of the kernel from its own column on, in row k of `out` (rows `stride` apart) from that place on; at most
/// [`Level::best`]'s tile of rows at once costs the least. What stands before that place is arbitrary afterwards.
pub(crate) fn kernel_rows(
    level: Level,
    a: &RowMajor,
    columns: &Transposed,
    (first, stride): (usize, usize),
    out: &mut [f64],
    buffers: &mut Buffers,
) {
    level.dispatch(KernelRows {
        a,
        columns,
        first,
        stride,
        out,
        buffers,
    });
}

struct KernelRows<'a> {
    a: &'a RowMajor,
    columns: &'a Transposed,
    first: usize,
    stride: usize,
    out: &'a mut [f64],
    buffers: &'a mut Buffers,
}

impl WithSimd for KernelRows<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self {
            a,
            columns,
            first,
            stride,
            out,
            buffers,
        } = self;
        let (n, d) = (a.rows(), columns.width);
        let padded = n.div_ceil(WIDTH) * WIDTH;
        for (group, out) in out.chunks_mut(ROWS * stride).enumerate() {
            let row = first + group * ROWS;
            let count = out.len() / stride;
            // Fewer rows than a tile has: the last ones again.
            let rows: [&[f64]; ROWS] =
                std::array::from_fn(|k| a.row((row + k.min(count - 1)).min(n - 1)));
            let from = row / WIDTH * WIDTH;
            buffers.distances.resize(ROWS * padded, 0.0);
            for panel in from / WIDTH..padded / WIDTH {
                let entries = &columns.panels[panel * WIDTH * d..(panel + 1) * WIDTH * d];
                let vectors = S::as_simd_f64s(entries).0;
                let across = WIDTH / S::F64_LANES;
                for column in (0..across).step_by(WIDE) {
                    let sums = tile::<S>(simd, rows, vectors, (column, across));
                    for (k, sums) in sums.iter().enumerate() {
                        let start = k * padded + panel * WIDTH + column * S::F64_LANES;
                        let place = &mut buffers.distances[start..start + WIDE * S::F64_LANES];
                        S::as_mut_simd_f64s(place).0.copy_from_slice(sums);
                    }
                }
            }
            buffers.scratch.resize(padded, 0.0);
            for (k, out) in out.chunks_exact_mut(stride).enumerate() {
                let distances = &buffers.distances[k * padded + from..k * padded + n];
                let out = &mut out[from..n];
                out.copy_from_slice(distances);
                exponentials_with(simd, out, &mut buffers.scratch);
            }
        }
    }
}

/// Minus half the squared distances of four rows from the columns of a tile.
#[inline(always)]
fn tile<S: Simd>(
    simd: S,
    rows: [&[f64]; ROWS],
    columns: &[S::f64s],
    (first, across): (usize, usize),
) -> [[S::f64s; WIDE]; ROWS] {
    let mut sums = [[simd.splat_f64s(0.0); WIDE]; ROWS];
    for (t, columns) in columns.chunks_exact(across).enumerate() {
        let columns = &columns[first..first + WIDE];
        for k in 0..ROWS {
            let own = simd.splat_f64s(rows[k][t]);
            for v in 0..WIDE {
                let off = simd.sub_f64s(columns[v], own);
                sums[k][v] = simd.mul_add_e_f64s(off, off, sums[k][v]);
            }
        }
    }
    let half = simd.splat_f64s(-0.5);
    sums.map(|row| row.map(|sum| simd.mul_f64s(sum, half)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against `f64::exp` of squared distances of small integers over 8, which are exact.
    #[test]
    fn every_entry_is_the_exponential_of_a_distance() {
        for level in Level::all() {
            for (n, d) in [(1, 1), (5, 3), (24, 2), (25, 4), (61, 5)] {
                let mut a = RowMajor::zeros(n, d);
                for i in 0..n {
                    for t in 0..d {
                        a.row_mut(i)[t] = ((i * 7 + t * 5) % 23) as f64 / 8.0;
                    }
                }
                let columns = Transposed::of(&a);
                let stride = n.next_multiple_of(8);
                for first in [0, 1, 4, n - 1] {
                    if first >= n {
                        continue;
                    }
                    let count = (n - first).min(8);
                    let mut out = vec![f64::NAN; count * stride];
                    let mut buffers = Buffers::default();
                    kernel_rows(level, &a, &columns, (first, stride), &mut out, &mut buffers);
                    for k in 0..count {
                        for i in first + k..n {
                            let square: f64 = (0..d)
                                .map(|t| (a.row(i)[t] - a.row(first + k)[t]).powi(2))
                                .sum();
                            let expected = (-0.5 * square).exp();
                            let found = out[k * stride + i];
                            let name = level.name();
                            assert!(
                                (found / expected - 1.0).abs() < 4.0 * f64::EPSILON,
                                "{name} {n} {d} {first} {k} {i}: {found} {expected}"
                            );
                        }
                    }
                }
            }
        }
    }
}
