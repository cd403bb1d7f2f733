//! The campaign itself: witness, edge cases, random cases, adversarial searches and real data, for each claim.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use rayon::prelude::*;

use crate::campaign::plan::{Decided, Plan};
use crate::campaign::{ClaimRecord, Journal};
use crate::claims::{AnyCase, CheckError, Claim, Origin};
use crate::instance::InstanceError;
use crate::instance::sample;
use crate::system::parse;

/// Told after every finished case; called from several threads.
pub type Progress<'a> = &'a (dyn Fn() + Sync);

/// One piece of work, small enough to be shared among threads.
enum Unit<'a> {
    Ready(Box<AnyCase>),
    Random(usize),
    Attack(usize),
    Unreadable(&'a str, String),
}

impl Unit<'_> {
    fn ready(case: AnyCase) -> Self {
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

/// The work of one claim. Only what must be made beforehand is held; the rest is numbered, however much it is.
struct Units<'a> {
    ready: Vec<Unit<'a>>,
    random: usize,
    attacks: usize,
}

impl<'a> Units<'a> {
    fn len(&self) -> usize {
        self.ready
            .len()
            .saturating_add(self.random)
            .saturating_add(self.attacks)
    }

    /// Unit `index < len()`: those made beforehand, then random cases, then searches.
    fn with<T>(&self, index: usize, work: impl FnOnce(&Unit<'a>) -> T) -> T {
        match self.ready.get(index) {
            Some(unit) => work(unit),
            None if index - self.ready.len() < self.random => {
                work(&Unit::Random(index - self.ready.len()))
            }
            None => work(&Unit::Attack(index - self.ready.len() - self.random)),
        }
    }
}

/// How many cases are under way or wait for their record at a time: more than a run with each claim's own number has.
const BLOCK: usize = 1 << 14;

/// Runs every unit through `settle`, which is given the claim's place, the unit's place in the claim, and the work, and
/// may leave it undone.
fn run_units(
    plan: &Plan<'_>,
    progress: Progress<'_>,
    stop: &AtomicBool,
    settle: impl Fn(usize, usize, &dyn Fn() -> Decided) -> Option<Decided> + Sync,
) -> Vec<ClaimRecord> {
    let work: Vec<Units<'_>> = plan.claims.iter().map(|claim| units(plan, claim)).collect();
    // Unit k of the campaign is unit `k - starts[c]` of the last claim c with `starts[c] <= k`.
    let mut total = 0_usize;
    let mut starts = Vec::new();
    for units in &work {
        starts.push(total);
        total = total.saturating_add(units.len());
    }
    let place = |at: usize| {
        let claim = starts.partition_point(|start| *start <= at) - 1;
        (claim, at - starts[claim])
    };
    let decide_all = || -> Vec<ClaimRecord> {
        let mut records: Vec<ClaimRecord> = plan
            .claims
            .iter()
            .map(|claim| ClaimRecord::new(claim))
            .collect();
        let mut begin = 0;
        while begin < total {
            let end = total.min(begin.saturating_add(BLOCK));
            let outcomes: Vec<(usize, Option<Decided>)> = (begin..end)
                .into_par_iter()
                .with_max_len(1)
                .map(|at| {
                    let (claim, unit) = place(at);
                    let decide =
                        || work[claim].with(unit, |unit| decide(plan, plan.claims[claim], unit));
                    let outcome = settle(claim, unit, &decide);
                    if outcome.is_some() {
                        progress();
                    }
                    (claim, outcome)
                })
                .collect();
            let idle = outcomes.iter().all(|(_, outcome)| outcome.is_none());
            for (claim, outcome) in outcomes {
                match outcome {
                    Some(Ok((case, verdict))) => {
                        records[claim].add(plan.claims[claim], &case, verdict)
                    }
                    Some(Err(reason)) => records[claim].add_unmade(reason),
                    None => records[claim].unfinished += 1,
                }
            }
            begin = end;
            if idle {
                // Stopped: what is left is counted, not visited.
                for ((record, start), units) in records.iter_mut().zip(&starts).zip(&work) {
                    record.unfinished += (start + units.len()).saturating_sub(begin.max(*start));
                }
                break;
            }
        }
        records
    };
    let prove_all = || -> Vec<Certificate> {
        plan.claims
            .par_iter()
            .with_max_len(1)
            .map(|claim| match claim.proof {
                None => Certificate::Absent,
                Some(_) if stop.load(Relaxed) => Certificate::Unread,
                Some(proof) => Certificate::Read((proof.check)()),
            })
            .collect()
    };
    let (mut records, certificates) = rayon::join(decide_all, prove_all);
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
            .fold(0, usize::saturating_add)
    }
}

fn units<'a>(plan: &Plan<'_>, claim: &'a Claim) -> Units<'a> {
    let mut units = Vec::new();
    if let Some(text) = claim.witness {
        units.push(match parse(text, claim.id.as_ref()) {
            Ok(posed) => Unit::ready(AnyCase::new(Origin::Witness, posed, plan.seed)),
            Err(error) => Unit::Unreadable("recorded witness", error.to_string()),
        });
    }
    if let Some(instances) = &plan.only {
        units.extend(instances.iter().map(|(name, posed)| {
            let origin = Origin::File(name.clone());
            Unit::ready(AnyCase::new(origin, posed.clone(), plan.seed))
        }));
        return Units {
            ready: units,
            random: 0,
            attacks: 0,
        };
    }
    match claim.edges(&mut sample::stream(
        plan.seed,
        &format!("{}/edges", claim.id),
        0,
    )) {
        Ok(cases) => units.extend(cases.into_iter().map(Unit::ready)),
        Err(error) => units.push(Unit::Unreadable("edge cases", error.to_string())),
    }
    units.extend(claim.real(plan.seed).into_iter().map(|made| match made {
        Ok(case) => Unit::ready(case),
        Err(error) => Unit::Unreadable("real data", error.to_string()),
    }));
    let cases = plan.cases.unwrap_or(claim.cases());
    Units {
        ready: units,
        random: cases,
        // Searches scale with the number of random cases, and never vanish.
        attacks: match claim.starts() {
            0 => 0,
            starts => starts
                .saturating_mul(cases)
                .div_ceil(claim.cases().max(1))
                .max(1),
        },
    }
}

fn decide(plan: &Plan<'_>, claim: &Claim, unit: &Unit<'_>) -> Decided {
    let made = match unit {
        Unit::Ready(case) => Ok(AnyCase::clone(case)),
        Unit::Random(index) => {
            let mut rng = sample::stream(plan.seed, claim.id, *index as u64);
            claim.draw(*index, &mut rng)
        }
        Unit::Attack(index) => {
            let label = format!("{}/attack", claim.id);
            let mut rng = sample::stream(plan.seed, &label, *index as u64);
            match claim.search(&mut rng) {
                Some(found) => found.map(|case| case.from_origin(Origin::Attack(*index))),
                None => Err(CheckError::Other("no search is defined".to_owned())),
            }
        }
        Unit::Unreadable(what, reason) => Err(CheckError::Other(format!("{what}: {reason}"))),
    };
    let case = made.map_err(|error| error.to_string())?;
    let verdict = claim.decide(&case);
    Ok((case, verdict))
}
