//! How a run ends.

use nalgebra::DVector;
use rayon::iter::{IntoParallelIterator, ParallelIterator};

use super::pairs::{Pairs, equations};
use super::proof::{self, Proof};
use super::settle::{Run, Settled};
use crate::production::Outcome;
use crate::production::error_bound::ErrorBound;
use crate::production::summation::{dot, norm};
use crate::production::systems::error::{Refusal, SystemError};
use crate::production::systems::reached::Reached;

/// Cosines of two vectors above this are told.
const OBLIQUE: f64 = 0.01;

/// The unknowns in the order of the table: values, then vectors row by row.
fn unknowns(pairs: &Pairs, scale: f64) -> Vec<f64> {
    let values = pairs.values.iter().map(|value| scale * value);
    values
        .chain(pairs.vectors.transpose().iter().copied())
        .collect()
}

/// The end of a run at these pairs; `settled` says how it came about, `missing` how many of them are no components.
pub(super) fn reached(
    run: Run<'_, '_>,
    pairs: Pairs,
    settled: Settled,
    missing: usize,
) -> Result<Reached, SystemError> {
    let tensor = run.tensor;
    let scale = run.scale();
    let pairs = pairs.with_signs(tensor.order);
    let x = unknowns(&pairs, scale);
    if let Some(value) = x.iter().find(|value| !value.is_finite()) {
        return Err(Refusal::Range {
            what: "a value",
            exponent: if value.is_nan() { 0 } else { 1024 },
        }
        .into());
    }
    let each: Vec<(Proof, bool)> = (0..pairs.count())
        .into_par_iter()
        .map(|j| {
            let (value, vector) = (pairs.values[j], pairs.vector(j));
            if run.settings.certify {
                let image = pairs.images.column(j);
                let proof = proof::of(tensor, value, vector, image.as_slice());
                (proof, proof != Proof::Singular)
            } else {
                (
                    Proof::TooFlat { h: f64::INFINITY },
                    proof::is_isolated(tensor, value, vector),
                )
            }
        })
        .collect();
    let mut warnings = run.warnings.clone();
    let flat: Vec<usize> = (0..pairs.count()).filter(|j| !each[*j].1).collect();
    if let Some(j) = flat.first() {
        warnings.push(format!(
            "{} of {} pairs are not isolated to rounding, the first is pair {j}: their vectors are not determined",
            flat.len(),
            pairs.count()
        ));
    }
    warnings.extend(notes(&run, &pairs));
    let gradient_norm = pairs.norm(scale);
    let noise = run.noise(pairs.count(), scale);
    let outcome = match settled {
        Settled::Interrupted => Outcome::Interrupted,
        _ if missing > 0 || !flat.is_empty() => Outcome::Singular,
        Settled::Small => Outcome::Converged,
        Settled::ToRounding => Outcome::ConvergedToRounding,
        Settled::Stalled => Outcome::LineSearchStalled,
        Settled::Limit => Outcome::IterationLimit,
    };
    let bound = if run.settings.certify {
        let proofs: Vec<Proof> = each.into_iter().map(|(proof, _)| proof).collect();
        bound(&proofs, scale, &DVector::from_column_slice(&x))
    } else {
        ErrorBound::none("none was asked for")
    };
    Ok(Reached {
        outcome,
        x,
        loss: 0.5 * gradient_norm * gradient_norm,
        gradient_norm,
        start_gradient_norm: run.start_norm.map_or(gradient_norm, |[_, shown]| shown),
        gradient_noise: Some(noise),
        iterations: run.iterations,
        error_bound: (bound.bound, bound.basis),
        labels_read: None,
        warnings,
    })
}

/// A bound for all unknowns together.
fn bound(proofs: &[Proof], scale: f64, x: &DVector<f64>) -> ErrorBound {
    let mut radii = Vec::with_capacity(proofs.len());
    for (j, proof) in proofs.iter().enumerate() {
        match proof {
            Proof::Within(radius) => radii.push(*radius),
            Proof::Singular => {
                return ErrorBound::none(format!("pair {j} is not isolated to rounding"));
            }
            Proof::TooFlat { h } => {
                return ErrorBound::none(format!(
                    "Newton's method is not proven to converge from pair {j}: h is {h:.1e}, not below 0.5"
                ));
            }
        }
    }
    let largest = radii.iter().fold(0.0_f64, |most, radius| most.max(*radius));
    // A value is 2^exponent times what the proof is about.
    let unit = (1.0 / scale).min(1.0);
    ErrorBound {
        bound: Some(norm(&radii) * (1.0 + 1e-10)),
        basis: format!(
            "Newton-Kantorovich for each pair, T taken as the exact f64 numbers it consists of: within {largest:.1e} of each vector, and \
             {:.1e} of its value, there is exactly one pair",
            largest * scale
        ),
    }
    .in_unknowns(unit, x)
}

/// What the user should know about the pairs.
fn notes(run: &Run<'_, '_>, pairs: &Pairs) -> Vec<String> {
    let tensor = run.tensor;
    let mut notes = Vec::new();
    if tensor.order.is_multiple_of(2) {
        notes.push(format!(
            "the order {} is even: the signs of the vectors are not determined, the largest entry of each is positive here",
            tensor.order
        ));
    }
    let mut cosine = 0.0_f64;
    // || T - sum lambda_j v_j (x) .. (x) v_j ||^2, in f64: right to about 1e-8 of || T ||.
    let mut square = tensor.norm * tensor.norm;
    for i in 0..pairs.count() {
        let (image, _) = equations(0.0, pairs.vector(i), pairs.images.column(i).as_slice());
        let own = dot(image.as_slice(), pairs.vector(i));
        square -= 2.0 * pairs.values[i] * own;
        for j in 0..pairs.count() {
            let along = dot(pairs.vector(i), pairs.vector(j));
            square += pairs.values[i] * pairs.values[j] * along.powi(tensor.order as i32);
            if i != j {
                cosine = cosine.max(along.abs());
            }
        }
    }
    let share = square.max(0.0).sqrt() / tensor.norm.max(f64::MIN_POSITIVE);
    if cosine > OBLIQUE {
        notes.push(format!(
            "the largest cosine of two vectors is {cosine:.2e}: pairs of a sum of powers of vectors that are not orthogonal are not these \
             vectors, and what the pairs do not make of T has {share:.1e} of its norm"
        ));
    } else if share > OBLIQUE {
        notes.push(format!(
            "what the pairs do not make of T has {share:.1e} of its norm"
        ));
    }
    notes
}
