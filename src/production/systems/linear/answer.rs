//! What a run hands back.

use super::scaled::{self, Scaled, largest, times_power};
use crate::production::Outcome;
use crate::production::outcome::TraceEntry;
use crate::production::systems::error::Refusal;
use crate::production::systems::reached::{Reached, Watch};

/// A gradient below this multiple of what rounding x makes of it is at its rounding level.
const AT_ROUNDING: f64 = 64.0;

/// Loss and gradient where a run ended, each with an exponent of its own.
pub(in crate::production::systems) struct Values {
    pub(in crate::production::systems) loss: Scaled,
    pub(in crate::production::systems) gradient: Scaled,
    /// The gradient at x = 0, which the tolerance is relative to.
    pub(in crate::production::systems) start: Scaled,
    /// What rounding x to f64 makes of the gradient: for relative errors of one unit, with signs in turn.
    pub(in crate::production::systems) noise: Scaled,
}

impl Values {
    /// How a run ends here.
    pub(in crate::production::systems) fn outcome(&self, tolerance: f64) -> Outcome {
        if self.gradient.at_most(tolerance, self.start) {
            Outcome::Converged
        } else if self.gradient.at_most(AT_ROUNDING, self.noise) {
            Outcome::ConvergedToRounding
        } else {
            Outcome::LineSearchStalled
        }
    }
}

/// `x = 2^exponent y`, refused where its largest entry is no normal f64.
pub(in crate::production::systems) fn unknowns(
    y: &[f64],
    exponent: i64,
) -> Result<Vec<f64>, Refusal> {
    let size = largest(y);
    let top = exponent + scaled::exponent(size);
    if size > 0.0 && !(-1022..=1023).contains(&top) {
        return Err(Refusal::Range {
            what: "the largest entry of x",
            exponent: top,
        });
    }
    Ok(y.iter().map(|y| times_power(*y, exponent)).collect())
}

/// The start x = 0 in a trace; whether to stop there.
pub(in crate::production::systems) fn begin(
    watch: &mut Watch<'_>,
    method: &'static str,
    loss: f64,
    gradient: f64,
) -> bool {
    watch.sees(entry(method, 0, [loss, gradient, 0.0], 1.0))
}

/// A later point of a trace: loss, gradient and step.
pub(in crate::production::systems) fn entry(
    method: &'static str,
    iteration: usize,
    [loss, gradient_norm, step_norm]: [f64; 3],
    passes: f64,
) -> TraceEntry {
    TraceEntry {
        iteration,
        loss,
        gradient_norm,
        step_norm,
        step_length: if iteration == 0 { 0.0 } else { 1.0 },
        method,
        distinct_rows: 0,
        shift: 0.0,
        passes,
    }
}

/// How a run ended, apart from the values.
pub(in crate::production::systems) struct Ending {
    pub(in crate::production::systems) outcome: Outcome,
    pub(in crate::production::systems) x: Vec<f64>,
    pub(in crate::production::systems) iterations: usize,
    pub(in crate::production::systems) error_bound: Option<f64>,
    pub(in crate::production::systems) basis: String,
    pub(in crate::production::systems) warnings: Vec<String>,
}

/// A run that was stopped at its start.
pub(in crate::production::systems) fn interrupted(x: Vec<f64>) -> Ending {
    Ending {
        outcome: Outcome::Interrupted,
        x,
        iterations: 0,
        error_bound: None,
        basis: "none: the run was interrupted".to_owned(),
        warnings: Vec::new(),
    }
}

/// The end of a run. What is beyond the range of f64 is shown as the largest number, and a warning says so.
pub(in crate::production::systems) fn reached(values: &Values, ending: Ending) -> Reached {
    let mut warnings = ending.warnings;
    let mut finite = |what: &str, scaled: Scaled| {
        let number = scaled.get();
        if number.is_finite() {
            return number;
        }
        warnings.push(format!(
            "{what} is about 2^{}, beyond the range of f64: the largest number is shown in its place",
            scaled.exponent + self::scaled::exponent(scaled.value)
        ));
        f64::MAX
    };
    let loss = finite("the loss", values.loss);
    let gradient_norm = finite("the norm of the gradient", values.gradient);
    let start_gradient_norm = finite("the norm of the gradient at x = 0", values.start);
    let gradient_noise = Some(values.noise.get().min(f64::MAX));
    Reached {
        outcome: ending.outcome,
        x: ending.x,
        loss,
        gradient_norm,
        start_gradient_norm,
        gradient_noise,
        iterations: ending.iterations,
        error_bound: (
            ending.error_bound.filter(|bound| bound.is_finite()),
            ending.basis,
        ),
        labels_read: None,
        warnings,
    }
}
