//! A directory of answers scored against a kit.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use nalgebra::DVector;
use rayon::prelude::*;
use serde::Serialize;

use crate::instance::InstanceError;
use crate::judge::kit::{Entry, read_kit};
use crate::judge::{Asked, Judgement, PosedAnswer};
use crate::scalar::High;
use crate::system::{Posed, read};

/// All scores.
#[derive(Clone, Debug, Serialize)]
pub struct Suite {
    /// Whether every instance passed.
    pub passed: bool,
    /// In the kit's order.
    pub instances: Vec<Row>,
}

/// One instance's score.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// The instance.
    pub id: String,
    /// How it went.
    pub status: Status,
    /// Why there is no verdict.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The verdict on the answer, if there is one that can be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Judgement>,
}

/// How an instance went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Status {
    /// Everything that was given has its digits.
    Passed,
    /// Something is wrong.
    Failed,
    /// There is no answer.
    Missing,
    /// There is an answer that cannot be judged: not a number, a wrong shape, no minimiser to compare with.
    Unusable,
}

impl Status {
    /// The word in tables.
    pub fn word(self) -> &'static str {
        match self {
            Self::Passed => "pass",
            Self::Failed => "FAIL",
            Self::Missing => "MISSING",
            Self::Unusable => "UNUSABLE",
        }
    }
}

/// Scores the answers `<id>.json` in `answers`. What is wrong with one answer, or its absence, is a row and not an error.
///
/// An error if the kit or the directory cannot be read, or if a `.json` file belongs to no instance.
pub fn score_directory(kit: &Path, answers: &Path, asked: Asked) -> Result<Suite, InstanceError> {
    let entries = read_kit(kit)?.instances;
    refuse_strangers(&entries, answers)?;
    let instances = entries
        .par_iter()
        .map(|entry| row(entry, kit, answers, asked))
        .collect::<Result<Vec<Row>, _>>()?;
    Ok(Suite {
        passed: instances.iter().all(|row| row.status == Status::Passed),
        instances,
    })
}

/// A misspelt name would otherwise be reported as a missing answer, which hides the slip.
fn refuse_strangers(entries: &[Entry], answers: &Path) -> Result<(), InstanceError> {
    let known: BTreeSet<&str> = entries.iter().map(|entry| entry.id.as_str()).collect();
    let fail = |error| InstanceError::io(answers, error);
    let mut strangers = Vec::new();
    for entry in fs::read_dir(answers).map_err(fail)? {
        let path = entry.map_err(fail)?.path();
        let stem = path.file_stem().and_then(OsStr::to_str).unwrap_or_default();
        if path.extension().is_some_and(|found| found == "json") && !known.contains(stem) {
            strangers.push(path);
        }
    }
    // The order of a directory is the file system's business.
    strangers.sort();
    match strangers.first() {
        Some(path) => Err(InstanceError::format(
            path,
            "the kit has no instance of this name",
        )),
        None => Ok(()),
    }
}

fn row(entry: &Entry, kit: &Path, answers: &Path, asked: Asked) -> Result<Row, InstanceError> {
    let posed = read(&kit.join(&entry.instance))?;
    let path = answers.join(format!("{}.json", entry.id));
    let without = |status, message: String| Row {
        id: entry.id.clone(),
        status,
        message: Some(message),
        verdict: None,
    };
    if !path.exists() {
        return Ok(without(
            Status::Missing,
            format!("no answer {}", path.display()),
        ));
    }
    let near = match &posed {
        Posed::Logit(instance) => near(entry, instance.columns()),
        Posed::Other(_) => None,
    };
    let scored = PosedAnswer::read(&path, &posed, asked.precision)
        .map(|answer| answer.judge(asked.digits, near.as_ref()));
    Ok(match scored {
        Err(error) => without(Status::Unusable, error.to_string()),
        Ok(Ok(verdict)) => Row {
            id: entry.id.clone(),
            status: if verdict.passed {
                Status::Passed
            } else {
                Status::Failed
            },
            message: None,
            verdict: Some(verdict),
        },
        Ok(Err(error)) => without(Status::Unusable, format!("{}: {error}", path.display())),
    })
}

/// The minimiser that the kit expects of a loss of logits with d unknowns.
fn near(entry: &Entry, d: usize) -> Option<DVector<High>> {
    let decimals = entry.expected.loss()?.minimiser.as_ref()?.plain()?;
    let entries: Option<Vec<High>> = decimals.iter().map(|text| High::parse(text).ok()).collect();
    entries
        .filter(|entries| entries.len() == d)
        .map(DVector::from_vec)
}
