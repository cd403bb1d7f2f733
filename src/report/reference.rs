//! What the oracle found, as JSON and as a table. Unknowns that are one vector have numbers, others their names: `X[2, 1]`.

use serde::Serialize;
use serde_json::Value;

use crate::oracle::{Ball, Enclosure, Minimiser, OracleError};
use crate::scalar::certified;
use crate::system::{Layout, as_json};

/// How entries are called.
#[derive(Clone, Copy, Debug)]
pub enum ReferenceNames<'a> {
    /// The unknown is a vector.
    Numbers,
    /// Each unknown has a name and a shape.
    Unknowns(&'a Layout),
}

/// The minimiser, if it was asked for: found, or why not.
pub type Found = Option<Result<Minimiser, OracleError>>;

/// What `attreg reference --json` prints.
#[derive(Debug, Serialize)]
pub struct ReferenceReport<'a> {
    loss: String,
    gradient: Value,
    hessian: Vec<Vec<String>>,
    /// Absent if not asked for, null if none was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    minimiser: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    minimiser_error_bound: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    minimiser_missing: Option<String>,
    #[serde(skip)]
    names: ReferenceNames<'a>,
    #[serde(skip)]
    entries: Entries,
}

/// The entries of gradient and minimiser in their order.
#[derive(Debug)]
struct Entries {
    gradient: Vec<String>,
    minimiser: Vec<String>,
}

impl<'a> ReferenceReport<'a> {
    /// The report on what the oracle found: as many digits of each number as are certified.
    pub fn new(values: &Enclosure, minimiser: &Found, names: ReferenceNames<'a>) -> Self {
        let d = values.gradient.len();
        let text = |ball: &Ball| certified(ball.midpoint(), ball.radius());
        let found = minimiser.as_ref().and_then(|found| found.as_ref().ok());
        let entries = Entries {
            gradient: values.gradient.iter().map(text).collect(),
            minimiser: found.map(minimiser_entries).unwrap_or_default(),
        };
        Self {
            loss: text(&values.loss),
            gradient: names.arrays(&entries.gradient),
            hessian: values
                .hessian
                .chunks(d.max(1))
                .map(|row| row.iter().map(text).collect())
                .collect(),
            minimiser: minimiser.as_ref().map(|_| match found {
                Some(_) => names.arrays(&entries.minimiser),
                None => Value::Null,
            }),
            minimiser_error_bound: found.map(|found| found.error_bound.scientific(3)),
            minimiser_missing: minimiser
                .as_ref()
                .and_then(|found| found.as_ref().err().map(ToString::to_string)),
            names,
            entries,
        }
    }

    /// A row for each number.
    pub fn table(&self) -> Vec<(String, String)> {
        let mut rows = vec![("loss".to_owned(), self.loss.clone())];
        let mut row = |name: String, value: &String| rows.push((name, value.clone()));
        for (j, value) in self.entries.gradient.iter().enumerate() {
            row(self.names.entry("gradient", j), value);
        }
        // Symmetric: the lower triangle says it all.
        for (i, line) in self.hessian.iter().enumerate() {
            for (j, value) in line.iter().enumerate().take(i + 1) {
                row(self.names.pair("hessian", i, j), value);
            }
        }
        for (j, value) in self.entries.minimiser.iter().enumerate() {
            row(self.names.entry("minimiser", j), value);
        }
        if let Some(bound) = &self.minimiser_error_bound {
            row("minimiser error bound".to_owned(), bound);
        }
        if let Some(reason) = &self.minimiser_missing {
            row("minimiser".to_owned(), reason);
        }
        rows
    }
}

/// As many digits of each entry as its own bound certifies.
fn minimiser_entries(found: &Minimiser) -> Vec<String> {
    let entries = found.x.iter().zip(found.entry_bounds.iter());
    entries.map(|(x, bound)| certified(*x, *bound)).collect()
}

impl ReferenceNames<'_> {
    fn entry(self, what: &str, index: usize) -> String {
        match self {
            Self::Numbers => format!("{what}[{index}]"),
            Self::Unknowns(layout) => {
                format!("{what} {}", layout.entry(index).unwrap_or_default())
            }
        }
    }

    fn pair(self, what: &str, row: usize, column: usize) -> String {
        match self {
            Self::Numbers => format!("{what}[{row}, {column}]"),
            Self::Unknowns(layout) => {
                let name = |index| layout.entry(index).unwrap_or_default();
                format!("{what} {}, {}", name(row), name(column))
            }
        }
    }

    /// One list, or one array for each unknown.
    fn arrays(self, entries: &[String]) -> Value {
        match self {
            Self::Numbers => entries.iter().cloned().map(Value::String).collect(),
            Self::Unknowns(layout) => as_json(layout, entries),
        }
    }
}
