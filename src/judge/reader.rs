//! Numbers of an answer, arranged as a system names them.

use std::path::Path;

use nalgebra::{DMatrix, DVector};
use serde_json::{Map, Value};

use crate::instance::InstanceError;
use crate::instance::files::{has_suffix, json, npy, npz};
use crate::judge::answer::quote_non_finite;
use crate::oracle::{lift_matrix, lift_vector};
use crate::scalar::High;
use crate::system::{Layout, named};

/// What a report begins with: `reference --json` is an answer, too.
const VERSION: &str = "format_version";

/// Turns what was parsed into an answer that fits.
pub(super) struct Reader<'a> {
    /// The answer's file.
    pub(super) path: &'a Path,
    /// What the numbers are arranged by.
    pub(super) layout: Layout,
}

impl Reader<'_> {
    /// The fields of an answer, each one of `keys`; its version, where it has one, is this program's.
    pub(super) fn fields(
        &self,
        text: &str,
        keys: &[&str],
    ) -> Result<Map<String, Value>, InstanceError> {
        let mut fields: Map<String, Value> =
            json::parse_object(&quote_non_finite(text), self.path, "an answer")?;
        if let Some(version) = fields.remove(VERSION) {
            let number = version
                .as_u64()
                .and_then(|number| u32::try_from(number).ok());
            let number = number.ok_or_else(|| {
                self.refusal(format!("{VERSION} is {version}: a number is needed"))
            })?;
            json::check_version(number, self.path)?;
        }
        match fields.keys().find(|key| !keys.contains(&key.as_str())) {
            Some(unknown) => Err(self.refusal(format!(
                "unknown field `{unknown}`, expected one of {}",
                keys.join(", ")
            ))),
            None => Ok(fields),
        }
    }

    pub(super) fn refusal(&self, message: String) -> InstanceError {
        InstanceError::format(self.path, message)
    }

    pub(super) fn number(&self, place: &str, value: &Value) -> Result<High, InstanceError> {
        let found = match value {
            Value::Number(number) => number.as_f64().and_then(|number| High::lift(number).ok()),
            Value::String(text) => High::parse(text).ok(),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        };
        found.ok_or_else(|| {
            let shown = match value {
                Value::Array(_) => "a list".to_owned(),
                Value::Object(_) => "an object".to_owned(),
                Value::String(text) => text.clone(),
                Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
            };
            self.refusal(format!(
                "{place} is {shown}: every entry must be a finite number or a decimal string"
            ))
        })
    }

    /// One value for each entry of the unknowns.
    pub(super) fn point(&self, key: &str, value: &Value) -> Result<DVector<High>, InstanceError> {
        let fields = match value {
            Value::Object(fields) => fields,
            Value::String(file) if has_suffix(Path::new(file), "npz") => {
                return self.archive(&self.beside(file));
            }
            Value::String(_)
            | Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::Array(_) => {
                return Err(self.refusal(format!(
                    "{key}: an object with its unknowns, or a file that ends in .npz, is needed"
                )));
            }
        };
        let known = |name: &String| self.layout.parts().any(|(part, ..)| part == name);
        if let Some(name) = fields.keys().find(|name| !known(name)) {
            return Err(self.refusal(format!("{key} has no unknown {name}")));
        }
        let mut whole = Vec::with_capacity(self.layout.dimension());
        for (name, shape, _) in self.layout.parts() {
            let part = fields
                .get(name)
                .ok_or_else(|| self.refusal(format!("{key} needs {name}")))?;
            self.flatten(&format!("{key}.{name}"), part, shape, &mut whole)?;
        }
        Ok(DVector::from_vec(whole))
    }

    pub(super) fn flatten(
        &self,
        place: &str,
        value: &Value,
        shape: &[usize],
        whole: &mut Vec<High>,
    ) -> Result<(), InstanceError> {
        let [side, rest @ ..] = shape else {
            whole.push(self.number(place, value)?);
            return Ok(());
        };
        let Value::Array(list) = value else {
            return Err(self.refusal(format!("{place}: a list of {side} is needed")));
        };
        if list.len() != *side {
            return Err(self.refusal(format!(
                "{place} has {} entries, expected {side}",
                list.len()
            )));
        }
        for (k, entry) in list.iter().enumerate() {
            self.flatten(&format!("{place}[{k}]"), entry, rest, whole)?;
        }
        Ok(())
    }

    pub(super) fn hessian(&self, value: &Value) -> Result<DMatrix<High>, InstanceError> {
        let d = self.layout.dimension();
        if let Value::String(file) = value
            && has_suffix(Path::new(file), "npy")
        {
            let found = npy::read_matrix(&self.beside(file))?.to_matrix();
            if found.shape() != (d, d) {
                let (rows, columns) = found.shape();
                return Err(self.refusal(format!(
                    "hessian has shape {rows} x {columns}, expected {d} x {d}"
                )));
            }
            return Ok(lift_matrix(&found));
        }
        let mut whole = Vec::with_capacity(d * d);
        self.flatten("hessian", value, &[d, d], &mut whole)?;
        Ok(DMatrix::from_row_slice(d, d, &whole))
    }

    pub(super) fn archive(&self, path: &Path) -> Result<DVector<High>, InstanceError> {
        let x = named(&self.layout, npz::read_arrays(path)?)
            .map_err(|message| InstanceError::format(path, message))?;
        Ok(lift_vector(&DVector::from_vec(x)))
    }

    fn beside(&self, file: &str) -> std::path::PathBuf {
        self.path.parent().unwrap_or(Path::new("")).join(file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::{parse_answer, parse_named_answer, parse_outputs};
    use crate::system::{Given, Posed, parse};

    /// A number is an f64 and a string as many digits as it has, up to 40: in every kind of answer.
    #[test]
    fn decimal_strings_keep_forty_digits_and_numbers_are_f64() {
        let posed = |text: &str| parse(text, Path::new("a.json")).unwrap();
        let other = |text: &str| -> Given {
            match posed(text) {
                Posed::Other(given) => given,
                Posed::Logit(_) => panic!("{text}"),
            }
        };
        let low_rank =
            other(r#"{"system": "weighted-low-rank", "M": [[1]], "W": [[1]], "rank": 1}"#);
        let attention =
            other(r#"{"system": "exact-attention", "Q": [[1]], "K": [[1]], "V": [[1]]}"#);
        let Posed::Logit(instance) =
            posed(r#"{"loss": "softmax", "matrix": [[1], [2]], "target": [1, 0], "weights": 1}"#)
        else {
            panic!("a loss of logits");
        };
        let digits = "0.1234567890123456789012345678901234567891";
        for (number, expected) in [
            (format!("\"{digits}\""), High::parse(digits).unwrap()),
            (
                digits.to_owned(),
                High::lift(digits.parse().unwrap()).unwrap(),
            ),
        ] {
            let name = Path::new("b.json");
            let loss = format!("{{\"loss\": {number}}}");
            let found = [
                parse_answer(&loss, name, &instance).unwrap().loss.unwrap(),
                parse_named_answer(&loss, name, &low_rank)
                    .unwrap()
                    .loss
                    .unwrap(),
                parse_outputs(&format!("{{\"outputs\": [[{number}]]}}"), name, &attention).unwrap()
                    [0],
            ];
            assert_eq!(found, [expected; 3], "{number}");
            let point = format!("{{\"minimiser\": {{\"X\": [[{number}]], \"Y\": [[1]]}}}}");
            let point = parse_named_answer(&point, name, &low_rank)
                .unwrap()
                .minimiser
                .unwrap();
            assert_eq!(point[0], expected, "{number}");
        }
    }
}
