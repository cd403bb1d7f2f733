//! Known mistakes. Each is recomputed at 40 digits; a wrong answer that agrees with one, and not with the truth, to
//! nearly as many digits as were asked for has its explanation; where few can be asked for, `few_digits` has stricter rules. The ids
//! `E1`, `E2`, ... are errata of DLS23.

mod differences;
mod few_digits;
mod float32;
mod mistake;
mod stationary;
mod suspects;

use nalgebra::DVector;
use serde::Serialize;

use crate::judge::diagnosis::few_digits::FEWEST;
use crate::judge::digits::{digits, largest, largest_difference};
use crate::judge::score::Score;
use crate::judge::truth::Truth;
use crate::oracle::Reference;
use crate::scalar::High;

pub(super) use few_digits::FewDigits;
#[cfg(test)]
pub(in crate::judge) use float32::values as values_in_float32;
pub(super) use mistake::Mistake;
pub(super) use stationary::of_minimiser;
pub(super) use suspects::Suspects;

/// A known mistake that explains what is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnosis {
    /// Its name; an erratum's number where it has one.
    pub id: &'static str,
    /// The quantities that show it.
    pub quantities: Vec<&'static str>,
    /// What was computed instead of what.
    pub text: String,
}

/// What has been found, each mistake once.
#[derive(Default)]
pub(super) struct Diagnoses(Vec<Diagnosis>);

impl Diagnoses {
    /// Adds one, or adds the quantity to one that is there.
    pub(super) fn add(&mut self, quantity: &'static str, id: &'static str, text: String) {
        match self.0.iter_mut().find(|known| known.id == id) {
            Some(known) => known.quantities.push(quantity),
            None => self.0.push(Diagnosis {
                id,
                quantities: vec![quantity],
                text,
            }),
        }
    }

    /// [`add`](Self::add) for each.
    pub(super) fn extend(&mut self, quantity: &'static str, mistakes: Vec<Mistake>) {
        for mistake in mistakes {
            self.add(quantity, mistake.id, mistake.text);
        }
    }

    /// The list.
    pub(super) fn list(self) -> Vec<Diagnosis> {
        self.0
    }
}

/// An answer agrees with a mistake if it has the digits that were asked for, up to one.
const LENIENCE: f64 = 1.0;
/// By so many digits it must be nearer to the mistake than to the truth.
const MARGIN: f64 = 2.0;

/// A loss and where it was taken.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) reference: &'a Reference,
    /// The point (d).
    pub(super) x: &'a DVector<High>,
    /// How many logits there are (n).
    pub(super) rows: usize,
}

/// Names the mistakes in a wrong loss, gradient or Hessian.
pub(super) fn of_value(
    truth: &Truth,
    given: &[High],
    score: &Score,
    suspects: &Suspects,
    scene: Place,
) -> Vec<Mistake> {
    let found = match FewDigits::of(truth, given, score) {
        Some(few) => few.common(&suspects.about(truth.name).collect::<Vec<_>>(), scene.rows),
        None => by_margin(truth, given, score, suspects, scene),
    };
    if !found.is_empty() {
        return found;
    }
    float32::recognise(truth, given, score, suspects.in_float32(truth.name))
        .into_iter()
        .collect()
}

/// The mistakes that the answer agrees with to enough digits, and is nearer to than to the truth by the margin.
fn by_margin(
    truth: &Truth,
    given: &[High],
    score: &Score,
    suspects: &Suspects,
    scene: Place,
) -> Vec<Mistake> {
    let needed = agreement(truth, score);
    let found = suspects
        .about(truth.name)
        .map(|(mistakes, values)| {
            let scale = largest(values).max(truth.scale);
            let (error, _) = largest_difference(given, values);
            (digits(error, scale), mistakes)
        })
        .filter(|(agreeing, _)| *agreeing >= needed && *agreeing >= score.digits + MARGIN)
        // The simplest comes first in the list and wins unless another fits clearly better.
        .reduce(|best, next| {
            if next.0 > best.0 + LENIENCE {
                next
            } else {
                best
            }
        });
    if let Some((_, mistakes)) = found {
        return mistakes.to_vec();
    }
    if truth.name == "gradient"
        && let Some(mistake) = differences::recognise(scene.reference, scene.x, truth, given)
    {
        return vec![mistake];
    }
    if truth.name == "hessian"
        && let Some(mistake) = unsymmetrised(truth, given, needed.max(score.digits + MARGIN))
    {
        return vec![mistake];
    }
    Vec::new()
}

/// How many digits must agree.
fn agreement(truth: &Truth, score: &Score) -> f64 {
    (score.required.min(truth.required) - LENIENCE).max(FEWEST)
}

/// A low-rank term `q p' + p q'` written as `2 q p'`: the symmetric part is right, the matrix is not symmetric. That the
/// part is nearer to the truth than the whole, by the margin in `needed`, is what tells an asymmetry from an error.
fn unsymmetrised(truth: &Truth, given: &[High], needed: f64) -> Option<Mistake> {
    // d * d values, so this is d.
    let d = (0..=given.len()).find(|d| d * d >= given.len())?;
    let two = High::int(2);
    let mirrored = |k: usize| given[(k % d) * d + k / d];
    let mean: Vec<High> = (0..given.len())
        .map(|k| (given[k] + mirrored(k)) / two)
        .collect();
    let (error, _) = largest_difference(&mean, &truth.values);
    (digits(error, truth.scale) >= needed).then(|| {
        Mistake::new(
            "hessian-order",
            "only the symmetric part is right: a low-rank term stands in one order only, 2 q p' instead of q p' + p q'",
        )
    })
}

#[cfg(test)]
mod tests;
