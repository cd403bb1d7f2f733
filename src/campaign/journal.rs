//! The journal of a campaign: one line of JSON for each finished case, so that an interrupted campaign can go on.
//!
//! The first line says which campaign it is; the others may stand in any order. A line is written whole under a lock. A
//! process that is killed, or a disk that is full, can tear the last line only; such a line is dropped when the campaign
//! is resumed.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::campaign::plan::{Decided, Plan};
use crate::claims::{AnyCase, Origin, Verdict};
use crate::instance::InstanceError;
use crate::memory::reading::Reading;
use crate::system::parse;

/// A journal that is open for more lines.
pub struct Journal {
    path: PathBuf,
    /// `None` once a line could not be written: what follows a torn line would make the journal unreadable.
    file: Mutex<Option<File>>,
    finished: BTreeMap<(usize, usize), Decided>,
}

/// Which campaign a journal belongs to: everything that a verdict depends on.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Header {
    journal: u32,
    version: String,
    commit: Option<String>,
    seed: u64,
    cases: Option<usize>,
    claims: Vec<String>,
    instances: Vec<String>,
}

/// The layout of the lines below.
const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Line {
    claim: String,
    unit: usize,
    outcome: Outcome,
}

#[derive(Serialize, Deserialize)]
enum Outcome {
    Decided {
        origin: Origin,
        seed: u64,
        verdict: Verdict,
        manifest: String,
    },
    Unmade(String),
}

impl Header {
    fn of(plan: &Plan<'_>) -> Self {
        Self {
            journal: FORMAT,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            commit: option_env!("ATTREG_COMMIT").map(str::to_owned),
            seed: plan.seed,
            cases: plan.cases,
            claims: plan
                .claims
                .iter()
                .map(|claim| claim.id.to_owned())
                .collect(),
            instances: plan
                .only
                .iter()
                .flatten()
                .map(|(name, instance)| format!("{name}\n{}", instance.render()))
                .collect(),
        }
    }
}

impl Journal {
    /// A new journal. Refuses to overwrite a file: a finished campaign is worth more than a path.
    pub fn create(path: &Path, plan: &Plan<'_>) -> Result<Self, InstanceError> {
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(path)
            .map_err(|source| match source.kind() {
                ErrorKind::AlreadyExists if !path.is_dir() => InstanceError::Format {
                    path: path.to_owned(),
                    message: "is there already: use --resume to go on with it, or another name"
                        .to_owned(),
                },
                // Where the name ends with a slash the system says so itself, in its own words.
                _ if path.is_dir() => InstanceError::io(path, ErrorKind::IsADirectory.into()),
                _ => InstanceError::io(path, source),
            })?;
        let journal = Self {
            path: path.to_owned(),
            file: Mutex::new(Some(file)),
            finished: BTreeMap::new(),
        };
        journal.append(&Header::of(plan))?;
        Ok(journal)
    }

    /// The journal of an interrupted campaign with the same plan. A torn last line is cut off; any other line that cannot
    /// be read, and a journal of another plan or another version, is an error that names the line.
    pub fn resume(path: &Path, plan: &Plan<'_>) -> Result<Self, InstanceError> {
        let fail = |source| InstanceError::io(path, source);
        let format = |message: String| InstanceError::Format {
            path: path.to_owned(),
            message,
        };
        if !std::fs::metadata(path).map_err(fail)?.is_file() {
            return Err(format("a journal must be a regular file".to_owned()));
        }
        let _reading = Reading::begin(path);
        let bytes = std::fs::read(path).map_err(fail)?;
        let whole = bytes
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        let text = std::str::from_utf8(&bytes[..whole])
            .map_err(|error| format(format!("not UTF-8 at byte {}", error.valid_up_to())))?;
        let mut lines = text.lines();
        let header: Header = serde_json::from_str(lines.next().unwrap_or_default())
            .map_err(|error| format(format!("line 1 is not the head of a journal: {error}")))?;
        if header != Header::of(plan) {
            return Err(format(
                "the journal belongs to another campaign (claims, cases, seed, instances or version differ)".to_owned(),
            ));
        }
        let mut finished = BTreeMap::new();
        for (number, text) in lines.enumerate() {
            let (claim, unit, decided) = read_line(text, plan, path)
                .map_err(|message| format(format!("line {}: {message}", number + 2)))?;
            finished.insert((claim, unit), decided);
        }
        let mut file = OpenOptions::new().write(true).open(path).map_err(fail)?;
        file.set_len(whole as u64).map_err(fail)?;
        file.seek(SeekFrom::End(0)).map_err(fail)?;
        Ok(Self {
            path: path.to_owned(),
            file: Mutex::new(Some(file)),
            finished,
        })
    }

    /// What an earlier run found for this unit of this claim (both by place in the plan).
    pub(super) fn finished(&self, claim: usize, unit: usize) -> Option<&Decided> {
        self.finished.get(&(claim, unit))
    }

    /// Writes down a finished unit.
    pub(super) fn record(
        &self,
        claim: &str,
        unit: usize,
        decided: &Decided,
    ) -> Result<(), InstanceError> {
        let outcome = match decided {
            Ok((case, verdict)) => Outcome::Decided {
                origin: case.origin().clone(),
                seed: case.seed(),
                verdict: verdict.clone(),
                manifest: case.posed().render(),
            },
            Err(reason) => Outcome::Unmade(reason.clone()),
        };
        self.append(&Line {
            claim: claim.to_owned(),
            unit,
            outcome,
        })
    }

    fn append(&self, line: &impl Serialize) -> Result<(), InstanceError> {
        let fail = |source| InstanceError::io(&self.path, source);
        let mut text = serde_json::to_string(line).map_err(|error| fail(error.into()))?;
        text.push('\n');
        // A thread that panicked while it held the lock left a torn last line at worst.
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let written = match file.as_mut() {
            Some(file) => file.write_all(text.as_bytes()),
            None => Err(std::io::Error::other(
                "an earlier line could not be written",
            )),
        };
        if written.is_err() {
            *file = None;
        }
        written.map_err(fail)
    }
}

fn read_line(text: &str, plan: &Plan<'_>, path: &Path) -> Result<(usize, usize, Decided), String> {
    let line: Line = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let claim = plan
        .claims
        .iter()
        .position(|claim| claim.id == line.claim)
        .ok_or_else(|| format!("no claim of this campaign is called \"{}\"", line.claim))?;
    let decided = match line.outcome {
        Outcome::Unmade(reason) => Err(reason),
        Outcome::Decided {
            origin,
            seed,
            verdict,
            manifest,
        } => {
            let posed = parse(&manifest, path).map_err(|error| error.to_string())?;
            Ok((AnyCase::new(origin, posed, seed), verdict))
        }
    };
    Ok((claim, line.unit, decided))
}
