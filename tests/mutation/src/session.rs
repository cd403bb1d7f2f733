//! One run from the list of mutants to the last verdict.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::cargo::Cargo;
use crate::journal::{Entry, Header, Journal, Verdict};
use crate::list::{self, Mutant};
use crate::process::Limits;
use crate::run::Switched;
use crate::sites::{Edit, Site};
use crate::suite::{Bench, Suite};
use crate::tree::Tree;
use crate::{rebuild, run, sample, viability};

/// What to run, and how.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// The crate to test.
    #[arg(long, default_value = ".")]
    root: PathBuf,
    /// A saved output of `cargo mutants --list --json`, instead of asking for it.
    #[arg(long, value_name = "FILE")]
    list: Option<PathBuf>,
    /// First path component below `src/`, or `all`.
    #[arg(long)]
    area: String,
    /// Size of the sample; without it, or beyond the area, all its mutants.
    #[arg(long)]
    sample: Option<usize>,
    /// Seed of the sample.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// The journal: JSON lines. If it exists, only mutants without a verdict are run.
    #[arg(long)]
    journal: PathBuf,
    /// Where the rewritten tree is put; `target/mutation` of the crate unless given.
    #[arg(long)]
    scratch: Option<PathBuf>,
    #[command(flatten)]
    cargo: Cargo,
    /// Mutants run at the same time.
    #[arg(long, default_value_t = 2)]
    jobs: usize,
    /// Run the unit tests only.
    #[arg(long)]
    lib_only: bool,
    /// A test to leave out: its name, `executable::name`, or an executable; may be repeated.
    #[arg(long, value_name = "TEST")]
    exclude_test: Vec<String>,
    /// Run the survivors of the journal again.
    #[arg(long)]
    retry_survivors: bool,
    /// Build the mutants that cannot be switched one by one, instead of listing them as not run.
    #[arg(long)]
    rebuild: bool,
    /// A mutant times out after this many seconds, and ten times what its tests take without a mutant.
    #[arg(long, default_value_t = 20.0)]
    grace: f64,
    /// Address space of a test process, in MiB.
    #[arg(long, default_value_t = 6144)]
    memory: u64,
}

/// Runs the mutants that the options choose.
pub fn run(options: &Options) -> Result<()> {
    let root = options.root.canonicalize()?;
    let mutants: Vec<Mutant> = list::all(&root, options.list.as_deref())?
        .into_iter()
        .filter(|mutant| options.area == "all" || mutant.area() == options.area)
        .collect();
    if mutants.is_empty() {
        bail!("no mutants in the area {}", options.area);
    }
    let total = mutants.len();
    let chosen = sample::sample(&mutants, options.sample, options.seed);
    let header = Header {
        area: options.area.clone(),
        total,
        sampled: chosen.len(),
        seed: (chosen.len() < total).then_some(options.seed),
        features: options.cargo.features.clone(),
        excluded_tests: options.exclude_test.clone(),
        only_unit_tests: options.lib_only,
    };
    let (mut journal, old) = Journal::open(&options.journal, &header)?;
    let waiting: Vec<Mutant> = chosen
        .into_iter()
        .filter(|mutant| {
            old.get(&mutant.name)
                .is_none_or(|entry| again(options, entry))
        })
        .collect();
    eprintln!("{} mutants to run, {total} in the area", waiting.len());
    if waiting.is_empty() {
        return Ok(());
    }
    Session::new(options, root)?.run(&waiting, &mut journal)
}

fn again(options: &Options, entry: &Entry) -> bool {
    match entry.verdict {
        Verdict::Survived | Verdict::Unreached => options.retry_survivors,
        Verdict::NotRun => options.rebuild,
        Verdict::UnitTestsPass => true,
        Verdict::Caught | Verdict::TimedOut | Verdict::Unviable => false,
    }
}

struct Session<'o> {
    options: &'o Options,
    root: PathBuf,
    scratch: PathBuf,
    cargo: Cargo,
}

impl<'o> Session<'o> {
    fn new(options: &'o Options, root: PathBuf) -> Result<Self> {
        let scratch = options
            .scratch
            .clone()
            .unwrap_or_else(|| root.join("target/mutation"));
        std::fs::create_dir_all(&scratch)?;
        let scratch = scratch.canonicalize()?;
        let mut cargo = options.cargo.clone();
        let target = cargo
            .target_dir
            .or_else(|| std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from))
            .unwrap_or_else(|| scratch.join("target"));
        cargo.target_dir = Some(std::path::absolute(target)?);
        Ok(Self {
            options,
            root,
            scratch,
            cargo,
        })
    }

    /// Builds the unit tests or the others, and runs each without a mutant.
    fn survey(&self, tree: &Tree, bench: &Bench<'_>, unit: bool) -> Result<Suite> {
        let tier = if unit { "unit" } else { "integration" };
        eprintln!("building the {tier} tests");
        let executables = self
            .cargo
            .tests(&tree.root, unit)?
            .context("the tests do not compile with the switches")?
            .into_iter()
            .filter(|executable| executable.unit == unit)
            .collect();
        eprintln!("running every {tier} test by itself");
        let suite = bench.survey(executables)?;
        eprintln!(
            "{} tests, {:.0} s",
            suite.tests.len(),
            suite.tests.iter().map(|test| test.seconds).sum::<f64>()
        );
        Ok(suite)
    }

    fn run(&self, mutants: &[Mutant], journal: &mut Journal) -> Result<()> {
        let tree = Tree::copy(&self.root, &self.scratch.join("tree"))?;
        let sites = tree.sites(mutants)?;
        let mut edits: BTreeMap<usize, &Edit> = BTreeMap::new();
        let mut fixed: BTreeMap<usize, &str> = BTreeMap::new();
        for (index, site) in sites.iter().enumerate() {
            match site {
                Site::Switchable(edit) => {
                    edits.insert(index, edit);
                }
                Site::Fixed(reason) => {
                    fixed.insert(index, reason);
                }
                Site::Unviable(reason) => {
                    journal.add(&without_run(&mutants[index], Verdict::Unviable, reason))?;
                }
            }
        }
        eprintln!("{} can be switched, {} cannot", edits.len(), fixed.len());
        let viable = viability::settle(&tree, &self.cargo, mutants, &edits)?;
        for index in &viable.unviable {
            journal.add(&without_run(
                &mutants[*index],
                Verdict::Unviable,
                "it does not compile",
            ))?;
        }
        for index in &viable.unswitchable {
            fixed.insert(*index, "its switch does not compile");
        }
        let bench = Bench {
            root: &tree.root,
            scratch: &self.scratch,
            limits: Limits {
                time: Duration::from_secs(3600),
                memory: self.options.memory * 1024,
            },
            grace: self.options.grace,
            jobs: self.options.jobs,
            exclude: &self.options.exclude_test,
        };
        let mut waiting: Vec<Switched<'_>> = viable
            .schemata
            .numbers
            .iter()
            .map(|(index, number)| Switched {
                name: &mutants[*index].name,
                number: *number,
            })
            .collect();
        let mut verdicts: BTreeMap<u32, Entry> = BTreeMap::new();
        let mut suite = Suite::default();
        // The unit tests are run before the others are even built: most mutants end here.
        for unit in [true, false] {
            if waiting.is_empty() || self.options.lib_only && !unit {
                break;
            }
            let tests = self.survey(&tree, &bench, unit)?;
            let provisional = (unit && !self.options.lib_only).then_some(Verdict::UnitTestsPass);
            let unnoticed = run::all(&bench, &tests, &waiting, provisional, journal)?;
            waiting = unnoticed.iter().map(|(mutant, _)| *mutant).collect();
            let passed = unnoticed.into_iter().map(|(mutant, entry)| {
                let earlier = verdicts.get(&mutant.number);
                (mutant.number, after(earlier, entry))
            });
            verdicts = passed.collect();
            suite.add(tests);
        }
        for entry in verdicts.values() {
            journal.add(entry)?;
        }
        if !self.options.rebuild {
            for (index, reason) in fixed {
                journal.add(&without_run(&mutants[index], Verdict::NotRun, reason))?;
            }
            return Ok(());
        }
        let plain = Tree::copy(&self.root, &self.scratch.join("plain"))?;
        let fixed: Vec<&Mutant> = fixed.keys().map(|index| &mutants[*index]).collect();
        rebuild::all(
            &plain,
            &self.cargo,
            &bench,
            &suite,
            &fixed,
            self.options.lib_only,
            journal,
        )
    }
}

/// What two tiers say about a mutant that neither noticed.
fn after(earlier: Option<&Entry>, later: Entry) -> Entry {
    let Some(earlier) = earlier else { return later };
    Entry {
        verdict: if earlier.verdict == Verdict::Survived {
            Verdict::Survived
        } else {
            later.verdict
        },
        seconds: earlier.seconds + later.seconds,
        ..later
    }
}

fn without_run(mutant: &Mutant, verdict: Verdict, reason: &str) -> Entry {
    Entry {
        name: mutant.name.clone(),
        verdict,
        tier: None,
        by: Some(reason.to_owned()),
        seconds: 0.0,
    }
}

#[cfg(test)]
mod tests;
