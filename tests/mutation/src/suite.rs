//! The tests of the tree without a mutant: which pass, how long each takes, and which switches each reaches.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::cargo::Executable;
use crate::process::{Ending, Job, Limits};

/// One test of the tree.
#[derive(Debug, Clone)]
pub struct Test {
    pub executable: usize,
    pub name: String,
    pub seconds: f64,
    /// The numbers of the switches it reaches, with the programs it starts.
    pub reaches: BTreeSet<u32>,
}

/// All tests that pass without a mutant.
#[derive(Default)]
pub struct Suite {
    pub executables: Vec<Executable>,
    pub tests: Vec<Test>,
}

impl Suite {
    /// Takes in the tests of other executables.
    pub fn add(&mut self, other: Self) {
        let shift = self.executables.len();
        self.executables.extend(other.executables);
        self.tests.extend(other.tests.into_iter().map(|test| Test {
            executable: test.executable + shift,
            ..test
        }));
    }
}

/// Where and how tests run.
pub struct Bench<'b> {
    pub root: &'b Path,
    pub scratch: &'b Path,
    /// For a test without a mutant.
    pub limits: Limits,
    /// Seconds that a mutant's tests may take besides a multiple of what they take without it.
    pub grace: f64,
    pub jobs: usize,
    /// Tests left out, as `name` or `executable::name`.
    pub exclude: &'b [String],
}

/// A mutant's tests may take this many times what they take without it.
const FACTOR: f64 = 10.0;

impl Bench<'_> {
    /// The limits of a mutant's tests that take `seconds` without it.
    pub fn limits_for(&self, seconds: f64) -> Limits {
        Limits {
            time: Duration::from_secs_f64(self.grace + FACTOR * seconds),
            memory: self.limits.memory,
        }
    }

    fn excluded(&self, executable: &str, name: &str) -> bool {
        let full = format!("{executable}::{name}");
        self.exclude
            .iter()
            .any(|excluded| *excluded == name || *excluded == full || excluded == executable)
    }

    /// Runs every test of `executables` by itself. An error names those that fail.
    pub fn survey(&self, executables: Vec<Executable>) -> Result<Suite> {
        let mut listed = Vec::new();
        for (index, executable) in executables.iter().enumerate() {
            let names = names(&executable.path, self.root)?;
            listed.extend(
                names
                    .into_iter()
                    .filter(|name| !self.excluded(&executable.name, name))
                    .map(|name| (index, name)),
            );
        }
        let next = AtomicUsize::new(0);
        let results = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for _ in 0..self.jobs.max(1) {
                scope.spawn(|| {
                    loop {
                        let at = next.fetch_add(1, Ordering::Relaxed);
                        let Some((executable, name)) = listed.get(at) else {
                            break;
                        };
                        let path = &executables[*executable].path;
                        let result = self.trace(at, *executable, path, name);
                        results.lock().expect("no thread panics").push((at, result));
                    }
                });
            }
        });
        let mut results = results.into_inner().expect("no thread panics");
        results.sort_by_key(|(at, _)| *at);
        let mut tests = Vec::new();
        let mut failing = Vec::new();
        for (_, result) in results {
            let (test, ending) = result?;
            if ending != Ending::Passed {
                failing.push(format!(
                    "{}::{}",
                    executables[test.executable].name, test.name
                ));
            }
            tests.push(test);
        }
        if !failing.is_empty() {
            bail!(
                "tests fail without a mutant; leave them out with --exclude-test:\n{}",
                failing.join("\n")
            );
        }
        Ok(Suite { executables, tests })
    }

    fn trace(
        &self,
        at: usize,
        executable: usize,
        path: &Path,
        name: &str,
    ) -> Result<(Test, Ending)> {
        let trace = self.scratch.join(format!("trace-{at}"));
        std::fs::create_dir_all(&trace)?;
        let job = Job {
            executable: path,
            tests: vec![name],
            skip: &[],
            to_the_end: false,
            directory: self.root,
            variables: vec![("MUTANT_TRACE", trace.clone().into())],
            temporary: self.scratch.join(format!("temporary-survey-{at}")),
        };
        let start = Instant::now();
        let ending = job.run(&self.limits)?;
        let seconds = start.elapsed().as_secs_f64();
        let mut reaches = BTreeSet::new();
        for entry in std::fs::read_dir(&trace)? {
            reaches.extend(numbers(&entry?.file_name().to_string_lossy())?);
        }
        std::fs::remove_dir_all(&trace)?;
        let test = Test {
            executable,
            name: name.to_owned(),
            seconds,
            reaches,
        };
        Ok((test, ending))
    }
}

/// The numbers that the name of a file of a trace stands for.
fn numbers(name: &str) -> Result<RangeInclusive<u32>> {
    let (first, last) = name.split_once('-').context("a file that is no trace")?;
    Ok(first.parse()?..=last.parse()?)
}

/// The tests of an executable that are not ignored.
fn names(path: &Path, root: &Path) -> Result<Vec<String>> {
    let list = |extra: &[&str]| -> Result<BTreeSet<String>> {
        let output = Command::new(path)
            .args(["--list", "--format", "terse"])
            .args(extra)
            .current_dir(root)
            .output()
            .with_context(|| path.display().to_string())?;
        Ok(String::from_utf8(output.stdout)?
            .lines()
            .filter_map(|line| line.strip_suffix(": test"))
            .map(str::to_owned)
            .collect())
    };
    let ignored = list(&["--ignored"])?;
    Ok(list(&[])?.difference(&ignored).cloned().collect())
}
