//! A list of instances in a manifest, whose rows stand one below the other in the arrays of a system.
//!
//! ```text
//! "clients": [ { "matrix": MATRIX, "target": .., "weights": .. (0) }, "client.json", ... ]
//! ```
//!
//! Each entry is the manifest of a loss of logits without its key, or the file of one, with arrays of every kind that such a manifest may
//! have. Points in such a file play no part.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::instance::files::{parse_instance_and_files, read_instance_and_files};
use crate::instance::{Instance, InstanceError};
use crate::system::array::Array;
use crate::system::given::Given;

/// Whether a value is a list of instances, and not of numbers.
pub(super) fn is_list_of_instances(value: &Value) -> bool {
    let entry = |entry: &Value| entry.is_object() || entry.is_string();
    matches!(value, Value::Array(list) if list.is_empty() || list.iter().any(entry))
}

/// The instances of such a list, and the files that were read for them; `name` is the manifest, `part` the key.
pub(super) fn instances(
    part: &str,
    value: &Value,
    name: &Path,
) -> Result<(Vec<Instance>, Vec<PathBuf>), InstanceError> {
    let list = value.as_array().map_or(&[][..], Vec::as_slice);
    let refuse = |message: String| InstanceError::format(name, message);
    if list.is_empty() {
        return Err(refuse(format!("{part} is empty: at least one is needed")));
    }
    let (mut instances, mut files) = (Vec::with_capacity(list.len()), Vec::new());
    for (k, entry) in list.iter().enumerate() {
        let (instance, own) = match entry {
            Value::Object(fields) => {
                let mut place = name.as_os_str().to_owned();
                place.push(format!(": {part}[{k}]"));
                if let Some(key) = ["start", "points"]
                    .iter()
                    .find(|key| fields.contains_key(**key))
                {
                    return Err(refuse(format!(
                        "{part}[{k}] has {key}: points belong to the whole problem"
                    )));
                }
                parse_instance_and_files(&completed(fields).to_string(), Path::new(&place))?
            }
            Value::String(file) => {
                let directory = name.parent().unwrap_or(Path::new(""));
                read_instance_and_files(&directory.join(file))?
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => {
                return Err(refuse(format!(
                    "{part}[{k}] is {entry}: an instance, or the file of one, is needed"
                )));
            }
        };
        instances.push(instance);
        files.extend(own);
    }
    Ok((instances, files))
}

/// With the key and the weights that may be left out.
fn completed(fields: &Map<String, Value>) -> Value {
    let mut fields = fields.clone();
    if !fields.contains_key("system") {
        fields
            .entry("loss")
            .or_insert_with(|| Value::String("softmax".to_owned()));
    }
    fields.entry("weights").or_insert_with(|| 0.0.into());
    Value::Object(fields)
}

/// The arrays whose first axis is `dimension` as one object for each part, with as many rows as the array `parts` says.
pub(super) fn listed(given: &Given, parts: &str, dimension: &str) -> Value {
    let counts = given.array(parts).map_or(&[][..], Array::values);
    let mut first = 0;
    let objects = counts.iter().map(|rows| {
        let range = first..first + *rows as usize;
        first = range.end;
        let own = given.system().given.iter().filter_map(|slot| {
            let array = given.array(slot.name)?;
            slot.by_rows_of(dimension).then(|| {
                (
                    slot.name.to_owned(),
                    rows_of(array, range.clone()).to_json(),
                )
            })
        });
        Value::Object(own.collect())
    });
    objects.collect()
}

/// Some of the rows of an array; a number stands for all of them.
fn rows_of(array: &Array, range: std::ops::Range<usize>) -> Array {
    let [_, rest @ ..] = array.shape() else {
        return array.clone();
    };
    let row: usize = rest.iter().product();
    let mut shape = array.shape().to_vec();
    shape[0] = range.len();
    let values = array.values()[range.start * row..range.end * row].to_vec();
    Array::new(shape, values).unwrap_or_else(|| array.clone())
}
