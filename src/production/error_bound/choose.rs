//! How an error is bounded: through the Gram matrix of the ridge, through others, in QR coordinates, or not at all.

use nalgebra::DVector;

use crate::production::Problem;
use crate::production::error_bound::bound::{Certificate, ErrorBound};
use crate::production::error_bound::in_qr::bound_in;
use crate::production::error_bound::{by_gram, by_ridge};
use crate::production::logit_coordinates::{Visible, visible};

/// From so many entries of A (n d) on, softmax is judged through the Gram matrix of its ridge first: those that are solved in QR
/// coordinates have a factorisation that costs no more.
const RIDGE_ENTRIES: usize = 20_000;
/// From so many entries of A (n d) on, Gram matrices are tried before a QR factorisation.
const LARGE_ENTRIES: usize = 300_000;
/// A QR factorisation is tried up to this n d^2: some seconds.
const ORTHONORMAL_WORK: usize = 2_000_000_000;

/// Bounds the distance from x (d entries) to a minimiser of L.
///
/// Tries strong convexity (`min w^2` above the proven negative curvature of the loss: then the minimiser is unique) and
/// the Newton-Kantorovich theorem with the proven Lipschitz constant of the loss's Hessian (a strict local minimiser),
/// and returns the smaller bound. The rounding error of the gradient and of every factorisation is included. Never an
/// error: where nothing can be proven, `basis` says why.
///
/// Softmax with more than 20,000 entries (n d) and no weight 0 is judged through the Gram matrix of its ridge first. Problems with more than
/// 300,000 entries of which that proves nothing are judged by Gram matrices of A and of the Hessian, which costs less than a QR
/// factorisation and proves less; where that proves nothing either and a QR factorisation is affordable, it is tried too.
pub fn bound_error(problem: &Problem, x: &DVector<f64>) -> ErrorBound {
    certify(problem, x).error
}

/// [`bound_error`] with the rounding level of the gradient, where it is known.
pub(crate) fn certify(problem: &Problem, x: &DVector<f64>) -> Certificate {
    let entries = problem.rows().saturating_mul(problem.columns());
    let cheap = (entries > RIDGE_ENTRIES)
        .then(|| by_ridge::bound(problem, x))
        .flatten();
    cheap.unwrap_or_else(|| dearer(problem, x).into())
}

/// By Gram matrices of A and of the Hessian, or by a QR factorisation.
fn dearer(problem: &Problem, x: &DVector<f64>) -> ErrorBound {
    let entries = problem.rows().saturating_mul(problem.columns());
    if entries > LARGE_ENTRIES {
        let found = by_gram::bound(problem, x);
        let work = entries.saturating_mul(problem.columns());
        if found.bound.is_some() || work > ORTHONORMAL_WORK {
            return found;
        }
    }
    let whole = problem.whole();
    match visible(&whole) {
        Ok(Visible::All(coordinates)) => bound_in(&whole, &coordinates, x),
        Ok(Visible::Part { reason, .. }) => {
            ErrorBound::none(format!("the minimiser is not unique ({reason})"))
        }
        Err(error) => ErrorBound::none(error),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use nalgebra::DMatrix;

    use super::*;
    use crate::instance::{DesignMatrix, LossKind, sample};
    use crate::production::test_support::{Given, covers};
    use crate::production::{Settings, solve};

    /// Softmax on a matrix of condition 1e4.
    fn conditioned() -> Problem {
        let mut rng = sample::stream(5, "certificate", 0);
        let a = sample::conditioned_matrix(&mut rng, 30, 3, 3.0, 1e4);
        let b = sample::signed_unit_target(&mut rng, 30);
        Problem::new(
            LossKind::Softmax,
            DesignMatrix::Dense(a.into()),
            b,
            DVector::repeat(30, 2.0),
        )
        .unwrap()
    }

    #[test]
    fn the_smaller_of_two_proven_bounds_is_returned() {
        let problem = conditioned();
        let mut x = solve(&problem, &DVector::zeros(3), &Settings::default())
            .unwrap()
            .x;
        // Close to the minimiser the Newton step knows the distance to a per cent; convexity multiplies by the condition.
        x[0] += 1e-6;
        let near = bound_error(&problem, &x);
        assert!(
            near.bound
                .is_some_and(|bound| (1e-6 * 0.99..1.5e-6).contains(&bound)),
            "{near:?}"
        );
        assert!(
            near.basis.starts_with("Newton-Kantorovich: Hessian >= "),
            "{near:?}"
        );
        assert!(
            near.basis
                .ends_with("; L is strongly convex, so this is the only minimiser"),
            "{near:?}"
        );
        // Far from it only convexity holds.
        x[0] += 100.0;
        let far = bound_error(&problem, &x);
        assert!(far.bound.is_some_and(|bound| bound >= 100.0), "{far:?}");
        assert!(
            far.basis
                .starts_with("strong convexity: min w^2 + curvature floor of the loss >= 3.7"),
            "{far:?}"
        );
    }

    #[test]
    fn a_large_matrix_too_ill_conditioned_for_its_gram_matrix_is_judged_in_orthonormal_coordinates()
    {
        // Columns 1 and 1 +- 2^-26: the Gram matrix is singular to rounding, the matrix is not.
        let rows = 150_001;
        let mut loss = Given::new(rows, 0);
        loss.floor = Some(0.0);
        let off = 2f64.powi(-26);
        let a = DMatrix::from_fn(rows, 2, |i, j| match (j, i % 2) {
            (0, _) => 1.0,
            (_, 0) => 1.0 + off,
            _ => 1.0 - off,
        });
        let weights = DVector::repeat(rows, 1.0);
        let problem =
            Problem::with_loss(Arc::new(loss), DesignMatrix::Dense(a.into()), &weights).unwrap();
        let x = DVector::repeat(2, 1.0);
        assert_eq!(by_gram::bound(&problem, &x).bound, None);
        let found = bound_error(&problem, &x);
        assert!(found.basis.contains("sigma_min(A) >= "), "{found:?}");
    }

    #[test]
    fn gram_matrices_are_tried_above_300_000_entries() {
        let basis = |rows: usize| {
            let mut loss = Given::new(rows, 0);
            (loss.floor, loss.ceiling) = (Some(0.0), Some(0.0));
            let a = DMatrix::from_fn(rows, 2, |i, j| if i % 2 == j { 1.0 } else { 0.0 });
            let weights = DVector::repeat(rows, 1.0);
            let problem =
                Problem::with_loss(Arc::new(loss), DesignMatrix::Dense(a.into()), &weights)
                    .unwrap();
            bound_error(&problem, &DVector::repeat(2, 1.0)).basis
        };
        // The smallest singular value is root 75,000 = 2.739e2.
        assert!(
            basis(150_000).contains("sigma_min(A) >= 2.739e2"),
            "{}",
            basis(150_000)
        );
        assert!(
            basis(150_001).contains("sigma_min(A)^2 >= 7.42"),
            "{}",
            basis(150_001)
        );
    }

    /// Curvature 1 and modulus 1, gradient 1/4: convexity proves 1/4. The decrement is 1/4 as well, and a third derivative
    /// of 1.6 makes a product of 0.4 and a radius of 0.5 / (1 + 0.2^0.5) = 0.3455 of it.
    #[test]
    fn convexity_decides_where_newton_and_kantorovich_know_less() {
        let mut loss = Given::new(1, 0);
        loss.gradient[0] = 0.25;
        (loss.floor, loss.ceiling, loss.omega) = (Some(0.0), Some(0.0), Some(3.2));
        let problem = loss.over(&[1.0], &[1.0]);
        let found = bound_error(&problem, &DVector::zeros(1));
        covers(found.bound.unwrap(), 0.25, 1e-8);
        assert!(found.basis.starts_with("strong convexity: "), "{found:?}");
    }
}
