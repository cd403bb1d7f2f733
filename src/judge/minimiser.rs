//! A minimiser judged: against the one that Newton's method finds from the start, or, where the answer lies at another
//! local minimum, against that one.

use nalgebra::DVector;

use crate::instance::Instance;
use crate::judge::precision::Asked;
use crate::judge::score::{Score, Worst, score};
use crate::judge::truth::Truth;
use crate::oracle::{
    Enclosure, Evaluation, Minimiser, OracleError, Reference, lift_vector, minimise, spectrum,
};
use crate::scalar::High;

/// A judged minimiser.
pub(super) struct Judged {
    /// Its score.
    pub(super) score: Score,
    /// What it was held against; none where it was judged by its gradient.
    pub(super) truth: Option<Truth>,
    /// What to say if it belongs to another local minimum.
    pub(super) other: Option<String>,
}

/// Fewer correct digits do not say which minimum was meant.
const RECOGNISED: f64 = 3.0;

/// Judges `answer` (d). The reference's search begins at `near` where a point near the minimiser is known, else at the
/// instance's start.
///
/// Where none is found from the start and the answer is not near one either, [`by_gradient`] decides.
pub(super) fn judge(
    instance: &Instance,
    reference: &Reference,
    near: Option<&DVector<High>>,
    answer: &DVector<High>,
    asked: Asked,
) -> Result<Judged, OracleError> {
    let start = lift_vector(&instance.start());
    let expected = minimise(reference, near.unwrap_or(&start));
    let held_against = |found: &Minimiser, other| -> Result<Judged, OracleError> {
        let here = reference.evaluate(&found.x)?;
        let values = reference.enclose(&found.x, High::ZERO)?;
        let truth = Truth::minimiser(instance, found, &here, &values, &start, asked.precision);
        Ok(Judged {
            score: score(&truth, answer.as_slice(), asked.digits),
            truth: Some(truth),
            other,
        })
    };
    let first = match &expected {
        Ok(expected) => {
            let judged = held_against(expected, None)?;
            if judged.score.passed {
                return Ok(judged);
            }
            Some(judged)
        }
        Err(_) => None,
    };
    // From the answer the search ends at the minimum that the answer lies in, if it lies in one.
    let Ok(near) = minimise(reference, answer) else {
        return match (first, expected) {
            (Some(judged), _) => Ok(judged),
            (None, Err(OracleError::NoMinimiser { reason, .. })) => {
                by_gradient(instance, reference, answer, asked, &reason)
            }
            (None, Err(error)) => Err(error),
            // `first` is there whenever `expected` is.
            (None, Ok(found)) => held_against(&found, None),
        };
    };
    let Ok(expected) = expected else {
        return held_against(&near, None);
    };
    let Some(first) = first else {
        return held_against(&expected, None);
    };
    let apart = (&near.x - &expected.x).norm();
    if apart <= (near.error_bound + expected.error_bound) * High::int(2) {
        return Ok(first);
    }
    let (there, here) = (reference.loss(&expected.x)?, reference.loss(&near.x)?);
    let text = format!(
        "this is another local minimum: stationary with a positive definite Hessian (proven: smallest eigenvalue at least \
         {} within {} of the point), loss {} where the search from the start ends at {}; it is scored as that minimum",
        near.curvature.scientific(3),
        near.error_bound.scientific(2),
        here.scientific(10),
        there.scientific(10),
    );
    let second = held_against(&near, Some(text))?;
    if second.score.digits >= RECOGNISED && second.score.digits > first.score.digits {
        Ok(second)
    } else {
        Ok(first)
    }
}

/// A minimiser of a problem whose minimisers are not isolated, or not there: it passes if the gradient at the point is no
/// larger than rounding in f64 makes a zero gradient, entry by entry, and the Hessian has no eigenvalue below
/// `-10^-6 ||H||`.
///
/// Rounding of the gradient is that of its evaluation, and what the rounding of the point itself adds, `|H| |x|` units.
/// Digits are counted relative to the terms that cancel, which is that rounding over `2^-53`.
fn by_gradient(
    instance: &Instance,
    reference: &Reference,
    answer: &DVector<High>,
    asked: Asked,
    why: &str,
) -> Result<Judged, OracleError> {
    let values = reference.enclose(answer, High::ZERO)?;
    let here = reference.evaluate(answer)?;
    let none = Truth::no_gradient(instance, answer, &values, &here, asked.precision);
    let score = at_rest(&none, &values, &here, answer, asked.digits, why)?;
    Ok(Judged {
        score,
        truth: None,
        other: None,
    })
}

/// The score of [`by_gradient`]; `none` knows the rounding that each entry of a zero gradient is allowed.
pub(super) fn at_rest(
    none: &Truth,
    values: &Enclosure,
    here: &Evaluation,
    answer: &DVector<High>,
    asked: Option<f64>,
    why: &str,
) -> Result<Score, OracleError> {
    let score = stationarity(none, values, asked);
    let (low, high, bound) = spectrum::extremes_with_bound(&here.hessian)?;
    let bent_down = low + bound < -high.abs().max(low.abs()).shifted(BENT_EXPONENT);
    Ok(Score {
        passed: score.passed && !bent_down,
        reason: format!(
            "no isolated minimiser can be proven ({why}), so the point is judged by its gradient, relative to the \
             terms that cancel in it{}",
            if bent_down {
                "; the Hessian has a negative eigenvalue here"
            } else {
                ""
            }
        ),
        worst: Worst {
            answer: answer[score.worst.entry.first().copied().unwrap_or(0)].scientific(SHOWN),
            oracle: format!("gradient {}", score.worst.answer),
            ..score.worst
        },
        ..score
    })
}

/// The oracle's gradient scored as an answer where the truth is zero: `none` knows the rounding that each entry is allowed.
fn stationarity(none: &Truth, values: &Enclosure, asked: Option<f64>) -> Score {
    let gradient: Vec<High> = values.gradient.iter().map(|ball| ball.midpoint()).collect();
    score(none, &gradient, asked)
}

/// An eigenvalue this much smaller than the largest may be negative by the rounding of the point.
const BENT_EXPONENT: i64 = -6;
/// Digits shown.
const SHOWN: usize = 6;
