//! What least squares needs of a dense matrix, each in one pass over all its rows: normal equations, and residuals in pairs.

use crate::instance::DesignMatrix;
use crate::instance::row_major::RowMajor;
use crate::production::kernels::doubled::{Pair, merge};
use crate::production::kernels::gram::add_gram;
use crate::production::kernels::operator::Operator;
use crate::production::kernels::operator::gram::Gram;
use crate::production::kernels::partition::Rows;
use crate::production::kernels::plain_gram::add_plain_gram;
use crate::production::kernels::{dense, doubled, residual};
use crate::production::summation::dot;

/// Rows of at most so many entries are multiplied where they lie, so many of them at once: at most 64 KiB, of which the first-level cache
/// holds half or all.
const NARROW: usize = 128;
const NARROW_ROWS: usize = 64;

/// Right sides: a matrix with so many columns by rows.
#[derive(Clone, Copy)]
pub(crate) struct Targets<'a> {
    /// Its entries.
    pub entries: &'a [f64],
    /// Its columns.
    pub count: usize,
}

impl Targets<'_> {
    /// No right side.
    pub fn none() -> Self {
        Self {
            entries: &[],
            count: 0,
        }
    }

    /// Entries `first..last` of column c: where they lie, or copied into `room`.
    fn column<'a>(
        &'a self,
        c: usize,
        first: usize,
        last: usize,
        room: &'a mut Vec<f64>,
    ) -> &'a [f64] {
        if self.count == 1 {
            return &self.entries[first..last];
        }
        room.clear();
        let rows = self.entries[first * self.count..last * self.count].chunks_exact(self.count);
        room.extend(rows.map(|row| row[c]));
        room
    }
}

/// `A'A`, and for each right side `A'b` and `b'b`.
pub(crate) struct NormalEquations {
    /// The Gram matrix.
    pub gram: Gram,
    /// `A'b`, d entries each.
    pub projected: Vec<Vec<f64>>,
    /// `b'b`.
    pub squares: Vec<f64>,
}

/// Of one right side at one x: `A' (b - A x)` in pairs, and `|| b - A x ||^2`.
pub(crate) struct Residual {
    /// Heads and tails of the product with `A'`.
    pub projected: [Vec<f64>; 2],
    /// The square.
    pub square: f64,
}

/// The same of some rows, padded.
struct Part {
    projected: [Vec<f64>; 2],
    square: f64,
}

impl Operator {
    /// The rows of a dense matrix that is here as a whole.
    fn dense_rows(&self) -> Option<&RowMajor> {
        match self.matrix.as_ref() {
            DesignMatrix::Dense(rows) if self.share.is_whole() => Some(rows),
            DesignMatrix::Dense(_) | DesignMatrix::Sparse(_) => None,
        }
    }

    /// Additions that a term of the Gram matrix in [`normal_equations`](Self::normal_equations) meets at most, its own two roundings
    /// included.
    pub fn normal_additions(&self) -> usize {
        if self.stride > NARROW {
            return self.gram_additions();
        }
        let chunk = self.piece_rows(self.rows());
        NARROW_ROWS + chunk.div_ceil(NARROW_ROWS) + self.rows().div_ceil(chunk) + 4
    }

    /// Gram matrix and right sides in one pass; `None` of a matrix that is not dense, or has no entries. The Gram matrix is off by what
    /// [`normal_additions`](Self::normal_additions) says; the rest is no better than plain sums.
    pub fn normal_equations(&self, targets: Targets<'_>) -> Option<NormalEquations> {
        let matrix = self.dense_rows()?;
        if matrix.rows() == 0 || matrix.columns() == 0 {
            return None;
        }
        let (d, n, stride, count) = (self.columns(), self.rows(), self.stride, targets.count);
        let size = stride * stride;
        let each = size + count * (stride + 1);
        let chunk = self.piece_rows(n);
        let mut partial = self.pool.take_zeros(n.div_ceil(chunk) * each);
        let work: Vec<(usize, &mut [f64])> = partial.chunks_mut(each).enumerate().collect();
        self.gram.for_each_with(
            work,
            || (self.panels(), [Vec::new(), Vec::new()]),
            |(workspace, [room, column]), (k, part)| {
                let Some(panels) = &mut workspace.panels else {
                    unreachable!("`panels` makes them for dense matrices")
                };
                let (c, rest) = part.split_at_mut(size);
                let (projected, squares) = rest.split_at_mut(count * stride);
                let last = ((k + 1) * chunk).min(n);
                let block = if stride <= NARROW {
                    NARROW_ROWS
                } else {
                    panels.rows()
                };
                let ones = vec![1.0; block];
                for first in (k * chunk..last).step_by(block) {
                    let end = (first + block).min(last);
                    let rows = matrix.padded(first, end, room);
                    if stride <= NARROW {
                        add_plain_gram(self.level, rows, stride, c);
                    } else {
                        let ones = &ones[..end - first];
                        let range = Rows::Range(first..end);
                        add_gram(self.level, matrix, range, ones, panels, c);
                    }
                    for (k, sums) in projected.chunks_exact_mut(stride).enumerate() {
                        let b = targets.column(k, first, end, column);
                        dense::accumulate(self.level, rows, stride, [b], sums);
                        squares[k] += dot(b, b);
                    }
                }
            },
        );
        self.count(n);
        let mut gram = Gram::zeros(d);
        let mut projected = vec![vec![0.0; d]; count];
        let mut squares = vec![0.0; count];
        for part in partial.chunks_exact(each) {
            let (c, rest) = part.split_at(size);
            add(&mut gram.entries, c);
            for (sums, part) in projected.iter_mut().zip(rest.chunks_exact(stride)) {
                add(sums, part);
            }
            add(&mut squares, &rest[count * stride..]);
        }
        self.pool.give(partial);
        Some(NormalEquations {
            gram,
            projected,
            squares,
        })
    }

    /// Every right side at an x of its own, head and tail, d entries each, in one pass; `None` of a matrix that is not dense. With K
    /// for [`residual_additions`](Self::residual_additions), r itself is off by at most `4 (d + 4)^2 u^2 (|b| + |A| |x|)` in every
    /// row, and its product by `4 (K + 2)^2 u^2 |A|' |r|` and what that makes of it, as long as no product underflows. The square
    /// is no better than a plain sum of the heads.
    pub fn residuals(&self, x: &[[&[f64]; 2]], targets: Targets<'_>) -> Option<Vec<Residual>> {
        let matrix = self.dense_rows()?;
        let stride = self.stride;
        let x: Vec<[Vec<f64>; 2]> = x.iter().map(|x| x.map(|part| self.padded(part))).collect();
        let empty = || Part {
            projected: [vec![0.0; stride], vec![0.0; stride]],
            square: 0.0,
        };
        let mut parts: Vec<Vec<Part>> = (0..self.pass.chunks())
            .map(|_| x.iter().map(|_| empty()).collect())
            .collect();
        let work: Vec<&mut Vec<Part>> = parts.iter_mut().collect();
        self.pass.for_each(work, |rows, parts| {
            let (mut room, mut column) = (Vec::new(), Vec::new());
            let mut r = [
                vec![0.0; self.pass.block_rows()],
                vec![0.0; self.pass.block_rows()],
            ];
            let mut sums = empty();
            for block in self.pass.blocks(rows) {
                let (first, last) = (block.start, block.end);
                let rows = matrix.padded(first, last, &mut room);
                for (c, (part, [head, tail])) in parts.iter_mut().zip(&x).enumerate() {
                    let b = targets.column(c, first, last, &mut column);
                    let [heads, tails] = &mut r;
                    let (heads, tails) = (&mut heads[..last - first], &mut tails[..last - first]);
                    residual::residual(self.level, rows, [head, tail], b, [heads, tails]);
                    let [sum_heads, sum_tails] = &mut sums.projected;
                    sum_heads.fill(0.0);
                    sum_tails.fill(0.0);
                    doubled::accumulate(
                        self.level,
                        rows,
                        (heads, Some(tails)),
                        [sum_heads, sum_tails],
                    );
                    sums.square = dot(heads, heads);
                    part.add(&sums);
                }
            }
        });
        self.count(self.rows());
        let mut totals: Vec<Part> = x.iter().map(|_| empty()).collect();
        for parts in &parts {
            for (total, part) in totals.iter_mut().zip(parts) {
                total.add(part);
            }
        }
        let residuals = totals.into_iter().map(|total| Residual {
            projected: total.projected.map(|mut part| {
                part.truncate(self.columns());
                part
            }),
            square: total.square,
        });
        Some(residuals.collect())
    }

    /// Additions of heads that a term of the product in [`residuals`](Self::residuals) passes at most: in its block, among blocks of a
    /// chunk, and among chunks.
    pub fn residual_additions(&self) -> usize {
        let block = self.pass.block_rows();
        block + self.pass.chunk_rows().div_ceil(block) + self.pass.chunks()
    }
}

impl Part {
    fn add(&mut self, other: &Self) {
        let [heads, tails] = &mut self.projected;
        let [other_heads, other_tails] = &other.projected;
        for (j, (head, tail)) in heads.iter_mut().zip(tails).enumerate() {
            let mut sum: Pair = [*head, *tail];
            merge(&mut sum, [other_heads[j], other_tails[j]]);
            [*head, *tail] = sum;
        }
        self.square += other.square;
    }
}

fn add(sums: &mut [f64], terms: &[f64]) {
    for (sum, term) in sums.iter_mut().zip(terms) {
        *sum += term;
    }
}
