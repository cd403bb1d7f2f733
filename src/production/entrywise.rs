//! Exp, cosh and sinh regression (LSZ23): `l(z) = 0.5 || phi(z) - b ||^2`, entry by entry.
//!
//! ```text
//! grad l = phi'(z) o (phi(z) - b)        Hess l = diag(D),  D = phi'(z)^2 + phi''(z) o (phi(z) - b)
//!
//!          D                                   D'                            min over z of D
//! exp      (2 e^z - b) e^z                     (4 e^z - b) e^z               -b^2/8 if b > 0, else 0
//! cosh     sinh^2 z + cosh z (cosh z - b)      (4 cosh z - b) sinh z         1 - b if b < 4, else -1 - b^2/8
//! sinh     cosh^2 z + sinh z (sinh z - b)      (4 sinh z - b) cosh z         1 - b^2/8
//! ```
//!
//! The minima are those of quadratics in `e^z > 0`, `cosh z >= 1`, `sinh z`. The remainder of the Hessian has rank 0.

use nalgebra::{DMatrix, DVector};

use crate::production::logit_loss::{
    LogitErrorBounds, LogitLoss, all_finite, check_vector, refuse_overflow,
};
use crate::production::running_error::{errors, values, with_errors};
use crate::production::{DiagonalPlusLowRank, EvaluationError};
use crate::scalar::Ball;

/// `phi`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// `exp(z)`.
    Exp,
    /// `cosh(z)`.
    Cosh,
    /// `sinh(z)`.
    Sinh,
}

/// The loss `0.5 || phi(z) - b ||^2` for a fixed target `b` (n entries of any sign and size).
#[derive(Clone, Debug)]
pub struct Entrywise {
    function: Function,
    target: DVector<f64>,
}

/// Function, derivative, second derivative and residual at one logit.
struct Entry {
    first: Ball<f64>,
    second: Ball<f64>,
    residual: Ball<f64>,
}

impl Entrywise {
    /// The loss for `phi` and the target `b`. An entry that is not finite is reported by every evaluation.
    pub fn new(function: Function, target: DVector<f64>) -> Self {
        Self { function, target }
    }

    fn entries(
        &self,
        z: &DVector<f64>,
        logit_error: Option<&DVector<f64>>,
    ) -> Result<Vec<Entry>, EvaluationError> {
        let n = self.target.len();
        check_vector("logits", z, n)?;
        check_vector("target", &self.target, n)?;
        Ok(with_errors(z, logit_error)
            .into_iter()
            .zip(self.target.iter())
            .map(|(z, &b)| {
                let (value, first, second) = match self.function {
                    Function::Exp => {
                        let e = z.exp();
                        (e, e, e)
                    }
                    Function::Cosh => {
                        let (c, s) = (z.cosh(), z.sinh());
                        (c, s, c)
                    }
                    Function::Sinh => {
                        let (c, s) = (z.cosh(), z.sinh());
                        (s, c, s)
                    }
                };
                Entry {
                    first,
                    second,
                    residual: value - Ball::exact(b),
                }
            })
            .collect())
    }

    fn bounded_value(entries: &[Entry]) -> Ball<f64> {
        let squares: Vec<Ball<f64>> = entries.iter().map(|e| e.residual * e.residual).collect();
        Ball::exact(0.5) * Ball::sum(&squares)
    }

    fn bounded_gradient(entries: &[Entry]) -> Vec<Ball<f64>> {
        entries.iter().map(|e| e.first * e.residual).collect()
    }

    fn bounded_diagonal(&self, entries: &[Entry]) -> Vec<Ball<f64>> {
        entries
            .iter()
            .map(|e| match self.function {
                // (e^z - b) + e^z first: one product fewer, and no overflow before the result.
                Function::Exp => e.first * (e.first + e.residual),
                Function::Cosh | Function::Sinh => e.first * e.first + e.second * e.residual,
            })
            .collect()
    }

    /// `max |D'|` over the logits within `reach` of `z`, entry by entry, rounded up; infinite on overflow.
    fn slope_of_curvature(&self, z: &DVector<f64>, reach: &DVector<f64>) -> f64 {
        // A handful of roundings and two calls of the library.
        const MARGIN: f64 = 1.0 + 64.0 * f64::EPSILON;
        (0..z.len())
            .map(|i| {
                let b = self.target[i].abs();
                match self.function {
                    Function::Exp => {
                        let e = (z[i] + reach[i]).next_up().exp();
                        (4.0 * e + b) * e * MARGIN
                    }
                    // Both are bounded by the same: |sinh| <= cosh.
                    Function::Cosh | Function::Sinh => {
                        let c = (z[i].abs() + reach[i]).next_up().cosh();
                        (4.0 * c + b) * c * MARGIN
                    }
                }
            })
            .fold(0.0, f64::max)
    }
}

fn diagonal_only(diagonal: DVector<f64>) -> DiagonalPlusLowRank {
    DiagonalPlusLowRank {
        basis: DMatrix::zeros(diagonal.len(), 0),
        core: DMatrix::zeros(0, 0),
        diagonal,
    }
}

impl LogitLoss for Entrywise {
    fn name(&self) -> &'static str {
        match self.function {
            Function::Exp => "exp",
            Function::Cosh => "cosh",
            Function::Sinh => "sinh",
        }
    }

    fn logits(&self) -> usize {
        self.target.len()
    }

    /// An error if it overflows: from logits of about 354 on.
    fn value(&self, z: &DVector<f64>) -> Result<f64, EvaluationError> {
        let value = Self::bounded_value(&self.entries(z, None)?).midpoint();
        refuse_overflow("loss", &[value])?;
        Ok(value)
    }

    fn gradient(&self, z: &DVector<f64>) -> Result<DVector<f64>, EvaluationError> {
        let gradient = values(&Self::bounded_gradient(&self.entries(z, None)?));
        refuse_overflow("logit gradient", gradient.as_slice())?;
        Ok(gradient)
    }

    fn hessian(&self, z: &DVector<f64>) -> Result<DiagonalPlusLowRank, EvaluationError> {
        let diagonal = values(&self.bounded_diagonal(&self.entries(z, None)?));
        refuse_overflow("logit Hessian", diagonal.as_slice())?;
        Ok(diagonal_only(diagonal))
    }

    fn error_bounds(
        &self,
        z: &DVector<f64>,
        logit_error: &DVector<f64>,
    ) -> Result<LogitErrorBounds, EvaluationError> {
        let entries = self.entries(z, Some(logit_error))?;
        all_finite(LogitErrorBounds {
            value: Self::bounded_value(&entries).radius(),
            gradient: errors(&Self::bounded_gradient(&entries)),
            hessian: diagonal_only(errors(&self.bounded_diagonal(&entries))),
        })
    }

    /// The smallest entry of D over all z, see the table in the module's documentation; rounded down.
    fn curvature_floor(&self) -> Option<f64> {
        let floor = self
            .target
            .iter()
            .map(|&b| match self.function {
                Function::Exp if b <= 0.0 => 0.0,
                Function::Exp => (-b * b / 8.0).next_down(),
                Function::Cosh if b < 4.0 => (1.0 - b).next_down(),
                Function::Cosh => (-1.0 - (b * b / 8.0).next_up()).next_down(),
                Function::Sinh => (1.0 - (b * b / 8.0).next_up()).next_down(),
            })
            .fold(f64::INFINITY, f64::min);
        floor.is_finite().then_some(floor)
    }

    /// `max |D'| / lambda^1.5` over the ball: `D^3 l(y)[u, u, u] = sum D'(y_i) u_i^3`, and `sum |u_i|^3 <= ||u||^3`.
    fn third_derivative_bound(
        &self,
        z: &DVector<f64>,
        logit_error: &DVector<f64>,
        radius: f64,
        lambda: f64,
    ) -> Option<f64> {
        let reach = logit_error.map(|error| error + radius);
        let bound = self.slope_of_curvature(z, &reach) / lambda.powf(1.5) * (1.0 + 1e-10);
        bound.is_finite().then_some(bound)
    }

    /// `cosh(-z) = cosh(z)`.
    fn is_even(&self) -> bool {
        self.function == Function::Cosh
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::production::test_support::covers;

    fn loss(function: Function, target: &[f64]) -> Entrywise {
        Entrywise::new(function, DVector::from_column_slice(target))
    }

    #[test]
    fn the_local_bound_of_the_third_derivative_is_that_of_the_numerics_document() {
        // max (4 t + |b|) t / lambda^1.5 with t = e^(z + e + r) or cosh(|z| + e + r), lambda = 4; mpmath.
        let z = DVector::from_column_slice(&[0.5, -0.75]);
        let off = DVector::from_column_slice(&[0.125, 0.25]);
        for (function, exact) in [
            (Function::Exp, 3.477_020_161_494_64),
            (Function::Cosh, 2.491_231_323_851_302_5),
            (Function::Sinh, 2.491_231_323_851_302_5),
        ] {
            let loss = loss(function, &[-2.0, 3.0]);
            let bound = loss.third_derivative_bound(&z, &off, 0.25, 4.0).unwrap();
            covers(bound, exact, 1.01e-10);
            let far = DVector::from_element(2, 800.0);
            assert_eq!(loss.third_derivative_bound(&far, &off, 0.25, 4.0), None);
        }
    }

    #[test]
    fn the_slope_of_the_curvature_allows_for_64_roundings() {
        // t = 1 where z + reach = 0: (4 + 3) * 1.
        let at = |z: f64, reach: f64| {
            let (z, reach) = (DVector::from_element(1, z), DVector::from_element(1, reach));
            [Function::Exp, Function::Cosh, Function::Sinh]
                .map(|function| loss(function, &[-3.0]).slope_of_curvature(&z, &reach))
        };
        let found = [at(-0.5, 0.5)[0], at(0.0, 0.0)[1], at(0.0, 0.0)[2]];
        for slope in found {
            let units = (slope / 7.0 - 1.0) / f64::EPSILON;
            assert!((60.0..=68.0).contains(&units), "{units}");
        }
    }

    #[test]
    fn the_curvature_floors_are_the_minima_of_the_quadratics() {
        // -b^2/8 (0 for b <= 0); 1 - b below 4, -1 - b^2/8 from there; 1 - b^2/8. The least of the entries counts.
        for (function, target, exact) in [
            (Function::Exp, [2.0, -9.0], -0.5),
            (Function::Exp, [-1.0, 0.0], 0.0),
            (Function::Cosh, [-2.0, 3.0], -2.0),
            (Function::Cosh, [3.0, 6.0], -5.5),
            (Function::Sinh, [1.0, -4.0], -1.0),
        ] {
            let floor = loss(function, &target).curvature_floor().unwrap();
            let margin = exact - floor;
            assert!(
                (0.0..=1e-14).contains(&margin),
                "{function:?}: {floor} for {exact}"
            );
        }
    }

    #[test]
    fn each_function_has_its_name_and_only_cosh_is_even() {
        let all =
            [Function::Exp, Function::Cosh, Function::Sinh].map(|function| loss(function, &[1.0]));
        assert_eq!(
            all.each_ref().map(|loss| loss.name()),
            ["exp", "cosh", "sinh"]
        );
        assert!(all.iter().all(|loss| loss.softmax_target().is_none()));
        assert_eq!(
            all.each_ref().map(|loss| loss.is_even()),
            [false, true, false]
        );
    }
}
