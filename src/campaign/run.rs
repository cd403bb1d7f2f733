//! The campaign itself: witness, edge cases, random cases, adversarial searches and real data, for each claim.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use rayon::prelude::*;

use crate::campaign::plan::{Decided, Plan};
use crate::campaign::{ClaimRecord, Journal, real_cases};
use crate::claims::{Case, CheckError, Claim, Origin, Verdict, proof_of};
use crate::instance::InstanceError;
use crate::instance::files::parse_instance;
use crate::instance::sample;

/// Told after every finished case; called from several threads.
pub type Progress<'a> = &'a (dyn Fn() + Sync);

/// One piece of work, small enough to be shared among threads.
enum Unit<'a> {
    Ready(Box<Case>),
    Random(usize),
    Attack(usize),
    Unreadable(&'a str, String),
}

impl Unit<'_> {
    fn ready(case: Case) -> Self {
        Self::Ready(Box::new(case))
    }
}

/// Runs every claim and returns one record each, in the plan's order. The result depends on the plan alone.
pub fn run(plan: &Plan<'_>, progress: Progress<'_>) -> Vec<ClaimRecord> {
    let never = AtomicBool::new(false);
    run_units(plan, progress, &never, |_, _, decide| Some(decide()))
}

/// As [`run`], but nothing new is begun once `stop` is true: what is under way is finished, and the records say how much
/// was left undone ([`ClaimRecord::unfinished`]).
///
/// With a journal every finished case is written into it at once, and what it holds already is not done again; the records
/// are those of an undisturbed run. The error is the first line that could not be written: what was finished before stands
/// in the journal, and nothing more is begun.
pub fn run_until(
    plan: &Plan<'_>,
    progress: Progress<'_>,
    stop: &AtomicBool,
    journal: Option<&Journal>,
) -> Result<Vec<ClaimRecord>, InstanceError> {
    let broken: OnceLock<InstanceError> = OnceLock::new();
    let records = run_units(plan, progress, stop, |claim, unit, decide| {
        if let Some(decided) = journal.and_then(|journal| journal.finished(claim, unit)) {
            return Some(decided.clone());
        }
        if stop.load(Relaxed) || broken.get().is_some() {
            return None;
        }
        let decided = decide();
        if let Some(journal) = journal
            && let Err(error) = journal.record(plan.claims[claim].id, unit, &decided)
        {
            // Another thread may have met the same full disk first; one report is enough.
            let _ = broken.set(error);
        }
        Some(decided)
    });
    broken.into_inner().map_or(Ok(records), Err)
}

/// Runs every unit through `settle`, which is given the claim's place, the unit's place in the claim, and the work, and
/// may leave it undone.
fn run_units(
    plan: &Plan<'_>,
    progress: Progress<'_>,
    stop: &AtomicBool,
    settle: impl Fn(usize, usize, &dyn Fn() -> Decided) -> Option<Decided> + Sync,
) -> Vec<ClaimRecord> {
    let all: Vec<(usize, usize, Unit<'_>)> = plan
        .claims
        .iter()
        .enumerate()
        .flat_map(|(claim, stated)| {
            units(plan, stated)
                .into_iter()
                .enumerate()
                .map(move |(unit, work)| (claim, unit, work))
        })
        .collect();
    let decide_all = || -> Vec<(usize, Option<Decided>)> {
        all.par_iter()
            .with_max_len(1)
            .map(|(claim, unit, work)| {
                let outcome = settle(*claim, *unit, &|| decide(plan, plan.claims[*claim], work));
                if outcome.is_some() {
                    progress();
                }
                (*claim, outcome)
            })
            .collect()
    };
    let prove_all = || -> Vec<Certificate> {
        plan.claims
            .par_iter()
            .with_max_len(1)
            .map(|claim| match proof_of(claim.id) {
                None => Certificate::Absent,
                Some(_) if stop.load(Relaxed) => Certificate::Unread,
                Some(proof) => Certificate::Read((proof.check)()),
            })
            .collect()
    };
    let (outcomes, certificates) = rayon::join(decide_all, prove_all);
    let mut records: Vec<ClaimRecord> = plan
        .claims
        .iter()
        .map(|claim| ClaimRecord::new(claim))
        .collect();
    for (index, outcome) in outcomes {
        match outcome {
            Some(Ok((case, verdict))) => records[index].add(&case, verdict),
            Some(Err(reason)) => records[index].add_unmade(reason),
            None => records[index].unfinished += 1,
        }
    }
    for (record, certificate) in records.iter_mut().zip(certificates) {
        match certificate {
            Certificate::Absent => {}
            Certificate::Unread => record.unfinished += 1,
            Certificate::Read(result) => record.proof = Some(result),
        }
        record.chosen = plan.only.is_some();
    }
    records
}

/// What became of a claim's certificate.
enum Certificate {
    Absent,
    Unread,
    Read(Result<String, String>),
}

impl Plan<'_> {
    /// How many cases the plan has, for a progress bar.
    pub fn total(&self) -> usize {
        self.claims
            .iter()
            .map(|claim| units(self, claim).len())
            .sum()
    }
}

fn units<'a>(plan: &Plan<'_>, claim: &'a Claim) -> Vec<Unit<'a>> {
    let mut units = Vec::new();
    if let Some(text) = claim.witness {
        units.push(match parse_instance(text, claim.id.as_ref()) {
            Ok(instance) => Unit::ready(Case::new(Origin::Witness, instance, plan.seed)),
            Err(error) => Unit::Unreadable("recorded witness", error.to_string()),
        });
    }
    if let Some(instances) = &plan.only {
        units.extend(instances.iter().map(|(name, instance)| {
            Unit::ready(Case::new(
                Origin::File(name.clone()),
                instance.clone(),
                plan.seed,
            ))
        }));
        return units;
    }
    match claim.family.edges(&mut sample::stream(
        plan.seed,
        &format!("{}/edges", claim.id),
        0,
    )) {
        Ok(cases) => units.extend(cases.into_iter().map(Unit::ready)),
        Err(error) => units.push(Unit::Unreadable("edge cases", error.to_string())),
    }
    units.extend(
        real_cases(claim.real_rows, plan.seed)
            .into_iter()
            .map(|made| match made {
                Ok(case) => Unit::ready(case),
                Err(error) => Unit::Unreadable("real data", error.to_string()),
            }),
    );
    let cases = plan.cases.unwrap_or(claim.family.cases);
    units.extend((0..cases).map(Unit::Random));
    if let Some((_, starts)) = claim.attack {
        // Searches scale with the number of random cases, and never vanish.
        let scaled = (starts * cases).div_ceil(claim.family.cases.max(1)).max(1);
        units.extend((0..scaled).map(Unit::Attack));
    }
    units
}

fn decide(plan: &Plan<'_>, claim: &Claim, unit: &Unit<'_>) -> Decided {
    let made = match unit {
        Unit::Ready(case) => Ok(Case::clone(case)),
        Unit::Random(index) => {
            let mut rng = sample::stream(plan.seed, claim.id, *index as u64);
            claim.family.draw(*index, &mut rng)
        }
        Unit::Attack(index) => match claim.attack {
            Some((attack, _)) => {
                let label = format!("{}/attack", claim.id);
                attack(&mut sample::stream(plan.seed, &label, *index as u64)).map(|case| Case {
                    origin: Origin::Attack(*index),
                    ..case
                })
            }
            None => Err(CheckError::Other("no search is defined".to_owned())),
        },
        Unit::Unreadable(what, reason) => Err(CheckError::Other(format!("{what}: {reason}"))),
    };
    let case = made.map_err(|error| error.to_string())?;
    let verdict =
        (claim.check)(&case).unwrap_or_else(|error| Verdict::Undecided(error.to_string()));
    Ok((case, verdict))
}
