//! What a solve or an evaluation gave, as a dictionary.

use attention_regression::production::{Outputs, RefusedRow, Solution, TraceEntry};
use attention_regression::report::rows_without_outputs;
use attention_regression::system::{Array, Layout};
use numpy::{IntoPyArray, PyArrayMethods};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

/// A solution; `x` is one vector, or by `layout` a dictionary with one array for each unknown.
pub(crate) fn solution<'py>(
    py: Python<'py>,
    solution: Solution,
    layout: Option<&Layout>,
    method: &str,
    seed: u64,
) -> PyResult<Bound<'py, PyDict>> {
    let found = PyDict::new(py);
    found.set_item("success", solution.outcome.is_success())?;
    found.set_item("status", solution.outcome.as_str())?;
    found.set_item("message", solution.outcome.sentence())?;
    found.set_item("fun", solution.loss)?;
    found.set_item("jac_norm", solution.gradient_norm)?;
    found.set_item("nit", solution.iterations)?;
    found.set_item("error_bound", solution.error_bound)?;
    found.set_item("bound_basis", solution.error_bound_basis)?;
    found.set_item("warnings", solution.warnings)?;
    found.set_item("method", method)?;
    found.set_item("seed", seed)?;
    let trace: PyResult<Vec<_>> = solution
        .trace
        .iter()
        .map(|entry| iteration(py, entry))
        .collect();
    found.set_item("trace", PyList::new(py, trace?)?)?;
    let x: Vec<f64> = solution.x.data.into();
    match layout {
        None => found.set_item("x", x.into_pyarray(py))?,
        Some(layout) => found.set_item("x", unknowns(py, layout, &x)?)?,
    }
    Ok(found)
}

/// One iteration: the fields of a line of `attreg solve --trace`, but for the seconds.
pub(crate) fn iteration<'py>(py: Python<'py>, entry: &TraceEntry) -> PyResult<Bound<'py, PyDict>> {
    let found = PyDict::new(py);
    found.set_item("iteration", entry.iteration)?;
    found.set_item("loss", entry.loss)?;
    found.set_item("gradient_norm", entry.gradient_norm)?;
    found.set_item("step_norm", entry.step_norm)?;
    found.set_item("step_length", entry.step_length)?;
    found.set_item("method", entry.method)?;
    found.set_item("distinct_rows", entry.distinct_rows)?;
    found.set_item("shift", entry.shift)?;
    found.set_item("passes", entry.passes)?;
    Ok(found)
}

fn unknowns<'py>(py: Python<'py>, layout: &Layout, x: &[f64]) -> PyResult<Bound<'py, PyDict>> {
    let found = PyDict::new(py);
    for (name, shape, range) in layout.parts() {
        let entries = x[range].to_vec().into_pyarray(py);
        found.set_item(name, entries.reshape(shape.to_vec())?)?;
    }
    Ok(found)
}

/// Outputs with their bounds.
pub(crate) fn outputs(py: Python<'_>, outputs: Outputs) -> PyResult<Bound<'_, PyDict>> {
    let shaped = |array: &Array| {
        let entries = array.values().to_vec().into_pyarray(py);
        entries.reshape(array.shape().to_vec())
    };
    let bounds = outputs.error_bounds.values();
    let largest = bounds.iter().copied().fold(0.0, f64::max);
    let found = PyDict::new(py);
    let refused: Vec<usize> = outputs.refused.iter().map(RefusedRow::row).collect();
    let warning = outputs.refused.first().map(|first| {
        let rows = outputs.values.shape().first().copied().unwrap_or(0);
        rows_without_outputs(refused.len(), rows, first)
    });
    found.set_item("success", refused.is_empty())?;
    let status = if refused.is_empty() {
        "evaluated"
    } else {
        "evaluated-in-part"
    };
    found.set_item("status", status)?;
    found.set_item("refused_rows", refused)?;
    found.set_item("warnings", warning.into_iter().collect::<Vec<_>>())?;
    found.set_item("outputs", shaped(&outputs.values)?)?;
    found.set_item("error_bound", largest)?;
    found.set_item("error_bounds", shaped(&outputs.error_bounds)?)?;
    found.set_item("bound_basis", outputs.error_bound_basis)?;
    found.set_item("method", outputs.method)?;
    Ok(found)
}
