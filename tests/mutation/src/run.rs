//! Runs each switched mutant against the tests that reach it.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::Result;

use crate::journal::{Entry, Journal, Tier, Verdict};
use crate::process::{Ending, Job};
use crate::suite::{Bench, Suite, Test};

/// Tests up to so many seconds run first, in one process; then the next class.
const CLASSES: [f64; 4] = [0.05, 0.5, 5.0, f64::INFINITY];

/// A mutant in the build.
#[derive(Clone, Copy)]
pub struct Switched<'s> {
    pub name: &'s str,
    pub number: u32,
}

/// Runs `mutants` against the tests of `suite`. The journal gets a line for each as it ends, with the verdict `provisional`,
/// if there is one, where no test notices it; those are returned, in their order, with what is known so far.
pub fn all<'s>(
    bench: &Bench<'_>,
    suite: &Suite,
    mutants: &[Switched<'s>],
    provisional: Option<Verdict>,
    journal: &mut Journal,
) -> Result<Vec<(Switched<'s>, Entry)>> {
    let next = AtomicUsize::new(0);
    let journal = Mutex::new(journal);
    let unnoticed = Mutex::new(Vec::new());
    let work = || -> Result<()> {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(mutant) = mutants.get(at) else {
                return Ok(());
            };
            let entry = one(bench, suite, mutant)?;
            eprintln!(
                "{}/{} {:?} {:.1} s {}",
                at + 1,
                mutants.len(),
                entry.verdict,
                entry.seconds,
                entry.name
            );
            let line = |verdict| {
                journal.lock().expect("no thread panics").add(&Entry {
                    verdict,
                    ..entry.clone()
                })
            };
            if matches!(entry.verdict, Verdict::Caught | Verdict::TimedOut) {
                line(entry.verdict)?;
            } else {
                provisional.map(line).transpose()?;
                unnoticed
                    .lock()
                    .expect("no thread panics")
                    .push((*mutant, entry));
            }
        }
    };
    std::thread::scope(|scope| -> Result<()> {
        let workers: Vec<_> = (0..bench.jobs.max(1)).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            worker.join().expect("no thread panics")?;
        }
        Ok(())
    })?;
    let mut unnoticed = unnoticed.into_inner().expect("no thread panics");
    unnoticed.sort_by_key(|(mutant, _)| mutant.number);
    Ok(unnoticed)
}

fn one(bench: &Bench<'_>, suite: &Suite, mutant: &Switched<'_>) -> Result<Entry> {
    let start = Instant::now();
    let reaching: Vec<&Test> = suite
        .tests
        .iter()
        .filter(|test| test.reaches.contains(&mutant.number))
        .collect();
    let mut entry = Entry {
        name: mutant.name.to_owned(),
        verdict: if reaching.is_empty() {
            Verdict::Unreached
        } else {
            Verdict::Survived
        },
        tier: None,
        by: None,
        seconds: 0.0,
    };
    for (executable, tests) in batches(suite, reaching) {
        let seconds: f64 = tests.iter().map(|test| test.seconds).sum();
        let job = Job {
            executable: &suite.executables[executable].path,
            tests: tests.iter().map(|test| test.name.as_str()).collect(),
            skip: &[],
            to_the_end: false,
            directory: bench.root,
            variables: vec![("MUTANT", mutant.number.to_string().into())],
            temporary: bench
                .scratch
                .join(format!("temporary-mutant-{}", mutant.number)),
        };
        let (verdict, test) = match job.run(&bench.limits_for(seconds))? {
            Ending::Passed => continue,
            Ending::Failed(test) => (Verdict::Caught, test),
            Ending::TimedOut(test) => (Verdict::TimedOut, test),
        };
        let executable = &suite.executables[executable];
        entry.verdict = verdict;
        entry.by = Some(format!("{}::{test}", executable.name));
        entry.tier = Some(if executable.unit {
            Tier::Unit
        } else {
            Tier::Integration
        });
        break;
    }
    entry.seconds = start.elapsed().as_secs_f64();
    Ok(entry)
}

/// The tests by tier, then by class of duration, then by executable: one process each.
fn batches<'t>(suite: &Suite, tests: Vec<&'t Test>) -> Vec<(usize, Vec<&'t Test>)> {
    let mut keyed: Vec<_> = tests
        .into_iter()
        .map(|test| {
            let class = CLASSES.iter().position(|limit| test.seconds <= *limit);
            let unit = suite.executables[test.executable].unit;
            ((!unit, class, test.executable), test)
        })
        .collect();
    keyed.sort_by(|(a, one), (b, other)| (a, &one.name).cmp(&(b, &other.name)));
    let mut batches: Vec<(_, Vec<&Test>)> = Vec::new();
    for (key, test) in keyed {
        match batches.last_mut() {
            Some((last, batch)) if *last == key => batch.push(test),
            _ => batches.push((key, vec![test])),
        }
    }
    batches
        .into_iter()
        .map(|((_, _, executable), batch)| (executable, batch))
        .collect()
}
