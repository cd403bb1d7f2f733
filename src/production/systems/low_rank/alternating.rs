//! Alternating least squares: each factor at its best for the other, in turn.
//!
//! The loss never rises. Near a minimiser the gradient shrinks by a fixed factor a sweep, which is `(sigma_(k+1) / sigma_k)^2`
//! where all weights are alike and near 1 where few entries are seen: tens of sweeps or tens of thousands.

use crate::production::outcome::TraceEntry;
use crate::production::settings::Settings;
use crate::production::systems::error::{Refusal, SystemError};
use crate::production::systems::low_rank::problem::{Outline, Point, Problem, orthonormal};
use crate::production::systems::low_rank::reached::{self, Ending};
use crate::production::systems::low_rank::variable_projection::kind_of;
use crate::production::systems::method::{Cost, Method};
use crate::production::systems::reached::{Reached, Watch};
use crate::production::{EvaluationError, Outcome};
use crate::system::Given;

/// Alternating least squares for `weighted-low-rank`.
pub(crate) struct Alternating;

impl Method for Alternating {
    fn name(&self) -> &'static str {
        "alternating"
    }

    fn solves(&self) -> &'static str {
        "weighted-low-rank"
    }

    fn proves(&self) -> bool {
        false
    }

    /// As many sweeps as a mask near the limit of completion takes; nothing tells before whether it does.
    fn takes(&self, given: &Given) -> Result<Cost, Refusal> {
        const SWEEPS: f64 = 20_000.0;
        let outline = Outline::of(given)?;
        let (q, p) = outline.shape;
        let squares = (outline.rank * outline.rank) as f64;
        Ok(SWEEPS * 2.0 * (p * q) as f64 * squares)
    }

    fn run(
        &self,
        given: &Given,
        start: Option<&[f64]>,
        settings: &Settings,
        watch: &mut Watch<'_>,
    ) -> Result<Reached, SystemError> {
        let problem = Problem::new(given)?;
        let mut point = problem.at(problem.start(start, settings.seed))?;
        let start_gradient_norm = problem.gradient_norm(&point);
        let mut iterations = 0;
        let mut step_norm = 0.0;
        let mut warnings = Vec::new();
        let outcome = loop {
            let norm = problem.gradient_norm(&point);
            let stop = watch.sees(TraceEntry {
                iteration: iterations,
                loss: problem.shown(point.loss),
                gradient_norm: problem.shown(norm),
                step_norm,
                step_length: if iterations == 0 { 0.0 } else { 1.0 },
                method: self.name(),
                distinct_rows: 0,
                shift: 0.0,
                passes: (1 + 2 * iterations) as f64,
            });
            if stop {
                break Outcome::Interrupted;
            }
            if let Some(ending) = ending(&problem, &point, norm, start_gradient_norm, settings) {
                break ending;
            }
            if iterations == settings.max_iterations {
                break Outcome::IterationLimit;
            }
            let next = sweep(&problem, &point)?;
            if next.loss > point.loss {
                // In exact arithmetic it cannot: only rounding is left.
                warnings.push("a sweep raised the loss: only rounding is left".to_owned());
                break kind_of(&problem, &point).outcome(false);
            }
            step_norm = next.residual.metric_distance(&point.residual);
            point = next;
            iterations += 1;
        };
        if outcome.is_success() && !problem.kind_is_decided() {
            warnings.push(
                "that the Hessian is definite was looked for along Krylov directions and not proven by a factorisation, which is too dear here"
                    .to_owned(),
            );
        }
        let ending = Ending {
            outcome,
            start_gradient_norm,
            iterations,
            warnings,
        };
        Ok(reached::at(&problem, &point, ending))
    }
}

/// How the run ends here, if it does.
fn ending(
    problem: &Problem,
    point: &Point,
    norm: f64,
    start: f64,
    settings: &Settings,
) -> Option<Outcome> {
    let small = norm <= settings.tolerance * start;
    (small || problem.is_rounding(point, norm)).then(|| kind_of(problem, point).outcome(small))
}

/// The kept factor at its best for the eliminated one, then the other way round.
fn sweep(problem: &Problem, point: &Point) -> Result<Point, EvaluationError> {
    problem.at(orthonormal(problem.best_kept(&point.eliminated)))
}
