//! Everything known at one x.

use nalgebra::DVector;

use crate::production::summation::norm;
use crate::production::{EvaluationError, Problem};

/// x with loss and gradient.
#[derive(Clone)]
pub(super) struct Point {
    pub x: DVector<f64>,
    pub z: DVector<f64>,
    pub loss: f64,
    /// `grad l(z) + w^2 o z`.
    pub v: DVector<f64>,
    pub gradient_norm: f64,
}

impl Point {
    pub fn at(problem: &Problem, x: DVector<f64>) -> Result<Self, EvaluationError> {
        let z = problem.logits(&x)?;
        let loss = problem.value_of_logits(&z)?;
        let v = problem.gradient_in_logits(&z)?;
        let gradient_norm = norm(problem.pull_back(&v)?.as_slice());
        if !gradient_norm.is_finite() {
            return Err(EvaluationError::Overflow {
                quantity: "norm of the gradient",
                index: 0,
                value: gradient_norm,
            });
        }
        Ok(Self {
            x,
            z,
            loss,
            v,
            gradient_norm,
        })
    }
}

/// The rounding level of the gradient at x, if it is within the range of f64.
pub(crate) fn finite_noise(problem: &Problem, x: &DVector<f64>) -> Option<f64> {
    let noise = problem.gradient_noise(x).ok();
    noise.filter(|noise| noise.is_finite())
}
