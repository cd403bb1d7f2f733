//! Mutants that cannot be switched at run time: each is written into an untouched copy and built by itself.

use std::time::Instant;

use anyhow::{Context, Result};

use crate::cargo::{Cargo, Executable};
use crate::journal::{Entry, Journal, Tier, Verdict};
use crate::list::Mutant;
use crate::process::{Ending, Job};
use crate::suite::{Bench, Suite};
use crate::text::Text;
use crate::tree::Tree;

/// Builds and runs each of `mutants`, one after another.
pub fn all(
    tree: &Tree,
    cargo: &Cargo,
    bench: &Bench<'_>,
    suite: &Suite,
    mutants: &[&Mutant],
    only_unit: bool,
    journal: &mut Journal,
) -> Result<()> {
    for (at, mutant) in mutants.iter().enumerate() {
        let original = tree.original(&mutant.file)?;
        let text = Text::new(&original);
        let range = text
            .range(mutant.span)
            .with_context(|| format!("{} has no place in its file", mutant.name))?;
        tree.write(&mutant.file, &text.with(&range, &mutant.replacement))?;
        let start = Instant::now();
        let entry = one(tree, cargo, bench, suite, mutant, only_unit);
        tree.write(&mutant.file, &original)?;
        let mut entry = entry?;
        entry.seconds = start.elapsed().as_secs_f64();
        eprintln!(
            "rebuilt {}/{} {:?} {:.1} s {}",
            at + 1,
            mutants.len(),
            entry.verdict,
            entry.seconds,
            entry.name
        );
        journal.add(&entry)?;
    }
    Ok(())
}

fn one(
    tree: &Tree,
    cargo: &Cargo,
    bench: &Bench<'_>,
    suite: &Suite,
    mutant: &Mutant,
    only_unit: bool,
) -> Result<Entry> {
    let mut entry = Entry {
        name: mutant.name.clone(),
        verdict: Verdict::Survived,
        tier: None,
        by: None,
        seconds: 0.0,
    };
    // The integration tests are built for those only that the unit tests let pass.
    for (tier, unit) in [(Tier::Unit, true), (Tier::Integration, false)] {
        if only_unit && !unit {
            break;
        }
        let Some(executables) = cargo.tests(&tree.root, unit)? else {
            entry.verdict = Verdict::Unviable;
            break;
        };
        let mut timed: Vec<(f64, &Executable)> = executables
            .iter()
            .filter(|executable| executable.unit == unit)
            .map(|executable| (seconds(suite, executable), executable))
            .collect();
        timed.sort_by(|a, b| a.0.total_cmp(&b.0));
        for (seconds, executable) in timed {
            let job = Job {
                executable: &executable.path,
                tests: Vec::new(),
                skip: bench.exclude,
                to_the_end: false,
                directory: &tree.root,
                variables: Vec::new(),
                temporary: bench.scratch.join("temporary-rebuilt"),
            };
            let (verdict, test) = match job.run(&bench.limits_for(seconds))? {
                Ending::Passed => continue,
                Ending::Failed(test) => (Verdict::Caught, test),
                Ending::TimedOut(test) => (Verdict::TimedOut, test),
            };
            entry.verdict = verdict;
            entry.by = Some(format!("{}::{test}", executable.name));
            entry.tier = Some(tier);
            return Ok(entry);
        }
    }
    Ok(entry)
}

/// What the tests of the executable of the same name take without a mutant.
fn seconds(suite: &Suite, executable: &Executable) -> f64 {
    suite
        .tests
        .iter()
        .filter(|test| suite.executables[test.executable].name == executable.name)
        .map(|test| test.seconds)
        .sum()
}
