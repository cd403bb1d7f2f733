//! An answer as it arrives: a JSON object whose arrays may lie in `.npy` files beside it.
//!
//! ```text
//! { "x": [...], "loss": 0.25, "gradient": [...], "hessian": [[...], ...], "minimiser": "minimiser.npy" }
//! ```
//!
//! Every key is optional. A JSON number means the f64 nearest to it, because that is what the program that wrote it held;
//! a string is a decimal number, read to 40 digits.

use std::path::{Path, PathBuf};

use nalgebra::{DMatrix, DVector};
use serde::Deserialize;
use serde::de::Deserializer;

use crate::instance::files::decimal::{self, Written};
use crate::instance::files::manifest::entry::Entry;
use crate::instance::files::{
    holds_an_array, json, npy, read_json_array, read_point, read_text, shown, shown_array,
};
use crate::instance::{Instance, InstanceError, LossKind};
use crate::oracle::{lift_matrix, lift_vector};
use crate::scalar::{High, ScalarError};

/// What somebody computed for one instance. Shapes fit the instance, every number is finite.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// Where loss, gradient and Hessian were taken (d); the instance's start if absent.
    pub x: Option<DVector<High>>,
    /// `L(x)`.
    pub loss: Option<High>,
    /// `grad L(x)`, d entries.
    pub gradient: Option<DVector<High>>,
    /// `Hess L(x)`, d x d.
    pub hessian: Option<DMatrix<High>>,
    /// `x*`, d entries.
    pub minimiser: Option<DVector<High>>,
}

/// Reads a point of `d` entries as the solver takes it, but decimal strings of a JSON array to 40 digits.
pub fn read_exact_point(path: &Path, d: usize) -> Result<DVector<High>, InstanceError> {
    if holds_an_array(path) {
        return read_point(path, d).map(|point| lift_vector(&point));
    }
    let numbers: Vec<Number> = read_json_array(path)?;
    let refusal = |message: String| InstanceError::format(shown_array(path), message);
    if numbers.len() != d {
        let found = numbers.len();
        return Err(refusal(format!("point has {found} entries, expected {d}")));
    }
    let entries = numbers.into_iter().enumerate();
    let found: Vec<High> = entries
        .map(|(i, number)| match number {
            Number::Finite(value) => Ok(value),
            Number::Other(found) => Err(refusal(format!(
                "[{i}] is {found}: every entry must be a finite number or a decimal string"
            ))),
        })
        .collect::<Result<_, _>>()?;
    Ok(DVector::from_vec(found))
}

/// Reads an answer for this instance, from standard input if the path is `-`; whatever does not fit is named with its place.
pub fn read_answer(path: &Path, instance: &Instance) -> Result<Answer, InstanceError> {
    parse_answer(&read_text(path)?, shown(path), instance)
}

/// [`read_answer`] from text; `name` is the file that messages mention and that relative paths start from.
pub fn parse_answer(text: &str, name: &Path, instance: &Instance) -> Result<Answer, InstanceError> {
    let file: File = json::parse_object(&quote_non_finite(text), name, "an answer")?;
    if let Some(version) = file.format_version {
        json::check_version(version, name)?;
    }
    Reader {
        path: name,
        instance,
        d: instance.columns(),
    }
    .answer(file)
}

/// The keys of an answer. `null` is a number that JSON could not hold, not an absent key.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default, deserialize_with = "present")]
    x: Option<Entry<Vec<Number>>>,
    #[serde(default, deserialize_with = "present")]
    loss: Option<Number>,
    #[serde(default, deserialize_with = "present")]
    gradient: Option<Entry<Vec<Number>>>,
    #[serde(default, deserialize_with = "present")]
    hessian: Option<Entry<Vec<Vec<Number>>>>,
    #[serde(default, deserialize_with = "present")]
    minimiser: Option<Entry<Vec<Number>>>,
    /// What a report begins with: `reference --json` is an answer, too.
    #[serde(default, deserialize_with = "present")]
    format_version: Option<u32>,
}

fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

/// A number of an answer.
enum Number {
    Finite(High),
    /// NaN, an infinity or null, as it was written.
    Other(String),
}

impl Written for Number {
    type Refusal = ScalarError;

    fn number(value: f64) -> Result<Self, ScalarError> {
        High::lift(value).map(Self::Finite)
    }

    fn text(text: &str) -> Result<Self, ScalarError> {
        match High::parse(text) {
            Err(_) if text.parse::<f64>().is_ok_and(|value| !value.is_finite()) => {
                Ok(Self::Other(text.to_owned()))
            }
            parsed => parsed.map(Self::Finite),
        }
    }

    fn null() -> Option<Self> {
        Some(Self::Other("null".to_owned()))
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        decimal::read(deserializer)
    }
}

/// Python and others write `NaN` and `Infinity` where JSON has no word for them. As strings they reach the reader that
/// names the entry.
pub(super) fn quote_non_finite(text: &str) -> String {
    const WORDS: [&str; 3] = ["-Infinity", "Infinity", "NaN"];
    if !WORDS.iter().any(|word| text.contains(word)) {
        return text.to_owned();
    }
    let mut quoted = String::with_capacity(text.len() + 16);
    let mut rest = text;
    let (mut inside, mut escaped) = (false, false);
    while let Some(letter) = rest.chars().next() {
        if !inside && let Some(word) = WORDS.iter().find(|word| rest.starts_with(**word)) {
            quoted.push('"');
            quoted.push_str(word);
            quoted.push('"');
            rest = &rest[word.len()..];
            continue;
        }
        inside ^= letter == '"' && !escaped;
        escaped = inside && letter == '\\' && !escaped;
        quoted.push(letter);
        rest = &rest[letter.len_utf8()..];
    }
    quoted
}

/// Turns what was parsed into an answer that fits.
struct Reader<'a> {
    path: &'a Path,
    instance: &'a Instance,
    d: usize,
}

impl Reader<'_> {
    fn answer(&self, file: File) -> Result<Answer, InstanceError> {
        let start = lift_vector(&self.instance.start());
        let x = file.x.map(|x| self.vector("x", x, &start)).transpose()?;
        let at = x.as_ref().unwrap_or(&start);
        let answer = Answer {
            loss: file
                .loss
                .map(|loss| self.number("loss", loss, at))
                .transpose()?,
            gradient: file
                .gradient
                .map(|gradient| self.vector("gradient", gradient, at))
                .transpose()?,
            hessian: file
                .hessian
                .map(|hessian| self.matrix("hessian", hessian, at))
                .transpose()?,
            minimiser: file
                .minimiser
                .map(|minimiser| self.vector("minimiser", minimiser, at))
                .transpose()?,
            x,
        };
        if answer.loss.is_none()
            && answer.gradient.is_none()
            && answer.hessian.is_none()
            && answer.minimiser.is_none()
        {
            return Err(self.refusal(
                "nothing to check: at least one of loss, gradient, hessian, minimiser is needed",
            ));
        }
        Ok(answer)
    }

    fn number(
        &self,
        place: &str,
        number: Number,
        at: &DVector<High>,
    ) -> Result<High, InstanceError> {
        match number {
            Number::Finite(value) => Ok(value),
            Number::Other(found) => Err(self.refusal(format!(
                "{place} is {found}: every number must be finite{}",
                self.suspicion(at)
            ))),
        }
    }

    fn vector(
        &self,
        name: &str,
        entry: Entry<Vec<Number>>,
        at: &DVector<High>,
    ) -> Result<DVector<High>, InstanceError> {
        let found: Vec<High> = match entry {
            Entry::File(file) => lift_vector(&self.array(name, &file, at, npy::read_vector)?)
                .iter()
                .copied()
                .collect(),
            Entry::Inline(numbers) => numbers
                .into_iter()
                .enumerate()
                .map(|(i, number)| self.number(&format!("{name}[{i}]"), number, at))
                .collect::<Result<_, _>>()?,
        };
        if found.len() != self.d {
            return Err(self.refusal(format!(
                "{name} has {} entries, expected {}",
                found.len(),
                self.d
            )));
        }
        Ok(DVector::from_vec(found))
    }

    fn matrix(
        &self,
        name: &str,
        entry: Entry<Vec<Vec<Number>>>,
        at: &DVector<High>,
    ) -> Result<DMatrix<High>, InstanceError> {
        let d = self.d;
        let wrong_shape =
            |found: String| self.refusal(format!("{name} has {found}, expected {d} x {d}"));
        let rows = match entry {
            Entry::File(file) => {
                let read = |path: &Path| Ok(npy::read_matrix(path)?.to_matrix());
                let found = self.array(name, &file, at, read)?;
                if found.shape() != (d, d) {
                    return Err(wrong_shape(format!(
                        "shape {} x {}",
                        found.nrows(),
                        found.ncols()
                    )));
                }
                return Ok(lift_matrix(&found));
            }
            Entry::Inline(rows) => rows,
        };
        if rows.len() != d {
            return Err(wrong_shape(format!("{} rows", rows.len())));
        }
        let mut matrix = DMatrix::from_element(d, d, High::ZERO);
        for (i, row) in rows.into_iter().enumerate() {
            if row.len() != d {
                return Err(wrong_shape(format!("{} entries in row {i}", row.len())));
            }
            for (j, number) in row.into_iter().enumerate() {
                matrix[(i, j)] = self.number(&format!("{name}[{i}][{j}]"), number, at)?;
            }
        }
        Ok(matrix)
    }

    /// An array in a `.npy` file beside the answer.
    fn array<T>(
        &self,
        name: &str,
        file: &PathBuf,
        at: &DVector<High>,
        read: fn(&Path) -> Result<T, InstanceError>,
    ) -> Result<T, InstanceError> {
        let path = self.path.parent().unwrap_or(Path::new("")).join(file);
        if !path
            .extension()
            .is_some_and(|found| found.eq_ignore_ascii_case("npy"))
        {
            return Err(self.refusal(format!(
                "{name} is \"{}\": an array, or a file that ends in .npy, is needed",
                file.display()
            )));
        }
        read(&path).map_err(|error| match error {
            InstanceError::InFile { path, source }
                if matches!(*source, InstanceError::NotFinite { .. }) =>
            {
                let message = format!("{source}{}", self.suspicion(at));
                InstanceError::format(&path, message)
            }
            other => other,
        })
    }

    /// Where numbers that are not finite probably come from.
    fn suspicion(&self, x: &DVector<High>) -> &'static str {
        let largest = match self.instance.loss() {
            LossKind::Softmax | LossKind::TwoLayer { .. } | LossKind::ResidualSoftmax => {
                largest_logit(self.instance, x)
            }
            // Entrywise losses overflow because they are large, not because a shift was forgotten.
            LossKind::Exp | LossKind::Cosh | LossKind::Sinh => return "",
        };
        if largest > High::int(EXP_OVERFLOWS) {
            " (exp overflows f64 at the largest of these logits: is the softmax shifted by it first?)"
        } else {
            ""
        }
    }

    fn refusal(&self, message: impl Into<String>) -> InstanceError {
        InstanceError::format(self.path, message)
    }
}

/// `exp(709)` is a finite f64, `exp(710)` is not.
pub(super) const EXP_OVERFLOWS: i64 = 709;

/// `max_i (A x)_i`.
pub(super) fn largest_logit(instance: &Instance, x: &DVector<High>) -> High {
    let z = lift_matrix(&instance.matrix().to_dense()) * x;
    z.iter().copied().reduce(High::max).unwrap_or(High::ZERO)
}
