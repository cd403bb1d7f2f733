//! Mistakes that somebody planted by hand, each a patch of its own: what the tests say to each.
//!
//! A patch file begins with the mistake in one line; the rest is what `git apply` takes. Its name begins with its number and,
//! after a hyphen, the floor: `007-oracle-window-end.patch`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::cargo::{Cargo, Executable};
use crate::journal::{Tier, append, last_of_each};
use crate::process::{Ending, Job, Limits};
use crate::tree::Tree;

/// What to replay, and how.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// The crate to test.
    #[arg(long, default_value = ".")]
    root: PathBuf,
    /// The directory of patches.
    #[arg(long, default_value = "tests/mutation/planted")]
    patches: PathBuf,
    /// The results: JSON lines. If the file exists, only patches without a result are replayed.
    #[arg(long)]
    results: PathBuf,
    /// Where the patched tree is put; `target/mutation` of the crate unless given.
    #[arg(long)]
    scratch: Option<PathBuf>,
    #[command(flatten)]
    cargo: Cargo,
    /// A patch to replay, by the begin of its name; may be repeated.
    #[arg(long, value_name = "NUMBER")]
    only: Vec<String>,
    /// Run the unit tests only.
    #[arg(long)]
    lib_only: bool,
    /// Seconds that one test executable may take.
    #[arg(long, default_value_t = 3600)]
    seconds: u64,
    /// Address space of a test process, in MiB.
    #[arg(long, default_value_t = 6144)]
    memory: u64,
}

/// What became of a patch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// A test failed, or its time was up.
    Caught,
    /// Every test passed.
    Passed,
    /// Every unit test passed, and no others were run.
    UnitTestsPass,
    /// The code has changed: the patch does not apply.
    Stale,
    /// What it makes does not compile.
    Unviable,
}

/// One line of the results.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The name of the file without its ending.
    pub patch: String,
    /// In one line.
    pub mistake: String,
    pub verdict: Verdict,
    /// Which tests noticed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<Tier>,
    /// The tests that failed, or why it does not apply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// Replays the patches without a result, in the order of their names; an error after the last one if some do not apply.
pub fn run(options: &Options) -> Result<()> {
    let root = options.root.canonicalize()?;
    let scratch = options
        .scratch
        .clone()
        .unwrap_or_else(|| root.join("target/mutation"));
    fs::create_dir_all(&scratch)?;
    let scratch = scratch.canonicalize()?;
    let known = if options.results.exists() {
        read(&options.results)?
    } else {
        BTreeMap::new()
    };
    let mut results = OpenOptions::new()
        .create(true)
        .append(true)
        .open(&options.results)
        .with_context(|| options.results.display().to_string())?;
    let replay = Replay {
        options,
        scratch: &scratch,
        root: &root,
    };
    let mut stale = Vec::new();
    for path in patches(&options.patches)? {
        let name = stem(&path);
        let chosen =
            options.only.is_empty() || options.only.iter().any(|only| name.starts_with(only));
        if known.contains_key(&name) || !chosen {
            continue;
        }
        let entry = replay.patch(&path)?;
        eprintln!(
            "{name}: {:?} {}",
            entry.verdict,
            entry.by.as_deref().unwrap_or("")
        );
        if entry.verdict == Verdict::Stale {
            stale.push(name);
        }
        append(&mut results, &entry)?;
    }
    if !stale.is_empty() {
        bail!("these patches do not apply any more: {}", stale.join(", "));
    }
    Ok(())
}

/// The patches of a directory, by name.
fn patches(directory: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(directory).with_context(|| directory.display().to_string())?;
    let mut found = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "patch")
        {
            found.push(path);
        }
    }
    found.sort();
    if found.is_empty() {
        bail!("{} has no patches", directory.display());
    }
    Ok(found)
}

fn stem(path: &Path) -> String {
    path.file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

struct Replay<'r> {
    options: &'r Options,
    scratch: &'r Path,
    root: &'r Path,
}

impl Replay<'_> {
    fn patch(&self, path: &Path) -> Result<Entry> {
        let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
        let mut entry = Entry {
            patch: stem(path),
            mistake: text.lines().next().unwrap_or_default().to_owned(),
            verdict: Verdict::Passed,
            tier: None,
            by: None,
        };
        // Every file that the patch before has changed is copied again.
        let tree = Tree::copy(self.root, &self.scratch.join("planted"))?;
        if let Err(complaint) = apply(&tree.root, path)? {
            entry.verdict = Verdict::Stale;
            entry.by = Some(complaint);
            return Ok(entry);
        }
        let mut cargo = self.options.cargo.clone();
        let target = cargo
            .target_dir
            .unwrap_or_else(|| self.scratch.join("target"));
        cargo.target_dir = Some(std::path::absolute(target)?);
        for (tier, unit) in [(Tier::Unit, true), (Tier::Integration, false)] {
            if self.options.lib_only && !unit {
                entry.verdict = Verdict::UnitTestsPass;
                break;
            }
            let Some(executables) = cargo.tests(&tree.root, unit)? else {
                entry.verdict = Verdict::Unviable;
                break;
            };
            let failed = self.failures(&tree, executables.iter().filter(|one| one.unit == unit))?;
            if !failed.is_empty() {
                entry.verdict = Verdict::Caught;
                entry.tier = Some(tier);
                entry.by = Some(failed.join(", "));
                break;
            }
        }
        Ok(entry)
    }

    /// The tests that fail, all of them.
    fn failures<'e>(
        &self,
        tree: &Tree,
        executables: impl Iterator<Item = &'e Executable>,
    ) -> Result<Vec<String>> {
        let limits = Limits {
            time: Duration::from_secs(self.options.seconds),
            memory: self.options.memory * 1024,
        };
        let mut failed = Vec::new();
        for executable in executables {
            let job = Job {
                executable: &executable.path,
                tests: Vec::new(),
                skip: &[],
                to_the_end: true,
                directory: &tree.root,
                variables: Vec::new(),
                temporary: self.scratch.join("temporary-planted"),
            };
            match job.run(&limits)? {
                Ending::Passed => {}
                Ending::Failed(tests) => failed.push(tests),
                Ending::TimedOut(test) => failed.push(format!("{test} (time-out)")),
            }
        }
        Ok(failed)
    }
}

/// Applies a patch to a tree without a history of its own; what git says where it does not apply.
fn apply(tree: &Path, patch: &Path) -> Result<std::result::Result<(), String>> {
    let parent = tree.parent().context("the tree has a directory above it")?;
    let output = Command::new("git")
        .arg("apply")
        .arg(fs::canonicalize(patch)?)
        .current_dir(tree)
        // Not a part of the repository that it may lie in.
        .env("GIT_CEILING_DIRECTORIES", parent)
        .output()
        .context("git cannot be started")?;
    if output.status.success() {
        return Ok(Ok(()));
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = complaint.lines().collect();
    Ok(Err(lines.join("; ")))
}

/// The last result of each patch.
fn read(path: &Path) -> Result<BTreeMap<String, Entry>> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    last_of_each(path, text.lines().enumerate(), |entry: &Entry| &entry.patch)
}

/// So many tests are named; of more their number is said.
const NAMED: usize = 2;

/// Results as a Markdown table with a line of counts.
pub fn table(results: &Path) -> Result<String> {
    let entries = read(results)?;
    let mut text = String::from("| | floor | mistake | caught by |\n|--:|---|---|---|\n");
    let (mut unit, mut integration, mut others) = (0, 0, 0);
    for entry in entries.values() {
        let mut words = entry.patch.splitn(3, '-');
        let (number, floor) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
        match entry.tier {
            Some(Tier::Unit) => unit += 1,
            Some(Tier::Integration) => integration += 1,
            None => others += 1,
        }
        let _ = writeln!(
            text,
            "| {number} | {floor} | {} | {} |",
            entry.mistake,
            said(entry)
        );
    }
    let _ = writeln!(
        text,
        "\nOf {} mistakes {unit} are caught by unit tests, {integration} by integration tests only, {others} by no test that was run.",
        entries.len(),
    );
    Ok(text)
}

/// What a table says of a verdict.
fn said(entry: &Entry) -> String {
    let by = entry.by.as_deref().unwrap_or_default();
    let tests: Vec<&str> = by.split(", ").collect();
    let named: Vec<String> = tests
        .iter()
        .take(NAMED)
        .map(|test| format!("`{test}`"))
        .collect();
    let more = tests.len().saturating_sub(NAMED);
    match entry.verdict {
        Verdict::Caught if more > 0 => format!("{} and {more} more", named.join(", ")),
        Verdict::Caught => named.join(", "),
        Verdict::Passed => "**none**".to_owned(),
        Verdict::UnitTestsPass => "no unit test".to_owned(),
        Verdict::Stale => format!("*does not apply: {by}*"),
        Verdict::Unviable => "*does not compile*".to_owned(),
    }
}

#[cfg(test)]
mod tests;
