//! Newton's method in the coordinates of a QR factorisation: slower than Gram matrices and as accurate as f64 allows, whatever the
//! condition number or rank of A.
//!
//! ```text
//! repeat   z = A x,  v = grad l(z) + w^2 o z,  g = A' v
//!          stop when ||g|| is small and the Hessian is positive definite
//!          H = Q' (Hess l(z) + diag(w^2)) Q            (exact, or its diagonal part sampled)
//!          s = -H^-1 Q' v with a line search, or a cubic step where H is not positive definite
//!          (far up an exponential slope: the best of a chord, a row-scaled Newton and a ray step)
//!          x += S^-1 R^-1 s                            (A = Q R S)
//! ```
//!
//! | file | what lives there |
//! |---|---|
//! | `point` | everything known at one x |
//! | `run` | the state of a run, and what a point with a small gradient is |
//! | `hessian` | the Hessian and its models |
//! | `step` | Newton steps, cubic steps, and how they are judged |
//! | `slope` | steps down an exponential slope |
//! | `visible` | matrices without full column rank: the answer of least norm |

mod hessian;
mod point;
mod run;
mod slope;
mod step;
mod visible;

use nalgebra::DVector;

use crate::production::endings::Yardstick;
use crate::production::error_bound::{Stop, bound_in, bound_until};
use crate::production::logit_coordinates::{Visible, visible};
use crate::production::newton::in_qr::point::Point;
use crate::production::newton::in_qr::run::Run;
use crate::production::newton::in_qr::visible::solve_visible;
use crate::production::{Observer, Problem, Settings, Solution, SolveError};

pub(crate) use point::finite_noise;
pub(crate) use visible::refused_by_gram;

/// Minimises in orthonormal coordinates, by the exact or the sampled Hessian, from a start that fits. Slower than Gram
/// matrices and as accurate as f64 allows, whatever the condition number or rank of A. The tolerance is relative to
/// `yardstick`, or to the start where there is none.
pub(crate) fn solve_orthonormal(
    problem: &Problem,
    start: DVector<f64>,
    settings: &Settings,
    yardstick: Option<Yardstick>,
    observer: &mut Observer<'_>,
    stop: Stop<'_>,
) -> Result<Solution, SolveError> {
    let start = Point::at(problem, start)?;
    match visible(problem)? {
        Visible::All(coordinates) => {
            let solution =
                Run::new(problem, &coordinates, settings, start, yardstick, observer).finish();
            if !settings.certify {
                return Ok(solution);
            }
            Ok(bound_until(problem, solution, stop, move |problem, x| {
                bound_in(problem, &coordinates, x).into()
            }))
        }
        Visible::Part { basis, reason } => solve_visible(
            problem,
            start,
            settings,
            yardstick,
            (&basis, &reason),
            observer,
        ),
    }
}

#[cfg(test)]
mod tests;
