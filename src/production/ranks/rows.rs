//! Rows of a matrix on their way to other ranks.

use nalgebra_sparse::CsrMatrix;

use crate::instance::{DesignMatrix, RowMajor};
use crate::production::ranks::Share;

impl Share {
    /// The rows of all ranks, from those that are here: those of the first rank first.
    pub fn rows_of_all(&self, own: DesignMatrix) -> DesignMatrix {
        if self.is_whole() {
            return own;
        }
        let d = own.columns();
        match own {
            DesignMatrix::Dense(own) => {
                let entries = self.gather(own.iter().flatten().copied().collect());
                let mut all = RowMajor::zeros(entries.len() / d, d);
                for (i, row) in entries.chunks_exact(d).enumerate() {
                    all.row_mut(i).copy_from_slice(row);
                }
                DesignMatrix::Dense(all)
            }
            DesignMatrix::Sparse(own) => {
                let lengths: Vec<usize> = own.row_iter().map(|row| row.nnz()).collect();
                let lengths = self.whole_numbers(lengths);
                let indices = self.whole_numbers(own.col_indices().to_vec());
                let values = self.gather(own.values().to_vec());
                let mut offsets = vec![0];
                for length in &lengths {
                    offsets.push(offsets[offsets.len() - 1] + length);
                }
                let all = CsrMatrix::try_from_csr_data(lengths.len(), d, offsets, indices, values);
                DesignMatrix::Sparse(all.unwrap_or_else(|error| {
                    unreachable!("rows of matrices are rows of one: {error}")
                }))
            }
        }
    }

    /// Whole numbers below 2^53 of all ranks.
    fn whole_numbers(&self, own: Vec<usize>) -> Vec<usize> {
        let all = self.gather(own.into_iter().map(|number| number as f64).collect());
        all.into_iter().map(|number| number as usize).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instance::Outline;
    use crate::production::kernels::operator::Operator;
    use crate::production::ranks::threads::on_ranks;
    use nalgebra::DMatrix;

    #[test]
    fn rows_come_together_in_their_order() {
        let (n, d) = (20_000, 9);
        let matrix = DMatrix::from_fn(n, d, |i, j| {
            if (i + j) % 2 == 0 {
                (i * d + j) as f64
            } else {
                0.0
            }
        });
        let dense = DesignMatrix::Dense(matrix.clone().into());
        let sparse = DesignMatrix::Sparse(CsrMatrix::from(&matrix));
        for whole in [dense, sparse] {
            let cut = Operator::cut(&Outline {
                stored: n * 16,
                ..Outline::of(&whole)
            });
            let found = on_ranks(3, |ranks| {
                let share = Share::of(&cut, n, &ranks);
                let own: Vec<usize> = share.own().collect();
                let all = share.rows_of_all(whole.select_rows(&own));
                (
                    own.len(),
                    all.stored() == whole.stored() && all.to_dense() == matrix,
                )
            });
            assert!(found.iter().all(|(own, right)| *own < n && *right));
        }
    }
}
