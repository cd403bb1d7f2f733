//! Contractions of the packed tensor.

use nalgebra::DMatrix;
use rayon::iter::{IntoParallelIterator, ParallelIterator};

use super::packed::{Block, Packed, runs};
use crate::production::kernels::Level;
use crate::production::kernels::product::{Rows, multiply_add};

/// Columns of a batch are filled up to a multiple of this many.
const WIDTH: usize = 8;

impl Packed {
    /// `T(v, .., v, .)` for every column v of `vectors` (n x m), read once for all: each prefix multiplies its M with all of them.
    ///
    /// The error of a column is at most [`roundings`](Self::roundings) units times `|| T ||_F || v ||^(p-1)`.
    pub(super) fn images(&self, vectors: &DMatrix<f64>) -> DMatrix<f64> {
        let (n, m) = vectors.shape();
        let width = m.div_ceil(WIDTH) * WIDTH;
        let mut u = vec![0.0; n * width];
        for (j, column) in vectors.column_iter().enumerate() {
            for (i, entry) in column.iter().enumerate() {
                u[i * width + j] = *entry;
            }
        }
        let parts: Vec<Vec<f64>> = (0..self.chunks())
            .into_par_iter()
            .map(|chunk| self.part(chunk, &u, width))
            .collect();
        let mut image = vec![0.0; n * width];
        for part in parts {
            for (sum, term) in image.iter_mut().zip(part) {
                *sum += term;
            }
        }
        DMatrix::from_fn(n, m, |i, j| image[i * width + j])
    }

    /// What the prefixes of a chunk add.
    fn part(&self, chunk: usize, u: &[f64], width: usize) -> Vec<f64> {
        let n = self.side;
        let level = Level::best();
        let mut image = vec![0.0; n * width];
        let mut matrix = vec![0.0; n * n];
        let mut product = vec![0.0; n * width];
        let (mut factor, mut half) = (vec![0.0; width], vec![0.0; width]);
        self.each(chunk, |block| {
            let (l, side) = (block.first, n - block.first);
            let matrix = &mut matrix[..side * side];
            block.scaled().fill(matrix);
            let product = &mut product[..side * width];
            product.fill(0.0);
            let rows = Rows {
                entries: matrix,
                stride: side,
                inner: side,
            };
            let below = &u[l * width..];
            multiply_add(level, rows, below, width, product);
            // grad f / p, and f has the constant p (p - 1) times the arrangements.
            let c = block.arrangements * (self.order - 1) as f64;
            fill_products(&mut factor, c, block.prefix, None, u, width);
            half.fill(0.0);
            for (i, row) in product.chunks_exact(width).enumerate() {
                let image = &mut image[(l + i) * width..][..width];
                let u = &below[i * width..][..width];
                for j in 0..width {
                    image[j] += factor[j] * row[j];
                    half[j] += u[j] * row[j];
                }
            }
            for (i, count) in runs(block.prefix) {
                let c = 0.5 * c * count as f64;
                fill_products(&mut factor, c, block.prefix, Some(i), u, width);
                let image = &mut image[i * width..][..width];
                for j in 0..width {
                    image[j] += factor[j] * half[j];
                }
            }
        });
        image
    }

    /// `T(w, .., w, ., .)` (n x n), symmetric; one reading.
    ///
    /// Its error in the Frobenius norm is at most [`roundings`](Self::roundings) units times `|| T ||_F || w ||^(p-2)`.
    pub(super) fn matrix(&self, w: &[f64]) -> DMatrix<f64> {
        let n = self.side;
        // The matrix is `upper` mirrored, and `half` and its transpose.
        let (mut upper, mut half) = (DMatrix::zeros(n, n), DMatrix::zeros(n, n));
        let mut buffer = vec![0.0; n * n];
        for chunk in 0..self.chunks() {
            self.each(chunk, |block| {
                let side = n - block.first;
                let matrix = &mut buffer[..side * side];
                block.scaled().fill(matrix);
                add(block, matrix, w, &mut upper, &mut half);
            });
        }
        DMatrix::from_fn(n, n, |i, j| {
            let (a, b) = (i.min(j), i.max(j));
            upper[(b, a)] + (half[(i, j)] + half[(j, i)])
        })
    }

    /// How many roundings there are between the data and an entry of an image or of a matrix, at most: two sums over a side, the
    /// sums over the prefixes and chunks, a product of the prefix, and a handful more.
    pub(super) fn roundings(&self) -> f64 {
        let (_, prefixes) = self.prefixes();
        (2 * self.side + prefixes + self.chunks() + 2 * self.order + 16) as f64
    }
}

/// `c` times the entries of u that the prefix names, without one of those of index `left_out`, for every column.
fn fill_products(
    factor: &mut [f64],
    c: f64,
    prefix: &[usize],
    left_out: Option<usize>,
    u: &[f64],
    width: usize,
) {
    factor.fill(c);
    let skipped = left_out.and_then(|out| prefix.iter().position(|i| *i == out));
    for (place, i) in prefix.iter().enumerate() {
        if Some(place) == skipped {
            continue;
        }
        for (factor, u) in factor.iter_mut().zip(&u[i * width..]) {
            *factor *= u;
        }
    }
}

/// What a prefix adds to `Hess f / (p (p - 1))`; columns of `upper` hold the entries from their own row on.
fn add(
    block: &Block<'_>,
    matrix: &[f64],
    w: &[f64],
    upper: &mut DMatrix<f64>,
    half: &mut DMatrix<f64>,
) {
    let (l, side) = (block.first, w.len() - block.first);
    let tail = &w[l..];
    let without = |out: &[usize]| {
        let mut skipped = out.to_vec();
        let mut product = block.arrangements;
        for i in block.prefix {
            match skipped.iter().position(|out| out == i) {
                Some(place) => {
                    skipped.remove(place);
                }
                None => product *= w[*i],
            }
        }
        product
    };
    let whole = without(&[]);
    let mut y = vec![0.0; side];
    for (a, row) in matrix.chunks_exact(side).enumerate() {
        let mut column = upper.column_mut(l + a);
        for b in a..side {
            column[l + b] += whole * row[b];
        }
        y[a] = row.iter().zip(tail).map(|(m, w)| m * w).sum();
    }
    let quadratic: f64 = y.iter().zip(tail).map(|(y, w)| y * w).sum();
    for (i, count) in runs(block.prefix) {
        let once = without(&[i]) * count as f64;
        for (b, y) in y.iter().enumerate() {
            half[(i, l + b)] += once * y;
        }
        for (h, other) in runs(block.prefix) {
            // The half of a quadratic form; each of two different indices stands on both sides of the diagonal.
            if h == i && count > 1 {
                let pairs = (count * (count - 1)) as f64;
                half[(i, i)] += 0.25 * without(&[i, i]) * pairs * quadratic;
            } else if h > i {
                half[(i, h)] += 0.5 * without(&[i, h]) * (count * other) as f64 * quadratic;
            }
        }
    }
}
