//! Answers about systems without unknowns.
//!
//! ```text
//! { "outputs": [[..]] }
//! ```
//!
//! row by row, or a `.npy` or `.safetensors` of them. Numbers are read as in other answers: an f64, or a decimal string to 40 digits.

use std::path::Path;

use crate::instance::InstanceError;
use crate::instance::files::{holds_one_array, read_shaped, read_text, shown};
use crate::judge::precision::{Asked, Precision};
use crate::judge::reader::Reader;
use crate::judge::score::score;
use crate::judge::truth::{Shape, Truth};
use crate::judge::verdict::Judgement;
use crate::oracle::{OracleError, OutputsReference};
use crate::scalar::High;
use crate::system::{Array, Given, in_words};

/// The only field of an answer.
const OUTPUTS: &str = "outputs";

/// Reads an answer about this system, from standard input if the path is `-`; whatever does not fit is named with its place.
pub fn read_outputs(path: &Path, given: &Given) -> Result<Vec<High>, InstanceError> {
    if !holds_one_array(path) {
        return parse_outputs(&read_text(path)?, shown(path), given);
    }
    let refuse = |message| Err(InstanceError::format(path, message));
    let (shape, values) = read_shaped(path)?;
    let found = Array::new(shape, values).ok_or_else(|| {
        InstanceError::format(path, "its shape asks for another number of entries")
    })?;
    for (_, expected, _) in given.outputs_layout().parts() {
        if found.shape() != expected {
            return refuse(format!(
                "outputs have shape {}, expected {}",
                found.shape_in_words(),
                in_words(expected)
            ));
        }
    }
    let values = found.values();
    if let Some(k) = values.iter().position(|value| !value.is_finite()) {
        let entry = given.outputs_layout().entry(k).unwrap_or_default();
        return refuse(format!(
            "{entry} is {}: every entry must be a finite number or a decimal string",
            values[k]
        ));
    }
    let lifted = |value: &f64| High::lift(*value).unwrap_or(High::POISONED);
    Ok(values.iter().map(lifted).collect())
}

/// [`read_outputs`] from text; `name` is the file that messages mention.
pub fn parse_outputs(text: &str, name: &Path, given: &Given) -> Result<Vec<High>, InstanceError> {
    let reader = Reader {
        path: name,
        layout: given.outputs_layout(),
    };
    let fields = reader.fields(text, &[OUTPUTS])?;
    let found = fields
        .get(OUTPUTS)
        .ok_or_else(|| reader.refusal(format!("nothing to check: {OUTPUTS} is needed")))?;
    let mut values = Vec::with_capacity(reader.layout.dimension());
    for (name, shape, _) in reader.layout.parts() {
        reader.flatten(name, found, shape, &mut values)?;
    }
    Ok(values)
}

/// Judges outputs, row by row in one vector. `asked` says for what: its precision is that of the numbers given, too.
///
/// An error of the oracle if an output has no value, or the graph of a row would not fit.
pub fn judge_outputs(
    given: &Given,
    answer: &[High],
    asked: Asked,
) -> Result<Judgement, OracleError> {
    let truth = outputs_truth(given, asked.precision)?;
    let score = score(&truth, answer, asked.digits);
    Ok(Judgement {
        passed: score.passed,
        outputs: Some(score),
        ..Judgement::default()
    })
}

/// The outputs of an instance, and what f64 can be asked for.
pub(super) fn outputs_truth(given: &Given, precision: Precision) -> Result<Truth, OracleError> {
    let balls = OutputsReference::of(given)?.enclose()?;
    let layout = given.outputs_layout();
    let columns = layout
        .parts()
        .next()
        .and_then(|(_, shape, _)| shape.last().copied())
        .unwrap_or(1);
    let shape = Shape {
        name: OUTPUTS,
        dimensions: 2,
        d: columns,
        precision,
    };
    Ok(Truth::enclosed(
        shape,
        &balls,
        &[],
        underflow(given, precision),
    ))
}

/// What flushing to zero can do to an entry: each of the keys may lose a weight below the smallest normal number.
fn underflow(given: &Given, precision: Precision) -> High {
    let arrays = given.system().given.iter();
    let largest = arrays
        .filter_map(|slot| given.array(slot.name))
        .flat_map(|array: &Array| array.values())
        .fold(1.0_f64, |most, value| most.max(value.abs()));
    let terms = High::int(1 + given.size("nk") as i64);
    precision.smallest() * terms * High::lift(largest).unwrap_or(High::ONE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::EXACT_ATTENTION;

    /// Logits 720 apart: the smaller weight, 2e-313, is no normal number. A program that flushes it to 0 loses as much of each value as the
    /// value is large: 2e-13 of 1e300. What is off by more is wrong.
    #[test]
    fn a_weight_that_underflows_is_forgiven_by_the_size_of_its_value() {
        let matrix = |rows: usize, entries: Vec<f64>| Array::new(vec![rows, 1], entries).unwrap();
        let given = |value: f64| {
            let arrays = vec![
                ("Q".to_owned(), matrix(1, vec![1.0])),
                ("K".to_owned(), matrix(2, vec![0.0, -720.0])),
                ("V".to_owned(), matrix(2, vec![0.0, value])),
            ];
            Given::new(&EXACT_ATTENTION, arrays).unwrap()
        };
        let passes = |value: f64, answer: f64| {
            let answer = [High::lift(answer).unwrap()];
            let judged = judge_outputs(&given(value), &answer, Asked::of(Precision::Float64));
            judged.unwrap().passed
        };
        let weight = High::int(-720).exp();
        for value in [1.0, 1e300] {
            let exact = (weight * High::lift(value).unwrap() / (High::ONE + weight)).to_f64();
            assert!(passes(value, exact) && passes(value, 0.0), "{value}");
            // A million times the smallest normal number: far more than is forgiven for the largest of all numbers given.
            assert!(!passes(value, 1e-302 * value), "{value}");
        }
    }
}
