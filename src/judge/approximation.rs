//! An approximate answer judged: whether its loss is within the accuracy that the system names of the least one.
//!
//! The proof is the solver's own, [`bound_excess`], which looks at nothing but the point: it takes a pass over A in twice the precision of
//! f64, where the oracle's graph of a large A would not fit. The claims hold it against 40 digits.

use nalgebra::DVector;
use serde::Serialize;

use crate::production::bound_excess;
use crate::scalar::High;
use crate::system::Given;

/// How near the loss at a point is to the least one.
#[derive(Clone, Debug, Serialize)]
pub struct Approximation {
    /// Whether it is proven to be within the accuracy; of a least loss that cannot be told from 0, whether the point is as near to it
    /// as rounding it to f64 leaves it.
    pub passed: bool,
    /// The accuracy that the instance names.
    pub accuracy: f64,
    /// A proven lower bound of `(L(x) - L*) / L*`; none where nothing is proven.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub excess_at_least: Option<f64>,
    /// A proven upper bound; none where nothing is proven, or L* cannot be told from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub excess_at_most: Option<f64>,
    /// What was found, in words.
    pub reason: String,
}

/// Judges a point of a system that names an accuracy. Its entries are rounded to f64 first.
pub(super) fn judge(given: &Given, point: &DVector<High>) -> Approximation {
    let accuracy = given.scalar("accuracy");
    let x: Vec<f64> = point.iter().map(|entry| entry.to_f64()).collect();
    let found = match bound_excess(given, &x) {
        Ok(found) => found,
        Err(error) => {
            return Approximation {
                passed: false,
                accuracy,
                excess_at_least: None,
                excess_at_most: None,
                reason: format!("nothing is proven: {error}"),
            };
        }
    };
    let [least, most] = found.relative;
    let distance = found.squared_distance[1].sqrt();
    let (column, worst) = found.worst_column;
    let (passed, reason) = if most <= accuracy {
        let apart = if worst[1] > accuracy {
            format!(
                "; column {column} by itself is only known to be within (1 + {:.2e})",
                worst[1]
            )
        } else {
            String::new()
        };
        (
            true,
            format!(
                "the loss is at most (1 + {most:.2e}) times the least, proven by {}{apart}",
                found.basis
            ),
        )
    } else if most.is_infinite() {
        (
            distance <= found.rounding,
            format!(
                "the least loss cannot be told from 0: || A (x - x*) || is at most {distance:.1e}, where rounding x to f64 makes {:.1e}",
                found.rounding
            ),
        )
    } else if least > accuracy {
        (
            false,
            format!(
                "the loss is at least (1 + {least:.2e}) times the least, proven by {}",
                found.basis
            ),
        )
    } else {
        (
            false,
            format!(
                "undecided: the loss is between (1 + {least:.2e}) and (1 + {most:.2e}) times the least"
            ),
        )
    };
    Approximation {
        passed,
        accuracy,
        excess_at_least: Some(least),
        excess_at_most: most.is_finite().then_some(most),
        reason,
    }
}
