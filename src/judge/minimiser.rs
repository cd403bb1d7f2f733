//! A minimiser judged: against the one that Newton's method finds from the start, or, where the answer lies at another
//! local minimum, against that one.

use nalgebra::DVector;

use crate::instance::Instance;
use crate::judge::digits::{Score, score};
use crate::judge::truth::Truth;
use crate::oracle::{Minimiser, OracleError, Reference, lift_vector, minimise};
use crate::scalar::High;

/// A judged minimiser.
pub(super) struct Judged {
    /// Its score.
    pub(super) score: Score,
    /// What it was held against.
    pub(super) truth: Truth,
    /// What to say if it belongs to another local minimum.
    pub(super) other: Option<String>,
}

/// Fewer correct digits do not say which minimum was meant.
const RECOGNISED: f64 = 3.0;

/// Judges `answer` (d). The reference's search begins at `near` where a point near the minimiser is known, else at the
/// instance's start.
///
/// [`OracleError::NoMinimiser`] if there is none to be found from the start and the answer is not near one either.
pub(super) fn judge(
    instance: &Instance,
    reference: &Reference,
    near: Option<&DVector<High>>,
    answer: &DVector<High>,
    asked: Option<f64>,
) -> Result<Judged, OracleError> {
    let start = lift_vector(&instance.start());
    let expected = minimise(reference, near.unwrap_or(&start));
    let held_against = |found: &Minimiser, other| -> Result<Judged, OracleError> {
        let here = reference.evaluate(&found.x)?;
        let values = reference.enclose(&found.x, High::ZERO)?;
        let truth = Truth::minimiser(instance, found, &here, &values, &start);
        Ok(Judged {
            score: score(&truth, answer.as_slice(), asked),
            truth,
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
