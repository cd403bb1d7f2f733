//! A [`Problem`] as cost function, gradient and Hessian of [argmin](https://argmin-rs.org), whose optimisers can then be
//! held against this crate's own. Feature `argmin`.

use argmin::core::{CostFunction, Error, Gradient, Hessian};
use nalgebra::DVector;

use crate::production::Problem;

impl CostFunction for Problem {
    type Param = Vec<f64>;
    type Output = f64;

    fn cost(&self, x: &Vec<f64>) -> Result<f64, Error> {
        Ok(self.value(&DVector::from_column_slice(x))?)
    }
}

impl Gradient for Problem {
    type Param = Vec<f64>;
    type Gradient = Vec<f64>;

    fn gradient(&self, x: &Vec<f64>) -> Result<Vec<f64>, Error> {
        // The type's own method of the same name, not this one.
        let gradient = Problem::gradient(self, &DVector::from_column_slice(x))?;
        Ok(gradient.as_slice().to_vec())
    }
}

impl Hessian for Problem {
    type Param = Vec<f64>;
    type Hessian = Vec<Vec<f64>>;

    fn hessian(&self, x: &Vec<f64>) -> Result<Vec<Vec<f64>>, Error> {
        let hessian = Problem::hessian(self, &DVector::from_column_slice(x))?;
        Ok(hessian
            .row_iter()
            .map(|row| row.iter().copied().collect())
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instance::{DesignMatrix, LossKind};
    use nalgebra::DMatrix;

    /// `0.5 (e^z - 3)^2 + 0.5 (2 z)^2` with `z = x_1 + 2 x_2` at z = 0: value 2, slope -2, curvature -1 + 4.
    #[test]
    fn what_argmin_sees_is_the_problem() {
        let matrix = DesignMatrix::dense(DMatrix::from_row_slice(1, 2, &[1.0, 2.0])).unwrap();
        let number = |value: f64| DVector::from_element(1, value);
        let problem = Problem::new(LossKind::Exp, matrix, number(3.0), number(2.0)).unwrap();
        let x = vec![2.0, -1.0];
        assert_eq!(CostFunction::cost(&problem, &x).unwrap(), 2.0);
        assert_eq!(Gradient::gradient(&problem, &x).unwrap(), [-2.0, -4.0]);
        let hessian = Hessian::hessian(&problem, &x).unwrap();
        assert_eq!(hessian, [[3.0, 6.0], [6.0, 12.0]]);
        let wrong = vec![0.0; 3];
        assert!(CostFunction::cost(&problem, &wrong).is_err());
        assert!(Gradient::gradient(&problem, &wrong).is_err());
        assert!(Hessian::hessian(&problem, &wrong).is_err());
    }
}
