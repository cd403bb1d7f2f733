//! Leaving a kink of a loss that is not smooth: derivatives at x say nothing of the side where x is not.

use nalgebra::DVector;

use crate::production::endings::{LOSS_ROUNDING, NEAR_KINK, SINGULAR_HESSIAN};
use crate::production::{Outcome, Problem, Solution};

/// Kinks left in one solve at most.
pub(crate) const KINKS: usize = 20;
/// Lengths, in the largest logit, that are tried along a descent direction of the other side.
const LENGTHS: [f64; 7] = [1e-3, 0.01, 0.1, 0.5, 1.0, 3.0, 10.0];
/// A point that the derivatives call a minimiser is left only for a kink at this distance: the point is on it, to rounding.
const ON_KINK: f64 = 64.0 * f64::EPSILON;

/// How near a kink must be to be left from where the run ended, or `None` where it ended for another reason than the kink.
fn near_enough(outcome: Outcome) -> Option<f64> {
    match outcome {
        Outcome::Converged | Outcome::ConvergedToRounding => Some(ON_KINK),
        Outcome::Singular | Outcome::NotConvex | Outcome::LineSearchStalled => Some(NEAR_KINK),
        Outcome::AtKink
        | Outcome::AtRest
        | Outcome::WithinAccuracy
        | Outcome::BudgetSpent
        | Outcome::IterationLimit
        | Outcome::Diverged
        | Outcome::DiagonalNotPositive
        | Outcome::SamplingFailed
        | Outcome::Interrupted
        | Outcome::OutOfRange => None,
    }
}

/// The point of lowest loss among some steps beyond the kinks next to where a run ended, if the loss falls beyond one.
pub(crate) fn beyond(problem: &Problem, solution: &Solution) -> Option<DVector<f64>> {
    let near = near_enough(solution.outcome)?;
    let z = problem.logits(&solution.x).ok()?;
    let ridge = problem.squared_weights().component_mul(&z);
    let gradients = problem.loss().gradients_beyond_kinks(&z, near).ok()?;
    gradients
        .into_iter()
        .flat_map(|gradient| steps(problem, &solution.x, &(gradient + &ridge)))
        .filter_map(|point| Some((problem.value(&point).ok()?, point)))
        .min_by(|(one, _), (other, _)| one.total_cmp(other))
        .filter(|(value, _)| solution.loss - value > LOSS_ROUNDING * solution.loss.abs())
        .map(|(_, point)| point)
}

/// Points along `-A' slope` from x.
fn steps(problem: &Problem, x: &DVector<f64>, slope: &DVector<f64>) -> Vec<DVector<f64>> {
    let Ok(uphill) = problem.pull_back(slope) else {
        return Vec::new();
    };
    let size = problem.image(&uphill).amax();
    if !(size.is_finite() && size > 0.0) {
        return Vec::new();
    }
    LENGTHS
        .iter()
        .map(|length| x - &uphill * (length / size))
        .collect()
}

/// Names the kink where it is the reason why a run could not be called converged.
pub(crate) fn name(problem: &Problem, solution: &mut Solution) {
    let judged_by_hessian = solution.outcome == Outcome::Singular
        && solution
            .warnings
            .iter()
            .any(|warning| warning == SINGULAR_HESSIAN);
    if !(judged_by_hessian || solution.outcome == Outcome::LineSearchStalled) {
        return;
    }
    let beside = problem
        .logits(&solution.x)
        .and_then(|z| problem.loss().gradients_beyond_kinks(&z, NEAR_KINK));
    if beside.is_ok_and(|gradients| !gradients.is_empty()) {
        solution.outcome = Outcome::AtKink;
        solution
            .warnings
            .retain(|warning| warning != SINGULAR_HESSIAN);
        solution.warnings.push(
            "x lies next to a kink of the loss, where derivatives jump: no step beyond it that was tried lowers the loss"
                .to_string(),
        );
    }
}
