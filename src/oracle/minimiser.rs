//! Newton's method at 40 digits, with a proof of its own error.

use nalgebra::{Cholesky, DMatrix, DVector};

use crate::oracle::spectrum::extremes_with_bound;
use crate::oracle::{Evaluation, OracleError, Reference};
use crate::scalar::High;

/// A point that is proven to lie within `error_bound` of a strict local minimiser of the loss.
///
/// *The proof*, with nothing assumed but the stated rounding bounds of [`High`]. Let `G` bound `||grad L(x)||`, rounding
/// included, and let `mu > 0` bound the smallest eigenvalue of the Hessian at *every* point within `r` of `x`, where
/// `r > 2 G / mu`. Both come from [`Reference::enclose`]: `mu` is the smallest eigenvalue at `x` (with a certificate), less
/// the Frobenius norm of the radii of the Hessian over the box of half-width `r`. At distance `2 G / mu < s <= r` from `x`,
/// `L(y) >= L(x) - G s + mu s^2 / 2 > L(x)`, so the minimum over the ball lies inside and is a stationary point `x*`, the
/// only one there; and `mu ||x - x*||^2 <= <grad L(x), x - x*> <= G ||x - x*||`, so `||x - x*|| <= G / mu`.
///
/// Whether the minimiser is the global one is not shown; it is where the loss is convex.
#[derive(Clone, Debug)]
pub struct Minimiser {
    /// The point, d entries.
    pub x: DVector<High>,
    /// `||grad L(x)||` as computed, without its rounding error.
    pub gradient_norm: High,
    /// `mu`: a proven lower bound of the smallest eigenvalue of the Hessian within `2 error_bound` of `x`, and somewhat
    /// beyond.
    pub curvature: High,
    /// A proven bound of the Euclidean distance to the minimiser, `G / mu`.
    pub error_bound: High,
    /// Newton steps taken.
    pub iterations: usize,
}

/// Steps before giving up. Near a minimiser with a definite Hessian half a dozen suffice; the rest is for cold starts.
const STEP_LIMIT: usize = 500;
/// A step must gain this share of the decrease that its slope promises (Armijo; any value below 1/2 lets Newton's full
/// step pass near the minimiser).
const SUFFICIENT_DECREASE: (i64, i64) = (1, 10_000);
/// A full Newton step that halves the gradient may let the loss rise by this share of itself: rounding, not ascent.
const HARMLESS_RISE: (i64, i64) = (1, 1000);
/// A pivot below `10^-34` of the largest one is rounding: the Hessian counts as singular there.
const SINGULAR_EXPONENT: i64 = -34;
/// The first regularisation of an indefinite Hessian, relative to its norm, and its growth: `10^-3, 10^-2, ...`. After six
/// the shift exceeds the norm and the matrix is definite.
const FIRST_SHIFT_EXPONENT: i64 = -3;
const SHIFTS: i64 = 6;

/// Minimises the loss from `start` (d entries) until rounding stops the progress, then proves the error.
///
/// Newton's method: the full step if it at least halves the gradient; otherwise the step halved until the loss decreases
/// sufficiently, as long as the decrease stands out from the loss's rounding. The Hessian is shifted by a multiple of the
/// identity where it is not definite. On a well-conditioned problem the error bound ends near `10^-38 ||x||`.
///
/// [`OracleError::NoMinimiser`] if the end point is not proven to be near a strict local minimiser: a singular Hessian
/// (rank-deficient `A`, no ridge along an invariant direction), a saddle, no convergence. [`OracleError::Shape`] and
/// [`OracleError::Poisoned`] for the start as for [`Reference::evaluate`].
pub fn minimise(reference: &Reference, start: &DVector<High>) -> Result<Minimiser, OracleError> {
    let mut x = start.clone();
    let mut here = reference.evaluate(&x)?;
    let mut iterations = 0;
    while !here.gradient.norm().is_zero() && iterations < STEP_LIMIT {
        let Some(step) = newton_step(&here) else {
            break;
        };
        let Some(next) = search(reference, &x, &here, &step)? else {
            break;
        };
        here = reference.evaluate(&next)?;
        x = next;
        iterations += 1;
    }
    prove(reference, x, &here, iterations)
}

/// A direction of descent.
struct Step {
    direction: DVector<High>,
    /// Was the Hessian definite, so that this is Newton's own step?
    unshifted: bool,
}

/// `-(H + t I)^-1 g` with the smallest `t` of a short list that makes the matrix definite.
fn newton_step(here: &Evaluation) -> Option<Step> {
    let norm = here.hessian.norm();
    let shifts = (0..SHIFTS).map(|k| norm.shifted(FIRST_SHIFT_EXPONENT + k));
    std::iter::once(High::ZERO).chain(shifts).find_map(|shift| {
        let mut matrix = here.hessian.clone();
        for i in 0..matrix.nrows() {
            matrix[(i, i)] += shift;
        }
        definite_factor(matrix).map(|factor| Step {
            direction: -factor.solve(&here.gradient),
            unshifted: shift.is_zero(),
        })
    })
}

/// The Cholesky factor, if no pivot is negative or mere rounding.
fn definite_factor(matrix: DMatrix<High>) -> Option<Cholesky<High, nalgebra::Dyn>> {
    let factor = Cholesky::new(matrix)?;
    let pivots = factor.l_dirty().diagonal().map(|entry| entry.square());
    let largest = pivots.iter().fold(High::ZERO, |m, &p| m.max(p));
    let limit = largest.shifted(SINGULAR_EXPONENT);
    pivots.iter().all(|&p| p > limit).then_some(factor)
}

/// The next point along `step`, or none if rounding allows no progress.
fn search(
    reference: &Reference,
    x: &DVector<High>,
    here: &Evaluation,
    step: &Step,
) -> Result<Option<DVector<High>>, OracleError> {
    if step.unshifted {
        let next = x + &step.direction;
        if let Some((loss, gradient)) = defined(reference.loss_and_gradient(&next))? {
            let rise = here.loss.abs() * High::ratio(HARMLESS_RISE.0, HARMLESS_RISE.1);
            let halved = gradient.norm() * High::int(2) <= here.gradient.norm();
            if halved && loss <= here.loss + rise {
                return Ok(Some(next));
            }
        }
    }
    // A residual of small differences leaves the loss far fewer than 40 digits; the enclosure knows how many.
    let noise = reference.enclose_loss(x)?.radius();
    let share = High::ratio(SUFFICIENT_DECREASE.0, SUFFICIENT_DECREASE.1);
    let mut decrease = -share * here.gradient.dot(&step.direction);
    let mut length = High::ONE;
    while decrease > noise {
        let next = x + &step.direction * length;
        if let Some(loss) = defined(reference.loss(&next))?
            && loss <= here.loss - decrease
        {
            return Ok(Some(next));
        }
        length /= High::int(2);
        decrease /= High::int(2);
    }
    Ok(None)
}

/// Too long a step may leave the loss's domain; a shorter one does not.
fn defined<T>(value: Result<T, OracleError>) -> Result<Option<T>, OracleError> {
    match value {
        Ok(value) => Ok(Some(value)),
        Err(OracleError::Poisoned { .. } | OracleError::Vanishes { .. }) => Ok(None),
        Err(other) => Err(other),
    }
}

/// The proof in the documentation of [`Minimiser`].
fn prove(
    reference: &Reference,
    x: DVector<High>,
    here: &Evaluation,
    iterations: usize,
) -> Result<Minimiser, OracleError> {
    let gradient_norm = here.gradient.norm();
    let refusal = |reason: &str| OracleError::NoMinimiser {
        reason: reason.to_owned(),
        iterations,
        gradient_norm: gradient_norm.to_f64(),
    };
    let at_point = reference.enclose(&x, High::ZERO)?;
    let gradient = upwards(root_of_squares(
        at_point.gradient.iter().map(|b| b.largest()),
    ));
    let (low, high, bound) = extremes_with_bound(&here.hessian)?;
    let at_midpoint = low - bound;
    // Below this, a positive value could be an accident of rounding that the certificate happens to allow.
    if at_midpoint <= high.abs().shifted(SINGULAR_EXPONENT) {
        return Err(refusal(if low < -bound {
            "the Hessian is indefinite where the descent ended"
        } else {
            "the Hessian is singular to working precision: no isolated minimiser"
        }));
    }
    let radius = High::int(4) * gradient / at_midpoint;
    let around = reference.enclose(&x, radius)?;
    let variation = upwards(root_of_squares(around.hessian.iter().map(|b| b.radius())));
    let curvature = at_midpoint - variation;
    if !curvature.is_positive() {
        return Err(refusal(
            "the Hessian may lose definiteness near the end point",
        ));
    }
    let error_bound = upwards(gradient / curvature);
    if High::int(2) * error_bound > radius {
        return Err(refusal(
            "the Hessian varies too much around the end point for a proof",
        ));
    }
    Ok(Minimiser {
        x,
        gradient_norm,
        curvature,
        error_bound,
        iterations,
    })
}

fn root_of_squares(values: impl Iterator<Item = High>) -> High {
    values.map(High::square).sum::<High>().sqrt()
}

/// Larger by `10^-30`, far more than the roundings that a norm of fewer than `10^8` entries can lose.
fn upwards(value: High) -> High {
    value + value.shifted(-30)
}
