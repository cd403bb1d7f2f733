//! What the tests of error bounds share: a loss whose every answer is given.

use std::sync::Arc;

use nalgebra::{DMatrix, DVector};

pub(crate) use crate::scalar::test_support::covers;

use crate::instance::DesignMatrix;
use crate::production::{
    DiagonalPlusLowRank, EvaluationError, LogitErrorBounds, LogitLoss, Problem,
};

/// A loss that answers every question with what it has been given, at any logits.
pub(crate) struct Given {
    pub gradient: DVector<f64>,
    pub hessian: DiagonalPlusLowRank,
    pub bounds: LogitErrorBounds,
    pub floor: Option<f64>,
    pub ceiling: Option<f64>,
    /// The bound of the third derivative is this times radius times lambda.
    pub omega: Option<f64>,
}

impl Given {
    /// Value 3, no curvature, nothing off.
    pub fn new(n: usize, rank: usize) -> Self {
        let nothing = DiagonalPlusLowRank {
            diagonal: DVector::zeros(n),
            basis: DMatrix::zeros(n, rank),
            core: DMatrix::zeros(rank, rank),
        };
        Self {
            gradient: DVector::zeros(n),
            hessian: nothing.clone(),
            bounds: LogitErrorBounds {
                value: 0.0,
                gradient: DVector::zeros(n),
                hessian: nothing,
            },
            floor: None,
            ceiling: None,
            omega: None,
        }
    }

    /// The problem of one unknown with this column.
    pub fn over(self, a: &[f64], weights: &[f64]) -> Problem {
        let a = DesignMatrix::Dense(DMatrix::from_column_slice(a.len(), 1, a).into());
        Problem::with_loss(Arc::new(self), a, &DVector::from_column_slice(weights)).unwrap()
    }
}

impl LogitLoss for Given {
    fn name(&self) -> &'static str {
        "given"
    }

    fn logits(&self) -> usize {
        self.gradient.len()
    }

    fn value(&self, _: &DVector<f64>) -> Result<f64, EvaluationError> {
        Ok(3.0)
    }

    fn gradient(&self, _: &DVector<f64>) -> Result<DVector<f64>, EvaluationError> {
        Ok(self.gradient.clone())
    }

    fn hessian(&self, _: &DVector<f64>) -> Result<DiagonalPlusLowRank, EvaluationError> {
        Ok(self.hessian.clone())
    }

    fn error_bounds(
        &self,
        _: &DVector<f64>,
        _: &DVector<f64>,
    ) -> Result<LogitErrorBounds, EvaluationError> {
        Ok(self.bounds.clone())
    }

    fn curvature_floor(&self) -> Option<f64> {
        self.floor
    }

    fn curvature_ceiling(&self) -> Option<f64> {
        self.ceiling
    }

    fn third_derivative_bound(
        &self,
        _: &DVector<f64>,
        _: &DVector<f64>,
        radius: f64,
        lambda: f64,
    ) -> Option<f64> {
        self.omega.map(|omega| omega * radius * lambda)
    }
}
