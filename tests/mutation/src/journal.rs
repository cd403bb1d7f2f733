//! Verdicts as JSON lines, so that a run can be stopped and taken up again.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// What a run covers; the first line of its journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    pub area: String,
    /// Mutants of the area.
    pub total: usize,
    pub sampled: usize,
    /// The seed of the sample; none if all mutants of the area are run.
    pub seed: Option<u64>,
    pub features: Option<String>,
    /// Tests left out.
    pub excluded_tests: Vec<String>,
    pub only_unit_tests: bool,
}

/// What became of a mutant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// A test failed.
    Caught,
    /// A test took too long.
    TimedOut,
    /// No test noticed.
    Survived,
    /// No test noticed, and none even reaches the place.
    Unreached,
    /// No unit test noticed, and the integration tests have not run yet.
    UnitTestsPass,
    /// It does not compile.
    Unviable,
    /// It cannot be switched, and has not been built by itself.
    NotRun,
}

/// Which tests decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    Unit,
    Integration,
}

/// One line: a mutant and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    pub name: String,
    pub verdict: Verdict,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<Tier>,
    /// The test that noticed, or the reason why the mutant was not run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    pub seconds: f64,
}

/// An open journal.
pub struct Journal {
    file: File,
}

impl Journal {
    /// Opens the journal, which must be of the same run if it exists; with what it already holds.
    pub fn open(path: &Path, header: &Header) -> Result<(Self, BTreeMap<String, Entry>)> {
        let entries = if path.exists() {
            let (old, entries) = read(path)?;
            if old != *header {
                bail!("{} is the journal of another run", path.display());
            }
            entries
        } else {
            BTreeMap::new()
        };
        let fresh = !path.exists();
        if let Some(directory) = path.parent() {
            std::fs::create_dir_all(directory)?;
        }
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .with_context(|| path.display().to_string())?;
        if fresh {
            writeln!(file, "{}", serde_json::to_string(header)?)?;
        }
        Ok((Self { file }, entries))
    }

    pub fn add(&mut self, entry: &Entry) -> Result<()> {
        append(&mut self.file, entry)
    }
}

/// Adds a line. One write per line: a stopped run loses no more than its last one.
pub fn append(file: &mut File, entry: &impl Serialize) -> Result<()> {
    file.write_all(format!("{}\n", serde_json::to_string(entry)?).as_bytes())?;
    Ok(())
}

/// The last entry of each name, out of the lines of a file with their numbers from 0 on.
pub fn last_of_each<'l, T: DeserializeOwned>(
    path: &Path,
    lines: impl Iterator<Item = (usize, &'l str)>,
    name: impl Fn(&T) -> &String,
) -> Result<BTreeMap<String, T>> {
    let mut entries = BTreeMap::new();
    for (index, line) in lines {
        let entry: T = serde_json::from_str(line)
            .with_context(|| format!("{}, line {}", path.display(), index + 1))?;
        entries.insert(name(&entry).clone(), entry);
    }
    Ok(entries)
}

/// The header of a journal and the last entry of each mutant.
pub fn read(path: &Path) -> Result<(Header, BTreeMap<String, Entry>)> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let mut lines = text.lines().enumerate();
    let (_, first) = lines.next().context("the journal is empty")?;
    let header =
        serde_json::from_str(first).with_context(|| format!("{}, line 1", path.display()))?;
    let entries = last_of_each(path, lines, |entry: &Entry| &entry.name)?;
    Ok((header, entries))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(area: &str) -> Header {
        Header {
            area: area.to_owned(),
            total: 10,
            sampled: 2,
            seed: Some(1),
            features: None,
            excluded_tests: Vec::new(),
            only_unit_tests: false,
        }
    }

    fn entry(verdict: Verdict) -> Entry {
        Entry {
            name: "m".to_owned(),
            verdict,
            tier: None,
            by: None,
            seconds: 0.5,
        }
    }

    #[test]
    fn a_later_entry_replaces_an_earlier_one() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("journal.jsonl");
        let (mut journal, old) = Journal::open(&path, &header("a")).unwrap();
        assert!(old.is_empty());
        journal.add(&entry(Verdict::Survived)).unwrap();
        drop(journal);
        let (mut journal, old) = Journal::open(&path, &header("a")).unwrap();
        assert_eq!(old["m"].verdict, Verdict::Survived);
        journal.add(&entry(Verdict::Caught)).unwrap();
        assert_eq!(read(&path).unwrap().1["m"], entry(Verdict::Caught));
    }

    #[test]
    fn the_journal_of_another_run_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("journal.jsonl");
        drop(Journal::open(&path, &header("a")).unwrap());
        assert!(Journal::open(&path, &header("b")).is_err());
    }
}
