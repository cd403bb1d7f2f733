//! The journal of a campaign, or of a shard of it: one line of JSON for each finished case, so that an interrupted campaign
//! can go on, and shards can be merged.
//!
//! The first line says which campaign it is; the others may stand in any order. A line is written whole under a lock. A
//! process that is killed, or a disk that is full, can tear the last line only; such a line is dropped when the campaign
//! is resumed.

pub(super) mod lines;

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

use crate::campaign::Shard;
use crate::campaign::agenda::Agenda;
use crate::campaign::journal::lines::{Finished, Header, format};
use crate::campaign::plan::{Decided, Plan, Proven};
use crate::instance::InstanceError;

/// A journal that is open for more lines, or what several hold.
pub struct Journal {
    path: PathBuf,
    shard: Shard,
    /// `None` once a line could not be written: what follows a torn line would make the journal unreadable.
    file: Mutex<Option<File>>,
    finished: Finished,
}

impl Journal {
    /// A new journal. Refuses to overwrite a file: a finished campaign is worth more than a path.
    pub fn create(path: &Path, plan: &Plan<'_>, shard: Shard) -> Result<Self, InstanceError> {
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(path)
            .map_err(|source| match source.kind() {
                ErrorKind::AlreadyExists if !path.is_dir() => format(
                    path,
                    "is there already: use --resume to go on with it, or another name".to_owned(),
                ),
                // Where the name ends with a slash the system says so itself, in its own words.
                _ if path.is_dir() => InstanceError::io(path, ErrorKind::IsADirectory.into()),
                _ => InstanceError::io(path, source),
            })?;
        keep_to_oneself(&file, path)?;
        let journal = Self {
            path: path.to_owned(),
            shard,
            file: Mutex::new(Some(file)),
            finished: Finished::default(),
        };
        journal.append(&Header::of(plan, shard))?;
        Ok(journal)
    }

    /// The journal of an interrupted campaign with the same plan, or of the same shard of it. A torn last line is cut off;
    /// any other line that cannot be read, a journal of another plan, shard or version, and one that another process is
    /// writing, is an error that names the line or the reason.
    pub fn resume(path: &Path, plan: &Plan<'_>, shard: Shard) -> Result<Self, InstanceError> {
        let fail = |source| InstanceError::io(path, source);
        let text = lines::read(path)?;
        let wanted = Header::of(plan, shard);
        if let Some(what) = wanted.difference(&text.header) {
            return Err(format(
                path,
                format!("the journal belongs to another campaign (the {what} differs)"),
            ));
        }
        if text.header.shard != shard {
            let held = text.header.shard;
            return Err(format(
                path,
                format!("the journal is of shard {held}, not of {shard}"),
            ));
        }
        let mut finished = Finished::default();
        finished.add(&text, &Agenda::of(plan), path)?;
        let mut file = OpenOptions::new().write(true).open(path).map_err(fail)?;
        keep_to_oneself(&file, path)?;
        file.set_len(text.whole).map_err(fail)?;
        file.seek(SeekFrom::End(0)).map_err(fail)?;
        Ok(Self {
            path: path.to_owned(),
            shard,
            file: Mutex::new(Some(file)),
            finished,
        })
    }

    /// What was read from several journals; nothing can be written into it.
    pub(super) fn read_only(path: &Path, finished: Finished) -> Self {
        Self {
            path: path.to_owned(),
            shard: Shard::WHOLE,
            file: Mutex::new(None),
            finished,
        }
    }

    /// Which part of the campaign it is about.
    pub fn shard(&self) -> Shard {
        self.shard
    }

    /// What an earlier run found for this unit of this claim (both by place in the plan).
    pub(super) fn finished(&self, claim: usize, unit: usize) -> Option<&Decided> {
        self.finished.cases.get(&(claim, unit))
    }

    /// What an earlier run read in the certificate of this claim.
    pub(super) fn proven(&self, claim: usize) -> Option<&Proven> {
        self.finished.certificates.get(&claim)
    }

    /// Writes down a finished unit.
    pub(super) fn record(
        &self,
        claim: &str,
        unit: usize,
        decided: &Decided,
    ) -> Result<(), InstanceError> {
        self.append(&lines::case(claim, unit, decided))
    }

    /// Writes down what a certificate proves.
    pub(super) fn record_certificate(
        &self,
        claim: &str,
        proven: &Proven,
    ) -> Result<(), InstanceError> {
        self.append(&lines::certificate(claim, proven))
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

/// Two processes that write one journal would do all work twice and tear each other's lines. Where the file system knows no
/// locks, nothing is kept.
fn keep_to_oneself(file: &File, path: &Path) -> Result<(), InstanceError> {
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(format(
            path,
            "another process is writing this journal".to_owned(),
        )),
        Ok(()) | Err(TryLockError::Error(_)) => Ok(()),
    }
}
