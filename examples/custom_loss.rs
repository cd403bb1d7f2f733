//! A loss of one's own: Huber's, smoothed. `cargo run --release --example custom_loss`
//!
//! `l(z) = sum_i (1 + (z_i - b_i)^2)^0.5 - 1` is quadratic near the data and linear far away, so outliers count less. Its
//! Hessian is diagonal: all that the solver asks for is value, gradient, that diagonal, and how far rounding can be off.

use std::error::Error;
use std::sync::Arc;

use attention_regression::instance::DesignMatrix;
use attention_regression::production::{
    DiagonalPlusLowRank, EvaluationError, LogitErrorBounds, LogitLoss, Problem, Settings,
};
use nalgebra::{DMatrix, DVector};

struct PseudoHuber {
    target: DVector<f64>,
}

impl PseudoHuber {
    fn root(&self, z: &DVector<f64>) -> DVector<f64> {
        (z - &self.target).map(|r| 1.0_f64.hypot(r))
    }
}

fn diagonal(diagonal: DVector<f64>) -> DiagonalPlusLowRank {
    DiagonalPlusLowRank {
        basis: DMatrix::zeros(diagonal.len(), 0),
        core: DMatrix::zeros(0, 0),
        diagonal,
    }
}

impl LogitLoss for PseudoHuber {
    fn name(&self) -> &'static str {
        "pseudo-huber"
    }

    fn logits(&self) -> usize {
        self.target.len()
    }

    fn value(&self, z: &DVector<f64>) -> Result<f64, EvaluationError> {
        // r^2 / (1 + root) is root - 1 without cancellation.
        let squares = (z - &self.target).map(|r| r * r);
        Ok(squares.component_div(&self.root(z).add_scalar(1.0)).sum())
    }

    fn gradient(&self, z: &DVector<f64>) -> Result<DVector<f64>, EvaluationError> {
        Ok((z - &self.target).component_div(&self.root(z)))
    }

    fn hessian(&self, z: &DVector<f64>) -> Result<DiagonalPlusLowRank, EvaluationError> {
        Ok(diagonal(self.root(z).map(|root| root.powi(-3))))
    }

    /// Slopes are at most 1 and curvatures change by at most 1 for each unit of a logit; a handful of roundings on top.
    fn error_bounds(
        &self,
        z: &DVector<f64>,
        logit_error: &DVector<f64>,
    ) -> Result<LogitErrorBounds, EvaluationError> {
        let n = z.len() as f64;
        let rounding = 16.0 * f64::EPSILON;
        let residual = (z - &self.target).abs();
        Ok(LogitErrorBounds {
            value: logit_error.sum() + rounding * n * residual.add_scalar(1.0).sum(),
            gradient: logit_error.add_scalar(rounding),
            hessian: diagonal(logit_error.add_scalar(rounding)),
        })
    }

    fn curvature_floor(&self) -> Option<f64> {
        Some(0.0)
    }

    /// `|D'| = 3 |r| / root^5`, largest at `r = 1/2`: `1.5 * 0.8^2.5 < 0.859`.
    fn hessian_lipschitz(&self) -> Option<f64> {
        Some(0.859)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let (n, d) = (200, 3);
    let matrix = DMatrix::from_fn(n, d, |i, j| ((i * (j + 1)) as f64).sin());
    let truth = DVector::from_vec(vec![1.0, -2.0, 0.5]);
    let mut target = &matrix * &truth;
    for i in (0..n).step_by(10) {
        target[i] += 50.0;
    }
    let loss = Arc::new(PseudoHuber { target });
    let matrix = DesignMatrix::dense(matrix)?;
    let problem = Problem::with_loss(loss, matrix, &DVector::repeat(n, 1e-2))?;
    let solution = problem.solve(&Settings::default())?;
    println!(
        "{} after {} iterations",
        solution.outcome, solution.iterations
    );
    println!("x = {:.4}", solution.x.transpose());
    println!(
        "off by at most {:?}: {}",
        solution.error_bound, solution.error_bound_basis
    );
    let distance = (&solution.x - &truth).norm();
    println!("{distance:.3} from the truth, though every tenth target is 50 too large");
    Ok(())
}
