//! What a loss of the logits must offer.

use std::sync::Arc;

use nalgebra::DVector;

use crate::production::{DiagonalPlusLowRank, EvaluationError};

/// A twice differentiable loss `l(z)` of n logits whose Hessian is diagonal plus low rank.
///
/// Every method takes `z` with [`logits`](Self::logits) finite entries (anything else is an [`EvaluationError`]) and
/// returns finite numbers or an error, never NaN.
pub trait LogitLoss: Send + Sync {
    /// The name in manifests and reports.
    fn name(&self) -> &'static str;

    /// The number of logits n.
    fn logits(&self) -> usize;

    /// `l(z)`.
    fn value(&self, z: &DVector<f64>) -> Result<f64, EvaluationError>;

    /// `grad l(z)`, n entries.
    fn gradient(&self, z: &DVector<f64>) -> Result<DVector<f64>, EvaluationError>;

    /// `Hess l(z)`, n x n in structured form.
    fn hessian(&self, z: &DVector<f64>) -> Result<DiagonalPlusLowRank, EvaluationError>;

    /// How far the computed `l`, `grad l`, `Hess l` at the computed logits `z` can be from the exact ones at exact
    /// logits that differ from `z` by at most `logit_error` entry by entry.
    fn error_bounds(
        &self,
        z: &DVector<f64>,
        logit_error: &DVector<f64>,
    ) -> Result<LogitErrorBounds, EvaluationError>;

    /// A proven `c` with `Hess l(z) >= c I` for all z, or `None` where none is known.
    fn curvature_floor(&self) -> Option<f64> {
        None
    }

    /// A proven `C` with `|| Hess l(z) ||_2 <= C` for all z, or `None` where none is known.
    fn curvature_ceiling(&self) -> Option<f64> {
        None
    }

    /// A proven `K` with `|| Hess l(y) - Hess l(z) ||_2 <= K || y - z ||_2` for all y, z, or `None` where none is known.
    fn hessian_lipschitz(&self) -> Option<f64> {
        None
    }

    /// A proven `omega` with `|D^3 l(y)[u, u, u]| <= omega (u' M u)^1.5` for all u and all y within `radius` of the exact
    /// logits, which are within `logit_error` (entry by entry) of `z`. Here `M = Hess l(z) + (something >= 0)` is known to satisfy `u' M u >= lambda ||u||^2 > 0` for the u in question.
    ///
    /// The default follows from [`hessian_lipschitz`](Self::hessian_lipschitz): `K / lambda^1.5`. A loss whose third
    /// derivative is small where its Hessian is small can do far better.
    fn third_derivative_bound(
        &self,
        z: &DVector<f64>,
        logit_error: &DVector<f64>,
        radius: f64,
        lambda: f64,
    ) -> Option<f64> {
        let _ = (z, logit_error, radius);
        self.hessian_lipschitz()
            .map(|lipschitz| lipschitz / lambda.powf(1.5))
    }

    /// Whether `l(z + t 1) = l(z)` for all t. Then the direction `h` with `A h = 1`, if there is one, is invisible.
    fn is_shift_invariant(&self) -> bool {
        false
    }

    /// Whether `l(-z) = l(z)` for all z. Then `x = 0` is a stationary point whatever the data, and the solver does not
    /// start there.
    fn is_even(&self) -> bool {
        false
    }

    /// Whether `l` has a pole on the segment between two points where it is defined. The solver makes no such step.
    fn has_pole_between(&self, from: &DVector<f64>, to: &DVector<f64>) -> bool {
        let _ = (from, to);
        false
    }

    /// The target `b` if this loss is `0.5 || softmax(z) - b ||^2`, for which the solver has sweeps that read A once for value,
    /// gradient and low-rank part together.
    fn softmax_target(&self) -> Option<&[f64]> {
        None
    }

    /// This loss less a constant, where that constant is so large that its rounding hides every change of `l`; `None` where it is
    /// not. The solver then searches by the other loss, whose derivatives are the same.
    fn without_constant(&self) -> Option<Arc<dyn LogitLoss>> {
        None
    }

    /// Whether `l` is twice differentiable everywhere it is defined. Where it is not, [`remarks`](Self::remarks) tells what that
    /// means at a point.
    fn is_smooth(&self) -> bool {
        true
    }

    /// `grad l(z)` (n entries) as continued from beyond a kink of `l`, one for each kink that z is next to: within `near` of it,
    /// relative to the size of what has the kink. None where `l` is smooth.
    fn gradients_beyond_kinks(
        &self,
        z: &DVector<f64>,
        near: f64,
    ) -> Result<Vec<DVector<f64>>, EvaluationError> {
        let _ = (z, near);
        Ok(Vec::new())
    }

    /// What a user of derivatives at `z` should know, one sentence each; nothing where `l` is smooth.
    fn remarks(&self, z: &DVector<f64>) -> Vec<String> {
        let _ = z;
        Vec::new()
    }
}

/// Bounds on the distance of computed from exact quantities of a [`LogitLoss`]; all entries are `>= 0`.
#[derive(Clone, Debug)]
pub struct LogitErrorBounds {
    /// Bound for `l`.
    pub value: f64,
    /// Bound for each entry of `grad l`.
    pub gradient: DVector<f64>,
    /// Bounds for diagonal, basis and core of `Hess l`, in the fields of the same names.
    pub hessian: DiagonalPlusLowRank,
}

/// Refuses a wrong length and the first entry that is not finite.
pub(crate) fn check_vector(
    part: &'static str,
    vector: &DVector<f64>,
    expected: usize,
) -> Result<(), EvaluationError> {
    if vector.len() != expected {
        return Err(EvaluationError::Shape {
            part,
            found: vector.len(),
            expected,
        });
    }
    match vector.iter().position(|value| !value.is_finite()) {
        Some(index) => Err(EvaluationError::NotFinite {
            part,
            index,
            value: vector[index],
        }),
        None => Ok(()),
    }
}

/// Hands on bounds that are finite; an error names the first part that is not.
pub(crate) fn all_finite(bounds: LogitErrorBounds) -> Result<LogitErrorBounds, EvaluationError> {
    refuse_overflow("error bound of the loss", &[bounds.value])?;
    refuse_overflow(
        "error bound of the logit gradient",
        bounds.gradient.as_slice(),
    )?;
    let hessian = &bounds.hessian;
    for part in [
        hessian.diagonal.as_slice(),
        hessian.basis.as_slice(),
        hessian.core.as_slice(),
    ] {
        refuse_overflow("error bound of the logit Hessian", part)?;
    }
    Ok(bounds)
}

/// Turns a result that left the range of f64 into an error that names it.
pub(crate) fn refuse_overflow(
    quantity: &'static str,
    values: &[f64],
) -> Result<(), EvaluationError> {
    match values.iter().position(|value| !value.is_finite()) {
        Some(index) => Err(EvaluationError::Overflow {
            quantity,
            index,
            value: values[index],
        }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::production::test_support::Given;

    /// What must be given, and a Lipschitz constant.
    struct Bare(Option<f64>);

    impl LogitLoss for Bare {
        fn name(&self) -> &'static str {
            "bare"
        }
        fn logits(&self) -> usize {
            1
        }
        fn value(&self, z: &DVector<f64>) -> Result<f64, EvaluationError> {
            Given::new(1, 0).value(z)
        }
        fn gradient(&self, z: &DVector<f64>) -> Result<DVector<f64>, EvaluationError> {
            Given::new(1, 0).gradient(z)
        }
        fn hessian(&self, z: &DVector<f64>) -> Result<DiagonalPlusLowRank, EvaluationError> {
            Given::new(1, 0).hessian(z)
        }
        fn error_bounds(
            &self,
            z: &DVector<f64>,
            logit_error: &DVector<f64>,
        ) -> Result<LogitErrorBounds, EvaluationError> {
            Given::new(1, 0).error_bounds(z, logit_error)
        }
        fn hessian_lipschitz(&self) -> Option<f64> {
            self.0
        }
    }

    #[test]
    fn a_loss_that_says_no_more_than_it_must_claims_nothing() {
        let (loss, z) = (Bare(None), DVector::from_element(1, 1.0));
        assert_eq!(
            (loss.curvature_floor(), loss.curvature_ceiling()),
            (None, None)
        );
        assert_eq!(loss.third_derivative_bound(&z, &z, 1.0, 4.0), None);
        assert!(!loss.is_shift_invariant() && !loss.is_even() && loss.is_smooth());
        assert!(!loss.has_pole_between(&z, &-&z));
        assert_eq!(loss.softmax_target(), None);
        assert!(loss.remarks(&z).is_empty());
        // K / lambda^1.5 = 6 / 8.
        assert_eq!(
            Bare(Some(6.0)).third_derivative_bound(&z, &z, 1.0, 4.0),
            Some(0.75)
        );
        assert_eq!(Given::new(1, 0).hessian_lipschitz(), None);
    }

    #[test]
    fn a_vector_of_the_wrong_length_or_with_an_infinite_entry_is_named() {
        let vector = DVector::from_column_slice(&[1.0, f64::INFINITY, 2.0]);
        assert_eq!(
            check_vector("point", &vector, 2),
            Err(EvaluationError::Shape {
                part: "point",
                found: 3,
                expected: 2
            })
        );
        assert_eq!(
            check_vector("point", &vector, 3),
            Err(EvaluationError::NotFinite {
                part: "point",
                index: 1,
                value: f64::INFINITY
            })
        );
        assert_eq!(check_vector("point", &DVector::zeros(3), 3), Ok(()));
    }

    #[test]
    fn every_part_of_the_bounds_must_be_finite() {
        let part_of = |spoil: fn(&mut LogitErrorBounds)| {
            let mut bounds = Given::new(2, 1).bounds;
            spoil(&mut bounds);
            match all_finite(bounds).map(|_| ()) {
                Err(EvaluationError::Overflow {
                    quantity, index, ..
                }) => (quantity, index),
                other => panic!("{other:?}"),
            }
        };
        const INFINITE: f64 = f64::INFINITY;
        assert_eq!(
            part_of(|b| b.value = INFINITE),
            ("error bound of the loss", 0)
        );
        assert_eq!(
            part_of(|b| b.gradient[1] = INFINITE),
            ("error bound of the logit gradient", 1)
        );
        let hessian = "error bound of the logit Hessian";
        assert_eq!(part_of(|b| b.hessian.diagonal[1] = INFINITE), (hessian, 1));
        assert_eq!(part_of(|b| b.hessian.basis[1] = INFINITE), (hessian, 1));
        assert_eq!(part_of(|b| b.hessian.core[0] = INFINITE), (hessian, 0));
        assert!(all_finite(Given::new(2, 1).bounds).is_ok());
    }
}
