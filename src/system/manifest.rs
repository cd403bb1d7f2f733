//! Manifests of any system, read by one loop over its slots.
//!
//! ```text
//! { "system": KEY, <each given array by its name>, "start": POINT, "points": [POINT, ...] }
//! ```
//!
//! An array is a number, nested lists, or the name of a `.npy` or `.safetensors` file beside the manifest; `null` is a missing entry. A
//! point is an object with one array for each unknown, or, where there is only one unknown, that array itself. A system
//! of logits is read by [`parse_instance`](crate::instance::files::parse_instance), `"loss"` being another word for `"system"`.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use crate::instance::files::{
    has_suffix, holds_one_array, json, npz, parse_instance_and_files, parse_instance_rows,
    read_instance_and_files, read_instance_rows, read_shaped, read_text, render_instance, shown,
};
use crate::instance::{Choice, Instance, InstanceError, InstanceRows};
use crate::memory::reading::Reading;
use crate::system::array::{Array, in_words};
use crate::system::federated_softmax::arrays_of;
use crate::system::given::Given;
use crate::system::layout::Layout;
use crate::system::parts;
use crate::system::render::render;
use crate::system::row::System;
use crate::system::slot::{Rule, Variant};
use crate::system::table::{SYSTEMS, system};

/// What a manifest poses.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Posed<L = Instance> {
    /// A loss of logits.
    Logit(L),
    /// Any other system.
    Other(Given),
}

impl Posed {
    /// The key of its system.
    pub fn key(&self) -> &'static str {
        match self {
            Self::Logit(instance) => instance.loss().name(),
            Self::Other(given) => given.system().key,
        }
    }

    /// The manifest, all arrays inline.
    pub fn render(&self) -> String {
        match self {
            Self::Logit(instance) => render_instance(instance),
            Self::Other(given) => render(given),
        }
    }

    /// How many numbers it is given: the entries of A for a loss of logits, of all arrays for another system.
    pub fn size(&self) -> usize {
        match self {
            Self::Logit(instance) => instance.rows() * instance.columns(),
            Self::Other(given) => given.entries(),
        }
    }

    /// Its dimensions: `n = 3, d = 2`.
    pub fn sizes_in_words(&self) -> String {
        match self {
            Self::Logit(instance) => {
                format!("n = {}, d = {}", instance.rows(), instance.columns())
            }
            Self::Other(given) => given.sizes_in_words(),
        }
    }
}

/// Reads a manifest of any system, and the files that it names (paths relative to the manifest); `-` is standard input. A
/// `.npz` of named arrays is a system of logits.
///
/// An error names the file and the array, index and value that do not fit.
pub fn read(path: &Path) -> Result<Posed, InstanceError> {
    read_with_files(path).map(|(posed, _)| posed)
}

/// [`read`], with every file that was read for it.
pub fn read_with_files(path: &Path) -> Result<(Posed, Vec<PathBuf>), InstanceError> {
    let _reading = Reading::begin(shown(path));
    if has_suffix(path, "npz") {
        return read_instance_and_files(path)
            .map(|(instance, files)| (Posed::Logit(instance), files));
    }
    let (posed, named) = parse_with_files(&read_text(path)?, shown(path))?;
    let mut files = vec![path.to_owned()];
    files.extend(named);
    Ok((posed, files))
}

/// [`read_with_files`], of a matrix of logits only some rows ([`read_instance_rows`]).
pub fn read_rows_with_files(
    path: &Path,
    choose: Choice,
) -> Result<(Posed<InstanceRows>, Vec<PathBuf>), InstanceError> {
    let _reading = Reading::begin(shown(path));
    if has_suffix(path, "npz") {
        return read_instance_rows(path, choose).map(|(rows, files)| (Posed::Logit(rows), files));
    }
    let logit = |text: &str, name: &Path| parse_instance_rows(text, name, choose);
    let (posed, named) = parse_posed(&read_text(path)?, shown(path), logit)?;
    let mut files = vec![path.to_owned()];
    files.extend(named);
    Ok((posed, files))
}

/// [`read`] from text; `name` is the file that messages mention and that relative paths start from.
pub fn parse(text: &str, name: &Path) -> Result<Posed, InstanceError> {
    parse_with_files(text, name).map(|(posed, _)| posed)
}

fn parse_with_files(text: &str, name: &Path) -> Result<(Posed, Vec<PathBuf>), InstanceError> {
    parse_posed(text, name, parse_instance_and_files)
}

/// A manifest of any system, with a reader of those of logits.
fn parse_posed<L>(
    text: &str,
    name: &Path,
    logit: impl Fn(&str, &Path) -> Result<(L, Vec<PathBuf>), InstanceError>,
) -> Result<(Posed<L>, Vec<PathBuf>), InstanceError> {
    let logit = || logit(text, name).map(|(instance, files)| (Posed::Logit(instance), files));
    // What is no object, or names no system, is refused by the reader of logit systems in its own words.
    let key = json::parse_rounding::<Peek>(text, name)
        .ok()
        .and_then(|peek| peek.system);
    let Some(key) = key else {
        return logit();
    };
    let refuse = |message: String| InstanceError::format(name, message);
    let found = system(&key).ok_or_else(|| {
        let known: Vec<&str> = SYSTEMS.iter().map(|system| system.key).collect();
        refuse(format!(
            "unknown system \"{key}\": known systems are {}",
            known.join(", ")
        ))
    })?;
    if found.logit {
        return logit();
    }
    let fields: Fields = json::parse(text, name)?;
    let mut files = fields.files(found, name);
    build(found, fields, name)
        .map(|(given, more)| {
            files.extend(more);
            (Posed::Other(given), files)
        })
        .map_err(|error| match error {
            Fault::Line(message) => refuse(message),
            Fault::File(error) => error,
        })
}

/// Reads unknowns of `given` from a `.json` file, as in a manifest's `"start"`, from a `.npz` with one array for each, or, where
/// there is only one, from a `.npy` or `.safetensors`.
pub fn read_unknowns(path: &Path, given: &Given) -> Result<Vec<f64>, InstanceError> {
    if has_suffix(path, "npz") {
        let arrays = npz::read_arrays(path)?;
        return named(&given.layout(), arrays)
            .map_err(|message| InstanceError::format(path, message));
    }
    if holds_one_array(path)
        && let [(unknown, ..)] = given.layout().parts().collect::<Vec<_>>()[..]
    {
        let (shape, values) = read_shaped(path)?;
        return named(&given.layout(), vec![(unknown.to_owned(), shape, values)])
            .map_err(|message| InstanceError::format(path, message));
    }
    parse_unknowns(&read_text(path)?, shown(path), given)
}

/// [`read_unknowns`] from text; `name` is the file that messages mention and that relative paths start from.
pub fn parse_unknowns(text: &str, name: &Path, given: &Given) -> Result<Vec<f64>, InstanceError> {
    let value: Value = json::parse(text, name)?;
    point(&value, &given.layout(), name).map_err(|error| match error {
        Fault::Line(message) => InstanceError::format(name, message),
        Fault::File(error) => error,
    })
}

/// A line about this file, or an error of a file that it names.
enum Fault {
    Line(String),
    File(InstanceError),
}

/// The key of a manifest's system; everything else is passed over.
struct Peek {
    system: Option<String>,
}

/// Every field in its order; a map would drop one that is there twice.
struct Fields(Vec<(String, Value)>);

impl Fields {
    /// The files that arrays and points name.
    fn files(&self, system: &System, name: &Path) -> Vec<PathBuf> {
        fn strings(value: &Value, found: &mut Vec<String>) {
            match value {
                Value::String(file) => found.push(file.clone()),
                Value::Object(fields) => fields.values().for_each(|value| strings(value, found)),
                Value::Array(list) => list.iter().for_each(|value| strings(value, found)),
                Value::Null | Value::Bool(_) | Value::Number(_) => {}
            }
        }
        let word = |key: &str| {
            let slot = system.given.iter().find(|slot| slot.name == key);
            // Lists of instances say themselves what they have read.
            let spoken = |rule| matches!(rule, Rule::Variant(_) | Rule::Parts(_));
            key == "system" || slot.is_some_and(|slot| spoken(slot.rule))
        };
        let mut found = Vec::new();
        for (key, value) in &self.0 {
            if !word(key) {
                strings(value, &mut found);
            }
        }
        let directory = name.parent().unwrap_or(Path::new(""));
        found.iter().map(|file| directory.join(file)).collect()
    }
}

impl<'de> Deserialize<'de> for Peek {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys;
        impl<'de> Visitor<'de> for Keys {
            type Value = Peek;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a manifest")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Peek, A::Error> {
                let mut system = None;
                while let Some(key) = map.next_key::<String>()? {
                    if key == "system" {
                        system = Some(map.next_value()?);
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(Peek { system })
            }
        }
        deserializer.deserialize_map(Keys)
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Fields;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a manifest")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(All)
    }
}

fn build(
    system: &'static System,
    fields: Fields,
    name: &Path,
) -> Result<(Given, Vec<PathBuf>), Fault> {
    let (mut arrays, mut files) = (Vec::new(), Vec::new());
    let mut start = None;
    let mut points = Vec::new();
    let mut seen: Vec<String> = Vec::new();
    for (key, value) in fields.0 {
        if seen.contains(&key) {
            return Err(Fault::Line(format!("{key} is given twice")));
        }
        seen.push(key.clone());
        match key.as_str() {
            "system" => {}
            "start" => start = Some(value),
            "points" => match value {
                Value::Array(list) => points = list,
                _ => return Err(Fault::Line("points: a list is needed".to_owned())),
            },
            _ => {
                let slot = system.given.iter().find(|slot| slot.name == key);
                let rule = slot.map(|slot| slot.rule);
                if rule == Some(Rule::Switch) {
                    arrays.push((key.clone(), switch(&key, &value)?));
                } else if let Some(Rule::Variant(variants)) = rule {
                    arrays.push((key.clone(), variant(&key, &value, variants)?));
                } else if matches!(rule, Some(Rule::Parts(_)))
                    && parts::is_list_of_instances(&value)
                {
                    let (instances, read) =
                        parts::instances(&key, &value, name).map_err(Fault::File)?;
                    arrays.extend(arrays_of(&instances).map_err(Fault::Line)?);
                    files.extend(read);
                } else {
                    let holes = matches!(rule, Some(Rule::FiniteUnlessHidden(_)));
                    arrays.push((key.clone(), array(&key, &value, holes, name)?));
                }
            }
        }
    }
    let given = Given::new(system, arrays).map_err(Fault::Line)?;
    if system.unknowns.is_empty() && (start.is_some() || !points.is_empty()) {
        return Err(Fault::Line(format!(
            "system \"{}\" has no unknowns, so no start and no points",
            system.key
        )));
    }
    let layout = given.layout();
    let points: Vec<Vec<f64>> = start
        .iter()
        .chain(&points)
        .map(|value| point(value, &layout, name))
        .collect::<Result<_, _>>()?;
    let given = given.with_points(points).map_err(Fault::Line)?;
    Ok((given, files))
}

/// `true` as 1, `false` as 0.
fn switch(part: &str, value: &Value) -> Result<Array, Fault> {
    match value {
        Value::Bool(on) => Ok(Array::scalar(f64::from(*on))),
        Value::Null | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
            Err(Fault::Line(format!(
                "{part} is {}: must be true or false",
                kind(value)
            )))
        }
    }
}

/// The place of a word in the list of variants.
fn variant(part: &str, value: &Value, variants: &[Variant]) -> Result<Array, Fault> {
    let place = value
        .as_str()
        .and_then(|word| variants.iter().position(|variant| variant.word == word));
    match place {
        Some(k) => Ok(Array::scalar(k as f64)),
        None => Err(Fault::Line(format!(
            "{part} is {}: must be {}",
            kind(value),
            Variant::words(variants)
        ))),
    }
}

/// An array, inline or in a file; `null` is NaN where there may be holes.
fn array(part: &str, value: &Value, holes: bool, name: &Path) -> Result<Array, Fault> {
    if let Value::String(file) = value {
        let path = name.parent().unwrap_or(Path::new("")).join(file);
        if !holds_one_array(&path) {
            return Err(Fault::Line(format!(
                "{part} is \"{file}\": an array, or a file that ends in .npy or .safetensors, is needed"
            )));
        }
        let (shape, values) = read_shaped(&path).map_err(Fault::File)?;
        return Array::new(shape, values)
            .ok_or_else(|| Fault::Line(format!("{part}: {file} is not an array")));
    }
    let mut shape = Vec::new();
    let mut at = value;
    while let Value::Array(list) = at {
        shape.push(list.len());
        match list.first() {
            Some(first) => at = first,
            None => break,
        }
    }
    let mut values = Vec::new();
    flatten(part, value, &shape, holes, &mut values).map_err(Fault::Line)?;
    Array::new(shape, values)
        .ok_or_else(|| Fault::Line(format!("{part}: its rows are not equally long")))
}

/// Appends the numbers of nested lists of this shape; `place` names the entry.
fn flatten(
    place: &str,
    value: &Value,
    shape: &[usize],
    holes: bool,
    values: &mut Vec<f64>,
) -> Result<(), String> {
    match (value, shape) {
        (Value::Array(list), [side, rest @ ..]) => {
            if list.len() != *side {
                return Err(format!(
                    "{place} has {} entries, expected {side}",
                    list.len()
                ));
            }
            for (k, entry) in list.iter().enumerate() {
                flatten(&format!("{place}[{k}]"), entry, rest, holes, values)?;
            }
            Ok(())
        }
        (Value::Number(number), []) => {
            let number = number.as_f64().filter(|number| number.is_finite());
            values.push(number.ok_or_else(|| format!("{place} is beyond the range of f64"))?);
            Ok(())
        }
        (Value::Null, []) if holes => {
            values.push(f64::NAN);
            Ok(())
        }
        (found, _) => Err(format!("{place} is {}, expected a number", kind(found))),
    }
}

fn kind(value: &Value) -> String {
    match value {
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
    }
}

/// The vector of unknowns that stand under their names.
pub fn named(layout: &Layout, arrays: Vec<npz::NamedArray>) -> Result<Vec<f64>, String> {
    let known = |name: &str| layout.parts().any(|(unknown, ..)| unknown == name);
    if let Some((name, ..)) = arrays.iter().find(|(name, ..)| !known(name)) {
        return Err(format!("point has no unknown {name}"));
    }
    let mut whole = vec![0.0; layout.dimension()];
    for (unknown, shape, range) in layout.parts() {
        let (_, found, values) = arrays
            .iter()
            .find(|(name, ..)| name == unknown)
            .ok_or_else(|| format!("point needs {unknown}"))?;
        if found != shape {
            return Err(wrong_shape(unknown, found, shape));
        }
        whole[range.clone()].copy_from_slice(values);
        if let Some(k) = values.iter().position(|value| !value.is_finite()) {
            return Err(format!(
                "{} is {}: every entry must be finite",
                layout.entry(range.start + k).unwrap_or_default(),
                values[k]
            ));
        }
    }
    Ok(whole)
}

fn wrong_shape(unknown: &str, found: &[usize], expected: &[usize]) -> String {
    format!(
        "{unknown} is {}, expected {}",
        in_words(found),
        in_words(expected)
    )
}

/// A point: an object with every unknown, or the only unknown itself.
fn point(value: &Value, layout: &Layout, name: &Path) -> Result<Vec<f64>, Fault> {
    let mut whole = vec![0.0; layout.dimension()];
    let only = layout.parts().count() == 1;
    if let Value::Object(fields) = value
        && let Some(unknown) = fields
            .keys()
            .find(|key| !layout.parts().any(|(name, ..)| name == key.as_str()))
    {
        return Err(Fault::Line(format!("point has no unknown {unknown}")));
    }
    for (unknown, shape, range) in layout.parts() {
        let entry = match value {
            Value::Object(fields) => fields
                .get(unknown)
                .ok_or_else(|| Fault::Line(format!("point needs {unknown}")))?,
            other if only => other,
            other => {
                return Err(Fault::Line(format!(
                    "point is {}, expected an object with its unknowns",
                    kind(other)
                )));
            }
        };
        let found = array(unknown, entry, false, name)?;
        if found.shape() != shape {
            return Err(Fault::Line(wrong_shape(unknown, found.shape(), shape)));
        }
        whole[range].copy_from_slice(found.values());
    }
    Ok(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{ "system": "weighted-low-rank", "M": [[1, 2, null], [4, 5, 6.5]],
        "W": [[1, 1, 0], [1, 1, 2]], "rank": 1, "start": { "X": [[1], [2]], "Y": [[1], [2], [3]] } }"#;

    fn other(text: &str) -> Result<Given, String> {
        match parse(text, Path::new("p.json")) {
            Ok(Posed::Other(given)) => Ok(given),
            Ok(Posed::Logit(_)) => panic!("a system of logits"),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn every_slot_is_read_by_its_name() {
        let given = other(GOOD).unwrap();
        assert_eq!(given.system().key, "weighted-low-rank");
        assert!(given.array("M").unwrap().values()[2].is_nan());
        assert_eq!(given.start(), [1.0, 2.0, 1.0, 2.0, 3.0]);
    }

    #[test]
    fn what_does_not_fit_is_one_line_with_file_and_place() {
        for (from, to, line) in [
            (
                "\"rank\": 1",
                "\"rank\": 1, \"rank\": 2",
                "rank is given twice",
            ),
            ("[4, 5, 6.5]", "[4, 5]", "M[1] has 2 entries, expected 3"),
            ("6.5", "\"x\"", "M[1][2] is \"x\", expected a number"),
            (
                "[1, 1, 0]",
                "[1, 1, null]",
                "W[0][2] is null, expected a number",
            ),
            (
                "[[1], [2]], \"Y\"",
                "[[1]], \"Y\"",
                "X is 1 x 1, expected 2 x 1",
            ),
            ("\"X\": [[1], [2]], ", "", "point needs X"),
            ("\"X\"", "\"U\"", "point has no unknown U"),
            (
                "[1, 1, 0]",
                "[1, 1, 1]",
                "M[0, 2] is NaN: every entry must be finite where W is not 0",
            ),
        ] {
            assert!(GOOD.contains(from), "{from}");
            let error = other(&GOOD.replace(from, to)).unwrap_err();
            assert_eq!(error, format!("p.json: {line}"));
        }
        let unknown = other(&GOOD.replace("weighted-low-rank", "no-such")).unwrap_err();
        assert!(
            unknown.starts_with("p.json: unknown system \"no-such\": known systems are softmax, ")
        );
    }

    /// The words of a variant are no files, and what is no word is named.
    #[test]
    fn a_variant_is_a_word() {
        const KERNEL: &str = r#"{ "system": "attention-kernel-regression", "matrix": [[1], [2]], "kind": "kernel",
            "target": [1, 2], "start": [0.5, 1] }"#;
        let (Posed::Other(given), files) = parse_with_files(KERNEL, Path::new("p.json")).unwrap()
        else {
            panic!("a system of logits");
        };
        assert!(files.is_empty());
        assert_eq!(given.word("kind"), "kernel");
        assert_eq!(given.start(), [0.5, 1.0]);
        let text = render(&given);
        assert!(
            text.contains(r#""kind":"kernel""#) && text.contains(r#""power":1.0"#),
            "{text}"
        );
        for (word, shown) in [
            ("\"sum\"", "\"sum\""),
            ("2", "2"),
            ("[2]", "a list"),
            ("null", "null"),
        ] {
            assert_eq!(
                other(&KERNEL.replace("\"kernel\"", word)).unwrap_err(),
                format!("p.json: kind is {shown}: must be \"even\", \"odd\" or \"kernel\"")
            );
        }
    }

    #[test]
    fn a_logit_system_may_be_named_by_either_word() {
        for word in ["loss", "system"] {
            let text = format!(
                "{{ \"{word}\": \"softmax\", \"matrix\": [[1.0]], \"target\": [1.0], \"weights\": 0 }}"
            );
            assert!(matches!(
                parse(&text, Path::new("p.json")),
                Ok(Posed::Logit(_))
            ));
        }
    }
}
