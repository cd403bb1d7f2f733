//! Wrong minimisers: points where a *wrong* gradient vanishes, and iterates of an update with the wrong sign.

use nalgebra::{Cholesky, DVector};

use crate::instance::Instance;
use crate::judge::diagnosis::float32;
use crate::judge::diagnosis::suspects::Scene;
use crate::judge::diagnosis::{MARGIN, Mistake};
use crate::judge::digits::{digits, largest, largest_difference};
use crate::judge::score::Score;
use crate::judge::truth::Truth;
use crate::oracle::{Evaluation, Reference, lift_vector, spectrum};
use crate::scalar::High;

/// A wrong gradient counts as zero where it is this much smaller than the right one.
const VANISHES_EXPONENT: i64 = -5;
/// A Newton step shorter than this, relative to the point (or to 1), starts at a stationary point.
const STATIONARY_EXPONENT: i64 = -6;
/// Digits by which an iterate is recognised: more than chance gives, fewer than its chaotic rounding leaves.
const ITERATE_DIGITS: f64 = 6.0;
/// Iterates of the wrong update that are tried; its error doubles in every step.
const ITERATES: usize = 30;

/// Names the mistakes in a wrong minimiser.
pub(crate) fn of_minimiser(
    instance: &Instance,
    reference: &Reference,
    truth: &Truth,
    given: &DVector<High>,
    score: &Score,
) -> Vec<Mistake> {
    let Ok(here) = reference.evaluate(given) else {
        return Vec::new();
    };
    if is_saddle(&here, given) {
        return vec![Mistake::new(
            "saddle",
            "a stationary point that is no minimum: the Hessian has a negative eigenvalue here",
        )];
    }
    if let Some(mistakes) = stationary(instance, given, here) {
        return mistakes;
    }
    if plus_sign(instance, reference, given, score) {
        return vec![Mistake::new(
            "E12",
            "an iterate of x + H^-1 g, the update as printed in Algorithm 1; right is x - H^-1 g",
        )];
    }
    float32::recognise(truth, given.as_slice(), score, None)
        .into_iter()
        .collect()
}

/// Would Newton's method hardly move from here, to something that is no minimum?
fn is_saddle(here: &Evaluation, given: &DVector<High>) -> bool {
    let negative = spectrum::extremes_with_bound(&here.hessian)
        .is_ok_and(|(low, _, bound)| (low + bound).is_negative());
    let step = here.hessian.clone().lu().solve(&here.gradient);
    negative
        && step.is_some_and(|step| {
            let scale = High::ONE + largest(given.as_slice());
            largest(step.as_slice()) <= scale.shifted(STATIONARY_EXPONENT)
        })
}

/// Is a wrong gradient zero at this point, while the right one is not?
fn stationary(
    instance: &Instance,
    given: &DVector<High>,
    here: Evaluation,
) -> Option<Vec<Mistake>> {
    let scene = Scene::new(instance, given, here);
    let allowed = largest(scene.gradient().as_slice()).shifted(VANISHES_EXPONENT);
    let (one, two) = (High::ONE, High::int(2));
    let unregularised = Mistake::new(
        "unregularised",
        "the minimiser of the problem without its ridge: A' W^2 A x is missing from the gradient (E13)",
    );
    let mut fields = Vec::new();
    if scene.data_matter() {
        fields.push((
            vec![unregularised],
            scene.gradient_of_parts(one, High::ZERO),
        ));
    }
    fields.extend([
        (
            vec![Mistake::half("the data term")],
            scene.gradient_of_parts(two, one),
        ),
        (
            vec![Mistake::half("the ridge")],
            scene.gradient_of_parts(one, two),
        ),
        (
            vec![Mistake::weights()],
            scene.gradient_with_unsquared_weights(),
        ),
    ]);
    if let Some(printed) = scene.printed_gradient() {
        let ridge = scene.gradient_of_parts(High::ZERO, one);
        fields.push((vec![Mistake::printed_gradient()], &printed + ridge));
        fields.push((
            vec![Mistake::printed_gradient(), Mistake::no_ridge_gradient()],
            printed,
        ));
    }
    fields
        .into_iter()
        .map(|(mistakes, field)| (largest(field.as_slice()), mistakes))
        .filter(|(size, _)| *size < allowed)
        .reduce(|best, next| if next.0 < best.0 { next } else { best })
        .map(|(_, mistakes)| mistakes)
}

/// Is this an iterate of Newton's method with a plus sign, with the whole gradient or without the ridge's?
fn plus_sign(
    instance: &Instance,
    reference: &Reference,
    given: &DVector<High>,
    score: &Score,
) -> bool {
    [High::ONE, High::ZERO].into_iter().any(|ridge| {
        let mut x = lift_vector(&instance.start());
        for _ in 0..ITERATES {
            let Some(next) = wrong_step(instance, reference, &x, ridge) else {
                return false;
            };
            x = next;
            let (error, _) = largest_difference(given.as_slice(), x.as_slice());
            let agreeing = digits(error, largest(x.as_slice()));
            if agreeing >= ITERATE_DIGITS && agreeing >= score.digits + MARGIN {
                return true;
            }
        }
        false
    })
}

/// `x + H^-1 g`, if the Hessian can be solved with.
fn wrong_step(
    instance: &Instance,
    reference: &Reference,
    x: &DVector<High>,
    ridge: High,
) -> Option<DVector<High>> {
    let here = reference.evaluate(x).ok()?;
    let Evaluation { hessian, .. } = here.clone();
    let gradient = Scene::new(instance, x, here).gradient_of_parts(High::ONE, ridge);
    let step = match Cholesky::new(hessian.clone()) {
        Some(factor) => factor.solve(&gradient),
        None => hessian.lu().solve(&gradient)?,
    };
    Some(x + step)
}
