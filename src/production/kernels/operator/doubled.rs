//! Whole products in doubled precision: the few numbers in a solve on whose last digits something rests.

use crate::instance::DesignMatrix;
use crate::production::kernels::doubled;
use crate::production::kernels::doubled::{Pair, merge};
use crate::production::kernels::operator::Operator;
use crate::production::kernels::sparse::SparseRows;

/// Heads and tails of the sums of one chunk, in the layout of the kernel that makes them.
enum Sums {
    Rows { heads: Vec<f64>, tails: Vec<f64> },
    Pairs(Vec<Pair>),
}

impl Sums {
    fn of_column(&self, j: usize) -> Pair {
        match self {
            Self::Rows { heads, tails } => [heads[j], tails[j]],
            Self::Pairs(pairs) => pairs[j],
        }
    }
}

impl Operator {
    /// `z = A x`; x has d entries, z has n. Each logit is off by at most `u |z_i| + 4 (d + 1)^2 u^2 (|A| |x|)_i`, and by d times the
    /// smallest normal number where products underflow.
    pub fn multiply_doubled(&self, x: &[f64], z: &mut [f64]) {
        self.count(self.all_rows());
        let x = self.padded(x);
        let chunks: Vec<&mut [f64]> = z.chunks_mut(self.pass.chunk_rows()).collect();
        self.pass.for_each(chunks, |rows, z| {
            let mut room = Vec::new();
            for block in self.pass.blocks(rows.clone()) {
                let z = &mut z[block.start - rows.start..block.end - rows.start];
                match self.matrix.as_ref() {
                    DesignMatrix::Dense(matrix) => {
                        let block = matrix.padded(block.start, block.end, &mut room);
                        doubled::multiply(self.level, block, &x, z);
                    }
                    DesignMatrix::Sparse(sparse) => {
                        let rows = SparseRows::of(sparse);
                        doubled::multiply_sparse(self.level, rows, block.start, &x, z);
                    }
                }
            }
        });
    }

    /// `A' v`, d entries; v has n. Each entry is off by at most `u |entry| + 4 (K + 1)^2 u^2 (|A|' |v|)_j` with
    /// [`doubled_additions`](Self::doubled_additions) for K, and by n times the smallest normal number where products underflow.
    pub fn transpose_multiply_doubled(&self, v: &[f64]) -> Vec<f64> {
        self.count(self.all_rows());
        let stride = self.stride;
        let empty = || match self.matrix.as_ref() {
            DesignMatrix::Dense(_) => Sums::Rows {
                heads: vec![0.0; stride],
                tails: vec![0.0; stride],
            },
            DesignMatrix::Sparse(_) => Sums::Pairs(vec![[0.0; 2]; stride]),
        };
        let mut parts: Vec<Sums> = (0..self.pass.chunks()).map(|_| empty()).collect();
        let work: Vec<&mut Sums> = parts.iter_mut().collect();
        self.pass.for_each(work, |rows, sums| {
            let mut room = Vec::new();
            for block in self.pass.blocks(rows) {
                let v = &v[block.clone()];
                match (self.matrix.as_ref(), &mut *sums) {
                    (DesignMatrix::Dense(matrix), Sums::Rows { heads, tails }) => {
                        let rows = matrix.padded(block.start, block.end, &mut room);
                        doubled::accumulate(self.level, rows, (v, None), [heads, tails]);
                    }
                    (DesignMatrix::Sparse(sparse), Sums::Pairs(pairs)) => {
                        let rows = SparseRows::of(sparse);
                        doubled::accumulate_sparse(self.level, rows, block.start, v, pairs);
                    }
                    _ => unreachable!("`empty` chooses by the storage"),
                }
            }
        });
        let sums = self.share.in_turn(vec![0.0; 2 * self.columns()], |sums| {
            for (j, sum) in sums.as_chunks_mut::<2>().0.iter_mut().enumerate() {
                for part in &parts {
                    merge(sum, part.of_column(j));
                }
            }
        });
        let pairs = sums.as_chunks::<2>().0;
        pairs.iter().map(|[head, tail]| head + tail).collect()
    }

    /// Additions of heads that a term of [`transpose_multiply_doubled`](Self::transpose_multiply_doubled) passes at most.
    pub fn doubled_additions(&self) -> usize {
        self.all.chunk_rows() + self.all.chunks()
    }
}
