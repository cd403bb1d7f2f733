//! The theorem of Newton and Kantorovich, in the metric of the Hessian.

use nalgebra::DVector;

use crate::production::LogitLoss;
use crate::production::error_bound::rounding::SLACK;

/// The largest product of third derivative and decrement that is taken for below 1/2, whatever was rounded on the way.
const LARGEST_PRODUCT: f64 = 0.49;

/// What is proven at a point x where the Hessian H of L is positive definite. `h = -H^-1 grad L` is the exact Newton step.
pub(super) struct NewtonFacts<'a> {
    /// `A x` as computed (n).
    pub logits: &'a DVector<f64>,
    /// A bound of the error of each logit (n).
    pub logit_error: &'a DVector<f64>,
    /// `H >= in_logits A'A`, with `in_logits > 0`.
    pub in_logits: f64,
    /// `(h' H h)^0.5 <= decrement`.
    pub decrement: f64,
    /// `||h|| <= step`.
    pub step: f64,
    /// `||y|| <= to_unknowns (y' H y)^0.5` for every y.
    pub to_unknowns: f64,
}

/// A bound and what it rests on.
pub(super) struct Proven {
    /// `||x - x*|| <= bound` for a strict local minimiser `x*`.
    pub bound: f64,
    /// In a few words.
    pub basis: String,
}

impl NewtonFacts<'_> {
    /// With decrement e and `|D^3 L| <= omega` in the metric of H near x, `omega e <= 1/2` puts a strict minimiser within
    /// `r = 2 e / (1 + (1 - 2 omega e)^0.5)` of x, and within `r - e` of x plus the Newton step. Or why that proves nothing.
    pub fn bound(&self, loss: &dyn LogitLoss) -> Result<Proven, String> {
        self.bound_by(|radius, lambda| {
            loss.third_derivative_bound(self.logits, self.logit_error, radius, lambda)
        })
    }

    /// [`bound`](Self::bound) by a function that gives [`LogitLoss::third_derivative_bound`] for a radius and a lambda.
    pub fn bound_by(&self, third: impl FnOnce(f64, f64) -> Option<f64>) -> Result<Proven, String> {
        let e = self.decrement;
        // r <= 2 e, and a length in the metric is at least root(in_logits) times the length in the logits.
        let ball = 2.0 * e / self.in_logits.sqrt() * SLACK;
        let omega =
            third(ball, self.in_logits).ok_or("no bound on its third derivative is known")?;
        let product = omega * e * SLACK;
        if product.is_nan() || product > LARGEST_PRODUCT {
            return Err(format!(
                "the Newton-Kantorovich product {product:.3e} at x is not below 1/2"
            ));
        }
        let root = (1.0 - 2.0 * product).sqrt();
        let radius = 2.0 * e / (1.0 + root) * SLACK;
        // r - e without cancellation: e (1 - root) / (1 + root), and 1 - root = 2 product / (1 + root).
        let remainder = e * 2.0 * product / (1.0 + root).powi(2) * SLACK;
        let bound =
            (radius * self.to_unknowns).min(self.step + remainder * self.to_unknowns) * SLACK;
        if !bound.is_finite() {
            return Err("the bound overflows".to_string());
        }
        let basis = format!(
            "Newton-Kantorovich: Hessian >= {:.3e} A'A at x, third derivative <= {omega:.3e} in the metric of the Hessian",
            self.in_logits
        );
        Ok(Proven { bound, basis })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::production::test_support::{Given, covers};

    /// `H >= 2.56 A'A`, decrement 0.1, lengths in x a quarter of those in the metric. [`Given`] makes of a third derivative
    /// g the omega `0.32 g`.
    fn proven(third: Option<f64>, step: f64) -> Result<Proven, String> {
        let mut loss = Given::new(1, 0);
        loss.omega = third;
        let none = DVector::zeros(1);
        let facts = NewtonFacts {
            logits: &none,
            logit_error: &none,
            in_logits: 2.56,
            decrement: 0.1,
            step,
            to_unknowns: 0.25,
        };
        facts.bound(&loss)
    }

    #[test]
    fn the_bound_is_that_of_hand_arithmetic() {
        // ball = 2 * 0.1 / 1.6 = 1/8, omega = 5 * 2.56 / 8 = 1.6, product 0.16, root = 0.68^0.5; r = 0.2 / (1 + root) in x / 4,
        // or the step and (r - e) / 4 with r - e = 0.1 * 0.32 / (1 + root)^2 (mpmath).
        let long = proven(Some(5.0), 0.2).unwrap();
        covers(long.bound, 0.027_402_949_199_448_108, 1e-9);
        let short = proven(Some(5.0), 0.02).unwrap();
        covers(short.bound, 0.022_402_949_199_448_11, 1e-9);
        assert_eq!(
            short.basis,
            "Newton-Kantorovich: Hessian >= 2.560e0 A'A at x, third derivative <= 1.600e0 in the metric of the Hessian"
        );
    }

    #[test]
    fn a_product_from_0_49_on_proves_nothing() {
        let refused = |third| proven(third, 0.2).err().unwrap_or_default();
        // The product is 0.032 for each unit given: 15.3 gives 0.4896, 15.46875 gives 0.495.
        assert_eq!(refused(Some(15.3)), "");
        assert_eq!(
            refused(Some(15.468_75)),
            "the Newton-Kantorovich product 4.950e-1 at x is not below 1/2"
        );
        assert!(refused(Some(f64::NAN)).contains("product NaN"));
        assert_eq!(refused(None), "no bound on its third derivative is known");
    }

    #[test]
    fn a_bound_beyond_f64_is_none() {
        let none = DVector::zeros(1);
        let mut loss = Given::new(1, 0);
        loss.omega = Some(5.0);
        let facts = NewtonFacts {
            logits: &none,
            logit_error: &none,
            in_logits: 2.56,
            decrement: 0.1,
            step: f64::INFINITY,
            to_unknowns: f64::INFINITY,
        };
        assert_eq!(facts.bound(&loss).err().unwrap(), "the bound overflows");
    }
}
