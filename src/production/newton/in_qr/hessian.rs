//! The Hessian in QR coordinates, its models, and its sign.

use nalgebra::{DMatrix, DVector};

use crate::production::endings::Ending;
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
    pub(super) fn model(&mut self, exact: bool) -> Result<Result<Model, Ending>, EvaluationError> {
        if exact || self.settings.method != Method::Subsampled {
            return Ok(Ok(Model {
                hessian: self.exact_hessian()?,
                method: Method::Exact.as_str(),
                distinct_rows: self.problem.rows(),
            }));
        }
        let mut curvature = self.problem.loss().hessian(&self.point.z)?;
        let diagonal = &curvature.diagonal + self.problem.squared_weights();
        // The scores, or nothing after the first sample, and the congruence.
        self.count(2.0);
        let drawn = self
            .samples
            .draw(&self.q, diagonal.as_slice(), self.settings);
        let sampled = match drawn {
            Ok(sampled) => sampled,
            Err(refusal) => return Ok(Err(refusal)),
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
}
