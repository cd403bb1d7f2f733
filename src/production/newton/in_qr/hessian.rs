//! The Hessian in QR coordinates, its models, and its sign.

use nalgebra::{DMatrix, DVector};

use crate::production::endings::Ending;
use crate::production::leverage::{
    LeverageError, RowSample, SampleSize, draw_sized, leverage_scores,
};
use crate::production::newton::in_qr::run::{Model, Run, SecondOrder};
use crate::production::step::{eigen, newton_step};
use crate::production::{EvaluationError, Method};

impl Run<'_, '_> {
    pub(super) fn exact_hessian(&self) -> Result<DMatrix<f64>, EvaluationError> {
        self.count(1.0);
        Ok(self
            .problem
            .loss()
            .hessian(&self.point.z)?
            .congruence(&self.q, self.problem.squared_weights()))
    }

    /// The sign of the lowest eigenvalue of the exact Hessian, against the error bound of that Hessian.
    pub(super) fn second_order(&self) -> Result<SecondOrder, EvaluationError> {
        let hessian = self.exact_hessian()?;
        let (z, _, bounds) = self.problem.bounds(&self.point.x)?;
        let error = self
            .problem
            .congruence_error(&self.q, &z, &bounds)?
            .norm()
            // The eigenvalues' own rounding.
            + hessian.norm() * hessian.nrows() as f64 * 4.0 * f64::EPSILON;
        let Some(eigen) = eigen(&hessian) else {
            return Ok(SecondOrder::Flat);
        };
        let lowest = eigen.eigenvalues.min();
        Ok(if lowest > error {
            let newton_length = newton_step(&hessian, &self.logit_gradient(&self.point))
                .map_or(0.0, |step| step.direction.norm());
            SecondOrder::Positive { newton_length }
        } else if lowest < -error {
            SecondOrder::Negative
        } else {
            SecondOrder::Flat
        })
    }

    /// The Hessian model: exact where asked for or where negative curvature must be seen, else sampled.
    pub(super) fn model(&self, exact: bool) -> Result<Result<Model, Ending>, EvaluationError> {
        if exact || self.settings.method != Method::Subsampled {
            return Ok(Ok(Model {
                hessian: self.exact_hessian()?,
                method: Method::Exact.as_str(),
                distinct_rows: self.problem.rows(),
            }));
        }
        let mut curvature = self.problem.loss().hessian(&self.point.z)?;
        let diagonal = &curvature.diagonal + self.problem.squared_weights();
        if let Some(index) = diagonal.iter().position(|entry| *entry <= 0.0) {
            return Ok(Err(Ending::NotPositive {
                row: index,
                value: diagonal[index],
            }));
        }
        // The scores and the congruence.
        self.count(2.0);
        let sampled = match self.sampled(&diagonal) {
            Ok(sampled) => sampled,
            Err(error) => return Ok(Err(Ending::NoSample(error))),
        };
        curvature.diagonal.fill(0.0);
        for (row, weight) in sampled.rows.iter().zip(&sampled.weights) {
            curvature.diagonal[*row] = *weight;
        }
        let hessian = curvature.congruence(&self.q, &DVector::zeros(self.problem.rows()));
        Ok(Ok(Model {
            hessian,
            method: Method::Subsampled.as_str(),
            distinct_rows: sampled.rows.len(),
        }))
    }

    /// A sample of the rows for this diagonal, by exact leverage scores. They do not depend on the coordinates: those of
    /// `diag(D)^1/2 Q` are those of `diag(D)^1/2 A`.
    fn sampled(&self, diagonal: &DVector<f64>) -> Result<RowSample, LeverageError> {
        let mut scaled = self.coordinates.q.clone();
        for mut column in scaled.column_iter_mut() {
            for (entry, d) in column.iter_mut().zip(diagonal) {
                *entry *= d.sqrt();
            }
        }
        // A score of 1 may be rounded to more.
        let scores = leverage_scores(&scaled)?.map(|score| score.min(1.0));
        let size = SampleSize {
            epsilon: self.settings.epsilon,
            delta: self.settings.delta,
            constant: self.settings.sampling_constant,
        };
        let (seed, columns) = (self.settings.seed, self.problem.columns());
        draw_sized(
            scores.as_slice(),
            diagonal.as_slice(),
            size,
            seed,
            self.trace.len(),
            columns,
        )
    }
}
