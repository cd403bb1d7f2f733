//! What the command counts besides: row queries, windows of degrees, chains of rounds, races of chains. Each gives what the subcommand of
//! its name prints with `--json`.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use attention_regression::oracle::separation::NetworkSizes;
use attention_regression::production::{ChainedRounds, SystemError, check_chain, make_chain};
use attention_regression::report::{CatchUpReport, DegreeWindowReport, RowQueriesReport};
use pyo3::prelude::*;
use serde::Serialize;

use crate::attended::{abandonable, attended};
use crate::errors;
use crate::posed::Posed;

fn json(report: &impl Serialize) -> PyResult<String> {
    serde_json::to_string(report).map_err(errors::value)
}

/// Rows that a regression by leverage scores reads.
#[pyfunction]
pub(crate) fn row_queries(
    rows: u64,
    columns: u64,
    accuracy: f64,
    delta: f64,
    slowdown: f64,
) -> PyResult<String> {
    let report = RowQueriesReport::new(rows, columns, accuracy, delta, slowdown);
    json(&report.map_err(errors::value)?)
}

/// Degrees for which a network of polynomial attention separates two data sets. `sizes`: width, copies, signs; `weights`: of the class and
/// the margin; `excesses`: small and large.
#[pyfunction]
pub(crate) fn degree_window(
    py: Python<'_>,
    sizes: (u64, u64, u64),
    weights: (f64, f64),
    excesses: (f64, f64),
    failure: f64,
) -> PyResult<String> {
    let sizes = NetworkSizes {
        width: sizes.0,
        copies: sizes.1,
        class_weight: weights.0,
        margin: weights.1,
        signs: sizes.2,
    };
    let ask = move || DegreeWindowReport::new(&sizes, excesses.0, excesses.1, failure);
    json(&abandonable(py, ask)?.map_err(errors::value)?)
}

/// How likely an attacker's chain catches up.
#[pyfunction]
#[pyo3(signature = (share, blocks, risk))]
pub(crate) fn catch_up(
    py: Python<'_>,
    share: f64,
    blocks: u64,
    risk: Option<f64>,
) -> PyResult<String> {
    let ask = move || CatchUpReport::new(share, blocks, risk);
    json(&abandonable(py, ask)?.map_err(errors::value)?)
}

/// Makes a chain of rounds in a file: what was made, and the exception that ended it early, if one did.
#[pyfunction]
pub(crate) fn make_chain_of(
    py: Python<'_>,
    posed: &Bound<'_, Posed>,
    journal: PathBuf,
    count: u64,
    resume: bool,
    method: &str,
    seed: u64,
) -> PyResult<(String, Option<PyErr>)> {
    let given = posed.get().given()?;
    let stop = AtomicBool::new(false);
    let (made, raised) = attended(py, &stop, None, false, |_| {
        let rounds = ChainedRounds::new(given, method, seed)?;
        Ok(make_chain(&journal, &rounds, count, resume, &stop))
    });
    let report = made
        .map_err(errors::value::<SystemError>)?
        .map_err(errors::instance)?;
    Ok((json(&report)?, raised))
}

/// Follows a chain in a file; with an instance its rounds are made again.
#[pyfunction]
#[pyo3(signature = (posed, journal, method, seed))]
pub(crate) fn check_chain_of(
    py: Python<'_>,
    posed: Option<&Bound<'_, Posed>>,
    journal: PathBuf,
    method: String,
    seed: u64,
) -> PyResult<String> {
    let given = posed.map(|posed| posed.get().given()).transpose()?.cloned();
    let follow = move || {
        let rounds = given
            .map(|given| ChainedRounds::new(&given, &method, seed))
            .transpose()?;
        Ok(check_chain(&journal, rounds.as_ref()))
    };
    let found = abandonable(py, follow)?.map_err(errors::value::<SystemError>)?;
    json(&found.map_err(errors::instance)?)
}
