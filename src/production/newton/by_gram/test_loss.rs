//! A loss for tests that is whatever its author says, row by row: also one that lies about its derivatives.

use std::sync::Arc;

use nalgebra::{DMatrix, DVector};

use crate::instance::DesignMatrix;
use crate::production::{
    DiagonalPlusLowRank, EvaluationError, LogitErrorBounds, LogitLoss, Problem,
};

type Row = dyn Fn(usize, f64) -> [f64; 3] + Send + Sync;

/// `l(z) = constant + sum_i f_i(z_i)`.
pub(crate) struct ByRow {
    rows: usize,
    constant: f64,
    /// Value, first and second derivative of row i at a logit.
    row: Box<Row>,
    /// Where every row has a pole.
    pole: Option<f64>,
}

impl ByRow {
    pub(crate) fn new(
        rows: usize,
        row: impl Fn(usize, f64) -> [f64; 3] + Send + Sync + 'static,
    ) -> Self {
        Self {
            rows,
            constant: 0.0,
            row: Box::new(row),
            pole: None,
        }
    }

    pub(crate) fn plus(self, constant: f64) -> Self {
        Self { constant, ..self }
    }

    pub(crate) fn with_pole(self, at: f64) -> Self {
        Self {
            pole: Some(at),
            ..self
        }
    }

    /// The problem over the rows of a matrix, with weights.
    pub(crate) fn over(self, matrix: DMatrix<f64>, weights: &[f64]) -> Problem {
        let matrix = DesignMatrix::dense(matrix).unwrap();
        Problem::with_loss(Arc::new(self), matrix, &DVector::from_column_slice(weights)).unwrap()
    }

    fn part(&self, z: &DVector<f64>, k: usize) -> DVector<f64> {
        DVector::from_fn(self.rows, |i, _| (self.row)(i, z[i])[k])
    }
}

impl LogitLoss for ByRow {
    fn name(&self) -> &'static str {
        "by-row"
    }

    fn logits(&self) -> usize {
        self.rows
    }

    fn value(&self, z: &DVector<f64>) -> Result<f64, EvaluationError> {
        Ok(self.constant + self.part(z, 0).sum())
    }

    fn gradient(&self, z: &DVector<f64>) -> Result<DVector<f64>, EvaluationError> {
        Ok(self.part(z, 1))
    }

    fn hessian(&self, z: &DVector<f64>) -> Result<DiagonalPlusLowRank, EvaluationError> {
        Ok(DiagonalPlusLowRank {
            diagonal: self.part(z, 2),
            basis: DMatrix::zeros(self.rows, 0),
            core: DMatrix::zeros(0, 0),
        })
    }

    fn error_bounds(
        &self,
        _z: &DVector<f64>,
        _logit_error: &DVector<f64>,
    ) -> Result<LogitErrorBounds, EvaluationError> {
        Ok(LogitErrorBounds {
            value: 0.0,
            gradient: DVector::zeros(self.rows),
            hessian: DiagonalPlusLowRank {
                diagonal: DVector::zeros(self.rows),
                basis: DMatrix::zeros(self.rows, 0),
                core: DMatrix::zeros(0, 0),
            },
        })
    }

    fn has_pole_between(&self, from: &DVector<f64>, to: &DVector<f64>) -> bool {
        self.pole
            .is_some_and(|pole| (0..self.rows).any(|i| (from[i] - pole) * (to[i] - pole) < 0.0))
    }
}
