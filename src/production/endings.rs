//! How runs end: one table for both kinds of coordinates, with the same meaning of every word of [`Settings`] for every size of
//! problem.

use crate::production::leverage::LeverageError;
use crate::production::{EvaluationError, Outcome, Settings};

/// A change of the loss below this multiple of `|L|` is rounding.
pub(crate) const LOSS_ROUNDING: f64 = 8.0 * f64::EPSILON;
/// A stationary point counts only where the Newton step moves the logits by less: it changes p by at most a tenth.
pub(crate) const SHORT_STEP: f64 = 0.1;
/// Growth of the largest logit since the start that, beyond `logit_limit`, counts as divergence.
const DIVERGENCE_GROWTH: f64 = 1e3;

/// Within this of a kink, relative to the size of what has it, a user is told of it.
pub(crate) const NEAR_KINK: f64 = 1e-6;
/// What is said where the Hessian cannot be told from a singular one.
pub(crate) const SINGULAR_HESSIAN: &str =
    "the Hessian is singular to rounding here: the minimiser may lie at infinity or not be unique";
/// A polishing step is kept when it brings the gradient below this fraction of what it was.
pub(crate) const POLISH_GAIN: f64 = 0.5;

/// Polishing steps where the settings leave their number open and a step costs little.
pub(crate) const POLISH_STEPS: usize = 2;

/// Whether a run with this largest logit has run away from a start with that one.
pub(crate) fn has_run_away(largest: f64, at_start: f64, settings: &Settings) -> bool {
    largest > settings.logit_limit && largest > DIVERGENCE_GROWTH * at_start
}

/// What a run is measured against: the start of the whole solve, of which the run may be a later part.
#[derive(Clone, Copy)]
pub(crate) struct Yardstick {
    /// `||grad L(start)||`.
    pub gradient_norm: f64,
    /// The largest logit at the start.
    pub logit: f64,
}

/// How a run ends: what happened, with the numbers that its sentence needs.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Ending {
    /// The gradient is as small as was asked for, at a strict minimiser.
    Converged,
    /// The gradient is at its rounding level, above what was asked for, at a strict minimiser.
    AtRounding,
    /// The observer has asked for an end.
    Interrupted,
    /// As many steps as were allowed have been made.
    IterationLimit,
    /// [`has_run_away`].
    RunAway {
        /// The largest logit.
        largest: f64,
    },
    /// The gradient is small and the Hessian positive definite, but Newton steps stay long.
    Tail,
    /// The gradient is small and the Hessian positive definite, but the Newton step is long, and nothing along it lowers the loss.
    StalledTail,
    /// The gradient is small, and negative curvature leads nowhere.
    Saddle,
    /// The gradient is small, and the Hessian cannot be told from a singular one.
    Flat,
    /// No matrix of a step could be made positive definite.
    NoMatrix,
    /// No step lowers the loss or the gradient.
    Stalled {
        /// Where the run stands.
        gradient_norm: f64,
        /// Its rounding level, where it is known.
        noise: Option<f64>,
    },
    /// Subsampling met an entry of the diagonal that is not positive.
    NotPositive {
        /// The entry.
        row: usize,
        /// Its value.
        value: f64,
    },
    /// Subsampling has no scores.
    NoSample(LeverageError),
    /// What had to be evaluated next is beyond the range of f64.
    OutOfRange(EvaluationError),
}

impl Ending {
    /// What it is to the user.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Converged => Outcome::Converged,
            Self::AtRounding => Outcome::ConvergedToRounding,
            Self::Interrupted => Outcome::Interrupted,
            Self::IterationLimit => Outcome::IterationLimit,
            Self::RunAway { .. } | Self::Tail | Self::StalledTail => Outcome::Diverged,
            Self::Saddle => Outcome::NotConvex,
            Self::Flat | Self::NoMatrix => Outcome::Singular,
            Self::Stalled { .. } => Outcome::LineSearchStalled,
            Self::NotPositive { .. } => Outcome::DiagonalNotPositive,
            Self::NoSample(_) => Outcome::SamplingFailed,
            Self::OutOfRange(_) => Outcome::OutOfRange,
        }
    }

    /// What is said of it, where the outcome does not say it all.
    pub fn sentence(&self) -> Option<String> {
        Some(match self {
            Self::Converged
            | Self::AtRounding
            | Self::Interrupted
            | Self::IterationLimit
            | Self::NoMatrix
            | Self::Stalled { noise: None, .. } => return None,
            Self::RunAway { largest } => {
                format!("logits have grown to {largest:e} without a stationary point")
            }
            Self::Tail => "the gradient is below the tolerance, but Newton steps do not get shorter: the minimiser probably lies at infinity".to_string(),
            Self::StalledTail => {
                "the gradient is below the tolerance, but the Newton step is long and nothing along it lowers the loss: the minimiser probably lies at infinity".to_string()
            }
            Self::Saddle => "a direction of negative curvature is left that does not lower the loss beyond rounding".to_string(),
            Self::Flat => SINGULAR_HESSIAN.to_string(),
            Self::Stalled {
                gradient_norm,
                noise: Some(noise),
            } => format!(
                "no step changes the loss beyond its rounding, yet the gradient is {gradient_norm:.1e}, above its rounding level {noise:.1e}: a plateau, try another start"
            ),
            Self::NotPositive { row, value } => format!(
                "subsampling needs a positive diagonal, but entry {row} of Hess l + w^2 is {value:e}: use another method or larger weights"
            ),
            Self::NoSample(error) => format!("no sample could be drawn: {error}"),
            Self::OutOfRange(error) => beyond_range(error),
        })
    }
}

/// What is said where numbers left the range of f64.
pub(crate) fn beyond_range(error: &EvaluationError) -> String {
    format!("the search met numbers beyond the range of f64: {error}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_has_run_away_beyond_the_limit_and_a_thousandfold_from_its_start() {
        let settings = Settings {
            logit_limit: 1e6,
            ..Settings::default()
        };
        for (largest, at_start, away) in [
            (1.1e6, 0.0, true),
            (0.9e6, 0.0, false),
            (2.3e6, 2.2e6, false),
            (2.3e6, 2.2e3, true),
        ] {
            assert_eq!(
                has_run_away(largest, at_start, &settings),
                away,
                "{largest}"
            );
        }
    }

    /// The outcomes and the first words, by hand from the documentation of [`Outcome`]: what it says itself needs no sentence.
    #[test]
    fn every_ending_has_its_outcome_and_a_sentence_where_that_does_not_say_it_all() {
        let stalled = |noise| Ending::Stalled {
            gradient_norm: 0.5,
            noise,
        };
        let overflow = EvaluationError::Overflow {
            quantity: "loss",
            index: 0,
            value: f64::INFINITY,
        };
        let table = [
            (Ending::Converged, Outcome::Converged, ""),
            (Ending::AtRounding, Outcome::ConvergedToRounding, ""),
            (Ending::Interrupted, Outcome::Interrupted, ""),
            (Ending::IterationLimit, Outcome::IterationLimit, ""),
            (
                Ending::RunAway { largest: 2e6 },
                Outcome::Diverged,
                "logits have grown to 2e6",
            ),
            (
                Ending::Tail,
                Outcome::Diverged,
                "the gradient is below the tolerance, but",
            ),
            (
                Ending::StalledTail,
                Outcome::Diverged,
                "the gradient is below the tolerance, but the Newton step is long",
            ),
            (
                Ending::Saddle,
                Outcome::NotConvex,
                "a direction of negative curvature is left",
            ),
            (Ending::Flat, Outcome::Singular, SINGULAR_HESSIAN),
            (Ending::NoMatrix, Outcome::Singular, ""),
            (stalled(None), Outcome::LineSearchStalled, ""),
            (
                stalled(Some(0.25)),
                Outcome::LineSearchStalled,
                "no step changes the loss beyond its rounding, yet the gradient is 5.0e-1, above its rounding level 2.5e-1",
            ),
            (
                Ending::NotPositive {
                    row: 3,
                    value: -2.0,
                },
                Outcome::DiagonalNotPositive,
                "subsampling needs a positive diagonal, but entry 3 of Hess l + w^2 is -2e0",
            ),
            (
                Ending::OutOfRange(overflow),
                Outcome::OutOfRange,
                "the search met numbers beyond the range of f64: ",
            ),
        ];
        for (ending, outcome, words) in table {
            assert_eq!(ending.outcome(), outcome, "{ending:?}");
            let sentence = ending.sentence().unwrap_or_default();
            assert!(sentence.starts_with(words), "{sentence}");
            assert_eq!(sentence.is_empty(), words.is_empty(), "{sentence}");
        }
    }
}
