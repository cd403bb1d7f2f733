//! Single precision: about 7 digits where f64 has 15.

use nalgebra::DVector;

use crate::instance::{DesignMatrix, Instance, LossKind};
use crate::judge::closed_forms::{Values, in_logits, in_unknowns};
use crate::judge::diagnosis::mistake::Mistake;
use crate::judge::digits::{digits, largest_difference};
use crate::judge::precision::Precision;
use crate::judge::score::Score;
use crate::judge::truth::Truth;
use crate::scalar::High;

/// Loss, gradient and Hessian at `x`, everything in float32.
pub(in crate::judge) fn values(instance: &Instance, x: &DVector<High>) -> Values<f32> {
    let lift = |value: f64| value as f32;
    let a = instance.matrix().to_dense().map(lift);
    let z = &a * x.map(|x| lift(x.to_f64()));
    in_unknowns(
        in_logits(instance, &z, lift),
        &a,
        &instance.weights().map(lift),
        &z,
    )
}

/// `log10(2^53 / 2^24)`: the digits that float32 has less, and some for bad luck.
const DIGITS_LESS: f64 = 8.7;
const LUCK: f64 = 1.5;

/// Numbers that are float32 numbers, every one, with no fewer digits right than float32 arithmetic leaves: as many as in
/// `recomputed`, the same quantity computed in float32, or as f64's rounding scaled up says.
pub(super) fn recognise(
    truth: &Truth,
    given: &[High],
    score: &Score,
    recomputed: Option<Vec<High>>,
) -> Option<Mistake> {
    // In a lower precision it is no mistake.
    if truth.precision != Precision::Float64 {
        return None;
    }
    let likely = match recomputed {
        Some(values) => {
            let (error, _) = largest_difference(&values, &truth.values);
            digits(error, truth.scale)
        }
        None => truth.required - DIGITS_LESS,
    };
    let least = (truth.required - DIGITS_LESS).min(likely) - LUCK;
    let alike = score.digits >= least.max(1.0) && score.digits <= MOST_DIGITS;
    let numbers: Vec<f64> = given.iter().map(|value| value.to_f64()).collect();
    let singles = numbers.iter().all(|value| is_float32(*value));
    // 0.5 and 1e-6 say nothing about where they come from.
    let telling = numbers.iter().any(|value| is_long(*value));
    (alike && singles && telling).then(|| {
        Mistake::new(
            "float32",
            &format!(
                "float32 arithmetic: every number is a float32 (or decimals cut to as few), {:.1} digits are right",
                score.digits
            ),
        )
    })
}

/// A float32 that is right to more digits than this is right by accident.
const MOST_DIGITS: f64 = 9.0;
/// Significant decimals of a number that somebody would type.
const SHORT: usize = 5;

/// Whether the number is a float32, or what is read from the shortest decimals of one.
pub(super) fn is_float32(value: f64) -> bool {
    let single = value as f32;
    f64::from(single) == value || single.to_string().parse() == Ok(value)
}

/// Whether the shortest decimals of a number are more than somebody would type.
fn is_long(value: f64) -> bool {
    let text = format!("{value:e}");
    let significand = text.split('e').next().unwrap_or_default();
    significand.bytes().filter(u8::is_ascii_digit).count() > SHORT
}

/// The instance with all its numbers rounded to float32; none if they are that already.
pub(super) fn rounded(instance: &Instance) -> Option<Instance> {
    let round = |value: f64| f64::from(value as f32);
    let loss = match instance.loss() {
        LossKind::TwoLayer {
            second_layer,
            activation,
        } => LossKind::TwoLayer {
            second_layer: second_layer.map(round),
            activation: *activation,
        },
        // No numbers of their own.
        plain @ (LossKind::Softmax
        | LossKind::Exp
        | LossKind::Cosh
        | LossKind::Sinh
        | LossKind::ResidualSoftmax) => plain.clone(),
    };
    let matrix = instance.matrix().to_dense();
    let (target, weights) = (instance.target(), instance.weights());
    if matrix.map(round) == matrix
        && target.map(round) == *target
        && weights.map(round) == *weights
        && loss == *instance.loss()
    {
        return None;
    }
    // Numbers beyond the range of float32 make no instance.
    let matrix = DesignMatrix::dense(matrix.map(round)).ok()?;
    Instance::new(loss, matrix, target.map(round), weights.map(round)).ok()
}

/// A point rounded to float32.
pub(super) fn rounded_point(x: &DVector<High>) -> DVector<High> {
    x.map(|x| High::lift(f64::from(x.to_f64() as f32)).unwrap_or(x))
}
