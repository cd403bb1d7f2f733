//! The table of systems and the solver's defaults, for the functions that are made of them.

use attention_regression::production::Settings;
use attention_regression::system::{Asks, Fill, Rule, SYSTEMS, Slot, System};
use pyo3::prelude::*;
use serde_json::{Value, json};

/// All systems as JSON: key, formula, arrays with their shapes and defaults, unknowns, what is asked.
#[pyfunction]
pub(crate) fn systems() -> String {
    let rows: Vec<Value> = SYSTEMS
        .iter()
        .map(|system| {
            json!({
                "key": system.key,
                "formula": system.formula,
                "logit": system.logit,
                "given": system.given.iter().map(|one| given(system, one)).collect::<Vec<_>>(),
                "unknowns": system.unknowns.iter().map(slot).collect::<Vec<_>>(),
                "outputs": match system.asks {
                    Asks::Outputs(outputs) => slot(outputs),
                    _ => Value::Null,
                },
            })
        })
        .collect();
    Value::Array(rows).to_string()
}

/// A given array; a list of parts may stand for those that are listed.
fn given(system: &System, one: &Slot) -> Value {
    let mut value = slot(one);
    value["parts"] = json!(matches!(one.rule, Rule::Parts(_)));
    if system.is_listed(one) {
        value["required"] = json!(false);
    }
    value
}

fn slot(slot: &Slot) -> Value {
    json!({
        "name": slot.name,
        "shapes": slot.shapes_in_words(),
        "switch": slot.rule == Rule::Switch,
        "words": match slot.rule {
            Rule::Word(words) => json!(words),
            Rule::Variant(variants) => {
                let words: Vec<&str> = variants.iter().map(|variant| variant.word).collect();
                json!(words)
            }
            _ => Value::Null,
        },
        "required": slot.default.is_none(),
        "default": match slot.default {
            Some(Fill::Value(value)) => json!(value),
            Some(Fill::Size(dimension)) => json!(dimension),
            _ => Value::Null,
        },
    })
}

/// The defaults of the solver: tolerance, most iterations, seed.
#[pyfunction]
pub(crate) fn settings() -> (f64, usize, u64) {
    let settings = Settings::default();
    (settings.tolerance, settings.max_iterations, settings.seed)
}
