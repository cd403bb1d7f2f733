//! `C += B'B` for dense rows, `B = diag(roots) A` rounded to f32: a Gram matrix in about 0.6 of the time of the one in f64.
//!
//! The rows of a block are multiplied by their roots, rounded and copied into one panel, which serves as left and right factor. Products
//! are summed up in f32 over a chain of a few rows, chains in f64. The Frobenius norms of the sums come along: what its
//! roundings come to is proportional to that, not to the sums of the magnitudes (`docs/numerics.md`, "A Gram matrix in single precision").

use std::ops::Range;

use pulp::bytemuck::cast_slice_mut;
use pulp::{Simd, WithSimd};

use crate::instance::row_major::RowMajor;
use crate::production::kernels::Level;
use crate::production::kernels::gram::Ahead;
use crate::production::kernels::partition::Rows;
use crate::production::kernels::pool::Pool;

/// Rows whose products are summed up in f32.
pub(crate) const CHAIN: usize = 64;
/// Rows after which the norm of a sum is taken: twice in a chain.
const HALF: usize = CHAIN / 2;
/// Columns of a panel: a multiple of the lanes of every level and of the columns of a tile.
const PANEL: usize = 48;
/// A padded row of f32 is a multiple of the widest vector.
const WIDEST: usize = 16;
/// Vectors of columns in a tile.
const LEFT: usize = 3;
/// Columns of a tile where there are 32 vector registers, and where there are 16.
const RIGHT_WIDE: usize = 8;
const RIGHT_NARROW: usize = 4;
/// Sums of squares side by side.
const SQUARES: usize = 4;
/// Entries of a tile at most.
const TILE: usize = RIGHT_WIDE * LEFT * WIDEST;
/// Entries that a panel holds: 512 KiB, which fits the second-level cache.
const PANEL_ENTRIES: usize = 131_072;
/// Rows of a block at least and at most, in chains.
const BLOCK_CHAINS: (usize, usize) = (2, 4);

/// The panel of one thread.
pub(crate) struct SinglePanel {
    /// Pairs of f32.
    pairs: Vec<f64>,
    rows: usize,
}

impl SinglePanel {
    /// Rows of a block at most, for rows of `stride` entries.
    pub fn block_rows(stride: usize) -> usize {
        let chains = PANEL_ENTRIES / stride.next_multiple_of(WIDEST) / CHAIN;
        chains.clamp(BLOCK_CHAINS.0, BLOCK_CHAINS.1) * CHAIN
    }

    /// A panel from a pool, for rows of `stride` entries.
    pub fn take(pool: &Pool, stride: usize) -> Self {
        let rows = Self::block_rows(stride);
        Self {
            pairs: pool.take(rows * stride.next_multiple_of(WIDEST) / 2),
            rows,
        }
    }

    /// Hands it back.
    pub fn give(self, pool: &Pool) {
        pool.give(self.pairs);
    }

    /// Rows of a block at most.
    pub fn rows(&self) -> usize {
        self.rows
    }
}

/// `C += B'B` for the given rows of a matrix, at most [`SinglePanel::rows`] of them, and a root for each.
///
/// C is `stride x stride` by rows. Entries `C[j][i]` with `i >= j` are right afterwards; those below the diagonal are touched only inside
/// the tiles that the diagonal crosses, and mean nothing. Returns what the Frobenius norms of the sums in f32 after each row of a chain add
/// up to, or more: they grow, and that after half of the chain and at its end stand for those before. Infinite or NaN where something
/// overflows.
pub(crate) fn add_gram(
    level: Level,
    matrix: &RowMajor,
    rows: Range<usize>,
    roots: &[f64],
    panel: &mut SinglePanel,
    c: &mut [f64],
) -> f64 {
    level.dispatch(AddGram {
        matrix,
        rows,
        roots,
        panel,
        c,
    })
}

struct AddGram<'a> {
    matrix: &'a RowMajor,
    rows: Range<usize>,
    roots: &'a [f64],
    panel: &'a mut SinglePanel,
    c: &'a mut [f64],
}

impl WithSimd for AddGram<'_> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f64 {
        if S::REGISTER_COUNT >= 32 {
            self.run::<S, RIGHT_WIDE>(simd)
        } else {
            self.run::<S, RIGHT_NARROW>(simd)
        }
    }
}

impl AddGram<'_> {
    #[inline(always)]
    fn run<S: Simd, const NR: usize>(self, simd: S) -> f64 {
        let (stride, count) = (self.matrix.stride(), self.rows.len());
        let wide = stride.next_multiple_of(WIDEST);
        let panel = &mut cast_slice_mut::<f64, f32>(&mut self.panel.pairs)[..count * wide];
        pack(self.matrix, self.rows.clone(), self.roots, panel);
        let part = |p: usize| {
            let width = PANEL.min(wide - p * PANEL);
            (&panel[p * PANEL * count..][..width * count], width)
        };
        let ahead = Ahead::of(self.matrix, &Rows::Range(self.rows));
        let mut squares = [0.0; 2 * BLOCK_CHAINS.1];
        let mut made = 0;
        for j in (0..stride).step_by(NR) {
            let p = j / PANEL;
            let (entries, width) = part(p);
            let right = Right {
                entries,
                width,
                first: j - p * PANEL,
            };
            for q in p..stride.div_ceil(PANEL) {
                let (entries, width) = part(q);
                let vectors = width.min(stride - q * PANEL).div_ceil(S::F32_LANES);
                // Vectors that end above this column lie wholly below the diagonal.
                let mut v = if q == p {
                    right.first / S::F32_LANES
                } else {
                    0
                };
                while v < vectors {
                    let last = ((v / LEFT + 1) * LEFT).min(vectors);
                    let left = Left {
                        vectors: S::as_simd_f32s(entries).0,
                        width: width / S::F32_LANES,
                        first: v,
                    };
                    let i = q * PANEL + v * S::F32_LANES;
                    let target = Target {
                        c: &mut self.c[j * stride + i..],
                        stride,
                        width: stride - i,
                        squares: &mut squares,
                    };
                    let ahead = ahead.after(made * count);
                    match last - v {
                        3 => tile::<S, 3, NR>(simd, left, right, target, ahead),
                        2 => tile::<S, 2, NR>(simd, left, right, target, ahead),
                        _ => tile::<S, 1, NR>(simd, left, right, target, ahead),
                    }
                    made += 1;
                    v = last;
                }
            }
        }
        // The other triangle doubles them.
        let norms = squares.iter().map(|square| (2.0 * square).sqrt());
        norms.sum::<f64>() * HALF as f64
    }
}

/// Panels of [`PANEL`] columns (fewer in the last), row after row; zeros behind the last column.
#[inline(always)]
fn pack(matrix: &RowMajor, rows: Range<usize>, roots: &[f64], panel: &mut [f32]) {
    let count = rows.len();
    let stride = matrix.stride();
    let wide = stride.next_multiple_of(WIDEST);
    let mut room = Vec::new();
    for ((r, i), root) in rows.enumerate().zip(roots) {
        let row = matrix.padded(i, i + 1, &mut room);
        for (p, entries) in row.chunks(PANEL).enumerate() {
            let width = PANEL.min(wide - p * PANEL);
            let start = p * PANEL * count + r * width;
            let (place, rest) = panel[start..start + width].split_at_mut(entries.len());
            for (to, from) in place.iter_mut().zip(entries) {
                *to = (from * root) as f32;
            }
            rest.fill(0.0);
        }
    }
}

/// A panel as left factor of a tile.
struct Left<'a, S: Simd> {
    vectors: &'a [S::f32s],
    /// Vectors a row.
    width: usize,
    /// The first of the tile.
    first: usize,
}

/// A panel as right factor of a tile.
#[derive(Clone, Copy)]
struct Right<'a> {
    entries: &'a [f32],
    /// Entries a row.
    width: usize,
    /// The first of the tile.
    first: usize,
}

/// Where a tile is added.
struct Target<'a> {
    /// From the first entry of the tile on.
    c: &'a mut [f64],
    stride: usize,
    /// Entries of a row of C from there on.
    width: usize,
    /// For each half of a chain.
    squares: &'a mut [f64],
}

/// One tile: NV vectors of columns of the left panel times NR columns, over all rows of the block.
#[inline(always)]
fn tile<S: Simd, const NV: usize, const NR: usize>(
    simd: S,
    left: Left<'_, S>,
    right: Right<'_>,
    target: Target<'_>,
    mut ahead: Ahead<'_>,
) {
    let size = NV * S::F32_LANES;
    let (mut chain, mut total) = ([0_f32; TILE], [0.0; TILE]);
    let (chain, total) = (&mut chain[..NR * size], &mut total[..NR * size]);
    let left_chains = left.vectors.chunks(CHAIN * left.width);
    let right_chains = right.entries.chunks(CHAIN * right.width);
    let squares = target.squares.chunks_exact_mut(2);
    for ((l, r), squares) in left_chains.zip(right_chains).zip(squares) {
        let mut sums = [[simd.splat_f32s(0.0); NV]; NR];
        let left_halves = l.chunks(HALF * left.width);
        let right_halves = r.chunks(HALF * right.width);
        for ((l, r), square) in left_halves.zip(right_halves).zip(squares) {
            let rows = l.chunks_exact(left.width).zip(r.chunks_exact(right.width));
            for (l, r) in rows {
                let l = &l[left.first..left.first + NV];
                let r = &r[right.first..right.first + NR];
                ahead.fetch();
                for j in 0..NR {
                    let factor = simd.splat_f32s(r[j]);
                    for v in 0..NV {
                        sums[j][v] = simd.mul_add_e_f32s(l[v], factor, sums[j][v]);
                    }
                }
            }
            // Several sums, to hide the latency of the additions.
            let mut squares = [simd.splat_f32s(0.0); SQUARES];
            for j in 0..NR {
                for v in 0..NV {
                    let place = &mut squares[(j * NV + v) % SQUARES];
                    *place = simd.mul_add_e_f32s(sums[j][v], sums[j][v], *place);
                }
            }
            let mut all = squares[0];
            for squares in &squares[1..] {
                all = simd.add_f32s(all, *squares);
            }
            *square += f64::from(simd.reduce_sum_f32s(all));
        }
        let places = S::as_mut_simd_f32s(&mut *chain).0;
        // By index: where an iterator borrows the sums they leave their registers.
        for j in 0..NR {
            for v in 0..NV {
                places[j * NV + v] = sums[j][v];
            }
        }
        for (total, sum) in total.iter_mut().zip(&*chain) {
            *total += f64::from(*sum);
        }
    }
    // The last vector may end behind the rows of C.
    let width = size.min(target.width);
    for (place, total) in target
        .c
        .chunks_mut(target.stride)
        .zip(total.chunks_exact(size))
    {
        for (entry, sum) in place[..width].iter_mut().zip(total) {
            *entry += sum;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::{DMatrix, DVector};

    /// One call over all rows; C and the sum of the norms.
    fn gram(level: Level, matrix: &DMatrix<f64>, roots: &[f64]) -> (Vec<f64>, f64) {
        let rows = RowMajor::from(matrix);
        let stride = rows.stride();
        let mut c = vec![0.0; stride * stride];
        let pool = Pool::default();
        let mut panel = SinglePanel::take(&pool, stride);
        let mut norms = 0.0;
        for first in (0..rows.rows()).step_by(panel.rows()) {
            let block = first..(first + panel.rows()).min(rows.rows());
            let roots = &roots[block.clone()];
            norms += add_gram(level, &rows, block, roots, &mut panel, &mut c);
        }
        panel.give(&pool);
        (c, norms)
    }

    /// Small integers, of which every sum is exact in f32 too. The norms after each row by nalgebra, and those after half a chain that
    /// stand for them; the diagonal is counted twice, as are entries beside it inside a tile.
    #[test]
    fn gram_matrices_of_integers_are_exact_on_every_level() {
        for level in Level::all() {
            for (n, d) in [
                (1, 1),
                (5, 7),
                (64, 8),
                (130, 20),
                (300, 64),
                (64, 49),
                (31, 100),
            ] {
                let matrix = DMatrix::from_fn(n, d, |i, j| ((5 * i + 3 * j) % 13) as f64 - 6.0);
                let roots = DVector::from_fn(n, |i, _| (i % 3) as f64);
                let weighted = DMatrix::from_diagonal(&roots) * &matrix;
                let expected = weighted.tr_mul(&weighted);
                let (c, norms) = gram(level, &matrix, roots.as_slice());
                let stride = d.next_multiple_of(8);
                for j in 0..d {
                    for i in j..d {
                        let found = c[j * stride + i];
                        assert_eq!(found, expected[(j, i)], "{} {n} x {d}", level.name());
                    }
                }
                let after = |first: usize, rows: usize| {
                    let rows = weighted.rows(first, rows.min(n - first));
                    rows.tr_mul(&rows).norm()
                };
                let exact: f64 = (0..n)
                    .map(|i| after(i / CHAIN * CHAIN, i % CHAIN + 1))
                    .sum();
                let halves: f64 = (0..n)
                    .step_by(HALF)
                    .map(|i| HALF as f64 * after(i / CHAIN * CHAIN, i % CHAIN + HALF))
                    .sum();
                assert!(norms >= exact, "{} {n} x {d}", level.name());
                assert!(norms <= 1.5 * halves, "{} {n} x {d}", level.name());
            }
        }
    }

    /// Entries 1 and, 63 times, s with `s^2 = 0.98 u`: each product is lost beside 1, on every level. By hand: what is lost of a chain
    /// is `63 * 0.98 u`, and the bound of `docs/numerics.md` allows u times 64 norms of 1 and once more.
    #[test]
    fn what_a_chain_loses_is_nearly_what_the_bound_allows() {
        let unit = 2f64.powi(-24);
        let small = f64::from((0.98 * unit).sqrt() as f32);
        let matrix = DMatrix::from_fn(256, 9, |i, j| match (i % CHAIN, j) {
            (0, 2) => 1.0,
            (_, 2) => small,
            _ => 0.0,
        });
        for level in Level::all() {
            let (c, norms) = gram(level, &matrix, &[1.0; 256]);
            let exact = 4.0 + 252.0 * small * small;
            let lost = exact - c[2 * 16 + 2];
            assert!(lost >= 4.0 * 60.0 * unit, "{}: {lost:e}", level.name());
            assert!(lost <= unit * (norms + 4.0), "{}", level.name());
        }
    }

    #[test]
    fn what_leaves_the_range_of_f32_shows_in_the_norms() {
        for level in Level::all() {
            let mut matrix = DMatrix::from_element(70, 10, 1.0);
            matrix[(68, 3)] = 1e30;
            let (_, norms) = gram(level, &matrix, &[1.0; 70]);
            assert!(!norms.is_finite(), "{}", level.name());
        }
    }
}
