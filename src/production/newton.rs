//! Newton's method on `L(x) = l(A x) + 0.5 || diag(w) A x ||^2`: the loop.
//!
//! ```text
//! repeat   stop where the gradient is small and the Hessian positive definite, or nothing can be gained
//!          a step by the Hessian or a model of it, along which the loss falls; off a saddle, a step along negative curvature
//!          stop where the logits run away
//! ```
//!
//! What a point, a model and a step are is the coordinates' matter ([`Coordinates`]): [`in_qr`](self::in_qr) works in those of a QR
//! factorisation, [`by_gram`](self::by_gram) through Gram matrices.
//!
//! | file | what lives there |
//! |---|---|
//! | `in_qr` | small and ill-conditioned problems, in the coordinates of a QR factorisation |
//! | `by_gram` | large problems, through the Gram matrix of A |

pub(crate) mod by_gram;
mod in_qr;

use crate::production::endings::{Ending, has_run_away};
use crate::production::{EvaluationError, Settings};

pub(crate) use in_qr::{finite_noise, refused_by_gram, solve_orthonormal};

/// What a point turns out to be.
pub(crate) enum Judged<Plan> {
    /// The end of the run.
    Ends(Ending),
    /// Another point than it seemed: look again.
    Again,
    /// A point to step from, and how.
    GoesOn(Plan),
}

/// A run in some coordinates: its point, and how it gets to the next one.
pub(crate) trait Coordinates {
    /// What is known of a point once it is judged, and decides about the step.
    type Plan;

    /// What the user has set.
    fn settings(&self) -> &Settings;

    /// Shows the observer what is finished; whether it has asked for an end.
    fn watched(&mut self) -> bool;

    /// Accepted steps so far.
    fn steps(&self) -> usize;

    /// Judges the point.
    fn judge(&mut self) -> Result<Judged<Self::Plan>, EvaluationError>;

    /// Moves to a better point, or betters the model; or says why it cannot.
    fn step(&mut self, plan: Self::Plan) -> Result<Option<Ending>, EvaluationError>;

    /// The largest logit at the start of the whole solve and here.
    fn largest_logits(&self) -> (f64, f64);
}

/// Makes iterations until the run ends. Errors are those of an evaluation beyond the range of f64.
pub(crate) fn iterate<C: Coordinates>(run: &mut C) -> Result<Ending, EvaluationError> {
    let limit = run.settings().max_iterations;
    // A step that only betters the model makes no progress by itself: such steps are few, but counted nevertheless.
    for _ in 0..=limit.saturating_mul(2) {
        if run.watched() {
            return Ok(Ending::Interrupted);
        }
        let plan = match run.judge()? {
            Judged::Ends(ending) => return Ok(ending),
            Judged::Again => continue,
            Judged::GoesOn(plan) => plan,
        };
        if run.steps() >= limit {
            return Ok(Ending::IterationLimit);
        }
        if let Some(ending) = run.step(plan)? {
            return Ok(ending);
        }
        let (at_start, largest) = run.largest_logits();
        if has_run_away(largest, at_start, run.settings()) {
            return Ok(Ending::RunAway { largest });
        }
    }
    Ok(Ending::IterationLimit)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Plays judgements and steps from a list; notes what it was asked.
    struct Script {
        settings: Settings,
        judgements: Vec<Judged<&'static str>>,
        /// Whether each step is taken; one that is not only betters the model.
        taken: bool,
        steps: usize,
        stop_at: Option<usize>,
        largest: f64,
        notes: Vec<&'static str>,
    }

    impl Script {
        fn new(max_iterations: usize) -> Self {
            Self {
                settings: Settings {
                    max_iterations,
                    ..Settings::default()
                },
                judgements: Vec::new(),
                taken: true,
                steps: 0,
                stop_at: None,
                largest: 1.0,
                notes: Vec::new(),
            }
        }

        fn end(&mut self) -> Ending {
            iterate(self).unwrap()
        }
    }

    impl Coordinates for Script {
        type Plan = &'static str;

        fn settings(&self) -> &Settings {
            &self.settings
        }

        fn watched(&mut self) -> bool {
            self.stop_at == Some(self.steps)
        }

        fn steps(&self) -> usize {
            self.steps
        }

        fn judge(&mut self) -> Result<Judged<&'static str>, EvaluationError> {
            self.notes.push("judge");
            Ok(self.judgements.pop().unwrap_or(Judged::GoesOn("step")))
        }

        fn step(&mut self, plan: &'static str) -> Result<Option<Ending>, EvaluationError> {
            self.notes.push(plan);
            self.steps += usize::from(self.taken);
            Ok((plan == "stall").then_some(Ending::Tail))
        }

        fn largest_logits(&self) -> (f64, f64) {
            (1.0, self.largest)
        }
    }

    #[test]
    fn a_point_is_judged_before_the_limit_and_stepped_from_after_it() {
        let mut run = Script::new(2);
        assert_eq!(run.end(), Ending::IterationLimit);
        assert_eq!(run.notes, ["judge", "step", "judge", "step", "judge"]);
        // At the limit a point may still be the end.
        let mut run = Script::new(1);
        run.judgements = vec![
            Judged::Ends(Ending::Converged),
            Judged::Again,
            Judged::GoesOn("step"),
        ];
        assert_eq!(run.end(), Ending::Converged);
        assert_eq!(run.notes, ["judge", "step", "judge", "judge"]);
    }

    #[test]
    fn an_observer_ends_a_run_before_its_point_is_judged() {
        let mut run = Script::new(5);
        run.stop_at = Some(1);
        assert_eq!(run.end(), Ending::Interrupted);
        assert_eq!(run.notes, ["judge", "step"]);
    }

    #[test]
    fn steps_that_only_better_the_model_are_counted() {
        let mut run = Script::new(3);
        run.taken = false;
        assert_eq!(run.end(), Ending::IterationLimit);
        assert_eq!(run.notes.len(), 2 * (2 * 3 + 1));
    }

    #[test]
    fn logits_that_run_away_end_a_run_after_the_step_and_its_own_ending_comes_first() {
        let mut run = Script::new(5);
        run.largest = 2e6;
        assert_eq!(run.end(), Ending::RunAway { largest: 2e6 });
        assert_eq!(run.notes, ["judge", "step"]);
        let mut run = Script::new(5);
        run.largest = 2e6;
        run.judgements = vec![Judged::GoesOn("stall")];
        assert_eq!(run.end(), Ending::Tail);
    }
}
