//! Newton's method at 40 digits, with a proof of its own error.

use nalgebra::{Cholesky, DMatrix, DVector};

use crate::oracle::equilibrate::Equilibrated;
use crate::oracle::minimum::Minimiser;
use crate::oracle::spectrum::extremes_with_bound;
use crate::oracle::{Evaluation, OracleError, Reference};
use crate::scalar::High;

/// Steps before giving up. Near a minimiser with a definite Hessian half a dozen suffice; the rest is for cold starts.
const STEP_LIMIT: usize = 500;
/// A step must gain this share of the decrease that its slope promises (Armijo; any value below 1/2 lets Newton's full
/// step pass near the minimiser).
const SUFFICIENT_DECREASE: (i64, i64) = (1, 10_000);
/// A full Newton step that halves the gradient may let the loss rise by this share of itself: rounding, not ascent.
const HARMLESS_RISE: (i64, i64) = (1, 1000);
/// A pivot of at most `10^-34` of the largest one is rounding: the Hessian counts as singular there.
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
///
/// Where that fails and the unknowns are of unlike scale, it is done once more in unknowns that are equilibrated by powers
/// of ten, which are exact here: see `Equilibrated`.
pub fn minimise(reference: &Reference, start: &DVector<High>) -> Result<Minimiser, OracleError> {
    let plainly = descend(&Equilibrated::not_at_all(reference), start);
    let Err(error @ OracleError::NoMinimiser { .. }) = plainly else {
        return plainly;
    };
    match Equilibrated::at(reference, start)? {
        // The first attempt says better what is wrong with the problem as it was given.
        Some(problem) => descend(&problem, start).map_err(|_| error),
        None => Err(error),
    }
}

fn descend(problem: &Equilibrated, start: &DVector<High>) -> Result<Minimiser, OracleError> {
    let reference = problem;
    let mut x = problem.inwards(start);
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
    reference: &Equilibrated,
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
    reference: &Equilibrated,
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
    Ok(reference.outwards(Minimiser {
        entry_bounds: DVector::from_element(x.len(), error_bound),
        x,
        gradient_norm,
        curvature,
        error_bound,
        iterations,
    }))
}

fn root_of_squares(values: impl Iterator<Item = High>) -> High {
    values.map(High::square).sum::<High>().sqrt()
}

/// Larger by `10^-30`, far more than the roundings that a norm of fewer than `10^8` entries can lose.
fn upwards(value: High) -> High {
    value + value.shifted(-30)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle::Graph;

    /// `half a x^2 + slope x + constant` in one variable.
    fn parabola(a: High, slope: High, constant: High) -> Reference {
        let mut g = Graph::new();
        let x = g.variable(0);
        let square = g.power(x, 2);
        let constant = g.constant(constant);
        let half = a / High::int(2);
        let loss = g.weighted_sum(&[(half, square), (slope, x), (High::ONE, constant)]);
        Reference::from_graph(g, loss, 1)
    }

    fn at(x: High) -> DVector<High> {
        DVector::from_element(1, x)
    }

    /// One search from `x` along `direction`.
    fn searched(reference: &Reference, x: High, direction: High, unshifted: bool) -> Option<High> {
        let here = reference.evaluate(&at(x)).unwrap();
        let direction = at(direction);
        let step = Step {
            direction,
            unshifted,
        };
        let problem = Equilibrated::not_at_all(reference);
        let next = search(&problem, &at(x), &here, &step).unwrap();
        next.map(|next| next[0])
    }

    fn reason(reference: &Reference, start: High) -> (String, usize) {
        match minimise(reference, &at(start)) {
            Err(OracleError::NoMinimiser {
                reason, iterations, ..
            }) => (reason, iterations),
            other => panic!("{other:?}"),
        }
    }

    /// `0.5 x^2 + 10^40`: the loss is known to half a unit of its 40th digit, that is 5, so that only the gradient can
    /// tell a good step. It must be halved at least.
    #[test]
    fn a_newton_step_is_taken_without_a_decrease_if_it_halves_the_gradient() {
        let reference = parabola(High::ONE, High::ZERO, High::ONE.shifted(40));
        let step = |direction| searched(&reference, High::ONE, direction, true);
        assert_eq!(step(High::ratio(-1, 2)), Some(High::ratio(1, 2)));
        assert_eq!(step(High::ratio(-1, 4)), None);
        // A step of a shifted Hessian has to show a decrease.
        let shifted = searched(&reference, High::ONE, High::ratio(-1, 2), false);
        assert_eq!(shifted, None);
    }

    /// `c - 0.5 x^2` from 1 to 1/2: the gradient is halved and the loss rises by 3/8. A thousandth of `c - 1/2` is rounding,
    /// more is ascent.
    #[test]
    fn a_newton_step_may_raise_the_loss_by_a_thousandth_of_itself_only() {
        let step = |constant: i64| {
            let reference = parabola(-High::ONE, High::ZERO, High::int(constant));
            searched(&reference, High::ONE, High::ratio(-1, 2), true)
        };
        assert_eq!(step(500), Some(High::ratio(1, 2)));
        assert_eq!(step(300), None);
    }

    /// `0.5 x^2` from 1: the step by -2 ends as high as it began, half of it at the minimum.
    #[test]
    fn a_step_that_gains_nothing_is_shortened() {
        let reference = parabola(High::ONE, High::ZERO, High::ZERO);
        let next = searched(&reference, High::ONE, High::int(-2), false);
        assert_eq!(next, Some(High::ZERO));
    }

    /// `1.9996 x^2 - x` from 0 along 1: it is 0.9996 at 1, and -0.0001 at 1/2, which is more than the share `10^-4` of
    /// the decrease 1/2 that the slope promises there.
    #[test]
    fn a_shorter_step_has_to_gain_less() {
        let reference = parabola(High::ratio(39_992, 10_000), -High::ONE, High::ZERO);
        let next = searched(&reference, High::ZERO, High::ONE, false);
        assert_eq!(next, Some(High::ratio(1, 2)));
    }

    /// A direction in which nothing decreases is the end, also where the loss is exact.
    #[test]
    fn a_step_without_slope_is_not_taken() {
        let mut g = Graph::new();
        let x = g.variable(0);
        let reference = Reference::from_graph(g, x, 1);
        assert!(
            reference
                .enclose_loss(&at(High::ONE))
                .unwrap()
                .radius()
                .is_zero()
        );
        assert_eq!(searched(&reference, High::ONE, High::ZERO, false), None);
    }

    /// `diag(399, -40)` has the Frobenius norm 401: of the shifts 0.401, 4.01, 40.1, ... the third makes it definite.
    #[test]
    fn an_indefinite_hessian_is_shifted_by_the_smallest_multiple_that_helps() {
        let diagonal = |a: i64, b: i64| {
            DMatrix::from_diagonal(&DVector::from_vec(vec![High::int(a), High::int(b)]))
        };
        let step = |hessian, gradient| {
            let gradient = DVector::from_vec(gradient);
            newton_step(&Evaluation {
                loss: High::ZERO,
                gradient,
                hessian,
            })
            .unwrap()
        };
        // -(439.1, 0.1)^-1 (878.2, 0.3)
        let gradient = vec![High::ratio(8782, 10), High::ratio(3, 10)];
        let shifted = step(diagonal(399, -40), gradient);
        let expected = DVector::from_vec(vec![High::int(-2), High::int(-3)]);
        // 0.1 is what remains of numbers 400 times as large.
        assert!((shifted.direction - expected).norm() <= High::ONE.shifted(-35));
        assert!(!shifted.unshifted);
        let newton = step(diagonal(4, 25), vec![High::int(8), High::int(-75)]);
        let expected = DVector::from_vec(vec![High::int(-2), High::int(3)]);
        assert!((newton.direction - expected).norm() <= High::ONE.shifted(-37));
        assert!(newton.unshifted);
    }

    /// A pivot of `10^-34` of the largest is what rounding leaves of a singular matrix.
    #[test]
    fn a_pivot_of_the_size_of_rounding_is_no_pivot() {
        let factor = |smallest: High| {
            let diagonal = DVector::from_vec(vec![High::ONE, smallest]);
            definite_factor(DMatrix::from_diagonal(&diagonal))
        };
        assert!(factor(High::ONE.shifted(-34)).is_none());
        assert!(factor(High::int(4).shifted(-34)).is_some());
    }

    /// `2 x^2`: Newton's step ends exactly at 0, where the gradient is zero without rounding. The curvature is a
    /// lower bound of 4, and so nothing is left to be off by.
    #[test]
    fn an_exact_minimiser_is_proven_with_a_lower_bound_of_its_curvature() {
        let reference = parabola(High::int(4), High::ZERO, High::ZERO);
        let found = minimise(&reference, &at(High::ONE)).unwrap();
        assert!(found.x[0].is_zero() && found.gradient_norm.is_zero());
        assert!(found.error_bound.is_zero());
        assert_eq!(found.iterations, 1);
        let missing = High::int(4) - found.curvature;
        assert!(missing.is_positive(), "{:?}", found.curvature);
        assert!(missing <= High::ONE.shifted(-36), "{:?}", found.curvature);
    }

    /// The error says what is wrong with the problem: a saddle can be left, a flat direction needs a ridge.
    #[test]
    fn a_refusal_tells_a_saddle_from_a_flat_direction() {
        let indefinite = "the Hessian is indefinite where the descent ended";
        let singular = "the Hessian is singular to working precision: no isolated minimiser";
        // -x^2 + 3 at its top.
        let top = parabola(High::int(-2), High::ZERO, High::int(3));
        assert_eq!(reason(&top, High::ZERO), (indefinite.to_owned(), 0));
        // A slope: the Hessian is zero, exactly.
        let slope = parabola(High::ZERO, High::ONE, High::ZERO);
        assert_eq!(reason(&slope, High::ONE), (singular.to_owned(), 0));
        // x^2 in two variables, at a minimum: flat along y.
        let mut g = Graph::new();
        let x = g.variable(0);
        let loss = g.power(x, 2);
        let reference = Reference::from_graph(g, loss, 2);
        let error = minimise(&reference, &DVector::zeros(2)).unwrap_err();
        assert!(error.to_string().contains(singular), "{error}");
    }

    /// `exp x`: every full step is one to the left and divides the gradient by e, for ever.
    #[test]
    fn a_descent_without_an_end_is_given_up_after_500_steps() {
        let mut g = Graph::new();
        let x = g.variable(0);
        let loss = g.exp(x);
        let reference = Reference::from_graph(g, loss, 1);
        let unsteady = "the Hessian may lose definiteness near the end point";
        assert_eq!(reason(&reference, High::ZERO), (unsteady.to_owned(), 500));
    }

    /// Bounds are rounded up.
    #[test]
    fn upwards_is_larger_by_its_share() {
        for value in [High::ONE, High::ratio(2, 3)] {
            assert!(upwards(value) > value);
            assert!(upwards(value) <= value + value.shifted(-29));
        }
    }

    /// `f = x^2 / 2 + c x^3 / 6` at 1: `H = 1 + c`, `g = 1 + c / 2`, the box has the radius `r = 4 g / H`, over which H varies by `c r`, and
    /// the bound is `g / (H - c r)`. It must not reach beyond half of the box, where nothing is known of H: for c = 0.15 it does not, for
    /// 0.17 and 0.25 it does although H stays positive, and for 0.45 H does not.
    #[test]
    fn a_bound_that_leaves_its_box_proves_nothing() {
        for (hundredths, expected) in [
            (15, None),
            (
                17,
                Some("the Hessian varies too much around the end point for a proof"),
            ),
            (
                25,
                Some("the Hessian varies too much around the end point for a proof"),
            ),
            (
                45,
                Some("the Hessian may lose definiteness near the end point"),
            ),
        ] {
            let c = High::ratio(hundredths, 100);
            let mut g = Graph::new();
            let x = g.variable(0);
            let (square, cube) = (g.power(x, 2), g.power(x, 3));
            let loss = g.weighted_sum(&[(High::ratio(1, 2), square), (c / High::int(6), cube)]);
            let reference = Reference::from_graph(g, loss, 1);
            let here = reference.evaluate(&at(High::ONE)).unwrap();
            let found = prove(
                &Equilibrated::not_at_all(&reference),
                at(High::ONE),
                &here,
                0,
            );
            match (found, expected) {
                (Ok(found), None) => {
                    let (h, g) = (High::ONE + c, High::ONE + c / High::int(2));
                    let bound = g / (h - c * High::int(4) * g / h);
                    assert!(
                        (found.error_bound - bound).abs() <= bound.shifted(-29),
                        "{}",
                        found.error_bound
                    );
                }
                (Err(error), Some(reason)) => {
                    assert!(error.to_string().contains(reason), "{hundredths}: {error}")
                }
                (found, _) => panic!("{hundredths}: {found:?}"),
            }
        }
    }
}
