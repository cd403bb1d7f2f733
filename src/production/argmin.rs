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
