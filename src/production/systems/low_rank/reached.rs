//! What a run on a weighted low-rank problem hands back.

use crate::production::Outcome;
use crate::production::systems::low_rank::problem::{Point, Problem};
use crate::production::systems::reached::Reached;

/// Why there is never a bound on `||x - x*||`.
const NO_BOUND: &str = "none: the minimiser is not unique, X G and Y G^-T have the same loss for every invertible G; X Y' is what is determined";

/// How a run ended, apart from the point.
pub(super) struct Ending {
    pub(super) outcome: Outcome,
    pub(super) start_gradient_norm: f64,
    pub(super) iterations: usize,
    pub(super) warnings: Vec<String>,
}

/// The end of a run at this point. Rows that their entries do not determine make the answer not unique beyond G.
pub(super) fn at(problem: &Problem, point: &Point, ending: Ending) -> Reached {
    /// A run that stalls while a row's factor is this much larger than its entries was on its way to infinity.
    const GROWTH: f64 = 1e4;
    let Ending {
        mut outcome,
        start_gradient_norm,
        iterations,
        mut warnings,
    } = ending;
    let (growth, row) = problem.growth(point);
    if growth > GROWTH
        && matches!(
            outcome,
            Outcome::LineSearchStalled | Outcome::IterationLimit | Outcome::Singular
        )
    {
        warnings.push(growing(problem, growth, row));
        outcome = Outcome::Diverged;
    }
    let undetermined = problem.undetermined(point);
    if outcome.is_success() && !undetermined.is_empty() {
        outcome = Outcome::Singular;
    }
    warnings.extend(undetermined);
    Reached {
        outcome,
        x: problem.unknowns(point),
        loss: problem.shown(point.loss),
        gradient_norm: problem.shown(problem.gradient_norm(point)),
        start_gradient_norm: problem.shown(start_gradient_norm),
        gradient_noise: Some(problem.shown(problem.rounding(point))),
        iterations,
        error_bound: (None, NO_BOUND.to_owned()),
        labels_read: None,
        warnings,
    }
}

/// The sentence of a run without an end.
pub(super) fn growing(problem: &Problem, growth: f64, row: usize) -> String {
    let side = if problem.transposed { "column" } else { "row" };
    format!(
        "the factor of {side} {row} of M has grown to {growth:.1e} times its largest entry: the least loss is probably not \
         attained, X Y' grows without limit where W is 0"
    )
}
