//! What both kinds of coordinates mean by an end of a run: the same words of [`Settings`] for every size of problem.

use crate::production::Settings;

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
}
