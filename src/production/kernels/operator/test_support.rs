//! What the tests of products share.

use std::sync::Arc;

use nalgebra::DMatrix;
use nalgebra_sparse::CsrMatrix;

use crate::instance::DesignMatrix;
use crate::production::kernels::Level;
use crate::production::kernels::operator::Operator;

/// A matrix with dense rows and with sparse ones, on every level; each with its name.
pub(crate) fn operators(matrix: &DMatrix<f64>) -> Vec<(String, Operator)> {
    let dense = Arc::new(DesignMatrix::Dense(matrix.clone().into()));
    let sparse = Arc::new(DesignMatrix::Sparse(CsrMatrix::from(matrix)));
    let all = Level::all().into_iter();
    all.flat_map(|level| {
        [("dense", &dense), ("sparse", &sparse)].map(|(kind, matrix)| {
            let name = format!("{kind}, {}", level.name());
            (name, Operator::new(matrix, level))
        })
    })
    .collect()
}
