//! Roots of the pseudo-inverses of small Gram matrices, one for each row of a factor.

use nalgebra::{DMatrix, DVector, SymmetricEigen};

/// Rows that are worth a thread.
pub(super) const MANY: usize = 64;

/// E with `E E' = G^+`.
pub(super) enum Root {
    /// `L^-1` by rows on and below the diagonal, for `G = L L'` whose eigenvalues are far from rounding; `E = L'^-1`.
    Inverse(Vec<f64>),
    /// By eigenvectors (k x rank).
    Few(DMatrix<f64>),
}

impl Root {
    /// Of a Gram matrix by rows on and below its diagonal; `None` where an eigenvalue is near rounding.
    pub(super) fn definite(gram: &[f64], order: usize) -> Option<Self> {
        /// The least part of the trace that the lowest eigenvalue has to be.
        const CLEAR: f64 = 1e-8;
        let row = |a: usize| a * (a + 1) / 2;
        let mut factor = gram[..row(order)].to_vec();
        let trace: f64 = (0..order).map(|a| gram[row(a) + a]).sum();
        for a in 0..order {
            for b in 0..=a {
                let (before, of_a) = factor.split_at_mut(row(a));
                let of_b = if a == b {
                    &of_a[..b]
                } else {
                    &before[row(b)..row(b) + b]
                };
                let sum: f64 = of_a[..b].iter().zip(of_b).map(|(x, y)| x * y).sum();
                let rest = of_a[b] - sum;
                of_a[b] = if a > b {
                    rest / before[row(b) + b]
                } else if rest > 0.0 {
                    rest.sqrt()
                } else {
                    return None;
                };
            }
        }
        let mut inverse = vec![0.0; row(order)];
        for a in 0..order {
            let of_a = &factor[row(a)..row(a) + a];
            let pivot = factor[row(a) + a].recip();
            for b in 0..a {
                let column = (b..a).map(|c| inverse[row(c) + b]);
                let sum: f64 = of_a[b..].iter().zip(column).map(|(x, y)| x * y).sum();
                inverse[row(a) + b] = -sum * pivot;
            }
            inverse[row(a) + a] = pivot;
        }
        // The lowest eigenvalue is at least 1 / || L^-1 ||^2.
        let square: f64 = inverse.iter().map(|entry| entry * entry).sum();
        (square * CLEAR * trace <= 1.0).then_some(Self::Inverse(inverse))
    }

    /// Of any Gram matrix, eigenvalues up to `threshold` counted as zero.
    pub(super) fn few(gram: DMatrix<f64>, threshold: f64) -> Self {
        let eigen = SymmetricEigen::new(gram);
        let kept: Vec<usize> = (0..eigen.eigenvalues.len())
            .filter(|a| eigen.eigenvalues[*a] > threshold)
            .collect();
        let vectors = &eigen.eigenvectors;
        Self::Few(DMatrix::from_fn(vectors.nrows(), kept.len(), |row, a| {
            vectors[(row, kept[a])] / eigen.eigenvalues[kept[a]].sqrt()
        }))
    }

    /// `G^+ v`.
    pub(super) fn solve(&self, v: &[f64]) -> Vec<f64> {
        match self {
            Self::Inverse(inverse) => {
                let mut solution = vec![0.0; v.len()];
                let mut start = 0;
                for a in 0..v.len() {
                    let row = &inverse[start..=start + a];
                    start += a + 1;
                    let product: f64 = row.iter().zip(v).map(|(entry, v)| entry * v).sum();
                    for (sum, entry) in solution.iter_mut().zip(row) {
                        *sum += entry * product;
                    }
                }
                solution
            }
            Self::Few(root) => {
                let shares = root.tr_mul(&DVector::from_column_slice(v));
                (root * shares).data.into()
            }
        }
    }

    /// The rank of G.
    pub(super) fn rank(&self, order: usize) -> usize {
        match self {
            Self::Inverse(_) => order,
            Self::Few(root) => root.ncols(),
        }
    }

    /// E as a matrix.
    pub(super) fn matrix(&self, order: usize) -> DMatrix<f64> {
        match self {
            Self::Inverse(inverse) => DMatrix::from_fn(order, order, |b, a| {
                if b <= a {
                    inverse[a * (a + 1) / 2 + b]
                } else {
                    0.0
                }
            }),
            Self::Few(root) => root.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `[[4, 2], [2, 5]] = L L'` with L = [[2, 0], [1, 2]], by hand; half of it and nearly dependent ones are left to eigenvectors.
    #[test]
    fn a_definite_matrix_is_solved_by_its_factor_and_others_by_eigenvectors() {
        let gram = DMatrix::from_row_slice(2, 2, &[4.0, 2.0, 2.0, 5.0]);
        let root = Root::definite(&[4.0, 2.0, 5.0], 2).unwrap();
        let few = Root::few(gram.clone(), 1e-15);
        for root in [&root, &few] {
            // G (1, -1) = (2, -3).
            let found = root.solve(&[2.0, -3.0]);
            assert!((found[0] - 1.0).abs() + (found[1] + 1.0).abs() < 1e-14);
            assert_eq!(root.rank(2), 2);
            let matrix = root.matrix(2);
            let identity = &gram * &matrix * matrix.transpose();
            assert!((identity - DMatrix::identity(2, 2)).amax() < 1e-14);
        }
        for gram in [
            [1.0, 1.0, 1.0],
            [1.0, 1.0, 1.0 + 1e-9],
            [1.0, 0.0, -1.0],
            [0.0, 0.0, 0.0],
        ] {
            assert!(Root::definite(&gram, 2).is_none(), "{gram:?}");
        }
        // (1, 1; 1, 1)^+ (1, 3) = (1, 1).
        let one = Root::few(DMatrix::from_element(2, 2, 1.0), 1e-12);
        assert_eq!(one.rank(2), 1);
        assert!(
            one.solve(&[1.0, 3.0])
                .iter()
                .all(|x| (x - 1.0).abs() < 1e-14)
        );
    }
}
