//! Claims, campaigns and the conformance kit.

use std::sync::atomic::AtomicBool;

use attention_regression::campaign::{Plan, run_until};
use attention_regression::claims as catalogue;
use attention_regression::report::{CampaignReport, catalogue_json};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::attended::attended;
use crate::errors;
use crate::posed::Posed;

/// What `attreg claims --json` prints.
#[pyfunction]
pub(crate) fn claims(names: Vec<String>) -> PyResult<String> {
    let all = catalogue::all();
    let selected = catalogue::select(&all, &names).map_err(unknown)?;
    Ok(catalogue_json(&selected).to_string())
}

fn unknown(name: String) -> PyErr {
    PyValueError::new_err(format!(
        "no claim or paper is called \"{name}\"; attreg.claims() lists them"
    ))
}

/// What `attreg verify --json` prints, and the exception that ended the campaign early, if one did.
#[pyfunction]
pub(crate) fn verify(
    py: Python<'_>,
    names: Vec<String>,
    seed: u64,
    cases: Option<usize>,
    only: Option<Vec<(String, Bound<'_, Posed>)>>,
) -> PyResult<(String, Option<PyErr>)> {
    let all = catalogue::all();
    let claims = catalogue::select(&all, &names).map_err(unknown)?;
    let only = only.map(|instances| {
        let posed = instances.into_iter();
        posed
            .map(|(name, posed)| (name, posed.get().posed().clone()))
            .collect()
    });
    let plan = Plan {
        claims,
        seed,
        cases,
        only,
    };
    let stop = AtomicBool::new(false);
    let (records, raised) = attended(py, &stop, None, false, |_| {
        run_until(&plan, &|_| (), &stop, None)
    });
    let records = records.map_err(errors::instance)?;
    let report = CampaignReport::new(seed, &plan.claims, &records);
    let text = serde_json::to_string(&report).map_err(errors::value)?;
    Ok((text, raised))
}

/// The files of the conformance kit: names and texts.
#[pyfunction]
pub(crate) fn kit() -> Vec<(&'static str, &'static str)> {
    const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/kit.rs"));
    FILES.to_vec()
}
