//! A system with its arrays as a manifest.

use serde_json::{Map, Value};

use crate::instance::InstanceError;
use crate::instance::files::write_whole;
use crate::system::given::Given;
use crate::system::layout::as_json;
use crate::system::parts;
use crate::system::slot::Rule;
use std::path::Path;

/// The manifest, all arrays inline: every number reads back with the same bits, what is missing as `null`.
pub fn render(given: &Given) -> String {
    let mut lines = vec![field(
        "system",
        &Value::String(given.system().key.to_owned()),
    )];
    for slot in given.system().given {
        if given.system().is_listed(slot) {
            continue;
        }
        if let Some(array) = given.array(slot.name) {
            let value = match slot.rule {
                Rule::Switch => Value::Bool(given.scalar(slot.name) != 0.0),
                Rule::Variant(_) => Value::String(given.word(slot.name).to_owned()),
                Rule::Parts(dimension) => parts::listed(given, slot.name, dimension),
                Rule::Finite
                | Rule::NonNegative
                | Rule::Positive
                | Rule::Symmetric
                | Rule::Share
                | Rule::Count
                | Rule::FiniteUnlessHidden(_)
                | Rule::Dimension(_)
                | Rule::Word(_) => array.to_json(),
            };
            lines.push(field(slot.name, &value));
        }
    }
    let layout = given.layout();
    let points: Vec<Value> = given
        .points()
        .iter()
        .map(|point| as_json(&layout, point))
        .collect();
    if let [start, rest @ ..] = &points[..] {
        lines.push(field("start", start));
        if !rest.is_empty() {
            lines.push(field("points", &Value::Array(rest.to_vec())));
        }
    }
    format!("{{\n{}\n}}\n", lines.join(",\n"))
}

/// Writes [`render`]'s text.
pub fn write(given: &Given, path: &Path) -> Result<(), InstanceError> {
    write_whole(path, render(given).as_bytes())
}

fn field(name: &str, value: &Value) -> String {
    // A map of one field, so that the name is escaped as JSON escapes it.
    let one: Map<String, Value> = std::iter::once((name.to_owned(), value.clone())).collect();
    let text = Value::Object(one).to_string();
    format!("  {}", &text[1..text.len() - 1])
}
