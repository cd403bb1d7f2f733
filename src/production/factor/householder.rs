//! The triangular factor R of a tall matrix, by Householder's reflections in blocks, and its inverse.

use nalgebra::DMatrix;

use crate::instance::row_major::{LINE, RowMajor};
use crate::production::factor::Factor;
use crate::production::kernels::Level;
use crate::production::kernels::subtract::{Buffers, Factors, Source, Target, subtract_product};

/// Reflections of a block.
const BLOCK: usize = 32;
/// Rows whose share of a product with a block is summed at once: they stay in the second-level cache.
const PIECE: usize = 256;

/// `M = R'R` for the triangular factor `B = Q R` of a tall B: `R'` is the root. By the inverse of R, which is wanted anyway where
/// many rows are multiplied with it.
pub(crate) struct Householder {
    /// `R^-1` by rows, zeros below the diagonal; d x d.
    inverse: Vec<f64>,
    /// `1 / (||R|| ||R^-1||)` in the Frobenius norm, or 0 where that is no number.
    ratio: f64,
}

impl Householder {
    /// The factor of a matrix with at least as many rows as columns. A singular one has entries that are not finite, and a ratio of 0.
    pub(crate) fn new(matrix: Tall) -> Self {
        let r = matrix.into_triangular_factor();
        let inverse = r.upper_inverse();
        let ratio = (r.frobenius_norm() * inverse.frobenius_norm()).recip();
        Self {
            inverse: inverse.into_rows(),
            ratio: if ratio.is_nan() { 0.0 } else { ratio },
        }
    }

    /// R itself, d x d, of a matrix with at least as many rows as columns.
    pub(crate) fn triangular_factor(matrix: Tall) -> DMatrix<f64> {
        let d = matrix.columns;
        DMatrix::from_row_slice(d, d, &matrix.into_triangular_factor().into_rows())
    }

    /// `R^-1` by rows.
    pub(crate) fn inverse(&self) -> &[f64] {
        &self.inverse
    }

    /// At most `sigma_min(B) / sigma_max(B)`, and at least a d-th of it.
    pub(crate) fn ratio(&self) -> f64 {
        self.ratio
    }
}

impl Factor for Householder {
    fn root_solve(&self, v: &[f64]) -> Vec<f64> {
        let mut product = vec![0.0; v.len()];
        for (i, row) in self.inverse.chunks_exact(v.len()).enumerate() {
            for (sum, entry) in product[i..].iter_mut().zip(&row[i..]) {
                *sum += entry * v[i];
            }
        }
        product
    }

    fn transposed_root_solve(&self, v: &[f64]) -> Vec<f64> {
        let rows = self.inverse.chunks_exact(v.len()).enumerate();
        rows.map(|(i, row)| row[i..].iter().zip(&v[i..]).map(|(t, v)| t * v).sum())
            .collect()
    }
}

/// A matrix by rows, each padded with zeros to a multiple of 8 entries.
pub(crate) struct Tall {
    entries: Vec<f64>,
    rows: usize,
    columns: usize,
    stride: usize,
}

impl Tall {
    pub(crate) fn zeros(rows: usize, columns: usize) -> Self {
        let stride = columns.next_multiple_of(LINE);
        Self {
            entries: vec![0.0; rows * stride],
            rows,
            columns,
            stride,
        }
    }

    /// The rows of A with each column times its scale; of as many columns as there are scales.
    pub(crate) fn scaled(a: &RowMajor, scales: &[f64]) -> Self {
        let mut copy = Self::zeros(a.rows(), scales.len());
        for i in 0..a.rows() {
            let row = copy.row_mut(i).iter_mut().zip(a.row(i)).zip(scales);
            for ((place, entry), scale) in row {
                *place = entry * scale;
            }
        }
        copy
    }

    /// The number of rows.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    pub(crate) fn row_mut(&mut self, i: usize) -> &mut [f64] {
        &mut self.entries[i * self.stride..][..self.columns]
    }

    /// `R`, d x d and upper triangular with `R'R = M'M`, for a matrix of at least d rows. Golub and Van Loan, Matrix
    /// Computations (4th ed.), sections 5.1 and 5.2: reflections `I - tau v v'`, collected as `I - V T V'`.
    fn into_triangular_factor(mut self) -> Tall {
        let (d, stride) = (self.columns, self.stride);
        let mut buffers = Buffers::default();
        for first in (0..d).step_by(BLOCK) {
            let count = BLOCK.min(d - first);
            let mut block = Block::of(&self, first);
            block.reflect(count);
            let last = first + BLOCK;
            for (k, row) in block.rows.iter().take(count).enumerate() {
                let width = BLOCK.min(stride - first);
                let place = &mut self.entries[(first + k) * stride + first..][..width];
                place[k..].copy_from_slice(&row[k..width]);
            }
            if last < stride {
                block.apply(&mut self, last, &mut buffers);
            }
        }
        let mut factor = Self::zeros(d, d);
        for i in 0..d {
            let row = &self.entries[i * stride + i..i * stride + d];
            factor.entries[i * stride + i..i * stride + d].copy_from_slice(row);
        }
        factor
    }

    /// The inverse of an upper triangular matrix; entries that are not finite where it is singular.
    fn upper_inverse(&self) -> Tall {
        let (d, stride) = (self.columns, self.stride);
        let mut inverse = Self::zeros(d, d);
        let mut buffers = Buffers::default();
        for first in (0..d).step_by(LINE).rev() {
            let last = (first + LINE).min(d);
            let (head, below) = inverse.entries.split_at_mut(last * stride);
            let rows = &mut head[first * stride..];
            if last < d {
                subtract_product(
                    Level::best(),
                    Target {
                        entries: &mut *rows,
                        stride,
                        rows: last - first,
                        columns: last..stride,
                        triangular: false,
                    },
                    Factors {
                        entries: &self.entries[first * stride + last..],
                        row_step: stride,
                        source_step: 1,
                    },
                    Source {
                        entries: below,
                        stride,
                        rows: d - last,
                    },
                    &mut buffers,
                );
            }
            for i in (first..last).rev() {
                let (row, lower) = rows[(i - first) * stride..].split_at_mut(stride);
                let own = &self.entries[i * stride..(i + 1) * stride];
                for (other, m) in lower.chunks(stride).zip(i + 1..last) {
                    for (entry, other) in row[m..].iter_mut().zip(&other[m..]) {
                        *entry -= own[m] * other;
                    }
                }
                row[i] = 1.0;
                for entry in &mut row[i..d] {
                    *entry /= own[i];
                }
            }
        }
        inverse
    }

    /// The entries by rows, without padding.
    fn into_rows(self) -> Vec<f64> {
        let rows = self.entries.chunks(self.stride);
        rows.flat_map(|row| &row[..self.columns]).copied().collect()
    }

    /// Root of the sum of the squares of all entries.
    fn frobenius_norm(&self) -> f64 {
        self.entries
            .iter()
            .map(|entry| entry * entry)
            .sum::<f64>()
            .sqrt()
    }
}

/// Some columns from the diagonal down, and the reflections that make them triangular: `I - V T V'`.
struct Block {
    /// Before [`Block::reflect`] the columns, afterwards R above and on the diagonal, V below it.
    rows: Vec<[f64; BLOCK]>,
    /// The row and column of the first.
    first: usize,
    /// T, upper triangular.
    combined: [[f64; BLOCK]; BLOCK],
}

impl Block {
    fn of(matrix: &Tall, first: usize) -> Self {
        let width = BLOCK.min(matrix.stride - first);
        let rows = matrix
            .entries
            .chunks_exact(matrix.stride)
            .skip(first)
            .map(|row| {
                let mut copy = [0.0; BLOCK];
                copy[..width].copy_from_slice(&row[first..first + width]);
                copy
            });
        Self {
            rows: rows.collect(),
            first,
            combined: [[0.0; BLOCK]; BLOCK],
        }
    }

    /// One pass over the rows for each reflection: while it is applied, the products of the next column with all columns are
    /// summed, which give its length and its products with the reflections before it.
    fn reflect(&mut self, count: usize) {
        let mut sums = [0.0; BLOCK];
        for row in &self.rows[1..] {
            accumulate(&mut sums, row[0], row);
        }
        for j in 0..count {
            let (head, tail) = self.rows.split_at_mut(j + 1);
            let top = &mut head[j];
            let start = top[j];
            if sums[j] == 0.0 {
                // Nothing below the diagonal: no reflection; T has a row and a column of zeros.
                sums = [0.0; BLOCK];
                for row in tail.iter_mut() {
                    row[j] = 0.0;
                }
                for row in tail.iter().skip(1) {
                    accumulate(&mut sums, row[(j + 1).min(BLOCK - 1)], row);
                }
                continue;
            }
            let length = (start * start + sums[j]).sqrt();
            let end = if start > 0.0 { -length } else { length };
            let scale = (start - end).recip();
            let tau = (end - start) / end;
            for c in 0..j {
                sums[c] = top[c] + scale * sums[c];
            }
            for i in 0..j {
                let products = (i..j).map(|m| self.combined[i][m] * sums[m]);
                self.combined[i][j] = -tau * products.sum::<f64>();
            }
            self.combined[j][j] = tau;
            let mut step = [0.0; BLOCK];
            for c in j + 1..BLOCK {
                step[c] = -tau * (top[c] + scale * sums[c]);
                top[c] += step[c];
            }
            top[j] = end;
            sums = [0.0; BLOCK];
            let next = (j + 1).min(BLOCK - 1);
            for (k, row) in tail.iter_mut().enumerate() {
                let share = row[j] * scale;
                for (entry, step) in row.iter_mut().zip(&step) {
                    *entry += share * step;
                }
                row[j] = share;
                if k > 0 {
                    accumulate(&mut sums, row[next], row);
                }
            }
        }
    }

    /// `C -= V T' V' C` for the columns from `last` on.
    fn apply(mut self, matrix: &mut Tall, last: usize, buffers: &mut Buffers) {
        let stride = matrix.stride;
        for (k, row) in self.rows.iter_mut().take(BLOCK).enumerate() {
            row[k] = 1.0;
            row[k + 1..].fill(0.0);
        }
        let reflections = self.rows.as_flattened();
        let rows = self.rows.len();
        let below = &mut matrix.entries[self.first * stride..];
        // Minus V'C, then T'V'C.
        let mut product = vec![0.0; BLOCK * stride];
        for piece in (0..rows).step_by(PIECE) {
            subtract_product(
                Level::best(),
                Target {
                    entries: &mut product,
                    stride,
                    rows: BLOCK,
                    columns: last..stride,
                    triangular: false,
                },
                Factors {
                    entries: &reflections[piece * BLOCK..],
                    row_step: 1,
                    source_step: BLOCK,
                },
                Source {
                    entries: &below[piece * stride..],
                    stride,
                    rows: PIECE.min(rows - piece),
                },
                buffers,
            );
        }
        for i in (0..BLOCK).rev() {
            let (above, own) = product.split_at_mut(i * stride);
            let own = &mut own[last..stride];
            for entry in own.iter_mut() {
                *entry *= -self.combined[i][i];
            }
            for (m, other) in above.chunks_exact(stride).enumerate() {
                for (entry, other) in own.iter_mut().zip(&other[last..]) {
                    *entry -= self.combined[m][i] * other;
                }
            }
        }
        subtract_product(
            Level::best(),
            Target {
                entries: below,
                stride,
                rows,
                columns: last..stride,
                triangular: false,
            },
            Factors {
                entries: reflections,
                row_step: BLOCK,
                source_step: 1,
            },
            Source {
                entries: &product,
                stride,
                rows: BLOCK,
            },
            buffers,
        );
    }
}

#[inline(always)]
fn accumulate(sums: &mut [f64; BLOCK], factor: f64, row: &[f64; BLOCK]) {
    for (sum, entry) in sums.iter_mut().zip(row) {
        *sum += factor * entry;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instance::sample;
    use crate::production::factor::test_support::keeps_its_promises;
    use crate::production::kernels::operator::Gram;
    use nalgebra::DMatrix;

    /// nalgebra's factor is the independent one; R is unique up to the signs of its rows.
    #[test]
    fn the_factor_is_that_of_nalgebra_up_to_signs_and_its_inverse_is_an_inverse() {
        let mut rng = sample::stream(5, "triangular", 0);
        for (n, d) in [
            (1, 1),
            (9, 3),
            (8, 8),
            (40, 31),
            (70, 32),
            (64, 33),
            (300, 41),
            (700, 100),
        ] {
            let a = sample::conditioned_matrix(&mut rng, n, d, 1.0, 100.0);
            let mut tall = Tall::zeros(n, d);
            for i in 0..n {
                for j in 0..d {
                    tall.row_mut(i)[j] = a[(i, j)];
                }
            }
            let mut factor = tall.into_triangular_factor();
            let expected = a.qr().r();
            let found = DMatrix::from_fn(d, d, |i, j| factor.row_mut(i)[j]);
            for i in 0..d {
                let sign = (found[(i, i)] * expected[(i, i)]).signum();
                for j in 0..d {
                    let off = sign * found[(i, j)] - expected[(i, j)];
                    assert!(off.abs() < 1e-13, "{n} x {d}: {off:e} at {i}, {j}");
                }
            }
            let mut inverse = factor.upper_inverse();
            let inverse = DMatrix::from_fn(d, d, |i, j| inverse.row_mut(i)[j]);
            let off = (found * inverse - DMatrix::identity(d, d)).amax();
            assert!(off < 1e-12, "{n} x {d}: {off:e}");
        }
    }

    /// B'B = [[4, 6], [6, 34]] for B = [[0, 3], [2, 3], [0, 4]], by hand.
    #[test]
    fn the_gram_matrix_of_a_tall_matrix_is_factored() {
        let mut tall = Tall::zeros(3, 2);
        for (i, row) in [[0.0, 3.0], [2.0, 3.0], [0.0, 4.0]].iter().enumerate() {
            tall.row_mut(i).copy_from_slice(row);
        }
        let factor = Householder::new(tall);
        let gram = Gram::from_lower(2, |i, j| [[4.0, 6.0], [6.0, 34.0]][i][j]);
        keeps_its_promises(&factor, &|v| gram.multiply(v), &[1.0, -3.0], 1e-14);
        // |R| = [[2, 3], [0, 5]] and |R^-1| = [[1/2, 3/10], [0, 1/5]].
        let ratio = (38f64.sqrt() * 0.38f64.sqrt()).recip();
        assert!((factor.ratio() - ratio).abs() < 1e-15);
        assert_eq!(Householder::new(Tall::zeros(3, 2)).ratio(), 0.0);
    }

    /// Columns that need no reflection, by hand: a triangular matrix is its own factor.
    #[test]
    fn a_triangular_matrix_is_kept() {
        for d in [3, 40] {
            let mut tall = Tall::zeros(d + 5, d);
            for i in 0..d {
                for j in i..d {
                    tall.row_mut(i)[j] = (i + 2 * j + 1) as f64;
                }
            }
            let mut factor = tall.into_triangular_factor();
            for i in 0..d {
                for j in 0..d {
                    let expected = if j < i { 0.0 } else { (i + 2 * j + 1) as f64 };
                    assert_eq!(factor.row_mut(i)[j], expected);
                }
            }
        }
    }
}
