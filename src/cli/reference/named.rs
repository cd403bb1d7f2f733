//! The oracle's values for a system whose unknowns have names: entries are called `X[2, 1]`, arrays keep their shapes.

use std::path::Path;

use nalgebra::DVector;
use serde_json::{Map, Value};

use crate::cli::{CliError, Exit, output};
use crate::oracle::{Ball, Enclosure, Minimiser, OracleError, Reference, lift_vector, minimise};
use crate::scalar::{High, certified};
use crate::system::{Given, Layout, read_unknowns};

/// Evaluates at the unknowns of the file `at`, or at the start, and prints; also the minimiser where that is asked for.
pub(super) fn run(
    path: &Path,
    given: &Given,
    at: Option<&Path>,
    minimiser: bool,
    json: bool,
) -> Result<Exit, CliError> {
    let fail = |source| CliError::Oracle {
        path: path.to_owned(),
        source,
    };
    let point = match at {
        Some(file) => read_unknowns(file, given)?,
        None => given.start(),
    };
    let reference = Reference::of(given).map_err(fail)?;
    let x = lift_vector(&DVector::from_vec(point));
    let values = reference.enclose(&x, High::ZERO).map_err(fail)?;
    let minimiser = match minimiser.then(|| minimise(&reference, &x)) {
        None => None,
        Some(Ok(found)) => Some(Ok(found)),
        Some(Err(error @ OracleError::NoMinimiser { .. })) => Some(Err(error)),
        Some(Err(error)) => return Err(fail(error)),
    };
    let layout = given.layout();
    output::print(&if json {
        output::json_report(&as_json(&layout, &values, minimiser.as_ref()))
    } else {
        as_table(&layout, &values, minimiser.as_ref())
    })?;
    Ok(match minimiser {
        Some(Err(_)) => Exit::Differs,
        Some(Ok(_)) | None => Exit::Success,
    })
}

type Found<'a> = Option<&'a Result<Minimiser, OracleError>>;

fn text(ball: &Ball) -> String {
    certified(ball.midpoint(), ball.radius())
}

/// The texts of the minimiser's entries.
fn minimiser_texts(found: &Minimiser) -> Vec<String> {
    found
        .x
        .iter()
        .map(|entry| certified(*entry, found.error_bound))
        .collect()
}

fn as_json(layout: &Layout, values: &Enclosure, minimiser: Found<'_>) -> Value {
    let mut report = Map::new();
    let gradient: Vec<String> = values.gradient.iter().map(text).collect();
    let hessian: Vec<Value> = values
        .hessian
        .chunks(layout.dimension().max(1))
        .map(|row| row.iter().map(text).collect())
        .collect();
    report.insert("loss".to_owned(), Value::String(text(&values.loss)));
    report.insert("gradient".to_owned(), by_name(layout, &gradient));
    report.insert("hessian".to_owned(), Value::Array(hessian));
    match minimiser {
        None => {}
        Some(Ok(found)) => {
            let texts = minimiser_texts(found);
            let bound = Value::String(found.error_bound.scientific(3));
            report.insert("minimiser".to_owned(), by_name(layout, &texts));
            report.insert("minimiser_error_bound".to_owned(), bound);
        }
        Some(Err(reason)) => {
            report.insert("minimiser".to_owned(), Value::Null);
            let reason = Value::String(reason.to_string());
            report.insert("minimiser_missing".to_owned(), reason);
        }
    }
    Value::Object(report)
}

/// One array for each unknown.
fn by_name(layout: &Layout, entries: &[String]) -> Value {
    let arrays = layout.parts().map(|(name, shape, range)| {
        let values: Vec<Value> = entries[range].iter().cloned().map(Value::String).collect();
        (name.to_owned(), nested(values, shape))
    });
    Value::Object(arrays.collect())
}

/// Entries that stand row by row, as nested lists.
fn nested(entries: Vec<Value>, shape: &[usize]) -> Value {
    match shape {
        [] | [_] => Value::Array(entries),
        [_, rest @ ..] => {
            let row: usize = rest.iter().product();
            entries
                .chunks(row.max(1))
                .map(|row| nested(row.to_vec(), rest))
                .collect()
        }
    }
}

fn as_table(layout: &Layout, values: &Enclosure, minimiser: Found<'_>) -> String {
    let name = |index: usize| layout.entry(index).unwrap_or_default();
    let mut rows = vec![("loss".to_owned(), text(&values.loss))];
    for (j, value) in values.gradient.iter().enumerate() {
        rows.push((format!("gradient {}", name(j)), text(value)));
    }
    // Symmetric: the lower triangle says it all.
    for (i, line) in values.hessian.chunks(layout.dimension().max(1)).enumerate() {
        for (j, value) in line.iter().enumerate().take(i + 1) {
            rows.push((format!("hessian {}, {}", name(i), name(j)), text(value)));
        }
    }
    match minimiser {
        None => {}
        Some(Ok(found)) => {
            for (j, value) in minimiser_texts(found).into_iter().enumerate() {
                rows.push((format!("minimiser {}", name(j)), value));
            }
            let bound = found.error_bound.scientific(3);
            rows.push(("minimiser error bound".to_owned(), bound));
        }
        Some(Err(reason)) => rows.push(("minimiser".to_owned(), reason.to_string())),
    }
    output::table(&rows)
}
